/* See rules.h. The questions are asked in the order in which a streamer would: may it be heard at all, may this user, are
 * these words allowed; then the words are made speakable, and only what is left of them counts for the rest. */
#include "chat/rules.h"

#include "base/xxh64.h"
#include "chat/rules_memory.h"
#include "chat/rules_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MICROS       1e6
#define NAME_SPOKEN  40  /* characters of a name that are said */
#define DIGITS_AFTER 3   /* so many at the end of a name are not said: "anna19871" */

const char *rules_verdict_name(enum rules_verdict v)
{
    static const char *const names[] = {"say",  "merge",   "disabled", "kind",    "shared", "user",  "muted",   "bot",
                                        "role", "mode",    "command",  "word",    "pattern", "link", "empty",   "cooldown"};
    return names[v];
}

/* -------- who -------- */

static int is_user(const struct chat_message *m, const char *name)
{
    if (*name == '@')
        name++;
    return (*m->user_id && strcmp(m->user_id, name) == 0) || (*m->login && same_name(m->login, name)) ||
           (*m->user_name && same_name(m->user_name, name));
}

static const char *listed_user(const json_t *list, const struct chat_message *m)
{
    const json_t *item;
    size_t i;
    json_array_foreach(list, i, item)
        if (is_user(m, json_string_value(item)))
            return json_string_value(item);
    return NULL;
}

static int may_speak(const struct rules *r, unsigned roles)
{
    const unsigned moderators = ROLE_OWNER | ROLE_MODERATOR;
    return r->who == WHO_EVERYONE || (roles & moderators) || (r->who != WHO_MODERATORS && (roles & ROLE_VIP)) ||
           (r->who == WHO_MEMBERS && (roles & ROLE_MEMBER));
}

/* Masked by the site, or by the user: "用***", "a***b". */
static int name_is_masked(const struct chat_message *m)
{
    return (m->roles & ROLE_ANONYMOUS) || !*m->user_name || strstr(m->user_name, "**");
}

static const json_t *user_entry(const struct rules *r, const struct chat_message *m)
{
    const json_t *item;
    size_t i;
    json_array_foreach(r->users, i, item)
        if (is_user(m, json_string_value(json_object_get(item, "user"))))
            return item;
    return NULL;
}

/* A name as one would say it: no underscores, no row of digits at its end. */
static int spoken_name(const struct rules *r, const struct chat_message *m, struct buf *out)
{
    const char *nickname = json_string_value(json_object_get(user_entry(r, m), "nickname"));
    struct chars c = {.n = 0};
    chars_add_utf8(&c, nickname && *nickname ? nickname : m->user_name);
    for (size_t i = 0; i < c.n; i++)
        if (c.cp[i] == '_' || c.cp[i] == '-' || c.cp[i] == '.')
            c.cp[i] = ' ';
    chars_limit_emoji(&c, 0);
    chars_clean(&c);
    size_t digits = 0;
    while (digits < c.n && c.cp[c.n - 1 - digits] >= '0' && c.cp[c.n - 1 - digits] <= '9')
        digits++;
    if (digits >= DIGITS_AFTER && digits < c.n && !(nickname && *nickname))
        c.n -= digits;
    chars_collapse(&c);
    chars_cut(&c, 0, NAME_SPOKEN, 0);
    return chars_write(&c, out);
}

/* -------- what -------- */

static enum chat_priority worth(const struct rules *r, const struct chat_message *m)
{
    const double amount = (double)m->amount_micros / MICROS;
    const double least = strcmp(m->currency, "bits") == 0 ? r->minimum_bits : r->minimum_amount;
    if (m->priority == CHAT_PAID && m->amount_micros > 0 && amount < least)
        return m->roles & (ROLE_OWNER | ROLE_MODERATOR) ? CHAT_MODERATOR : CHAT_NORMAL;
    return m->priority;
}

static int begins_with_word(const char *text, const char *word)
{
    const size_t n = strlen(word);
    return strncasecmp(text, word, n) == 0 && (text[n] == '\0' || text[n] == ' ');
}

