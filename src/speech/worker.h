/* The threads that speak. A crew is the workers of one kind of engine, and the queue that they take jobs from.
 *
 * There is a crew for the model and one for the built-in voices, so that neither waits for the other, and so that
 * what the model cannot do, or not in time, is done by somebody else. */
#ifndef ISHOW_SPEECH_WORKER_H
#define ISHOW_SPEECH_WORKER_H

#include "speech/degrade.h"
#include "speech/job.h"
#include "speech/speech_engine.h"

#include <pthread.h>

#define WORKERS_MAX 256

struct crew;

struct worker {
    struct crew *crew;
    pthread_t thread;
    char name[24]; /* "f5-1" */
    struct speech_engine engine;

    /* under the crew's lock */
    unsigned tried; /* of crew->tries: up to which it has tried to open the model */
    int has_model, busy;
    char job[64]; /* the id of what it speaks, for the log; cut if longer */
    /* of its own thread: what the jobs that it has just spoken amounted to */
    double units;
    int jobs, failed, spoiled;
    /* of the loop's thread */
    int hung;
};

/* What a reload may change. */
struct crew_limits {
    int max_parallel; /* jobs at once */
    int batch_max;
    double batch_window; /* seconds */
    int retries, fallback;
    const struct config_rung *ladder;
    size_t ladder_count;
};

enum crew_state { CREW_LOADING, CREW_READY, CREW_FAILED };

struct crew {
    /* the caller's to set before crew_init, and the same from then on */
    const char *name;
    const struct engine_calls *calls;
    const ishow_open_params *params; /* of the model; NULL: it speaks with the built-in voices */
    struct speech_mail *mail;
    struct log *log;

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wake;
    struct queue queue;
    struct crew_limits limits;
    struct tempo tempo;
    int running; /* jobs */
    int stopping;
    unsigned tries; /* to open the model; one more asks for another */
    struct error trouble; /* why the last one failed */
    char model[512], precision[ISHOW_PRECISION_TEXT], kernels[32]; /* of the model that is open */

    struct worker *workers;
    int count;
};

int crew_init(struct crew *c, struct error *err);
/* Starts threads; they open the model. */
int crew_start(struct crew *c, int workers, struct error *err);
/* Ends and joins the threads; jobs that are queued stay there. */
void crew_stop(struct crew *c);
void crew_release(struct crew *c); /* after crew_stop */

enum crew_state crew_state(const struct crew *c); /* under the lock */
enum crew_state crew_wait(struct crew *c, double seconds); /* until it is no longer loading */

/* Workers that have not moved for `seconds`; told to the log once, and once more when they move again. On the loop's
 * thread; ret_name [24], or NULL, receives the first one's. */
int crew_watch(struct crew *c, double seconds, char *ret_name);

#endif
