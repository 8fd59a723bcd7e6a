/* How fast the engine is without a server around it: what `make load` holds the server against.
 *
 *     engine_alone WORKERS SECONDS RATE [FILE]
 *
 * WORKERS threads, each with an engine of its own, speak the lines of FILE in turn for SECONDS. RATE 0: as fast as they can.
 * Else RATE sentences a second are due at evenly spaced times, the next free worker takes the next, and latency counts
 * from when a sentence was due: what `ishowtts load --rate RATE --arrivals uniform` measures of a server. The result is one
 * JSON object. */
#include "ishowtts.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define WORKERS_MAX 64
#define TEXTS_MAX 1000
#define TEXT_MAX 1000
#define SENTENCES_MAX 1000000

struct shared {
    char texts[TEXTS_MAX][TEXT_MAX];
    int text_count;
    double began, seconds, rate;
    atomic_int next; /* sentence */
    float *latency;  /* [SENTENCES_MAX] seconds */
};

struct worker {
    pthread_t thread;
    ishow_engine *engine;
    struct shared *shared;
    uint64_t sentences, samples;
    int failed;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + 1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void sleep_until(double when)
{
    const struct timespec t = {(time_t)when, (long)((when - floor(when)) * 1e9)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL))
        ;
}

static int on_audio(void *user, const float *samples, size_t n)
{
    (void)samples;
    *(uint64_t *)user += n;
    return 0;
}

static void *work(void *user)
{
    struct worker *w = user;
    struct shared *s = w->shared;
    for (;;) {
        const int n = atomic_fetch_add(&s->next, 1);
        const double due = s->rate > 0 ? s->began + n / s->rate : now();
        if (n >= SENTENCES_MAX || due >= s->began + s->seconds)
            return NULL;
        if (due > now())
            sleep_until(due);
        ishow_error err;
        if (ishow_say(w->engine, NULL, s->texts[n % s->text_count], NULL, on_audio, &w->samples, NULL, &err)) {
            fprintf(stderr, "engine_alone: %s\n", err.text);
            w->failed = 1;
            return NULL;
        }
        s->latency[n] = (float)(now() - due);
        w->sentences++;
    }
}

static int read_texts(struct shared *s, const char *path)
{
    FILE *f = path ? fopen(path, "r") : stdin;
    if (!f) {
        perror(path);
        return -1;
    }
    while (s->text_count < TEXTS_MAX && fgets(s->texts[s->text_count], TEXT_MAX, f)) {
        s->texts[s->text_count][strcspn(s->texts[s->text_count], "\r\n")] = '\0';
        s->text_count += s->texts[s->text_count][0] != '\0';
    }
    if (path)
        fclose(f);
    return s->text_count ? 0 : -1;
}

static int by_size(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

static double percentile(const float *sorted, uint64_t n, double part)
{
    const uint64_t rank = (uint64_t)ceil(part * (double)n);
    return n ? 1e3 * (double)sorted[rank ? rank - 1 : 0] : 0;
}

static int run(struct shared *s, struct worker *workers, int count)
{
    uint64_t sentences = 0, samples = 0;
    ishow_open_params p;
    ishow_open_params_init(&p);
    p.model = "builtin";
    p.threads = 1;
    for (int i = 0; i < count; i++) {
        ishow_error err;
        workers[i].shared = s;
        if (ishow_open(&p, &workers[i].engine, &err) ||
            ishow_say(workers[i].engine, NULL, s->texts[0], NULL, on_audio, &workers[i].samples, NULL, &err)) {
            fprintf(stderr, "engine_alone: %s\n", err.text);
            return -1;
        }
        workers[i].samples = 0;
    }
    const double cpu = cpu_seconds();
    s->began = now();
    for (int i = 0; i < count; i++)
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
            abort();
    for (int i = 0; i < count; i++) {
        pthread_join(workers[i].thread, NULL);
        sentences += workers[i].sentences;
        samples += workers[i].samples;
        if (workers[i].failed)
            return -1;
    }
    const double took = now() - s->began;
    qsort(s->latency, sentences, sizeof *s->latency, by_size);
    printf("{\"workers\": %d, \"seconds\": %.3f, \"sentences\": %llu, \"sentences_per_second\": %.3f, "
           "\"audio_seconds_per_second\": %.3f, \"cpu_seconds\": %.3f, \"p50\": %.3f, \"p95\": %.3f, \"p99\": %.3f, \"max\": %.3f}\n",
           count, took, (unsigned long long)sentences, (double)sentences / took, (double)samples / ISHOW_RATE / took, cpu_seconds() - cpu,
           percentile(s->latency, sentences, 0.5), percentile(s->latency, sentences, 0.95),
           percentile(s->latency, sentences, 0.99), percentile(s->latency, sentences, 1));
    return 0;
}

int main(int argc, char **argv)
{
    static struct worker workers[WORKERS_MAX];
    const int count = argc > 3 ? atoi(argv[1]) : 0;
    struct shared *s = calloc(1, sizeof *s);
    if (!s || count < 1 || count > WORKERS_MAX || !(s->latency = calloc(SENTENCES_MAX, sizeof *s->latency)) ||
        read_texts(s, argc > 4 ? argv[4] : NULL)) {
        fputs("usage: engine_alone WORKERS SECONDS RATE [FILE]\n", stderr);
        return 2;
    }
    s->seconds = atof(argv[2]);
    s->rate = atof(argv[3]);
    const int rc = run(s, workers, count);
    for (int i = 0; i < count; i++)
        ishow_close(workers[i].engine);
    free(s->latency);
    free(s);
    return rc ? 1 : 0;
}
