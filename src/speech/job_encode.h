/* From a job's samples to its encoded sound, on the worker's thread. A stream's goes to the loop piece by piece; what
 * is whole, or to be kept, is gathered in job->sound. */
#ifndef ISHOW_SPEECH_JOB_ENCODE_H
#define ISHOW_SPEECH_JOB_ENCODE_H

#include "speech/job.h"

struct job_encode {
    struct job *job;
    ishow_encoder *encoder; /* made with the first sound */
    struct buf out;         /* encoded, not handed over yet */
};

/* `total` as for ishow_encoder_create. */
int job_encode_write(struct job_encode *e, const float *samples, size_t n, uint64_t total, struct error *err);
int job_encode_finish(struct job_encode *e, struct error *err);
void job_encode_release(struct job_encode *e); /* accepts a zeroed one */

#endif
