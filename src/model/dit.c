/* See dit.h. Loading is a list of what the model has; running is the network in the order of the paper.
 * Workspaces are kept between calls and only grow. */
#include "model/dit.h"

#include "model/schedule.h"
#include "model/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NORM_EPS 1e-6f
#define TEXT_KERNEL 7

struct text_block {
    float *dw_w, *dw_b;       /* device [7, text_dim], [text_dim] */
    float *norm_w, *norm_b;   /* device [text_dim] */
    struct dev_linear *up;    /* text_dim -> text_inner */
    float *gamma, *beta;      /* device [text_inner], response normalisation */
    struct dev_linear *down;  /* text_inner -> text_dim */
};

struct block {
    struct dev_linear *qkv, *out, *up, *down;
    float *q_gain, *k_gain; /* device [64], or NULL */
};

struct workspace {
    float *mem; /* device */
    size_t count;
};

struct dit {
    struct f5_arch arch;
    struct dev *dev;
    const struct ckpt *ckpt;
    struct dev_linear *time_up, *time_down;
    float *text_table; /* device [vocab + 1, text_dim] */
    struct text_block *text;
    struct dev_linear *input;
    struct dev_conv *pos[2];
    struct block *blocks;
    struct dev_linear *output;
    float inv_freq[DEV_HEAD_DIM / 2];

    /* the schedule the tables below are for */
    float times[SCHEDULE_MAX_NFE];
    int nfe;
    float *time_embed; /* device [nfe, dim] */
    float *block_mod;  /* device [depth][nfe, 6 dim]: shift, 1 + scale, gate; shift, 1 + scale, gate */
    float *final_mod;  /* device [nfe, 2 dim]: 1 + scale, shift */

    struct workspace work;
    struct profile *profile; /* borrowed, or NULL */
};

/* -------- loading -------- */

static void load_text_block(struct weights *w, const struct f5_arch *a, int i, struct text_block *b)
{
    const int64_t dim = a->text_dim, inner = a->text_inner;
    b->dw_w = weights_depthwise(w, a->text_dim, TEXT_KERNEL, "text_embed.text_blocks.%d.dwconv.weight", i);
    b->dw_b = weights_vector(w, 1, &dim, "text_embed.text_blocks.%d.dwconv.bias", i);
    b->norm_w = weights_vector(w, 1, &dim, "text_embed.text_blocks.%d.norm.weight", i);
    b->norm_b = weights_vector(w, 1, &dim, "text_embed.text_blocks.%d.norm.bias", i);
    b->up = weights_linear(w, (int)inner, (int)dim, "text_embed.text_blocks.%d.pwconv1", i);
    b->gamma = weights_vector(w, 3, (int64_t[]){1, 1, inner}, "text_embed.text_blocks.%d.grn.gamma", i);
    b->beta = weights_vector(w, 3, (int64_t[]){1, 1, inner}, "text_embed.text_blocks.%d.grn.beta", i);
    b->down = weights_linear(w, (int)dim, (int)inner, "text_embed.text_blocks.%d.pwconv2", i);
    weights_drop_scratch(w);
}

static struct dev_conv *load_pos_conv(struct weights *w, int dim, int i)
{
    const float *kernel = weights_host(w, 3, (int64_t[]){dim, dim / ARCH_POS_GROUPS, ARCH_POS_KERNEL},
                                       "input_embed.conv_pos_embed.conv1d.%d.weight", i);
    const float *bias = weights_host(w, 1, (int64_t[]){dim}, "input_embed.conv_pos_embed.conv1d.%d.bias", i);
    struct dev_conv *c = NULL;
    if (!w->rc)
        w->rc = dev_conv_create(w->dev, kernel, bias, dim, dim, ARCH_POS_GROUPS, ARCH_POS_KERNEL, &c, w->err);
    weights_drop_scratch(w);
    return c;
}

