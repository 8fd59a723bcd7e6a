/* A checkpoint: named tensors in a file, whatever the file's format.
 *
 * Opening maps the file and checks every offset; no tensor exists whose shape times element size is
 * not the length of its bytes. Data stays in the map until it is read. */
#ifndef ISHOW_CKPT_CKPT_H
#define ISHOW_CKPT_CKPT_H

#include "base/buf.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define CKPT_MAX_DIMS    8
#define CKPT_MAX_TENSORS 65536       /* F5-TTS v1 Base has 364 */
#define CKPT_MAX_HEADER  (64u << 20) /* bytes of a safetensors header or of data.pkl */
#define CKPT_MAX_NAME    512         /* bytes of a tensor's name */

enum ckpt_dtype { CKPT_F32, CKPT_F16, CKPT_BF16, CKPT_F64, CKPT_I64, CKPT_I32, CKPT_U8, CKPT_OTHER };
const char *ckpt_dtype_name(enum ckpt_dtype t);

struct ckpt_tensor {
    const char *name; /* '\0'-terminated, valid UTF-8; owned by the checkpoint */
    enum ckpt_dtype dtype;
    int ndim;
    int64_t shape[CKPT_MAX_DIMS];
    int64_t stride[CKPT_MAX_DIMS]; /* in elements; torch files may hold transposed views */
    int64_t count;                 /* product of shape; 1 for a scalar */
    const void *data;              /* in the map, maybe unaligned; little-endian */
};

struct ckpt {
    char *path;
    struct ckpt_tensor *tensors; /* sorted by name, names unique */
    size_t count;
    struct ckpt_private *priv;
};

/* Opens a .safetensors file or a torch zip (.pt, .bin, .pth), told apart by content. In a torch file
 * the tensors of nested dicts get dotted names ("ema_model_state_dict.ema_model.transformer…").
 * The unpickler knows a fixed list of globals and runs nothing; anything else is E_FORMAT. */
int ckpt_open(const char *path, struct ckpt **ret, struct error *err);
void ckpt_close(struct ckpt *c); /* accepts NULL */

/* E_IO once the file has been truncated while it was open: what was read since may be zeros (base/map_guard.h). */
int ckpt_intact(const struct ckpt *c, struct error *err);

const struct ckpt_tensor *ckpt_find(const struct ckpt *c, const char *name); /* NULL if absent */

/* "[2, 585, 128]" into out. */
#define CKPT_SHAPE_TEXT 192
void ckpt_shape_text(const struct ckpt_tensor *t, char out[CKPT_SHAPE_TEXT]);

/* Writes the tensor's count elements to out as dense row-major f32, from F32, F16, BF16 or F64 (and
 * I64, I32, U8 by value). E_UNSUPPORTED for CKPT_OTHER. */
int ckpt_read_f32(const struct ckpt_tensor *t, float *out, struct error *err);

/* When the tensor is F32, dense and 4-byte aligned in the map: its data. Otherwise NULL. */
const float *ckpt_view_f32(const struct ckpt_tensor *t);

/* Gives the memory back that tensors read so far take; they can be read again. */
void ckpt_drop_pages(const struct ckpt *c);

/* -------- writing safetensors -------- */

struct ckpt_out {
    const char *name;
    enum ckpt_dtype dtype; /* CKPT_F32 or CKPT_I32 */
    int ndim;
    int64_t shape[CKPT_MAX_DIMS];
    const void *data; /* dense */
};
int safetensors_write(const char *path, const struct ckpt_out *tensors, size_t count, struct error *err);

#endif
