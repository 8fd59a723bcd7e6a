/* IRC lines with tags (IRCv3 message-tags, as Twitch sends them), taken apart. A pure function over bytes. */
#ifndef ISHOW_CHAT_IRC_H
#define ISHOW_CHAT_IRC_H

#include "base/buf.h"

#define IRC_LINE_MAX   16384 /* bytes: 8191 of tags, 512 of the rest, and Twitch's own generosity */
#define IRC_TAGS_MAX   64
#define IRC_PARAMS_MAX 15

struct irc_tag {
    struct slice key, value; /* the value unescaped */
};

/* Slices of the line, which is changed: tag values are unescaped where they stand. */
struct irc_line {
    struct irc_tag tags[IRC_TAGS_MAX]; /* what is too much is left out */
    size_t tag_count;
    struct slice prefix;  /* "nick!user@host"; empty when there is none */
    struct slice command; /* "PRIVMSG", "376" */
    struct slice params[IRC_PARAMS_MAX];
    size_t param_count;
};

/* `line` without its CR LF. 0, or -1 for what is no IRC: no command, a tag without end, a NUL, no UTF-8. */
int irc_parse(char *line, size_t len, struct irc_line *ret);

/* The value of a tag; empty when it is absent. */
struct slice irc_tag(const struct irc_line *line, const char *key);

/* "nick" out of the prefix. */
struct slice irc_nick(const struct irc_line *line);

/* Takes the first whole line off data[0, len): its length without the line's end in `ret_line`, and gives how many
 * bytes are done with. 0: there is no whole line yet. Ends are LF or CR LF; empty lines have length 0. */
size_t irc_next_line(const char *data, size_t len, size_t *ret_line);

#endif
