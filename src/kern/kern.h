/* CPU kernels: the inner loops of the model, one table of functions for each instruction set.
 *
 * The `_c` functions are the specification: plain C, libm, obvious. A vector file replaces what it
 * does faster; tests/kern holds each replacement against `_c`. All data is f32. Pointers need only
 * the alignment of float unless said otherwise, and outputs must not overlap inputs unless allowed.
 * NaN and infinities pass through as the formulas say; nothing is compiled with -ffast-math.
 *
 * Matrix products work on packed panels: the left operand as [k][mr] (mr rows side by side), the
 * right operand as [k][nr] (nr columns side by side), so that one step of k reads two short
 * contiguous runs. Both come from `pack`. A product is never split along k and a tile's rows and
 * columns do not influence each other: an element's value depends on its own row and column alone,
 * not on where the row stands or how many threads work.
 */
#ifndef ISHOW_KERN_KERN_H
#define ISHOW_KERN_KERN_H

#include "base/error.h"

#include <stddef.h>

enum kern_isa {
    KERN_C,
    KERN_AVX2,   /* AVX2 and FMA */
    KERN_AVX512, /* F, BW, DQ and VL */
    KERN_NEON,
    KERN_ISA_COUNT,
};

enum kern_act {
    KERN_ACT_NONE,
    KERN_ACT_SILU,
    KERN_ACT_GELU_ERF,
    KERN_ACT_GELU_TANH,
    KERN_ACT_MISH,
    KERN_ACT_COUNT,
};

/* What becomes of a product's tile t: c = act(t + bias), or with `add` c += gate (t + bias).
 * bias and gate are [n] for all columns of c; NULL is 0 and 1. */
struct kern_out {
    enum kern_act act;
    int add;
    const float *bias, *gate;
};

#define KERN_HEAD 64  /* numbers in a head */
#define KERN_KEYS 128 /* most keys that one call of `attend` takes */

/* Running state of `nr` queries of one head, in columns; start with max = -inf, sum = 0, o = 0.
 * After the last block the attention of query j is o[:, j] / sum[j]. Aligned to 64 bytes. */
struct kern_attend {
    float *o;   /* [KERN_HEAD][nr] */
    float *max; /* [nr], of the unscaled scores so far */
    float *sum; /* [nr], of exp(score - max) */
    float *p;   /* [KERN_KEYS][nr], scratch */
};

struct kern {
    const char *name;
    int mr, nr; /* tile of `gemm` */
    int kr;     /* rows of `attend`'s tiles; divides KERN_HEAD and KERN_KEYS */

    /* dst[j * width + i] = src[i * stride + j] for i in [0, rows), j in [0, cols): a transposition.
     * rows <= width; entries from `rows` to `width` are left alone. */
    void (*pack)(const float *src, size_t stride, int rows, size_t cols, int width, float *dst);

    /* One tile of c [*, ldc]: rows <= mr, cols <= nr. a [k][mr] and b [k][nr] packed and aligned to
     * 64 bytes, what lies past rows and cols is not used. `out`'s vectors start at the tile's column. */
    void (*gemm)(const float *a, const float *b, size_t k, const struct kern_out *out, int rows, int cols,
                 float *c, size_t ldc);

    /* Lets nr queries attend to `keys` more keys, 1 .. KERN_KEYS, with scores q . k / 8.
     * q [KERN_HEAD][nr]; k [ceil(keys / kr)][KERN_HEAD][kr], all of it readable;
     * v [KERN_HEAD / kr][keys][kr]; all packed and aligned to 64 bytes. */
    void (*attend)(const float *q, const float *k, const float *v, int keys, struct kern_attend *st);

    void (*act)(enum kern_act act, float *x, size_t n); /* in place */
    void (*add)(float *y, const float *x, size_t n);    /* y += x */
    /* x += dt * (c + (c - u) * cfg); u NULL: x += dt * c */
    void (*euler)(float *x, const float *c, const float *u, float cfg, float dt, size_t n);

    /* y = (x - mean) / sqrt(var + eps) * scale + shift over one row; y may be x. */
    void (*norm)(const float *x, size_t n, float eps, const float *scale, const float *shift, float *y);

    /* y[c] = b[c] + sum over `taps` of w[t * cols + c] x[t * cols + c] */
    void (*dwconv)(const float *w, const float *b, const float *x, int taps, size_t cols, float *y);

    /* acc[c] += x[c]^2 over `rows` rows, for c in [0, cols) */
    void (*sum_squares)(const float *x, size_t stride, size_t rows, size_t cols, float *acc);
    /* x = gamma x g + beta + x */
    void (*grn)(float *x, const float *g, const float *gamma, const float *beta, size_t cols);

    /* In place on x [heads][KERN_HEAD]: RMSNorm (eps 1e-6) times gain [KERN_HEAD] unless NULL, then
     * for the first `rope_heads` heads x = x * cs + swap(x) * sn, where swap exchanges the numbers
     * of each pair and sn carries the sign: cs = c0 c0 c1 c1 ..., sn = -s0 s0 -s1 s1 ... */
    void (*rope)(float *x, int heads, int rope_heads, const float *cs, const float *sn, const float *gain);
};

/* Fills `k` with the functions of `isa` over those of every weaker one. The CPU must have `isa`. */
void kern_fill(struct kern *k, enum kern_isa isa);

int kern_available(enum kern_isa isa);       /* built in, and this CPU and system support it */
const char *kern_isa_name(enum kern_isa isa); /* "c", "avx2", "avx512", "neon" */

/* The strongest available, or what the environment variable ISHOW_KERNELS names: one that is
 * unknown or not available is E_ARG or E_UNSUPPORTED. */
int kern_choose(enum kern_isa *ret, struct error *err);

/* Each replaces some entries; only those built for this architecture exist. */
void kern_init_c(struct kern *k);
void kern_init_avx2(struct kern *k);
void kern_init_avx512(struct kern *k);
void kern_init_neon(struct kern *k);

#endif
