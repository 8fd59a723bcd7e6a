/* See store_thread.h. Finished jobs gather in a list; one message to the loop tells all that are in it by then. */
#include "store/store_thread.h"

#include "base/clock.h"
#include "store/store_clips.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

struct list {
    struct store_job *first, **end;
};

struct store_thread {
    struct store *store;
    store_post_fn post;
    void *user;
    pthread_t thread;
    pthread_mutex_t lock; /* of everything below */
    pthread_cond_t wake;
    struct list waiting, finished;
    size_t count, bytes; /* of `waiting` */
    int stopping;
    int posted; /* a message that will empty `finished` is under way */
    int dead;   /* freed, but for that message */
};

static void list_init(struct list *l)
{
    l->first = NULL;
    l->end = &l->first;
}

static void list_add(struct list *l, struct store_job *job)
{
    job->next = NULL;
    *l->end = job;
    l->end = &job->next;
}

static struct store_job *list_take(struct list *l)
{
    struct store_job *job = l->first;
    if (job && !(l->first = job->next))
        l->end = &l->first;
    return job;
}

/* -------- on the loop's thread -------- */

static void tell_finished(struct store_thread *t)
{
    pthread_mutex_lock(&t->lock);
    struct store_job *job = t->finished.first;
    list_init(&t->finished);
    pthread_mutex_unlock(&t->lock);
    while (job) {
        struct store_job *next = job->next; /* `done` may free it */
        job->done(job);
        job = next;
    }
}

static void on_message(void *arg)
{
    struct store_thread *t = arg;
    if (t->dead) {
        free(t);
        return;
    }
    pthread_mutex_lock(&t->lock);
    t->posted = 0;
    pthread_mutex_unlock(&t->lock);
    tell_finished(t);
}

int store_submit(struct store_thread *t, struct store_job *job, struct error *err)
{
    pthread_mutex_lock(&t->lock);
    const size_t max = job->may_drop ? STORE_QUEUE_MAX - STORE_QUEUE_RESERVED : STORE_QUEUE_MAX;
    const int full = t->count >= max || (t->count && t->bytes + job->bytes > STORE_QUEUE_BYTES);
    if (!full) {
        list_add(&t->waiting, job);
        t->count++;
        t->bytes += job->bytes;
        pthread_cond_signal(&t->wake);
    }
    pthread_mutex_unlock(&t->lock);
    return full ? error_set(err, E_LIMIT, "too much is waiting to be written; try again in a moment") : 0;
}

size_t store_thread_waiting(struct store_thread *t)
{
    pthread_mutex_lock(&t->lock);
    const size_t n = t->count;
    pthread_mutex_unlock(&t->lock);
    return n;
}

const struct store *store_thread_store(const struct store_thread *t)
{
    return t->store;
}

/* -------- on the store's -------- */

/* With the lock held. */
static void tell_loop(struct store_thread *t)
{
    if (t->finished.first && !t->posted)
        t->posted = t->post(t->user, on_message, t) == 0;
}

/* Waits for a job, until clips are to be swept, or a second when the loop could not be told. With the lock held. */
static void wait_for_work(struct store_thread *t)
{
    const int untold = t->finished.first && !t->posted;
    const double due = untold ? clock_seconds() : t->store ? store_sweep_due(t->store) : 0;
    if (due == 0) {
        pthread_cond_wait(&t->wake, &t->lock);
    } else {
        struct timespec at = {.tv_sec = (time_t)due + 1};
        pthread_cond_timedwait(&t->wake, &t->lock, &at);
    }
    tell_loop(t);
}

static void sweep(struct store_thread *t)
{
    const double due = t->store ? store_sweep_due(t->store) : 0;
    if (due == 0 || clock_seconds() < due)
        return;
    pthread_mutex_unlock(&t->lock);
    store_sweep(t->store, NULL); /* what cannot be removed now is tried again at the next start */
    pthread_mutex_lock(&t->lock);
}

static void *work(void *arg)
{
    struct store_thread *t = arg;
    pthread_mutex_lock(&t->lock);
    for (;;) {
        struct store_job *job = list_take(&t->waiting);
        if (job) {
            t->count--;
            t->bytes -= job->bytes;
            pthread_mutex_unlock(&t->lock);
            job->run(t->store, job);
            pthread_mutex_lock(&t->lock);
            list_add(&t->finished, job);
            tell_loop(t);
        } else if (t->stopping) {
            break;
        } else {
            sweep(t);
            if (!t->waiting.first && !t->stopping)
                wait_for_work(t);
        }
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

/* -------- life -------- */

/* Signals are the loop's; the clock of timed waits is the one of clock_seconds. */
static int start(struct store_thread *t)
{
    pthread_condattr_t attr;
    sigset_t all, before;
    pthread_mutex_init(&t->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&t->wake, &attr);
    pthread_condattr_destroy(&attr);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int errnum = pthread_create(&t->thread, NULL, work, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return errnum;
}

int store_thread_create(struct store *store, store_post_fn post, void *user, struct store_thread **ret,
                        struct error *err)
{
    struct store_thread *t = calloc(1, sizeof *t);
    if (!t)
        return error_nomem(err);
    t->store = store;
    t->post = post;
    t->user = user;
    list_init(&t->waiting);
    list_init(&t->finished);
    const int errnum = start(t);
    if (errnum) {
        pthread_cond_destroy(&t->wake);
        pthread_mutex_destroy(&t->lock);
        free(t);
        return error_errno(err, errnum, "cannot start the store's thread");
    }
    *ret = t;
    return 0;
}

void store_thread_free(struct store_thread *t)
{
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    t->stopping = 1;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
    tell_finished(t);
    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->lock);
    store_close(t->store);
    t->dead = 1;
    if (!t->posted)
        free(t);
}
