/* See speech.h. This is the loop's side: which crew gets a job, when its time is over, and what its listener hears. How a
 * job is spoken is written in job_speak.c, how workers get at it in worker.c. */
#include "server/speech.h"

#include "base/clock.h"
#include "base/pool.h"
#include "server/measure.h"
#include "server/speech_mail.h"
#include "server/voices.h"
#include "server/worker.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_WAIT     2.0  /* seconds for a model to be open when speech_create returns */
#define HANG_STANDARD  60.0 /* seconds */
#define AGEING_STANDARD 10.0
#define WATCH_SECONDS  1.0
#define RESCUE_MARGIN  0.25 /* seconds that the built-in voices have when the model would be too late, ... */
#define RESCUE_RATE    0.1  /* ... and for each second of speech */
#define TIMEOUT_MAX    3600.0

/* What speech_describe points to. */
struct described {
    char trouble[ERROR_TEXT_MAX], model[512], precision[ISHOW_PRECISION_TEXT], kernels[32];
};

struct speech {
    struct loop *loop;
    struct log *log;
    struct measure *measure;
    struct speech_mail *mail;
    struct crew model, builtin; /* the first has no workers when the built-in voices were asked for */
    int with_model;
    int any_model, had_model; /* any will do; there has been one */
    ishow_open_params open;  /* its strings are owned */
    struct config_rung *ladder;
    double timeout, hang_seconds;
    int first_chunk;
    int fallback;
    int stopping;
    int standing_in;         /* the built-in voices do the model's work */
    int model_hung, hung;    /* workers that do not move: of the model, of all */
    char hung_name[sizeof((struct worker *)0)->name];
    struct job *jobs;        /* all */
    int count;
    struct loop_timer watch;
    struct described *described;
};

/* -------- jobs come and go -------- */

static void add_job(struct speech *s, struct job *job)
{
    job->next = s->jobs;
    if (s->jobs)
        s->jobs->prev = job;
    s->jobs = job;
    s->count++;
}

static void free_job(struct job *job)
{
    struct speech *s = job->speech;
    loop_timer_stop(&job->timer);
    *(job->prev ? &job->prev->next : &s->jobs) = job->next;
    if (job->next)
        job->next->prev = job->prev;
    s->count--;
    job_free(job);
}

static int leave_queue(struct job *job)
{
    struct crew *c = job->crew;
    pthread_mutex_lock(&c->lock);
    const int queued = job->item.queued;
    if (queued)
        queue_remove(&c->queue, &job->item);
    pthread_mutex_unlock(&c->lock);
    return queued;
}

static void enter_queue(struct job *job, struct crew *c)
{
    job->crew = c;
    pthread_mutex_lock(&c->lock);
    queue_push(&c->queue, &job->item, job->client, job->priority, clock_seconds());
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
}

/* Ends a job wherever it is. One that is being spoken is freed when its worker is through with it. */
static void give_up(struct job *job)
{
    const int queued = leave_queue(job);
    loop_timer_stop(&job->timer);
    atomic_store(&job->stop, 1);
    job->gone = 1;
    if (queued)
        free_job(job);
}

static void fail_job(struct job *job, enum job_failure failure, const char *message)
{
    const struct job_result r = {.failure = failure,
                                 .message = message,
                                 .engine = "",
                                 .spoken_by = "",
                                 .degraded = "",
                                 .queue_seconds = clock_seconds() - job->submitted};
    struct speech *s = job->speech;
    void (*on_done)(void *user, const struct job_result *result) = job->on_done;
    void *user = job->user;
    log_event(s->log, LOG_WARN, "speech_given_up", log_str("id", job->id), log_str("reason", message));
    measure_job(s->measure, &r);
    give_up(job);
    on_done(user, &r);
}

void speech_cancel(struct speech *s, struct job *job)
{
    measure_cancel(s->measure);
    give_up(job);
}

/* -------- to the built-in voices, when the model is not there or not fast enough -------- */

static void move_to_builtin(struct job *job)
{
    struct speech *s = job->speech;
    if (!leave_queue(job))
        return; /* a worker was faster */
    job->steps |= DEGRADE_BUILTIN;
    log_event(s->log, LOG_WARN, "speech_moved_to_builtin", log_str("id", job->id));
    enter_queue(job, &s->builtin);
}

