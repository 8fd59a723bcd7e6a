/* See vocos.h. */
#include "model/vocos.h"

#include "model/weights.h"

#include <stdlib.h>
#include <string.h>

#define NORM_EPS 1e-6f
#define KERNEL 7

struct vocos_block {
    float *dw_w, *dw_b; /* device [7, dim], [dim] */
    float *norm_w, *norm_b;
    struct dev_linear *up, *down;
    float *gamma; /* device [dim], layer scale */
};

struct vocos {
    struct vocos_config config;
    struct dev *dev;
    struct dev_conv *embed;
    float *norm_w, *norm_b, *final_w, *final_b;
    struct vocos_block *blocks;
    struct dev_linear *head;
    float *mem; /* device workspace, only grows */
    size_t count;
};

static void load_block(struct vocos *v, struct weights *w, int i, struct vocos_block *b)
{
    const int64_t dim = v->config.dim;
    const int inner = v->config.intermediate_dim;
    b->dw_w = weights_depthwise(w, v->config.dim, KERNEL, "backbone.convnext.%d.dwconv.weight", i);
    b->dw_b = weights_vector(w, 1, &dim, "backbone.convnext.%d.dwconv.bias", i);
    b->norm_w = weights_vector(w, 1, &dim, "backbone.convnext.%d.norm.weight", i);
    b->norm_b = weights_vector(w, 1, &dim, "backbone.convnext.%d.norm.bias", i);
    b->up = weights_linear(w, inner, (int)dim, DEV_F32, "backbone.convnext.%d.pwconv1", i);
    b->down = weights_linear(w, (int)dim, inner, DEV_F32, "backbone.convnext.%d.pwconv2", i);
    b->gamma = weights_vector(w, 1, &dim, "backbone.convnext.%d.gamma", i);
    weights_layer_done(w);
}

static int is_buffer(const char *name)
{
    return strncmp(name, "feature_extractor.", 18) == 0 || strcmp(name, "head.istft.window") == 0;
}

static int load_all(struct vocos *v, struct weights *w)
{
    const struct vocos_config *c = &v->config;
    const int64_t dim = c->dim;
    v->embed = weights_conv(w, c->dim, c->input_channels, 1, KERNEL, DEV_F32, "backbone.embed");
    v->norm_w = weights_vector(w, 1, &dim, "backbone.norm.weight");
    v->norm_b = weights_vector(w, 1, &dim, "backbone.norm.bias");
    for (int i = 0; i < c->num_layers; i++)
        load_block(v, w, i, &v->blocks[i]);
    v->final_w = weights_vector(w, 1, &dim, "backbone.final_layer_norm.weight");
    v->final_b = weights_vector(w, 1, &dim, "backbone.final_layer_norm.bias");
    v->head = weights_linear(w, c->n_fft + 2, c->dim, DEV_F32, "head.out");
    return weights_finish(w, "", is_buffer);
}

int vocos_create(struct dev *dev, const struct ckpt *ckpt, const struct vocos_config *config, struct vocos **ret,
                 struct error *err)
{
    if (config->dim < 1 || config->dim > VOCOS_MAX_DIM || config->intermediate_dim < 1 ||
        config->intermediate_dim > 4 * VOCOS_MAX_DIM || config->num_layers < 1 ||
        config->num_layers > VOCOS_MAX_LAYERS)
        return error_set(err, E_FORMAT, "a vocoder of width %d, inner width %d and %d layers; at most %d, %d and %d",
                         config->dim, config->intermediate_dim, config->num_layers, VOCOS_MAX_DIM, 4 * VOCOS_MAX_DIM,
                         VOCOS_MAX_LAYERS);
    struct weights w = {0};
    struct vocos *v = calloc(1, sizeof *v);
    if (!v)
        return error_nomem(err);
    v->config = *config;
    v->dev = dev;
    v->blocks = calloc((size_t)config->num_layers, sizeof *v->blocks);
    int rc = v->blocks ? weights_init(&w, ckpt, dev, "", err) : error_nomem(err);
    if (!rc)
        rc = load_all(v, &w);
    weights_release(&w);
    if (rc) {
        vocos_free(v);
        return rc;
    }
    *ret = v;
    return 0;
}

