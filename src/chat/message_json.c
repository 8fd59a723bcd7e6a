/* Messages as JSON: our own, and the original's NormalizedMessage, told apart by `content`.
 *
 *     {"id", "platform", "channel", "kind", "user": {"id", "name", "login", "roles": […]}, "priority", "text",
 *      "fragments": [{"type", "text", "id"}], "item", "count", "amount": {"micros", "currency", "text"}, "color",
 *      "reply_to", "time_ms", "shared"}
 *
 * What is left out has its default; only a text, an item or an amount must be there. */
#include "chat/message.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *name;
    enum chat_role role;
} roles[] = {{"owner", ROLE_OWNER},   {"moderator", ROLE_MODERATOR},   {"vip", ROLE_VIP},
             {"member", ROLE_MEMBER}, {"first_time", ROLE_FIRST_TIME}, {"bot", ROLE_BOT},
             {"anonymous", ROLE_ANONYMOUS}};
static const char *const fragment_kinds[] = {"text", "emote", "mention", "link"};

/* -------- reading -------- */

/* A text, or NULL when it is absent or null. */
static int get_text(const json_t *o, const char *key, const char **ret, struct error *err)
{
    const json_t *v = json_object_get(o, key);
    if (!v || json_is_null(v))
        return 0;
    if (!json_is_string(v) || strlen(json_string_value(v)) != json_string_length(v))
        return error_set(err, E_FORMAT, "\"%s\" is no text", key);
    *ret = json_string_value(v);
    return 0;
}

static int get_whole(const json_t *o, const char *key, int64_t *ret, struct error *err)
{
    const json_t *v = json_object_get(o, key);
    if (!v || json_is_null(v))
        return 0;
    if (!json_is_integer(v) || json_integer_value(v) < 0)
        return error_set(err, E_FORMAT, "\"%s\" is no whole number from 0", key);
    *ret = json_integer_value(v);
    return 0;
}

/* A name out of a list by its parser. */
static int get_name(const json_t *o, const char *key, int (*parse)(const char *name), int *ret, struct error *err)
{
    const char *text = NULL;
    int rc = get_text(o, key, &text, err);
    if (rc || !text)
        return rc;
    const int v = parse(text);
    if (v < 0)
        return error_set(err, E_FORMAT, "\"%s\": \"%.40s\" is not a value that is known", key, text);
    *ret = v;
    return 0;
}

static int get_roles(const json_t *user, unsigned *ret, struct error *err)
{
    const json_t *list = json_object_get(user, "roles"), *item;
    size_t i;
    if (list && !json_is_array(list))
        return error_set(err, E_FORMAT, "\"roles\" is no list");
    json_array_foreach(list, i, item) {
        unsigned found = 0;
        for (size_t k = 0; k < sizeof roles / sizeof *roles; k++)
            if (json_is_string(item) && strcmp(json_string_value(item), roles[k].name) == 0)
                found = roles[k].role;
        if (!found)
            return error_set(err, E_FORMAT, "\"roles\" has something other than owner, moderator, vip, member, "
                                            "first_time, bot and anonymous");
        *ret |= found;
    }
    return 0;
}

static int get_fragments(const json_t *o, struct chat_pieces *out, struct error *err)
{
    const json_t *list = json_object_get(o, "fragments"), *item;
    size_t i;
    if (list && (!json_is_array(list) || json_array_size(list) > CHAT_FRAGMENTS_MAX))
        return error_set(err, E_FORMAT, "\"fragments\" is no list of at most %d", CHAT_FRAGMENTS_MAX);
    json_array_foreach(list, i, item) {
        const char *type = "text", *text = NULL, *id = "";
        int rc = get_text(item, "type", &type, err);
        if (!rc)
            rc = get_text(item, "text", &text, err);
        if (!rc)
            rc = get_text(item, "id", &id, err);
        if (rc)
            return error_prefix(err, "fragment %zu", i);
        int kind = -1;
        for (int k = 0; k < 4; k++)
            if (strcmp(type, fragment_kinds[k]) == 0)
                kind = k;
        if (kind < 0 || !text || strlen(text) > CHAT_TEXT_MAX || strlen(id) > CHAT_ID_MAX)
            return error_set(err, E_FORMAT,
                             "fragment %zu: expected \"type\" text, emote, mention or link, and \"text\" "
                             "of at most %d bytes",
                             i, CHAT_TEXT_MAX);
        chat_pieces_add(out, (enum chat_fragment_kind)kind, slice_str(text), slice_str(id));
    }
    return 0;
}

/* "2024-05-01T12:34:56.789+02:00" in milliseconds since 1970; 0 for what is no such time. */
static int64_t parse_time(const char *s)
{
    struct tm t = {0};
    const char *end = strptime(s, "%Y-%m-%dT%H:%M:%S", &t);
    if (!end)
        return 0;
    double fraction = 0;
    char *after = (char *)(uintptr_t)end;
    if (*end == '.')
        fraction = strtod(end, &after);
    int64_t ms = (int64_t)timegm(&t) * 1000 + (int64_t)(fraction * 1000);
    if ((*after == '+' || *after == '-') && strlen(after) >= 6) {
        const int64_t minutes = strtol(after + 1, NULL, 10) * 60 + strtol(after + 4, NULL, 10);
        ms -= (*after == '+' ? 1 : -1) * minutes * 60000;
    }
    return ms > 0 ? ms : 0;
}