static void move_all_to_builtin(struct speech *s)
{
    struct job *next;
    for (struct job *job = s->jobs; job; job = next) {
        next = job->next;
        if (job->crew == &s->model && !job->gone)
            move_to_builtin(job);
    }
}

/* Until when the model may begin with it. */
static double last_moment(const struct job *job)
{
    struct crew *c = job->crew;
    pthread_mutex_lock(&c->lock);
    const struct crew_limits *l = &c->limits;
    const int nfe = degrade_nfe(l->ladder, l->ladder_count, c->queue.count, job->say.nfe);
    const double expect = tempo_expect(&c->tempo, job_units(job, nfe));
    pthread_mutex_unlock(&c->lock);
    return job->deadline - expect - RESCUE_MARGIN - RESCUE_RATE * job->length.usual;
}

static void on_time(void *user);

/* Looks at the job again when something has to be decided about it; not now, because it might be over then. */
static void set_timer(struct job *job)
{
    const struct speech *s = job->speech;
    const int choice = job->crew == &s->model && s->fallback && !job->too_late;
    const double at = choice ? last_moment(job) : job->deadline;
    loop_timer_start(s->loop, &job->timer, fmax(0, at - clock_seconds()), on_time, job);
}

static void on_time(void *user)
{
    struct job *job = user;
    const double now = clock_seconds();
    if (now >= job->deadline) {
        fail_job(job, JOB_TIMEOUT, "the deadline passed before the speech was made");
        return;
    }
    if (job->crew == &job->speech->model && job->speech->fallback && last_moment(job) <= now) {
        job->too_late = 1;
        move_to_builtin(job); /* unless it is being spoken */
    }
    set_timer(job);
}

/* -------- what workers send -------- */

static void hand_out(struct job *job, struct job_piece *p)
{
    if (!job->gone && !job->begun) {
        job->begun = 1;
        if (job->on_start)
            job->on_start(job->user, &p->so_far);
    }
    if (!job->gone)
        job->on_audio(job->user, p->bytes.ptr, p->bytes.len);
    buf_release(&p->bytes);
    free(p);
}

static void log_job(const struct job *job, const struct job_result *r)
{
    log_event(job->speech->log, LOG_INFO, "speech", log_str("id", job->id), log_str("engine", r->engine),
              log_str("voice", job->voice ? job->voice->id : ""), log_int("nfe", r->nfe), log_int("batch", r->batch),
              log_int("retries", r->retries), log_str("degraded", r->degraded), log_num("queue", r->queue_seconds),
              log_num("first", r->first_audio_seconds), log_num("seconds", r->seconds),
              log_num("audio", (double)r->samples / ISHOW_RATE));
}

static void finish(struct job *job)
{
    struct speech *s = job->speech;
    struct job_result *r = &job->result;
    r->message = job->message;
    r->spoken_by = job->spoken_by;
    if (r->failure == JOB_OK && job->sound.len) {
        r->audio = job->sound.ptr;
        r->audio_len = job->sound.len;
        r->sound = &job->sound;
    }
    for (int i = 0; i < r->retries; i++)
        measure_retry(s->measure, sound_fault_name((enum sound_fault)job->faults[i]));
    if (!job->gone && r->failure == JOB_OK && !job->stream && job->on_audio)
        job->on_audio(job->user, r->audio, r->audio_len);
    if (!job->gone) {
        job->gone = 1;
        loop_timer_stop(&job->timer);
        measure_job(s->measure, r);
        if (r->failure == JOB_OK)
            log_job(job, r);
        job->on_done(job->user, r);
    }
    free_job(job);
}

static void on_mail(void *user, struct job *job, struct job_piece *pieces, int finished)
{
    (void)user;
    while (pieces) {
        struct job_piece *next = pieces->next;
        hand_out(job, pieces);
        pieces = next;
    }
    if (finished)
        finish(job);
}

/* -------- engines -------- */

