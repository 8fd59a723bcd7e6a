/* The CPU device: memory, and the operations that go row by row. Each splits its rows over the pool;
 * no result depends on how they are split. */
#include "dev/cpu.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ROWS_GRAIN 16       /* rows a task: enough work to pay for being handed out */
#define FLOATS_GRAIN 32768  /* floats a task of an element-wise operation */
#define HUGE_PAGE (2u << 20)

_Static_assert((int)DEV_ACT_NONE == KERN_ACT_NONE && (int)DEV_ACT_SILU == KERN_ACT_SILU &&
                   (int)DEV_ACT_GELU_ERF == KERN_ACT_GELU_ERF &&
                   (int)DEV_ACT_GELU_TANH == KERN_ACT_GELU_TANH && (int)DEV_ACT_MISH == KERN_ACT_MISH,
               "enum dev_act and enum kern_act name the same functions");
_Static_assert(DEV_HEAD_DIM == KERN_HEAD, "one head size");

float *cpu_alloc(size_t count)
{
    if (count > SIZE_MAX / sizeof(float) / 2)
        return NULL;
    size_t size = count * sizeof(float);
    /* Streaming through weights costs a page-table walk every 4 KiB; large blocks get 2 MiB pages. */
    size_t align = size >= 2 * HUGE_PAGE ? HUGE_PAGE : CPU_ALIGN;
    size = (size + CPU_ALIGN) & ~(size_t)(CPU_ALIGN - 1);
    void *p;
    if (posix_memalign(&p, align, size))
        return NULL;
    if (align == HUGE_PAGE)
        madvise(p, size & ~(size_t)(HUGE_PAGE - 1), MADV_HUGEPAGE);
    return p;
}

int cpu_scratch_reserve(struct dev *d, size_t floats, struct error *err)
{
    if (floats <= d->scratch_each)
        return 0;
    floats = (floats + 15) & ~(size_t)15;
    float *p = cpu_alloc(floats * (size_t)d->threads);
    if (!p)
        return error_nomem(err);
    free(d->scratch);
    d->scratch = p;
    d->scratch_each = floats;
    return 0;
}

int dev_open_cpu(int threads, struct dev **ret, struct error *err)
{
    enum kern_isa isa;
    int rc = kern_choose(&isa, err);
    if (rc)
        return rc;
    struct dev *d = calloc(1, sizeof *d);
    if (!d)
        return error_nomem(err);
    kern_fill(&d->kern, isa);
    rc = pool_create(threads, &d->pool, err);
    if (rc)
        goto fail;
    d->threads = pool_threads(d->pool);
    size_t need = cpu_attention_scratch(&d->kern);
    rc = cpu_scratch_reserve(d, need > CPU_PACK_FLOATS ? need : CPU_PACK_FLOATS, err);
    if (rc)
        goto fail;
    d->sums = cpu_alloc(DEV_COLS_MAX);
    d->rope = cpu_alloc((size_t)CPU_ROPE_POSITIONS * 2 * KERN_HEAD);
    if (!d->sums || !d->rope) {
        rc = error_nomem(err);
        goto fail;
    }
    *ret = d;
    return 0;
fail:
    dev_close(d);
    return rc;
}

void dev_close(struct dev *d)
{
    if (!d)
        return;
    pool_free(d->pool);
    free(d->rope);
    free(d->sums);
    free(d->scratch);
    free(d);
}

void dev_describe(const struct dev *d, struct dev_info *ret)
{
    *ret = (struct dev_info){.name = "cpu", .kernels = d->kern.name, .threads = d->threads};
}

/* -------- memory -------- */

int dev_alloc(struct dev *d, size_t count, float **ret, struct error *err)
{
    (void)d;
    float *p = cpu_alloc(count);
    if (!p)
        return error_nomem(err);
    *ret = p;
    return 0;
}

void dev_free(struct dev *d, float *p)
{
    (void)d;
    free(p);
}

void dev_upload(struct dev *d, float *dst, const float *host, size_t count)
{
    (void)d;
    if (count)
        memcpy(dst, host, count * sizeof *dst);
}

int dev_download(struct dev *d, float *host, const float *src, size_t count, struct error *err)
{
    (void)d;
    (void)err;
    if (count)
        memcpy(host, src, count * sizeof *host);
    return 0;
}

void dev_zero(struct dev *d, float *dst, size_t count)
{
    (void)d;
    if (count)
        memset(dst, 0, count * sizeof *dst);
}

void dev_copy_2d(struct dev *d, float *dst, size_t dst_stride, const float *src, size_t src_stride,
                 size_t rows, size_t cols)
{
    (void)d;
    for (size_t r = 0; r < rows && cols; r++)
        memcpy(dst + r * dst_stride, src + r * src_stride, cols * sizeof *dst);
}

/* -------- row by row -------- */

struct split {
    size_t n, grain;
    void (*fn)(void *user, size_t from, size_t to);
    void *user;
};

