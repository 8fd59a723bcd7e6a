/* The network in the order of the paper. Workspaces are kept between calls and only grow. */
#include "model/dit_parts.h"

#include <stdio.h>
#include <stdlib.h>

#define NORM_EPS 1e-6f

/* -------- taps -------- */

int tap_device(const struct tap *tap, struct dev *dev, const char *name, int ndim, const int64_t *dims, const float *x,
               struct error *err)
{
    if (!tap)
        return 0;
    size_t count = 1;
    for (int i = 0; i < ndim; i++)
        count *= (size_t)dims[i];
    float *host = malloc(sizeof *host * count);
    if (!host)
        return error_nomem(err);
    int rc = dev_download(dev, host, x, count, err);
    if (!rc)
        rc = tap->fn(tap->user, name, ndim, dims, host, err);
    free(host);
    return rc;
}

int dit_tap_time(struct dit *m, int step, const struct tap *tap, struct error *err)
{
    const int64_t dim = m->arch.dim;
    return tap_device(tap, m->dev, "time_embed_step0", 1, &dim, m->time_embed + step * dim, err);
}

/* -------- running -------- */

static int workspace_reserve(struct dit *m, size_t count, struct error *err)
{
    if (count <= m->work.count)
        return 0;
    float *mem = NULL;
    dev_free(m->dev, m->work.mem);
    m->work = (struct workspace){0};
    int rc = dev_alloc(m->dev, count, &mem, err);
    if (!rc)
        m->work = (struct workspace){mem, count};
    return rc;
}

/* Zeroes the rows that hold no token (v1's text mask). */
static void mask_fillers(struct dit *m, const struct dit_text *texts, struct seqs seqs, float *x)
{
    const size_t dim = (size_t)m->arch.text_dim;
    for (int s = 0; s < seqs.n; s++) {
        size_t frames = (size_t)(seqs.start[s + 1] - seqs.start[s]);
        size_t tokens = texts[s].count < frames ? texts[s].count : frames;
        dev_zero(m->dev, x + ((size_t)seqs.start[s] + tokens) * dim, (frames - tokens) * dim);
    }
}

int dit_embed_text(struct dit *m, const struct dit_text *texts, struct seqs seqs, float *embed, struct error *err)
{
    const struct f5_arch *a = &m->arch;
    const size_t rows = (size_t)seqs.start[seqs.n], dim = (size_t)a->text_dim, inner = (size_t)a->text_inner;
    int rc = workspace_reserve(m, rows * (dim + inner), err);
    if (rc)
        return rc;
    float *normed = m->work.mem, *hidden = normed + rows * dim; /* [rows, dim], [rows, inner] */

    for (int s = 0; s < seqs.n; s++) {
        size_t frames = (size_t)(seqs.start[s + 1] - seqs.start[s]);
        int32_t *ids = calloc(frames ? frames : 1, sizeof *ids); /* 0 is the filler */
        if (!ids)
            return error_nomem(err);
        for (size_t i = 0; !texts[s].drop && i < frames && i < texts[s].count; i++)
            ids[i] = texts[s].ids[i] + 1;
        dev_text_embed(m->dev, m->text_table, ids, frames, a->text_dim, a->conv_layers > 0,
                       embed + (size_t)seqs.start[s] * dim);
        free(ids);
    }
    const int masks = a->text_mask_padding && a->conv_layers > 0;
    if (masks)
        mask_fillers(m, texts, seqs, embed);
    for (int i = 0; i < a->conv_layers; i++) {
        const struct text_block *b = &m->text[i];
        dev_dwconv(m->dev, b->dw_w, b->dw_b, TEXT_KERNEL, embed, seqs, a->text_dim, normed);
        dev_norm(m->dev, normed, rows, a->text_dim, NORM_EPS, b->norm_w, b->norm_b, normed);
        dev_linear(m->dev, b->up, normed, rows, DEV_ACT_GELU_ERF, hidden);
        dev_grn(m->dev, hidden, seqs, a->text_inner, b->gamma, b->beta);
        dev_linear_add(m->dev, b->down, hidden, rows, NULL, embed);
        if (masks)
            mask_fillers(m, texts, seqs, embed);
    }
    profile_mark(m->profile, PROFILE_TEXT, 2 * a->conv_layers * ops_linear(rows, a->text_dim, a->text_inner));
    return 0;
}

/* x += gate * attention(norm(x)), then x += gate * feed_forward(norm(x)). `wide` holds q, k, v or the hidden
 * layer, `normed` the norm's or the attention's output. */
