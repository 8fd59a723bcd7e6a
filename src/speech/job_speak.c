/* See job_speak.h. An attempt is one job on its way through all of this. */
#include "speech/job_speak.h"

#include "base/clock.h"
#include "base/utf8.h"
#include "speech/degrade.h"
#include "speech/job_encode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct attempt {
    struct speech_engine *engine;
    struct job *job;
    int with_model;
    struct job_encode encode;
    float *samples; /* of this synthesis, when not streamed */
    size_t count, room;
    uint64_t made; /* samples of this synthesis */
    uint64_t sent; /* to the client: then there is no other synthesis */

    ishow_say_params say;
    ishow_stats stats;
    int rc;                 /* of this synthesis */
    struct error err;
    enum sound_fault fault; /* what was wrong with its sound */
    struct error own;       /* what went wrong on our side of the callback */
    int no_clip;            /* the voice could not be prepared */
    int reopened;
};

/* -------- samples -------- */

static int hold(struct attempt *a, const float *samples, size_t n)
{
    if (n > a->room - a->count) {
        const size_t room = (a->count + n) * 2;
        float *more = realloc(a->samples, room * sizeof *more);
        if (!more)
            return error_nomem(&a->own);
        a->samples = more;
        a->room = room;
    }
    memcpy(a->samples + a->count, samples, n * sizeof *samples);
    a->count += n;
    return 0;
}

static enum sound_fault check_length(const struct attempt *a, uint64_t samples)
{
    const double seconds = (double)samples / ISHOW_RATE;
    return a->job->say.fix_duration > 0 ? SOUND_GOOD : speech_length_check(&a->job->length, seconds);
}

/* Of a stream: checked, and off. */
static int send_on(struct attempt *a, const float *samples, size_t n)
{
    a->fault = sound_check(samples, n);
    if (!a->fault && a->with_model && check_length(a, a->sent + n) == SOUND_TOO_LONG)
        a->fault = SOUND_TOO_LONG;
    if (a->fault)
        return -1;
    if (!a->sent)
        a->job->result.first_audio_seconds = clock_seconds() - a->job->submitted;
    a->sent += n;
    return job_encode_write(&a->encode, samples, n, 0, &a->own);
}

static int on_samples(void *user, const float *samples, size_t n)
{
    struct attempt *a = user;
    speech_engine_beat(a->engine);
    if (atomic_load(&a->job->stop))
        return 1;
    if (!a->made && !a->job->stream)
        a->job->result.first_audio_seconds = clock_seconds() - a->job->submitted;
    const int rc = a->job->stream ? send_on(a, samples, n) : hold(a, samples, n);
    a->made += n;
    return rc;
}

static int on_progress(void *user, int done, int total)
{
    struct attempt *a = user;
    (void)done;
    (void)total;
    speech_engine_beat(a->engine);
    return atomic_load(&a->job->stop);
}

/* -------- one synthesis -------- */

static uint64_t draw_seed(void)
{
    uint32_t seed;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed)
        seed = (uint32_t)(clock_seconds() * 1e6); /* before the kernel has entropy */
    return seed;
}

static void attempt_init(struct attempt *a, struct speech_engine *e, struct job *job)
{
    const double now = clock_seconds();
    *a = (struct attempt){.engine = e, .job = job, .encode = {.job = job}, .say = job->say};
    job->result = (struct job_result){.message = "", .engine = "", .spoken_by = "", .degraded = "", .batch = 1};
    job->result.queue_seconds = now - job->submitted;
    if (a->say.seed == ISHOW_SEED_RANDOM)
        a->say.seed = draw_seed();
    a->say.on_progress = on_progress;
    a->say.progress_user = a;
    if (job->terms.nfe < a->say.nfe && e->model && job->wants_model) {
        a->say.nfe = job->terms.nfe;
        job->steps |= DEGRADE_NFE;
    }
}

