/* See rules.h. The questions are asked in the order in which a streamer would: may it be heard at all, may this user,
 * are these words allowed; then the words are made speakable, and only what is left of them counts for the rest. */
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
    static const char *const names[] = {"say",  "merge",   "disabled", "kind",  "amount",  "shared",
                                        "user", "muted",   "bot",      "role",  "mode",    "command",
                                        "word", "pattern", "link",     "empty", "cooldown"};
    return names[v];
}

/* -------- who -------- */

int rules_is_user(const struct chat_message *m, const char *name)
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
        if (rules_is_user(m, json_string_value(item)))
            return json_string_value(item);
    return NULL;
}

static int has_rank(unsigned roles, enum rules_who least)
{
    const unsigned moderators = ROLE_OWNER | ROLE_MODERATOR;
    return least == WHO_EVERYONE || (roles & moderators) || (least != WHO_MODERATORS && (roles & ROLE_VIP)) ||
           (least == WHO_MEMBERS && (roles & ROLE_MEMBER));
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
        if (rules_is_user(m, json_string_value(json_object_get(item, "user"))))
            return item;
    return NULL;
}

/* A name as one would say it: no underscores, no row of digits at its end. */
static void name_chars(const char *name, int digits_too, struct chars *ret)
{
    size_t digits = 0;
    ret->n = 0;
    chars_add_utf8(ret, name);
    for (size_t i = 0; i < ret->n; i++)
        if (ret->cp[i] == '_' || ret->cp[i] == '-' || ret->cp[i] == '.')
            ret->cp[i] = ' ';
    chars_limit_emoji(ret, 0);
    chars_clean(ret);
    while (digits < ret->n && ret->cp[ret->n - 1 - digits] >= '0' && ret->cp[ret->n - 1 - digits] <= '9')
        digits++;
    if (digits >= DIGITS_AFTER && digits < ret->n && !digits_too)
        ret->n -= digits;
    chars_collapse(ret);
    chars_cut(ret, 0, NAME_SPOKEN, 0);
}

/* Nothing, for a name that must not be said. */
static int spoken_name(const struct rules *r, const struct chat_message *m, struct buf *out)
{
    const char *nickname = json_string_value(json_object_get(user_entry(r, m), "nickname"));
    const int named = nickname && *nickname;
    struct chars c = {.n = 0};
    if (named || (!name_is_masked(m) && !find_blocked_word(r, m->user_name)))
        name_chars(named ? nickname : m->user_name, named, &c);
    return chars_write(&c, out);
}

/* -------- what -------- */

static int is_too_little(const struct rules *r, const struct chat_message *m)
{
    const json_t *own = json_object_get(r->minimum_amounts, m->currency);
    const double least = own                               ? json_number_value(own)
                         : strcmp(m->currency, "bits") == 0 ? r->minimum_bits
                                                            : r->minimum_amount;
    return (double)m->amount_micros / MICROS < least;
}

static enum chat_priority worth(const struct rules *r, const struct chat_message *m)
{
    if (m->priority == CHAT_PAID && m->amount_micros > 0 && is_too_little(r, m))
        return m->roles & (ROLE_OWNER | ROLE_MODERATOR) ? CHAT_MODERATOR : CHAT_NORMAL;
    return m->priority;
}

static int begins_with_word(const char *text, const char *word)
{
    const size_t n = strlen(word);
    return strncasecmp(text, word, n) == 0 && (text[n] == '\0' || text[n] == ' ');
}

/* "!song" begins with "!", "!!! wow" does not. */
static int begins_with_prefix(const char *text, const char *prefix)
{
    const size_t n = strlen(prefix);
    return strncmp(text, prefix, n) == 0 && strncmp(text + n, prefix, n) != 0;
}

/* The text without the "@name" that a reply begins with. */
static const char *own_words(const struct chat_message *m)
{
    const size_t n = *m->reply_to && m->fragment_count && m->fragments[0].kind == FRAGMENT_MENTION
                         ? strlen(m->fragments[0].text)
                         : 0;
    const char *text = m->text + (strncmp(m->text, m->fragment_count ? m->fragments[0].text : "", n) == 0 ? n : 0);
    return text + strspn(text, " ");
}

