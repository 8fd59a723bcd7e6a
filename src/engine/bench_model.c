/* See bench_model.h. A file's tensors are walked twice: once for the header, which needs only shapes, and once to draw
 * and write their values, a stretch at a time, so that memory stays small. */
#include "engine/bench_model.h"

#include "base/buf.h"
#include "base/file.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEL     100
#define HEAD    64
#define VOCAB   2545 /* lines of the published vocabulary */
#define N_FFT   1024
#define STRETCH 65536 /* floats drawn at once */

struct preset {
    const char *name;
    int dim, depth, ff, text_dim, text_blocks; /* SWivid/F5-TTS, src/f5_tts/configs */
    int vocos_dim, vocos_inner, vocos_layers;  /* charactr/vocos-mel-24khz */
};

static const struct preset presets[] = {
    {"v1-base", 1024, 22, 2048, 512, 4, 512, 1536, 8},
    {"v1-small", 768, 18, 1536, 512, 4, 512, 1536, 8},
    {"tiny", 128, 2, 256, 64, 1, 64, 128, 1},
};
#define PRESETS (sizeof presets / sizeof *presets)

static const struct preset *find_preset(const char *name)
{
    for (size_t i = 0; i < PRESETS; i++)
        if (strcmp(name, presets[i].name) == 0)
            return &presets[i];
    return NULL;
}

int bench_model_check(const char *preset, struct error *err)
{
    return find_preset(preset) ? 0
                               : error_set(err, E_ARG, "there is no preset \"%.40s\"; there are %s, %s and %s", preset,
                                           presets[0].name, presets[1].name, presets[2].name);
}

/* -------- one file -------- */

enum fill { FILL_DRAW, FILL_GAIN, FILL_ROPE }; /* around 0; around 1; rotary frequencies */

/* Errors stick: after the first one every call is a no-op. */
struct walk {
    const struct preset *preset;
    const char *prefix;
    int writing; /* 0: the header is put together */
    struct buf header;
    uint64_t offset, total; /* bytes of data */
    struct atomic_file file;
    const char *path;
    uint64_t state; /* of the generator */
    float *stretch; /* [STRETCH] */
    int (*progress)(void *user, int done, int total);
    void *user;
    int rc;
    struct error *err;
};

static uint64_t draw_bits(uint64_t *state) /* SplitMix64 (Steele, Lea, Flood 2014) */
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* Mean 0, deviation 1: the sum of four uniform numbers, near enough to normal. */
static float draw_number(uint64_t *state)
{
    const uint64_t b = draw_bits(state);
    const int sum = (int)(b & 0xFFFF) + (int)(b >> 16 & 0xFFFF) + (int)(b >> 32 & 0xFFFF) + (int)(b >> 48);
    return ((float)sum / 65536.0f - 2.0f) * 1.7320508f;
}

static void write_values(struct walk *w, uint64_t count, enum fill fill, float size)
{
    for (uint64_t from = 0; from < count && !w->rc; from += STRETCH) {
        const size_t n = count - from < STRETCH ? (size_t)(count - from) : STRETCH;
        for (size_t i = 0; i < n; i++)
            w->stretch[i] = fill == FILL_ROPE ? 1.0f / powf(10000.0f, (float)(2 * i) / HEAD)
                                              : (fill == FILL_GAIN ? 1.0f : 0.0f) + size * draw_number(&w->state);
        w->rc = fd_write_all(w->file.fd, w->stretch, n * sizeof *w->stretch, w->path, w->err);
        w->offset += n * sizeof *w->stretch;
        if (!w->rc && w->progress && w->progress(w->user, (int)(w->offset / 1000000), (int)(w->total / 1000000)))
            w->rc = error_set(w->err, E_CANCELLED, "cancelled while the random weights were written");
    }
}

__attribute__((format(printf, 6, 7))) static void tensor(struct walk *w, enum fill fill, float size, int ndim,
                                                         const int64_t *dims, const char *fmt, ...)
{
    char name[128];
    uint64_t count = 1;
    va_list ap;
    if (w->rc)
        return;
    for (int i = 0; i < ndim; i++)
        count *= (uint64_t)dims[i];
    if (w->writing) {
        write_values(w, count, fill, size);
        return;
    }
    va_start(ap, fmt);
    vsnprintf(name, sizeof name, fmt, ap);
    va_end(ap);
    int failed =
        buf_addf(&w->header, "%s\"%s%s\":{\"dtype\":\"F32\",\"shape\":[", w->offset ? "," : "{", w->prefix, name);
    for (int i = 0; i < ndim; i++)
        failed |= buf_addf(&w->header, "%s%lld", i ? "," : "", (long long)dims[i]);
    failed |= buf_addf(&w->header, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)w->offset,
                       (unsigned long long)(w->offset + 4 * count));
    w->offset += 4 * count;
    if (failed)
        w->rc = error_nomem(w->err);
}

