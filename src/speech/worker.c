/* See worker.h. */
#include "speech/worker.h"

#include "base/clock.h"
#include "speech/job_speak.h"
#include "speech/speech_mail.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ALIKE 1.5 /* jobs that are spoken together: how much longer the longest may be, so that none waits for long */

/* -------- taking jobs -------- */

/* Until `at`, in clock_seconds(), or until somebody calls. */
static void wait_until(struct crew *c, double at)
{
    const double whole = floor(at);
    const struct timespec t = {.tv_sec = (time_t)whole, .tv_nsec = (long)((at - whole) * 1e9)};
    pthread_cond_timedwait(&c->wake, &c->lock, &t);
}

static void set_terms(const struct crew *c, struct job *job, int depth)
{
    const struct crew_limits *l = &c->limits;
    struct job_terms *t = &job->terms;
    t->nfe = degrade_nfe(l->ladder, l->ladder_count, depth, job->say.nfe);
    t->expect = tempo_expect(&c->tempo, job_units(job, t->nfe));
    t->retries = l->retries;
    t->fallback = l->fallback;
}

static struct job *take_one(struct crew *c, int depth)
{
    struct job *job = (struct job *)queue_pop(&c->queue, clock_seconds());
    set_terms(c, job, depth);
    c->running++;
    return job;
}

static int are_alike(const struct job *a, const struct job *b)
{
    const double x = a->length.usual, y = b->length.usual;
    return a->terms.nfe == b->terms.nfe && a->say.cfg_strength == b->say.cfg_strength && a->say.sway == b->say.sway &&
           x <= ALIKE * y && y <= ALIKE * x;
}

/* What may be spoken together with jobs[0], in the queue's order. Nobody waits alone for others to come. */
static int gather(struct crew *c, struct job **jobs, int depth)
{
    const double until = clock_seconds() + c->limits.batch_window;
    const int most = c->limits.batch_max < SPEECH_CLIPS_MAX ? c->limits.batch_max : SPEECH_CLIPS_MAX;
    int n = 1;
    for (;;) {
        struct job *next = NULL;
        while (n < most && c->running < c->limits.max_parallel &&
               (next = (struct job *)queue_peek(&c->queue, clock_seconds()))) {
            set_terms(c, next, depth);
            if (!are_alike(jobs[0], next))
                break;
            jobs[n++] = take_one(c, depth);
        }
        if (n < 2 || n >= most || next || c->stopping || clock_seconds() >= until)
            return n;
        wait_until(c, until);
    }
}

static int take(struct worker *w, struct job **jobs)
{
    struct crew *c = w->crew;
    const int depth = c->queue.count - 1;
    if (depth < 0 || c->running >= c->limits.max_parallel)
        return 0;
    jobs[0] = take_one(c, depth);
    return w->engine.model && c->limits.batch_max > 1 ? gather(c, jobs, depth) : 1;
}

/* -------- a worker's thread -------- */

static void on_end(void *user, struct job *job)
{
    struct worker *w = user;
    struct crew *c = w->crew;
    const struct job_result *r = &job->result;
    w->jobs++;
    w->units += job_units(job, r->nfe);
    w->failed |= r->failure != JOB_OK; /* or given up by its client */
    w->spoiled |= r->retries || !r->nfe;
    pthread_mutex_lock(&c->lock);
    c->running--;
    pthread_mutex_unlock(&c->lock);
    speech_mail_send(job, NULL, 1);
}

static void look_at_model(struct worker *w)
{
    struct crew *c = w->crew;
    const int had = w->has_model;
    w->has_model = w->engine.model != NULL;
    if (w->has_model && !had) {
        ishow_info info = {.size = sizeof info};
        c->calls->describe(w->engine.model, &info);
        snprintf(c->model, sizeof c->model, "%s", info.model);
        snprintf(c->precision, sizeof c->precision, "%s", info.precision);
        snprintf(c->kernels, sizeof c->kernels, "%s", info.kernels);
    }
    if (!w->has_model)
        c->trouble = w->engine.trouble;
    speech_mail_ring(c->mail);
    pthread_cond_broadcast(&c->wake); /* crew_wait */
}

/* Called and left with the lock held. */
static void open_model(struct worker *w)
{
    struct crew *c = w->crew;
    const unsigned tries = c->tries;
    if (!w->engine.model) {
        speech_engine_beat(&w->engine);
        w->busy = 1;
        pthread_mutex_unlock(&c->lock);
        speech_engine_open(&w->engine);
        pthread_mutex_lock(&c->lock);
        w->busy = 0;
    }
    w->tried = tries;
    look_at_model(w);
}