static void load_block(struct weights *w, const struct f5_arch *a, int i, struct block *b)
{
    static const char *const names[] = {"to_q", "to_k", "to_v"};
    const int64_t dim = a->dim, head = DEV_HEAD_DIM;
    struct dev_matrix qkv[3];
    for (int j = 0; j < 3; j++) {
        qkv[j].n = a->dim;
        qkv[j].w = weights_host(w, 2, (int64_t[]){dim, dim}, "transformer_blocks.%d.attn.%s.weight", i, names[j]);
        qkv[j].b = weights_host(w, 1, &dim, "transformer_blocks.%d.attn.%s.bias", i, names[j]);
    }
    if (!w->rc)
        w->rc = dev_linear_create(w->dev, qkv, 3, a->dim, DEV_F32, &b->qkv, w->err);
    weights_drop_scratch(w);
    if (a->qk_norm) {
        b->q_gain = weights_vector(w, 1, &head, "transformer_blocks.%d.attn.q_norm.weight", i);
        b->k_gain = weights_vector(w, 1, &head, "transformer_blocks.%d.attn.k_norm.weight", i);
    }
    b->out = weights_linear(w, a->dim, a->dim, "transformer_blocks.%d.attn.to_out.0", i);
    b->up = weights_linear(w, a->ff_inner, a->dim, "transformer_blocks.%d.ff.ff.0.0", i);
    b->down = weights_linear(w, a->dim, a->ff_inner, "transformer_blocks.%d.ff.ff.2", i);
    weights_drop_scratch(w);
}

#define FINAL_LAYER (-1)

/* The matrix behind one block's AdaLN layer, or the final one: checked when the model is loaded, read from the file
 * again at every new schedule. */
static void load_modulation(struct weights *w, int layer, int n, int k, struct dev_matrix *ret)
{
    char stem[64] = "norm_out";
    if (layer != FINAL_LAYER)
        snprintf(stem, sizeof stem, "transformer_blocks.%d.attn_norm", layer);
    *ret = (struct dev_matrix){.n = n};
    ret->w = weights_host(w, 2, (int64_t[]){n, k}, "%s.linear.weight", stem);
    ret->b = weights_host(w, 1, (int64_t[]){n}, "%s.linear.bias", stem);
}

static void load_rope(struct weights *w, struct dit *m)
{
    const int64_t half = DEV_HEAD_DIM / 2;
    if (weights_has(w, "rotary_embed.inv_freq")) {
        const float *f = weights_host(w, 1, &half, "rotary_embed.inv_freq");
        if (f)
            memcpy(m->inv_freq, f, sizeof m->inv_freq);
        return;
    }
    for (int i = 0; i < half; i++)
        m->inv_freq[i] = 1.0f / powf(10000.0f, (float)(2 * i) / DEV_HEAD_DIM);
}

/* What training leaves in a checkpoint beside the transformer: the average's counters and, in older files, the mel
 * front end's buffers. */
static int is_bookkeeping(const char *name)
{
    return strcmp(name, "initted") == 0 || strcmp(name, "step") == 0 || strncmp(name, "mel_spec.", 9) == 0 ||
           strstr(name, ".mel_spec.") != NULL;
}

static int load_all(struct dit *m, struct weights *w)
{
    const struct f5_arch *a = &m->arch;
    struct dev_matrix unused;
    m->time_up = weights_linear(w, a->dim, ARCH_TIME_FREQS, "time_embed.time_mlp.0");
    m->time_down = weights_linear(w, a->dim, a->dim, "time_embed.time_mlp.2");
    m->text_table =
        weights_vector(w, 2, (int64_t[]){a->vocab + 1, a->text_dim}, "text_embed.text_embed.weight");
    for (int i = 0; i < a->conv_layers; i++)
        load_text_block(w, a, i, &m->text[i]);
    m->input = weights_linear(w, a->dim, 2 * a->mel + a->text_dim, "input_embed.proj");
    m->pos[0] = load_pos_conv(w, a->dim, 0);
    m->pos[1] = load_pos_conv(w, a->dim, 2);
    load_rope(w, m);
    for (int i = 0; i < a->depth; i++) {
        load_modulation(w, i, 6 * a->dim, a->dim, &unused);
        weights_drop_scratch(w);
        load_block(w, a, i, &m->blocks[i]);
    }
    load_modulation(w, FINAL_LAYER, 2 * a->dim, a->dim, &unused);
    m->output = weights_linear(w, a->mel, a->dim, "proj_out");
    return weights_finish(w, a->container, is_bookkeeping);
}

