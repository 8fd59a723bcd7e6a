/* See say_answer.h. A struct answer lives from the queue's "yes" until the job is done or the client is gone. */
#include "server/say_answer.h"

#include "base/base64.h"
#include "base/utf8.h"
#include "server/history_draft.h"
#include "server/say_event.h"
#include "server/visitor.h"
#include "speech/voices.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS_MAX 16
#define VALUE_MAX   32 /* bytes of a number */

struct answer {
    struct server *server;
    struct http_request *http;
    struct job *job;
    enum say_form form;
    const char *param; /* the field with the text */
    const struct say_format *format;
    struct voice *voice; /* a reference */
    struct history_draft *draft; /* NULL: there is no history */
    size_t characters;
    int begun;           /* the stream has */
    uint64_t pieces;     /* sent as events */
    char ignored[SAY_IGNORED_MAX];
};

static void answer_free(struct answer *a)
{
    voice_unref(a->voice);
    history_draft_free(a->draft);
    free(a);
}

static int is_stream(const struct answer *a)
{
    return a->form == SAY_STREAM || a->form == SAY_OPENAI_EVENTS || a->form == SAY_EVENTS;
}

/* -------- headers -------- */

struct head {
    struct http_header list[HEADERS_MAX];
    int count;
    char values[HEADERS_MAX][VALUE_MAX];
};

static void add(struct head *h, const char *name, const char *value)
{
    h->list[h->count++] = (struct http_header){name, value};
    h->list[h->count] = (struct http_header){0};
}

__attribute__((format(printf, 3, 4))) static void addf(struct head *h, const char *name, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(h->values[h->count], VALUE_MAX, fmt, ap);
    va_end(ap);
    add(h, name, h->values[h->count]);
}

static void make_head(const struct answer *a, const struct job_result *result, struct head *h)
{
    const double audio = (double)result->samples / ISHOW_RATE;
    h->count = 0;
    add(h, "Content-Type",
        a->form == SAY_JSON || a->form == SAY_JSON_WRAPPED        ? "application/json"
        : a->form == SAY_EVENTS || a->form == SAY_OPENAI_EVENTS ? "text/event-stream"
                                                                  : a->format->type);
    add(h, "Cache-Control", "no-store");
    if (is_stream(a))
        add(h, "X-Accel-Buffering", "no"); /* nginx would hold back what is to be heard now */
    add(h, "x-ishow-engine", result->engine);
    if (result->nfe) { /* the built-in voice has neither */
        addf(h, "x-ishow-nfe", "%d", result->nfe);
        addf(h, "x-ishow-seed", "%llu", (unsigned long long)result->seed);
    }
    addf(h, "x-ishow-queue-ms", "%.1f", result->queue_seconds * 1e3);
    if (result->degraded[0])
        add(h, "x-ishow-degraded", result->degraded);
    if (a->ignored[0])
        add(h, "x-ishow-ignored", a->ignored);
    if (audio > 0) {
        addf(h, "x-ishow-rtf", "%.4f", result->seconds / audio);
        addf(h, "x-ishow-audio-ms", "%.0f", audio * 1e3);
    }
}

/* -------- whole answers -------- */

static json_t *describe(const struct answer *a, const struct job_result *result)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:i,s:I,s:s}", "request_id", http_id(a->http), "voice_id", a->voice->id,
                     "engine", result->engine, "engine_label", a->voice->label, "sample_rate", ISHOW_RATE,
                     "waveform_len", (json_int_t)result->samples, "format", a->format->type);
}

/* The sound is appended by hand: jansson would look at each of its characters, and copy them twice. */
static int write_json(struct answer *a, const struct job_result *result, struct buf *out)
{
    json_t *json = describe(a, result);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    int rc = E_NOMEM;
    if (text) {
        text[strlen(text) - 1] = '\0'; /* the brace */
        rc = buf_addf(out, "%s%s,\"audio_base64\":\"", a->form == SAY_JSON_WRAPPED ? "{\"response\":" : "", text);
    }
    if (!rc)
        rc = base64_add(out, result->audio, result->audio_len);
    if (!rc)
        rc = buf_add_str(out, a->form == SAY_JSON_WRAPPED ? "\"}}\n" : "\"}\n");
    free(text);
    json_decref(json);
    return rc;
}

static void answer_whole(struct answer *a, const struct job_result *result)
{
    struct buf out = BUF_INIT;
    struct head head;
    make_head(a, result, &head);
    if (a->form != SAY_SOUND && write_json(a, result, &out))
        reply_error(a->http, 500, NULL, "out_of_memory", "out of memory");
    else
        http_respond_buf(a->http, 200, head.list, a->form == SAY_SOUND && result->sound ? result->sound : &out);
    buf_release(&out);
}

/* -------- streams -------- */

/* -1 when the answer is over, and `a` gone. */
static int stream_write(struct answer *a, const void *data, size_t len)
{
    const int rc = http_stream_write(a->http, data, len);
    if (rc == E_NOMEM) {
        http_stream_abort(a->http);
        speech_cancel(a->server->speech, a->job);
        answer_free(a);
    }
    return rc ? -1 : 0; /* other failures have called on_gone */
}

static int stream_event(struct answer *a, int rc, struct buf *event)
{
    if (rc) { /* no memory for it: the client is to see that something is missing */
        http_stream_abort(a->http);
        speech_cancel(a->server->speech, a->job);
        answer_free(a);
    } else {
        rc = stream_write(a, event->ptr, event->len);
    }
    buf_release(event);
    return rc ? -1 : 0;
}

