/* At which precision each layer of the transformer is kept.
 *
 * A plan is a base for the linear layers of the blocks, which are 99 % of the work, and what is kept finer than int8:
 *
 *     f32, bf16      every block at that
 *     int8           the mixture that takes most error away for its time, PRECISION_INT8 (docs/PERFORMANCE.md)
 *     int8:KEEP,...  int8, but for the named parts: qkv, out, up, down; firstN, lastN blocks; "none" for nothing
 *
 * What is kept is kept at bf16, or at f32 on a device without kernels for bf16. Attention's products are bf16 unless
 * the base is f32. Text encoder and the convolutions of positions: as what is kept. Input and output projection and
 * everything that depends on the time alone stay at f32: together 1 % of the work. */
#ifndef ISHOW_MODEL_PRECISION_H
#define ISHOW_MODEL_PRECISION_H

#include "base/error.h"
#include "dev/dev.h"

#define PRECISION_INT8 "int8:out"
#define PRECISION_TEXT 64

enum layer { LAYER_QKV, LAYER_OUT, LAYER_UP, LAYER_DOWN, LAYER_KINDS, LAYER_TEXT = LAYER_KINDS };

struct precision_plan {
    enum dev_precision base, kept;
    unsigned keep;   /* bits 1 << enum layer */
    int first, last; /* blocks */
};

/* E_ARG for a text that names no plan ("auto" is the engine's matter), E_UNSUPPORTED for one that the device has no
 * kernels for. */
int precision_parse(const char *text, const struct dev *d, struct precision_plan *ret, struct error *err);

/* The plan as precision_parse reads it, the same text for the same plan. */
void precision_text(const struct precision_plan *p, char out[PRECISION_TEXT]);

/* Of a linear layer in block `block` of `depth`; the text encoder's blocks count as none. */
enum dev_precision precision_of(const struct precision_plan *p, enum layer layer, int block, int depth);

#endif