/* NAME.weight [n, k, kernel...] and NAME.bias [n]; the deviation falls with the inputs of an output. */
static void weight(struct walk *w, int64_t n, int64_t k, int64_t kernel, const char *name)
{
    const float size = 0.5f / sqrtf((float)(k * (kernel ? kernel : 1)));
    tensor(w, FILL_DRAW, size, kernel ? 3 : 2, (int64_t[]){n, k, kernel}, "%s.weight", name);
    tensor(w, FILL_DRAW, 0.05f, 1, &n, "%s.bias", name);
}

static void norm(struct walk *w, int64_t n, const char *name)
{
    tensor(w, FILL_GAIN, 0.1f, 1, &n, "%s.weight", name);
    tensor(w, FILL_DRAW, 0.05f, 1, &n, "%s.bias", name);
}

#define NAMED(...) (snprintf(name, sizeof name, __VA_ARGS__), name)

static void transformer(struct walk *w)
{
    static const char *const parts[] = {"to_q", "to_k", "to_v", "to_out.0"};
    const struct preset *p = w->preset;
    const int64_t dim = p->dim, text = p->text_dim, inner = 2 * text;
    char name[96];
    weight(w, dim, 256, 0, "time_embed.time_mlp.0");
    weight(w, dim, dim, 0, "time_embed.time_mlp.2");
    tensor(w, FILL_DRAW, 0.5f, 2, (int64_t[]){VOCAB + 1, text}, "text_embed.text_embed.weight");
    for (int i = 0; i < p->text_blocks; i++) {
        weight(w, text, 1, 7, NAMED("text_embed.text_blocks.%d.dwconv", i));
        norm(w, text, NAMED("text_embed.text_blocks.%d.norm", i));
        weight(w, inner, text, 0, NAMED("text_embed.text_blocks.%d.pwconv1", i));
        tensor(w, FILL_DRAW, 0.3f, 3, (int64_t[]){1, 1, inner}, "text_embed.text_blocks.%d.grn.gamma", i);
        tensor(w, FILL_DRAW, 0.05f, 3, (int64_t[]){1, 1, inner}, "text_embed.text_blocks.%d.grn.beta", i);
        weight(w, text, inner, 0, NAMED("text_embed.text_blocks.%d.pwconv2", i));
    }
    weight(w, dim, 2 * MEL + text, 0, "input_embed.proj");
    weight(w, dim, dim / 16, 31, "input_embed.conv_pos_embed.conv1d.0");
    weight(w, dim, dim / 16, 31, "input_embed.conv_pos_embed.conv1d.2");
    tensor(w, FILL_ROPE, 0, 1, (int64_t[]){HEAD / 2}, "rotary_embed.inv_freq");
    for (int i = 0; i < p->depth; i++) {
        weight(w, 6 * dim, dim, 0, NAMED("transformer_blocks.%d.attn_norm.linear", i));
        for (int j = 0; j < 4; j++)
            weight(w, dim, dim, 0, NAMED("transformer_blocks.%d.attn.%s", i, parts[j]));
        weight(w, p->ff, dim, 0, NAMED("transformer_blocks.%d.ff.ff.0.0", i));
        weight(w, dim, p->ff, 0, NAMED("transformer_blocks.%d.ff.ff.2", i));
    }
    weight(w, 2 * dim, dim, 0, "norm_out.linear");
    weight(w, MEL, dim, 0, "proj_out");
}

static void vocoder(struct walk *w)
{
    const struct preset *p = w->preset;
    const int64_t dim = p->vocos_dim;
    char name[96];
    weight(w, dim, MEL, 7, "backbone.embed");
    norm(w, dim, "backbone.norm");
    for (int i = 0; i < p->vocos_layers; i++) {
        weight(w, dim, 1, 7, NAMED("backbone.convnext.%d.dwconv", i));
        norm(w, dim, NAMED("backbone.convnext.%d.norm", i));
        weight(w, p->vocos_inner, dim, 0, NAMED("backbone.convnext.%d.pwconv1", i));
        weight(w, dim, p->vocos_inner, 0, NAMED("backbone.convnext.%d.pwconv2", i));
        tensor(w, FILL_DRAW, 0.3f, 1, &dim, "backbone.convnext.%d.gamma", i);
    }
    norm(w, dim, "backbone.final_layer_norm");
    weight(w, N_FFT + 2, dim, 0, "head.out");
}

