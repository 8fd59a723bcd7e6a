/* Which F5-TTS a checkpoint holds, read off its tensors' shapes. */
#ifndef ISHOW_MODEL_ARCH_H
#define ISHOW_MODEL_ARCH_H

#include "ckpt/ckpt.h"

#define ARCH_MAX_DIM 8192
#define ARCH_MAX_DEPTH 256
#define ARCH_MAX_TEXT_BLOCKS 64
#define ARCH_TIME_FREQS 256 /* inputs of the time MLP: 128 sines, 128 cosines */
#define ARCH_POS_KERNEL 31  /* convolutional position embedding */
#define ARCH_POS_GROUPS 16

struct f5_arch {
    int dim, depth, heads; /* dim = heads * 64 */
    int ff_inner;
    int text_dim, text_inner, conv_layers;
    int vocab; /* tokens; the embedding has one row more, for the filler */
    int mel;
    int qk_norm; /* RMSNorm on q and k per head */

    /* Not in the shapes (F5.md): v1 masks and ropes all, v0 neither. */
    int text_mask_padding;
    int rope_heads; /* heads that are roped: `heads`, or 1 */

    const char *prefix;    /* static: before "transformer_blocks.0…" in tensor names */
    const char *container; /* static: what of the file is the model's; everything in it must be known */
};

/* Fills all but the two switches, which it sets to v1's. A checkpoint without an F5-TTS transformer is
 * E_FORMAT; sizes that the network cannot have, or over the maxima, are E_FORMAT with the tensor named. */
int arch_detect(const struct ckpt *c, struct f5_arch *ret, struct error *err);

/* Parameters of the transformer, text encoder included. */
uint64_t arch_parameters(const struct f5_arch *a);

#endif
