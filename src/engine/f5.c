/* See f5.h. */
#include "engine/f5.h"

#include "audio/spectrum.h"
#include "base/file.h"
#include "base/toml.h"
#include "engine/verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Upstream's v0 models are told by their folder: "F5TTS_Base", "F5TTS_Small" (v1's are "F5TTS_v1_…"). */
static int named_v0(const char *path)
{
    return strstr(path, "F5TTS_Base") != NULL || strstr(path, "F5TTS_Small") != NULL;
}

/* model.toml: `arch = "v0"` or "v1" beside a checkpoint whose name does not tell. */
static int read_settings(const char *path, ishow_arch *arch, struct error *err)
{
    struct buf text = BUF_INIT;
    struct toml_doc *doc = NULL;
    const char *name;
    int rc = file_read(path, TOML_MAX_BYTES, &text, err);
    if (rc)
        return rc;
    if (!(rc = toml_parse(text.ptr, text.len, TOML_1_1, &doc, err))) {
        const struct toml_value *v = toml_get(toml_root(doc), "arch");
        if (v && !(rc = toml_text(v, &name, err))) {
            if (strcmp(name, "v0") == 0)
                *arch = ISHOW_ARCH_V0;
            else if (strcmp(name, "v1") == 0)
                *arch = ISHOW_ARCH_V1;
            else
                rc = error_set(err, E_FORMAT, "line %d, column %d: arch is \"%s\", expected \"v0\" or \"v1\"", v->line,
                               v->column, name);
        }
    }
    if (rc)
        error_prefix(err, "%s", path);
    toml_free(doc);
    buf_release(&text);
    return rc;
}

static int settle_switches(const struct model_files *files, struct f5_switches s, struct f5_arch *a, struct error *err)
{
    int rc;
    if (s.arch == ISHOW_ARCH_AUTO && files->settings && (rc = read_settings(files->settings, &s.arch, err)))
        return rc;
    if (s.arch == ISHOW_ARCH_AUTO)
        s.arch = named_v0(files->checkpoint) ? ISHOW_ARCH_V0 : ISHOW_ARCH_V1;
    a->text_mask_padding = s.text_mask_padding >= 0 ? s.text_mask_padding : s.arch == ISHOW_ARCH_V1;
    if (s.rope_heads < 0)
        s.rope_heads = s.arch == ISHOW_ARCH_V1 ? 0 : 1;
    if (s.rope_heads > a->heads)
        return error_set(err, E_FORMAT, "%d heads to rope, the model has %d", s.rope_heads, a->heads);
    a->rope_heads = s.rope_heads ? s.rope_heads : a->heads;
    return 0;
}

static int load_vocos(struct f5 *f, const struct model_files *files, struct error *err)
{
    struct buf text = BUF_INIT;
    struct vocos_config config;
    struct ckpt *ckpt = NULL;
    int rc = file_read(files->vocos_config, VOCOS_CONFIG_MAX, &text, err);
    if (!rc && (rc = vocos_config_parse(text.ptr, text.len, &config, err)))
        error_prefix(err, "%s", files->vocos_config);
    if (!rc && (config.n_fft != MEL_N_FFT || config.hop_length != MEL_HOP || config.n_mels != MEL_BANDS ||
                config.input_channels != MEL_BANDS || config.sample_rate != AUDIO_RATE))
        rc = error_set(err, E_UNSUPPORTED,
                       "%s: %d Hz, n_fft %d, hop %d, %d mel bands; F5-TTS needs %d Hz, %d, %d and %d",
                       files->vocos_config, config.sample_rate, config.n_fft, config.hop_length, config.n_mels,
                       AUDIO_RATE, MEL_N_FFT, MEL_HOP, MEL_BANDS);
    if (!rc)
        rc = ckpt_open(files->vocos_weights, &ckpt, err);
    if (!rc && !(rc = vocos_create(f->dev, ckpt, &config, &f->vocos, err)))
        rc = ckpt_intact(ckpt, err);
    ckpt_close(ckpt);
    buf_release(&text);
    return rc;
}

static int settle_precision(struct f5 *f, const struct f5_options *o, struct precision_plan *plan, struct error *err)
{
    char chosen[PRECISION_TEXT];
    if (o->precision && strcmp(o->precision, "auto") != 0)
        return precision_parse(o->precision, f->dev, plan, err);
    int rc = verdict_choose(&o->packs, f->ckpt->path, f->dev, chosen, err);
    return rc ? rc : precision_parse(chosen, f->dev, plan, err);
}

