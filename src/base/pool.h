/* A pool of threads that splits one loop at a time.
 *
 * pool_run hands out the indices 0..n-1 to the workers and the calling thread and returns when all
 * are done; it allocates nothing. One caller at a time per pool. */
#ifndef ISHOW_BASE_POOL_H
#define ISHOW_BASE_POOL_H

#include "base/error.h"

#include <stddef.h>

struct pool;

#define POOL_MAX_THREADS 256

/* `threads` counts the caller's own: 1 starts none. 0 takes one a CPU that this process may use
 * (affinity mask and cgroup quota). More than POOL_MAX_THREADS is E_ARG. */
int pool_create(int threads, struct pool **ret, struct error *err);
void pool_free(struct pool *p); /* accepts NULL */
int pool_threads(const struct pool *p);

/* Calls fn(user, index, thread) once for every index in [0, n); thread is in [0, pool_threads). */
void pool_run(struct pool *p, size_t n, void (*fn)(void *user, size_t index, int thread), void *user);

/* CPUs this process may use: min(affinity, cgroup v2 quota rounded up), at least 1. */
int pool_cpu_count(void);

#endif
