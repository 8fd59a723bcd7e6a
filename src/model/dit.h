/* The diffusion transformer of F5-TTS (Chen et al. 2024, arXiv:2410.06885): text encoder, input embedding,
 * blocks with adaptive LayerNorm, output projection. Written once over dev.h.
 *
 * Everything that depends on the time step alone (all AdaLN vectors: 138 M of the 336 M parameters) is
 * evaluated once per schedule into a table on the device; the matrices it comes from stay in the file. */
#ifndef ISHOW_MODEL_DIT_H
#define ISHOW_MODEL_DIT_H

#include "ckpt/ckpt.h"
#include "dev/dev.h"
#include "model/arch.h"
#include "model/packed.h"
#include "model/precision.h"
#include "model/profile.h"

#define DIT_MAX_FRAMES 8192 /* of one sequence: the text encoder's position table ends there upstream */

/* Sees intermediate tensors as they are made, on the host; for verification. `dims` are ndim sizes. */
struct tap {
    int (*fn)(void *user, const char *name, int ndim, const int64_t *dims, const float *data, struct error *err);
    void *user;
};

struct dit;

/* Builds the model on `dev` from an open checkpoint, all f32; both are borrowed and must outlive it. `arch` as
 * arch_detect gave it, the two switches set. A tensor that is missing, misshapen or unknown is E_FORMAT
 * with its name, what was expected and what was found. */
int dit_create(struct dev *dev, const struct ckpt *ckpt, const struct f5_arch *arch, struct dit **ret,
               struct error *err);

/* Tells how many of the model's parameters have been converted. Non-zero cancels: E_CANCELLED. */
struct weights_progress {
    int (*fn)(void *user, uint64_t done, uint64_t total);
    void *user;
};

/* The same at the precision of `plan`. */
int dit_create_at(struct dev *dev, const struct ckpt *ckpt, const struct f5_arch *arch,
                  const struct precision_plan *plan, struct weights_progress progress, struct dit **ret,
                  struct error *err);

/* Converts the checkpoint into a pack, a layer at a time, and the tables of the usual schedule with it. */
int dit_pack(struct dev *dev, const struct ckpt *ckpt, const struct f5_arch *arch, const struct precision_plan *plan,
             struct packed_writer *to, struct weights_progress progress, struct error *err);

/* Builds the model on a pack (borrowed), which holds what dit_pack wrote for the same plan. The checkpoint is read
 * only for schedules other than the usual. */
int dit_open_packed(struct dev *dev, const struct ckpt *ckpt, const struct f5_arch *arch,
                    const struct precision_plan *plan, const struct packed *packed, struct dit **ret,
                    struct error *err);

void dit_free(struct dit *m); /* accepts NULL */
const struct f5_arch *dit_arch(const struct dit *m);
struct dev *dit_dev(const struct dit *m);

/* From now on the model's work is marked in `p` (borrowed; NULL: nowhere). */
void dit_set_profile(struct dit *m, struct profile *p);
struct profile *dit_profile(const struct dit *m);

/* Prepares the AdaLN table for the time steps t[0 .. nfe). Cheap when they are those of the last call. */
int dit_set_times(struct dit *m, const float *t, int nfe, struct error *err);

/* One text of a batch: tokens (ids as vocab gives them, without the filler's shift) stretched to the
 * sequence's frames. */
struct dit_text {
    const int32_t *ids; /* host, each in [0, vocab); ids past `frames` are not heard */
    size_t count;
    int drop; /* 1: the unconditional branch; every token becomes the filler */
};

/* Encodes texts into embed [seqs rows, text_dim] on the device. texts has seqs.n entries. */
int dit_embed_text(struct dit *m, const struct dit_text *texts, struct seqs seqs, float *embed, struct error *err);

/* The velocity at time step `step` of the schedule: input [rows, 2 mel + text_dim] holds x | cond | text
 * -> velocity [rows, mel]; all on the device. `tap` (or NULL) sees the input embedding of the first sequence and
 * every block's output of all sequences, which must be of equal length, under names ending in "_step0". */
int dit_velocity(struct dit *m, const float *input, struct seqs seqs, int step, float *velocity, const struct tap *tap,
                 struct error *err);

/* Passes a device tensor to a tap; 0 when tap is NULL. */
int tap_device(const struct tap *tap, struct dev *dev, const char *name, int ndim, const int64_t *dims, const float *x,
               struct error *err);

/* The time embedding of a step, [dim], to `tap` as "time_embed_step0". */
int dit_tap_time(struct dit *m, int step, const struct tap *tap, struct error *err);

#endif
