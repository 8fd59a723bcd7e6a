/* Linear layers and convolutions on the CPU: y = x W^T as tiles over packed panels.
 *
 * W is packed once, in panels of nr columns, at the layer's precision. A task takes a block of x's rows, packs it into
 * its thread's workplace (so that it stays in L2; rounded or quantised on the way), and runs panel after panel of W
 * over it; a panel streams from L3 or memory once a block. k is never split: the partial sums of a tile stay in
 * registers from the first to the last k, and the epilogue works on the finished tile.
 *
 * A convolution of one group is the same product on overlapping rows: with the group's channels
 * copied to a contiguous [frames + kernel - 1, channels], padded with zeros, the row of frame t is
 * the kernel * channels numbers that start at t * channels. */
#include "dev/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_ROWS_MAX 192

struct product {
    const struct kern_product *kern; /* borrowed from the device */
    int n;
    size_t k;
    const char *w;     /* [ceil(n / nr)] panels */
    const float *bias; /* [n], behind w in the same memory */
    char *owned;       /* that memory, or NULL when it is borrowed */
};

struct dev_linear {
    struct product p;
    size_t bytes; /* that p takes */
};

struct dev_conv {
    int out, in, groups, kernel;
    struct product *group; /* [groups], owned */
};

static int round_up(int n, int to)
{
    return (n + to - 1) / to * to;
}

static void product_release(struct product *p)
{
    free(p->owned);
}

static int product_panels(const struct product *p)
{
    return (p->n + p->kern->nr - 1) / p->kern->nr;
}

static char *product_panel(const struct product *p, int index)
{
    return p->owned + (size_t)index * kern_b_bytes(p->kern, p->k);
}

static float *product_bias(const struct product *p) /* of one that owns its memory */
{
    return (float *)(void *)product_panel(p, product_panels(p));
}

static size_t product_bytes(const struct kern_product *kern, int n, size_t k)
{
    const struct product p = {.kern = kern, .n = n, .k = k};
    return (size_t)product_panels(&p) * kern_b_bytes(kern, k) +
           (size_t)round_up(n, CPU_ALIGN / (int)sizeof(float)) * sizeof(float);
}

/* On `bytes` of product_bytes, or on memory of its own when that is NULL. */
static int product_init(struct product *p, struct dev *d, const struct kern_product *kern, int n, size_t k,
                        const void *bytes, struct error *err)
{
    const size_t size = product_bytes(kern, n, k), panels = (size_t)((n + kern->nr - 1) / kern->nr);
    if (!bytes && !(p->owned = (char *)cpu_alloc(size / sizeof(float))))
        return error_nomem(err);
    p->kern = kern;
    p->n = n;
    p->k = k;
    p->w = bytes ? bytes : p->owned;
    p->bias = (const float *)(const void *)(p->w + panels * kern_b_bytes(kern, k));
    if (p->owned) {
        for (int i = 1; i <= n / kern->nr; i++) /* where a panel was rounded up */
            memset(product_panel(p, i) - CPU_ALIGN, 0, CPU_ALIGN);
        char *tail = product_panel(p, n / kern->nr); /* the panel that is not full, if any, and the biases */
        memset(tail, 0, (size_t)(p->owned + size - tail));
    }
    return cpu_scratch_reserve(d, kern_a_bytes(kern, k) / sizeof(float), err);
}

/* Columns [first, first + cols) of a panel from the rows of w [cols, k]. */
static void product_pack(const struct dev *d, const struct product *p, const float *w, int first, int cols, char *panel)
{
    if (p->kern == &d->kern.product[KERN_F32])
        d->kern.pack(w, p->k, cols, p->k, p->kern->nr, (float *)(void *)panel + first);
    else
        kern_pack_columns(p->kern, w, p->k, first, cols, p->k, panel);
}

