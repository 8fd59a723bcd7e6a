/* What Twitch says in IRC (dev.twitch.tv/docs/chat/irc), as messages and removals. Pure functions. */
#ifndef ISHOW_CHAT_TWITCH_MESSAGE_H
#define ISHOW_CHAT_TWITCH_MESSAGE_H

#include "chat/irc.h"
#include "chat/message.h"

/* PRIVMSG and USERNOTICE. `own_name` (or NULL) is whom a mention makes a priority of: the channel's. 1 and a message,
 * 0 when the line is another, or E_NOMEM. */
int twitch_message(const struct irc_line *line, const char *own_name, struct chat_message **ret);

/* CLEARCHAT and CLEARMSG: 1 and whom it concerns (both "": everything), or 0. */
struct twitch_removal {
    char channel[CHAT_NAME_MAX + 1], message_id[CHAT_ID_MAX + 1], user_id[CHAT_ID_MAX + 1];
};
int twitch_removal(const struct irc_line *line, struct twitch_removal *ret);

#endif
