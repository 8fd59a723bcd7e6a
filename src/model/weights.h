/* Weights as a model asks for them: by name and shape, each accounted for.
 *
 * A loader is one list of what the model has, run over one of three things:
 *
 *     a checkpoint             objects on the device come out
 *     a checkpoint, `to` set   packed records go into `to`; every object comes out NULL
 *     `from` set               objects come out of a pack's records, linear layers right on its map
 *
 * Errors stick: after the first one every call is a no-op and returns NULL, so that the list needs one check at its
 * end (weights_finish). */
#ifndef ISHOW_MODEL_WEIGHTS_H
#define ISHOW_MODEL_WEIGHTS_H

#include "base/arena.h"
#include "ckpt/ckpt.h"
#include "dev/dev.h"
#include "model/dit.h"

struct weights {
    const struct ckpt *ckpt;   /* borrowed */
    struct dev *dev;           /* borrowed */
    const char *prefix;        /* borrowed: before every name in the checkpoint */
    const struct packed *from; /* borrowed, or NULL; its records have no prefix */
    struct packed_writer *to;  /* borrowed, or NULL */
    struct weights_progress progress;
    uint64_t done, total;      /* parameters read, and to be read in all; for progress */
    unsigned char *used;       /* [ckpt->count] */
    struct arena scratch;      /* tensors converted to f32; see weights_layer_done */
    int rc;
    struct error *err;
};

int weights_init(struct weights *w, const struct ckpt *ckpt, struct dev *dev, const char *prefix,
                 struct error *err);
void weights_release(struct weights *w); /* accepts a zeroed one */

/* The tensor's elements as dense f32 on the host, of a checkpoint only, valid until weights_layer_done: in the file's
 * map where they are f32 there, else converted. `dims` are ndim sizes; the name is prefix + formatted name. */
__attribute__((format(printf, 4, 5))) const float *
weights_host(struct weights *w, int ndim, const int64_t *dims, const char *name, ...);

/* Holds a tensor of the checkpoint that is read later to its name and shape. */
__attribute__((format(printf, 4, 5))) void
weights_expect(struct weights *w, int ndim, const int64_t *dims, const char *name, ...);

/* Copies n elements of one dimension to `out` on the host. */
__attribute__((format(printf, 4, 5))) void weights_copy(struct weights *w, int n, float *out, const char *name, ...);

/* A device vector the caller frees with dev_free. */
__attribute__((format(printf, 4, 5))) float *
weights_vector(struct weights *w, int ndim, const int64_t *dims, const char *name, ...);

/* A depthwise kernel [cols, 1, kernel], turned into the device layout [kernel, cols] that dev_dwconv wants. */
__attribute__((format(printf, 4, 5))) float *weights_depthwise(struct weights *w, int cols, int kernel,
                                                               const char *name, ...);

/* 1 when a tensor of that name is there, whatever its shape. */
__attribute__((format(printf, 2, 3))) int weights_has(const struct weights *w, const char *name, ...);

/* A linear layer from "NAME.weight" [n, k] and "NAME.bias" [n]. */
__attribute__((format(printf, 5, 6))) struct dev_linear *
weights_linear(struct weights *w, int n, int k, enum dev_precision p, const char *name, ...);

/* One from several of equal shape that share their input: STEM + each of parts[count]. */
#define WEIGHTS_MAX_PARTS 4
__attribute__((format(printf, 7, 8))) struct dev_linear *
weights_joined(struct weights *w, const char *const *parts, int count, int n, int k, enum dev_precision p,
               const char *stem, ...);

/* A convolution from "NAME.weight" [out, in / groups, kernel] and "NAME.bias" [out]. */
__attribute__((format(printf, 7, 8))) struct dev_conv *
weights_conv(struct weights *w, int out, int in, int groups, int kernel, enum dev_precision p, const char *name, ...);

/* Between layers: frees what conversion took and the checkpoint's pages, so that memory holds one layer of it. */
void weights_layer_done(struct weights *w);

/* Every tensor whose name starts with `container` must have been asked for or be one that `ignored`
 * (called with the name less the container) answers 1 for. Returns the first error, or 0. */
int weights_finish(struct weights *w, const char *container, int (*ignored)(const char *name));

#endif