static void run_block(struct dit *m, const struct block *b, const float *mod, struct seqs seqs, float *x, float *normed,
                      float *wide)
{
    const size_t rows = (size_t)seqs.start[seqs.n];
    const int dim = m->arch.dim;
    const float *shift1 = mod, *scale1 = mod + dim, *gate1 = mod + 2 * dim;
    const float *shift2 = mod + 3 * dim, *scale2 = mod + 4 * dim, *gate2 = mod + 5 * dim;
    struct profile *p = m->profile;

    dev_norm(m->dev, x, rows, dim, NORM_EPS, scale1, shift1, normed);
    dev_linear(m->dev, b->qkv, normed, rows, DEV_ACT_NONE, wide);
    dev_qk_rope(m->dev, wide, seqs, m->arch.heads, m->arch.rope_heads, m->inv_freq, b->q_gain, b->k_gain);
    profile_mark(p, PROFILE_QKV, ops_linear(rows, dim, 3 * dim));
    dev_attention(m->dev, wide, seqs, m->arch.heads, m->plan.base, normed);
    profile_mark(p, PROFILE_ATTENTION, ops_attention(seqs.start, seqs.n, m->arch.heads));
    dev_linear_add(m->dev, b->out, normed, rows, gate1, x);
    profile_mark(p, PROFILE_OUT, ops_linear(rows, dim, dim));

    dev_norm(m->dev, x, rows, dim, NORM_EPS, scale2, shift2, normed);
    dev_linear(m->dev, b->up, normed, rows, DEV_ACT_GELU_TANH, wide);
    dev_linear_add(m->dev, b->down, wide, rows, gate2, x);
    profile_mark(p, PROFILE_FF, 2 * ops_linear(rows, dim, m->arch.ff_inner));
}

int dit_velocity(struct dit *m, const float *input, struct seqs seqs, int step, float *velocity, const struct tap *tap,
                 struct error *err)
{
    const struct f5_arch *a = &m->arch;
    const size_t rows = (size_t)seqs.start[seqs.n], dim = (size_t)a->dim, nfe = (size_t)m->nfe;
    const size_t wide_cols = a->ff_inner > 3 * a->dim ? (size_t)a->ff_inner : 3 * dim;
    const size_t conv = dev_conv_scratch(m->pos[0], seqs), conv_count = conv + rows * dim;
    const size_t wide_count = rows * wide_cols > conv_count ? rows * wide_cols : conv_count;
    const int64_t branch[] = {seqs.n, seqs.start[1], a->dim};
    char name[32];
    int rc = workspace_reserve(m, 2 * rows * dim + wide_count, err);
    if (rc)
        return rc;
    float *x = m->work.mem, *normed = x + rows * dim, *wide = normed + rows * dim;

    float *second = wide + conv; /* [rows, dim], behind the convolution's scratch */
    dev_linear(m->dev, m->input, input, rows, DEV_ACT_NONE, x);
    dev_conv(m->dev, m->pos[0], x, seqs, DEV_ACT_MISH, wide, normed);
    dev_conv(m->dev, m->pos[1], normed, seqs, DEV_ACT_MISH, wide, second);
    dev_add(m->dev, x, second, rows * dim);
    profile_mark(m->profile, PROFILE_INPUT,
                 ops_linear(rows, 2 * a->mel + a->text_dim, a->dim) +
                     2 * ops_linear(rows, a->dim / ARCH_POS_GROUPS * ARCH_POS_KERNEL, a->dim));
    if ((rc = tap_device(tap, m->dev, "input_embed_cond_step0", 2, branch + 1, x, err)))
        return rc;

    for (int i = 0; i < a->depth; i++) {
        run_block(m, &m->blocks[i], m->block_mod + ((size_t)i * nfe + (size_t)step) * 6 * dim, seqs, x, normed, wide);
        snprintf(name, sizeof name, "block%d_step0", i);
        if ((rc = tap_device(tap, m->dev, name, 3, branch, x, err)))
            return rc;
    }
    const float *final = m->final_mod + (size_t)step * 2 * dim;
    dev_norm(m->dev, x, rows, a->dim, NORM_EPS, final, final + dim, normed);
    dev_linear(m->dev, m->output, normed, rows, DEV_ACT_NONE, velocity);
    profile_mark(m->profile, PROFILE_OUT, ops_linear(rows, a->dim, a->mel));
    return 0;
}
