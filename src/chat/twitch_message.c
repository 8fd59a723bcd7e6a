/* See twitch_message.h. Emote positions count code points, both ends inclusive; a text in \x01ACTION …\x01 counts from
 * behind "ACTION ". */
#include "chat/twitch_message.h"

#include "base/arena.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EMOTES_MAX 64
#define MICROS     1000000

struct emote {
    struct slice id;
    size_t first, last; /* code points */
};

/* What a message is put together from; strings live in the arena. */
struct draft {
    struct arena arena;
    struct chat_message m;
    struct chat_pieces pieces; /* of a text with emotes or bits */
    int failed; /* memory has run out */
};

static const char *keep(struct draft *d, struct slice s)
{
    const char *copy = arena_strndup(&d->arena, s.ptr, s.len);
    if (!copy)
        d->failed = 1;
    return copy ? copy : "";
}

/* "12", within [0, most]; `most` for more, 0 for what is no number. */
static int64_t number(struct slice s, int64_t most)
{
    int64_t v = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return 0;
        v = v * 10 + (s.ptr[i] - '0');
        if (v > most)
            return most;
    }
    return v;
}

static struct slice next_part(struct slice *rest, char stop)
{
    const char *p = memchr(rest->ptr, stop, rest->len);
    const struct slice part = {rest->ptr, p ? (size_t)(p - rest->ptr) : rest->len};
    const size_t used = p ? part.len + 1 : part.len;
    *rest = (struct slice){rest->ptr + used, rest->len - used};
    return part;
}

static int by_position(const void *a, const void *b)
{
    const struct emote *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

/* "25:0-4,12-16/1902:6-10" */
static size_t parse_emotes(struct slice tag, struct emote *out)
{
    size_t n = 0;
    while (tag.len) {
        struct slice ranges = next_part(&tag, '/');
        const struct slice id = next_part(&ranges, ':');
        while (ranges.len && n < EMOTES_MAX) {
            struct slice range = next_part(&ranges, ',');
            const struct slice first = next_part(&range, '-');
            const struct emote e = {id, (size_t)number(first, CHAT_TEXT_MAX), (size_t)number(range, CHAT_TEXT_MAX)};
            if (range.len && first.len && e.last >= e.first)
                out[n++] = e;
        }
    }
    qsort(out, n, sizeof *out, by_position);
    return n;
}

/* The byte at which code point `cp` begins, going on from `*byte`, which is that of `*at`. */
static size_t seek(struct slice text, size_t *at, size_t *byte, size_t cp)
{
    uint32_t c;
    for (; *at < cp && *byte < text.len; (*at)++)
        *byte += utf8_decode(text.ptr + *byte, text.len - *byte, &c);
    return *byte;
}

/* "Cheer100": what bits are written with. */
static int is_cheer(struct slice word)
{
    size_t letters = 0;
    while (letters < word.len && ((word.ptr[letters] | 32) >= 'a' && (word.ptr[letters] | 32) <= 'z'))
        letters++;
    size_t digits = letters;
    while (digits < word.len && word.ptr[digits] >= '0' && word.ptr[digits] <= '9')
        digits++;
    return letters > 0 && digits > letters && digits == word.len && word.ptr[letters] != '0';
}

/* Words between emotes; those that bits are written with are left out, for the amount is told on its own. */
static void add_words(struct draft *d, struct slice text)
{
    while (d->m.amount_micros && text.len) {
        const struct slice before = text, word = next_part(&text, ' ');
        if (!is_cheer(word))
            chat_pieces_add_words(&d->pieces, (struct slice){before.ptr, before.len - text.len});
    }
    chat_pieces_add_words(&d->pieces, text);
}

static void take_apart(struct draft *d, struct slice text, struct slice emote_tag)
{
    struct emote emotes[EMOTES_MAX];
    const size_t n = parse_emotes(emote_tag, emotes);
    size_t at = 0, byte = 0, done = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t first = seek(text, &at, &byte, emotes[i].first);
        const size_t last = seek(text, &at, &byte, emotes[i].last + 1);
        if (first < done || last <= first)
            continue; /* overlapping, or behind the end */
        add_words(d, (struct slice){text.ptr + done, first - done});
        chat_pieces_add(&d->pieces, FRAGMENT_EMOTE, (struct slice){text.ptr + first, last - first}, emotes[i].id);
        done = last;
    }
    if (n || d->m.amount_micros)
        add_words(d, (struct slice){text.ptr + done, text.len - done});
}