static int stream_begin(struct answer *a, const struct job_result *so_far)
{
    struct buf event = BUF_INIT;
    struct head head;
    make_head(a, so_far, &head);
    a->begun = 1;
    http_stream_begin(a->http, 200, head.list);
    return a->form == SAY_EVENTS
               ? stream_event(a, say_event_start(&event, http_id(a->http), a->voice->id, a->format->type), &event)
               : 0;
}

static void on_start(void *user, const struct job_result *so_far)
{
    struct answer *a = user;
    if (is_stream(a))
        (void)stream_begin(a, so_far);
}

static void on_audio(void *user, const void *bytes, size_t n)
{
    struct answer *a = user;
    struct buf event = BUF_INIT;
    if (!is_stream(a))
        return; /* it is in the result */
    if (a->form == SAY_STREAM)
        (void)stream_write(a, bytes, n);
    else if (a->form == SAY_EVENTS)
        (void)stream_event(a, say_event_audio(&event, a->pieces++, bytes, n), &event);
    else
        (void)stream_event(a, say_event_delta(&event, bytes, n), &event);
}

/* -------- the end -------- */

static const struct {
    int status;
    const char *code;
} failures[] = {
    [JOB_TIMEOUT] = {504, "timeout"},
    [JOB_BAD] = {400, "unspeakable"},
    [JOB_BROKEN] = {502, "engine_error"},
    [JOB_STOPPED] = {503, "shutting_down"},
};

static void fail(struct answer *a, const struct job_result *result)
{
    const int status = failures[result->failure].status;
    const char *code = failures[result->failure].code;
    if (!a->begun && status == 503) {
        reply_retry(a->http, 1, code, "%s", result->message);
    } else if (!a->begun) {
        reply_error(a->http, status, status == 400 ? a->param : NULL, code, "%s", result->message);
    } else if (a->form == SAY_STREAM) {
        http_stream_abort(a->http);
    } else {
        struct buf event = BUF_INIT;
        if (say_event_error(&event, a->form == SAY_EVENTS, status, code, result->message) == 0 &&
            http_stream_write(a->http, event.ptr, event.len) == 0)
            http_stream_end(a->http);
        else
            http_stream_abort(a->http);
        buf_release(&event);
    }
}

static void on_gone(void *user)
{
    struct answer *a = user;
    speech_cancel(a->server->speech, a->job);
    answer_free(a);
}

static void on_done(void *user, const struct job_result *result)
{
    struct answer *a = user;
    struct buf event = BUF_INIT;
    http_on_gone(a->http, NULL, NULL); /* there is no job any more that could be given up */
    if (result->failure != JOB_OK) {
        fail(a, result);
    } else if (!is_stream(a)) {
        answer_whole(a, result);
    } else {
        int rc = 0;
        if (a->form == SAY_EVENTS)
            rc = say_event_done(&event, http_id(a->http), a->voice->id, result);
        else if (a->form == SAY_OPENAI_EVENTS)
            rc = say_event_speech_done(&event, a->characters, result);
        if (rc || (event.len && http_stream_write(a->http, event.ptr, event.len)))
            http_stream_abort(a->http);
        else
            http_stream_end(a->http);
        buf_release(&event);
    }
    if (a->draft)
        history_draft_keep(a->draft, result);
    answer_free(a);
}

/* -------- the beginning -------- */

void say_answer(struct server *s, struct http_request *r, const struct say_order *order)
{
    const struct say_request *q = order->request;
    int retry = 1;
    struct answer *a = calloc(1, sizeof *a);
    if (!a) {
        reply_error(r, 500, NULL, "out_of_memory", "out of memory");
        return;
    }
    *a = (struct answer){.server = s,
                         .http = r,
                         .form = order->form,
                         .param = order->api == SAY_OPENAI ? "input" : "text",
                         .format = order->format,
                         .voice = voice_ref(order->voice),
                         .characters = utf8_count(q->text, strlen(q->text))};
    memcpy(a->ignored, q->ignored, sizeof a->ignored);
    struct job_request job = {.id = http_id(r),
                              .client = visitor_name(r),
                              .text = q->text,
                              .engine = order->engine,
                              .voice = order->voice,
                              .format = order->format->name,
                              .stream = is_stream(a),
                              .priority = say_request_priority(q),
                              .timeout = q->timeout_ms == SAY_ABSENT ? 0 : (double)q->timeout_ms / 1e3,
                              .on_start = on_start,
                              .on_audio = on_audio,
                              .on_done = on_done,
                              .user = a};
    say_request_params(q, s->config->f5.default_nfe_step, &job.say);
    a->draft = history_draft_create(s->history, &job);
    job.keep = a->draft != NULL;
    switch (speech_submit(s->speech, &job, &a->job, &retry)) {
    case SUBMIT_OK: http_on_gone(r, on_gone, a); return;
    case SUBMIT_FULL:
        reply_retry(r, retry, "overloaded", "there is too much to say already: try again in %d s", retry);
        break;
    case SUBMIT_STOPPING: reply_retry(r, 1, "shutting_down", "this server is going down"); break;
    case SUBMIT_NOMEM: reply_error(r, 500, NULL, "out_of_memory", "out of memory"); break;
    }
    answer_free(a);
}
