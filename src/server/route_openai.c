/* OpenAI's speech API. */
#include "server/routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *format, *type;
} types[] = {
    {"mp3", "audio/mpeg"}, {"opus", "audio/ogg"}, {"flac", "audio/flac"}, {"wav", "audio/wav"}, {"pcm", "audio/pcm"},
};

static const char *content_type(const char *format)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].format, format) == 0)
            return types[i].type;
    return NULL;
}

struct speech_request {
    struct server *server;
    struct http_request *http;
    struct job *job;
    const char *type;
    struct buf audio;
};

static void on_gone(void *user)
{
    struct speech_request *q = user;
    speech_cancel(q->server->speech, q->job);
    buf_release(&q->audio);
    free(q);
}

static void on_audio(void *user, const void *bytes, size_t n)
{
    struct speech_request *q = user;
    (void)buf_add(&q->audio, bytes, n);
}

static void on_done(void *user, const struct job_result *result)
{
    struct speech_request *q = user;
    const struct http_header headers[] = {{"Content-Type", q->type}, {0}};
    if (result->failure)
        reply_error(q->http, result->failure == JOB_BAD ? 400 : result->failure == JOB_TIMEOUT ? 504 : 502, NULL, NULL,
                    "%s", result->message);
    else
        http_respond_buf(q->http, 200, headers, &q->audio);
    buf_release(&q->audio);
    free(q);
}

static void speech(struct server *s, struct http_request *r, const struct route_args *args)
{
    (void)args;
    json_t *json = request_json(r);
    if (!json)
        return;
    const char *input = json_string_value(json_object_get(json, "input"));
    const char *format = json_string_value(json_object_get(json, "response_format"));
    struct speech_request *q = calloc(1, sizeof *q);
    if (!format)
        format = "mp3";
    if (!q) {
        reply_error(r, 500, NULL, NULL, "out of memory");
    } else if (!input || !content_type(format)) {
        reply_error(r, 400, input ? "response_format" : "input", NULL, "expected a text in \"input\" and a known format");
        free(q);
    } else {
        struct job_request job = {.id = http_id(r), .client = http_peer(r), .text = input, .engine = "",
                                  .format = format, .on_audio = on_audio, .on_done = on_done, .user = q};
        int retry = 0;
        ishow_say_params_init(&job.say);
        *q = (struct speech_request){.server = s, .http = r, .type = content_type(format)};
        if (speech_submit(s->speech, &job, &q->job, &retry)) {
            reply_error(r, 503, NULL, "overloaded", "the queue is full, try again in %d s", retry);
            free(q);
        } else {
            http_on_gone(r, on_gone, q);
        }
    }
    json_decref(json);
}

const struct route routes_openai[] = {
    {"POST", "/v1/audio/speech", "openai_speech", SCOPE_SPEAK, 0, speech},
    {0},
};
