/* See fake_engine.h. */
#include "fake_engine.h"

#include "base/error.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct fake fake;

static char model_token, voice_token;
#define MODEL ((ishow_engine *)(void *)&model_token)
#define VOICE ((ishow_voice *)(void *)&voice_token)

void fake_reset(void)
{
    fake = (struct fake){.gate = 1, .second_gate = 1};
}

static int fake_open(const ishow_open_params *params, ishow_engine **ret, ishow_error *err)
{
    if (params->model && strcmp(params->model, "builtin") == 0)
        return ishow_open(params, ret, err);
    fake.opens++;
    if (fake.cannot_open)
        return error_set((struct error *)err, E_NOTFOUND, "there is no such model");
    params->on_load(params->user, 1, 1);
    *ret = MODEL;
    return 0;
}

static void fake_close(ishow_engine *engine)
{
    if (engine == MODEL)
        fake.closes++;
    else
        ishow_close(engine);
}

static void fake_describe(const ishow_engine *engine, ishow_info *ret)
{
    if (engine != MODEL) {
        ishow_describe(engine, ret);
        return;
    }
    *ret = (ishow_info){.size = ret->size, .engine = "f5", .model = "/fake.safetensors", .arch = "", .kernels = "c",
                        .precision = "f32"};
}

static int fake_voice_from_file(ishow_engine *engine, const char *path, const char *words, ishow_voice **ret,
                                ishow_error *err)
{
    (void)engine;
    (void)words;
    if (strstr(path, "missing"))
        return error_set((struct error *)err, E_NOTFOUND, "%s: No such file", path);
    fake.clips++;
    *ret = VOICE;
    return 0;
}

static void fake_voice_free(ishow_voice *voice)
{
    (void)voice;
}

static int wait_for(atomic_int *gate, const ishow_say_params *p, int calls)
{
    while (!*gate) {
        const struct timespec a_moment = {.tv_nsec = 1000000};
        if (calls && p->on_progress(p->progress_user, 0, p->nfe))
            return -1;
        nanosleep(&a_moment, NULL);
    }
    return 0;
}

static int give(ishow_audio_fn fn, void *user, float amplitude, int square, double seconds)
{
    float piece[ISHOW_RATE / 2];
    const size_t n = (size_t)(seconds * ISHOW_RATE);
    for (size_t i = 0; i < n; i++) {
        const float x = sinf((float)i * 0.06f);
        piece[i] = amplitude * (square ? (x < 0 ? -1 : 1) : x);
    }
    return fn(user, piece, n);
}

static int act(enum fake_act a, const ishow_say_params *p, ishow_audio_fn fn, void *user, struct error *err)
{
    int rc = wait_for(&fake.gate, p, a != FAKE_HANGS) ||
             (a != FAKE_HANGS && p->on_progress(p->progress_user, 0, p->nfe));
    const float level = a == FAKE_SILENT ? 0 : a == FAKE_CLIPS ? 1 : 0.2f;
    switch (rc ? FAKE_SPEAKS : a) {
    case FAKE_NO_NUMBERS: return error_set(err, E_FORMAT, "the model answered with values that are no numbers");
    case FAKE_LOST: return error_set(err, E_IO, "the model was truncated while it was in use");
    case FAKE_BREAKS: return error_set(err, E_INTERNAL, "something in the model broke");
    case FAKE_SHORT: rc = give(fn, user, level, 0, 0.02); break;
    case FAKE_LONG:
        for (int i = 0; i < 80 && !rc; i++)
            rc = give(fn, user, level, 0, 0.5);
        break;
    default:
        rc = rc || give(fn, user, level, a == FAKE_CLIPS, 0.5) || wait_for(&fake.second_gate, p, 1) ||
             give(fn, user, a == FAKE_LATER_BAD ? 0 : level, a == FAKE_CLIPS, 0.5) ||
             give(fn, user, level, a == FAKE_CLIPS, 0.5);
    }
    return rc ? error_set(err, E_CANCELLED, "cancelled") : 0;
}

static int fake_say(ishow_engine *engine, const ishow_voice *voice, const char *text, const ishow_say_params *params,
                    ishow_audio_fn on_audio, void *user, ishow_stats *stats, ishow_error *err)
{
    if (engine != MODEL)
        return ishow_say(engine, voice, text, params, on_audio, user, stats, err);
    fake.nfe = params->nfe;
    fake.seed = params->seed;
    fake.first_chunk = params->first_chunk;
    if (voice != VOICE || strcmp(text, "?") == 0)
        return error_set((struct error *)err, E_ARG, "there is nothing to speak in this text");
    const enum fake_act a = fake.acts[fake.says++ % FAKE_ACTS_MAX];
    fake.inside++;
    const int rc = act(a, params, on_audio, user, (struct error *)err);
    fake.inside--;
    snprintf(stats->voice, sizeof stats->voice, "f5");
    return rc;
}

static int fake_say_many(ishow_engine *engine, ishow_request *const *requests, int n, ishow_error *err)
{
    (void)err;
    fake.together[fake.manys++ % FAKE_ACTS_MAX] = n;
    for (int i = 0; i < n; i++) {
        ishow_request *r = requests[i];
        r->result = fake_say(engine, r->voice, r->text, r->params, r->on_audio, r->user, r->stats, r->err);
    }
    return 0;
}

const struct engine_calls fake_calls = {fake_open,       fake_close, fake_describe, fake_voice_from_file,
                                        fake_voice_free, fake_say,   fake_say_many};
