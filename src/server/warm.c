/* See warm.h. */
#include "server/warm.h"

#include "speech/voices.h"

#include <stdlib.h>

#define WARM_SECONDS 600 /* for one voice; a model's first start converts its weights */

struct warm {
    struct server *server;
    struct voice **voices; /* references */
    size_t count, at;
    void (*done)(void *user);
    void *user;
};

static void warm_free(struct warm *w)
{
    for (size_t i = 0; i < w->count; i++)
        voice_unref(w->voices[i]);
    free(w->voices);
    free(w);
}

static void speak_next(struct warm *w);

static void on_done(void *user, const struct job_result *result)
{
    struct warm *w = user;
    const char *id = w->voices[w->at++]->id;
    if (result->failure == JOB_STOPPED) {
        warm_free(w);
        return;
    }
    if (result->failure == JOB_OK)
        log_event(w->server->log, LOG_INFO, "voice_ready", log_str("voice", id), log_str("engine", result->engine),
                  log_num("seconds", result->seconds));
    else
        log_event(w->server->log, LOG_WARN, "voice_not_ready", log_str("voice", id),
                  log_str("message", result->message));
    speak_next(w);
}

static void speak_next(struct warm *w)
{
    struct server *s = w->server;
    for (; w->at < w->count; w->at++) {
        struct job *job;
        int retry;
        struct job_request request = {.id = "warm",
                                      .client = "",
                                      .text = "Ready.",
                                      .engine = "",
                                      .voice = w->voices[w->at],
                                      .format = "pcm",
                                      .priority = JOB_NORMAL,
                                      .timeout = WARM_SECONDS,
                                      .on_done = on_done,
                                      .user = w};
        ishow_say_params_init(&request.say);
        request.say.nfe = s->config->f5.default_nfe_step;
        if (speech_submit(s->speech, &request, &job, &retry) == SUBMIT_OK)
            return;
    }
    void (*done)(void *user) = w->done;
    void *user = w->user;
    warm_free(w);
    if (done)
        done(user);
}

int warm_start(struct server *s, int default_voice, void (*done)(void *user), void *user)
{
    const struct voice *first = default_voice ? voices_find(s->voices, NULL) : NULL;
    const size_t n = voices_count(s->voices);
    struct warm *w = calloc(1, sizeof *w);
    if (!w || !(w->voices = calloc(n + 1, sizeof *w->voices))) {
        free(w);
        return E_NOMEM;
    }
    *w = (struct warm){.server = s, .voices = w->voices, .done = done, .user = user};
    for (size_t i = 0; i < n; i++) {
        struct voice *v = voices_at(s->voices, i);
        if (v == first || v->preload)
            w->voices[w->count++] = voice_ref(v);
    }
    speak_next(w);
    return 0;
}
