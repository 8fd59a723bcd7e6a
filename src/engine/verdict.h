/* What was measured of a model's precisions, remembered beside its packed weights: FILE-hash.quality.json.
 *
 * It counts for the checkpoint it was measured on, told as packs tell it, and an entry for the kernels that it was
 * measured with. A file that is missing, damaged or about something else is as good as none. */
#ifndef ISHOW_ENGINE_VERDICT_H
#define ISHOW_ENGINE_VERDICT_H

#include "engine/packs.h"

#define VERDICT_GOOD 1e-3 /* mel NMSE against f32 at equal steps, below which a precision counts as f32 */

struct verdict {
    struct packed_key key; /* of the model, kernels and precision; `plan` is the precision's text */
    double nmse;
    int nfe; /* evaluations at which it was worst */
};

/* The text of the fastest precision that was measured to be good, or, unmeasured, that of bf16 if it pays and else f32:
 * int8 only when measured. */
int verdict_choose(const struct packs *packs, const char *checkpoint, const struct dev *d, char ret[PRECISION_TEXT],
                   struct error *err);

/* Adds to what is remembered, or replaces what was of the same precision and kernels. */
int verdict_remember(const struct packs *packs, const char *checkpoint, const struct verdict *v, struct error *err);

#endif