/* Rows of x that a task packs at once: a multiple of mr that fits the workplace. */
static size_t block_rows(const struct dev *d, const struct product *p, size_t rows)
{
    size_t mr = (size_t)p->kern->mr;
    size_t most = CPU_PACK_FLOATS * sizeof(float) / kern_a_bytes(p->kern, p->k) * mr;
    if (most > BLOCK_ROWS_MAX / mr * mr)
        most = BLOCK_ROWS_MAX / mr * mr;
    most = most < mr ? mr : most;
    /* even blocks, and as many for each thread */
    size_t blocks = (rows + most - 1) / most, threads = (size_t)d->threads;
    if (blocks > threads)
        blocks = (blocks + threads - 1) / threads * threads;
    size_t each = (rows + blocks - 1) / blocks;
    return (each + mr - 1) / mr * mr;
}

static void block_pack(const struct product *p, const float *x, size_t ldx, size_t rows, char *dst)
{
    const size_t mr = (size_t)p->kern->mr, bytes = kern_a_bytes(p->kern, p->k);
    for (size_t r = 0; r < rows; r += mr, dst += bytes) {
        size_t n = rows - r < mr ? rows - r : mr;
        if (n < mr)
            memset(dst, 0, bytes);
        p->kern->pack(x + r * ldx, ldx, (int)n, p->k, dst);
    }
}

/* y [rows, ldy] from packed rows, panels [from, to) of p. */
static void block_multiply(const struct product *p, const char *packed, size_t rows, int from, int to,
                           const struct kern_out *out, float *y, size_t ldy)
{
    const size_t mr = (size_t)p->kern->mr, a_bytes = kern_a_bytes(p->kern, p->k);
    const size_t b_bytes = kern_b_bytes(p->kern, p->k);
    for (int panel = from; panel < to; panel++) {
        int col = panel * p->kern->nr, cols = p->n - col < p->kern->nr ? p->n - col : p->kern->nr;
        const char *w = p->w + (size_t)panel * b_bytes, *a = packed;
        struct kern_out o = *out;
        o.bias = p->bias + col;
        o.gate = out->gate ? out->gate + col : NULL;
        for (size_t r = 0; r < rows; r += mr, a += a_bytes)
            p->kern->gemm(a, w, p->k, &o, (int)(rows - r < mr ? rows - r : mr), cols, y + r * ldy + col, ldy);
    }
}

/* -------- linear -------- */

struct fill {
    const struct dev *dev;
    const struct dev_matrix *parts;
    int part_count;
    const struct product *p;
};

static void fill_panel(void *user, size_t index, int thread)
{
    (void)thread;
    const struct fill *f = user;
    int nr = f->p->kern->nr, from = (int)index * nr, to = from + nr, at = 0;
    for (int i = 0; i < f->part_count; at += f->parts[i++].n) {
        /* the panel's columns that are rows of this matrix */
        int a = from > at ? from : at, b = to < at + f->parts[i].n ? to : at + f->parts[i].n;
        if (a < b)
            product_pack(f->dev, f->p, f->parts[i].w + (size_t)(a - at) * f->p->k, a - from, b - a,
                         product_panel(f->p, (int)index));
    }
}

static const char *const precision_names[] = {"f32", "bf16", "int8"};

int dev_supports(const struct dev *d, enum dev_precision p)
{
    return kern_pays(&d->kern, (enum kern_precision)p);
}

void dev_layout(const struct dev *d, enum dev_precision p, char out[DEV_LAYOUT_TEXT])
{
    const struct kern_product *k = &d->kern.product[p];
    if (!dev_supports(d, p))
        snprintf(out, DEV_LAYOUT_TEXT, "no %s", precision_names[p]);
    else if (p == DEV_F32)
        snprintf(out, DEV_LAYOUT_TEXT, "f32 panels of %d", k->nr);
    else
        snprintf(out, DEV_LAYOUT_TEXT, "%s panels of %d by %d%s", precision_names[p], k->nr, k->group,
                 k->offset ? " for unsigned rows" : "");
}

