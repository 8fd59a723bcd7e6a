/* OpenAI's speech API: POST /v1/audio/speech and the lists of models.
 *
 * A model is a name for an engine here. OpenAI's own names are known too, so that programs which cannot be told
 * another one work; they mean whatever is configured. */
#include "server/routes.h"
#include "server/say_answer.h"

#include <string.h>

static const struct {
    const char *id, *engine; /* "": the one that is configured */
} models[] = {
    {"ishowtts", ""}, {"f5", "f5"}, {"builtin", "builtin"}, {"tts-1", ""}, {"tts-1-hd", ""}, {"gpt-4o-mini-tts", ""},
};
#define MODEL_COUNT (sizeof models / sizeof *models)

#define MODEL_CREATED 1767225600 /* 2026-01-01: clients want a date, and the list is part of the program */

/* The number of a model, or -1. A dated version of OpenAI's, "gpt-4o-mini-tts-2025-12-15", is the same model. */
static int find_model(const char *id)
{
    static const char dated[] = "gpt-4o-mini-tts-";
    for (size_t i = 0; i < MODEL_COUNT; i++)
        if (strcmp(models[i].id, id) == 0)
            return (int)i;
    return strncmp(id, dated, sizeof dated - 1) == 0 ? (int)MODEL_COUNT - 1 : -1;
}

static void refuse_model(struct http_request *r, const char *id)
{
    reply_error(r, 404, "model", "model_not_found", "there is no model \"%.*s\"; GET /v1/models lists them",
                say_quoted(id), id);
}

/* -------- speech -------- */

static enum say_form form_of(const struct say_request *q)
{
    if (q->stream_format && strcmp(q->stream_format, "sse") == 0)
        return SAY_OPENAI_EVENTS;
    /* Who names the format of a stream wants one. */
    const int stream = q->stream != SAY_ABSENT ? (int)q->stream : q->stream_format != NULL;
    return stream ? SAY_STREAM : SAY_SOUND;
}

static void speech(struct server *s, struct http_request *r, const struct route_args *args)
{
    struct say_request q;
    struct say_fault fault;
    struct say_order order = {.request = &q, .api = SAY_OPENAI};
    (void)args;
    json_t *fields = request_json(r);
    if (!fields)
        return;
    if (say_request_read(&q, SAY_OPENAI, fields, &fault)) {
        reply_error(r, 400, fault.param, fault.code, "%s", fault.text);
        return;
    }
    const int model = q.model ? find_model(q.model) : 0;
    order.form = form_of(&q);
    order.format = say_format_find(q.format ? q.format : s->config->speech.default_format);
    if (model < 0)
        refuse_model(r, q.model);
    else if (say_order_voice(s, models[model].engine, &order, &fault))
        reply_error(r, 400, fault.param, fault.code, "%s", fault.text);
    else
        say_answer(s, r, &order);
    say_request_release(&q);
}

/* -------- models -------- */

static json_t *describe_model(const char *id)
{
    return json_pack("{s:s,s:s,s:i,s:s}", "id", id, "object", "model", "created", MODEL_CREATED, "owned_by",
                     "ishowtts");
}

/* NULL, with both gone, when memory has run out. */
static json_t *append(json_t *list, json_t *item)
{
    if (json_array_append_new(list, item) == 0)
        return list;
    json_decref(list);
    return NULL;
}

static void list_models(struct server *s, struct http_request *r, const struct route_args *args)
{
    json_t *list = json_array();
    (void)s;
    (void)args;
    for (size_t i = 0; list && i < MODEL_COUNT; i++)
        list = append(list, describe_model(models[i].id));
    reply_json(r, 200, list ? json_pack("{s:s,s:o}", "object", "list", "data", list) : NULL);
}

/* The same under the key that some clients of speech servers look for as well. */
static void list_audio_models(struct server *s, struct http_request *r, const struct route_args *args)
{
    json_t *list = json_array();
    (void)s;
    (void)args;
    for (size_t i = 0; list && i < MODEL_COUNT; i++)
        list = append(list, json_pack("{s:s,s:s}", "id", models[i].id, "name", models[i].id));
    reply_json(r, 200, list ? json_pack("{s:o}", "models", list) : NULL);
}

static void get_model(struct server *s, struct http_request *r, const struct route_args *args)
{
    (void)s;
    if (find_model(args->value[0]) < 0)
        refuse_model(r, args->value[0]);
    else
        reply_json(r, 200, describe_model(args->value[0]));
}

const struct route routes_openai[] = {
    {"POST", "/v1/audio/speech", "openai_speech", SCOPE_SPEAK, 0, speech},
    {"GET", "/v1/models", "openai_models", SCOPE_READ, 0, list_models},
    {"GET", "/v1/models/{id}", "openai_model", SCOPE_READ, 0, get_model},
    {"GET", "/v1/audio/models", "openai_audio_models", SCOPE_READ, 0, list_audio_models},
    {0},
};
