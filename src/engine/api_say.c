/* ishow_say and ishow_say_many: checks requests, writes their texts out, brings together those that can share
 * evaluations, and times what goes out. */
#include "engine/api.h"

#include "audio/shape.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "engine/builtin.h"
#include "engine/speak.h"
#include "text/normalize.h"
#include "text/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(ISHOW_BATCH_MAX == SAMPLER_MAX_BATCH, "limits are the same");

void ishow_say_params_init(ishow_say_params *p)
{
    *p = (ishow_say_params){.size = sizeof *p,
                            .nfe = 7,
                            .cfg_strength = 2,
                            .sway = -1,
                            .speed = 1,
                            .seed = ISHOW_SEED_RANDOM,
                            .target_rms = 0.1,
                            .cross_fade = 0.15,
                            .normalize = 1};
}

static int check_range(const char *name, double value, double least, double most, struct error *err)
{
    if (value >= least && value <= most) /* false for NaN */
        return 0;
    return error_set(err, E_ARG, "%s is %g, expected %g to %g", name, value, least, most);
}

static int check_say_params(const ishow_say_params *p, struct error *err)
{
    int rc;
    if ((rc = check_range("nfe", p->nfe, 1, ISHOW_NFE_MAX, err)) ||
        (rc = check_range("cfg_strength", p->cfg_strength, 0, 10, err)) ||
        (rc = check_range("sway", p->sway, -1, 1, err)) || (rc = check_range("speed", p->speed, 0.1, 10, err)) ||
        (rc = check_range("fix_duration", p->fix_duration, 0, (double)DIT_MAX_FRAMES * 256 / AUDIO_RATE, err)) ||
        (rc = check_range("target_rms", p->target_rms, 0.001, 1, err)) ||
        (rc = check_range("cross_fade", p->cross_fade, 0, 10, err)) ||
        (rc = check_range("first_chunk", p->first_chunk, 0, ISHOW_TEXT_MAX, err)))
        return rc;
    return 0;
}

/* What stands between the engine and the caller's callback: the clock and the counters. */
struct meter {
    ishow_audio_fn fn;
    void *user;
    double start, first, last;
    uint64_t samples;
};

static int meter_audio(void *user, const float *samples, size_t n)
{
    struct meter *m = user;
    if (!m->samples)
        m->first = clock_seconds();
    m->samples += n;
    const int stop = m->fn(m->user, samples, n);
    m->last = clock_seconds();
    return stop;
}

/* A text of spaces, punctuation and symbols has no run of any language. */
static int check_speakable(struct slice text, struct error *err)
{
    struct arena arena = {0};
    struct script_runs runs;
    int rc = script_split(text.ptr, text.len, &arena, &runs, err);
    if (!rc && runs.count == 0)
        rc = error_set(err, E_ARG, "there is nothing to speak in this text");
    arena_release(&arena);
    return rc;
}

/* One request under way. */
struct call {
    ishow_request *request;
    ishow_say_params params;
    struct buf spoken; /* the text, written out */
    struct meter meter;
    ishow_stats stats;
    struct error *err; /* the request's, may be NULL */
    int rc, done;
};

static int check_request(const ishow_engine *engine, struct call *c)
{
    const ishow_request *r = c->request;
    int rc;
    ishow_say_params_init(&c->params);
    if (!r->text || !r->on_audio)
        return error_set(c->err, E_ARG, "ishow_say: text and on_audio must not be NULL");
    if (r->params && (rc = take_params(&c->params, sizeof c->params, r->params, "ishow_say_params", c->err)))
        return rc;
    if ((rc = check_say_params(&c->params, c->err)))
        return rc;
    if (engine->f5 && !r->voice)
        return error_set(c->err, E_ARG, "a voice is needed: a reference clip and the words in it");
    if (!engine->f5 && r->voice)
        return error_set(c->err, E_ARG, "the built-in engine takes no voice");
    return 0;
}

static int write_out(struct call *c)
{
    const char *text = c->request->text;
    const size_t len = strnlen(text, ISHOW_TEXT_MAX + 1);
    if (len > ISHOW_TEXT_MAX)
        return error_set(c->err, E_LIMIT, "the text is longer than %d bytes", ISHOW_TEXT_MAX);
    const size_t good = utf8_valid_prefix(text, len);
    if (good < len)
        return error_set(c->err, E_FORMAT, "the text is not valid UTF-8 at byte %zu", good);
    int rc = c->params.normalize ? text_normalize(text, len, &c->spoken, c->err)
             : buf_add(&c->spoken, text, len) ? error_nomem(c->err) : 0;
    return rc ? rc : check_speakable(buf_slice(&c->spoken), c->err);
}

struct whole {
    struct pcm pcm;
    int failed;
};

static int collect(void *user, const float *samples, size_t n)
{
    struct whole *w = user;
    return w->failed = pcm_append(&w->pcm, samples, n);
}