static int check_precision(const struct dev *d, enum dev_precision p, struct error *err)
{
    return dev_supports(d, p)
               ? 0
               : error_set(err, E_UNSUPPORTED, "this CPU has no kernels for %s", precision_names[p]);
}

static int check_sizes(long long n, int k, struct error *err)
{
    if (n < 1 || n > DEV_COLS_MAX || k < 1 || k > DEV_COLS_MAX)
        return error_set(err, E_LIMIT, "a linear layer of %d inputs and %lld outputs is outside 1 to %d", k, n,
                         DEV_COLS_MAX);
    return 0;
}

int dev_linear_map(struct dev *d, int n, int k, enum dev_precision p, const void *bytes, size_t len,
                   struct dev_linear **ret, struct error *err)
{
    int rc = check_precision(d, p, err);
    if (rc || (rc = check_sizes(n, k, err)))
        return rc;
    const struct kern_product *kern = &d->kern.product[p];
    const size_t expected = product_bytes(kern, n, (size_t)k);
    if (len != expected || (uintptr_t)bytes % CPU_ALIGN)
        return error_set(err, E_FORMAT, "a linear layer of %d inputs and %d outputs in %zu bytes, expected %zu", k,
                         n, len, expected);
    struct dev_linear *w = calloc(1, sizeof *w);
    if (!w)
        return error_nomem(err);
    if ((rc = product_init(&w->p, d, kern, n, (size_t)k, bytes, err))) {
        dev_linear_free(d, w);
        return rc;
    }
    w->bytes = len;
    *ret = w;
    return 0;
}

const void *dev_linear_bytes(const struct dev_linear *w, size_t *ret_len)
{
    *ret_len = w->bytes;
    return w->p.w;
}

int dev_linear_create(struct dev *d, const struct dev_matrix *parts, int part_count, int k,
                      enum dev_precision p, struct dev_linear **ret, struct error *err)
{
    long long n = 0;
    for (int i = 0; i < part_count; i++) {
        if (parts[i].n < 1)
            return error_set(err, E_ARG, "a linear layer needs at least one output, not %d", parts[i].n);
        n += parts[i].n;
    }
    int rc = check_sizes(n, k, err);
    if (rc || (rc = check_precision(d, p, err)))
        return rc;

    struct dev_linear *w = calloc(1, sizeof *w);
    if (!w)
        return error_nomem(err);
    const struct kern_product *kern = &d->kern.product[p];
    rc = product_init(&w->p, d, kern, (int)n, (size_t)k, NULL, err);
    if (rc) {
        dev_linear_free(d, w);
        return rc;
    }
    w->bytes = product_bytes(kern, (int)n, (size_t)k);
    float *bias = product_bias(&w->p);
    for (int i = 0; i < part_count; bias += parts[i++].n) {
        if (parts[i].b)
            memcpy(bias, parts[i].b, (size_t)parts[i].n * sizeof *bias);
        else
            memset(bias, 0, (size_t)parts[i].n * sizeof *bias);
    }
    struct fill f = {d, parts, part_count, &w->p};
    pool_run(d->pool, (size_t)product_panels(&w->p), fill_panel, &f);
    *ret = w;
    return 0;
}

void dev_linear_free(struct dev *d, struct dev_linear *w)
{
    (void)d;
    if (!w)
        return;
    product_release(&w->p);
    free(w);
}

struct linear_op {
    struct dev *dev;
    const struct product *p;
    const float *x;
    float *y;
    size_t rows, block; /* rows in all, and a task */
    int panels, split;  /* panels in all, and a task */
    struct kern_out out;
};

