/* What workers tell the loop: a piece of a job's sound, its end, or that something about their engines has changed.
 *
 * A job with news is put into the mail once, whatever it has to tell, and the loop is woken once for all that is
 * there. So the end of a job needs no memory, and cannot get lost. */
#ifndef ISHOW_SPEECH_SPEECH_MAIL_H
#define ISHOW_SPEECH_SPEECH_MAIL_H

#include "speech/job.h"

struct speech_mail;

struct speech_mail_calls { /* on the loop's thread */
    void (*on_job)(void *user, struct job *job, struct job_piece *pieces, int finished); /* pieces are handed over */
    void (*on_bell)(void *user);
    void *user;
};

int speech_mail_create(struct loop *loop, const struct speech_mail_calls *calls, struct speech_mail **ret,
                       struct error *err);
/* There are no calls after this. Workers must be gone. Accepts NULL. */
void speech_mail_free(struct speech_mail *m);

/* From a worker: a piece (taken over, or NULL), or that the job is finished, after which it must not be touched. */
void speech_mail_send(struct job *job, struct job_piece *piece, int finished);
void speech_mail_ring(struct speech_mail *m);

/* On the loop's thread: hands out what is there. The loop does so itself, unless it lacked the memory for a message. */
void speech_mail_read(struct speech_mail *m);

#endif
