/* oneDNN 2: matmul primitives with weights in the layout that it asks for. Inputs are converted to 16 or 8 bits beforehand
 * and the output is f32; of 8 bits the inputs are unsigned, which it does best, and the scale is left out. */
#include "gemm_peers.h"

#include <dnnl.h>
#include <stdlib.h>

struct state {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t matmul;
    dnnl_memory_t x, w, y;
};

static void destroy(void *p)
{
    struct state *s = p;
    if (!s)
        return;
    dnnl_primitive_destroy(s->matmul);
    dnnl_memory_destroy(s->x);
    dnnl_memory_destroy(s->w);
    dnnl_memory_destroy(s->y);
    dnnl_stream_destroy(s->stream);
    dnnl_engine_destroy(s->engine);
    free(s);
}

/* `to` = a memory of layout `md` filled from f32 data in layout `from`. */
static int fill(struct state *s, const dnnl_memory_desc_t *from, const float *data, const dnnl_memory_desc_t *md,
                dnnl_memory_t *to)
{
    dnnl_memory_t source = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t reorder = NULL;
    int failed = dnnl_memory_create(&source, from, s->engine, (void *)data) ||
                 dnnl_memory_create(to, md, s->engine, DNNL_MEMORY_ALLOCATE) ||
                 dnnl_reorder_primitive_desc_create(&pd, from, s->engine, md, s->engine, NULL) ||
                 dnnl_primitive_create(&reorder, pd);
    if (!failed) {
        const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, *to}};
        failed = dnnl_primitive_execute(reorder, s->stream, 2, args) || dnnl_stream_wait(s->stream);
    }
    dnnl_primitive_destroy(reorder);
    dnnl_primitive_desc_destroy(pd);
    dnnl_memory_destroy(source);
    return failed;
}

static int build(struct state *s, const struct gemm *g, enum gemm_kind kind)
{
    static const dnnl_data_type_t inputs[] = {dnnl_f32, dnnl_bf16, dnnl_u8}, weights[] = {dnnl_f32, dnnl_bf16, dnnl_s8};
    const dnnl_dims_t x = {g->rows, g->k}, w = {g->k, g->n}, y = {g->rows, g->n};
    dnnl_memory_desc_t x_f32, w_f32, x_md, w_any, y_md;
    dnnl_matmul_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    int failed = dnnl_engine_create(&s->engine, dnnl_cpu, 0) ||
                 dnnl_stream_create(&s->stream, s->engine, dnnl_stream_default_flags) ||
                 dnnl_memory_desc_init_by_tag(&x_f32, 2, x, dnnl_f32, dnnl_ab) ||
                 dnnl_memory_desc_init_by_tag(&w_f32, 2, w, dnnl_f32, dnnl_ba) ||
                 dnnl_memory_desc_init_by_tag(&x_md, 2, x, inputs[kind], dnnl_ab) ||
                 dnnl_memory_desc_init_by_tag(&w_any, 2, w, weights[kind], dnnl_format_tag_any) ||
                 dnnl_memory_desc_init_by_tag(&y_md, 2, y, dnnl_f32, dnnl_ab) ||
                 dnnl_matmul_desc_init(&desc, &x_md, &w_any, NULL, &y_md) ||
                 dnnl_primitive_desc_create(&pd, &desc, NULL, s->engine, NULL) || fill(s, &x_f32, g->x, &x_md, &s->x) ||
                 fill(s, &w_f32, g->w, dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0), &s->w) ||
                 dnnl_memory_create(&s->y, &y_md, s->engine, g->y) || dnnl_primitive_create(&s->matmul, pd);
    dnnl_primitive_desc_destroy(pd);
    return failed;
}

static void *create(const struct gemm *g, enum gemm_kind kind, int threads)
{
    (void)threads; /* OpenMP's, which main has set */
    struct state *s = calloc(1, sizeof *s);
    if (s && build(s, g, kind)) {
        destroy(s);
        return NULL;
    }
    return s;
}

static void run(void *p)
{
    struct state *s = p;
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, s->x}, {DNNL_ARG_WEIGHTS, s->w}, {DNNL_ARG_DST, s->y}};
    dnnl_primitive_execute(s->matmul, s->stream, 3, args);
    dnnl_stream_wait(s->stream);
}

const struct gemm_library gemm_dnnl = {"oneDNN", (1u << GEMM_KINDS) - 1, create, run, destroy};
