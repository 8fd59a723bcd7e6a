/* See arch.h. Only shapes are read here; dit.c then asks for every tensor with its exact shape, so a
 * contradiction between two of them is found there. */
#include "model/arch.h"

#include "dev/dev.h"

#include <stdio.h>
#include <string.h>

/* Where the transformer's tensors may lie: the first that exists counts, averaged (EMA) weights first. */
static const struct {
    const char *prefix, *container;
} places[] = {
    {"ema_model_state_dict.ema_model.transformer.", "ema_model_state_dict."},
    {"ema_model_state_dict.transformer.", "ema_model_state_dict."},
    {"ema_model.transformer.", ""},
    {"model_state_dict.ema_model.transformer.", "model_state_dict."},
    {"model_state_dict.transformer.", "model_state_dict."},
    {"transformer.", ""},
    {"", ""},
};

static const struct ckpt_tensor *find(const struct ckpt *c, const char *prefix, const char *name)
{
    char full[CKPT_MAX_NAME];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    return ckpt_find(c, full);
}

/* The size of one dimension of a tensor that must exist and have ndim dimensions, within 1..max. */
static int dim_of(const struct ckpt *c, const char *prefix, const char *name, int ndim, int axis, int max,
                  int *ret, struct error *err)
{
    const struct ckpt_tensor *t = find(c, prefix, name);
    if (!t)
        return error_set(err, E_FORMAT, "%s: tensor %s%s is missing", c->path, prefix, name);
    char shape[CKPT_SHAPE_TEXT];
    ckpt_shape_text(t, shape);
    if (t->ndim != ndim)
        return error_set(err, E_FORMAT, "%s: tensor %s has shape %s, expected %d dimensions", c->path, t->name, shape,
                         ndim);
    if (t->shape[axis] < 1 || t->shape[axis] > max)
        return error_set(err, E_FORMAT, "%s: tensor %s has shape %s; dimension %d must be 1 to %d", c->path, t->name,
                         shape, axis, max);
    *ret = (int)t->shape[axis];
    return 0;
}

static int count_layers(const struct ckpt *c, const char *prefix, const char *fmt_head, const char *tail, int max)
{
    int n = 0;
    for (char name[128]; n <= max; n++) {
        snprintf(name, sizeof name, "%s%d.%s", fmt_head, n, tail);
        if (!find(c, prefix, name))
            break;
    }
    return n;
}

int arch_detect(const struct ckpt *c, struct f5_arch *ret, struct error *err)
{
    struct f5_arch a = {0};
    size_t i = 0;
    while (i < sizeof places / sizeof *places && !find(c, places[i].prefix, "transformer_blocks.0.attn.to_q.weight"))
        i++;
    if (i == sizeof places / sizeof *places)
        return error_set(err, E_FORMAT,
                         "%s holds no F5-TTS model: no tensor ends in transformer_blocks.0.attn.to_q.weight", c->path);
    a.prefix = places[i].prefix;
    a.container = places[i].container;

    int rc, rows = 0;
    if ((rc = dim_of(c, a.prefix, "transformer_blocks.0.attn.to_q.weight", 2, 1, ARCH_MAX_DIM, &a.dim, err)) ||
        (rc = dim_of(c, a.prefix, "transformer_blocks.0.ff.ff.0.0.weight", 2, 0, 4 * ARCH_MAX_DIM, &a.ff_inner, err)) ||
        (rc = dim_of(c, a.prefix, "text_embed.text_embed.weight", 2, 0, 1 << 22, &rows, err)) ||
        (rc = dim_of(c, a.prefix, "text_embed.text_embed.weight", 2, 1, ARCH_MAX_DIM, &a.text_dim, err)) ||
        (rc = dim_of(c, a.prefix, "proj_out.weight", 2, 0, ARCH_MAX_DIM, &a.mel, err)))
        return rc;
    if (a.dim % DEV_HEAD_DIM)
        return error_set(err, E_FORMAT, "%s: the model's width is %d, expected a multiple of %d", c->path, a.dim,
                         DEV_HEAD_DIM);
    if (rows < 2)
        return error_set(err, E_FORMAT, "%s: the text embedding has %d row, expected the filler and at least one token",
                         c->path, rows);
    a.heads = a.dim / DEV_HEAD_DIM;
    a.vocab = rows - 1;
    a.depth = count_layers(c, a.prefix, "transformer_blocks.", "attn.to_q.weight", ARCH_MAX_DEPTH);
    a.conv_layers = count_layers(c, a.prefix, "text_embed.text_blocks.", "dwconv.weight", ARCH_MAX_TEXT_BLOCKS);
    if (a.depth > ARCH_MAX_DEPTH || a.conv_layers > ARCH_MAX_TEXT_BLOCKS)
        return error_set(err, E_FORMAT, "%s: more than %d transformer blocks or %d text blocks", c->path,
                         ARCH_MAX_DEPTH, ARCH_MAX_TEXT_BLOCKS);
    if (a.conv_layers && a.text_dim % 2)
        return error_set(err, E_FORMAT, "%s: the text embedding is %d wide, expected an even number", c->path,
                         a.text_dim);
    if (a.conv_layers && (rc = dim_of(c, a.prefix, "text_embed.text_blocks.0.pwconv1.weight", 2, 0, 4 * ARCH_MAX_DIM,
                                      &a.text_inner, err)))
        return rc;
    a.qk_norm = find(c, a.prefix, "transformer_blocks.0.attn.q_norm.weight") != NULL;
    a.text_mask_padding = 1;
    a.rope_heads = a.heads;
    *ret = a;
    return 0;
}

uint64_t arch_parameters(const struct f5_arch *a)
{
    uint64_t d = (uint64_t)a->dim, t = (uint64_t)a->text_dim, u = (uint64_t)a->text_inner, ff = (uint64_t)a->ff_inner,
             mel = (uint64_t)a->mel, depth = (uint64_t)a->depth;
    uint64_t time = (ARCH_TIME_FREQS + 1) * d + (d + 1) * d;
    uint64_t text = ((uint64_t)a->vocab + 1) * t +
                    (uint64_t)a->conv_layers * (8 * t + 2 * t + (t + 1) * u + 2 * u + (u + 1) * t);
    uint64_t input = (2 * mel + t + 1) * d + 2 * (d / ARCH_POS_GROUPS * ARCH_POS_KERNEL + 1) * d;
    uint64_t block = (d + 1) * 6 * d + 4 * (d + 1) * d + (d + 1) * ff + (ff + 1) * d +
                     (a->qk_norm ? 2 * DEV_HEAD_DIM : 0);
    uint64_t out = (d + 1) * 2 * d + (d + 1) * mel;
    return time + text + input + depth * block + out;
}
