/* See worker.h. */
#include "server/worker.h"

#include "base/clock.h"
#include "server/job_encode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One attempt at speaking a job. */
struct attempt {
    struct job *job;
    struct job_encode encode;
    float *samples; /* all of it, when not streamed */
    size_t count, room;
    uint64_t given;
    struct error err;
};

static int on_samples(void *user, const float *samples, size_t n)
{
    struct attempt *a = user;
    struct job *job = a->job;
    if (atomic_load(&job->stop))
        return 1;
    if (!a->given)
        job->result.first_audio_seconds = clock_seconds() - job->submitted;
    a->given += n;
    if (job->stream)
        return job_encode_write(&a->encode, samples, n, 0, &a->err);
    if (a->count + n > a->room) {
        const size_t room = (a->count + n) * 2;
        float *more = realloc(a->samples, room * sizeof *more);
        if (!more)
            return error_nomem(&a->err);
        a->samples = more;
        a->room = room;
    }
    memcpy(a->samples + a->count, samples, n * sizeof *samples);
    a->count += n;
    return 0;
}

static int on_progress(void *user, int done, int total)
{
    (void)done;
    (void)total;
    return atomic_load(&((struct job *)user)->stop);
}

static int is_callers_fault(int code)
{
    return code == E_ARG || code == E_LIMIT || code == E_FORMAT || code == E_UNSUPPORTED;
}

static void run(struct worker *w, struct job *job)
{
    struct attempt a = {.job = job, .encode = {.job = job}};
    struct job_result *r = &job->result;
    ishow_say_params say = job->say;
    ishow_stats stats = {.size = sizeof stats};
    ishow_info info = {.size = sizeof info};
    const double start = clock_seconds();
    r->queue_seconds = start - job->submitted;
    say.on_progress = on_progress;
    say.progress_user = job;
    ishow_describe(w->engine, &info);
    int rc = ishow_say(w->engine, NULL, job->text, &say, on_samples, &a, &stats, (ishow_error *)&a.err);
    r->seconds = clock_seconds() - start;
    if (!rc && !job->stream)
        rc = job_encode_write(&a.encode, a.samples, a.count, a.count, &a.err);
    if (!rc)
        rc = job_encode_finish(&a.encode, &a.err);
    r->failure = rc == 0 ? JOB_OK : is_callers_fault(rc) ? JOB_BAD : JOB_BROKEN;
    snprintf(job->message, sizeof job->message, "%s", rc ? a.err.text : "");
    snprintf(job->spoken_by, sizeof job->spoken_by, "%s", stats.voice);
    r->engine = strcmp(info.engine, "f5") == 0 ? "f5" : "builtin";
    r->nfe = strcmp(info.engine, "f5") == 0 ? say.nfe : 0;
    r->samples = a.given;
    r->seed = stats.seed;
    r->batch = 1;
    r->degraded = "";
    job_encode_release(&a.encode);
    free(a.samples);
}

static void *work(void *user)
{
    struct worker *w = user;
    struct crew *c = w->crew;
    pthread_mutex_lock(&c->lock);
    for (;;) {
        struct job *job = NULL;
        while (!c->stopping && !(job = (struct job *)queue_pop(&c->queue, clock_seconds())))
            pthread_cond_wait(&c->wake, &c->lock);
        if (!job)
            break;
        c->running++;
        job->running = 1;
        pthread_mutex_unlock(&c->lock);
        run(w, job);
        pthread_mutex_lock(&c->lock);
        c->running--;
        pthread_mutex_unlock(&c->lock);
        speech_post(job, NULL, 1);
        pthread_mutex_lock(&c->lock);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

void crew_init(struct crew *c)
{
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->wake, NULL);
}

int crew_start(struct crew *c, int workers, const ishow_open_params *open, struct error *err)
{
    c->workers = calloc((size_t)workers, sizeof *c->workers);
    if (!c->workers)
        return error_nomem(err);
    for (int i = 0; i < workers; i++) {
        struct worker *w = &c->workers[i];
        w->crew = c;
        int rc = ishow_open(open, &w->engine, (ishow_error *)err);
        if (rc)
            return rc;
        if ((rc = pthread_create(&w->thread, NULL, work, w))) {
            ishow_close(w->engine);
            return error_errno(err, rc, "cannot start a thread for an engine");
        }
        c->count++;
    }
    return 0;
}

void crew_stop(struct crew *c)
{
    if (!c->workers)
        return;
    pthread_mutex_lock(&c->lock);
    c->stopping = 1;
    pthread_cond_broadcast(&c->wake);
    pthread_mutex_unlock(&c->lock);
    for (int i = 0; i < c->count; i++) {
        pthread_join(c->workers[i].thread, NULL);
        ishow_close(c->workers[i].engine);
    }
    free(c->workers);
    c->workers = NULL;
    c->count = 0;
}

void crew_release(struct crew *c)
{
    queue_release(&c->queue);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->lock);
}
