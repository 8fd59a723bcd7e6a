/* gemm_peers [THREADS]: the products of F5-TTS v1 Base at 750 frames with guidance, through dev.h and through the
 * libraries that others build on, turn by turn. Prints the table that docs/PERFORMANCE.md has. Ours takes f32 in and
 * gives f32 out, whatever the precision: packing and rounding the inputs is in its time. */
#include "gemm_peers.h"

#include "base/clock.h"
#include "base/pool.h"
#include "dev/dev.h"
#include "kern/peak.h"
#include "model/profile.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ROWS    1500
#define TURNS   4
#define SECONDS 0.15 /* of each in a turn */
#define LARGEST ((size_t)ROWS * 3072)

static const struct {
    const char *name;
    int k, n;
} shapes[] = {{"q, k, v: 1024 to 3072", 1024, 3072},
              {"out: 1024 to 1024", 1024, 1024},
              {"up: 1024 to 2048", 1024, 2048},
              {"down: 2048 to 1024", 2048, 1024}};

static const char *const kinds[GEMM_KINDS] = {"f32", "bf16", "int8"};

/* -------- ours -------- */

struct ours {
    struct dev *dev;
    struct dev_linear *linear;
    struct gemm g;
};

static void ours_destroy(void *p)
{
    struct ours *o = p;
    dev_linear_free(o->dev, o->linear);
    dev_close(o->dev);
    free(o);
}

static void *ours_create(const struct gemm *g, enum gemm_kind kind, int threads)
{
    static const enum dev_precision precisions[] = {DEV_F32, DEV_BF16, DEV_INT8};
    const struct dev_matrix m = {g->w, NULL, g->n};
    struct ours *o = calloc(1, sizeof *o);
    if (!o)
        return NULL;
    o->g = *g;
    if (dev_open_cpu(threads, &o->dev, NULL) || !dev_supports(o->dev, precisions[kind]) ||
        dev_linear_create(o->dev, &m, 1, g->k, precisions[kind], &o->linear, NULL)) {
        ours_destroy(o);
        return NULL;
    }
    return o;
}

static void ours_run(void *p)
{
    struct ours *o = p;
    dev_linear(o->dev, o->linear, o->g.x, (size_t)o->g.rows, DEV_ACT_NONE, o->g.y);
}

static const struct gemm_library ours = {"ishowtts", (1u << GEMM_KINDS) - 1, ours_create, ours_run, ours_destroy};

/* -------- turns -------- */

static const struct gemm_library *const libraries[] = {&ours,
#ifdef HAVE_OPENBLAS
                                                       &gemm_openblas,
#endif
#ifdef HAVE_DNNL
                                                       &gemm_dnnl,
#endif
                                                       NULL};
#define LIBRARIES (sizeof libraries / sizeof *libraries)

struct contender {
    const struct gemm_library *library;
    void *state;
    double best;      /* operations a second of wall time */
    double cpu, runs; /* CPU seconds of all runs together: of a single one the clock knows too little */
};

static void take_turn(struct contender *c, double ops)
{
    const double until = clock_seconds() + SECONDS;
    do {
        const double at = clock_seconds(), cpu = cpu_seconds();
        c->library->run(c->state);
        c->best = fmax(ops / (clock_seconds() - at), c->best);
        c->cpu += cpu_seconds() - cpu;
        c->runs++;
    } while (clock_seconds() < until);
}

static void heading(int cells)
{
    fputs("| ", stdout);
    for (size_t k = 0; k < GEMM_KINDS; k++)
        for (size_t l = 0; libraries[l]; l++)
            if (libraries[l]->kinds >> k & 1)
                printf("| %s %s ", libraries[l]->name, kinds[k]);
    puts("|");
    for (int i = 0; i <= cells; i++)
        fputs("|---", stdout);
    puts("|");
}

int main(int argc, char **argv)
{
    const int threads = argc > 1 ? atoi(argv[1]) : pool_cpu_count();
    char count[16];
    if (threads < 1 || threads > POOL_MAX_THREADS) {
        fprintf(stderr, "usage: gemm_peers [THREADS], 1 to %d\n", POOL_MAX_THREADS);
        return 2;
    }
    snprintf(count, sizeof count, "%d", threads);
    setenv("OMP_NUM_THREADS", count, 1);
    float *x = malloc(sizeof *x * LARGEST), *w = malloc(sizeof *w * LARGEST), *y = malloc(sizeof *y * LARGEST);
    if (!x || !w || !y) {
        fputs("gemm_peers: out of memory\n", stderr);
        return 1;
    }
    for (size_t i = 0; i < LARGEST; i++) {
        x[i] = (float)(i * 2654435761u % 1000) / 1000; /* >= 0: unsigned bytes take it as well */
        w[i] = (float)(i * 40503u % 2000) / 1000 - 1;
    }
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        struct contender all[GEMM_KINDS * LIBRARIES];
        const struct gemm g = {ROWS, shapes[s].n, shapes[s].k, x, w, y};
        const double ops = ops_linear(ROWS, shapes[s].k, shapes[s].n);
        int n = 0;
        for (int k = 0; k < GEMM_KINDS; k++)
            for (size_t l = 0; libraries[l]; l++)
                if (libraries[l]->kinds >> k & 1)
                    all[n++] =
                        (struct contender){libraries[l], libraries[l]->create(&g, (enum gemm_kind)k, threads), 0, 0, 0};
        if (s == 0)
            heading(n);
        for (int turn = 0; turn < TURNS; turn++)
            for (int i = 0; i < n; i++)
                if (all[i].state)
                    take_turn(&all[i], ops);
        printf("| %s ", shapes[s].name);
        for (int i = 0; i < n; i++) {
            if (all[i].state)
                printf("| %.0f (%.0f) ", all[i].best * 1e-9, ops * all[i].runs / (all[i].cpu / threads) * 1e-9);
            else
                printf("| - ");
            if (all[i].state)
                all[i].library->destroy(all[i].state);
        }
        puts("|");
        fflush(stdout);
    }
    enum kern_isa isa = KERN_C;
    for (int i = 0; i < KERN_ISA_COUNT; i++)
        if (kern_available((enum kern_isa)i))
            isa = (enum kern_isa)i;
    printf("\nPeaks in the same run: f32 %.0f, bf16 %.0f, int8 %.0f GFLOP/s.\n",
           kern_peak_measure(isa, KERN_PEAK_F32, threads, 0.3) * 1e-9,
           kern_peak_measure(isa, KERN_PEAK_BF16, threads, 0.3) * 1e-9,
           kern_peak_measure(isa, KERN_PEAK_INT8, threads, 0.3) * 1e-9);
    free(x);
    free(w);
    free(y);
    return 0;
}
