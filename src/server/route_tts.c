/* The original's speech API: POST /api/tts answers JSON with the sound in base64, as it always did, or the sound alone as
 * it is made ("stream": true); GET /api/tts/stream sends it as events, which a web page can follow with an EventSource. */
#include "server/routes.h"
#include "server/say_answer.h"

#include <string.h>

/* "shimmy" was a way to the same voices. */
static const char *engine_of(const struct say_request *q)
{
    return !q->engine || strcmp(q->engine, "shimmy") == 0 ? "" : q->engine;
}

/* Takes over `fields`. */
static void say(struct server *s, struct http_request *r, json_t *fields, enum say_form form, const char *format)
{
    struct say_request q;
    struct say_fault fault;
    struct say_order order = {.request = &q, .api = SAY_ORIGINAL, .form = form};
    if (say_request_read(&q, SAY_ORIGINAL, fields, &fault)) {
        reply_error(r, 400, fault.param, fault.code, "%s", fault.text);
        return;
    }
    if (form == SAY_JSON && q.stream == 1)
        order.form = SAY_STREAM;
    order.format = say_format_find(q.format ? q.format : format);
    if (say_order_voice(s, engine_of(&q), &order, &fault))
        reply_error(r, 400, fault.param, fault.code, "%s", fault.text);
    else
        say_answer(s, r, &order);
    say_request_release(&q);
}

static void tts(struct server *s, struct http_request *r, const struct route_args *args)
{
    json_t *fields = request_json(r);
    (void)args;
    if (fields)
        say(s, r, fields, SAY_JSON, "wav");
}

static const char *get_query(const void *user, const char *name)
{
    return http_query(user, name);
}

static void tts_stream(struct server *s, struct http_request *r, const struct route_args *args)
{
    struct say_fault fault;
    json_t *fields = say_fields_from_query(SAY_ORIGINAL, get_query, r, &fault);
    (void)args;
    if (fields)
        say(s, r, fields, SAY_EVENTS, "pcm");
    else
        reply_error(r, 400, fault.param, fault.code, "%s", fault.text);
}

const struct route routes_tts[] = {
    {"POST", "/api/tts", "tts", SCOPE_SPEAK, 0, tts},
    {"GET", "/api/tts/stream", "tts_stream", SCOPE_SPEAK, 0, tts_stream},
    {0},
};