static int mentions(const struct chat_message *m, const char *name)
{
    for (size_t i = 0; name && *name && i < m->fragment_count; i++)
        if (m->fragments[i].kind == FRAGMENT_MENTION && same_name(m->fragments[i].text + 1, name))
            return 1;
    return 0;
}

static enum rules_verdict judge_words(const struct rules *r, const char *text, const char **ret_because)
{
    if ((*ret_because = find_blocked_word(r, text)))
        return RULES_WORD;
    return (*ret_because = find_blocked_pattern(r, text)) ? RULES_PATTERN : RULES_SAY;
}

/* Of the message as it was written. */
static enum rules_verdict judge(const struct rules *r, const struct chat_message *m, const char *own_name,
                                enum chat_priority priority, const char **ret_because)
{
    const int paid = priority == CHAT_PAID;
    const char *text = own_words(m);
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
        const int command = begins_with_word(text, r->command);
        if (!has_rank(m->roles, r->who))
            return RULES_ROLE;
        if ((r->mode == MODE_COMMAND && !command) || (r->mode == MODE_MENTION && !mentions(m, own_name)))
            return RULES_MODE;
        if (!command)
            json_array_foreach(r->ignored_prefixes, i, item)
                if (begins_with_prefix(text, json_string_value(item)))
                    return RULES_COMMAND;
    }
    if (m->kind == CHAT_RAID && (double)m->count < r->minimum_raid)
        return RULES_KIND;
    if ((m->kind == CHAT_GIFT || m->kind == CHAT_STICKER) && is_too_little(r, m))
        return RULES_AMOUNT;
    const enum rules_verdict words = judge_words(r, m->text, ret_because);
    if (words != RULES_SAY)
        return words;
    for (size_t k = 0; r->links == LINKS_DROP_MESSAGE && !paid && k < m->fragment_count; k++)
        if (m->fragments[k].kind == FRAGMENT_LINK)
            return RULES_LINK;
    return RULES_SAY;
}

/* -------- in what words -------- */

/* Its name: "Kappa", ":hand-waving:", "[doge]"; faces like ":)" have none. */
static void add_emote(const struct rules *r, const char *name, size_t *count, struct chars *out)
{
    struct chars c;
    size_t n = 0;
    name_chars(name + strspn(name, ":;[<("), 1, &c);
    while (n < c.n && c.cp[n] != ':' && c.cp[n] != ']' && c.cp[n] != ')')
        n++;
    if (n < 2)
        return;
    (*count)++;
    if (r->emotes == EMOTES_DROP || (r->emotes == EMOTES_LIMIT && *count > (size_t)r->emote_max))
        return;
    chars_add(out, ' ');
    for (size_t i = 0; i < n; i++)
        chars_add(out, c.cp[i]);
    chars_add(out, ' ');
}

/* Numbers and emoji alone are in the streamer's language. */
static const char *language(const struct rules *r, const struct chars *text)
{
    const char *found = chars_language(text);
    return *found ? found : r->words == WORDS_ZH ? "zh" : "en";
}