static void linear_task(void *user, size_t index, int thread)
{
    const struct linear_op *o = user;
    size_t across = (size_t)((o->panels + o->split - 1) / o->split);
    size_t row = index / across * o->block;
    size_t rows = o->rows - row < o->block ? o->rows - row : o->block;
    int from = (int)(index % across) * o->split;
    int to = from + o->split < o->panels ? from + o->split : o->panels;
    char *packed = (char *)cpu_scratch(o->dev, thread);
    block_pack(o->p, o->x + row * o->p->k, o->p->k, rows, packed);
    block_multiply(o->p, packed, rows, from, to, &o->out, o->y + row * (size_t)o->p->n, (size_t)o->p->n);
}

static void linear_run(struct dev *d, const struct product *p, const float *x, size_t rows,
                       struct kern_out out, float *y)
{
    if (rows == 0)
        return;
    int panels = product_panels(p);
    struct linear_op o = {.dev = d, .p = p, .x = x, .y = y, .rows = rows, .block = block_rows(d, p, rows),
                          .panels = panels, .split = panels, .out = out};
    /* With few rows there are fewer blocks than threads: split the columns as well. */
    size_t blocks = (rows + o.block - 1) / o.block, threads = (size_t)d->threads;
    if (blocks % threads && blocks < 4 * threads) {
        int across = (int)((4 * threads + blocks - 1) / blocks);
        o.split = (panels + across - 1) / across;
    }
    pool_run(d->pool, blocks * (size_t)((panels + o.split - 1) / o.split), linear_task, &o);
}

void dev_linear(struct dev *d, const struct dev_linear *w, const float *x, size_t rows, enum dev_act act,
                float *y)
{
    linear_run(d, &w->p, x, rows, (struct kern_out){.act = (enum kern_act)act}, y);
}

void dev_linear_add(struct dev *d, const struct dev_linear *w, const float *x, size_t rows, const float *gate,
                    float *y)
{
    linear_run(d, &w->p, x, rows, (struct kern_out){.add = 1, .gate = gate}, y);
}

/* -------- convolution -------- */

int dev_conv_create(struct dev *d, const float *w, const float *b, int out, int in, int groups, int kernel,
                    enum dev_precision p, struct dev_conv **ret, struct error *err)
{
    if (out < 1 || in < 1 || groups < 1 || out % groups || in % groups || kernel < 1 || kernel % 2 == 0)
        return error_set(err, E_ARG,
                         "a convolution of %d to %d channels in %d groups with kernel %d is not possible", in,
                         out, groups, kernel);
    long long k = (long long)(in / groups) * kernel;
    if (out > DEV_COLS_MAX || in > DEV_COLS_MAX || k > DEV_COLS_MAX)
        return error_set(err, E_LIMIT, "a convolution of %d to %d channels with kernel %d is over %d", in, out,
                         kernel, DEV_COLS_MAX);

    if (p == DEV_INT8) /* the same number would be rounded by another scale in each row that it is part of */
        return error_set(err, E_ARG, "a convolution is computed at f32 or bf16, not at int8");
    int rc = check_precision(d, p, err);
    if (rc)
        return rc;
    const struct kern_product *kern = &d->kern.product[p];
    int nr = kern->nr, cin = in / groups, cout = out / groups;
    float *rows = cpu_alloc((size_t)nr * (size_t)k); /* [nr][kernel][cin]: PyTorch's order is channels first */
    struct dev_conv *c = calloc(1, sizeof *c);
    if (c)
        c->group = calloc((size_t)groups, sizeof *c->group);
    if (!rows || !c || !c->group) {
        rc = error_nomem(err);
        goto fail;
    }
    c->out = out;
    c->in = in;
    c->groups = groups;
    c->kernel = kernel;
    for (int g = 0; g < groups; g++) {
        struct product *group = &c->group[g];
        rc = product_init(group, d, kern, cout, (size_t)k, NULL, err);
        if (rc)
            goto fail;
        memcpy(product_bias(group), b + (size_t)g * (size_t)cout, (size_t)cout * sizeof *b);
        for (int o = 0; o < cout; o += nr) {
            int n = cout - o < nr ? cout - o : nr;
            for (int i = 0; i < n; i++) {
                const float *from = w + ((size_t)g * (size_t)cout + (size_t)(o + i)) * (size_t)k;
                for (int t = 0; t < kernel; t++)
                    for (int ch = 0; ch < cin; ch++)
                        rows[(size_t)i * (size_t)k + (size_t)(t * cin + ch)] = from[ch * kernel + t];
            }
            product_pack(d, group, rows, 0, n, product_panel(group, o / nr));
        }
    }
    free(rows);
    *ret = c;
    return 0;
fail:
    free(rows);
    dev_conv_free(d, c);
    return rc;
}

