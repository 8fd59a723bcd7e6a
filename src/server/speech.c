/* See speech.h. This is the loop's side: it puts jobs into the queue, keeps their deadlines, and hands out what workers
 * send. Workers put a job that has news into the mailbox; the first to do so wakes the loop. */
#include "server/speech.h"

#include "base/clock.h"
#include "base/pool.h"
#include "server/measure.h"
#include "server/worker.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A posted message may outlive the speech, so the mailbox is on its own. */
struct mailbox {
    pthread_mutex_t lock;
    struct job *first, **end;
    int posted;            /* the loop has a message about it */
    struct speech *speech; /* of the loop's thread; NULL: it is gone */
};

struct speech {
    struct loop *loop;
    struct log *log;
    struct mailbox *mail;
    struct measure *measure;
    struct crew crew;
    double timeout;
    int jobs; /* that are not freed yet */
};

/* -------- from the workers -------- */

static void drain(void *user);

void speech_post(struct job *job, struct job_piece *piece, int finished)
{
    struct speech *s = job->speech;
    struct mailbox *m = s->mail;
    pthread_mutex_lock(&m->lock);
    if (piece) {
        *job->pieces_end = piece;
        job->pieces_end = &piece->next;
    }
    job->finished = finished;
    if (!job->in_mail) {
        job->in_mail = 1;
        job->mail_next = NULL;
        *m->end = job;
        m->end = &job->mail_next;
    }
    /* without memory for the message, the next one will see to the mail */
    if (!m->posted && loop_post(s->loop, drain, m) == 0)
        m->posted = 1;
    pthread_mutex_unlock(&m->lock);
}

static void free_job(struct job *job)
{
    loop_timer_stop(&job->timer);
    job->speech->jobs--;
    job_free(job);
}

static void end_job(struct job *job)
{
    struct job_result *r = &job->result;
    r->message = job->message;
    r->spoken_by = job->spoken_by;
    if (!job->gone) {
        job->gone = 1;
        measure_job(job->speech->measure, r);
        if (r->failure == JOB_OK && !job->stream && job->on_audio)
            job->on_audio(job->user, job->sound.ptr, job->sound.len);
        job->on_done(job->user, r);
    }
    free_job(job);
}

static void deliver(struct job *job, struct job_piece *pieces, int finished)
{
    while (pieces) {
        struct job_piece *p = pieces;
        pieces = p->next;
        if (!job->gone)
            job->on_audio(job->user, p->bytes.ptr, p->bytes.len);
        buf_release(&p->bytes);
        free(p);
    }
    if (finished)
        end_job(job);
}

static void drain_mail(struct mailbox *m)
{
    for (;;) {
        pthread_mutex_lock(&m->lock);
        struct job *job = m->first;
        if (!job)
            break;
        m->first = job->mail_next;
        if (!m->first)
            m->end = &m->first;
        job->in_mail = 0;
        struct job_piece *pieces = job->pieces;
        job->pieces = NULL;
        job->pieces_end = &job->pieces;
        const int finished = job->finished;
        pthread_mutex_unlock(&m->lock);
        deliver(job, pieces, finished);
    }
    pthread_mutex_unlock(&m->lock);
}

static void mailbox_free(struct mailbox *m)
{
    if (!m)
        return;
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static void drain(void *user)
{
    struct mailbox *m = user;
    pthread_mutex_lock(&m->lock);
    m->posted = 0;
    pthread_mutex_unlock(&m->lock);
    if (m->speech)
        drain_mail(m);
    else
        mailbox_free(m);
}

/* -------- jobs -------- */

static void give_up(struct job *job, enum job_failure failure, const char *message)
{
    struct job_result r = {.failure = failure, .message = message, .engine = "", .spoken_by = "", .degraded = ""};
    struct crew *c = &job->speech->crew;
    pthread_mutex_lock(&c->lock);
    if (!job->running)
        queue_remove(&c->queue, &job->item);
    const int running = job->running;
    pthread_mutex_unlock(&c->lock);
    atomic_store(&job->stop, 1);
    job->gone = 1;
    if (failure) {
        r.queue_seconds = clock_seconds() - job->submitted;
        measure_job(job->speech->measure, &r);
        job->on_done(job->user, &r);
    }
    if (!running)
        free_job(job);
}

static void on_deadline(void *user)
{
    struct job *job = user;
    give_up(job, JOB_TIMEOUT, "the deadline passed before the speech was made");
}

static enum submit_verdict submit(struct speech *s, const struct job_request *request, struct job **ret, int *ret_retry)
{
    struct job *job;
    struct crew *c = &s->crew;
    if (job_create(s, request, &job))
        return SUBMIT_NOMEM;
    const double now = clock_seconds(), timeout = request->timeout > 0 ? request->timeout : s->timeout;
    job->submitted = now;
    job->deadline = now + timeout;
    pthread_mutex_lock(&c->lock);
    const enum queue_verdict v = queue_push(&c->queue, &job->item, job->client, (int)request->priority, now);
    if (v == QUEUE_OK)
        pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
    if (v != QUEUE_OK) {
        job_free(job);
        *ret_retry = 1;
        return v == QUEUE_NOMEM ? SUBMIT_NOMEM : SUBMIT_FULL;
    }
    s->jobs++;
    loop_timer_start(s->loop, &job->timer, timeout, on_deadline, job);
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

void speech_cancel(struct speech *s, struct job *job)
{
    measure_cancel(s->measure);
    give_up(job, JOB_OK, "");
}

/* -------- all of it -------- */

int speech_create(struct loop *loop, struct log *log, const struct speech_params *params, struct speech **ret,
                  struct error *err)
{
    struct speech *s = calloc(1, sizeof *s);
    struct mailbox *m = calloc(1, sizeof *m);
    if (!s || !m) {
        free(s);
        free(m);
        return error_nomem(err);
    }
    pthread_mutex_init(&m->lock, NULL);
    m->end = &m->first;
    m->speech = s;
    *s = (struct speech){.loop = loop, .log = log, .mail = m, .timeout = params->timeout, .measure = params->measure};
    crew_init(&s->crew);
    s->crew.queue = (struct queue){.capacity = params->queue_capacity, .per_client = params->per_client, .ageing = 10};
    ishow_open_params open;
    ishow_open_params_init(&open);
    open.model = "builtin";
    const int rc = crew_start(&s->crew, params->workers > 0 ? params->workers : pool_cpu_count(), &open, err);
    if (rc) {
        speech_free(s);
        return rc;
    }
    *ret = s;
    return 0;
}

void speech_free(struct speech *s)
{
    if (!s)
        return;
    struct mailbox *m = s->mail;
    crew_stop(&s->crew);
    while (s->crew.queue.count)
        give_up((struct job *)queue_peek(&s->crew.queue, 0), JOB_STOPPED, "the server is going down");
    drain_mail(m);
    crew_release(&s->crew);
    m->speech = NULL;
    if (!m->posted)
        mailbox_free(m);
    free(s);
}

void speech_describe(const struct speech *s, struct speech_state *ret)
{
    struct crew *c = (struct crew *)&s->crew;
    pthread_mutex_lock(&c->lock);
    *ret = (struct speech_state){.engine = "builtin",
                                 .trouble = "",
                                 .model = "",
                                 .precision = "",
                                 .kernels = "",
                                 .workers = c->count,
                                 .queued = c->queue.count,
                                 .running = c->running,
                                 .capacity = c->queue.capacity};
    pthread_mutex_unlock(&c->lock);
}