static int mentions(const struct chat_message *m, const char *name)
{
    for (size_t i = 0; name && *name && i < m->fragment_count; i++)
        if (m->fragments[i].kind == FRAGMENT_MENTION && same_name(m->fragments[i].text + 1, name))
            return 1;
    return 0;
}

/* Of the message as it was written. */
static enum rules_verdict judge(const struct rules *r, const struct chat_message *m, const char *own_name,
                                enum chat_priority priority, const char **ret_because)
{
    const int paid = priority == CHAT_PAID;
    const json_t *item;
    size_t i;
    if (!r->enabled)
        return RULES_DISABLED;
    if (m->shared && !r->shared_chat)
        return RULES_SHARED;
    if ((*ret_because = listed_user(r->blocked_users, m)))
        return RULES_USER;
    if ((*ret_because = listed_user(r->muted_users, m)))
        return RULES_MUTED;
    if ((m->roles & ROLE_BOT) || (*ret_because = listed_user(r->bots, m)))
        return RULES_BOT;
    if (m->kind == CHAT_SAID && !paid) {
        const int command = begins_with_word(m->text, r->command);
        if (!may_speak(r, m->roles))
            return RULES_ROLE;
        if ((r->mode == MODE_COMMAND && !command) || (r->mode == MODE_MENTION && !mentions(m, own_name)))
            return RULES_MODE;
        if (!(r->mode == MODE_COMMAND && command))
            json_array_foreach(r->ignored_prefixes, i, item)
                if (strncmp(m->text, json_string_value(item), strlen(json_string_value(item))) == 0)
                    return RULES_COMMAND;
    }
    if (m->kind == CHAT_RAID && (double)m->count < r->minimum_raid)
        return RULES_KIND;
    if ((*ret_because = find_blocked_word(r->blocked_words, m->text)))
        return RULES_WORD;
    if ((*ret_because = find_blocked_pattern(r, m->text)))
        return RULES_PATTERN;
    for (size_t k = 0; r->links == LINKS_DROP_MESSAGE && k < m->fragment_count; k++)
        if (m->fragments[k].kind == FRAGMENT_LINK)
            return RULES_LINK;
    return RULES_SAY;
}

/* -------- in what words -------- */

static void add_emote(const struct rules *r, const char *name, size_t *count, struct chars *out)
{
    (*count)++;
    if (r->emotes == EMOTES_DROP || (r->emotes == EMOTES_LIMIT && *count > (size_t)r->emote_max))
        return;
    chars_add(out, ' ');
    chars_add_utf8(out, name);
    chars_add(out, ' ');
}

/* The text of a message, speakable. */
static void speakable(const struct rules *r, const struct chat_message *m, struct chars *out)
{
    size_t emotes = 0, skip = 0;
    size_t i = 0;
    if (r->mode == MODE_COMMAND && begins_with_word(m->text, r->command))
        skip = strlen(r->command);
    if (*m->reply_to && !r->read_reply_name && m->fragment_count && m->fragments[0].kind == FRAGMENT_MENTION)
        i = 1;
    for (; i < m->fragment_count; i++) {
        const struct chat_fragment *f = &m->fragments[i];
        switch (f->kind) {
        case FRAGMENT_TEXT:
            chars_add_utf8(out, f->text + (strlen(f->text) >= skip ? skip : 0));
            skip = 0;
            break;
        case FRAGMENT_EMOTE: add_emote(r, f->text, &emotes, out); break;
        case FRAGMENT_MENTION: chars_add_utf8(out, f->text + 1); break;
        case FRAGMENT_LINK:
            if (r->links == LINKS_WORD)
                chars_add_utf8(out, r->words == WORDS_ZH ? "链接" : "link");
            break;
        }
    }
    if (r->emoji != EMOTES_NAME)
        chars_limit_emoji(out, r->emoji == EMOTES_DROP ? 0 : (size_t)r->emote_max);
    chars_clean(out);
    if (r->collapse)
        chars_collapse(out);
}

