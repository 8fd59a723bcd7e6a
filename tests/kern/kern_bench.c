/* kerncheck --bench: the shapes of F5-TTS v1 Base at 750 frames, both branches of the guidance, through
 * dev.h, at each precision that the kernels have, beside the peak of its instruction measured in the same moment
 * (of multiply-adds where the CPU has no dot product for it). Best of several runs each.
 *
 * Two shares of the peak are given: by the clock on the wall, and by the CPU time that the program was
 * given, divided by its threads. They agree on an idle machine; on a busy one the first says how
 * busy it is, and only the second speaks of the kernels (but is blind to threads that wait). */
#include "kerncheck.h"

#include "base/clock.h"
#include "base/pool.h"
#include "dev/dev.h"
#include "kern/peak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FRAMES 750
#define ROWS (2 * FRAMES)
#define DIM 1024
#define SECONDS 0.6 /* spent on each line */
#define PEAK_SECONDS 0.1

struct bench {
    struct dev *dev;
    enum kern_isa isa;
    int threads;
    struct seqs seqs;
    float *x, *y, *qkv, *scratch, *param; /* [ROWS, 3 * DIM] each */
    struct dev_linear *linear;
    struct dev_conv *conv;
    enum dev_act act;
    enum dev_precision precision;
};

static const char *const precision_names[] = {"f32", "bf16", "int8"};

