/* See message.h. A message, its strings and its fragments are in one arena. */
#include "chat/message.h"

#include "base/arena.h"
#include "base/utf8.h"

#include <ctype.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

struct counted {
    struct chat_message m; /* the first member: what is handed out */
    atomic_int refs;
    struct arena arena;
};

/* -------- taking a text apart -------- */

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int begins(const char *s, size_t len, const char *with)
{
    const size_t n = strlen(with);
    return len > n && strncasecmp(s, with, n) == 0;
}

/* Where "https://…" or "www.…" begins in a word; `len` if nowhere. Words in Chinese have no space before them. */
static size_t find_address(const char *word, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (begins(word + i, len - i, "https://") || begins(word + i, len - i, "http://") ||
            ((i == 0 || (unsigned char)word[i - 1] >= 0x80) && begins(word + i, len - i, "www.")))
            return i;
    return len;
}

/* Names with a well-known ending and a path or nothing after them: "example.com/x". Plain ASCII: text around it in
 * Chinese is none. */
static int is_host(const char *word, size_t len)
{
    static const char *const endings[] = {".com", ".net",  ".org",  ".tv",     ".gg",   ".io",   ".me",  ".ly", ".be",
                                          ".cn",  ".ru",   ".xyz",  ".shop",   ".site", ".club", ".top", ".cc", ".co",
                                          ".app", ".dev",  ".info", ".online", ".live", ".uk",   ".de",  ".jp", ".kr"};
    size_t host = 0;
    for (; host < len && !strchr("/?#:", word[host]); host++)
        if ((unsigned char)word[host] >= 0x80)
            return 0;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const size_t n = strlen(endings[i]);
        if (host > n && strncasecmp(word + host - n, endings[i], n) == 0 && word[0] != '.')
            return 1;
    }
    return 0;
}

/* How much of a word is the link that it begins with: signs at the end belong to the sentence, and so do Chinese
 * letters. */
static size_t link_length(const char *word, size_t len)
{
    size_t n = 0;
    while (n < len && (unsigned char)word[n] < 0x80)
        n++;
    while (n > 0 && strchr(".,!?;:)]}'\"", word[n - 1]))
        n--;
    return n;
}

/* "@name" of a word that begins with it: up to a sign; and up to Chinese letters, if the name has none. 0: none. */
static size_t mention_length(const char *word, size_t len)
{
    const int plain = len > 1 && (unsigned char)word[1] < 0x80;
    size_t n = 1;
    if (len < 2 || word[0] != '@')
        return 0;
    while (n < len &&
           (isalnum((unsigned char)word[n]) || strchr("_.-", word[n]) || (!plain && (unsigned char)word[n] >= 0x80)))
        n++;
    while (n > 1 && strchr(".-", word[n - 1]))
        n--;
    return n > 1 ? n : 0;
}

void chat_pieces_add(struct chat_pieces *p, enum chat_fragment_kind kind, struct slice text, struct slice id)
{
    struct chat_piece *last = p->count ? &p->items[p->count - 1] : NULL;
    if (text.len == 0)
        return;
    if (last && kind == FRAGMENT_TEXT && last->kind == FRAGMENT_TEXT && last->text.ptr + last->text.len == text.ptr)
        last->text.len += text.len;
    else if (p->count < CHAT_FRAGMENTS_MAX)
        p->items[p->count++] = (struct chat_piece){kind, text, id};
}

static void add_word(struct chat_pieces *p, const char *word, size_t len)
{
    const struct slice none = {"", 0};
    size_t lead = 0;
    while (lead < len && strchr("([{<'\"", word[lead]))
        lead++;
    chat_pieces_add(p, FRAGMENT_TEXT, (struct slice){word, lead}, none);
    word += lead;
    len -= lead;
    const size_t mention = mention_length(word, len), address = find_address(word, len);
    const size_t text = mention || address == len ? 0 : address;
    const size_t link = mention                 ? 0
                        : address < len         ? link_length(word + text, len - text)
                        : is_host(word, link_length(word, len)) ? link_length(word, len)
                                                : 0;
    chat_pieces_add(p, FRAGMENT_TEXT, (struct slice){word, text}, none);
    chat_pieces_add(p, FRAGMENT_MENTION, (struct slice){word, mention}, none);
    chat_pieces_add(p, FRAGMENT_LINK, (struct slice){word + text, link}, none);
    chat_pieces_add(p, FRAGMENT_TEXT, (struct slice){word + text + mention + link, len - text - mention - link}, none);
}

