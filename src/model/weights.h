/* Tensors of a checkpoint as a model asks for them: by name and shape, each accounted for.
 *
 * Errors stick: after the first one every call is a no-op and returns NULL, so a loader reads as a list
 * of what the model has and checks once at its end (weights_finish). */
#ifndef ISHOW_MODEL_WEIGHTS_H
#define ISHOW_MODEL_WEIGHTS_H

#include "base/arena.h"
#include "ckpt/ckpt.h"
#include "dev/dev.h"

struct weights {
    const struct ckpt *ckpt; /* borrowed */
    struct dev *dev;         /* borrowed */
    const char *prefix;      /* borrowed: before every name that is asked for */
    unsigned char *used;     /* [ckpt->count] */
    struct arena scratch;    /* tensors converted to f32; see weights_drop_scratch */
    int rc;
    struct error *err;
};

int weights_init(struct weights *w, const struct ckpt *ckpt, struct dev *dev, const char *prefix,
                 struct error *err);
void weights_release(struct weights *w); /* accepts a zeroed one */

/* The tensor's elements as dense f32 on the host, valid until weights_drop_scratch: in the file's map
 * where they are f32 there, else converted. `dims` are ndim sizes; the name is prefix + formatted name. */
__attribute__((format(printf, 4, 5))) const float *
weights_host(struct weights *w, int ndim, const int64_t *dims, const char *name, ...);

/* The same, uploaded: a device vector the caller frees with dev_free. */
__attribute__((format(printf, 4, 5))) float *
weights_vector(struct weights *w, int ndim, const int64_t *dims, const char *name, ...);

/* A depthwise kernel [cols, 1, kernel], turned into the device layout [kernel, cols] that dev_dwconv wants. */
__attribute__((format(printf, 4, 5))) float *weights_depthwise(struct weights *w, int cols, int kernel,
                                                               const char *name, ...);

/* 1 when a tensor of that name is there, whatever its shape. */
__attribute__((format(printf, 2, 3))) int weights_has(const struct weights *w, const char *name, ...);

void weights_drop_scratch(struct weights *w); /* between layers: bounds what conversion needs */

/* Convenience for "NAME.weight" [n, k] and "NAME.bias" [n]. */
__attribute__((format(printf, 4, 5))) struct dev_linear *
weights_linear(struct weights *w, int n, int k, const char *name, ...);

/* Every tensor whose name starts with `container` must have been asked for or be one that `ignored`
 * (called with the name less the container) answers 1 for. Returns the first error, or 0. */
int weights_finish(struct weights *w, const char *container, int (*ignored)(const char *name));

#endif
