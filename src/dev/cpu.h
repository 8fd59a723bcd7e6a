/* The CPU device's inside, shared by the files that implement dev.h on it. */
#ifndef ISHOW_DEV_CPU_H
#define ISHOW_DEV_CPU_H

#include "base/pool.h"
#include "dev/dev.h"
#include "kern/kern.h"

#define CPU_ALIGN 64            /* bytes: a cache line, and the widest vector */
#define CPU_QUERIES 384         /* queries of one head that one task of attention takes */
#define CPU_PACK_FLOATS 49152   /* packed rows a task of a product keeps at hand: 192 KiB, for small L2s too */
#define CPU_ROPE_POSITIONS 4096 /* positions whose sines and cosines are kept: 43 s of speech */

struct dev {
    struct kern kern;
    struct pool *pool;
    int threads;
    float *scratch;      /* [threads][scratch_each], owned; each thread's workplace within one operation */
    size_t scratch_each; /* floats; grows when a product with longer rows is created */
    float *sums;         /* [DEV_COLS_MAX], owned; one operation's result by column */
    float *rope;         /* [CPU_ROPE_POSITIONS][2 * KERN_HEAD]: cs and sn as kern.rope wants them, owned */
    int rope_filled;     /* positions computed so far, for rope_freq */
    float rope_freq[KERN_HEAD / 2];
};

/* Aligned memory, huge pages advised where that pays; NULL when memory has run out. Free with free(). */
float *cpu_alloc(size_t count);

/* Makes each thread's workplace at least `floats` long. 0 or E_NOMEM. */
int cpu_scratch_reserve(struct dev *d, size_t floats, struct error *err);

static inline float *cpu_scratch(struct dev *d, int thread)
{
    return d->scratch + (size_t)thread * d->scratch_each;
}

/* Floats of workplace that attention needs. */
size_t cpu_attention_scratch(const struct kern *k);

/* Splits [0, n) into runs of at most `grain` and calls fn(user, from, to) on the pool. */
void cpu_split(struct dev *d, size_t n, size_t grain, void (*fn)(void *user, size_t from, size_t to),
               void *user);

#endif