int dit_create(struct dev *dev, const struct ckpt *ckpt, const struct f5_arch *arch, struct dit **ret,
               struct error *err)
{
    struct weights w = {0};
    struct dit *m = calloc(1, sizeof *m);
    if (!m)
        return error_nomem(err);
    m->arch = *arch;
    m->dev = dev;
    m->ckpt = ckpt;
    m->text = calloc((size_t)arch->conv_layers + 1, sizeof *m->text);
    m->blocks = calloc((size_t)arch->depth, sizeof *m->blocks);
    int rc = m->text && m->blocks ? weights_init(&w, ckpt, dev, arch->prefix, err) : error_nomem(err);
    if (!rc)
        rc = load_all(m, &w);
    weights_release(&w);
    if (rc) {
        dit_free(m);
        return rc;
    }
    *ret = m;
    return 0;
}

void dit_free(struct dit *m)
{
    if (!m)
        return;
    struct dev *d = m->dev;
    dev_linear_free(d, m->time_up);
    dev_linear_free(d, m->time_down);
    dev_free(d, m->text_table);
    for (int i = 0; m->text && i < m->arch.conv_layers; i++) {
        struct text_block *b = &m->text[i];
        dev_free(d, b->dw_w);
        dev_free(d, b->dw_b);
        dev_free(d, b->norm_w);
        dev_free(d, b->norm_b);
        dev_linear_free(d, b->up);
        dev_free(d, b->gamma);
        dev_free(d, b->beta);
        dev_linear_free(d, b->down);
    }
    dev_linear_free(d, m->input);
    dev_conv_free(d, m->pos[0]);
    dev_conv_free(d, m->pos[1]);
    for (int i = 0; m->blocks && i < m->arch.depth; i++) {
        struct block *b = &m->blocks[i];
        dev_linear_free(d, b->qkv);
        dev_linear_free(d, b->out);
        dev_linear_free(d, b->up);
        dev_linear_free(d, b->down);
        dev_free(d, b->q_gain);
        dev_free(d, b->k_gain);
    }
    dev_linear_free(d, m->output);
    dev_free(d, m->time_embed);
    dev_free(d, m->block_mod);
    dev_free(d, m->final_mod);
    dev_free(d, m->work.mem);
    free(m->text);
    free(m->blocks);
    free(m);
}

const struct f5_arch *dit_arch(const struct dit *m)
{
    return &m->arch;
}

struct dev *dit_dev(const struct dit *m)
{
    return m->dev;
}

void dit_set_profile(struct dit *m, struct profile *p)
{
    m->profile = p;
}

struct profile *dit_profile(const struct dit *m)
{
    return m->profile;
}

/* -------- time -------- */

/* out[rows, n] = silu(time_embed) W^T + b, with 1 added to the scales among the n outputs so that the norms
 * can use them as they are. The packed matrix lives only for this call. */
static int modulation_rows(struct dit *m, struct weights *w, const struct dev_matrix *from, const int *scale_chunks,
                           int scale_count, const float *silu, int nfe, float *out)
{
    const int dim = m->arch.dim;
    if (w->rc)
        return w->rc;
    float *bias = arena_alloc(&w->scratch, sizeof *bias * (size_t)from->n);
    if (!bias)
        return w->rc = error_nomem(w->err);
    memcpy(bias, from->b, sizeof *bias * (size_t)from->n);
    for (int s = 0; s < scale_count; s++)
        for (int i = 0; i < dim; i++)
            bias[scale_chunks[s] * dim + i] += 1.0f;
    const struct dev_matrix part = {.w = from->w, .b = bias, .n = from->n};
    struct dev_linear *l = NULL;
    if ((w->rc = dev_linear_create(m->dev, &part, 1, dim, DEV_F32, &l, w->err)))
        return w->rc;
    dev_linear(m->dev, l, silu, (size_t)nfe, DEV_ACT_NONE, out);
    dev_linear_free(m->dev, l);
    weights_drop_scratch(w);
    return 0;
}

