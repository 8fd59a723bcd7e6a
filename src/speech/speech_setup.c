/* See speech.h. How speech begins, takes on new limits, tells how it is, and ends. */
#include "speech/speech_private.h"

#include "base/pool.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_WAIT      2.0  /* seconds for a model to be open when speech_create returns */
#define HANG_STANDARD   60.0 /* seconds */
#define AGEING_STANDARD 10.0

void speech_params_read(const struct config *c, struct speech_params *ret)
{
    *ret = (struct speech_params){.engine = c->speech.engine,
                                  .workers = c->speech.workers,
                                  .max_parallel = c->api.max_parallel,
                                  .queue_capacity = c->queue.capacity,
                                  .per_client = c->queue.per_client,
                                  .timeout = c->server.request_timeout,
                                  .fallback = c->speech.fallback,
                                  .retries = c->speech.retries,
                                  .batch_max = c->queue.batch_max,
                                  .batch_window = c->queue.batch_window_ms / 1e3,
                                  .first_chunk = c->speech.first_chunk_chars,
                                  .ladder = c->queue.ladder,
                                  .ladder_count = c->queue.ladder_count};
    ishow_open_params_init(&ret->open);
    ret->open.model = c->speech.model;
    ret->open.vocab = c->speech.vocab;
    ret->open.vocoder = c->speech.vocoder;
    ret->open.arch = c->speech.arch;
    ret->open.precision = c->speech.precision;
    ret->open.threads = c->speech.threads;
}

static void set_crew(struct crew *c, const struct speech_params *p, const struct config_rung *ladder)
{
    pthread_mutex_lock(&c->lock);
    c->queue.capacity = p->queue_capacity;
    c->queue.per_client = p->per_client;
    c->queue.ageing = p->ageing > 0 ? p->ageing : AGEING_STANDARD;
    c->limits = (struct crew_limits){.max_parallel = p->max_parallel > 0 ? p->max_parallel : INT_MAX,
                                     .batch_max = p->batch_max,
                                     .batch_window = p->batch_window,
                                     .retries = p->retries < SPEECH_RETRIES_MAX ? p->retries : SPEECH_RETRIES_MAX,
                                     .fallback = p->fallback,
                                     .ladder = ladder,
                                     .ladder_count = p->ladder_count};
    c->tries++; /* a model that could not be opened */
    pthread_cond_broadcast(&c->wake);
    pthread_mutex_unlock(&c->lock);
}

int speech_reload(struct speech *s, const struct speech_params *p, struct error *err)
{
    struct config_rung *ladder = malloc(sizeof *ladder * (p->ladder_count + 1));
    if (!ladder)
        return error_nomem(err);
    for (size_t i = 0; i < p->ladder_count; i++)
        ladder[i] = p->ladder[i];
    set_crew(&s->model, p, ladder);
    set_crew(&s->builtin, p, ladder);
    free(s->ladder);
    s->ladder = ladder;
    s->timeout = p->timeout;
    s->hang_seconds = p->hang_seconds > 0 ? p->hang_seconds : HANG_STANDARD;
    s->first_chunk = p->first_chunk;
    s->fallback = p->fallback;
    return 0;
}

static int copy_string(const char **s)
{
    return *s && !(*s = strdup(*s)) ? E_NOMEM : 0;
}

/* Strings not copied for want of memory are NULL. */
static int copy_open(ishow_open_params *o)
{
    return copy_string(&o->model) | copy_string(&o->vocab) | copy_string(&o->vocoder) | copy_string(&o->precision) |
           copy_string(&o->cache);
}

static void open_release(ishow_open_params *o)
{
    free((char *)o->model);
    free((char *)o->vocab);
    free((char *)o->vocoder);
    free((char *)o->precision);
    free((char *)o->cache);
}

static int start_crews(struct speech *s, const struct speech_params *p, struct error *err)
{
    const int cpus = pool_cpu_count();
    int workers = p->workers > 0 ? p->workers : s->with_model ? 1 : cpus;
    if (p->max_parallel > 0 && workers > p->max_parallel)
        workers = p->max_parallel;
    if (!s->open.threads && workers > 1)
        s->open.threads = cpus / workers > 1 ? cpus / workers : 1;
    int rc = s->with_model ? crew_start(&s->model, workers, err) : 0;
    return rc ? rc : crew_start(&s->builtin, s->with_model ? cpus : workers, err);
}