void chat_pieces_add_words(struct chat_pieces *p, struct slice text)
{
    for (size_t at = 0, n; at < text.len; at += n) {
        const char *word = text.ptr + at;
        const int space = is_space(*word);
        for (n = 1; at + n < text.len && is_space(word[n]) == space; n++)
            ;
        if (space)
            chat_pieces_add(p, FRAGMENT_TEXT, (struct slice){word, n}, (struct slice){"", 0});
        else
            add_word(p, word, n);
    }
}

/* The length of what is written between marks at the beginning of a text, with them; 0: nothing is. */
static size_t marked_length(struct slice text, char open, char close)
{
    size_t n = 1;
    if (text.len < 3 || text.ptr[0] != open || isdigit((unsigned char)text.ptr[1])) /* "12:30:45" */
        return 0;
    while (n < text.len && n < CHAT_EMOTE_MAX && text.ptr[n] != close)
        if (strchr(" :[]/", text.ptr[n++]))
            return 0;
    return n > 1 && n < text.len && text.ptr[n] == close ? n + 1 : 0;
}

void chat_pieces_add_marked(struct chat_pieces *p, struct slice text, char open, char close)
{
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        const size_t n = marked_length((struct slice){text.ptr + i, text.len - i}, open, close);
        if (!n)
            continue;
        const struct slice emote = {text.ptr + i, n};
        chat_pieces_add_words(p, (struct slice){text.ptr + from, i - from});
        chat_pieces_add(p, FRAGMENT_EMOTE, emote, emote);
        from = i + n;
        i = from - 1;
    }
    chat_pieces_add_words(p, (struct slice){text.ptr + from, text.len - from});
}

/* -------- making one -------- */

/* A copy cut at a character; NULL when memory has run out. */
static const char *copy(struct arena *a, const char *s, size_t max)
{
    if (!s || !*s)
        return "";
    size_t n = strnlen(s, max + 1);
    if (n > max)
        n = utf8_floor(s, max);
    return arena_strndup(a, s, n);
}