/* Called and left with the lock held. */
static void speak(struct worker *w, struct job *const *jobs, int n)
{
    struct crew *c = w->crew;
    const double start = clock_seconds();
    w->busy = 1;
    w->jobs = w->failed = w->spoiled = 0;
    w->units = 0;
    snprintf(w->job, sizeof w->job, "%s", jobs[0]->id);
    speech_engine_beat(&w->engine);
    if (c->queue.count)
        pthread_cond_signal(&c->wake); /* a call for another may have come to this one */
    pthread_mutex_unlock(&c->lock);
    jobs_speak(&w->engine, jobs, n, on_end, w);
    pthread_mutex_lock(&c->lock);
    w->busy = 0;
    if (!w->failed)
        tempo_learn(&c->tempo, w->spoiled ? 0 : w->units, w->jobs, clock_seconds() - start);
    if (w->has_model && !w->engine.model)
        look_at_model(w);
    if (c->queue.count)
        pthread_cond_signal(&c->wake); /* max_parallel may have held others back */
}

static void *work(void *user)
{
    struct worker *w = user;
    struct crew *c = w->crew;
    struct job *jobs[SPEECH_CLIPS_MAX];
    pthread_mutex_lock(&c->lock);
    while (!c->stopping) {
        int n;
        if (c->params && w->tried != c->tries)
            open_model(w);
        else if ((n = take(w, jobs)))
            speak(w, jobs, n);
        else
            pthread_cond_wait(&c->wake, &c->lock);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* -------- the crew -------- */

int crew_init(struct crew *c, struct error *err)
{
    pthread_condattr_t attr;
    int rc = pthread_condattr_init(&attr);
    if (rc)
        return error_errno(err, rc, "cannot make a queue");
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->wake, &attr);
    pthread_condattr_destroy(&attr);
    return 0;
}

int crew_start(struct crew *c, int workers, struct error *err)
{
    c->workers = calloc((size_t)workers, sizeof *c->workers);
    if (!c->workers)
        return error_nomem(err);
    c->tries = 1;
    for (int i = 0; i < workers; i++) {
        struct worker *w = &c->workers[i];
        w->crew = c;
        snprintf(w->name, sizeof w->name, "%s-%d", c->name, i + 1);
        w->engine.calls = c->calls;
        w->engine.params = c->params;
        w->engine.log = c->log;
        w->engine.name = w->name;
        int rc = speech_engine_init(&w->engine, err);
        if (rc)
            return rc;
        if ((rc = pthread_create(&w->thread, NULL, work, w))) {
            speech_engine_release(&w->engine);
            return error_errno(err, rc, "cannot start the thread of worker %s", w->name);
        }
        pthread_mutex_lock(&c->lock);
        c->count++;
        pthread_mutex_unlock(&c->lock);
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
        speech_engine_release(&c->workers[i].engine);
    }
    free(c->workers);
    c->workers = NULL;
    c->count = 0;
}

void crew_release(struct crew *c)
{
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->lock);
}

enum crew_state crew_wait(struct crew *c, double seconds)
{
    const double until = clock_seconds() + seconds;
    enum crew_state state;
    pthread_mutex_lock(&c->lock);
    while ((state = crew_state(c)) == CREW_LOADING && clock_seconds() < until)
        wait_until(c, until);
    pthread_mutex_unlock(&c->lock);
    return state;
}

enum crew_state crew_state(const struct crew *c)
{
    int untried = 0;
    for (int i = 0; i < c->count; i++) {
        if (c->workers[i].has_model || !c->params)
            return CREW_READY;
        untried += c->workers[i].tried != c->tries;
    }
    return untried ? CREW_LOADING : CREW_FAILED;
}

int crew_watch(struct crew *c, double seconds, char *ret_name)
{
    int hung = 0;
    pthread_mutex_lock(&c->lock);
    for (int i = 0; i < c->count; i++) {
        struct worker *w = &c->workers[i];
        const double still = clock_seconds() - 1e-3 * (double)atomic_load(&w->engine.beat);
        const int hangs = w->busy && still > seconds;
        if (hangs && ret_name && !hung)
            memcpy(ret_name, w->name, sizeof w->name);
        if (hangs != w->hung)
            log_event(c->log, hangs ? LOG_ERROR : LOG_WARN, hangs ? "worker_hangs" : "worker_moves_again",
                      log_str("worker", w->name), log_str("id", w->job), log_num("seconds", hangs ? still : 0));
        w->hung = hangs;
        hung += hangs;
    }
    pthread_mutex_unlock(&c->lock);
    return hung;
}
