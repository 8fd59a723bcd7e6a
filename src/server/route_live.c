/* The stage over HTTP (docs/API.md, "Live chat"): its state and events, controls, queue, rules, clips. */
#include "live/live.h"
#include "server/live_events.h"
#include "server/routes.h"

#include <stdlib.h>
#include <string.h>

/* -------- fields -------- */

/* A text field; NULL with 400 answered when it is something else. `usual` when it is absent. */
static const char *text_field(struct http_request *r, const json_t *body, const char *key, const char *usual)
{
    const json_t *v = json_object_get(body, key);
    if (!v || json_is_null(v)) {
        if (!usual)
            reply_error(r, 400, key, "missing_required_parameter", "\"%s\" is missing", key);
        return usual;
    }
    if (!json_is_string(v) || strlen(json_string_value(v)) != json_string_length(v)) {
        reply_error(r, 400, key, "invalid_type", "\"%s\": expected a text", key);
        return NULL;
    }
    return json_string_value(v);
}

/* "" for none; -1 with 400 answered. */
static int platform_of(struct http_request *r, const char *name)
{
    const int platform = chat_platform_parse(name);
    if (platform < 0)
        reply_error(r, 400, "platform", "invalid_value", "\"%.40s\": expected twitch, youtube, bilibili or other",
                    name);
    return platform;
}

static void ok(struct http_request *r)
{
    reply_json(r, 200, json_pack("{s:s}", "status", "ok"));
}

/* -------- state -------- */

static void state(struct server *s, struct http_request *r, const struct route_args *args)
{
    (void)args;
    reply_json(r, 200, live_state(s->live));
}

static void events(struct server *s, struct http_request *r, const struct route_args *args)
{
    (void)args;
    live_events_stream(s, r);
}

static void clip(struct server *s, struct http_request *r, const struct route_args *args)
{
    static const struct http_header headers[] = {
        {"Content-Type", "audio/wav"}, {"Cache-Control", "private, max-age=3600"}, {0}};
    const struct live_clip *c = live_find_clip(s->live, strtoull(args->value[0], NULL, 10));
    if (c)
        http_respond(r, 200, headers, c->wav.ptr, c->wav.len);
    else
        reply_error(r, 404, NULL, "not_found", "there is no clip %s, or not any more: the last %d are kept",
                    args->value[0], LIVE_CLIPS_MAX);
}

/* -------- controls -------- */

static void control(struct server *s, struct http_request *r, const struct route_args *args)
{
    json_t *body = request_json(r);
    const char *action = body ? text_field(r, body, "action", NULL) : NULL;
    const json_t *volume = json_object_get(body, "volume");
    (void)args;
    if (!action) {
        json_decref(body);
        return;
    }
    if (strcmp(action, "volume") == 0) {
        if (json_is_number(volume) && json_number_value(volume) >= 0 && json_number_value(volume) <= 1)
            live_set_volume(s->live, json_number_value(volume));
        else
            action = NULL;
        if (!action)
            reply_error(r, 400, "volume",
                        !volume || json_is_null(volume) ? "missing_required_parameter"
                        : json_is_number(volume)        ? "out_of_range"
                                                        : "invalid_type",
                        "\"volume\": expected a number from 0 to 1");
    } else if (strcmp(action, "voice") == 0) {
        const char *voice = text_field(r, body, "voice", "");
        if (voice && live_set_voice(s->live, voice))
            reply_error(r, 404, "voice", "voice_not_found", "there is no voice \"%.100s\"", voice);
        if (!voice || (*voice && !voices_find(s->voices, voice)))
            action = NULL;
    } else if (live_action_parse(action) >= 0) {
        live_control(s->live, (enum live_action)live_action_parse(action));
    } else {
        reply_error(r, 400, "action", "invalid_value",
                    "\"%.40s\": expected pause, resume, skip, clear, replay, panic, volume or voice", action);
        action = NULL;
    }
    if (action)
        reply_json(r, 200, live_controls(s->live));
    json_decref(body);
}

static void queue(struct server *s, struct http_request *r, const struct route_args *args)
{
    json_t *body = request_json(r);
    const char *action = body ? text_field(r, body, "action", NULL) : NULL;
    const json_t *before = json_object_get(body, "before");
    const uint64_t number = strtoull(args->value[0], NULL, 10);
    int rc = 1;
    if (action && strcmp(action, "remove") == 0)
        rc = live_queue_remove(s->live, number);
    else if (action && strcmp(action, "move") != 0)
        reply_error(r, 400, "action", "invalid_value", "\"%.40s\": expected remove or move", action);
    else if (action && before && !json_is_null(before) && !json_is_integer(before))
        reply_error(r, 400, "before", "invalid_type", "\"before\": expected a whole number or null");
    else if (action)
        rc = live_queue_move(s->live, number, (uint64_t)json_integer_value(before));
    if (rc == E_NOTFOUND)
        reply_error(r, 404, NULL, "not_found", "there is no %s in the queue that could be moved or removed",
                    args->value[0]);
    else if (rc == 0)
        ok(r);
    json_decref(body);
}

