/* See history_draft.h. */
#include "server/history_draft.h"

#include "speech/voices.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct history_draft {
    struct history *history;
    int64_t time;
    char *request, *text, *voice, *format; /* owned */
    ishow_say_params say;
};

void history_draft_free(struct history_draft *d)
{
    if (!d)
        return;
    free(d->request);
    free(d->text);
    free(d->voice);
    free(d->format);
    free(d);
}

struct history_draft *history_draft_create(struct history *h, const struct job_request *job)
{
    if (!history_enabled(h))
        return NULL;
    struct history_draft *d = calloc(1, sizeof *d);
    if (d) {
        d->history = h;
        d->time = store_now();
        d->request = strdup(job->id);
        d->text = strdup(job->text);
        d->voice = strdup(job->voice ? job->voice->id : VOICE_BUILTIN);
        d->format = strdup(job->format);
        d->say = job->say;
    }
    if (!d || !d->request || !d->text || !d->voice || !d->format) {
        history_drop(h, "out of memory");
        history_draft_free(d);
        return NULL;
    }
    return d;
}

/* In the words of POST /api/tts, so that it can be sent again; the seed and the evaluations are those that were
 * used. */
static char *params_text(const struct history_draft *d, const struct job_result *r)
{
    const ishow_say_params *p = &d->say;
    json_t *json =
        json_pack("{s:f,s:f,s:f,s:f,s:f,s:b,s:I,s:s,s:s,s:i}", "speed", p->speed, "target_rms", p->target_rms,
                  "cross_fade_duration", p->cross_fade, "sway_sampling_coef", p->sway, "cfg_strength", p->cfg_strength,
                  "remove_silence", p->remove_silence, "seed", (json_int_t)r->seed, "spoken_by", r->spoken_by,
                  "degraded", r->degraded, "batch", r->batch);
    int failed = !json;
    if (json && r->nfe)
        failed |= json_object_set_new(json, "nfe_step", json_integer(r->nfe));
    if (json && p->fix_duration > 0)
        failed |= json_object_set_new(json, "fix_duration", json_real(p->fix_duration));
    char *text = failed ? NULL : json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(15)); /* 0.1 stays 0.1 */
    json_decref(json);
    return text;
}

/* To a microsecond: what is finer is noise. */
static double rounded(double seconds)
{
    return round(seconds * 1e6) / 1e6;
}

void history_draft_keep(const struct history_draft *d, const struct job_result *r)
{
    if (r->failure != JOB_OK)
        return;
    char *params = params_text(d, r);
    if (!params) {
        history_drop(d->history, "out of memory");
        return;
    }
    history_add(d->history, &(struct store_generation){
                                .request = d->request,
                                .time = d->time,
                                .voice = d->voice,
                                .engine = r->engine,
                                .text = d->text,
                                .params = params,
                                .queue_seconds = rounded(r->queue_seconds),
                                .first_audio_seconds = rounded(r->first_audio_seconds),
                                .seconds = rounded(r->seconds),
                                .audio_seconds = rounded((double)r->samples / ISHOW_RATE),
                                .format = r->audio_len ? d->format : "",
                                .audio = r->audio,
                                .audio_len = r->audio_len,
                            });
    free(params);
}
