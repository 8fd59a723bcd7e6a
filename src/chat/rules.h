/* What of a chat is said, and in what words.
 *
 * A pure decision over one message and what was said before (rules_memory.h): no sockets, no clock but the time given.
 * The answer is the text to be spoken and by which voice, or the reason why not, which the page shows. The rules of a
 * channel are one JSON object (rules_json.c lists its keys, docs/API.md explains them); parsed, they never change. */
#ifndef ISHOW_CHAT_RULES_H
#define ISHOW_CHAT_RULES_H

#include "chat/message.h"

#include <jansson.h>

#define RULES_LIST_MAX     1000 /* names, words, patterns, users of one list */
#define RULES_WORD_MAX     200  /* bytes of one of them */
#define RULES_TEMPLATE_MAX 400  /* bytes */
#define RULES_VOICE_MAX    256  /* bytes of a voice's id */
#define RULES_SPOKEN_MAX   4000 /* bytes of what is spoken */

enum rules_mode { MODE_ALL, MODE_COMMAND, MODE_MENTION };
enum rules_who { WHO_EVERYONE, WHO_MEMBERS, WHO_VIPS, WHO_MODERATORS };
enum rules_words { WORDS_EN, WORDS_ZH }; /* language of templates and of what is said in place of links */
enum rules_emotes { EMOTES_DROP, EMOTES_NAME, EMOTES_LIMIT }; /* of emotes and of emoji */
enum rules_links { LINKS_DROP_MESSAGE, LINKS_OMIT, LINKS_WORD };

struct rules;
int rules_default(struct rules **ret); /* E_NOMEM */
/* An object with some of the keys; the others have their defaults. E_FORMAT: which key, what was expected, what came;
 * an unknown one with the nearest known name. */
int rules_parse(const json_t *json, struct rules **ret, struct error *err);
json_t *rules_json(const struct rules *r); /* all keys; a new reference, NULL when memory has run out */
json_t *rules_templates(void); /* {"en": {"said": …}, "zh": …}, those of who has none; a new reference, NULL likewise */
void rules_free(struct rules *r);          /* accepts NULL */
/* Whether a message is of the user that a rule names: by id, login or the name that is seen, with an @ or without. */
int rules_is_user(const struct chat_message *m, const char *name);
const char *rules_command(const struct rules *r); /* "!tts": what a command begins with */

enum rules_verdict {
    RULES_SAY,
    RULES_MERGE,         /* like one that was let through `merge_seconds` ago at most: merged_id */
    RULES_DISABLED, RULES_KIND, RULES_AMOUNT, RULES_SHARED, RULES_USER, RULES_MUTED, RULES_BOT, RULES_ROLE, RULES_MODE,
    RULES_COMMAND, RULES_WORD, RULES_PATTERN, RULES_LINK, RULES_EMPTY, RULES_COOLDOWN,
};
const char *rules_verdict_name(enum rules_verdict v); /* "say", "word", …: for API and page */

struct rules_decision {
    enum rules_verdict verdict;
    struct buf text;      /* to be spoken; '\0' after its end */
    char voice[RULES_VOICE_MAX + 1]; /* "" the server's default */
    char lang[8];         /* "zh", "en", "ja", "ko", "ru", … of what was written */
    double seconds;       /* that it will take, estimated */
    enum chat_priority priority; /* paid too little counts as not paid */
    char merged_id[CHAT_ID_MAX + 1];
    char because[RULES_WORD_MAX + 1]; /* which word or pattern, or how long to wait; "" */
    unsigned cut : 1;     /* over a limit, so its end is not said */
    uint64_t alike;       /* a hash that those like it have; 0: it is merged with none */
};

struct rules_memory; /* rules_memory.h */

/* `own_name` (or NULL): the channel's, for mentions. `memory` NULL: as if nothing had been said before. `now` in
 * seconds. The decision is zeroed first; release it. E_NOMEM. */
int rules_decide(const struct rules *r, const struct rules_memory *memory, const struct chat_message *m,
                 const char *own_name, double now, struct rules_decision *ret);
void rules_decision_release(struct rules_decision *d);

/* A message that was decided is on its way to be heard: only then do those after it count it as said before. */
void rules_remember(struct rules_memory *memory, const struct chat_message *m, const struct rules_decision *d,
                    double now);

/* Appends "and 40 more messages" in the rules' language: a flood in one sentence. */
int rules_summary(const struct rules *r, size_t count, struct buf *out);
/* Appends what a merged message is: the text, "times 12". */
int rules_times(const struct rules *r, const char *text, int times, struct buf *out);

#endif