/* Nobody has asked for a model, and there never was one. */
static int is_no_trouble(const struct speech *s, const struct error *trouble)
{
    return s->any_model && !s->had_model && trouble->code == E_NOTFOUND;
}

/* Looks whether the model speaks, and sees to what waits for it when it does not. */
static void look(struct speech *s)
{
    struct crew *c = &s->model;
    pthread_mutex_lock(&c->lock);
    const enum crew_state state = crew_state(c);
    const struct error trouble = c->trouble;
    const int all_hang = c->count && s->model_hung >= c->count;
    pthread_mutex_unlock(&c->lock);
    /* while another try is under way, all stays as it was */
    const int stand_in = state == CREW_FAILED || all_hang || (state == CREW_LOADING && s->standing_in);
    if (stand_in && !s->standing_in)
        log_event(s->log, is_no_trouble(s, &trouble) ? LOG_INFO : LOG_WARN, "model_unavailable",
                  log_str("reason", all_hang ? "its workers hang" : trouble.text));
    else if (!stand_in && s->standing_in)
        log_event(s->log, LOG_INFO, "model_available");
    s->standing_in = stand_in;
    s->had_model |= state == CREW_READY;
    if (stand_in && s->fallback)
        move_all_to_builtin(s);
}

static void on_bell(void *user)
{
    look(user);
}

static void on_watch(void *user)
{
    struct speech *s = user;
    speech_mail_read(s->mail);
    s->model_hung = crew_watch(&s->model, s->hang_seconds, s->hung_name);
    s->hung = s->model_hung + crew_watch(&s->builtin, s->hang_seconds, s->model_hung ? NULL : s->hung_name);
    if (s->with_model)
        look(s);
    loop_timer_start(s->loop, &s->watch, fmin(WATCH_SECONDS, s->hang_seconds / 4), on_watch, s);
}

/* -------- requests -------- */

static int wants_model(const struct speech *s, const struct job_request *r)
{
    return s->with_model && r->voice && strcmp(r->voice->engine, "builtin") != 0 && strcmp(r->engine, "builtin") != 0;
}

static enum submit_verdict submit(struct speech *s, const struct job_request *request, struct job **ret, int *ret_retry)
{
    const int model = wants_model(s, request), stand_in = model && s->standing_in && s->fallback;
    struct crew *c = model && !stand_in ? &s->model : &s->builtin;
    struct job *job;
    if (s->stopping)
        return SUBMIT_STOPPING;
    pthread_mutex_lock(&c->lock);
    const enum queue_verdict v = queue_admits(&c->queue, request->client);
    *ret_retry = tempo_retry_after(&c->tempo, c->queue.count, c->count);
    pthread_mutex_unlock(&c->lock);
    if (v != QUEUE_OK)
        return SUBMIT_FULL;
    if (job_create(request, &job))
        return SUBMIT_NOMEM;
    const double timeout = request->timeout > 0 ? fmin(request->timeout, TIMEOUT_MAX) : s->timeout;
    job->speech = s;
    job->mail = s->mail;
    job->wants_model = model;
    job->steps = stand_in ? DEGRADE_BUILTIN : 0;
    job->submitted = clock_seconds();
    job->deadline = job->submitted + timeout;
    if (job->stream && !job->say.first_chunk)
        job->say.first_chunk = s->first_chunk;
    enter_queue(job, c);
    add_job(s, job);
    set_timer(job);
    *ret = job;
    return SUBMIT_OK;
}

enum submit_verdict speech_submit(struct speech *s, const struct job_request *request, struct job **ret,
                                  int *ret_retry)
{
    const enum submit_verdict v = submit(s, request, ret, ret_retry);
    measure_submit(s->measure, v);
    return v;
}

/* -------- all of it -------- */

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
    const struct speech_mail_calls calls = {on_mail, on_bell, s};
    const struct engine_calls *engine = p->calls ? p->calls : &engine_calls;
    s->loop = loop;
    s->log = log;
    s->measure = p->measure;
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
    on_watch(s);
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
        fail_job(job, JOB_STOPPED, "the server is going down");
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
    if (state == CREW_FAILED && !is_no_trouble(s, &m->trouble))
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
