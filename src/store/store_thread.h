/* The thread on which a store is used while the server runs, so that waiting for a disk never holds up the loop.
 *
 * The loop submits jobs; each is run on this thread and comes back to the loop to be told. A job is embedded in
 * whatever it works for, so that handing it over allocates nothing. */
#ifndef ISHOW_STORE_STORE_THREAD_H
#define ISHOW_STORE_STORE_THREAD_H

#include "store/store.h"

#include <stddef.h>

#define STORE_QUEUE_MAX      256                 /* jobs waiting */
#define STORE_QUEUE_RESERVED 64                  /* of them for what may not be lost */
#define STORE_QUEUE_BYTES    ((size_t)128 << 20) /* held by jobs waiting; a job that finds none waiting may hold more */

struct store_job {
    void (*run)(struct store *s, struct store_job *job); /* on the store's thread */
    void (*done)(struct store_job *job);                 /* on the loop's, once; the job is the owner's again */
    size_t bytes;                                        /* that it holds, about */
    int may_drop;                                        /* 1: history, refused when the queue gets long */
    struct store_job *next;
};

/* Has fn(arg) called on the loop's thread. Non-zero: it will not be. */
typedef int (*store_post_fn)(void *user, void (*fn)(void *arg), void *arg);

struct store_thread;

/* Takes over `store`; NULL when there is none to be had, which then is what jobs are given. On failure it is still the
 * caller's. */
int store_thread_create(struct store *store, store_post_fn post, void *user, struct store_thread **ret,
                        struct error *err);

/* Runs what waits, ends the thread, tells what has not been told and closes the store. On the loop's thread. A message
 * that `post` was given may still come after. Accepts NULL. */
void store_thread_free(struct store_thread *t);

/* E_LIMIT when the queue is full: the job is still the caller's and neither of its functions is called. */
int store_submit(struct store_thread *t, struct store_job *job, struct error *err);

size_t store_thread_waiting(struct store_thread *t);

/* For what may be called from any thread: store_clip_path. May be NULL. */
const struct store *store_thread_store(const struct store_thread *t);

#endif