static unsigned roles(const struct irc_line *line)
{
    struct slice badges = irc_tag(line, "badges");
    unsigned set = slice_eq_str(irc_tag(line, "mod"), "1") ? ROLE_MODERATOR : 0;
    if (slice_eq_str(irc_tag(line, "subscriber"), "1"))
        set |= ROLE_MEMBER;
    if (slice_eq_str(irc_tag(line, "first-msg"), "1"))
        set |= ROLE_FIRST_TIME;
    while (badges.len) {
        struct slice badge = next_part(&badges, ',');
        const struct slice name = next_part(&badge, '/');
        if (slice_eq_str(name, "broadcaster"))
            set |= ROLE_OWNER;
        else if (slice_eq_str(name, "moderator") || slice_eq_str(name, "lead_moderator"))
            set |= ROLE_MODERATOR;
        else if (slice_eq_str(name, "vip"))
            set |= ROLE_VIP;
        else if (slice_eq_str(name, "subscriber") || slice_eq_str(name, "founder"))
            set |= ROLE_MEMBER;
        else if (slice_eq_str(name, "bot-badge"))
            set |= ROLE_BOT;
    }
    return set;
}

/* "#channel" without its sign. */
static struct slice channel_of(const struct irc_line *line)
{
    const struct slice s = line->param_count ? line->params[0] : (struct slice){"", 0};
    return s.len && s.ptr[0] == '#' ? (struct slice){s.ptr + 1, s.len - 1} : s;
}

static void set_user(struct draft *d, const struct irc_line *line)
{
    const struct slice name = irc_tag(line, "display-name");
    struct slice login = irc_tag(line, "login");
    if (login.len == 0)
        login = irc_nick(line);
    d->m.login = keep(d, login);
    d->m.user_name = name.len ? keep(d, name) : d->m.login;
    d->m.user_id = keep(d, irc_tag(line, "user-id"));
    d->m.roles = roles(line);
}

static const struct {
    const char *id;
    enum chat_kind kind;
    const char *count; /* the tag that tells how many, or NULL */
} notices[] = {
    {"sub", CHAT_MEMBER, "msg-param-cumulative-months"},
    {"resub", CHAT_MEMBER, "msg-param-cumulative-months"},
    {"primepaidupgrade", CHAT_MEMBER, NULL},
    {"giftpaidupgrade", CHAT_MEMBER, NULL},
    {"anongiftpaidupgrade", CHAT_MEMBER, NULL},
    {"subgift", CHAT_GIFTED, NULL},
    {"anonsubgift", CHAT_GIFTED, NULL},
    {"submysterygift", CHAT_GIFTED, "msg-param-mass-gift-count"},
    {"anonsubmysterygift", CHAT_GIFTED, "msg-param-mass-gift-count"},
    {"raid", CHAT_RAID, "msg-param-viewerCount"},
    {"announcement", CHAT_ANNOUNCED, NULL},
};

