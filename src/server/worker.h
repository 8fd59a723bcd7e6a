/* The threads that speak. A crew is the workers of one kind of engine and the queue that they take jobs from. */
#ifndef ISHOW_SERVER_WORKER_H
#define ISHOW_SERVER_WORKER_H

#include "server/job.h"

#include <pthread.h>

struct worker {
    struct crew *crew;
    pthread_t thread;
    ishow_engine *engine;
};

struct crew {
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wake;
    struct queue queue;
    int running, stopping;

    struct worker *workers;
    int count;
};

void crew_init(struct crew *c); /* of a zeroed one; the queue's limits are set by the caller */
void crew_release(struct crew *c);

int crew_start(struct crew *c, int workers, const ishow_open_params *open, struct error *err);
/* Ends and joins the threads; jobs still queued stay there. Does nothing when there are none. */
void crew_stop(struct crew *c);

#endif
