/* See speech_mail.h. */
#include "speech/speech_mail.h"

#include <pthread.h>
#include <stdlib.h>

struct speech_mail {
    struct loop *loop;
    struct speech_mail_calls calls;
    int closed; /* of the loop's thread: a message is on its way, and the last to hold this */

    pthread_mutex_t lock; /* of what follows, and of the mail's part of the jobs */
    struct job *first, **end;
    int bell;
    int posted; /* the loop has a message */
};

int speech_mail_create(struct loop *loop, const struct speech_mail_calls *calls, struct speech_mail **ret,
                       struct error *err)
{
    struct speech_mail *m = calloc(1, sizeof *m);
    if (!m)
        return error_nomem(err);
    m->loop = loop;
    m->calls = *calls;
    m->end = &m->first;
    pthread_mutex_init(&m->lock, NULL);
    *ret = m;
    return 0;
}

static void destroy(struct speech_mail *m)
{
    pthread_mutex_destroy(&m->lock);
    free(m);
}

void speech_mail_free(struct speech_mail *m)
{
    if (!m)
        return;
    pthread_mutex_lock(&m->lock);
    m->closed = m->posted;
    pthread_mutex_unlock(&m->lock);
    if (!m->closed)
        destroy(m);
}

static void on_post(void *user)
{
    struct speech_mail *m = user;
    if (m->closed) {
        destroy(m);
        return;
    }
    pthread_mutex_lock(&m->lock);
    m->posted = 0;
    pthread_mutex_unlock(&m->lock);
    speech_mail_read(m);
}

/* Under the lock. Without memory for the message, the next one will do, or speech_mail_read. */
static void post(struct speech_mail *m)
{
    if (!m->posted)
        m->posted = loop_post(m->loop, on_post, m) == 0;
}

void speech_mail_send(struct job *job, struct job_piece *piece, int finished)
{
    struct speech_mail *m = job->mail;
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
    post(m);
    pthread_mutex_unlock(&m->lock);
}

void speech_mail_ring(struct speech_mail *m)
{
    pthread_mutex_lock(&m->lock);
    m->bell = 1;
    post(m);
    pthread_mutex_unlock(&m->lock);
}

void speech_mail_read(struct speech_mail *m)
{
    pthread_mutex_lock(&m->lock);
    while (m->first || m->bell) {
        struct job *job = m->bell ? NULL : m->first;
        struct job_piece *pieces = NULL;
        int finished = 0;
        m->bell = 0;
        if (job) {
            m->first = job->mail_next;
            if (!m->first)
                m->end = &m->first;
            pieces = job->pieces;
            finished = job->finished;
            job->in_mail = 0;
            job->pieces = NULL;
            job->pieces_end = &job->pieces;
        }
        pthread_mutex_unlock(&m->lock);
        if (job)
            m->calls.on_job(m->calls.user, job, pieces, finished);
        else
            m->calls.on_bell(m->calls.user);
        pthread_mutex_lock(&m->lock);
    }
    pthread_mutex_unlock(&m->lock);
}
