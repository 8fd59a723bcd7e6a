/* From noise to mel: the guided Euler integration that F5-TTS samples with (CFM.sample), for a batch of
 * requests of any lengths. Each comes out as it does alone, and each can leave between two evaluations. */
#ifndef ISHOW_MODEL_SAMPLER_H
#define ISHOW_MODEL_SAMPLER_H

#include "model/dit.h"

#define SAMPLER_MAX_BATCH 64

struct sample_request {
    const int32_t *ids; /* host [id_count], tokens of reference text and text together */
    size_t id_count;
    const float *ref_mel; /* host [ref_frames, mel] */
    int ref_frames;
    int frames; /* of reference and speech together, ref_frames..DIT_MAX_FRAMES */
    const float *noise; /* host [frames, mel] */
    float *mel;         /* host [frames, mel]: the result, reference frames put back at its start */
};

/* How many times a frame goes through the model in one evaluation: 2 with guidance. */
int sampler_branches(float cfg);

struct sampler_params {
    int nfe;     /* evaluations, 1..SCHEDULE_MAX_NFE */
    float cfg;   /* guidance strength; below 1e-5 the unconditional branch is not evaluated */
    float sway;
    /* Before every evaluation, for each request still in the batch, with its index and how many evaluations of `total`
     * are done. Non-zero: it leaves, its result is undefined, and the others go on. May be NULL. */
    int (*progress)(void *user, int request, int done, int total);
    void *user;
    const struct tap *tap; /* for verification, only with one request; may be NULL */
};

/* Workspaces live in the sampler and only grow. */
struct sampler;
int sampler_create(struct dit *model, struct sampler **ret, struct error *err); /* model is borrowed */
void sampler_free(struct sampler *s);                                           /* accepts NULL */

/* Runs requests[0 .. n) together. E_CANCELLED when all have left. */
int sampler_run(struct sampler *s, const struct sample_request *requests, int n, const struct sampler_params *params,
                struct error *err);

#endif