/* Both walks over `list`, into dir/name. */
static int write_tensors(struct walk *w, const char *dir, const char *name, void (*list)(struct walk *w))
{
    char *path = path_join(dir, name);
    if (!path)
        return error_nomem(w->err);
    w->path = path;
    w->writing = 0;
    w->offset = 0;
    w->header.len = 0;
    list(w);
    if (!w->rc && buf_add_char(&w->header, '}'))
        w->rc = error_nomem(w->err);
    while (!w->rc && w->header.len % 8)
        if (buf_add_char(&w->header, ' '))
            w->rc = error_nomem(w->err);
    if (!w->rc && !(w->rc = atomic_open(&w->file, path, w->err))) {
        unsigned char size[8];
        for (int i = 0; i < 8; i++)
            size[i] = (unsigned char)((uint64_t)w->header.len >> 8 * i);
        w->writing = 1;
        w->total = w->offset;
        w->offset = 0;
        if (!(w->rc = fd_write_all(w->file.fd, size, sizeof size, path, w->err)))
            w->rc = fd_write_all(w->file.fd, w->header.ptr, w->header.len, path, w->err);
        list(w);
        if (w->rc)
            atomic_abandon(&w->file);
        else
            w->rc = atomic_commit(&w->file, w->err);
    }
    free(path);
    return w->rc;
}

/* -------- the rest of the folder -------- */

static int write_text(const char *dir, const char *name, const struct buf *text, struct error *err)
{
    char *path = path_join(dir, name);
    int rc = path ? file_write(path, text->ptr, text->len, err) : error_nomem(err);
    free(path);
    return rc;
}

/* The space first, as in the published one, then what can be typed, then tokens that no text has. */
static int write_vocab(const char *dir, struct error *err)
{
    struct buf text = BUF_INIT;
    int failed = 0, lines = 0;
    for (int c = ' '; c < 127; c++, lines++)
        failed |= buf_addf(&text, "%c\n", c);
    for (; lines < VOCAB; lines++)
        failed |= buf_addf(&text, "no token %d\n", lines);
    int rc = failed ? error_nomem(err) : write_text(dir, "vocab.txt", &text, err);
    buf_release(&text);
    return rc;
}

static int write_config(const struct preset *p, const char *dir, struct error *err)
{
    struct buf text = BUF_INIT;
    int failed = buf_addf(&text,
                          "feature_extractor:\n"
                          "  class_path: vocos.feature_extractors.MelSpectrogramFeatures\n"
                          "  init_args: {sample_rate: 24000, n_fft: %d, hop_length: 256, n_mels: %d, padding: center}\n"
                          "backbone:\n"
                          "  class_path: vocos.models.VocosBackbone\n"
                          "  init_args: {input_channels: %d, dim: %d, intermediate_dim: %d, num_layers: %d}\n"
                          "head:\n"
                          "  class_path: vocos.heads.ISTFTHead\n"
                          "  init_args: {dim: %d, n_fft: %d, hop_length: 256, padding: center}\n",
                          N_FFT, MEL, MEL, p->vocos_dim, p->vocos_inner, p->vocos_layers, p->vocos_dim, N_FFT);
    int rc = failed ? error_nomem(err) : write_text(dir, "config.yaml", &text, err);
    buf_release(&text);
    return rc;
}

int bench_model_write(const char *preset, const char *dir, int (*progress)(void *user, int done, int total), void *user,
                      struct error *err)
{
    struct walk w = {.preset = find_preset(preset),
                     .prefix = "ema_model.transformer.",
                     .err = err,
                     .file = {.fd = -1},
                     .progress = progress,
                     .user = user};
    int rc = bench_model_check(preset, err);
    if (rc)
        return rc;
    char *vocos = path_join(dir, "vocos");
    w.stretch = malloc(sizeof *w.stretch * STRETCH);
    rc = vocos && w.stretch ? dir_make(vocos, err) : error_nomem(err);
    if (!rc && !(rc = write_vocab(dir, err)) && !(rc = write_config(w.preset, vocos, err)) &&
        !(rc = write_tensors(&w, dir, "model.safetensors", transformer))) {
        w.prefix = "";
        w.progress = NULL;
        rc = write_tensors(&w, vocos, "pytorch_model.bin", vocoder);
    }
    free(w.stretch);
    buf_release(&w.header);
    free(vocos);
    return rc;
}
