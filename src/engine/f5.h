/* F5-TTS as one thing: transformer, sampler, vocoder and vocabulary of one checkpoint on one device, and the steps
 * between a text and a wave that synthesis and verification share. */
#ifndef ISHOW_ENGINE_F5_H
#define ISHOW_ENGINE_F5_H

#include "audio/pcm.h"
#include "base/arena.h"
#include "engine/locate.h"
#include "engine/pace.h"
#include "engine/packs.h"
#include "ishowtts.h"
#include "model/sampler.h"
#include "model/vocos.h"
#include "text/tokens.h"

struct f5 {
    struct dev *dev;
    struct ckpt *ckpt;     /* stays open: AdaLN matrices are read from it */
    struct packed *packed; /* the weights are mapped from it; NULL: they are in memory */
    struct dit *dit;
    struct sampler *sampler;
    struct vocos *vocos;
    struct vocab *vocab;
    struct pace pace; /* of synthesis so far */
    char arch_text[128];             /* "v1 dim 1024 depth 22 heads 16" */
    char precision[PRECISION_TEXT]; /* "bf16", "int8:out" */
};

/* The two switches that shapes do not show; a field < 0 is left to `arch` (and AUTO to model.toml and the name). */
struct f5_switches {
    ishow_arch arch;
    int text_mask_padding; /* 0, 1 */
    int rope_heads;        /* 0: all, else how many */
};
#define F5_SWITCHES_AUTO ((struct f5_switches){ISHOW_ARCH_AUTO, -1, -1})

/* In f32, nothing kept. */
int f5_open(const struct model_files *files, struct f5_switches switches, int threads, struct f5 **ret,
            struct error *err);

struct f5_options {
    struct f5_switches switches;
    int threads;
    const char *precision; /* as precision_parse has it, or "auto", which NULL is too */
    struct packs packs;
};
int f5_open_with(const struct model_files *files, const struct f5_options *options, struct f5 **ret, struct error *err);
void f5_close(struct f5 *f); /* accepts NULL */

/* E_IO once one of its mapped files has been truncated: what was computed since is worth nothing, and it must be opened
 * again. */
int f5_intact(const struct f5 *f, struct error *err);

/* Token ids of valid UTF-8, in the arena. */
int f5_tokenize(const struct f5 *f, const char *text, size_t len, struct arena *arena, int32_t **ret_ids,
                size_t *ret_count, struct error *err);

/* Replaces `wave` with the sound of mel [frames, MEL_BANDS], frames >= 2: (frames - 1) * 256 samples. */
int f5_vocode(struct f5 *f, const float *mel, int frames, struct pcm *wave, const struct tap *tap, struct error *err);

#endif
