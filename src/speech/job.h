/* One request for speech on its way: from the loop through a queue to a worker, and its sound back.
 *
 * A job is made and freed on the loop's thread. While it waits, the lock of its crew guards it; while it is spoken,
 * it is the worker's, except for what is marked otherwise. What a worker has to tell goes through speech_mail.h. */
#ifndef ISHOW_SPEECH_JOB_H
#define ISHOW_SPEECH_JOB_H

#include "speech/queue.h"
#include "speech/sound_check.h"
#include "speech/speech.h"

#include <stdatomic.h>

/* A piece of encoded sound between worker and loop. */
struct job_piece {
    struct job_piece *next;
    struct buf bytes;
    struct job_result so_far;
};

/* What holds for a job from the moment a worker takes it. */
struct job_terms {
    int nfe;       /* evaluations that the ladder leaves it */
    double expect; /* seconds that the model will take; 0: unknown */
    int retries;
    int fallback;  /* the built-in engine may speak */
};

struct job {
    struct queue_item item; /* the first member: a queue's item is its job */

    /* what is asked for; never changes */
    const char *id, *client, *text, *format; /* in the same allocation */
    struct voice *voice;                     /* a reference, or NULL */
    ishow_say_params say;
    int stream, keep, priority;
    int wants_model;             /* else the built-in engine is what was asked for */
    double submitted, deadline;  /* clock_seconds() */
    struct speech_length length; /* that the text is expected to have */
    struct speech_mail *mail;

    /* of the loop's thread alone */
    struct speech *speech;
    struct crew *crew; /* whose queue or worker has it */
    struct job *prev, *next; /* all jobs there are */
    void (*on_start)(void *user, const struct job_result *so_far);
    void (*on_audio)(void *user, const void *bytes, size_t n);
    void (*on_done)(void *user, const struct job_result *result);
    void *user;
    int gone;  /* nobody listens any more */
    int begun; /* on_start has been called */
    int too_late; /* for the model to begin with it */
    struct loop_timer timer;

    atomic_int stop; /* the loop asks the worker to give up */

    /* under the mail's lock */
    struct job *mail_next;
    int in_mail, finished;
    struct job_piece *pieces, **pieces_end;

    /* what becomes of it: the worker's until it is finished */
    struct job_terms terms;
    struct job_result result;
    unsigned steps; /* of enum degrade_step; the loop may set some before */
    unsigned char faults[SPEECH_RETRIES_MAX]; /* of each retry, enum sound_fault */
    struct buf sound; /* all of it, when not streamed or to be kept */
    char message[ERROR_TEXT_MAX], spoken_by[256];
};

/* `wants_model` and what follows it are left to the caller. E_NOMEM. */
int job_create(const struct job_request *request, struct job **ret);
void job_free(struct job *job); /* accepts NULL; the timer must not be running */

/* Work for a model: seconds of speech, times evaluations of the network. */
double job_units(const struct job *job, int nfe);

#endif
