/* See peak.h. */
#include "kern/peak.h"

#include "base/clock.h"
#include "base/pool.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BLOCK_BYTES ((size_t)256 << 20) /* of all threads together */

kern_peak_fn kern_peak_loop(enum kern_isa isa, enum kern_peak kind)
{
    if (!kern_available(isa))
        return NULL;
#if defined(__x86_64__)
    return kern_peak_x86(isa, kind);
#elif defined(__aarch64__)
    return kern_peak_arm(isa, kind);
#else
    (void)kind;
    return NULL;
#endif
}

static double thread_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct peak_op {
    kern_peak_fn fn;
    double rate[POOL_MAX_THREADS]; /* operations a second of its thread's CPU time */
};

static void peak_task(void *user, size_t index, int thread)
{
    (void)thread;
    struct peak_op *o = user;
    volatile float any = 0;
    double start = thread_seconds(), ops = o->fn(&any), took = thread_seconds() - start;
    o->rate[index] = took > 0 ? ops / took : 0;
}

double kern_peak_measure(enum kern_isa isa, enum kern_peak kind, int threads, double seconds)
{
    struct peak_op op = {.fn = kern_peak_loop(isa, kind)};
    struct pool *pool;
    if (!op.fn || pool_create(threads, &pool, NULL))
        return 0;
    threads = pool_threads(pool);
    double best = 0, start = clock_seconds();
    do {
        double sum = 0;
        pool_run(pool, (size_t)threads, peak_task, &op);
        for (int i = 0; i < threads; i++)
            sum += op.rate[i];
        best = sum > best ? sum : best;
    } while (clock_seconds() - start < seconds);
    pool_free(pool);
    return best;
}

/* -------- memory -------- */

struct stream {
    uint64_t *block;
    size_t each; /* words of one thread */
    uint64_t sums[POOL_MAX_THREADS];
};

static void read_task(void *user, size_t index, int thread)
{
    (void)thread;
    struct stream *s = user;
    const uint64_t *p = s->block + index * s->each;
    uint64_t sum = 0;
    for (size_t i = 0; i < s->each; i++)
        sum += p[i];
    s->sums[index] = sum;
}

static void copy_task(void *user, size_t index, int thread)
{
    (void)thread;
    struct stream *s = user;
    uint64_t *p = s->block + index * s->each;
    memcpy(p, p + s->each / 2, s->each / 2 * sizeof *p);
}

static double stream_rate(struct pool *pool, struct stream *s, void (*task)(void *, size_t, int), double seconds)
{
    const int threads = pool_threads(pool);
    const double bytes = (double)sizeof *s->block * (double)s->each * threads;
    double best = 0, start = clock_seconds();
    do {
        double at = clock_seconds();
        pool_run(pool, (size_t)threads, task, s);
        double rate = bytes / (clock_seconds() - at);
        best = rate > best ? rate : best;
    } while (clock_seconds() - start < seconds);
    return best;
}

void kern_bandwidth_measure(int threads, double seconds, struct kern_bandwidth *ret)
{
    struct pool *pool;
    *ret = (struct kern_bandwidth){0};
    if (pool_create(threads, &pool, NULL))
        return;
    struct stream s = {.each = BLOCK_BYTES / sizeof *s.block / (size_t)pool_threads(pool)};
    s.block = malloc(BLOCK_BYTES);
    if (s.block) {
        memset(s.block, 1, BLOCK_BYTES); /* pages that were never written to are all one page of zeros */
        ret->read = stream_rate(pool, &s, read_task, seconds / 2);
        ret->copy = stream_rate(pool, &s, copy_task, seconds / 2);
    }
    free(s.block);
    pool_free(pool);
}