static double peak_of(const struct bench *b)
{
    static const enum kern_peak kinds[] = {KERN_PEAK_F32, KERN_PEAK_BF16, KERN_PEAK_INT8};
    double p = kern_peak_measure(b->isa, kinds[b->precision], b->threads, PEAK_SECONDS);
    return p > 0 ? p : kern_peak_measure(b->isa, KERN_PEAK_F32, b->threads, PEAK_SECONDS);
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Prints one line: `work` operations (or bytes) a run. */
static void measure(struct bench *b, const char *name, void (*run)(struct bench *b), double work, int is_bytes)
{
    double best = 0, best_cpu = 0, peak = 0, start = clock_seconds();
    while (clock_seconds() - start < SECONDS) {
        double p = is_bytes ? 0 : peak_of(b);
        double until = clock_seconds() + SECONDS / 3;
        peak = p > peak ? p : peak;
        while (clock_seconds() < until) {
            double at = clock_seconds(), cpu = cpu_seconds();
            run(b);
            double rate = work / (clock_seconds() - at), rate_cpu = work / (cpu_seconds() - cpu) * b->threads;
            best = rate > best ? rate : best;
            best_cpu = rate_cpu > best_cpu ? rate_cpu : best_cpu;
        }
    }
    printf("%-10s %2d  %-4s %-31s %8.2f ms %7.1f %s", kern_isa_name(b->isa), b->threads,
           precision_names[b->precision], name, work / best * 1e3, best * 1e-9, is_bytes ? "GB/s" : "GFLOP/s");
    if (peak > 0)
        printf("  %5.1f %% (CPU time: %5.1f %%) of %.1f", best / peak * 100, best_cpu / peak * 100, peak * 1e-9);
    putchar('\n');
    fflush(stdout);
}

static void run_linear(struct bench *b)
{
    dev_linear(b->dev, b->linear, b->x, ROWS, b->act, b->y);
}

static void run_linear_add(struct bench *b)
{
    dev_linear_add(b->dev, b->linear, b->x, ROWS, b->param, b->y);
}

static void run_attention(struct bench *b)
{
    dev_attention(b->dev, b->qkv, b->seqs, DIM / DEV_HEAD_DIM, b->precision, b->y);
}

static void run_conv(struct bench *b)
{
    dev_conv(b->dev, b->conv, b->x, b->seqs, DEV_ACT_MISH, b->scratch, b->y);
}

static void run_rope(struct bench *b)
{
    float freq[DEV_HEAD_DIM / 2];
    for (int i = 0; i < DEV_HEAD_DIM / 2; i++)
        freq[i] = 1.0f / (float)(1 + i);
    dev_qk_rope(b->dev, b->qkv, b->seqs, DIM / DEV_HEAD_DIM, DIM / DEV_HEAD_DIM, freq, NULL, NULL);
}

static void run_norm(struct bench *b)
{
    dev_norm(b->dev, b->x, ROWS, DIM, 1e-6f, b->param, b->param, b->y);
}

static void run_dwconv(struct bench *b)
{
    dev_dwconv(b->dev, b->param, b->param, 7, b->x, b->seqs, 512, b->y);
}

static void run_grn(struct bench *b)
{
    dev_grn(b->dev, b->y, b->seqs, DIM, b->param, b->param);
}

static void run_act(struct bench *b)
{
    memcpy(b->y, b->x, (size_t)ROWS * DIM * sizeof *b->y); /* fresh numbers, or all would end at 0 */
    dev_act(b->dev, b->act, b->y, (size_t)ROWS * DIM);
}

static int linear_line(struct bench *b, int k, int n, enum dev_act act, int add, const char *name, const float *w)
{
    struct dev_matrix m = {w, NULL, n};
    if (dev_linear_create(b->dev, &m, 1, k, b->precision, &b->linear, NULL))
        return 1;
    b->act = act;
    measure(b, name, add ? run_linear_add : run_linear, 2.0 * ROWS * n * k, 0);
    dev_linear_free(b->dev, b->linear);
    return 0;
}

static int bench_one(struct bench *b, const float *w)
{
    static const char *const act_names[] = {"", "SiLU", "GELU erf", "GELU tanh", "Mish"};
    size_t size = (size_t)ROWS * 3 * DIM;
    struct error err;
    if (dev_open_cpu(b->threads, &b->dev, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    int failed = 1;
    float **all[] = {&b->x, &b->y, &b->qkv, &b->scratch, &b->param};
    for (int i = 0; i < 5; i++) {
        *all[i] = NULL;
        if (dev_alloc(b->dev, size, all[i], NULL))
            goto end;
        dev_upload(b->dev, *all[i], w, size);
    }
    failed = 0;
    for (int p = 0; p <= DEV_INT8 && !failed; p++) {
        b->precision = (enum dev_precision)p;
        if (!dev_supports(b->dev, b->precision))
            continue;
        failed = linear_line(b, DIM, 3 * DIM, DEV_ACT_NONE, 0, "linear 1024 -> 3072 (q, k, v)", w) ||
                 linear_line(b, DIM, DIM, DEV_ACT_NONE, 1, "linear 1024 -> 1024, gated add", w) ||
                 linear_line(b, DIM, 2 * DIM, DEV_ACT_GELU_TANH, 0, "linear 1024 -> 2048, GELU tanh", w) ||
                 linear_line(b, 2 * DIM, DIM, DEV_ACT_NONE, 1, "linear 2048 -> 1024, gated add", w);
        if (failed || p == DEV_INT8) /* which counts as bf16 in what follows */
            continue;
        measure(b, "attention, 16 heads", run_attention, 2.0 * 2 * 2 * FRAMES * FRAMES * DIM, 0);
        if ((failed = dev_conv_create(b->dev, w, w, DIM, DIM, 16, 31, b->precision, &b->conv, NULL)))
            continue;
        measure(b, "conv 1024, kernel 31, 16 groups", run_conv, 2.0 * ROWS * DIM * 64 * 31, 0);
        dev_conv_free(b->dev, b->conv);
    }
    b->precision = DEV_F32;
    failed = failed || linear_line(b, 712, DIM, DEV_ACT_NONE, 0, "linear 712 -> 1024", w) ||
             linear_line(b, DIM, 100, DEV_ACT_NONE, 0, "linear 1024 -> 100", w);
    if (failed)
        goto end;
    double bytes = 4.0 * ROWS * DIM;
    measure(b, "rope of q and k", run_rope, 4 * bytes, 1);
    measure(b, "norm 1024", run_norm, 2 * bytes, 1);
    measure(b, "dwconv 512, kernel 7", run_dwconv, bytes, 1);
    measure(b, "grn 1024", run_grn, 3 * bytes, 1);
    for (int act = 1; act <= DEV_ACT_MISH; act++) {
        b->act = (enum dev_act)act;
        measure(b, act_names[act], run_act, 4 * bytes, 1);
    }
end:
    for (int i = 0; i < 5; i++)
        dev_free(b->dev, *all[i]);
    dev_close(b->dev);
    return failed;
}

int bench_run(int max_threads, const char *only)
{
    static const int start[] = {0, FRAMES, ROWS};
    size_t n = (size_t)ROWS * 3 * DIM;
    float *w = malloc(n * sizeof *w);
    if (!w)
        return 1;
    random_fill(w, n, 1);
    if (max_threads < 1)
        max_threads = pool_cpu_count();
    int failed = 0;
    for (int isa = KERN_ISA_COUNT - 1; isa >= 0 && !failed; isa--) {
        if (!kern_available((enum kern_isa)isa) || (only && strcmp(only, kern_isa_name((enum kern_isa)isa)) != 0))
            continue;
        setenv("ISHOW_KERNELS", kern_isa_name((enum kern_isa)isa), 1);
        for (int threads = 1; threads <= max_threads && !failed; threads *= 2) {
            struct bench b = {.isa = (enum kern_isa)isa, .threads = threads, .seqs = {2, start}};
            failed = bench_one(&b, w);
        }
    }
    free(w);
    return failed;
}