static void users(struct server *s, struct http_request *r, const struct route_args *args)
{
    json_t *body = request_json(r);
    (void)args;
    const char *platform = body ? text_field(r, body, "platform", "") : NULL;
    const char *channel = platform ? text_field(r, body, "channel", "") : NULL;
    const char *user = channel ? text_field(r, body, "user", NULL) : NULL;
    const char *action = user ? text_field(r, body, "action", NULL) : NULL;
    const char *value = action ? text_field(r, body, "value", "") : NULL;
    const int number = value && *channel ? platform_of(r, platform) : 0;
    struct error err;
    if (value && number >= 0) {
        const int rc = live_set_user(s->live, number, *channel ? channel : NULL, user, action, value, &err);
        if (rc == E_ARG)
            reply_error(r, 400, "action", "invalid_value", "%s", err.text);
        else if (rc)
            reply_error(r, rc == E_NOTFOUND ? 404 : rc == E_NOMEM ? 500 : 400, NULL, NULL, "%s", err.text);
        else
            ok(r);
    }
    json_decref(body);
}

/* -------- rules -------- */

/* Whose rules a request is about: `ret_channel` NULL for the default. 0 when it has been answered. */
static int whose(struct server *s, struct http_request *r, enum chat_platform *ret, const char **ret_channel)
{
    const char *platform = http_query(r, "platform"), *channel = http_query(r, "channel");
    *ret = CHAT_OTHER;
    *ret_channel = NULL;
    if (!channel || !*channel)
        return 1;
    const int number = platform_of(r, platform ? platform : "");
    if (number < 0)
        return 0;
    *ret = (enum chat_platform)number;
    *ret_channel = channel;
    if (live_is_on(s->live, *ret, channel))
        return 1;
    reply_error(r, 404, "channel", "not_found", "the chat \"%.100s\" is not read", channel);
    return 0;
}

static void get_rules(struct server *s, struct http_request *r, const struct route_args *args)
{
    enum chat_platform platform;
    const char *channel;
    (void)args;
    if (whose(s, r, &platform, &channel))
        reply_json(r, 200, rules_json(live_rules(s->live, platform, channel)));
}

static void put_rules(struct server *s, struct http_request *r, const struct route_args *args)
{
    enum chat_platform platform;
    const char *channel;
    struct rules *rules = NULL;
    struct error err;
    (void)args;
    if (!whose(s, r, &platform, &channel))
        return;
    json_t *body = request_json(r);
    if (!body)
        return;
    const int rc = rules_parse(body, &rules, &err);
    json_decref(body);
    if (rc)
        reply_error(r, rc == E_NOMEM ? 500 : 400, NULL, rc == E_NOMEM ? NULL : "bad_rule", "%s", err.text);
    else if (live_set_rules(s->live, platform, channel, rules))
        reply_error(r, 500, NULL, NULL, "out of memory");
    else
        reply_json(r, 200, rules_json(live_rules(s->live, platform, channel)));
}

static void get_templates(struct server *s, struct http_request *r, const struct route_args *args)
{
    (void)s;
    (void)args;
    reply_json(r, 200, rules_templates());
}

/* {"text", "user"?, "roles"?} is a message too. */
static int message_of(const json_t *body, struct chat_message **ret, struct error *err)
{
    const json_t *message = json_object_get(body, "message"), *user = json_object_get(body, "user");
    if (message)
        return chat_message_read(message, ret, err);
    json_t *o = json_pack("{s:s,s:O*,s:{s:s,s:s,s:O*}}", "channel", "test", "text", json_object_get(body, "text"),
                          "user", "id", "test", "name", json_is_string(user) ? json_string_value(user) : "Ann", "roles",
                          json_object_get(body, "roles"));
    const int rc = o ? chat_message_read(o, ret, err) : error_set(err, E_FORMAT, "\"text\" is missing");
    json_decref(o);
    return rc;
}

static void test_rules(struct server *s, struct http_request *r, const struct route_args *args)
{
    json_t *body = request_json(r);
    struct chat_message *m = NULL;
    struct rules *own = NULL;
    struct rules_decision d;
    struct error err;
    (void)args;
    if (!body)
        return;
    const json_t *given = json_object_get(body, "rules");
    const char *code = NULL;
    int rc = message_of(body, &m, &err);
    if (!rc && given && (rc = rules_parse(given, &own, &err)) && rc != E_NOMEM)
        code = "bad_rule";
    if (!rc &&
        (rc = rules_decide(own ? own : live_rules(s->live, m->platform, m->channel), NULL, m, m->channel, 0, &d)))
        error_nomem(&err);
    if (rc)
        reply_error(r, rc == E_NOMEM ? 500 : 400, NULL, code, "%s", err.text);
    else
        reply_json(r, 200, live_decision_json(&d));
    if (!rc)
        rules_decision_release(&d);
    rules_free(own);
    chat_message_unref(m);
    json_decref(body);
}

const struct route routes_live[] = {
    {"GET", "/api/live", "live", SCOPE_READ, 0, state},
    {"GET", "/api/live/events", "live_events", SCOPE_READ, 0, events},
    {"GET", "/api/live/clips/{number}", "live_clip", SCOPE_READ, 0, clip},
    {"POST", "/api/live/control", "live_control", SCOPE_MANAGE, 0, control},
    {"POST", "/api/live/queue/{number}", "live_queue", SCOPE_MANAGE, 0, queue},
    {"POST", "/api/live/users", "live_users", SCOPE_MANAGE, 0, users},
    {"GET", "/api/live/rules", "live_rules", SCOPE_READ, 0, get_rules},
    {"PUT", "/api/live/rules", "live_rules_put", SCOPE_MANAGE, 0, put_rules},
    {"GET", "/api/live/rules/templates", "live_templates", SCOPE_READ, 0, get_templates},
    {"POST", "/api/live/rules/test", "live_rules_test", SCOPE_READ, 0, test_rules},
    {0},
};