struct values {
    struct buf name, text, amount;
    char count[24];
    const char *item;
};

/* The value of "%name%"; NULL for a word that is none. */
static const char *value_of(const struct values *v, const char *word, size_t n)
{
    const struct {
        const char *word, *value;
    } all[] = {{"name", v->name.ptr}, {"text", v->text.ptr}, {"amount", v->amount.ptr}, {"count", v->count},
               {"item", v->item}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strlen(all[i].word) == n && memcmp(all[i].word, word, n) == 0)
            return all[i].value ? all[i].value : "";
    return NULL;
}

/* "[…]" is left out when a value in it is empty. */
static int expand(const char *template, size_t len, const struct values *v, struct buf *out, int *ret_empty)
{
    for (size_t i = 0; i < len; i++) {
        const char *at = template + i;
        if (*at == '[') {
            const char *end = memchr(at, ']', len - i);
            const size_t n = end ? (size_t)(end - at) - 1 : len - i - 1, before = out->len;
            int empty = 0;
            if (expand(at + 1, n, v, out, &empty))
                return E_NOMEM;
            if (empty) {
                out->len = before;
                if (out->ptr)
                    out->ptr[before] = '\0';
            }
            i += n + (end ? 1 : 0);
        } else if (*at == '%') {
            const char *end = memchr(at + 1, '%', len - i - 1);
            const size_t n = end ? (size_t)(end - at) - 1 : 0;
            const char *value = end ? value_of(v, at + 1, n) : NULL;
            if (value ? buf_add_str(out, value) : buf_add_char(out, '%'))
                return E_NOMEM;
            if (value) {
                *ret_empty |= !*value;
                i += n + 1;
            }
        } else if (buf_add_char(out, *at)) {
            return E_NOMEM;
        }
    }
    return buf_reserve(out, 0);
}

static const char *template_name(const struct chat_message *m, enum chat_priority priority)
{
    return m->kind == CHAT_SAID ? (priority == CHAT_PAID ? "paid" : "said") : chat_kind_name(m->kind);
}

static int fill_values(const struct rules *r, const struct chat_message *m, const struct chars *text, int with_name,
                       struct values *v)
{
    struct chars item = {.n = 0};
    if (m->count > 1)
        snprintf(v->count, sizeof v->count, "%lld", (long long)m->count);
    chars_add_utf8(&item, m->amount_text);
    v->item = m->item;
    return chars_write(text, &v->text) || chars_write(&item, &v->amount) ||
                   (with_name && !name_is_masked(m) ? spoken_name(r, m, &v->name) : buf_reserve(&v->name, 0))
               ? E_NOMEM
               : 0;
}

static void choose_voice(const struct rules *r, const struct chat_message *m, struct rules_decision *ret)
{
    const char *own = json_string_value(json_object_get(user_entry(r, m), "voice"));
    const char *by_language = json_string_value(json_object_get(r->voices, ret->lang));
    if (!by_language)
        by_language = json_string_value(json_object_get(r->voices, "other"));
    snprintf(ret->voice, sizeof ret->voice, "%s", own && *own ? own : by_language && *by_language ? by_language : r->voice);
}

/* -------- what was before -------- */

static const char *user_key(const struct chat_message *m)
{
    return *m->user_id ? m->user_id : *m->login ? m->login : m->user_name;
}

static int hash_text(const char *text, uint64_t *ret)
{
    struct buf folded = BUF_INIT;
    int rc = fold_text(text, &folded);
    if (!rc && folded.len == 0) /* emoji alone */
        rc = buf_add_str(&folded, text);
    if (!rc)
        *ret = xxh64(folded.ptr, folded.len, 0);
    buf_release(&folded);
    return rc;
}

