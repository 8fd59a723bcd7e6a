/* One request for speech on its way: from the loop through the queue to a worker, and its sound back.
 *
 * A job is made and freed on the loop's thread. While it waits, the queue's lock guards it; while it is spoken, it is the
 * worker's, except for what is marked otherwise. What a worker has to tell goes through the mailbox of speech.c. */
#ifndef ISHOW_SERVER_JOB_H
#define ISHOW_SERVER_JOB_H

#include "server/queue.h"
#include "server/speech.h"

#include <stdatomic.h>

/* A piece of encoded sound between worker and loop. */
struct job_piece {
    struct job_piece *next;
    struct buf bytes;
};

struct job {
    struct queue_item item; /* the first member: a queue's item is its job */
    struct speech *speech;

    /* what is asked for; never changes */
    const char *id, *client, *text, *format; /* in the same allocation */
    struct voice *voice;                     /* a reference, or NULL */
    ishow_say_params say;
    int stream, keep;
    double submitted, deadline; /* clock_seconds() */
    int running; /* a worker has it; under the queue's lock */

    /* of the loop's thread alone */
    void (*on_audio)(void *user, const void *bytes, size_t n);
    void (*on_done)(void *user, const struct job_result *result);
    void *user;
    int gone; /* nobody listens any more */
    struct loop_timer timer;

    atomic_int stop; /* the loop asks the worker to give up */

    /* under the mailbox's lock */
    struct job *mail_next;
    int in_mail, finished;
    struct job_piece *pieces, **pieces_end;

    /* what became of it: the worker's, until `finished` */
    struct job_result result;
    struct buf sound; /* all of it, when not streamed */
    char message[ERROR_TEXT_MAX], spoken_by[256];
};

/* E_NOMEM. */
int job_create(struct speech *s, const struct job_request *request, struct job **ret);
void job_free(struct job *job); /* accepts NULL; the timer must not be running */

/* From a worker: a piece of sound (taken over, or NULL), or that the job is done, after which it must not be touched. */
void speech_post(struct job *job, struct job_piece *piece, int finished);

#endif
