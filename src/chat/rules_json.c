/* Rules as JSON. The defaults below are the list of all keys; `limits` says what each may be. */
#include "chat/rules_private.h"

#include "base/spelling.h"
#include "base/utf8.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ustring.h>

#define PATTERN_TIME  10       /* ICU's steps of about a millisecond: a pattern that takes longer does not match */
#define PATTERN_STACK (1 << 20) /* bytes */

static const char defaults[] =
    "{\"enabled\": true, \"mode\": \"all\", \"command\": \"!tts\", \"who\": \"everyone\", \"words\": \"en\","
    " \"say_names\": true, \"burst_seconds\": 30, \"links\": \"word\", \"emotes\": \"limit\", \"emoji\": \"limit\","
    " \"emote_max\": 2, \"collapse\": true, \"merge_seconds\": 20, \"max_words\": 77, \"max_chars\": 280,"
    " \"max_seconds\": 20, \"user_cooldown\": 0, \"cooldown_exempt\": \"moderators\", \"minimum_amount\": 0,"
    " \"minimum_amounts\": {}, \"minimum_bits\": 0, \"minimum_raid\": 1,"
    " \"shared_chat\": false, \"read_reply_name\": false, \"voice\": \"\", \"voices\": {}, \"voice_pool\": [],"
    " \"blocked_users\": [], \"muted_users\": [], \"blocked_words\": [], \"blocked_patterns\": [],"
    " \"bots\": [\"nightbot\", \"streamelements\", \"streamlabs\", \"moobot\", \"fossabot\", \"wizebot\", "
    "\"soundalerts\","
    " \"sery_bot\", \"own3d\", \"botrixoficial\"],"
    " \"ignored_prefixes\": [\"!\"], \"templates\": {}, \"users\": []}";

static const char template_defaults[] =
    "{\"en\": {\"said\": \"[%name% says: ]%text%\", \"paid\": \"%name% sent %amount%[: %text%]\","
    " \"sticker\": \"%name% sent a sticker[ for %amount%][: %text%]\", \"gift\": \"%name% sent [%count% ]%item%\","
    " \"member\": \"%name% became a member[ for %count% months][: %text%]\", \"gifted\": \"%name% gifted [%count% "
    "]memberships\", \"raid\": \"%name% is raiding[ with %count% viewers]\", \"announced\": \"%text%\","
    " \"entered\": \"\", \"liked\": \"\", \"followed\": \"%name% is following now\", \"notice\": \"\"},"
    " \"zh\": {\"said\": \"[%name%说：]%text%\", \"paid\": \"%name%送出%amount%[：%text%]\","
    " \"sticker\": \"%name%送出贴纸[，价值%amount%][：%text%]\", \"gift\": \"%name%送出[%count%个]%item%\","
    " \"member\": \"%name%开通了会员[%item%][，共%count%个月][：%text%]\", \"gifted\": \"%name%送出[%count%个]会员\","
    " \"raid\": \"%name%带着[%count%位]观众来了\", \"announced\": \"%text%\", \"entered\": \"\", \"liked\": \"\","
    " \"followed\": \"%name%关注了主播\", \"notice\": \"\"}}";

enum limit_kind { LIMIT_BOOL, LIMIT_NUMBER, LIMIT_WHOLE, LIMIT_TEXT, LIMIT_CHOICE, LIMIT_LIST, LIMIT_TEMPLATES,
                  LIMIT_VOICES, LIMIT_USERS, LIMIT_AMOUNTS };

