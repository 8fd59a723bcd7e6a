/* See pool.h. The workers sleep on a condition variable between loops; within a loop every thread
 * takes the next index from one atomic counter, so uneven work balances itself. */
#include "base/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct worker {
    struct pool *pool;
    pthread_t thread;
    int index; /* 1 .. threads - 1; the caller of pool_run is 0 */
};

struct pool {
    int threads;
    int started; /* workers that run */
    struct worker *workers;

    pthread_mutex_t lock; /* guards what follows, but for `next` */
    pthread_cond_t wake, done;
    unsigned long loop; /* counts pool_run calls that used the workers */
    int busy;           /* workers still inside the current loop */
    int stop;

    void (*fn)(void *user, size_t index, int thread);
    void *user;
    size_t n;
    atomic_size_t next;
};

static void take_indices(struct pool *p, int thread)
{
    for (;;) {
        size_t i = atomic_fetch_add_explicit(&p->next, 1, memory_order_relaxed);
        if (i >= p->n)
            return;
        p->fn(p->user, i, thread);
    }
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct pool *p = w->pool;
    unsigned long seen = 0;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (!p->stop && p->loop == seen)
            pthread_cond_wait(&p->wake, &p->lock);
        if (p->stop)
            break;
        seen = p->loop;
        pthread_mutex_unlock(&p->lock);
        take_indices(p, w->index);
        pthread_mutex_lock(&p->lock);
        if (--p->busy == 0)
            pthread_cond_signal(&p->done);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* Reads a small text file without allocating; 0 when it is not there. */
static size_t read_text(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, size - 1);
    close(fd);
    if (n < 0)
        n = 0;
    text[n] = '\0';
    return (size_t)n;
}

/* The CPU quota of a cgroup v2 folder, rounded up to whole CPUs; 0 when it sets none. */
static int quota_cpus(const char *folder)
{
    char path[4200], text[128];
    long long quota, period;
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", folder);
    if (!read_text(path, text, sizeof text) || sscanf(text, "%lld %lld", &quota, &period) != 2 ||
        quota <= 0 || period <= 0)
        return 0;
    long long cpus = (quota + period - 1) / period;
    return cpus > POOL_MAX_THREADS ? POOL_MAX_THREADS : (int)cpus;
}

int pool_cpu_count(void)
{
    /* The kernel refuses a mask smaller than its own, so grow until it fits. */
    int count = 0;
    for (int max = 1024; max <= 65536 && count == 0; max *= 4) {
        cpu_set_t *set = CPU_ALLOC((size_t)max);
        if (!set)
            break;
        size_t size = CPU_ALLOC_SIZE((size_t)max);
        if (sched_getaffinity(0, size, set) == 0)
            count = CPU_COUNT_S(size, set);
        CPU_FREE(set);
    }
    if (count <= 0)
        count = 1;

    /* A limit set on any folder above ours binds us too. */
    char text[4096], *line = NULL;
    if (read_text("/proc/self/cgroup", text, sizeof text))
        line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
    if (line) {
        char *folder = strstr(line, "0::") + 3;
        folder[strcspn(folder, "\n")] = '\0';
        for (;;) {
            int quota = quota_cpus(folder);
            if (quota > 0 && quota < count)
                count = quota;
            char *slash = strrchr(folder, '/');
            if (!slash)
                break;
            *slash = '\0';
        }
    }
    return count;
}

int pool_create(int threads, struct pool **ret, struct error *err)
{
    if (threads < 0 || threads > POOL_MAX_THREADS)
        return error_set(err, E_ARG, "%d threads were asked for; 0 (one a CPU) to %d are possible", threads,
                         POOL_MAX_THREADS);
    if (threads == 0)
        threads = pool_cpu_count();
    if (threads > POOL_MAX_THREADS)
        threads = POOL_MAX_THREADS;

    struct pool *p = calloc(1, sizeof *p);
    if (!p)
        return error_nomem(err);
    p->threads = threads;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    pthread_cond_init(&p->done, NULL);
    p->workers = calloc((size_t)threads, sizeof *p->workers);
    if (!p->workers) {
        pool_free(p);
        return error_nomem(err);
    }

    /* Signals belong to the program's own threads: workers start with all of them blocked, but for what map_guard.h
     * hears in the thread that caused it. */
    sigset_t all, old;
    sigfillset(&all);
    sigdelset(&all, SIGBUS);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int failed = 0;
    for (int i = 1; i < threads && !failed; i++) {
        struct worker *w = &p->workers[i];
        w->pool = p;
        w->index = i;
        failed = pthread_create(&w->thread, NULL, worker_main, w);
        if (!failed)
            p->started++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (failed) {
        pool_free(p);
        return error_errno(err, failed, "cannot start a worker thread");
    }
    *ret = p;
    return 0;
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stop = 1;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (int i = 1; i <= p->started; i++)
        pthread_join(p->workers[i].thread, NULL);
    pthread_cond_destroy(&p->done);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p->workers);
    free(p);
}

int pool_threads(const struct pool *p)
{
    return p->threads;
}

void pool_run(struct pool *p, size_t n, void (*fn)(void *user, size_t index, int thread), void *user)
{
    if (p->threads == 1 || n <= 1) {
        for (size_t i = 0; i < n; i++)
            fn(user, i, 0);
        return;
    }
    pthread_mutex_lock(&p->lock);
    p->fn = fn;
    p->user = user;
    p->n = n;
    atomic_store_explicit(&p->next, 0, memory_order_relaxed);
    p->busy = p->threads - 1;
    p->loop++;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);

    take_indices(p, 0);

    pthread_mutex_lock(&p->lock);
    while (p->busy)
        pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}
