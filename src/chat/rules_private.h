/* What the files of the rules share. */
#ifndef ISHOW_CHAT_RULES_PRIVATE_H
#define ISHOW_CHAT_RULES_PRIVATE_H

#include "chat/rules.h"

#include <unicode/uregex.h>

struct rules {
    json_t *doc; /* all keys; the strings and lists below live in it */
    int enabled, say_names, collapse, shared_chat, read_reply_name;
    enum rules_mode mode;
    enum rules_who who;
    enum rules_words words;
    enum rules_emotes emotes, emoji;
    enum rules_links links;
    int emote_max, max_words, max_chars;
    double max_seconds, burst_seconds, merge_seconds, user_cooldown, minimum_amount, minimum_bits, minimum_raid;
    const char *command, *voice;
    const json_t *blocked_users, *muted_users, *bots, *blocked_words, *ignored_prefixes, *voices, *users;
    json_t *templates; /* owned: those of the language, with the user's own over them */
    URegularExpression **patterns; /* [pattern_count], of blocked_patterns */
    size_t pattern_count;
};

/* The template of a kind in the rules' language, "" when nothing is to be said. */
const char *rules_template(const struct rules *r, const char *name);

/* A text as code points while it is cleaned. */
#define CHARS_MAX 4096
struct chars {
    uint32_t cp[CHARS_MAX];
    size_t n;
};
void chars_add(struct chars *c, uint32_t cp); /* what is too much is left out */
void chars_add_utf8(struct chars *c, const char *s);
int chars_write(const struct chars *c, struct buf *out); /* appends UTF-8; 0 or E_NOMEM */

/* Takes out what nobody can say: controls, invisible and directional characters, marks heaped on a letter; one space for
 * many, none at the ends. */
void chars_clean(struct chars *c);
void chars_collapse(struct chars *c); /* "哈哈哈哈哈哈" → "哈哈哈", "soooooo" → "soo", "lol lol lol" → "lol" */
/* Leaves at most `most` emoji, 0: none; gives how many there were. */
size_t chars_limit_emoji(struct chars *c, size_t most);
/* Cuts at a word to the limits (0: none); 1 when something was cut. */
int chars_cut(struct chars *c, int max_words, int max_chars, double max_seconds);
double chars_seconds(const struct chars *c);  /* to speak it, estimated */
int chars_has_words(const struct chars *c);   /* a letter, digit or emoji */
const char *chars_language(const struct chars *c); /* by script: "zh", "ja", "ko", "ru", "en", … */
int cp_is_cjk(uint32_t cp); /* Han, kana, hangul: written without spaces, or not split by them */

/* A blocked word that is in the text: whole words where words have spaces, anywhere in Chinese, Japanese and Korean, whatever
 * stands between. NULL if there is none. E_NOMEM is taken for "none". */
const char *find_blocked_word(const json_t *words, const char *text);
/* The pattern that matches, or NULL. */
const char *find_blocked_pattern(const struct rules *r, const char *text);
/* Equal but for case. */
int same_name(const char *a, const char *b);
/* Folded for comparing: case, width, spaces and punctuation gone. 0 or E_NOMEM. */
int fold_text(const char *text, struct buf *out);

#endif
