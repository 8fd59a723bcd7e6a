/* The original's speech API: POST /api/tts answers JSON with the sound in base64, as it always did, or the sound alone
 * as it is made ("stream": true); GET /api/tts/stream sends it as events, which a web page can follow with an
 * EventSource. POST /api/voices/{id}/preview has a voice say a sentence, so that people hear it before they
 * choose it. */
#include "server/routes.h"

#include "base/utf8.h"
#include "server/say_answer.h"
#include "speech/voices.h"

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
        reply_error(r, fault.param ? 400 : 500, fault.param, fault.code, "%s", fault.text);
}

/* By its language, or by its words when that was not told. */
static int is_chinese(const struct voice *v)
{
    const char *text = v->active.text ? v->active.text : "";
    uint32_t c = 0;
    if (*v->language)
        return strncmp(v->language, "zh", 2) == 0;
    for (size_t n; (n = utf8_decode(text, strlen(text), &c)) && (c < 0x4e00 || c > 0x9fff);)
        text += n;
    return *text != '\0';
}

static void preview(struct server *s, struct http_request *r, const struct route_args *args)
{
    const struct voice *v = voices_find(s->voices, args->value[0]);
    if (!v || strcmp(v->id, args->value[0])) {
        reply_error(r, 404, NULL, "voice_not_found", "there is no voice \"%s\"", args->value[0]);
        return;
    }
    const int has_body = http_body(r).len > 0;
    json_t *fields = has_body ? request_json(r) : json_object();
    if (!fields && has_body)
        return; /* it has been answered */
    int failed = !fields || json_object_set_new(fields, "voice_id", json_string(v->id));
    if (!failed && !json_object_get(fields, "text"))
        failed = json_object_set_new(
            fields, "text",
            json_string(is_chinese(v) ? "你好，我的声音听起来就是这样。" : "Hello there, this is what I sound like."));
    if (!failed) {
        say(s, r, fields, SAY_SOUND, "wav");
        return;
    }
    json_decref(fields);
    reply_error(r, 500, NULL, "out_of_memory", "out of memory");
}

const struct route routes_tts[] = {
    {"POST", "/api/tts", "tts", SCOPE_SPEAK, 0, tts},
    {"POST", "/api/voices/{id}/preview", "voice_preview", SCOPE_SPEAK, 0, preview},
    {"GET", "/api/tts/stream", "tts_stream", SCOPE_SPEAK, 0, tts_stream},
    {0},
};
