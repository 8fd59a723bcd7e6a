/* A device: memory and the tensor operations that the model is written in, once, for CPU and GPU.
 *
 * All activations are f32, row-major and dense, [rows, cols]; a `float *` named in an operation is an
 * address in the device's memory, which the caller never dereferences (dev_upload and dev_download
 * copy). Small parameters marked "host" are ordinary memory.
 *
 * Sequences of a batch lie end to end, without padding: sequence s of `struct seqs` is the rows
 * start[s] .. start[s+1]. No operation lets one sequence see another.
 *
 * Operations on one device run in the order they are called; on a GPU they may still be running
 * when the call returns, and dev_download waits. They cannot fail once their arguments are valid:
 * a device error is kept and returned by dev_download. One thread at a time per device.
 */
#ifndef ISHOW_DEV_DEV_H
#define ISHOW_DEV_DEV_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct dev;

#define DEV_COLS_MAX 65536 /* inputs or outputs of a linear layer, columns of a row */

/* CPU with `threads` threads (0: one a CPU this process may use). The environment variable ISHOW_KERNELS
 * can name weaker kernels than the best (kern.h). */
int dev_open_cpu(int threads, struct dev **ret, struct error *err);
void dev_close(struct dev *d); /* accepts NULL; frees nothing that dev_alloc or _create gave */

struct dev_info {
    const char *name;    /* "cpu" */
    const char *kernels; /* instruction set of the kernels in use, by kern.h: "avx512bf16", "avx2", "neon", ... */
    int threads;
};
void dev_describe(const struct dev *d, struct dev_info *ret);

/* -------- memory -------- */

/* `count` floats, aligned to 64 bytes, contents undefined; free with dev_free (accepts NULL). */
int dev_alloc(struct dev *d, size_t count, float **ret, struct error *err);
void dev_free(struct dev *d, float *p);
void dev_upload(struct dev *d, float *dst, const float *host, size_t count);
int dev_download(struct dev *d, float *host, const float *src, size_t count, struct error *err);
void dev_zero(struct dev *d, float *dst, size_t count);

/* dst[r, 0..cols) = src[r, 0..cols) for `rows` rows with the given row strides (in floats). */
void dev_copy_2d(struct dev *d, float *dst, size_t dst_stride, const float *src, size_t src_stride,
                 size_t rows, size_t cols);

struct seqs {
    int n;
    const int *start; /* host, [n + 1]; start[0] == 0, ascending; start[n] = rows */
};

/* -------- weights, packed once for the device's kernels -------- */

/* How a product's operands are rounded; sums, biases, epilogues and what goes in and out stay f32. */
enum dev_precision {
    DEV_F32,
    DEV_BF16, /* both operands to bfloat16 */
    DEV_INT8, /* weights to 8 bits with a scale an output, inputs with a scale a row */
};

int dev_supports(const struct dev *d, enum dev_precision p); /* 1: has kernels for it that pay */

/* Names the layout that weights of this precision are packed in: other bytes, other name. */
#define DEV_LAYOUT_TEXT 64
void dev_layout(const struct dev *d, enum dev_precision p, char out[DEV_LAYOUT_TEXT]);

enum dev_act {
    DEV_ACT_NONE,
    DEV_ACT_SILU,      /* x / (1 + exp(-x)) */
    DEV_ACT_GELU_ERF,  /* x/2 (1 + erf(x/sqrt 2)) */
    DEV_ACT_GELU_TANH, /* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
    DEV_ACT_MISH,      /* x tanh(ln(1 + exp x)) */
};

/* y = x W^T + b, from the rows of one or several matrices that share their input (q, k and v). */
struct dev_linear;
struct dev_matrix {
    const float *w; /* host, [n, k] row-major */
    const float *b; /* host, [n]; NULL is 0 */
    int n;
};
/* E_UNSUPPORTED for a precision that the device has no kernels for. */
int dev_linear_create(struct dev *d, const struct dev_matrix *parts, int part_count, int k,
                      enum dev_precision p, struct dev_linear **ret, struct error *err);
void dev_linear_free(struct dev *d, struct dev_linear *w); /* accepts NULL */

/* The layer as bytes that can be stored and mapped again wherever dev_layout gives the same name; borrowed. */
const void *dev_linear_bytes(const struct dev_linear *w, size_t *ret_len);

/* A layer on such bytes, which are borrowed, aligned to 64 and must outlive it. E_FORMAT when `len` is not
 * what a layer of these sizes takes. */