static int say_builtin(struct call *c)
{
    struct buf voices = BUF_INIT;
    struct whole all = {.pcm.rate = AUDIO_RATE};
    const ishow_say_params *p = &c->params;
    const int remove = p->remove_silence;
    const struct builtin_listener to = {.audio = remove ? collect : meter_audio,
                                        .user = remove ? (void *)&all : &c->meter,
                                        .progress = p->on_progress,
                                        .progress_user = p->progress_user};
    int rc = builtin_say(c->spoken.ptr, c->spoken.len, (float)p->speed, &to, &voices, c->err);
    if (all.failed)
        rc = error_nomem(c->err);
    if (!rc && remove)
        rc = silence_remove(&all.pcm, c->err);
    if (!rc && all.pcm.len && meter_audio(&c->meter, all.pcm.samples, all.pcm.len))
        rc = error_set(c->err, E_CANCELLED, "cancelled by the receiver of the audio");
    snprintf(c->stats.voice, sizeof c->stats.voice, "%s", voices.ptr ? voices.ptr : "");
    c->stats.chunks = 1;
    pcm_release(&all.pcm);
    buf_release(&voices);
    return rc;
}

static void call_begin(const ishow_engine *engine, struct call *c, ishow_request *r)
{
    c->request = r;
    c->err = inner(r->err);
    c->meter = (struct meter){.fn = r->on_audio, .user = r->user, .start = clock_seconds()};
    c->rc = check_request(engine, c);
    if (!c->rc)
        c->rc = write_out(c);
    c->done = c->rc != 0;
}

static void call_end(struct call *c)
{
    ishow_stats *ret = c->request->stats;
    c->request->result = c->rc;
    if (!c->rc && ret) {
        c->stats.size = ret->size;
        c->stats.samples = c->meter.samples;
        c->stats.seconds = (c->meter.samples ? c->meter.last : clock_seconds()) - c->meter.start;
        c->stats.first_audio_seconds = c->meter.samples ? c->meter.first - c->meter.start : 0;
        memcpy(ret, &c->stats, ret->size < sizeof c->stats ? ret->size : sizeof c->stats);
    }
    buf_release(&c->spoken);
}

/* Speaks the first call that is not done, and with it all that match. */
static void speak_matching(struct f5 *f, struct call *calls, int n)
{
    struct speak_job jobs[ISHOW_BATCH_MAX];
    struct call *of[ISHOW_BATCH_MAX];
    int count = 0;
    for (int i = 0; i < n; i++) {
        struct call *c = &calls[i];
        if (c->done || (count && !speak_match(&c->params, jobs[0].params)))
            continue;
        of[count] = c;
        jobs[count++] = (struct speak_job){.voice = c->request->voice,
                                           .text = c->spoken.ptr,
                                           .len = c->spoken.len,
                                           .params = &c->params,
                                           .on_audio = meter_audio,
                                           .user = &c->meter,
                                           .stats = &c->stats,
                                           .err = c->err};
        snprintf(c->stats.voice, sizeof c->stats.voice, "f5");
    }
    f5_speak(f, jobs, count);
    for (int i = 0; i < count; i++) {
        of[i]->rc = jobs[i].rc;
        of[i]->done = 1;
    }
}

void ishow_request_init(ishow_request *r)
{
    *r = (ishow_request){.size = sizeof *r};
}

int ishow_say_many(ishow_engine *engine, ishow_request *const *requests, int n, ishow_error *e)
{
    struct error *err = inner(e);
    if (!engine || !requests)
        return error_set(err, E_ARG, "ishow_say_many: engine and requests must not be NULL");
    if (n < 1 || n > ISHOW_BATCH_MAX)
        return error_set(err, E_ARG, "a batch of %d requests, expected 1 to %d", n, ISHOW_BATCH_MAX);
    for (int i = 0; i < n; i++)
        if (!requests[i] || requests[i]->size < sizeof(ishow_request))
            return error_set(err, E_ARG, "request %d: initialise it with ishow_request_init", i);
    struct call *calls = calloc((size_t)n, sizeof *calls);
    if (!calls)
        return error_nomem(err);
    for (int i = 0; i < n; i++)
        call_begin(engine, &calls[i], requests[i]);
    for (int i = 0; i < n; i++) {
        struct call *c = &calls[i];
        if (!c->done && engine->f5)
            speak_matching(engine->f5, calls, n);
        else if (!c->done)
            c->rc = say_builtin(c);
        call_end(c);
    }
    free(calls);
    return 0;
}

int ishow_say(ishow_engine *engine, const ishow_voice *voice, const char *text, const ishow_say_params *params,
              ishow_audio_fn on_audio, void *user, ishow_stats *stats, ishow_error *err)
{
    ishow_request r = {sizeof r, voice, text, params, on_audio, user, stats, err, 0};
    ishow_request *const one = &r;
    if (!engine)
        return error_set(inner(err), E_ARG, "ishow_say: engine must not be NULL");
    int rc = ishow_say_many(engine, &one, 1, err);
    return rc ? rc : r.result;
}
