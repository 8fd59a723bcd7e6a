/* What the readers of the two formats fill: a growing list of checked tensors, and the arithmetic
 * that every one of them has to pass. Internal to ckpt/ and its tests.
 *
 * The parsers are pure functions on (ptr, len): they keep pointers into those bytes and nothing
 * else, so whoever owns the bytes keeps them until the set is released. */
#ifndef ISHOW_CKPT_TENSOR_SET_H
#define ISHOW_CKPT_TENSOR_SET_H

#include "base/arena.h"
#include "ckpt/ckpt.h"

struct tensor_set {
    struct arena arena; /* names */
    struct ckpt_tensor *items;
    size_t count, cap;
};

void tensor_set_release(struct tensor_set *s); /* accepts a zeroed one */

/* Appends `t`, whose name is `name` (copied into the arena; checked: 1..CKPT_MAX_NAME bytes of UTF-8
 * without control characters). E_FORMAT, E_LIMIT, E_NOMEM. */
int tensor_set_add(struct tensor_set *s, struct slice name, const struct ckpt_tensor *t, struct error *err);

/* Sorts by name; two of one name are E_FORMAT. */
int tensor_set_sort(struct tensor_set *s, struct error *err);

/* Product of shape[0, ndim) into *ret; -1 when a dimension is negative or the product leaves int64. */
int shape_count(const int64_t *shape, int ndim, int64_t *ret);

/* Fills t->stride for a dense row-major tensor. */
void shape_dense_strides(struct ckpt_tensor *t);

/* Text from a file, made fit for a sentence: what is no printable UTF-8 becomes '?', and what is
 * over 80 bytes ends in "...". */
#define SHOWN_MAX 96
const char *text_shown(struct slice s, char out[SHOWN_MAX]);

/* The formats. Each fills a zeroed set (sorted) or leaves it for the caller to release. */
int safetensors_parse(const char *data, size_t len, struct tensor_set *out, struct error *err);
int torch_zip_parse(const char *data, size_t len, struct tensor_set *out, struct error *err);

#endif