static void split_task(void *user, size_t index, int thread)
{
    (void)thread;
    const struct split *s = user;
    size_t from = index * s->grain, to = from + s->grain;
    s->fn(s->user, from, to < s->n ? to : s->n);
}

void cpu_split(struct dev *d, size_t n, size_t grain, void (*fn)(void *user, size_t from, size_t to),
               void *user)
{
    struct split s = {n, grain, fn, user};
    pool_run(d->pool, (n + grain - 1) / grain, split_task, &s);
}

/* One operation's arguments; each uses those it needs. */
struct row_op {
    const struct kern *kern;
    enum kern_act act;
    int taps, seq_start, seq_end, heads, rope_heads, positions;
    size_t cols;
    float eps, cfg, dt;
    const float *a, *b, *w;
    const int32_t *ids;
    float *x, *y;
};

static void dwconv_rows(void *user, size_t from, size_t to)
{
    const struct row_op *o = user;
    for (size_t i = from; i < to; i++) {
        /* the taps that fall inside the sequence */
        int row = o->seq_start + (int)i, first = row - o->taps / 2, last = first + o->taps;
        int skip = first < o->seq_start ? o->seq_start - first : 0;
        if (last > o->seq_end)
            last = o->seq_end;
        first += skip;
        o->kern->dwconv(o->w + (size_t)skip * o->cols, o->b, o->a + (size_t)first * o->cols, last - first,
                        o->cols, o->y + (size_t)row * o->cols);
    }
}

void dev_dwconv(struct dev *d, const float *w, const float *b, int kernel, const float *x, struct seqs seqs,
                int cols, float *y)
{
    for (int s = 0; s < seqs.n; s++) {
        struct row_op o = {.kern = &d->kern, .taps = kernel, .seq_start = seqs.start[s],
                           .seq_end = seqs.start[s + 1], .cols = (size_t)cols, .a = x, .b = b, .w = w, .y = y};
        cpu_split(d, (size_t)(o.seq_end - o.seq_start), ROWS_GRAIN, dwconv_rows, &o);
    }
}

static void norm_rows(void *user, size_t from, size_t to)
{
    const struct row_op *o = user;
    for (size_t r = from; r < to; r++)
        o->kern->norm(o->w + r * o->cols, o->cols, o->eps, o->a, o->b, o->y + r * o->cols);
}

void dev_norm(struct dev *d, const float *x, size_t rows, int cols, float eps, const float *scale,
              const float *shift, float *y)
{
    struct row_op o = {.kern = &d->kern, .cols = (size_t)cols, .eps = eps, .w = x, .a = scale, .b = shift,
                       .y = y};
    cpu_split(d, rows, ROWS_GRAIN, norm_rows, &o);
}

#define GRN_COLS 64 /* columns a task: whole cache lines, so that threads do not share one */

static void grn_sums(void *user, size_t from, size_t to)
{
    const struct row_op *o = user;
    memset(o->y + from, 0, (to - from) * sizeof *o->y);
    o->kern->sum_squares(o->x + (size_t)o->seq_start * o->cols + from, o->cols,
                         (size_t)(o->seq_end - o->seq_start), to - from, o->y + from);
}

static void grn_rows(void *user, size_t from, size_t to)
{
    const struct row_op *o = user;
    for (size_t r = from; r < to; r++)
        o->kern->grn(o->x + ((size_t)o->seq_start + r) * o->cols, o->y, o->a, o->b, o->cols);
}

void dev_grn(struct dev *d, float *x, struct seqs seqs, int cols, const float *gamma, const float *beta)
{
    for (int s = 0; s < seqs.n; s++) {
        struct row_op o = {.kern = &d->kern, .seq_start = seqs.start[s], .seq_end = seqs.start[s + 1],
                           .cols = (size_t)cols, .x = x, .y = d->sums, .a = gamma, .b = beta};
        cpu_split(d, o.cols, GRN_COLS, grn_sums, &o);
        double mean = 0;
        for (size_t c = 0; c < o.cols; c++) {
            o.y[c] = sqrtf(o.y[c]);
            mean += o.y[c];
        }
        float scale = (float)(mean / (double)o.cols) + 1e-6f;
        for (size_t c = 0; c < o.cols; c++)
            o.y[c] /= scale;
        cpu_split(d, (size_t)(o.seq_end - o.seq_start), ROWS_GRAIN, grn_rows, &o);
    }
}

/* f_j = 1 / 10000^(2j/n), rounded where PyTorch rounds, so that late positions keep the same angle. */
static float inverse_frequency(int j, int n)
{
    return 1.0f / (float)pow(10000.0, (double)(2.0f * (float)j / (float)n));
}

