/* CPU kernels: the inner loops of the model, one table of functions for each instruction set.
 *
 * The `_c` functions are the specification: plain C, libm, obvious. A vector file replaces what it
 * does faster; tests/kern holds each replacement against `_c`. All data is f32 but for packed operands of
 * products. Pointers need only the alignment of float unless said otherwise, and outputs must not overlap
 * inputs unless allowed. NaN and infinities pass through as the formulas say (in int8 they spoil their row);
 * nothing is compiled with -ffast-math.
 *
 * Matrix products work on packed panels: the left operand as [k][mr] (mr rows side by side), the
 * right operand as [k][nr] (nr columns side by side), so that one step of k reads two short
 * contiguous runs. Where an instruction sums the products of `group` neighbours along k, these stand together:
 * [k / group][nr][group]. A product is never split along k and a tile's rows and columns do not influence
 * each other: an element's value depends on its own row and column alone, not on where the row stands or how
 * many threads work.
 */
#ifndef ISHOW_KERN_KERN_H
#define ISHOW_KERN_KERN_H

#include "base/error.h"

#include <stddef.h>

enum kern_isa {
    KERN_C,
    KERN_AVX2,   /* AVX2 and FMA */
    KERN_AVX512, /* F, BW, DQ and VL */
    KERN_AVX512VNNI,
    KERN_AVX512BF16, /* and VNNI */
    KERN_NEON,
    KERN_NEONDOT,  /* dot products of 8-bit numbers */
    KERN_NEONBF16, /* and those of bfloat16 */
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

enum kern_precision {
    KERN_F32,
    KERN_BF16, /* both operands rounded to bfloat16; sums in f32 */
    KERN_INT8, /* columns to 8 bits with a scale each, rows too; sums in 32 bits, exact */
    KERN_PRECISIONS,
};

#define KERN_K_MAX 65536 /* 255 * 127 * k stays below 2^31 */

/* A product's kernel at one precision, with the layout of its panels. */
struct kern_product {
    int mr, nr;           /* rows and columns of a tile; mr 0: no such kernel */
    int group;            /* numbers of a row that stand together; k counts as if rounded up to it */
    int a_width, b_width; /* bytes of a packed number */
    int scaled;           /* the panels end in scales: a in f32 [mr]; b in f32 [nr] and int32_t [nr]: what to add to
                             the sums, because rows are packed as q + offset */
    int offset;

    /* A panel of up to mr rows. src [rows, stride]; a stride below k is allowed. */
    void (*pack)(const float *src, size_t stride, int rows, size_t k, void *a);

    /* One tile of c [*, ldc]: rows <= mr, cols <= nr. a and b are panels aligned to 64 bytes; what lies
     * past rows and cols is not used. `out`'s vectors start at the tile's column. */
    void (*gemm)(const void *a, const void *b, size_t k, const struct kern_out *out, int rows, int cols,
                 float *c, size_t ldc);
};

static inline size_t kern_k(const struct kern_product *p, size_t k)
{
    return (k + (size_t)p->group - 1) / (size_t)p->group * (size_t)p->group;
}

/* Bytes of a panel of rows and of columns, multiples of 64. */
static inline size_t kern_a_bytes(const struct kern_product *p, size_t k)
{
    size_t row = kern_k(p, k) * (size_t)p->a_width + (p->scaled ? 4 : 0);
    return ((size_t)p->mr * row + 63) / 64 * 64;
}

static inline size_t kern_b_bytes(const struct kern_product *p, size_t k)
{
    size_t column = kern_k(p, k) * (size_t)p->b_width + (p->scaled ? 8 : 0);
    return ((size_t)p->nr * column + 63) / 64 * 64;
}

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

/* Attention at one precision. In bf16, `group` 2, the scores and their softmax are f32, while q, k, v and the
 * weights are rounded. */
struct kern_attention {
    int nr, kr;       /* queries and rows of a tile; kr divides KERN_HEAD and KERN_KEYS; nr 0: no such kernel */
    int group;  /* as in kern_product; the numbers of a group take 4 bytes together */

    /* The rows of q (width nr) or of k (width kr) to [KERN_HEAD / group][width][group]; rows <= width. */
    void (*pack)(const float *src, size_t stride, int rows, int width, void *dst);
    /* v [keys, stride] to [KERN_HEAD / kr][ceil(keys / group)][kr][group], zeros after the last key */
    void (*pack_v)(const float *v, size_t stride, int keys, void *dst);

    /* Lets nr queries attend to `keys` more keys, 1 .. KERN_KEYS, with scores q . k / 8. q as packed;
     * k [ceil(keys / kr)] panels, all of it readable; v as packed; all aligned to 64 bytes. */
    void (*attend)(const void *q, const void *k, const void *v, int keys, struct kern_attend *st);
};

struct kern {
    const char *name;
    struct kern_product product[KERN_PRECISIONS];
    struct kern_attention attention[KERN_INT8]; /* f32 and bf16 */

    /* dst[j * width + i] = src[i * stride + j] for i in [0, rows), j in [0, cols): a transposition.
     * rows <= width; entries from `rows` to `width` are left alone. */
    void (*pack)(const float *src, size_t stride, int rows, size_t cols, int width, float *dst);

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
const char *kern_isa_name(enum kern_isa isa); /* "c", "avx2", "avx512", ... */

/* 1: `k` has kernels of its own for products at this precision, or is the specification itself. */
int kern_pays(const struct kern *k, enum kern_precision p);
int kern_attention_pays(const struct kern *k, enum kern_precision p);

/* Columns first .. first + cols of the panel `b` from the rows of w [cols, stride]: rounded, and quantised with their
 * scales; the rest of the panel stays as it is. Not for f32, whose panels come from `pack` of the table. */
void kern_pack_columns(const struct kern_product *p, const float *w, size_t stride, int first, int cols, size_t k,
                       void *b);

/* The strongest available, or what the environment variable ISHOW_KERNELS names: one that is
 * unknown or not available is E_ARG or E_UNSUPPORTED. */
int kern_choose(enum kern_isa *ret, struct error *err);

/* Each replaces some entries; only those built for this architecture exist. */
void kern_init_c(struct kern *k);
void kern_init_avx2(struct kern *k);
void kern_init_avx512(struct kern *k);
void kern_init_avx512vnni(struct kern *k);
void kern_init_avx512bf16(struct kern *k);
void kern_init_neon(struct kern *k);
void kern_init_neondot(struct kern *k);
void kern_init_neonbf16(struct kern *k);

#endif
