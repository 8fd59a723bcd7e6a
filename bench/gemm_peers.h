/* Products alone, ours beside oneDNN's and OpenBLAS's: what the files of gemm_peers share. */
#ifndef ISHOW_BENCH_GEMM_PEERS_H
#define ISHOW_BENCH_GEMM_PEERS_H

enum gemm_kind { GEMM_F32, GEMM_BF16, GEMM_INT8, GEMM_KINDS };

/* y [rows, n] = x [rows, k] w [n, k]^T, all host f32 of the caller. A library takes the weights over into its own layout
 * when it is made, as ours does; the time of that does not count. */
struct gemm {
    int rows, n, k;
    const float *x, *w;
    float *y;
};

struct gemm_library {
    const char *name;
    unsigned kinds; /* bits 1 << enum gemm_kind: what it is compared for */
    /* NULL: not something that it can do here. */
    void *(*create)(const struct gemm *g, enum gemm_kind kind, int threads);
    void (*run)(void *state);
    void (*destroy)(void *state);
};

/* There when they were found at configuration. */
extern const struct gemm_library gemm_openblas, gemm_dnnl;

#endif
