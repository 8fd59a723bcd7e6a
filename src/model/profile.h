/* Where the time of a synthesis goes, by component. The code that works marks the end of each piece: what has passed
 * since the last mark belongs to the component named. Every function accepts NULL and then costs nothing.
 *
 * Two clocks: the wall's, and the CPU time of the whole process, which a busy machine does not stretch. Marks
 * count what has been done when they are called, which on a device that works behind the caller's back
 * is not all that was asked for. */
#ifndef ISHOW_MODEL_PROFILE_H
#define ISHOW_MODEL_PROFILE_H

#include <stddef.h>

enum profile_stage {
    PROFILE_TEXT,      /* text encoder */
    PROFILE_INPUT,     /* input projection, position convolutions */
    PROFILE_QKV,       /* norm, q, k and v, rope */
    PROFILE_ATTENTION, /* scores, softmax, values */
    PROFILE_OUT,       /* attention's projection; after the last block that to mel, and the Euler step */
    PROFILE_FF,        /* norm, feed-forward */
    PROFILE_ADALN,     /* the tables of a schedule */
    PROFILE_VOCODER,   /* without the inverse STFT */
    PROFILE_HOST,      /* the rest: tokens, clip's mel, noise, inverse STFT, loudness */
    PROFILE_STAGES,
};

struct profile_time {
    double seconds, cpu_seconds;
    double ops; /* of products, convolutions and attention, a multiply-add counting as two */
};

struct profile {
    struct profile_time stage[PROFILE_STAGES];
    long frames; /* of clip and speech, summed over what was sampled */
    double at, cpu_at;
};

const char *profile_stage_name(enum profile_stage s); /* "text", … */

void profile_start(struct profile *p); /* zeroes it and starts the clocks */
void profile_mark(struct profile *p, enum profile_stage done, double ops);
void profile_frames(struct profile *p, long frames);

/* Operations of a linear layer, and of attention over sequences of the given frames. */
static inline double ops_linear(size_t rows, int k, int n)
{
    return 2.0 * (double)rows * k * n;
}
double ops_attention(const int *start, int seqs, int heads);

/* CPU seconds of this process so far, all threads together. */
double cpu_seconds(void);

#endif