static void text_embed_rows(void *user, size_t from, size_t to)
{
    const struct row_op *o = user;
    size_t half = o->cols / 2;
    for (size_t i = from; i < to; i++)
        memcpy(o->y + i * o->cols, o->a + (size_t)o->ids[i] * o->cols, o->cols * sizeof *o->y);
    for (size_t j = 0; j < half && o->positions; j++) {
        float f = inverse_frequency((int)j, (int)o->cols);
        for (size_t i = from; i < to; i++) {
            o->y[i * o->cols + j] += cosf((float)i * f);
            o->y[i * o->cols + half + j] += sinf((float)i * f);
        }
    }
}

void dev_text_embed(struct dev *d, const float *table, const int32_t *ids, size_t n, int cols, int positions,
                    float *y)
{
    struct row_op o = {.cols = (size_t)cols, .positions = positions, .a = table, .ids = ids, .y = y};
    cpu_split(d, n, 64, text_embed_rows, &o);
}

/* -------- element by element -------- */

static void act_run(void *user, size_t from, size_t to)
{
    const struct row_op *o = user;
    o->kern->act(o->act, o->x + from, to - from);
}

void dev_act(struct dev *d, enum dev_act act, float *x, size_t count)
{
    struct row_op o = {.kern = &d->kern, .act = (enum kern_act)act, .x = x};
    cpu_split(d, count, FLOATS_GRAIN, act_run, &o);
}

static void add_run(void *user, size_t from, size_t to)
{
    const struct row_op *o = user;
    o->kern->add(o->y + from, o->a + from, to - from);
}

void dev_add(struct dev *d, float *y, const float *x, size_t count)
{
    struct row_op o = {.kern = &d->kern, .y = y, .a = x};
    cpu_split(d, count, FLOATS_GRAIN, add_run, &o);
}

static void euler_run(void *user, size_t from, size_t to)
{
    const struct row_op *o = user;
    o->kern->euler(o->x + from, o->a + from, o->b ? o->b + from : NULL, o->cfg, o->dt, to - from);
}

void dev_euler(struct dev *d, float *x, const float *c, const float *u, float cfg, float dt, size_t count)
{
    struct row_op o = {.kern = &d->kern, .x = x, .a = c, .b = u, .cfg = cfg, .dt = dt};
    cpu_split(d, count, FLOATS_GRAIN, euler_run, &o);
}

/* -------- rotary embedding -------- */

static void rope_fill(float *at, int position, const float *inv_freq)
{
    for (int i = 0; i < KERN_HEAD; i += 2) {
        float angle = (float)position * inv_freq[i / 2];
        at[i] = at[i + 1] = cosf(angle);
        at[KERN_HEAD + i + 1] = sinf(angle);
        at[KERN_HEAD + i] = -at[KERN_HEAD + i + 1];
    }
}

/* Computes the table up to `len` positions; it starts anew when the frequencies are others. */
static void rope_table(struct dev *d, int len, const float *inv_freq)
{
    if (memcmp(d->rope_freq, inv_freq, sizeof d->rope_freq) != 0) {
        memcpy(d->rope_freq, inv_freq, sizeof d->rope_freq);
        d->rope_filled = 0;
    }
    for (; d->rope_filled < len && d->rope_filled < CPU_ROPE_POSITIONS; d->rope_filled++)
        rope_fill(d->rope + (size_t)d->rope_filled * 2 * KERN_HEAD, d->rope_filled, d->rope_freq);
}

struct rope_op {
    const struct dev *dev;
    int seq_start, heads, rope_heads;
    const float *q_gain, *k_gain;
    float *qkv;
};

static void rope_rows(void *user, size_t from, size_t to)
{
    const struct rope_op *o = user;
    size_t dim = (size_t)o->heads * KERN_HEAD;
    float late[2 * KERN_HEAD];
    for (size_t pos = from; pos < to; pos++) {
        const float *cs = o->dev->rope + pos * 2 * KERN_HEAD;
        if (pos >= CPU_ROPE_POSITIONS) {
            rope_fill(late, (int)pos, o->dev->rope_freq);
            cs = late;
        }
        float *q = o->qkv + ((size_t)o->seq_start + pos) * 3 * dim;
        o->dev->kern.rope(q, o->heads, o->rope_heads, cs, cs + KERN_HEAD, o->q_gain);
        o->dev->kern.rope(q + dim, o->heads, o->rope_heads, cs, cs + KERN_HEAD, o->k_gain);
    }
}

void dev_qk_rope(struct dev *d, float *qkv, struct seqs seqs, int heads, int rope_heads, const float *inv_freq,
                 const float *q_gain, const float *k_gain)
{
    for (int s = 0; s < seqs.n; s++) {
        int len = seqs.start[s + 1] - seqs.start[s];
        rope_table(d, len, inv_freq);
        struct rope_op o = {d, seqs.start[s], heads, rope_heads, q_gain, k_gain, qkv};
        cpu_split(d, (size_t)len, ROWS_GRAIN, rope_rows, &o);
    }
}