void dev_conv_free(struct dev *d, struct dev_conv *c)
{
    (void)d;
    if (!c)
        return;
    for (int g = 0; c->group && g < c->groups; g++)
        product_release(&c->group[g]);
    free(c->group);
    free(c);
}

size_t dev_conv_scratch(const struct dev_conv *c, struct seqs seqs)
{
    return ((size_t)seqs.start[seqs.n] + (size_t)seqs.n * (size_t)(c->kernel - 1)) * (size_t)c->in;
}

struct conv_op {
    struct dev *dev;
    const struct dev_conv *c;
    const float *x;
    float *padded, *y;
    size_t start, frames; /* of the sequence */
    size_t block, blocks;
    struct kern_out out;
};

/* Copies one group's channels of the sequence between zeros. */
static void conv_pad(void *user, size_t group, int thread)
{
    (void)thread;
    const struct conv_op *o = user;
    size_t in = (size_t)o->c->in, cin = in / (size_t)o->c->groups, edge = (size_t)o->c->kernel / 2 * cin;
    float *dst = o->padded + group * (o->frames * cin + 2 * edge);
    const float *src = o->x + o->start * in + group * cin;
    memset(dst, 0, edge * sizeof *dst);
    dst += edge;
    for (size_t t = 0; t < o->frames; t++, dst += cin, src += in)
        memcpy(dst, src, cin * sizeof *dst);
    memset(dst, 0, edge * sizeof *dst);
}

static void conv_task(void *user, size_t index, int thread)
{
    const struct conv_op *o = user;
    size_t group = index / o->blocks, row = index % o->blocks * o->block;
    size_t rows = o->frames - row < o->block ? o->frames - row : o->block;
    size_t cin = (size_t)(o->c->in / o->c->groups), cout = (size_t)(o->c->out / o->c->groups);
    const struct product *p = &o->c->group[group];
    const float *x = o->padded + group * (o->frames + (size_t)o->c->kernel - 1) * cin + row * cin;
    char *packed = (char *)cpu_scratch(o->dev, thread);
    block_pack(p, x, cin, rows, packed);
    block_multiply(p, packed, rows, 0, product_panels(p), &o->out,
                   o->y + (o->start + row) * (size_t)o->c->out + group * cout, (size_t)o->c->out);
}

void dev_conv(struct dev *d, const struct dev_conv *c, const float *x, struct seqs seqs, enum dev_act act,
              float *scratch, float *y)
{
    for (int s = 0; s < seqs.n; s++) {
        size_t start = (size_t)seqs.start[s], frames = (size_t)seqs.start[s + 1] - start;
        if (frames == 0)
            continue;
        struct conv_op o = {.dev = d, .c = c, .x = x, .y = y, .start = start, .frames = frames,
                            .padded = scratch + (start + (size_t)s * (size_t)(c->kernel - 1)) * (size_t)c->in,
                            .block = block_rows(d, &c->group[0], frames),
                            .out = {.act = (enum kern_act)act}};
        o.blocks = (frames + o.block - 1) / o.block;
        pool_run(d->pool, (size_t)c->groups, conv_pad, &o);
        pool_run(d->pool, (size_t)c->groups * o.blocks, conv_task, &o);
    }
}