/* Forgets what the last synthesis made. */
static void attempt_begin(struct attempt *a, int with_model)
{
    struct job_result *r = &a->job->result;
    a->with_model = with_model;
    a->count = 0;
    a->made = 0;
    a->rc = 0;
    a->fault = SOUND_GOOD;
    a->own = (struct error){0};
    a->no_clip = 0;
    a->stats = (ishow_stats){.size = sizeof a->stats};
    if (!with_model)
        a->job->steps &= ~(unsigned)DEGRADE_NFE;
    if (!with_model && a->job->wants_model)
        a->job->steps |= DEGRADE_BUILTIN;
    r->engine = with_model ? "f5" : "builtin";
    r->nfe = with_model ? a->say.nfe : 0;
    r->seed = a->say.seed;
    r->degraded = degrade_text(a->job->steps);
}

static int find_clip(struct attempt *a, ishow_voice **ret)
{
    const int rc = speech_engine_clip(a->engine, a->job->voice, ret, &a->err);
    a->no_clip = rc != 0;
    return a->rc = rc;
}

static void speak_alone(struct attempt *a, int with_model)
{
    const struct speech_engine *e = a->engine;
    ishow_voice *voice = NULL;
    attempt_begin(a, with_model);
    if (with_model && find_clip(a, &voice))
        return;
    const double start = clock_seconds();
    a->rc = e->calls->say(with_model ? e->model : e->builtin, voice, a->job->text, &a->say, on_samples, a, &a->stats,
                          (ishow_error *)&a->err);
    a->job->result.seconds += clock_seconds() - start;
}

static void speak_together(struct attempt *attempts, int n)
{
    const struct speech_engine *e = attempts[0].engine;
    ishow_request requests[SPEECH_CLIPS_MAX], *list[SPEECH_CLIPS_MAX];
    struct error err;
    int count = 0;
    const double start = clock_seconds();
    for (int i = 0; i < n; i++) {
        struct attempt *a = &attempts[i];
        ishow_voice *voice;
        attempt_begin(a, 1);
        a->job->result.batch = n;
        if (find_clip(a, &voice))
            continue;
        ishow_request *r = list[count] = &requests[i];
        ishow_request_init(r);
        *r = (ishow_request){.size = r->size, .voice = voice, .text = a->job->text, .params = &a->say,
                             .on_audio = on_samples, .user = a, .stats = &a->stats, .err = (ishow_error *)&a->err};
        count++;
    }
    const int rc = count ? e->calls->say_many(e->model, list, count, (ishow_error *)&err) : 0;
    const double seconds = clock_seconds() - start;
    for (int i = 0; i < n; i++)
        if (!attempts[i].no_clip) {
            attempts[i].job->result.seconds += seconds;
            attempts[i].rc = rc ? rc : requests[i].result;
            if (rc)
                attempts[i].err = err;
        }
}

/* -------- what became of it -------- */

enum outcome {
    WELL,
    STOPPED,   /* nobody wants it any more */
    BAD_ASK,   /* the text or a parameter is at fault */
    BAD_SOUND, /* a->fault */
    LOST,      /* the engine cannot read its model any more */
    FAILED
};

static int whole_fault(const struct attempt *a)
{
    const enum sound_fault f = a->job->stream ? SOUND_GOOD : sound_check(a->samples, a->count);
    if (f || !a->with_model)
        return f;
    return a->made ? check_length(a, a->made) : SOUND_SILENT;
}

static enum outcome judge(struct attempt *a)
{
    if (a->rc && atomic_load(&a->job->stop))
        return STOPPED;
    if (a->no_clip)
        return FAILED;
    if (a->rc == E_CANCELLED && a->own.code) {
        a->err = a->own;
        return FAILED;
    }
    const size_t len = strlen(a->job->text);
    if (a->rc == E_FORMAT && a->with_model && utf8_valid_prefix(a->job->text, len) == len)
        a->fault = SOUND_NOT_FINITE; /* it looks at its numbers itself */
    if (!a->rc)
        a->fault = whole_fault(a);
    if (a->fault) {
        if (a->rc != E_FORMAT)
            error_set(&a->err, E_FORMAT, "what the %s engine made cannot be speech: %s", a->job->result.engine,
                      sound_fault_name(a->fault));
        return BAD_SOUND;
    }
    switch (a->rc) {
    case 0: return WELL;
    case E_ARG:
    case E_LIMIT:
    case E_FORMAT: return BAD_ASK;
    case E_IO: return a->with_model ? LOST : FAILED;
    default: return FAILED;
    }
}