/* Sinusoidal features of the time, then the MLP: time_embed [nfe, dim] (TimestepEmbedding). */
static int embed_times(struct dit *m, const float *t, int nfe, float *time_embed, float *scratch, struct error *err)
{
    const int half = ARCH_TIME_FREQS / 2;
    const float rate = (float)-(log(10000.0) / (half - 1));
    float *features = malloc(sizeof *features * (size_t)nfe * ARCH_TIME_FREQS);
    if (!features)
        return error_nomem(err);
    for (int s = 0; s < nfe; s++)
        for (int i = 0; i < half; i++) {
            float angle = 1000.0f * t[s] * expf((float)i * rate);
            features[s * ARCH_TIME_FREQS + i] = sinf(angle);
            features[s * ARCH_TIME_FREQS + half + i] = cosf(angle);
        }
    float *hidden = scratch + (size_t)nfe * ARCH_TIME_FREQS;
    dev_upload(m->dev, scratch, features, (size_t)nfe * ARCH_TIME_FREQS);
    dev_linear(m->dev, m->time_up, scratch, (size_t)nfe, DEV_ACT_SILU, hidden);
    dev_linear(m->dev, m->time_down, hidden, (size_t)nfe, DEV_ACT_NONE, time_embed);
    free(features);
    return 0;
}

int dit_set_times(struct dit *m, const float *t, int nfe, struct error *err)
{
    static const int block_scales[] = {1, 4}, final_scales[] = {0};
    const size_t dim = (size_t)m->arch.dim, n = (size_t)nfe;
    if (nfe < 1 || nfe > SCHEDULE_MAX_NFE)
        return error_set(err, E_ARG, "%d evaluations asked for, expected 1 to %d", nfe, SCHEDULE_MAX_NFE);
    if (nfe == m->nfe && memcmp(t, m->times, sizeof *t * n) == 0)
        return 0;

    struct weights w = {0};
    float *time_embed = NULL, *block_mod = NULL, *final_mod = NULL, *scratch = NULL;
    int rc;
    if ((rc = dev_alloc(m->dev, n * dim, &time_embed, err)) ||
        (rc = dev_alloc(m->dev, n * dim * 6 * (size_t)m->arch.depth, &block_mod, err)) ||
        (rc = dev_alloc(m->dev, n * dim * 2, &final_mod, err)) ||
        (rc = dev_alloc(m->dev, n * (ARCH_TIME_FREQS + dim), &scratch, err)) ||
        (rc = embed_times(m, t, nfe, time_embed, scratch, err)) ||
        (rc = weights_init(&w, m->ckpt, m->dev, m->arch.prefix, err)))
        goto done;
    dev_copy_2d(m->dev, scratch, dim, time_embed, dim, n, dim);
    dev_act(m->dev, DEV_ACT_SILU, scratch, n * dim);
    struct dev_matrix from;
    for (int i = 0; i < m->arch.depth && !w.rc; i++) {
        load_modulation(&w, i, 6 * m->arch.dim, m->arch.dim, &from);
        modulation_rows(m, &w, &from, block_scales, 2, scratch, nfe, block_mod + (size_t)i * n * 6 * dim);
    }
    load_modulation(&w, FINAL_LAYER, 2 * m->arch.dim, m->arch.dim, &from);
    rc = modulation_rows(m, &w, &from, final_scales, 1, scratch, nfe, final_mod);
done:
    weights_release(&w);
    dev_free(m->dev, scratch);
    if (rc) {
        dev_free(m->dev, time_embed);
        dev_free(m->dev, block_mod);
        dev_free(m->dev, final_mod);
        return rc;
    }
    dev_free(m->dev, m->time_embed);
    dev_free(m->dev, m->block_mod);
    dev_free(m->dev, m->final_mod);
    m->time_embed = time_embed;
    m->block_mod = block_mod;
    m->final_mod = final_mod;
    m->nfe = nfe;
    memcpy(m->times, t, sizeof *t * n);
    profile_mark(m->profile, PROFILE_ADALN, ops_linear(n, m->arch.dim, (6 * m->arch.depth + 2) * m->arch.dim));
    return 0;
}

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
    dev_attention(m->dev, wide, seqs, m->arch.heads, DEV_F32, normed);
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
