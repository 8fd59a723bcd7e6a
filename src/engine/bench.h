/* `ishowtts bench` inside: what is measured, and what came out of it.
 *
 *     bench.c        from parameters to sessions (one a precision) and cases (text, evaluations)
 *     bench_case.c   one case: warm-up, runs, where their time went
 *     bench_json.c   all of it as one JSON object
 *     bench_model.c  models with random weights */
#ifndef ISHOW_ENGINE_BENCH_H
#define ISHOW_ENGINE_BENCH_H

#include "ishowtts.h"

#include "base/error.h"
#include "kern/peak.h"
#include "model/profile.h"

#include <jansson.h>

#define BENCH_MAX_RUNS 1000
#define BENCH_MAX_LIST 32 /* items of a list in the parameters */
#define BENCH_ITEM     64 /* bytes of one, the '\0' included */

struct bench_machine {
    int threads;
    enum kern_isa isa;            /* the strongest here, whatever kernels are used */
    double peak[KERN_PEAK_COUNT]; /* best seen so far, operations a second */
    struct kern_bandwidth memory;
};

/* Raises machine->peak[kind] to what is measured now. */
void bench_peak(struct bench_machine *m, enum kern_peak kind, double seconds);

/* What a product of that precision is held against: its own peak, or that of f32 where the CPU has none. */
double bench_peak_of(const struct bench_machine *m, enum kern_peak kind);

struct bench_text {
    const char *name; /* "short", …, or "750 frames" */
    const char *text;
    int frames; /* of clip and speech; 0: as the text's length says */
};

struct bench_case {
    const char *precision; /* as in ishow_open_params */
    enum kern_peak kind;
    struct bench_text text;
    int nfe, runs;
    int warm; /* 1: memory has been touched by an earlier case, so that no warm-up is needed */
    uint64_t seed;
};

struct bench_result {
    char precision[BENCH_ITEM]; /* as it was understood */
    int runs, chunks;
    double rtf[BENCH_MAX_RUNS];                 /* ascending */
    double rtf_cpu[BENCH_MAX_RUNS];             /* CPU seconds / threads / audio seconds; ascending */
    double first_audio;                         /* seconds, mean */
    double audio_seconds;                       /* of one run */
    struct profile profile;                     /* of all runs together */
    struct profile_time adaln;                  /* of the warm-up: later runs find the tables made */
    uint64_t rss_peak, rss, rss_anon, rss_file; /* bytes */
};

/* What opening a model took. */
struct bench_start {
    double first_open, open; /* seconds: when a cache may have had to be made, and again */
    double to_evaluation;    /* from the second opening to the first evaluation's begin */
};

struct bench_progress {
    ishow_bench_fn fn; /* or NULL */
    void *user;
    char doing[160];
    double done, total; /* in units of bench.c */
};
int bench_progress_tell(struct bench_progress *p, double part); /* non-zero: cancel */

int bench_case_run(ishow_engine *engine, const ishow_voice *voice, const struct bench_case *c, struct bench_machine *m,
                   struct bench_progress *progress, double *ret_to_evaluation, struct bench_result *ret,
                   struct error *err);

/* Mean, a quantile in [0, 1] with linear interpolation, and deviation (n - 1) of n ascending numbers. */
double stats_mean(const double *x, int n);
double stats_quantile(const double *x, int n, double q);
double stats_deviation(const double *x, int n);

/* New references, NULL when memory has run out. */
json_t *bench_json_machine(const struct bench_machine *m, const ishow_info *info);
json_t *bench_json_peaks(const struct bench_machine *m);
json_t *bench_json_run(const struct bench_machine *m, const struct bench_case *c, const struct bench_start *s,
                       const struct bench_result *r);
json_t *bench_json_sweep(const struct bench_machine *m, const struct bench_case *c, const struct bench_result *r);

/* api.c: where the marks go from now on; only for an engine that has a model. */
void engine_set_profile(ishow_engine *engine, struct profile *p);

#endif