static void log_trouble(const struct attempt *a, const char *event)
{
    log_event(a->engine->log, LOG_WARN, event, log_str("id", a->job->id), log_str("worker", a->engine->name),
              log_int("nfe", a->job->result.nfe), log_int("seed", (int64_t)a->say.seed),
              log_str("reason", a->err.text));
}

/* Another synthesis, if there is something left to try. */
static int try_again(struct attempt *a, enum outcome outcome)
{
    struct job *job = a->job;
    struct job_result *r = &job->result;
    if (outcome == LOST && !a->reopened) {
        log_trouble(a, "model_lost");
        a->reopened = 1;
        speech_engine_close(a->engine);
        if (speech_engine_open(a->engine) == 0 && !a->sent) {
            speak_alone(a, 1);
            return 1;
        }
    }
    if (a->sent)
        return 0;
    if (outcome == BAD_SOUND && a->with_model && r->retries < job->terms.retries) {
        log_trouble(a, "speech_retried");
        job->faults[r->retries++] = (unsigned char)a->fault;
        job->steps |= DEGRADE_SEED;
        a->say.seed = (a->say.seed + 1) & UINT32_MAX;
        speak_alone(a, 1);
        return 1;
    }
    if (a->with_model && job->terms.fallback) {
        log_trouble(a, "speech_fell_back");
        speak_alone(a, 0);
        return 1;
    }
    return 0;
}

static void settle(struct attempt *a)
{
    struct job *job = a->job;
    struct job_result *r = &job->result;
    enum outcome outcome = judge(a);
    while (outcome != WELL && outcome != STOPPED && outcome != BAD_ASK && try_again(a, outcome))
        outcome = judge(a);
    if (outcome == WELL &&
        ((!job->stream && job_encode_write(&a->encode, a->samples, a->count, a->count, &a->err)) ||
         job_encode_finish(&a->encode, &a->err)))
        outcome = FAILED;
    r->failure = outcome == WELL ? JOB_OK : outcome == BAD_ASK ? JOB_BAD : JOB_BROKEN;
    r->samples = outcome == WELL ? a->made : 0;
    snprintf(job->message, sizeof job->message, "%s", outcome == WELL ? "" : a->err.text);
    snprintf(job->spoken_by, sizeof job->spoken_by, "%s", a->stats.voice);
    if (outcome == FAILED || outcome == LOST || outcome == BAD_SOUND)
        log_trouble(a, "speech_failed");
}

static void attempt_release(struct attempt *a)
{
    job_encode_release(&a->encode);
    free(a->samples);
}

/* Without a model, or when it would be too late. */
static int model_can(const struct attempt *a)
{
    const struct job *job = a->job;
    if (!job->wants_model || !a->engine->model || job->steps & DEGRADE_BUILTIN)
        return 0;
    return !job->terms.fallback || clock_seconds() + job->terms.expect <= job->deadline;
}

void jobs_speak(struct speech_engine *e, struct job *const *jobs, int n, void (*on_end)(void *user, struct job *job),
                void *user)
{
    struct attempt attempts[SPEECH_CLIPS_MAX];
    int together = n > 1;
    for (int i = 0; i < n; i++) {
        attempt_init(&attempts[i], e, jobs[i]);
        together &= model_can(&attempts[i]);
    }
    if (together)
        speak_together(attempts, n);
    for (int i = 0; i < n; i++) {
        struct attempt *a = &attempts[i];
        if (!together) {
            const int with_model = model_can(a);
            if (!with_model && a->job->wants_model && !a->job->terms.fallback) {
                a->rc = E_UNSUPPORTED;
                a->err = e->trouble;
            } else {
                speak_alone(a, with_model);
            }
        }
        settle(a);
        attempt_release(a);
        on_end(user, a->job);
    }
}
