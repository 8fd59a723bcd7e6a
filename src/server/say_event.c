/* See say_event.h. */
#include "server/say_event.h"

#include "base/base64.h"
#include "base/error.h"
#include "server/routes.h"

#include <stdlib.h>

#define MEL_HOP 256 /* samples of a frame */

/* Takes over `data`; NULL: there was no memory for it. `name` may be NULL. */
static int add_event(struct buf *out, const char *name, json_t *data)
{
    char *text = data ? json_dumps(data, JSON_COMPACT) : NULL;
    int rc = text ? 0 : E_NOMEM;
    if (!rc && name)
        rc = buf_addf(out, "event: %s\n", name);
    if (!rc)
        rc = buf_addf(out, "data: %s\n\n", text);
    free(text);
    json_decref(data);
    return rc;
}

int say_event_start(struct buf *out, const char *request_id, const char *voice_id, const char *type)
{
    return add_event(out, "start", json_pack("{s:s,s:s,s:i,s:s}", "request_id", request_id, "voice_id", voice_id,
                                             "sample_rate", ISHOW_RATE, "format", type));
}

int say_event_audio(struct buf *out, uint64_t seq, const void *bytes, size_t n)
{
    const int rc = buf_addf(out, "event: audio\ndata: {\"seq\":%llu,\"audio\":\"", (unsigned long long)seq);
    return rc || base64_add(out, bytes, n) || buf_add_str(out, "\"}\n\n") ? E_NOMEM : 0;
}

int say_event_done(struct buf *out, const char *request_id, const char *voice_id, const struct job_result *result)
{
    const double audio = (double)result->samples / ISHOW_RATE;
    return add_event(out, "done",
                     json_pack("{s:s,s:s,s:s,s:I,s:f,s:f,s:f,s:f,s:f,s:i,s:I,s:s}", "request_id", request_id,
                               "voice_id", voice_id, "engine", result->engine, "waveform_len",
                               (json_int_t)result->samples, "audio_seconds", audio, "queue_seconds",
                               result->queue_seconds, "first_audio_seconds", result->first_audio_seconds,
                               "synthesis_seconds", result->seconds, "rtf", audio > 0 ? result->seconds / audio : 0.0,
                               "nfe", result->nfe, "seed", (json_int_t)result->seed, "degraded", result->degraded));
}

int say_event_delta(struct buf *out, const void *bytes, size_t n)
{
    return buf_add_str(out, "data: {\"type\":\"speech.audio.delta\",\"audio\":\"") || base64_add(out, bytes, n) ||
                   buf_add_str(out, "\"}\n\n")
               ? E_NOMEM
               : 0;
}

int say_event_speech_done(struct buf *out, size_t characters, const struct job_result *result)
{
    const json_int_t in = (json_int_t)characters, made = (json_int_t)(result->samples / MEL_HOP);
    return add_event(out, NULL,
                     json_pack("{s:s,s:{s:I,s:I,s:I}}", "type", "speech.audio.done", "usage", "input_tokens", in,
                               "output_tokens", made, "total_tokens", in + made));
}

int say_event_error(struct buf *out, int named, int status, const char *code, const char *message)
{
    return add_event(out, named ? "error" : NULL, error_json(status, NULL, code, message));
}
