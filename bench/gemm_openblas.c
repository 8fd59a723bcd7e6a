/* OpenBLAS: f32 alone; its weights stay row-major and are packed in every call, for there is no other way in. */
#include "gemm_peers.h"

#include <cblas.h>
#include <stdlib.h>

static void *create(const struct gemm *g, enum gemm_kind kind, int threads)
{
    (void)kind;
    struct gemm *own = malloc(sizeof *own);
    if (own)
        *own = *g;
    openblas_set_num_threads(threads);
    return own;
}

static void run(void *state)
{
    const struct gemm *g = state;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, g->rows, g->n, g->k, 1, g->x, g->k, g->w, g->k, 0, g->y, g->n);
}

const struct gemm_library gemm_openblas = {"OpenBLAS", 1u << GEMM_F32, create, run, free};