static const struct {
    const char *key;
    enum limit_kind kind;
    double least, most; /* of a number; bytes of a text */
    const char *choices; /* "all|command" */
} limits[] = {
    {"enabled", LIMIT_BOOL, 0, 0, NULL},
    {"mode", LIMIT_CHOICE, 0, 0, "all|command|mention"},
    {"command", LIMIT_TEXT, 1, RULES_WORD_MAX, NULL},
    {"who", LIMIT_CHOICE, 0, 0, "everyone|members|vips|moderators"},
    {"words", LIMIT_CHOICE, 0, 0, "en|zh"},
    {"say_names", LIMIT_BOOL, 0, 0, NULL},
    {"burst_seconds", LIMIT_NUMBER, 0, 86400, NULL},
    {"links", LIMIT_CHOICE, 0, 0, "drop_message|omit|word"},
    {"emotes", LIMIT_CHOICE, 0, 0, "drop|name|limit"},
    {"emoji", LIMIT_CHOICE, 0, 0, "drop|name|limit"},
    {"emote_max", LIMIT_WHOLE, 0, 100, NULL},
    {"collapse", LIMIT_BOOL, 0, 0, NULL},
    {"merge_seconds", LIMIT_NUMBER, 0, 3600, NULL},
    {"max_words", LIMIT_WHOLE, 0, 1000, NULL},
    {"max_chars", LIMIT_WHOLE, 0, CHAT_TEXT_MAX, NULL},
    {"max_seconds", LIMIT_NUMBER, 0, 600, NULL},
    {"user_cooldown", LIMIT_NUMBER, 0, 86400, NULL},
    {"cooldown_exempt", LIMIT_CHOICE, 0, 0, "nobody|members|vips|moderators"},
    {"minimum_amount", LIMIT_NUMBER, 0, 1e9, NULL},
    {"minimum_amounts", LIMIT_AMOUNTS, 0, 1e9, NULL},
    {"minimum_bits", LIMIT_NUMBER, 0, 1e9, NULL},
    {"minimum_raid", LIMIT_NUMBER, 0, 1e9, NULL},
    {"shared_chat", LIMIT_BOOL, 0, 0, NULL},
    {"read_reply_name", LIMIT_BOOL, 0, 0, NULL},
    {"voice", LIMIT_TEXT, 0, RULES_VOICE_MAX, NULL},
    {"voices", LIMIT_VOICES, 0, 0, NULL},
    {"voice_pool", LIMIT_LIST, 0, 0, NULL},
    {"blocked_users", LIMIT_LIST, 0, 0, NULL},
    {"muted_users", LIMIT_LIST, 0, 0, NULL},
    {"blocked_words", LIMIT_LIST, 0, 0, NULL},
    {"blocked_patterns", LIMIT_LIST, 0, 0, NULL},
    {"bots", LIMIT_LIST, 0, 0, NULL},
    {"ignored_prefixes", LIMIT_LIST, 0, 0, NULL},
    {"templates", LIMIT_TEMPLATES, 0, 0, NULL},
    {"users", LIMIT_USERS, 0, 0, NULL},
};

/* -------- checking -------- */

static int is_text(const json_t *v, size_t least, size_t most)
{
    return json_is_string(v) && json_string_length(v) >= least && json_string_length(v) <= most &&
           strlen(json_string_value(v)) == json_string_length(v);
}

/* The place of a word in "all|command|mention"; -1 if it is not there. */
static int choice(const char *choices, const char *word)
{
    const size_t len = strlen(word);
    for (int i = 0;; i++) {
        const size_t n = strcspn(choices, "|");
        if (n == len && memcmp(choices, word, n) == 0)
            return i;
        if (!choices[n])
            return -1;
        choices += n + 1;
    }
}

static int check_texts(const char *key, const json_t *v, struct error *err)
{
    const json_t *item;
    size_t i;
    if (!json_is_array(v) || json_array_size(v) > RULES_LIST_MAX)
        return error_set(err, E_FORMAT, "\"%s\": expected a list of at most %d texts", key, RULES_LIST_MAX);
    json_array_foreach(v, i, item)
        if (!is_text(item, 1, RULES_WORD_MAX))
            return error_set(err, E_FORMAT, "\"%s\": item %zu is no text of 1 to %d bytes", key, i + 1, RULES_WORD_MAX);
    return 0;
}

/* An object of texts; `known` lists its keys, NULL allows any. */
static int check_map(const char *key, const json_t *v, size_t most, const json_t *known, struct error *err)
{
    const char *name;
    json_t *item;
    if (!json_is_object(v) || json_object_size(v) > RULES_LIST_MAX)
        return error_set(err, E_FORMAT, "\"%s\": expected an object", key);
    json_object_foreach((json_t *)(uintptr_t)v, name, item) {
        if (known && !json_object_get(known, name))
            return error_set(err, E_FORMAT, "\"%s\": there is no \"%.40s\" in it", key, name);
        if (!is_text(item, 0, most))
            return error_set(err, E_FORMAT, "\"%s\": \"%.40s\" is no text of at most %zu bytes", key, name, most);
    }
    return 0;
}

static int check_amounts(const char *key, const json_t *v, double most, struct error *err)
{
    const char *currency;
    json_t *item;
    if (!json_is_object(v) || json_object_size(v) > RULES_LIST_MAX)
        return error_set(err, E_FORMAT, "\"%s\": expected an object of currencies", key);
    json_object_foreach((json_t *)(uintptr_t)v, currency, item)
        if (!json_is_number(item) || json_number_value(item) < 0 || json_number_value(item) > most)
            return error_set(err, E_FORMAT, "\"%s\": \"%.16s\": expected a number from 0 to %g", key, currency, most);
    return 0;
}

