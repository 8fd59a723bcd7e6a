/* See speech_engine.h. */
#include "speech/speech_engine.h"

#include "base/clock.h"
#include "speech/voices.h"

#include <string.h>

const struct engine_calls engine_calls = {ishow_open,       ishow_close, ishow_describe, ishow_voice_from_file,
                                          ishow_voice_free, ishow_say,   ishow_say_many};

void speech_engine_beat(struct speech_engine *e)
{
    atomic_store_explicit(&e->beat, (long long)(clock_seconds() * 1e3), memory_order_relaxed);
}

int speech_engine_init(struct speech_engine *e, struct error *err)
{
    ishow_open_params open;
    ishow_open_params_init(&open);
    open.model = "builtin";
    return e->calls->open(&open, &e->builtin, (ishow_error *)err);
}

static int on_load(void *user, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    speech_engine_beat(user);
    return 0;
}

static void on_notice(void *user, const char *text)
{
    const struct speech_engine *e = user;
    log_event(e->log, LOG_WARN, "engine_notice", log_str("worker", e->name), log_str("message", text));
}

int speech_engine_open(struct speech_engine *e)
{
    ishow_open_params open = *e->params;
    ishow_engine *fresh;
    ishow_info info = {.size = sizeof info};
    open.on_load = on_load;
    open.on_notice = on_notice;
    open.user = e;
    speech_engine_beat(e);
    e->trouble = (struct error){0};
    int rc = e->calls->open(&open, &fresh, (ishow_error *)&e->trouble);
    if (rc)
        return rc;
    e->calls->describe(fresh, &info);
    if (strcmp(info.engine, "builtin") == 0) {
        e->calls->close(fresh);
        return error_set(&e->trouble, E_NOTFOUND, "no model is installed: `ishowtts pull f5` fetches one");
    }
    e->model = fresh;
    return 0;
}

void speech_engine_close(struct speech_engine *e)
{
    for (int i = 0; i < SPEECH_CLIPS_MAX; i++) {
        e->calls->voice_free(e->clips[i].voice);
        e->clips[i] = (struct speech_clip){0};
    }
    if (e->model)
        e->calls->close(e->model);
    e->model = NULL;
}

void speech_engine_release(struct speech_engine *e)
{
    if (!e->calls)
        return;
    speech_engine_close(e);
    if (e->builtin)
        e->calls->close(e->builtin);
    e->builtin = NULL;
}

int speech_engine_clip(struct speech_engine *e, const struct voice *voice, ishow_voice **ret, struct error *err)
{
    struct speech_clip *place = &e->clips[0];
    for (int i = 0; i < SPEECH_CLIPS_MAX; i++) {
        struct speech_clip *c = &e->clips[i];
        if (c->voice && c->version == voice->version) {
            c->used = ++e->uses;
            *ret = c->voice;
            return 0;
        }
        if (c->used < place->used)
            place = c;
    }
    if (!voice->active.clip || !voice->active.text)
        return error_set(err, E_NOTFOUND, "the voice %s has no %s", voice->id,
                         voice->active.clip ? "words to its clip" : "clip");
    ishow_voice *made;
    const int rc = e->calls->voice_from_file(e->model, voice->active.clip, voice->active.text, &made,
                                             (ishow_error *)err);
    if (rc)
        return rc;
    e->calls->voice_free(place->voice);
    *place = (struct speech_clip){voice->version, ++e->uses, made};
    *ret = made;
    return 0;
}