int speech_create(struct loop *loop, struct log *log, const struct speech_params *p, struct speech **ret,
                  struct error *err)
{
    struct speech *s = calloc(1, sizeof *s);
    if (!s)
        return error_nomem(err);
    const struct speech_mail_calls calls = {speech_on_mail, speech_on_bell, s};
    const struct engine_calls *engine = p->calls ? p->calls : &engine_calls;
    s->loop = loop;
    s->log = log;
    s->observer = p->observer;
    s->with_model = strcmp(p->engine, "builtin") != 0;
    s->any_model = strcmp(p->engine, "auto") == 0 && !p->open.model;
    s->open = p->open;
    s->model = (struct crew){.name = "f5", .calls = engine, .params = &s->open, .log = log};
    s->builtin = (struct crew){.name = "builtin", .calls = engine, .log = log};
    int rc = copy_open(&s->open) || !(s->described = calloc(1, sizeof *s->described)) ? error_nomem(err) : 0;
    if (!rc)
        rc = speech_mail_create(loop, &calls, &s->mail, err);
    s->model.mail = s->builtin.mail = s->mail;
    if (!rc)
        rc = crew_init(&s->model, err);
    if (!rc && (rc = crew_init(&s->builtin, err)))
        crew_release(&s->model);
    if (rc) {
        speech_mail_free(s->mail);
        free(s->described);
        open_release(&s->open);
        free(s);
        return rc;
    }
    if ((rc = speech_reload(s, p, err)) || (rc = start_crews(s, p, err))) {
        speech_free(s);
        return rc;
    }
    if (s->with_model)
        crew_wait(&s->model, START_WAIT);
    speech_on_watch(s);
    *ret = s;
    return 0;
}

void speech_stop(struct speech *s)
{
    s->stopping = 1;
}

int speech_pending(const struct speech *s)
{
    return s->count;
}

/* The first whose listener has not been told yet. */
static struct job *first_waiting(const struct speech *s)
{
    struct job *job = s->jobs;
    while (job && job->gone)
        job = job->next;
    return job;
}

void speech_free(struct speech *s)
{
    struct job *job;
    if (!s)
        return;
    speech_stop(s);
    loop_timer_stop(&s->watch);
    while ((job = first_waiting(s)))
        speech_fail_job(job, JOB_STOPPED, "the server is going down");
    crew_stop(&s->model);
    crew_stop(&s->builtin);
    speech_mail_read(s->mail); /* frees the last jobs */
    crew_release(&s->model);
    crew_release(&s->builtin);
    speech_mail_free(s->mail);
    free(s->described);
    free(s->ladder);
    open_release(&s->open);
    free(s);
}

static void count_crew(const struct crew *c, int serves, struct speech_state *ret)
{
    ret->queued += c->queue.count;
    ret->running += c->running;
    ret->workers += serves ? c->count : 0;
    ret->capacity += serves ? c->queue.capacity : 0;
}

void speech_describe(const struct speech *s, struct speech_state *ret)
{
    struct described *d = s->described;
    struct crew *m = (struct crew *)&s->model, *b = (struct crew *)&s->builtin; /* for their locks */
    *ret = (struct speech_state){.hung = s->hung};
    *d = (struct described){0};
    pthread_mutex_lock(&m->lock);
    const enum crew_state state = crew_state(m);
    count_crew(m, s->with_model && state != CREW_FAILED, ret);
    if (s->with_model && state == CREW_READY) {
        memcpy(d->model, m->model, sizeof d->model);
        memcpy(d->precision, m->precision, sizeof d->precision);
        memcpy(d->kernels, m->kernels, sizeof d->kernels);
    }
    if (state == CREW_FAILED && !speech_is_no_trouble(s, &m->trouble))
        snprintf(d->trouble, sizeof d->trouble, "%s", m->trouble.text);
    pthread_mutex_unlock(&m->lock);
    pthread_mutex_lock(&b->lock);
    count_crew(b, 1, ret);
    pthread_mutex_unlock(&b->lock);
    ret->loading = s->with_model && state == CREW_LOADING;
    if (ret->loading)
        snprintf(d->trouble, sizeof d->trouble, "the model is being opened");
    else if (s->hung)
        snprintf(d->trouble, sizeof d->trouble, "worker %s has not moved for %g s", s->hung_name, s->hang_seconds);
    ret->engine = s->with_model && !s->standing_in && state != CREW_FAILED ? "f5" : "builtin";
    ret->trouble = d->trouble;
    ret->model = d->model;
    ret->precision = d->precision;
    ret->kernels = d->kernels;
}
