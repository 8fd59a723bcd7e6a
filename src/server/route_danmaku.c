/* The original's live chat API: start and stop reading a chat, enqueue a message, and the stream of what is spoken. */
#include "live/live.h"
#include "server/live_events.h"
#include "server/routes.h"

#include <string.h>

/* A text of the body, "" when it is absent, NULL when it is no text. */
static const char *text(const json_t *body, const char *key)
{
    const json_t *v = json_object_get(body, key);
    if (!v || json_is_null(v))
        return "";
    return json_is_string(v) && strlen(json_string_value(v)) == json_string_length(v) ? json_string_value(v) : NULL;
}

static int read_channel(struct http_request *r, const json_t *body, struct live_channel_params *ret)
{
    static const char *const keys[] = {"platform", "channel", "voice_id", "engine", "url", "code"};
    const char *values[6];
    for (int i = 0; i < 6; i++)
        if (!(values[i] = text(body, keys[i]))) {
            reply_error(r, 400, keys[i], "invalid_type", "\"%s\": expected a text", keys[i]);
            return 0;
        }
    const int platform = chat_platform_parse(*values[0] ? values[0] : "twitch");
    if (platform < 0) {
        reply_error(r, 400, "platform", "invalid_value", "\"%.40s\": expected twitch, youtube, bilibili or other",
                    values[0]);
        return 0;
    }
    *ret = (struct live_channel_params){
        (enum chat_platform)platform, values[1], values[2], values[3], values[4], values[5]};
    return 1;
}

static void start(struct server *s, struct http_request *r, const struct route_args *args)
{
    json_t *body = request_json(r);
    struct live_channel_params p;
    struct error err;
    const char *name = "";
    (void)args;
    if (body && read_channel(r, body, &p)) {
        const int rc = live_start(s->live, &p, &name, &err);
        if (rc < 0)
            reply_error(r, rc == E_NOMEM ? 500 : rc == E_LIMIT ? 409 : 400, "channel", NULL, "%s", err.text);
        else
            reply_json(r, rc ? 200 : 202,
                       json_pack("{s:s,s:s}", "status", rc ? "running" : "started", "channel", name));
    }
    json_decref(body);
}

static void stop(struct server *s, struct http_request *r, const struct route_args *args)
{
    json_t *body = request_json(r);
    struct live_channel_params p;
    struct error err;
    (void)args;
    if (body && read_channel(r, body, &p)) {
        const int rc = live_stop(s->live, p.platform, p.channel, &err);
        if (rc == 0)
            reply_json(r, 202, json_pack("{s:s,s:s}", "status", "stopped", "channel", p.channel));
        else if (rc == E_NOTFOUND)
            reply_json(r, 200, json_pack("{s:s,s:n}", "status", "idle", "channel"));
        else
            reply_error(r, rc == E_NOMEM ? 500 : 400, "channel", NULL, "%s", err.text);
    }
    json_decref(body);
}

static void enqueue(struct server *s, struct http_request *r, const struct route_args *args)
{
    json_t *body = request_json(r);
    struct chat_message *m = NULL;
    struct rules_decision d;
    struct error err;
    const char *reason = NULL;
    uint64_t number = 0;
    (void)args;
    if (!body)
        return;
    if (live_is_closed(s->live)) { /* nobody would hear it; the next server's queue is the one for it */
        json_decref(body);
        reply_retry(r, 1, "shutting_down", "this server is going down");
        return;
    }
    int rc = chat_message_read(body, &m, &err);
    json_decref(body);
    if (!rc && (rc = live_take(s->live, m, &d, &reason, &number)))
        error_nomem(&err);
    chat_message_unref(m);
    if (rc) {
        reply_error(r, rc == E_NOMEM ? 500 : 400, NULL, NULL, "%s", err.text);
        return;
    }
    if (number) {
        reply_json(r, 202, json_pack("{s:s,s:s,s:I}", "verdict", rules_verdict_name(d.verdict), "text",
                                     d.text.ptr ? d.text.ptr : "", "number", (json_int_t)number));
    } else {
        const struct http_header headers[] = {
            {"x-ishow-verdict", reason ? reason : rules_verdict_name(d.verdict)}, {0}};
        http_respond_static(r, 204, headers, "", 0);
    }
    rules_decision_release(&d);
}

static void stream(struct server *s, struct http_request *r, const struct route_args *args)
{
    (void)args;
    live_events_websocket(s, r);
}

const struct route routes_danmaku[] = {
    {"POST", "/api/danmaku/start", "danmaku_start", SCOPE_MANAGE, 0, start},
    {"POST", "/api/danmaku/stop", "danmaku_stop", SCOPE_MANAGE, 0, stop},
    {"POST", "/api/danmaku/enqueue", "danmaku_enqueue", SCOPE_SPEAK, 0, enqueue},
    {"GET", "/api/danmaku/stream", "danmaku_stream", SCOPE_READ, 0, stream},
    {0},
};