/* 1 when the notice is one of the above. What comes out of a mass gift one by one was told by the mass gift itself. */
static int set_notice(struct draft *d, const struct irc_line *line)
{
    const struct slice id = irc_tag(line, "msg-id"), plan = irc_tag(line, "msg-param-sub-plan");
    if (irc_tag(line, "msg-param-community-gift-id").len && slice_eq_str(id, "subgift"))
        return 0;
    for (size_t i = 0; i < sizeof notices / sizeof *notices; i++) {
        if (!slice_eq_str(id, notices[i].id))
            continue;
        d->m.kind = notices[i].kind;
        if (notices[i].count)
            d->m.count = number(irc_tag(line, notices[i].count), 1000000);
        d->m.item = slice_eq_str(plan, "Prime")  ? "Prime"
                    : slice_eq_str(plan, "2000") ? "Tier 2"
                    : slice_eq_str(plan, "3000") ? "Tier 3"
                                                 : "";
        if (strncmp(notices[i].id, "anon", 4) == 0)
            d->m.roles |= ROLE_ANONYMOUS;
        return 1;
    }
    return 0;
}

static int fill(struct draft *d, const struct irc_line *line)
{
    const int notice = slice_eq_str(line->command, "USERNOTICE");
    if (!notice && !slice_eq_str(line->command, "PRIVMSG"))
        return 0;
    struct slice text = line->param_count > 1 ? line->params[1] : (struct slice){"", 0};
    const struct slice source = irc_tag(line, "source-room-id"), room = irc_tag(line, "room-id");
    const int64_t bits = number(irc_tag(line, "bits"), 100000000);
    static const char action[] = "\x01" "ACTION ";
    if (text.len >= sizeof action - 1 && memcmp(text.ptr, action, sizeof action - 1) == 0) {
        text = (struct slice){text.ptr + sizeof action - 1, text.len - (sizeof action - 1)};
        if (text.len && text.ptr[text.len - 1] == '\x01')
            text.len--;
    }
    set_user(d, line);
    if (notice && !set_notice(d, line))
        return 0;
    d->m.id = keep(d, irc_tag(line, "id"));
    d->m.channel = keep(d, channel_of(line));
    d->m.text = keep(d, text);
    d->m.color = keep(d, irc_tag(line, "color"));
    d->m.reply_to = keep(d, irc_tag(line, "reply-parent-display-name"));
    d->m.time_ms = number(irc_tag(line, "tmi-sent-ts"), INT64_MAX / 20);
    d->m.shared = source.len && !slice_eq(source, room);
    if (bits) {
        char amount[32];
        snprintf(amount, sizeof amount, "%lld bits", (long long)bits);
        d->m.amount_micros = bits * MICROS;
        d->m.currency = "bits";
        d->m.amount_text = keep(d, slice_str(amount));
    }
    take_apart(d, text, irc_tag(line, "emotes"));
    return 1;
}

int twitch_message(const struct irc_line *line, const char *own_name, struct chat_message **ret)
{
    struct draft *d = calloc(1, sizeof *d);
    if (!d)
        return E_NOMEM;
    d->m.platform = CHAT_TWITCH;
    int rc = fill(d, line);
    if (rc && (d->failed || chat_message_create(&d->m, d->pieces.count || d->m.amount_micros ? &d->pieces : NULL, ret)))
        rc = E_NOMEM;
    if (rc == 1)
        (*ret)->priority = chat_priority_of(*ret, own_name);
    arena_release(&d->arena);
    free(d);
    return rc;
}

static void put(char *out, size_t size, struct slice s)
{
    snprintf(out, size, "%.*s", (int)s.len, s.ptr);
}

int twitch_removal(const struct irc_line *line, struct twitch_removal *ret)
{
    const int all = slice_eq_str(line->command, "CLEARCHAT");
    if (!all && !slice_eq_str(line->command, "CLEARMSG"))
        return 0;
    *ret = (struct twitch_removal){0};
    put(ret->channel, sizeof ret->channel, channel_of(line));
    put(ret->message_id, sizeof ret->message_id, all ? (struct slice){"", 0} : irc_tag(line, "target-msg-id"));
    put(ret->user_id, sizeof ret->user_id, all ? irc_tag(line, "target-user-id") : (struct slice){"", 0});
    return all || ret->message_id[0];
}