/* The original's: content is {"Text": s} or {"System": s}. */
static int read_original(const json_t *o, struct chat_message *m, struct error *err)
{
    const json_t *content = json_object_get(o, "content"), *metadata = json_object_get(o, "metadata");
    const char *system = NULL, *stamp = NULL;
    int rc = get_text(content, "Text", &m->text, err);
    if (!rc)
        rc = get_text(content, "System", &system, err);
    if (!rc)
        rc = get_text(o, "username", &m->user_name, err);
    if (!rc)
        rc = get_text(o, "user_id", &m->user_id, err);
    if (!rc)
        rc = get_text(o, "timestamp", &stamp, err);
    if (!rc && json_is_object(metadata) && json_is_string(json_object_get(metadata, "color")))
        m->color = json_string_value(json_object_get(metadata, "color"));
    if (rc)
        return rc;
    if (system) {
        m->text = system;
        m->kind = CHAT_NOTICE;
    }
    if (!m->text)
        return error_set(err, E_FORMAT, "\"content\": expected {\"Text\": …} or {\"System\": …}");
    if (stamp)
        m->time_ms = parse_time(stamp);
    return 0;
}

static int read_own(const json_t *o, struct chat_message *m, struct chat_pieces *pieces, struct error *err)
{
    const json_t *user = json_object_get(o, "user"), *amount = json_object_get(o, "amount");
    int kind = CHAT_SAID;
    if ((user && !json_is_object(user)) || (amount && !json_is_null(amount) && !json_is_object(amount)))
        return error_set(err, E_FORMAT, "\"user\" and \"amount\" are objects");
    int rc = get_name(o, "kind", chat_kind_parse, &kind, err);
    const struct {
        const json_t *from;
        const char *key;
        const char **to;
    } texts[] = {{user, "id", &m->user_id},
                 {user, "name", &m->user_name},
                 {user, "login", &m->login},
                 {o, "text", &m->text},
                 {o, "item", &m->item},
                 {o, "color", &m->color},
                 {o, "reply_to", &m->reply_to},
                 {amount, "currency", &m->currency},
                 {amount, "text", &m->amount_text}};
    for (size_t i = 0; !rc && i < sizeof texts / sizeof *texts; i++)
        rc = get_text(texts[i].from, texts[i].key, texts[i].to, err);
    if (!rc)
        rc = get_roles(user, &m->roles, err);
    if (!rc)
        rc = get_whole(o, "count", &m->count, err);
    if (!rc)
        rc = get_whole(o, "time_ms", &m->time_ms, err);
    if (!rc)
        rc = get_whole(amount, "micros", &m->amount_micros, err);
    if (!rc)
        rc = get_fragments(o, pieces, err);
    if (rc)
        return rc;
    m->kind = (enum chat_kind)kind;
    m->shared = json_is_true(json_object_get(o, "shared"));
    if (!m->text && !m->item && !m->amount_micros && m->kind == CHAT_SAID)
        return error_set(err, E_FORMAT, "\"text\" is missing");
    return 0;
}

int chat_message_read(const json_t *o, struct chat_message **ret, struct error *err)
{
    struct chat_pieces pieces = {.count = 0};
    struct chat_message m = {.platform = CHAT_OTHER};
    int platform = CHAT_OTHER, priority = -1;
    if (!json_is_object(o))
        return error_set(err, E_FORMAT, "the message is no JSON object");
    int rc = get_name(o, "platform", chat_platform_parse, &platform, err);
    if (!rc)
        rc = get_name(o, "priority", chat_priority_parse, &priority, err);
    if (!rc)
        rc = get_text(o, "id", &m.id, err);
    if (!rc)
        rc = get_text(o, "channel", &m.channel, err);
    if (!rc)
        rc = json_object_get(o, "content") ? read_original(o, &m, err) : read_own(o, &m, &pieces, err);
    if (rc)
        return rc;
    m.platform = (enum chat_platform)platform;
    if (chat_message_create(&m, pieces.count ? &pieces : NULL, ret))
        return error_nomem(err);
    (*ret)->priority = priority >= 0 ? (enum chat_priority)priority : chat_priority_of(*ret, NULL);
    return 0;
}

int chat_message_parse(const char *json, size_t len, struct chat_message **ret, struct error *err)
{
    json_error_t e;
    json_t *o = json_loadb(json, len, JSON_REJECT_DUPLICATES, &e);
    const int rc =
        o ? chat_message_read(o, ret, err)
          : error_set(err, E_FORMAT, "the message is no JSON: line %d, column %d: %s", e.line, e.column, e.text);
    json_decref(o);
    return rc;
}

/* -------- writing -------- */

static json_t *roles_json(unsigned set)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < sizeof roles / sizeof *roles; i++)
        if (set & roles[i].role)
            json_array_append_new(list, json_string(roles[i].name));
    return list;
}

static json_t *fragments_json(const struct chat_message *m)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < m->fragment_count; i++)
        json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "type", fragment_kinds[m->fragments[i].kind], "text",
                                              m->fragments[i].text, "id", m->fragments[i].id));
    return list;
}

json_t *chat_message_json(const struct chat_message *m)
{
    json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:{s:s,s:s,s:s,s:o},s:s,s:s,s:o,s:s,s:I,s:s,s:s,s:I,s:b}", "id", m->id,
                          "platform", chat_platform_name(m->platform), "channel", m->channel, "kind",
                          chat_kind_name(m->kind), "user", "id", m->user_id, "name", m->user_name, "login", m->login,
                          "roles", roles_json(m->roles), "priority", chat_priority_name(m->priority), "text", m->text,
                          "fragments", fragments_json(m), "item", m->item, "count", (json_int_t)m->count, "color",
                          m->color, "reply_to", m->reply_to, "time_ms", (json_int_t)m->time_ms, "shared", m->shared);
    if (o && m->amount_micros > 0)
        json_object_set_new(o, "amount", json_pack("{s:I,s:s,s:s}", "micros", (json_int_t)m->amount_micros, "currency",
                                                   m->currency, "text", m->amount_text));
    return o;
}
