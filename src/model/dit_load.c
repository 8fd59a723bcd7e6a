/* From a checkpoint to a transformer, at the precision of its plan: into the device's memory, into a pack, or out of
 * one. load_all is the list of what there is for all three (weights.h). */
#include "model/dit_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void load_text_block(struct weights *w, const struct f5_arch *a, enum dev_precision p, int i,
                            struct text_block *b)
{
    const int64_t dim = a->text_dim, inner = a->text_inner;
    b->dw_w = weights_depthwise(w, a->text_dim, TEXT_KERNEL, "text_embed.text_blocks.%d.dwconv.weight", i);
    b->dw_b = weights_vector(w, 1, &dim, "text_embed.text_blocks.%d.dwconv.bias", i);
    b->norm_w = weights_vector(w, 1, &dim, "text_embed.text_blocks.%d.norm.weight", i);
    b->norm_b = weights_vector(w, 1, &dim, "text_embed.text_blocks.%d.norm.bias", i);
    b->up = weights_linear(w, (int)inner, (int)dim, p, "text_embed.text_blocks.%d.pwconv1", i);
    b->gamma = weights_vector(w, 3, (int64_t[]){1, 1, inner}, "text_embed.text_blocks.%d.grn.gamma", i);
    b->beta = weights_vector(w, 3, (int64_t[]){1, 1, inner}, "text_embed.text_blocks.%d.grn.beta", i);
    b->down = weights_linear(w, (int)dim, (int)inner, p, "text_embed.text_blocks.%d.pwconv2", i);
    weights_layer_done(w);
}

static void load_block(struct weights *w, const struct dit *m, int i, struct block *b)
{
    static const char *const names[] = {"to_q", "to_k", "to_v"};
    const struct f5_arch *a = &m->arch;
    const struct precision_plan *p = &m->plan;
    const int64_t head = DEV_HEAD_DIM;
    b->qkv = weights_joined(w, names, 3, a->dim, a->dim, precision_of(p, LAYER_QKV, i, a->depth),
                            "transformer_blocks.%d.attn.", i);
    weights_layer_done(w);
    if (a->qk_norm) {
        b->q_gain = weights_vector(w, 1, &head, "transformer_blocks.%d.attn.q_norm.weight", i);
        b->k_gain = weights_vector(w, 1, &head, "transformer_blocks.%d.attn.k_norm.weight", i);
    }
    b->out = weights_linear(w, a->dim, a->dim, precision_of(p, LAYER_OUT, i, a->depth),
                            "transformer_blocks.%d.attn.to_out.0", i);
    b->up = weights_linear(w, a->ff_inner, a->dim, precision_of(p, LAYER_UP, i, a->depth),
                           "transformer_blocks.%d.ff.ff.0.0", i);
    b->down = weights_linear(w, a->dim, a->ff_inner, precision_of(p, LAYER_DOWN, i, a->depth),
                             "transformer_blocks.%d.ff.ff.2", i);
    weights_layer_done(w);
}

/* The AdaLN matrices are read when a schedule is prepared, but must be there now. */
static void expect_modulation(struct weights *w, int layer, int64_t n, int64_t k)
{
    if (layer == FINAL_LAYER) {
        weights_expect(w, 2, (int64_t[]){n, k}, "norm_out.linear.weight");
        weights_expect(w, 1, &n, "norm_out.linear.bias");
    } else {
        weights_expect(w, 2, (int64_t[]){n, k}, "transformer_blocks.%d.attn_norm.linear.weight", layer);
        weights_expect(w, 1, &n, "transformer_blocks.%d.attn_norm.linear.bias", layer);
    }
}

static void load_rope(struct weights *w, struct dit *m)
{
    const int half = DEV_HEAD_DIM / 2;
    if (weights_has(w, "rotary_embed.inv_freq")) {
        weights_copy(w, half, m->inv_freq, "rotary_embed.inv_freq");
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
    const enum dev_precision text = precision_of(&m->plan, LAYER_TEXT, 0, 0); /* and the convolutions of positions */
    dit_load_time_mlp(m, w);
    m->text_table =
        weights_vector(w, 2, (int64_t[]){a->vocab + 1, a->text_dim}, "text_embed.text_embed.weight");
    for (int i = 0; i < a->conv_layers; i++)
        load_text_block(w, a, text, i, &m->text[i]);
    m->input = weights_linear(w, a->dim, 2 * a->mel + a->text_dim, DEV_F32, "input_embed.proj");
    for (int i = 0; i < 2; i++)
        m->pos[i] = weights_conv(w, a->dim, a->dim, ARCH_POS_GROUPS, ARCH_POS_KERNEL, text,
                                 "input_embed.conv_pos_embed.conv1d.%d", 2 * i);
    weights_layer_done(w);
    load_rope(w, m);
    for (int i = 0; i < a->depth; i++) {
        expect_modulation(w, i, 6 * a->dim, a->dim);
        load_block(w, m, i, &m->blocks[i]);
    }
    expect_modulation(w, FINAL_LAYER, 2 * a->dim, a->dim);
    m->output = weights_linear(w, a->mel, a->dim, DEV_F32, "proj_out");
    weights_finish(w, a->container, is_bookkeeping);
    dit_load_times(m, w);
    return w->rc;
}

/* Loads from a checkpoint or a pack; `ret` NULL: into a pack. */
static int load(struct dev *dev, const struct ckpt *ckpt, const struct f5_arch *arch,
                const struct precision_plan *plan, const struct packed *from, struct packed_writer *to,
                struct weights_progress progress, struct dit **ret, struct error *err)
{
    struct weights w = {0};
    struct dit *m = calloc(1, sizeof *m);
    if (!m)
        return error_nomem(err);
    m->arch = *arch;
    m->dev = dev;
    m->ckpt = ckpt;
    m->plan = *plan;
    m->text = calloc((size_t)arch->conv_layers + 1, sizeof *m->text);
    m->blocks = calloc((size_t)arch->depth, sizeof *m->blocks);
    int rc = m->text && m->blocks ? weights_init(&w, ckpt, dev, arch->prefix, err) : error_nomem(err);
    if (!rc) {
        w.from = from;
        w.to = to;
        w.progress = progress;
        w.total = arch_parameters(arch);
        rc = load_all(m, &w);
    }
    weights_release(&w);
    if (rc || !ret) {
        dit_free(m);
        return rc;
    }
    *ret = m;
    return 0;
}

int dit_create(struct dev *dev, const struct ckpt *ckpt, const struct f5_arch *arch, struct dit **ret,
               struct error *err)
{
    const struct precision_plan plan = {.base = DEV_F32};
    return load(dev, ckpt, arch, &plan, NULL, NULL, (struct weights_progress){0}, ret, err);
}

int dit_create_at(struct dev *dev, const struct ckpt *ckpt, const struct f5_arch *arch,
                  const struct precision_plan *plan, struct weights_progress progress, struct dit **ret,
                  struct error *err)
{
    return load(dev, ckpt, arch, plan, NULL, NULL, progress, ret, err);
}

int dit_open_packed(struct dev *dev, const struct ckpt *ckpt, const struct f5_arch *arch,
                    const struct precision_plan *plan, const struct packed *packed, struct dit **ret,
                    struct error *err)
{
    return load(dev, ckpt, arch, plan, packed, NULL, (struct weights_progress){0}, ret, err);
}

int dit_pack(struct dev *dev, const struct ckpt *ckpt, const struct f5_arch *arch, const struct precision_plan *plan,
             struct packed_writer *to, struct weights_progress progress, struct error *err)
{
    return load(dev, ckpt, arch, plan, NULL, to, progress, NULL, err);
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