int dev_linear_map(struct dev *d, int n, int k, enum dev_precision p, const void *bytes, size_t len,
                   struct dev_linear **ret, struct error *err);

/* y[rows, n] = act(x[rows, k] W^T + b); y must not overlap x. */
void dev_linear(struct dev *d, const struct dev_linear *w, const float *x, size_t rows,
                enum dev_act act, float *y);

/* y[rows, n] += gate[n] * (x[rows, k] W^T + b); gate NULL is 1. y must not overlap x. */
void dev_linear_add(struct dev *d, const struct dev_linear *w, const float *x, size_t rows,
                    const float *gate, float *y);

/* 1-D convolution over frames, stride 1, odd kernel, zero-padded to the same length ("same"), within
 * each sequence. Weights as PyTorch stores them: w host [out, in / groups, kernel], b host [out]. At DEV_F32
 * or DEV_BF16; E_UNSUPPORTED when the device has no kernels for it. */
struct dev_conv;
int dev_conv_create(struct dev *d, const float *w, const float *b, int out, int in, int groups,
                    int kernel, enum dev_precision p, struct dev_conv **ret, struct error *err);
void dev_conv_free(struct dev *d, struct dev_conv *c); /* accepts NULL */

/* y[rows, out] = act(conv(x[rows, in])); y must not overlap x. `scratch` has dev_conv_scratch floats. */
size_t dev_conv_scratch(const struct dev_conv *c, struct seqs seqs);
void dev_conv(struct dev *d, const struct dev_conv *c, const float *x, struct seqs seqs,
              enum dev_act act, float *scratch, float *y);

/* -------- operations -------- */

/* Depthwise convolution: y[r, c] = b[c] + sum_k w[k, c] x[r + k - kernel/2, c] within each sequence.
 * w device [kernel, cols] (transposed from PyTorch's [cols, 1, kernel]), b device [cols]. */
void dev_dwconv(struct dev *d, const float *w, const float *b, int kernel, const float *x,
                struct seqs seqs, int cols, float *y);

/* y = (x - mean) / sqrt(var + eps) * scale + shift over each row; scale, shift device [cols].
 * Serves both LayerNorm (gamma, beta) and the modulated norm (1 + scale, shift). y may be x. */
void dev_norm(struct dev *d, const float *x, size_t rows, int cols, float eps, const float *scale,
              const float *shift, float *y);

/* Global response normalisation (ConvNeXt V2), in place, per sequence:
 * g[c] = ||x[:, c]||_2, x = gamma * x * g / (mean_c g + 1e-6) + beta + x. gamma, beta device [cols]. */
void dev_grn(struct dev *d, float *x, struct seqs seqs, int cols, const float *gamma, const float *beta);

/* In place on the q and k parts of qkv [rows, 3 * heads * 64]: RMSNorm over each head with eps 1e-6
 * and gains q_gain, k_gain (device [64], both NULL: no norm), then rotary embedding of the first
 * `rope_heads` heads: pairs (2i, 2i+1), angle position * inv_freq[i] in f32, position within its sequence.
 * inv_freq host [32], nominally 10000^(-2i/64): a checkpoint carries its own, maybe rounded, copy. */
#define DEV_HEAD_DIM 64
void dev_qk_rope(struct dev *d, float *qkv, struct seqs seqs, int heads, int rope_heads,
                 const float *inv_freq, const float *q_gain, const float *k_gain);

/* out[rows, heads * 64] = softmax(q k^T / 8) v for each head, within each sequence; both products in
 * precision `p`, DEV_INT8 counting as DEV_BF16, and in f32 where the device has no kernels for it. */
void dev_attention(struct dev *d, const float *qkv, struct seqs seqs, int heads, enum dev_precision p,
                   float *out);

/* y[i, :] = table[ids[i], :] (+ [cos(p f) | sin(p f)] with p = i, f_j = 10000^(-2j/cols) when
 * `positions`). table device [vocab, cols]; ids host [n], each in [0, vocab). */
void dev_text_embed(struct dev *d, const float *table, const int32_t *ids, size_t n, int cols,
                    int positions, float *y);

void dev_act(struct dev *d, enum dev_act act, float *x, size_t count); /* in place */
void dev_add(struct dev *d, float *y, const float *x, size_t count);   /* y += x */

/* One guided Euler step: x += dt * (c + (c - u) * cfg); u NULL: x += dt * c. */
void dev_euler(struct dev *d, float *x, const float *c, const float *u, float cfg, float dt,
               size_t count);

#endif
