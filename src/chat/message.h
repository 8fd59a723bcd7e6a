/* One thing that happened in a chat, whatever site it came from.
 *
 * Sources (source.h) make messages, rules (rules.h) decide what of them is spoken, the queue (chat_queue.h) when. A
 * message never changes once it is made and is reference-counted, so queue, page and log share one. */
#ifndef ISHOW_CHAT_MESSAGE_H
#define ISHOW_CHAT_MESSAGE_H

#include "base/buf.h"
#include "base/error.h"

#include <jansson.h>
#include <stdint.h>

#define CHAT_TEXT_MAX      2000 /* bytes of what a user wrote; sites allow 500 characters and less */
#define CHAT_NAME_MAX      200  /* bytes of a name */
#define CHAT_ID_MAX        128  /* bytes of an id of the site's */
#define CHAT_CURRENCY_MAX  16
#define CHAT_COLOR_MAX     7
#define CHAT_FRAGMENTS_MAX 128
#define CHAT_EMOTE_MAX     48 /* bytes of one that is written between marks */

enum chat_platform { CHAT_TWITCH, CHAT_YOUTUBE, CHAT_BILIBILI, CHAT_OTHER };

enum chat_kind {
    CHAT_SAID,     /* a user's message; with an amount it was paid for (bits, super chat) */
    CHAT_STICKER,  /* a paid picture; `text` says what it shows, if the site tells */
    CHAT_GIFT,     /* `item` times `count` */
    CHAT_MEMBER,   /* subscribed, became a member, bought guard: `item` names the tier, `count` the months */
    CHAT_GIFTED,   /* `count` memberships given to others */
    CHAT_RAID,     /* `count` viewers */
    CHAT_ANNOUNCED,
    CHAT_ENTERED, CHAT_LIKED, CHAT_FOLLOWED,
    CHAT_NOTICE,   /* of the site or of this program; never spoken by default */
};

enum chat_role {
    ROLE_OWNER = 1, ROLE_MODERATOR = 2, ROLE_VIP = 4, ROLE_MEMBER = 8, ROLE_FIRST_TIME = 16, ROLE_BOT = 32,
    ROLE_ANONYMOUS = 64, /* the site masks the name */
};

/* From most to least; the original's names are Gift, Paid, Moderator, Mention, Normal. */
enum chat_priority { CHAT_PAID, CHAT_MODERATOR, CHAT_MENTION, CHAT_NORMAL, CHAT_PRIORITIES };

enum chat_fragment_kind { FRAGMENT_TEXT, FRAGMENT_EMOTE, FRAGMENT_MENTION, FRAGMENT_LINK };

struct chat_fragment {
    enum chat_fragment_kind kind;
    const char *text; /* as it stands in the message: "Kappa", "@name", "https://…" */
    const char *id;   /* of an emote, for its picture; "" else */
};

/* Strings are UTF-8, never NULL. */
struct chat_message {
    const char *id;       /* unique: the site's, or made here */
    enum chat_platform platform;
    const char *channel;  /* lower case where the site does not care */
    enum chat_kind kind;
    const char *user_id, *user_name; /* "" when the site does not tell; user_name is for eyes and ears */
    const char *login;    /* what a mention is written with; "" if there is none */
    unsigned roles;       /* of enum chat_role */
    enum chat_priority priority;
    const char *text;     /* what was written, as a whole */
    const struct chat_fragment *fragments; /* the same taken apart; [fragment_count] */
    size_t fragment_count;
    const char *item;     /* gift, tier */
    int64_t count;        /* of the item, 1 when it is not told */
    int64_t amount_micros; /* money, or bits times a million; 0: not paid */
    const char *currency; /* "EUR", "CNY", "bits"; "" */
    const char *amount_text; /* as the site writes it, "€5.00" */
    const char *color;    /* "#RRGGBB" or "" */
    const char *reply_to; /* user name of what it answers, or "" */
    int64_t time_ms;      /* since 1970 */
    int shared;           /* from another channel's shared chat */
};

/* A text taken apart, before it is a message: slices of it. */
struct chat_piece {
    enum chat_fragment_kind kind;
    struct slice text;
    struct slice id; /* of an emote */
};
struct chat_pieces {
    struct chat_piece items[CHAT_FRAGMENTS_MAX];
    size_t count;
};
/* Text after text becomes one piece if they stand side by side; what is too much is left out. */
void chat_pieces_add(struct chat_pieces *p, enum chat_fragment_kind kind, struct slice text, struct slice id);
/* Finds the links and @mentions in it. */
void chat_pieces_add_words(struct chat_pieces *p, struct slice text);
/* The same, and emotes that sites write as words between marks: ":hand-waving:", "[doge]". */
void chat_pieces_add_marked(struct chat_pieces *p, struct slice text, char open, char close);

/* Makes a message out of `m`, whose strings are copied and cut at a character to the limits above; NULL ones become "".
 * Its fragments are those `pieces`; NULL: links and mentions are looked for in the text. An empty id gets one, no time
 * is now, no count is 1. E_NOMEM. */
int chat_message_create(const struct chat_message *m, const struct chat_pieces *pieces, struct chat_message **ret);
struct chat_message *chat_message_ref(struct chat_message *m); /* any thread */
void chat_message_unref(struct chat_message *m);               /* any thread; accepts NULL */

/* paid > moderator > mention > normal, from amount, roles and whether `own_name` (may be NULL) is mentioned. */
enum chat_priority chat_priority_of(const struct chat_message *m, const char *own_name);

/* In lower case; parsing takes any case and gives -1 for other words. "gift" is a priority of the original's: paid. */
const char *chat_platform_name(enum chat_platform p);
int chat_platform_parse(const char *name);
const char *chat_kind_name(enum chat_kind k);
int chat_kind_parse(const char *name);
const char *chat_priority_name(enum chat_priority p);
int chat_priority_parse(const char *name);

/* The original's NormalizedMessage or our own JSON (docs/API.md): E_FORMAT says which field and what was expected. */
int chat_message_read(const json_t *json, struct chat_message **ret, struct error *err);
int chat_message_parse(const char *json, size_t len, struct chat_message **ret, struct error *err);
/* Our own JSON, a new reference; NULL when memory has run out. */
json_t *chat_message_json(const struct chat_message *m);

#endif
