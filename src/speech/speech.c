/* See speech.h. The loop's side of jobs: which crew gets one, when its time is over, and what its listener hears. How
 * it is spoken is written in job_speak.c, how workers get at it in worker.c, and how all of this begins and ends in
 * speech_setup.c. */
#include "speech/speech_private.h"

#include "base/clock.h"
#include "speech/voices.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WATCH_SECONDS 1.0
#define RESCUE_MARGIN 0.25 /* seconds that the built-in voices have when the model would be too late, ... */
#define RESCUE_RATE   0.1  /* ... and for each second of speech */
#define TIMEOUT_MAX   3600.0

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

void speech_fail_job(struct job *job, enum job_failure failure, const char *message)
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
    if (s->observer.ended)
        s->observer.ended(s->observer.user, &r);
    give_up(job);
    on_done(user, &r);
}

void speech_cancel(struct speech *s, struct job *job)
{
    if (s->observer.cancelled)
        s->observer.cancelled(s->observer.user);
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
        speech_fail_job(job, JOB_TIMEOUT, "the deadline passed before the speech was made");
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
    for (int i = 0; s->observer.retried && i < r->retries; i++)
        s->observer.retried(s->observer.user, sound_fault_name((enum sound_fault)job->faults[i]));
    if (!job->gone && r->failure == JOB_OK && !job->stream && job->on_audio)
        job->on_audio(job->user, r->audio, r->audio_len);
    if (!job->gone) {
        job->gone = 1;
        loop_timer_stop(&job->timer);
        if (s->observer.ended)
            s->observer.ended(s->observer.user, r);
        if (r->failure == JOB_OK)
            log_job(job, r);
        job->on_done(job->user, r);
    }
    free_job(job);
}

void speech_on_mail(void *user, struct job *job, struct job_piece *pieces, int finished)
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

int speech_is_no_trouble(const struct speech *s, const struct error *trouble)
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
        log_event(s->log, speech_is_no_trouble(s, &trouble) ? LOG_INFO : LOG_WARN, "model_unavailable",
                  log_str("reason", all_hang ? "its workers hang" : trouble.text));
    else if (!stand_in && s->standing_in)
        log_event(s->log, LOG_INFO, "model_available");
    s->standing_in = stand_in;
    s->had_model |= state == CREW_READY;
    if (stand_in && s->fallback)
        move_all_to_builtin(s);
}

void speech_on_bell(void *user)
{
    look(user);
}

void speech_on_watch(void *user)
{
    struct speech *s = user;
    speech_mail_read(s->mail);
    s->model_hung = crew_watch(&s->model, s->hang_seconds, s->hung_name);
    s->hung = s->model_hung + crew_watch(&s->builtin, s->hang_seconds, s->model_hung ? NULL : s->hung_name);
    if (s->with_model)
        look(s);
    loop_timer_start(s->loop, &s->watch, fmin(WATCH_SECONDS, s->hang_seconds / 4), speech_on_watch, s);
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
    if (s->observer.submitted)
        s->observer.submitted(s->observer.user, v);
    return v;
}
