/* What the files of the rules share. */
#ifndef ISHOW_CHAT_RULES_PRIVATE_H
#define ISHOW_CHAT_RULES_PRIVATE_H

#include "chat/rules.h"

#include <unicode/uregex.h>
#include <unicode/uspoof.h>

/* A word of blocked_words, made ready to be looked for. */
struct blocked_word {
    const char *written; /* in the rules */
    UChar *folded;       /* [len], owned */
    int32_t len;
    int anywhere;        /* it has no spaces around it: Chinese, Japanese, Korean */
};

struct rules {
    json_t *doc; /* all keys; the strings and lists below live in it */
    int enabled, say_names, collapse, shared_chat, read_reply_name;
    enum rules_mode mode;
    enum rules_who who, cooldown_exempt; /* WHO_EVERYONE: nobody is exempt */
    enum rules_words words;
    enum rules_emotes emotes, emoji;
    enum rules_links links;
    int emote_max, max_words, max_chars;
    double max_seconds, burst_seconds, merge_seconds, user_cooldown, minimum_amount, minimum_bits, minimum_raid;
    const char *command, *voice;
    const json_t *blocked_users, *muted_users, *bots, *blocked_words, *ignored_prefixes, *voices, *users, *voice_pool,
                 *minimum_amounts;
    json_t *templates; /* owned: those of the language, with the user's own over them */
    URegularExpression **patterns; /* [pattern_count], of blocked_patterns */
    size_t pattern_count;
    USpoofChecker *look_alikes;    /* of letters; NULL when no words are blocked */
    struct blocked_word *words_blocked; /* [word_count] */
    size_t word_count;
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

/* Takes out what nobody can say: controls, invisible and directional characters, marks heaped on a letter; one space
 * for many, none at the ends. Letters that are drawn as signs (𝓗𝓲, Ｈｉ) become letters. */
void chars_clean(struct chars *c);
void chars_collapse(struct chars *c); /* "哈哈哈哈哈哈" → "哈哈哈", "soooooo" → "soo", "lol lol lol" → "lol" */
/* Leaves at most `most` emoji, 0: none; gives how many there were. */
size_t chars_limit_emoji(struct chars *c, size_t most);
/* Cuts at a word to the limits (0: none); 1 when something was cut. */
int chars_cut(struct chars *c, int max_words, int max_chars, double max_seconds);
double chars_seconds(const struct chars *c);  /* to speak it, estimated */
int chars_has_words(const struct chars *c);   /* a letter, digit or emoji */
const char *chars_language(const struct chars *c); /* by script: "zh", "ja", "ko", "ru", "en", …; "" without letters */
/* Numbers that are no numbers in Chinese chats, as they are meant: "666" "六六六", "2333" "哈哈哈". */
void chars_read_slang(struct chars *c);
int cp_is_cjk(uint32_t cp); /* Han, kana, hangul: written without spaces, or not split by them */

int blocked_words_prepare(struct rules *r, struct error *err); /* from r->blocked_words */
void blocked_words_release(struct rules *r);
/* A blocked word that is in the text: whole words where words have spaces ("b a d" and "baaad" are "bad"), anywhere in
 * Chinese, Japanese and Korean, whatever stands between. NULL if there is none; UNCHECKED when that cannot be told. */
#define UNCHECKED "(too long to be checked)"
const char *find_blocked_word(const struct rules *r, const char *text);
/* The pattern that matches, NULL or UNCHECKED. */
const char *find_blocked_pattern(const struct rules *r, const char *text);
/* Equal but for case. */
int same_name(const char *a, const char *b);
/* Folded for comparing: case, width, spaces and punctuation gone. 0, E_NOMEM, or E_LIMIT for what is too long. */
int fold_text(const char *text, struct buf *out);

#endif