void vocos_free(struct vocos *v)
{
    if (!v)
        return;
    struct dev *d = v->dev;
    dev_conv_free(d, v->embed);
    dev_free(d, v->norm_w);
    dev_free(d, v->norm_b);
    for (int i = 0; v->blocks && i < v->config.num_layers; i++) {
        struct vocos_block *b = &v->blocks[i];
        dev_free(d, b->dw_w);
        dev_free(d, b->dw_b);
        dev_free(d, b->norm_w);
        dev_free(d, b->norm_b);
        dev_linear_free(d, b->up);
        dev_linear_free(d, b->down);
        dev_free(d, b->gamma);
    }
    dev_free(d, v->final_w);
    dev_free(d, v->final_b);
    dev_linear_free(d, v->head);
    dev_free(d, v->mem);
    free(v->blocks);
    free(v);
}

const struct vocos_config *vocos_config_of(const struct vocos *v)
{
    return &v->config;
}

double vocos_ops(const struct vocos *v, int frames)
{
    const struct vocos_config *c = &v->config;
    return ops_linear((size_t)frames, c->input_channels * KERNEL, c->dim) +
           2 * c->num_layers * ops_linear((size_t)frames, c->dim, c->intermediate_dim) +
           ops_linear((size_t)frames, c->dim, c->n_fft + 2);
}

int vocos_run(struct vocos *v, const float *mel, int frames, float *head, const struct tap *tap, struct error *err)
{
    const struct vocos_config *c = &v->config;
    const size_t rows = (size_t)frames, dim = (size_t)c->dim, inner = (size_t)c->intermediate_dim;
    const size_t in = rows * (size_t)c->input_channels, out = rows * (size_t)(c->n_fft + 2);
    const struct seqs seqs = {1, (const int[]){0, frames}};
    size_t wide = dev_conv_scratch(v->embed, seqs); /* one buffer for whatever is widest at the time */
    wide = wide > rows * inner ? wide : rows * inner;
    wide = wide > out ? wide : out;
    const size_t count = in + 2 * rows * dim + wide;
    int rc;
    if (count > v->count) {
        dev_free(v->dev, v->mem);
        v->mem = NULL;
        v->count = 0;
        if ((rc = dev_alloc(v->dev, count, &v->mem, err)))
            return rc;
        v->count = count;
    }
    float *input = v->mem, *x = input + in, *normed = x + rows * dim, *hidden = normed + rows * dim;

    dev_upload(v->dev, input, mel, in);
    dev_conv(v->dev, v->embed, input, seqs, DEV_ACT_NONE, hidden, x);
    dev_norm(v->dev, x, rows, c->dim, NORM_EPS, v->norm_w, v->norm_b, x);
    for (int i = 0; i < c->num_layers; i++) {
        const struct vocos_block *b = &v->blocks[i];
        dev_dwconv(v->dev, b->dw_w, b->dw_b, KERNEL, x, seqs, c->dim, normed);
        dev_norm(v->dev, normed, rows, c->dim, NORM_EPS, b->norm_w, b->norm_b, normed);
        dev_linear(v->dev, b->up, normed, rows, DEV_ACT_GELU_ERF, hidden);
        dev_linear_add(v->dev, b->down, hidden, rows, b->gamma, x);
    }
    dev_norm(v->dev, x, rows, c->dim, NORM_EPS, v->final_w, v->final_b, x);
    if ((rc = tap_device(tap, v->dev, "vocoder_backbone", 2, (int64_t[]){frames, c->dim}, x, err)))
        return rc;
    dev_linear(v->dev, v->head, x, rows, DEV_ACT_NONE, hidden);
    return dev_download(v->dev, head, hidden, out, err);
}