static const char *make_id(struct arena *a)
{
    unsigned char b[16];
    char id[2 * sizeof b + 1];
    if (getrandom(b, sizeof b, 0) != sizeof b)
        memset(b, 0, sizeof b); /* cannot be, once the system is up */
    for (size_t i = 0; i < sizeof b; i++)
        snprintf(id + 2 * i, 3, "%02x", b[i]);
    return arena_strndup(a, id, sizeof id - 1);
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int copy_strings(struct arena *a, const struct chat_message *from, struct chat_message *to)
{
    to->id = from->id && *from->id ? copy(a, from->id, CHAT_ID_MAX) : make_id(a);
    to->channel = copy(a, from->channel, CHAT_NAME_MAX);
    to->user_id = copy(a, from->user_id, CHAT_ID_MAX);
    to->user_name = copy(a, from->user_name, CHAT_NAME_MAX);
    to->login = copy(a, from->login, CHAT_NAME_MAX);
    to->text = copy(a, from->text, CHAT_TEXT_MAX);
    to->item = copy(a, from->item, CHAT_NAME_MAX);
    to->currency = copy(a, from->currency, CHAT_CURRENCY_MAX);
    to->amount_text = copy(a, from->amount_text, CHAT_NAME_MAX);
    to->color = copy(a, from->color, CHAT_COLOR_MAX);
    to->reply_to = copy(a, from->reply_to, CHAT_NAME_MAX);
    return to->id && to->channel && to->user_id && to->user_name && to->login && to->text && to->item && to->currency &&
                   to->amount_text && to->color && to->reply_to
               ? 0
               : E_NOMEM;
}

static int copy_fragments(struct arena *a, const struct chat_pieces *p, struct chat_message *to)
{
    struct chat_fragment *f = arena_alloc(a, p->count * sizeof *f);
    if (!f)
        return p->count ? E_NOMEM : 0;
    for (size_t i = 0; i < p->count; i++) {
        const struct chat_piece *from = &p->items[i];
        f[i].kind = from->kind;
        f[i].text = arena_strndup(a, from->text.ptr, from->text.len);
        f[i].id = arena_strndup(a, from->id.ptr, from->id.len);
        if (!f[i].text || !f[i].id)
            return E_NOMEM;
    }
    to->fragments = f;
    to->fragment_count = p->count;
    return 0;
}

int chat_message_create(const struct chat_message *m, const struct chat_pieces *pieces, struct chat_message **ret)
{
    struct counted *c = calloc(1, sizeof *c);
    struct chat_pieces found = {.count = 0};
    if (!c)
        return E_NOMEM;
    c->m = *m;
    atomic_init(&c->refs, 1);
    int rc = copy_strings(&c->arena, m, &c->m);
    if (!rc && !pieces)
        chat_pieces_add_words(&found, slice_str(c->m.text));
    if (!rc)
        rc = copy_fragments(&c->arena, pieces ? pieces : &found, &c->m);
    if (rc) {
        arena_release(&c->arena);
        free(c);
        return rc;
    }
    if (!c->m.time_ms)
        c->m.time_ms = now_ms();
    if (c->m.count < 1)
        c->m.count = 1;
    *ret = &c->m;
    return 0;
}

struct chat_message *chat_message_ref(struct chat_message *m)
{
    atomic_fetch_add(&((struct counted *)m)->refs, 1);
    return m;
}

void chat_message_unref(struct chat_message *m)
{
    struct counted *c = (struct counted *)m;
    if (!c || atomic_fetch_sub(&c->refs, 1) != 1)
        return;
    arena_release(&c->arena);
    free(c);
}

/* -------- what it is worth -------- */

enum chat_priority chat_priority_of(const struct chat_message *m, const char *own_name)
{
    if (m->amount_micros > 0 || m->kind == CHAT_GIFT || m->kind == CHAT_MEMBER || m->kind == CHAT_GIFTED)
        return CHAT_PAID;
    if (m->roles & (ROLE_OWNER | ROLE_MODERATOR))
        return CHAT_MODERATOR;
    for (size_t i = 0; own_name && *own_name && i < m->fragment_count; i++)
        if (m->fragments[i].kind == FRAGMENT_MENTION && strcasecmp(m->fragments[i].text + 1, own_name) == 0)
            return CHAT_MENTION;
    return CHAT_NORMAL;
}

/* -------- names -------- */

static const char *const platforms[] = {"twitch", "youtube", "bilibili", "other"};
static const char *const kinds[] = {"said", "sticker", "gift", "member", "gifted", "raid", "announced",
                                    "entered", "liked", "followed", "notice"};
static const char *const priorities[] = {"paid", "moderator", "mention", "normal"};

static int find_name(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(name, names[i]) == 0)
            return (int)i;
    return -1;
}

const char *chat_platform_name(enum chat_platform p)
{
    return platforms[p];
}

int chat_platform_parse(const char *name)
{
    return find_name(name, platforms, sizeof platforms / sizeof *platforms);
}

const char *chat_kind_name(enum chat_kind k)
{
    return kinds[k];
}

int chat_kind_parse(const char *name)
{
    return find_name(name, kinds, sizeof kinds / sizeof *kinds);
}

const char *chat_priority_name(enum chat_priority p)
{
    return priorities[p];
}

int chat_priority_parse(const char *name)
{
    return strcasecmp(name, "gift") == 0 ? CHAT_PAID : find_name(name, priorities, CHAT_PRIORITIES);
}