static int check_users(const char *key, const json_t *v, struct error *err)
{
    const json_t *item;
    size_t i;
    if (!json_is_array(v) || json_array_size(v) > RULES_LIST_MAX)
        return error_set(err, E_FORMAT, "\"%s\": expected a list of at most %d", key, RULES_LIST_MAX);
    json_array_foreach(v, i, item) {
        const json_t *nickname = json_object_get(item, "nickname"), *voice = json_object_get(item, "voice");
        if (!is_text(json_object_get(item, "user"), 1, RULES_WORD_MAX) ||
            (nickname && !is_text(nickname, 0, RULES_WORD_MAX)) || (voice && !is_text(voice, 0, RULES_VOICE_MAX)))
            return error_set(err, E_FORMAT, "\"%s\": item %zu: expected {\"user\", \"nickname\", \"voice\"}, texts",
                             key, i + 1);
    }
    return 0;
}

static int check_value(size_t l, const json_t *v, const json_t *kinds, struct error *err)
{
    const char *key = limits[l].key;
    switch (limits[l].kind) {
    case LIMIT_BOOL:
        return json_is_boolean(v) ? 0 : error_set(err, E_FORMAT, "\"%s\": expected true or false", key);
    case LIMIT_NUMBER:
    case LIMIT_WHOLE:
        if ((limits[l].kind == LIMIT_WHOLE ? !json_is_integer(v) : !json_is_number(v)) ||
            json_number_value(v) < limits[l].least || json_number_value(v) > limits[l].most)
            return error_set(err, E_FORMAT, "\"%s\": expected a %snumber from %g to %g", key,
                             limits[l].kind == LIMIT_WHOLE ? "whole " : "", limits[l].least, limits[l].most);
        return 0;
    case LIMIT_TEXT:
        return is_text(v, (size_t)limits[l].least, (size_t)limits[l].most)
                   ? 0
                   : error_set(err, E_FORMAT, "\"%s\": expected a text of %g to %g bytes", key, limits[l].least,
                               limits[l].most);
    case LIMIT_CHOICE:
        return json_is_string(v) && choice(limits[l].choices, json_string_value(v)) >= 0
                   ? 0
                   : error_set(err, E_FORMAT, "\"%s\": expected one of %s", key, limits[l].choices);
    case LIMIT_LIST: return check_texts(key, v, err);
    case LIMIT_TEMPLATES: return check_map(key, v, RULES_TEMPLATE_MAX, kinds, err);
    case LIMIT_VOICES: return check_map(key, v, RULES_VOICE_MAX, NULL, err);
    case LIMIT_USERS: return check_users(key, v, err);
    case LIMIT_AMOUNTS: return check_amounts(key, v, limits[l].most, err);
    }
    return 0;
}

static int unknown_key(const char *key, struct error *err)
{
    size_t best = 0, least = SIZE_MAX;
    for (size_t l = 0; l < sizeof limits / sizeof *limits; l++) {
        const size_t d = edit_distance(key, strlen(key), limits[l].key, strlen(limits[l].key));
        if (d < least) {
            least = d;
            best = l;
        }
    }
    return least <= 3
               ? error_set(err, E_FORMAT, "there is no rule \"%.40s\"; did you mean \"%s\"?", key, limits[best].key)
               : error_set(err, E_FORMAT, "there is no rule \"%.40s\"", key);
}

static int check(const json_t *json, struct error *err)
{
    const char *key;
    json_t *value, *templates = json_loads(template_defaults, 0, NULL);
    int rc = 0;
    if (!templates)
        return error_nomem(err);
    json_object_foreach((json_t *)(uintptr_t)json, key, value) {
        size_t l = 0;
        while (l < sizeof limits / sizeof *limits && strcmp(limits[l].key, key) != 0)
            l++;
        rc = l == sizeof limits / sizeof *limits ? unknown_key(key, err)
                                                 : check_value(l, value, json_object_get(templates, "en"), err);
        if (rc)
            break;
    }
    json_decref(templates);
    return rc;
}

/* -------- reading -------- */

static int compile_patterns(struct rules *r, struct error *err)
{
    const json_t *list = json_object_get(r->doc, "blocked_patterns");
    const size_t count = json_array_size(list);
    r->patterns = calloc(count ? count : 1, sizeof *r->patterns);
    if (!r->patterns)
        return error_nomem(err);
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        UChar wide[RULES_WORD_MAX + 1];
        UErrorCode ec = U_ZERO_ERROR;
        UParseError where;
        int32_t n = 0;
        u_strFromUTF8WithSub(wide, RULES_WORD_MAX + 1, &n, text, -1, 0xFFFD, NULL, &ec);
        URegularExpression *re = uregex_open(wide, n, UREGEX_CASE_INSENSITIVE, &where, &ec);
        uregex_setTimeLimit(re, PATTERN_TIME, &ec);
        uregex_setStackLimit(re, PATTERN_STACK, &ec);
        if (U_FAILURE(ec)) {
            if (re)
                uregex_close(re);
            return error_set(err, E_FORMAT, "\"blocked_patterns\": \"%.80s\" is no regular expression (%s)", text,
                             u_errorName(ec));
        }
        r->patterns[r->pattern_count++] = re;
    }
    return 0;
}

