/* What the original's web page knew of Shimmy, the model server that was built into it: a list of models to choose
 * from, and a "generation" whose prompt is a request for speech. */
#include "server/routes.h"
#include "server/say_answer.h"

#include <string.h>

static int add_model(json_t *list, const char *name)
{
    return json_array_append_new(list,
                                 json_pack("{s:s,s:s,s:s}", "name", name, "model_type", "tts", "source", "ishowtts"));
}

static void models(struct server *s, struct http_request *r, const struct route_args *args)
{
    json_t *list = json_array();
    int rc = add_model(list, s->config->shimmy.model_name);
    (void)args;
    for (size_t i = 0; i < s->config->shimmy.extra_model_count; i++)
        rc |= add_model(list, s->config->shimmy.extra_models[i].name);
    if (rc) {
        json_decref(list);
        list = NULL;
    }
    reply_json(r, 200, list ? json_pack("{s:o}", "models", list) : NULL);
}

/* The fields of a request for speech: the prompt is one in JSON, or the text itself. NULL after an answer. */
static json_t *read_prompt(struct http_request *r, json_t *body)
{
    const json_t *prompt = json_object_get(body, "prompt");
    const char *text = json_string_value(prompt);
    json_error_t e;
    if (!text) {
        reply_error(r, 400, "prompt", "missing_required_parameter",
                    "expected a text in \"prompt\": what to say, or a request for POST /api/tts as JSON");
        return NULL;
    }
    const int is_json = text[strspn(text, " \t\r\n")] == '{';
    json_t *fields = is_json ? json_loads(text, JSON_REJECT_DUPLICATES, &e) : json_pack("{s:s}", "text", text);
    if (!fields && !is_json)
        reply_error(r, 500, NULL, "out_of_memory", "out of memory");
    else if (!fields)
        reply_error(r, 400, "prompt", "invalid_json", "the JSON in \"prompt\" is none: line %d, column %d: %s", e.line,
                    e.column, e.text);
    return fields;
}

static void generate(struct server *s, struct http_request *r, const struct route_args *args)
{
    struct say_request q;
    struct say_fault fault;
    struct say_order order = {.request = &q, .api = SAY_ORIGINAL, .form = SAY_JSON_WRAPPED};
    (void)args;
    json_t *body = request_json(r);
    if (!body)
        return;
    json_t *fields = read_prompt(r, body);
    json_decref(body);
    if (!fields)
        return;
    if (say_request_read(&q, SAY_ORIGINAL, fields, &fault)) {
        reply_error(r, 400, fault.param, fault.code, "in \"prompt\": %s", fault.text);
        return;
    }
    order.format = say_format_find(q.format ? q.format : "wav");
    if (say_order_voice(s, "", &order, &fault))
        reply_error(r, 400, fault.param, fault.code, "%s", fault.text);
    else
        say_answer(s, r, &order);
    say_request_release(&q);
}

const struct route routes_shimmy[] = {
    {"GET", "/shimmy/models", "shimmy_models", SCOPE_READ, 0, models},
    {"POST", "/shimmy/generate", "shimmy_generate", SCOPE_SPEAK, 0, generate},
    {0},
};