static int load_dit(struct f5 *f, const struct f5_arch *a, const struct f5_options *o, struct error *err)
{
    struct precision_plan plan;
    int rc;
    if ((rc = settle_precision(f, o, &plan, err)) ||
        (rc = packs_open(&o->packs, f->dev, f->ckpt, a, &plan, &f->packed, err)))
        return rc;
    precision_text(&plan, f->precision);
    if (!f->packed)
        return dit_create_at(f->dev, f->ckpt, a, &plan, o->packs.progress, &f->dit, err);
    rc = dit_open_packed(f->dev, f->ckpt, a, &plan, f->packed, &f->dit, err);
    packed_drop_floats(f->packed);
    return rc;
}

static int load(struct f5 *f, const struct model_files *files, const struct f5_options *o, struct error *err)
{
    struct f5_arch a;
    int rc;
    if ((rc = ckpt_open(files->checkpoint, &f->ckpt, err)) || (rc = arch_detect(f->ckpt, &a, err)) ||
        (rc = settle_switches(files, o->switches, &a, err)) || (rc = vocab_open(files->vocab, &f->vocab, err)))
        return rc;
    if (vocab_size(f->vocab) != a.vocab)
        return error_set(err, E_FORMAT, "%s: %d lines, the model has %d embeddings", files->vocab, vocab_size(f->vocab),
                         a.vocab);
    if (a.mel != MEL_BANDS)
        return error_set(err, E_UNSUPPORTED, "%s: a model of %d mel bands, expected %d", files->checkpoint, a.mel,
                         MEL_BANDS);
    snprintf(f->arch_text, sizeof f->arch_text, "%s dim %d depth %d heads %d%s", a.text_mask_padding ? "v1" : "v0",
             a.dim, a.depth, a.heads, a.qk_norm ? " qk-norm" : "");
    if ((rc = dev_open_cpu(o->threads, &f->dev, err)) || (rc = load_dit(f, &a, o, err)) ||
        (rc = sampler_create(f->dit, &f->sampler, err)) || (rc = load_vocos(f, files, err)))
        return rc;
    return f5_intact(f, err);
}

int f5_open_with(const struct model_files *files, const struct f5_options *options, struct f5 **ret, struct error *err)
{
    struct f5 *f = calloc(1, sizeof *f);
    if (!f)
        return error_nomem(err);
    int rc = load(f, files, options, err);
    if (rc) {
        f5_close(f);
        return rc;
    }
    *ret = f;
    return 0;
}

int f5_open(const struct model_files *files, struct f5_switches switches, int threads, struct f5 **ret,
            struct error *err)
{
    const struct f5_options o = {.switches = switches, .threads = threads, .precision = "f32", .packs = {.dir = ""}};
    return f5_open_with(files, &o, ret, err);
}

void f5_close(struct f5 *f)
{
    if (!f)
        return;
    vocos_free(f->vocos);
    sampler_free(f->sampler);
    dit_free(f->dit);
    packed_close(f->packed);
    dev_close(f->dev);
    ckpt_close(f->ckpt);
    vocab_free(f->vocab);
    free(f);
}

int f5_intact(const struct f5 *f, struct error *err)
{
    int rc = ckpt_intact(f->ckpt, err);
    return !rc && f->packed ? packed_intact(f->packed, err) : rc;
}

int f5_tokenize(const struct f5 *f, const char *text, size_t len, struct arena *arena, int32_t **ret_ids,
                size_t *ret_count, struct error *err)
{
    struct tokens tokens;
    int rc = tokens_split(text, len, arena, &tokens, err);
    if (rc)
        return rc;
    int32_t *ids = arena_alloc(arena, (tokens.count + 1) * sizeof *ids);
    if (!ids)
        return error_nomem(err);
    for (size_t i = 0; i < tokens.count; i++)
        ids[i] = vocab_id(f->vocab, tokens.items[i]);
    *ret_ids = ids;
    *ret_count = tokens.count;
    return 0;
}

int f5_vocode(struct f5 *f, const float *mel, int frames, struct pcm *wave, const struct tap *tap, struct error *err)
{
    const size_t samples = (size_t)(frames - 1) * MEL_HOP;
    float *head = malloc(sizeof *head * (size_t)frames * (MEL_N_FFT + 2));
    if (!head)
        return error_nomem(err);
    profile_mark(dit_profile(f->dit), PROFILE_HOST, 0);
    int rc = vocos_run(f->vocos, mel, frames, head, tap, err);
    profile_mark(dit_profile(f->dit), PROFILE_VOCODER, vocos_ops(f->vocos, frames));
    wave->len = 0;
    wave->rate = AUDIO_RATE;
    if (!rc && pcm_reserve(wave, samples))
        rc = error_nomem(err);
    if (!rc && !(rc = istft_vocos(head, (size_t)frames, MEL_N_FFT, MEL_HOP, wave->samples, err)))
        wave->len = samples;
    free(head);
    return rc;
}