static int flag(const struct rules *r, const char *key)
{
    return json_is_true(json_object_get(r->doc, key));
}

static double number(const struct rules *r, const char *key)
{
    return json_number_value(json_object_get(r->doc, key));
}

static int chosen(const struct rules *r, const char *key)
{
    for (size_t l = 0; l < sizeof limits / sizeof *limits; l++)
        if (strcmp(limits[l].key, key) == 0)
            return choice(limits[l].choices, json_string_value(json_object_get(r->doc, key)));
    return 0;
}

static void fill(struct rules *r)
{
    r->enabled = flag(r, "enabled");
    r->say_names = flag(r, "say_names");
    r->collapse = flag(r, "collapse");
    r->shared_chat = flag(r, "shared_chat");
    r->read_reply_name = flag(r, "read_reply_name");
    r->mode = (enum rules_mode)chosen(r, "mode");
    r->who = (enum rules_who)chosen(r, "who");
    r->cooldown_exempt = (enum rules_who)chosen(r, "cooldown_exempt");
    r->words = (enum rules_words)chosen(r, "words");
    r->emotes = (enum rules_emotes)chosen(r, "emotes");
    r->emoji = (enum rules_emotes)chosen(r, "emoji");
    r->links = (enum rules_links)chosen(r, "links");
    r->emote_max = (int)number(r, "emote_max");
    r->max_words = (int)number(r, "max_words");
    r->max_chars = (int)number(r, "max_chars");
    r->max_seconds = number(r, "max_seconds");
    r->burst_seconds = number(r, "burst_seconds");
    r->merge_seconds = number(r, "merge_seconds");
    r->user_cooldown = number(r, "user_cooldown");
    r->minimum_amount = number(r, "minimum_amount");
    r->minimum_bits = number(r, "minimum_bits");
    r->minimum_raid = number(r, "minimum_raid");
    r->command = json_string_value(json_object_get(r->doc, "command"));
    r->voice = json_string_value(json_object_get(r->doc, "voice"));
    r->voices = json_object_get(r->doc, "voices");
    r->blocked_users = json_object_get(r->doc, "blocked_users");
    r->muted_users = json_object_get(r->doc, "muted_users");
    r->bots = json_object_get(r->doc, "bots");
    r->blocked_words = json_object_get(r->doc, "blocked_words");
    r->ignored_prefixes = json_object_get(r->doc, "ignored_prefixes");
    r->users = json_object_get(r->doc, "users");
    r->voice_pool = json_object_get(r->doc, "voice_pool");
    r->minimum_amounts = json_object_get(r->doc, "minimum_amounts");
}

int rules_parse(const json_t *json, struct rules **ret, struct error *err)
{
    if (!json_is_object(json))
        return error_set(err, E_FORMAT, "rules are an object");
    int rc = check(json, err);
    if (rc)
        return rc;
    struct rules *r = calloc(1, sizeof *r);
    json_t *own = json_deep_copy(json), *all = json_loads(template_defaults, 0, NULL);
    if (!r || !own || !all || !(r->doc = json_loads(defaults, 0, NULL)) || json_object_update(r->doc, own)) {
        rc = error_nomem(err);
    } else {
        fill(r);
        /* the language's templates, with the user's own over them */
        r->templates = json_incref(json_object_get(all, r->words == WORDS_ZH ? "zh" : "en"));
        rc = json_object_update(r->templates, json_object_get(r->doc, "templates")) ? error_nomem(err)
                                                                                     : compile_patterns(r, err);
        if (!rc)
            rc = blocked_words_prepare(r, err);
    }
    json_decref(own);
    json_decref(all);
    if (rc)
        rules_free(r);
    else
        *ret = r;
    return rc;
}

int rules_default(struct rules **ret)
{
    json_t *none = json_object();
    const int rc = none ? rules_parse(none, ret, NULL) : E_NOMEM;
    json_decref(none);
    return rc;
}

json_t *rules_json(const struct rules *r)
{
    return json_deep_copy(r->doc);
}

json_t *rules_templates(void)
{
    return json_loads(template_defaults, 0, NULL);
}

void rules_free(struct rules *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->pattern_count; i++)
        uregex_close(r->patterns[i]);
    free(r->patterns);
    blocked_words_release(r);
    json_decref(r->templates);
    json_decref(r->doc);
    free(r);
}

const char *rules_command(const struct rules *r)
{
    return r->command;
}

const char *rules_template(const struct rules *r, const char *name)
{
    const char *t = json_string_value(json_object_get(r->templates, name));
    return t ? t : "";
}
