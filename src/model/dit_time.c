/* What depends on the time alone: its embedding, and the shifts, scales and gates of every norm, for each step of a
 * schedule. They come from 138 of the 336 million parameters, which stay in the checkpoint and are read through once a
 * schedule. A pack carries the tables of the usual schedule, so that a start need not read them. */
#include "model/dit_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void dit_load_time_mlp(struct dit *m, struct weights *w)
{
    m->time_up = weights_linear(w, m->arch.dim, ARCH_TIME_FREQS, DEV_F32, "time_embed.time_mlp.0");
    m->time_down = weights_linear(w, m->arch.dim, m->arch.dim, DEV_F32, "time_embed.time_mlp.2");
}

/* The matrix behind one block's AdaLN layer, or the final one: [6 dim, dim] or [2 dim, dim]. */
static void get_modulation(struct weights *w, int layer, int n, int k, struct dev_matrix *ret)
{
    char stem[64] = "norm_out";
    if (layer != FINAL_LAYER)
        snprintf(stem, sizeof stem, "transformer_blocks.%d.attn_norm", layer);
    *ret = (struct dev_matrix){.n = n};
    ret->w = weights_host(w, 2, (int64_t[]){n, k}, "%s.linear.weight", stem);
    ret->b = weights_host(w, 1, (int64_t[]){n}, "%s.linear.bias", stem);
}

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
    weights_layer_done(w);
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

struct tables {
    float *time_embed, *block_mod, *final_mod; /* as in struct dit */
};

static void take_tables(struct dit *m, const struct tables *tables, const float *t, int nfe)
{
    dev_free(m->dev, m->time_embed);
    dev_free(m->dev, m->block_mod);
    dev_free(m->dev, m->final_mod);
    m->time_embed = tables->time_embed;
    m->block_mod = tables->block_mod;
    m->final_mod = tables->final_mod;
    m->nfe = nfe;
    memcpy(m->times, t, sizeof *t * (size_t)nfe);
}

static void free_tables(struct dit *m, const struct tables *tables)
{
    dev_free(m->dev, tables->time_embed);
    dev_free(m->dev, tables->block_mod);
    dev_free(m->dev, tables->final_mod);
}

/* Computes them through `w`, which reads a checkpoint. */
static int prepare(struct dit *m, struct weights *w, const float *t, int nfe)
{
    static const int block_scales[] = {1, 4}, final_scales[] = {0};
    const size_t dim = (size_t)m->arch.dim, n = (size_t)nfe;
    struct tables x = {0};
    struct dev_matrix from;
    float *scratch = NULL;
    if (w->rc || (w->rc = dev_alloc(m->dev, n * dim, &x.time_embed, w->err)) ||
        (w->rc = dev_alloc(m->dev, n * dim * 6 * (size_t)m->arch.depth, &x.block_mod, w->err)) ||
        (w->rc = dev_alloc(m->dev, n * dim * 2, &x.final_mod, w->err)) ||
        (w->rc = dev_alloc(m->dev, n * (ARCH_TIME_FREQS + dim), &scratch, w->err)) ||
        (w->rc = embed_times(m, t, nfe, x.time_embed, scratch, w->err)))
        goto done;
    dev_copy_2d(m->dev, scratch, dim, x.time_embed, dim, n, dim);
    dev_act(m->dev, DEV_ACT_SILU, scratch, n * dim);
    for (int i = 0; i < m->arch.depth && !w->rc; i++) {
        get_modulation(w, i, 6 * m->arch.dim, m->arch.dim, &from);
        modulation_rows(m, w, &from, block_scales, 2, scratch, nfe, x.block_mod + (size_t)i * n * 6 * dim);
    }
    get_modulation(w, FINAL_LAYER, 2 * m->arch.dim, m->arch.dim, &from);
    modulation_rows(m, w, &from, final_scales, 1, scratch, nfe, x.final_mod);
done:
    dev_free(m->dev, scratch);
    if (w->rc)
        free_tables(m, &x);
    else
        take_tables(m, &x, t, nfe);
    return w->rc;
}

int dit_set_times(struct dit *m, const float *t, int nfe, struct error *err)
{
    struct weights w;
    if (nfe < 1 || nfe > SCHEDULE_MAX_NFE)
        return error_set(err, E_ARG, "%d evaluations asked for, expected 1 to %d", nfe, SCHEDULE_MAX_NFE);
    if (nfe == m->nfe && memcmp(t, m->times, sizeof *t * (size_t)nfe) == 0)
        return 0;
    int rc = weights_init(&w, m->ckpt, m->dev, m->arch.prefix, err);
    if (!rc)
        rc = prepare(m, &w, t, nfe);
    weights_release(&w);
    profile_mark(m->profile, PROFILE_ADALN,
                 ops_linear((size_t)nfe, m->arch.dim, (6 * m->arch.depth + 2) * m->arch.dim));
    return rc;
}

/* -------- the usual schedule in a pack -------- */

#define USUAL_NFE 7
#define USUAL_SWAY (-1.0f)

static void put_table(struct weights *w, const float *device, size_t count, const char *name)
{
    float *host = malloc(sizeof *host * count);
    if (!w->rc && !host)
        w->rc = error_nomem(w->err);
    if (!w->rc)
        w->rc = dev_download(w->dev, host, device, count, w->err);
    if (!w->rc)
        w->rc = packed_add(w->to, name, PACKED_FLOATS, DEV_F32, count, 1, host, sizeof *host * count, w->err);
    free(host);
}

void dit_load_times(struct dit *m, struct weights *w)
{
    const int64_t embed = USUAL_NFE * m->arch.dim, blocks = embed * 6 * m->arch.depth, final = embed * 2;
    float t[USUAL_NFE + 1];
    schedule_times(USUAL_NFE, USUAL_SWAY, t);
    if (w->from) {
        struct tables x = {weights_vector(w, 1, &embed, "schedule.time_embed"),
                           weights_vector(w, 1, &blocks, "schedule.blocks"),
                           weights_vector(w, 1, &final, "schedule.final")};
        if (w->rc)
            free_tables(m, &x);
        else
            take_tables(m, &x, t, USUAL_NFE);
    } else if (w->to && !w->rc) {
        struct weights here;
        w->rc = weights_init(&here, w->ckpt, w->dev, w->prefix, w->err);
        dit_load_time_mlp(m, &here);
        here.progress = w->progress;
        here.done = w->done; /* the two layers count once */
        here.total = w->total;
        if (!w->rc)
            w->rc = prepare(m, &here, t, USUAL_NFE);
        weights_release(&here);
        if (w->rc)
            return;
        put_table(w, m->time_embed, (size_t)embed, "schedule.time_embed");
        put_table(w, m->block_mod, (size_t)blocks, "schedule.blocks");
        put_table(w, m->final_mod, (size_t)final, "schedule.final");
    }
}