/* The text of a message, speakable. */
static void speakable(const struct rules *r, const struct chat_message *m, struct chars *out)
{
    const size_t command = begins_with_word(own_words(m), r->command) ? strlen(r->command) : 0;
    int at_start = 1;
    size_t emotes = 0, i = 0;
    struct chars name;
    if (*m->reply_to && !r->read_reply_name && m->fragment_count && m->fragments[0].kind == FRAGMENT_MENTION)
        i = 1;
    for (; i < m->fragment_count; i++, at_start = 0) {
        const struct chat_fragment *f = &m->fragments[i];
        const size_t space = at_start ? strspn(f->text, " ") : 0;
        switch (f->kind) {
        case FRAGMENT_TEXT:
            chars_add_utf8(out,
                           f->text + space + (at_start && begins_with_word(f->text + space, r->command) ? command : 0));
            break;
        case FRAGMENT_EMOTE: add_emote(r, f->text, &emotes, out); break;
        case FRAGMENT_MENTION:
            name_chars(f->text + 1, 0, &name);
            for (size_t k = 0; k < name.n; k++)
                chars_add(out, name.cp[k]);
            break;
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
    if (strcmp(language(r, out), "zh") == 0)
        chars_read_slang(out);
}

struct values {
    struct buf name, text, amount, item;
    char count[24];
    const char *nobody; /* in place of a name that is not said, where one must be */
};

/* The value of "%name%"; NULL for a word that is none. */
static const char *value_of(const struct values *v, const char *word, size_t n)
{
    const struct {
        const char *word, *value;
    } all[] = {{"name", v->name.ptr}, {"text", v->text.ptr}, {"amount", v->amount.ptr}, {"count", v->count},
               {"item", v->item.ptr}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strlen(all[i].word) == n && memcmp(all[i].word, word, n) == 0)
            return all[i].value ? all[i].value : "";
    return NULL;
}

/* "[…]" is left out when a value in it is empty. */
static int expand(const char *template, size_t len, const struct values *v, int in_brackets, struct buf *out,
                  int *ret_empty)
{
    for (size_t i = 0; i < len; i++) {
        const char *at = template + i;
        if (*at == '[') {
            const char *end = memchr(at, ']', len - i);
            const size_t n = end ? (size_t)(end - at) - 1 : len - i - 1, before = out->len;
            int empty = 0;
            if (expand(at + 1, n, v, 1, out, &empty))
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
            if (value && !*value && !in_brackets && at[1] == 'n')
                value = v->nobody;
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
    struct chars item = {.n = 0}, amount = {.n = 0};
    char plain[64];
    if (m->count > 1)
        snprintf(v->count, sizeof v->count, "%lld", (long long)m->count);
    if (m->amount_micros > 0)
        snprintf(plain, sizeof plain, "%.15g %s", (double)m->amount_micros / MICROS, m->currency);
    chars_add_utf8(&amount, *m->amount_text || m->amount_micros <= 0 ? m->amount_text : plain);
    chars_add_utf8(&item, m->item);
    chars_clean(&amount);
    chars_clean(&item);
    v->nobody = r->words == WORDS_ZH ? "有人" : "someone";
    return chars_write(text, &v->text) || chars_write(&amount, &v->amount) || chars_write(&item, &v->item) ||
                   (with_name ? spoken_name(r, m, &v->name) : buf_reserve(&v->name, 0))
               ? E_NOMEM
               : 0;
}

static const char *user_key(const struct chat_message *m)
{
    return *m->user_id ? m->user_id : *m->login ? m->login : m->user_name;
}

/* Each user keeps the one that falls to the name. */
static const char *pooled_voice(const struct rules *r, const struct chat_message *m)
{
    const size_t count = json_array_size(r->voice_pool);
    const char *key = user_key(m);
    return count ? json_string_value(json_array_get(r->voice_pool, xxh64(key, strlen(key), 0) % count)) : r->voice;
}

static void choose_voice(const struct rules *r, const struct chat_message *m, struct rules_decision *ret)
{
    const char *own = json_string_value(json_object_get(user_entry(r, m), "voice"));
    const char *by_language = json_string_value(json_object_get(r->voices, ret->lang));
    if (!by_language)
        by_language = json_string_value(json_object_get(r->voices, "other"));
    snprintf(ret->voice, sizeof ret->voice, "%s", own && *own                   ? own
                                                    : by_language && *by_language ? by_language
                                                                                  : pooled_voice(r, m));
}

/* -------- what was before -------- */

static int hash_text(const char *text, uint64_t *ret)
{
    struct buf folded = BUF_INIT;
    int rc = fold_text(text, &folded);
    if ((!rc && folded.len == 0) || rc == E_LIMIT) /* emoji alone; a text that cannot be folded */
        rc = buf_add_str(&folded, text);
    if (!rc)
        *ret = xxh64(folded.ptr, folded.len, 0);
    buf_release(&folded);
    return rc;
}

/* The text and then its words: 0 or E_NOMEM. */
static int say(const struct rules *r, const struct rules_memory *memory, const struct chat_message *m,
               struct chars *text, double now, struct rules_decision *ret)
{
    const char *template = rules_template(r, template_name(m, ret->priority));
    struct values v = {.nobody = ""};
    int empty = 0, rc;
    const int burst = memory && m->kind == CHAT_SAID && ret->priority != CHAT_PAID &&
                      memory_is_burst(memory, user_key(m), now, r->burst_seconds);
    ret->cut = chars_cut(text, r->max_words, r->max_chars, r->max_seconds) != 0;
    snprintf(ret->lang, sizeof ret->lang, "%s", language(r, text));
    choose_voice(r, m, ret);
    rc = fill_values(r, m, text, r->say_names && !burst, &v);
    if (!rc)
        rc = expand(template, strlen(template), &v, 0, &ret->text, &empty);
    if (!rc) {
        struct chars all = {.n = 0};
        chars_add_utf8(&all, ret->text.ptr);
        ret->seconds = chars_seconds(&all);
        if (!chars_has_words(&all)) {
            ret->verdict = RULES_EMPTY;
            buf_release(&ret->text);
        }
    }
    buf_release(&v.name);
    buf_release(&v.text);
    buf_release(&v.amount);
    buf_release(&v.item);
    return rc;
}

/* 1 when it is like something that was let through lately; then it is merged into that. Words are like those of others,
 * gifts and the like only what the same user gave. */
static int is_repeated(const struct rules *r, const struct rules_memory *memory, const struct chat_message *m,
                       const struct chars *text, double now, struct rules_decision *ret, int *ret_rc)
{
    struct buf written = BUF_INIT;
    int rc = chars_write(text, &written);
    if (!rc && m->kind != CHAT_SAID)
        rc = buf_addf(&written, "\n%s\n%s\n%s", chat_kind_name(m->kind), user_key(m), m->item);
    *ret_rc = rc || hash_text(written.ptr, &ret->alike) ? E_NOMEM : 0;
    buf_release(&written);
    if (*ret_rc)
        return 0;
    const char *id = memory_find_text(memory, ret->alike, now, r->merge_seconds);
    if (id)
        snprintf(ret->merged_id, sizeof ret->merged_id, "%s", id);
    return id != NULL;
}

static int is_exempt(const struct rules *r, const struct chat_message *m)
{
    return r->cooldown_exempt != WHO_EVERYONE && has_rank(m->roles, r->cooldown_exempt);
}

int rules_decide(const struct rules *r, const struct rules_memory *memory, const struct chat_message *m,
                 const char *own_name, double now, struct rules_decision *ret)
{
    struct chars text = {.n = 0};
    struct buf written = BUF_INIT;
    const char *because = NULL;
    int rc = 0;
    memset(ret, 0, sizeof *ret);
    ret->priority = worth(r, m);
    const int unpaid = ret->priority != CHAT_PAID, free_speech = unpaid && m->kind == CHAT_SAID;
    ret->verdict = judge(r, m, own_name, ret->priority, &because);
    if (ret->verdict == RULES_SAY && !*rules_template(r, template_name(m, ret->priority)))
        ret->verdict = RULES_KIND;
    if (ret->verdict == RULES_SAY) { /* what will be heard is judged too: taking things out may make words */
        speakable(r, m, &text);
        rc = chars_write(&text, &written);
        if (!rc)
            ret->verdict = judge_words(r, written.ptr, &because);
        buf_release(&written);
    }
    if (because)
        snprintf(ret->because, sizeof ret->because, "%s", because);
    if (rc || ret->verdict != RULES_SAY)
        return rc;
    if (free_speech && !chars_has_words(&text)) {
        ret->verdict = RULES_EMPTY;
    } else if (free_speech && memory && !is_exempt(r, m) &&
               r->user_cooldown > memory_user_age(memory, user_key(m), now)) {
        snprintf(ret->because, sizeof ret->because, "%.0f s",
                 ceil(r->user_cooldown - memory_user_age(memory, user_key(m), now)));
        ret->verdict = RULES_COOLDOWN;
    } else if (unpaid && memory && r->merge_seconds > 0 && is_repeated(r, memory, m, &text, now, ret, &rc)) {
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

void rules_remember(struct rules_memory *memory, const struct chat_message *m, const struct rules_decision *d,
                    double now)
{
    if (d->verdict != RULES_SAY)
        return;
    memory_user_spoke(memory, user_key(m), now);
    if (d->alike)
        memory_keep_text(memory, d->alike, m->id, now);
}

int rules_summary(const struct rules *r, size_t count, struct buf *out)
{
    return buf_addf(out, r->words == WORDS_ZH ? "还有%zu条弹幕" : "and %zu more messages", count);
}

int rules_times(const struct rules *r, const char *text, int times, struct buf *out)
{
    return buf_addf(out, r->words == WORDS_ZH ? "%s，%d次" : "%s, times %d", text, times);
}