/* The text and then its words: 0 or E_NOMEM. */
static int say(const struct rules *r, struct rules_memory *memory, const struct chat_message *m, struct chars *text,
               double now, struct rules_decision *ret)
{
    const char *template = rules_template(r, template_name(m, ret->priority));
    struct values v = {.item = ""};
    int empty = 0, rc;
    const int burst = memory && m->kind == CHAT_SAID && ret->priority != CHAT_PAID &&
                      memory_is_burst(memory, user_key(m), now, r->burst_seconds);
    ret->cut = chars_cut(text, r->max_words, r->max_chars, r->max_seconds) != 0;
    snprintf(ret->lang, sizeof ret->lang, "%s", chars_language(text));
    choose_voice(r, m, ret);
    rc = fill_values(r, m, text, r->say_names && !burst, &v);
    if (!rc)
        rc = expand(template, strlen(template), &v, &ret->text, &empty);
    if (!rc) {
        struct chars all = {.n = 0};
        chars_add_utf8(&all, ret->text.ptr);
        ret->seconds = chars_seconds(&all);
        if (memory)
            memory_user_spoke(memory, user_key(m), now);
    }
    buf_release(&v.name);
    buf_release(&v.text);
    buf_release(&v.amount);
    return rc;
}

/* 1 when it is like something that was let through lately; then it is merged into that. */
static int is_repeated(const struct rules *r, struct rules_memory *memory, const struct chat_message *m,
                       const struct chars *text, double now, struct rules_decision *ret, int *ret_rc)
{
    struct buf written = BUF_INIT;
    uint64_t hash = 0;
    *ret_rc = chars_write(text, &written) || hash_text(written.ptr, &hash) ? E_NOMEM : 0;
    buf_release(&written);
    if (*ret_rc)
        return 0;
    const char *id = memory_find_text(memory, hash, now, r->merge_seconds);
    if (id)
        snprintf(ret->merged_id, sizeof ret->merged_id, "%s", id);
    else
        memory_keep_text(memory, hash, m->id, now);
    return id != NULL;
}

int rules_decide(const struct rules *r, struct rules_memory *memory, const struct chat_message *m, const char *own_name,
                 double now, struct rules_decision *ret)
{
    struct chars text = {.n = 0};
    const char *because = NULL;
    int rc = 0;
    memset(ret, 0, sizeof *ret);
    ret->priority = worth(r, m);
    const int free_speech = m->kind == CHAT_SAID && ret->priority != CHAT_PAID;
    ret->verdict = judge(r, m, own_name, ret->priority, &because);
    if (because)
        snprintf(ret->because, sizeof ret->because, "%s", because);
    if (ret->verdict != RULES_SAY)
        return 0;
    if (!*rules_template(r, template_name(m, ret->priority))) {
        ret->verdict = RULES_KIND;
        return 0;
    }
    speakable(r, m, &text);
    if (free_speech && !chars_has_words(&text)) {
        ret->verdict = RULES_EMPTY;
    } else if (free_speech && memory && r->user_cooldown > memory_user_age(memory, user_key(m), now)) {
        snprintf(ret->because, sizeof ret->because, "%.0f s",
                 ceil(r->user_cooldown - memory_user_age(memory, user_key(m), now)));
        ret->verdict = RULES_COOLDOWN;
    } else if (free_speech && memory && r->merge_seconds > 0 && is_repeated(r, memory, m, &text, now, ret, &rc)) {
        ret->verdict = RULES_MERGE;
    } else if (!rc) {
        rc = say(r, memory, m, &text, now, ret);
    }
    if (rc)
        rules_decision_release(ret);
    return rc;
}

void rules_decision_release(struct rules_decision *d)
{
    buf_release(&d->text);
}

int rules_summary(const struct rules *r, size_t count, struct buf *out)
{
    return buf_addf(out, r->words == WORDS_ZH ? "还有%zu条弹幕" : "and %zu more messages", count);
}

int rules_times(const struct rules *r, const char *text, int times, struct buf *out)
{
    return buf_addf(out, r->words == WORDS_ZH ? "%s，%d次" : "%s, times %d", text, times);
}
