/* Packing, matrix product and attention against the specification, at each precision.
 *
 * Tolerances. A sum of k products in f32 errs by at most about k/2 roundings of its largest partial
 * sum and typically by sqrt(k); both sides round, in different order. So two results may differ by
 * eps * (4 + 2 sqrt(k)) * sum |a b|. What follows (bias, activation, gate) adds a few roundings of the
 * numbers it works on, and no activation here is steeper than 1.13. Both sides round operands to the same
 * bfloat16 and the same 8 bits, which makes |a b| a little larger; sums of 8 bits are exact. Dot products of
 * bfloat16 may take what is smaller than FLT_MIN for 0. */
#include "kerncheck.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const float sizes[] = {1, 1e-15f, 1e+12f};

static void pack_case(struct check *t)
{
    static const int shapes[][4] = {/* rows, cols, width, stride */
                                    {1, 1, 1, 1},    {12, 31, 12, 31}, {7, 33, 12, 40}, {6, 5, 6, 5},
                                    {32, 64, 32, 70}, {5, 64, 8, 64},  {64, 32, 64, 32}, {8, 4, 8, 3}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        int rows = shapes[s][0], cols = shapes[s][1], width = shapes[s][2], stride = shapes[s][3];
        /* a stride below the length of a row is how convolution reads: rows overlap */
        size_t n = (size_t)((rows - 1) * stride + cols), m = (size_t)(cols * width);
        float *src = guard_alloc(n, 0), *got = guard_alloc(m, 0);
        random_fill(src, n, 1);
        for (size_t i = 0; i < m; i++)
            got[i] = 77;
        t->v->pack(src, (size_t)stride, rows, (size_t)cols, width, got);
        for (int j = 0; j < cols; j++)
            for (int i = 0; i < width; i++)
                check_close(t, "pack", (size_t)(j * width + i), got[j * width + i],
                            i < rows ? src[i * stride + j] : 77, 0);
    }
}

static void pack_columns(const struct kern *kn, enum kern_precision pr, const float *b, int cols, size_t k, void *dst)
{
    const struct kern_product *p = &kn->product[pr];
    memset(dst, 0, kern_b_bytes(p, k));
    if (pr == KERN_F32)
        kn->pack(b, k, cols, k, p->nr, dst);
    else
        for (int j = 0; j < cols; j += 5) /* in parts, as a layer of several matrices has them */
            kern_pack_columns(p, b + (size_t)j * k, k, j, cols - j < 5 ? cols - j : 5, k, dst);
}

/* c [rows, ldc] = a [rows, k] b [cols, k]^T by tiles of the kernel's own shape. */
static void product(const struct kern *kn, enum kern_precision pr, const float *a, const float *b, int rows, int cols,
                    size_t k, const struct kern_out *out, float *c, size_t ldc)
{
    const struct kern_product *p = &kn->product[pr];
    float *pa = guard_alloc(kern_a_bytes(p, k) / 4, 1), *pb = guard_alloc(kern_b_bytes(p, k) / 4, 1);
    for (int j = 0; j < cols; j += p->nr) {
        int nj = cols - j < p->nr ? cols - j : p->nr;
        pack_columns(kn, pr, b + (size_t)j * k, nj, k, pb);
        struct kern_out o = *out;
        o.bias = out->bias ? out->bias + j : NULL;
        o.gate = out->gate ? out->gate + j : NULL;
        for (int i = 0; i < rows; i += p->mr) {
            int ni = rows - i < p->mr ? rows - i : p->mr;
            memset(pa, 0, kern_a_bytes(p, k));
            p->pack(a + (size_t)i * k, k, ni, k, pa);
            p->gemm(pa, pb, k, &o, ni, nj, c + (size_t)i * ldc + j, ldc);
        }
    }
}

static void gemm_one(struct check *t, enum kern_precision pr, int rows, int cols, size_t k, float size,
                     const struct kern_out *kind)
{
    size_t ldc = (size_t)cols + (rows > 1 ? 3 : 0), n = (size_t)(rows - 1) * ldc + (size_t)cols;
    float *a = guard_alloc((size_t)rows * k, 0), *b = guard_alloc((size_t)cols * k, 0);
    float *bias = guard_alloc((size_t)cols, 0), *gate = guard_alloc((size_t)cols, 0);
    float *got = guard_alloc(n, 0), *want = guard_alloc(n, 0);
    random_fill(a, (size_t)rows * k, size);
    random_fill(b, (size_t)cols * k, 1);
    random_fill(bias, (size_t)cols, size);
    random_fill(gate, (size_t)cols, 2);
    random_fill(got, n, size);
    memcpy(want, got, n * sizeof *want);
    struct kern_out out = *kind;
    out.bias = kind->bias ? bias : NULL;
    out.gate = kind->gate ? gate : NULL;
    product(t->v, pr, a, b, rows, cols, k, &out, got, ldc);
    product(t->c, pr, a, b, rows, cols, k, &out, want, ldc);
    for (int i = 0; i < rows; i++)
        for (size_t j = 0; j < ldc && (size_t)i * ldc + j < n; j++) {
            size_t at = (size_t)i * ldc + j;
            if (j >= (size_t)cols) { /* between the rows nothing may change */
                check_close(t, "gap", at, got[at], want[at], 0);
                continue;
            }
            double sum = fabs((double)bias[j]), units = 4 + 2 * sqrt((double)k) + (kind->act ? 12 : 0);
            for (size_t p = 0; p < k; p++)
                sum += fabs((double)a[(size_t)i * k + p] * (double)b[j * k + p]);
            double limit = FLT_EPSILON * units * ((kind->gate ? 2 : 1) * sum + (kind->add ? (double)size : 0));
            limit += FLT_MIN * (pr == KERN_BF16 ? (double)k + 1 : 1);
            check_close(t, "gemm", at, got[at], want[at], pr == KERN_F32 ? limit : limit * 1.02);
        }
    guard_check(t, "gemm");
    guard_free_all();
}

static void gemm_cases(struct check *t, enum kern_precision pr)
{
    static const int ks[] = {1, 2, 3, 17, 64, 257, 1024};
    static const float some = 0; /* stands for "with" in the kinds below */
    static const struct kern_out kinds[] = {
        {KERN_ACT_NONE, 0, NULL, NULL},        {KERN_ACT_NONE, 0, &some, NULL},
        {KERN_ACT_SILU, 0, &some, NULL},       {KERN_ACT_GELU_ERF, 0, &some, NULL},
        {KERN_ACT_GELU_TANH, 0, &some, NULL},  {KERN_ACT_MISH, 0, &some, NULL},
        {KERN_ACT_NONE, 1, &some, NULL},       {KERN_ACT_NONE, 1, &some, &some},
    };
    int mr = t->v->product[pr].mr, nr = t->v->product[pr].nr;
    const int rows[] = {1, mr - 1, mr, mr + 1}, cols[] = {1, nr / 2, nr / 2 + 1, nr - 1, nr, nr + 3};
    for (size_t z = 0; z < sizeof sizes / sizeof *sizes; z++)
        for (size_t o = 0; o < sizeof kinds / sizeof *kinds; o++)
            for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
                for (size_t j = 0; j < sizeof cols / sizeof *cols; j++)
                    gemm_one(t, pr, rows[i], cols[j], (size_t)ks[(i + j + o) % 7], sizes[z], &kinds[o]);
}

/* An element depends on its own row and column alone: the same bits wherever the row stands in a tile. */
static void gemm_places(struct check *t, enum kern_precision pr)
{
    int rows = 2 * t->v->product[pr].mr, cols = t->v->product[pr].nr;
    size_t k = 103, n = (size_t)(rows * cols);
    struct kern_out out = {KERN_ACT_GELU_TANH, 0, NULL, NULL};
    float *a = guard_alloc((size_t)rows * k, 0), *b = guard_alloc((size_t)cols * k, 0);
    float *all = guard_alloc(n, 0), *one = guard_alloc(n, 0);
    random_fill(a, (size_t)rows * k, 1);
    random_fill(b, (size_t)cols * k, 1);
    product(t->v, pr, a, b, rows, cols, k, &out, all, (size_t)cols);
    for (int r = 0; r < rows; r++) /* with other neighbours */
        product(t->v, pr, a + (size_t)r * k, b, r % 2 && r + 1 < rows ? 2 : 1, cols, k, &out,
                one + (size_t)r * (size_t)cols, (size_t)cols);
    if (memcmp(all, one, n * sizeof *all) != 0)
        check_fail(t, "a row alone gives other bits than in a tile");
}

/* A NaN or infinity stays in its row and is not lost; in 8 bits, where they have no place, the row is NaN. */
static void gemm_nans(struct check *t, enum kern_precision pr)
{
    int rows = t->v->product[pr].mr, cols = t->v->product[pr].nr;
    size_t k = 33, n = (size_t)(rows * cols);
    for (int act = 0; act < KERN_ACT_COUNT; act++) {
        struct kern_out out = {(enum kern_act)act, 0, NULL, NULL};
        float *a = guard_alloc((size_t)rows * k, 0), *b = guard_alloc((size_t)cols * k, 0);
        float *got = guard_alloc(n, 0);
        random_fill(a, (size_t)rows * k, 1);
        for (size_t i = 0; i < (size_t)cols * k; i++)
            b[i] = 1 + random_float(0.5f);
        a[1 * k + 7] = NAN;
        a[2 * k + 8] = INFINITY;
        product(t->v, pr, a, b, rows, cols, k, &out, got, (size_t)cols);
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < cols; j++) {
                float y = got[i * cols + j];
                if (i == 1 || (i == 2 && pr == KERN_INT8) ? !isnan(y) : i == 2 ? y != INFINITY : !isfinite(y))
                    check_fail(t, "activation %d, row %d, column %d: %g", act, i, j, (double)y);
            }
        guard_check(t, "gemm");
        guard_free_all();
    }
}

/* The largest numbers there are do not overflow the sums, and rows of nothing are nothing. */
static void gemm8_extremes_case(struct check *t)
{
    const size_t k = KERN_K_MAX;
    const float rows[] = {1, -1, 0, 1e-40f}, columns[] = {1, -1};
    struct kern_out out = {KERN_ACT_NONE, 0, NULL, NULL};
    float *a = guard_alloc(4 * k, 0), *b = guard_alloc(2 * k, 0), *got = guard_alloc(8, 0);
    for (size_t i = 0; i < 4 * k; i++)
        a[i] = rows[i / k];
    for (size_t i = 0; i < 2 * k; i++)
        b[i] = columns[i / k];
    product(t->v, KERN_INT8, a, b, 4, 2, k, &out, got, 2);
    for (size_t i = 0; i < 8; i++)
        check_close(t, "sum", i, got[i], i < 4 ? (float)k * rows[i / 2] * columns[i % 2] : 0, (double)k * 2e-7);
}

#define AT_EACH(NAME, WHAT)                                                 \
    static void NAME##_f32_case(struct check *t) { WHAT(t, KERN_F32); }   \
    static void NAME##_bf16_case(struct check *t) { WHAT(t, KERN_BF16); } \
    static void NAME##_int8_case(struct check *t) { WHAT(t, KERN_INT8); }
AT_EACH(gemm, gemm_cases)
AT_EACH(gemm_place, gemm_places)
AT_EACH(gemm_nan, gemm_nans)

/* -------- attention -------- */

static void pack_rows(const struct kern_attention *at, const float *src, int rows, int width, float *dst)
{
    memset(dst, 0, (size_t)(KERN_HEAD / at->group * width) * sizeof *dst);
    at->pack(src, KERN_HEAD, rows, width, dst);
}

/* out [queries, 64] for keys taken in blocks of `block`, and the sums of the weights [queries]. */
static void attend(const struct kern_attention *at, const float *q, const float *k, const float *v, int queries,
                   int keys, int block, float *out, float *sums)
{
    const int nr = at->nr, kr = at->kr, H = KERN_HEAD;
    float *pq = guard_alloc((size_t)(H / at->group * nr), 1), *o = guard_alloc((size_t)(H * nr), 1);
    float *pk = guard_alloc((size_t)(H / at->group * KERN_KEYS), 1);
    float *max = guard_alloc((size_t)nr, 1), *sum = guard_alloc((size_t)nr, 1);
    float *p = guard_alloc((size_t)(KERN_KEYS * nr), 1);
    float *pv[] = {guard_alloc((size_t)(H * ((block + at->group - 1) / at->group)), 1),
                   guard_alloc((size_t)(H * ((keys % block + at->group - 1) / at->group)), 1)};
    for (int i = 0; i < queries; i += nr) {
        int n = queries - i < nr ? queries - i : nr;
        pack_rows(at, q + i * H, n, nr, pq);
        memset(o, 0, (size_t)(H * nr) * sizeof *o);
        for (int j = 0; j < nr; j++) {
            max[j] = -INFINITY;
            sum[j] = 0;
        }
        for (int from = 0; from < keys; from += block) {
            int m = keys - from < block ? keys - from : block;
            for (int r = 0; r < m; r += kr)
                pack_rows(at, k + (from + r) * H, m - r < kr ? m - r : kr, kr, pk + r * (H / at->group));
            float *values = pv[m < block];
            at->pack_v(v + from * H, (size_t)H, m, values);
            struct kern_attend st = {o, max, sum, p};
            at->attend(pq, pk, values, m, &st);
        }
        for (int j = 0; j < n; j++) {
            sums[i + j] = sum[j];
            for (int d = 0; d < H; d++)
                out[(i + j) * H + d] = o[d * nr + j] / sum[j];
        }
    }
}

/* The square root of the sum of the squared weights of a query: how far independent errors of the weights, each in
 * units of its own, add up. */
static double weight_spread(const float *q, const float *k, int keys)
{
    double sum = 0, squares = 0, most = -INFINITY, s[3 * KERN_KEYS];
    for (int r = 0; r < keys; r++) {
        s[r] = 0;
        for (int d = 0; d < KERN_HEAD; d++)
            s[r] += (double)q[d] * (double)k[r * KERN_HEAD + d] / 8;
        most = s[r] > most ? s[r] : most;
    }
    for (int r = 0; r < keys; r++) {
        double w = exp(s[r] - most);
        sum += w;
        squares += w * w;
    }
    return sqrt(squares) / sum;
}

/* A score is a sum of 64 products divided by 8; its error e changes the weights by a factor e^e. In bf16 both sides
 * round the weights; an exponential that is off by 2^-13 makes one in 16 of them round the other way, 2^-8 of it. */
static void attend_one(struct check *t, enum kern_precision pr, int queries, int keys, int block, float size)
{
    const int H = KERN_HEAD;
    size_t nq = (size_t)(queries * H), nk = (size_t)(keys * H);
    float *q = guard_alloc(nq, 0), *k = guard_alloc(nk, 0), *v = guard_alloc(nk, 0);
    float *got = guard_alloc(nq, 0), *want = guard_alloc(nq, 0);
    float *sum = guard_alloc((size_t)queries, 0), *want_sum = guard_alloc((size_t)queries, 0);
    random_fill(q, nq, size);
    random_fill(k, nk, size);
    random_fill(v, nk, 3);
    attend(&t->v->attention[pr], q, k, v, queries, keys, block, got, sum);
    attend(&t->c->attention[pr], q, k, v, queries, keys, block, want, want_sum);
    double score = 64 / 8 * (double)size * (double)size / 3; /* sum |q k| / 8 on average */
    double limit = FLT_EPSILON * (16 + 8 * score) * 3;
    for (size_t i = 0; i < (size_t)queries; i++) {
        /* each block multiplies what the earlier ones have by one more exponential */
        double off = FLT_EPSILON * (16 + 8 * score) + (pr == KERN_BF16 ? 0x1p-13 * (1 + keys / block) : 0);
        check_close(t, "sum of weights", i, sum[i], want_sum[i], off * (double)want_sum[i]);
    }
    for (size_t i = 0; i < nq; i++) {
        if (pr == KERN_BF16 && i % KERN_HEAD == 0) {
            double spread = weight_spread(q + i, k, keys);
            limit = FLT_EPSILON * (16 + 8 * score) * 3 + 0x1p-12 * 3 + fmin(1, 2 * spread) * 0x1p-8 * 3;
        }
        check_close(t, "attend", i, got[i], want[i], limit);
    }
    guard_check(t, "attend");
    guard_free_all();
}

static void attend_cases(struct check *t, enum kern_precision pr)
{
    static const float spread[] = {0.01f, 1, 8};
    int nr = t->v->attention[pr].nr, kr = t->v->attention[pr].kr;
    const int queries[] = {1, nr - 1, nr, nr + 5}, keys[] = {1, kr - 1, kr, 3 * kr + 1, KERN_KEYS, 2 * KERN_KEYS + 9};
    for (size_t s = 0; s < 3; s++)
        for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
            for (size_t j = 0; j < sizeof keys / sizeof *keys; j++)
                attend_one(t, pr, queries[i], keys[j], j % 2 ? KERN_KEYS : 3 * kr + 2, spread[s]);
}

/* A NaN in a query spoils that query, one in a key every query, one in a value its column. */
static void attend_nans(struct check *t, enum kern_precision pr)
{
    enum { QUERIES = 5, KEYS = 19 };
    static float q[QUERIES * KERN_HEAD], k[KEYS * KERN_HEAD], v[KEYS * KERN_HEAD], got[QUERIES * KERN_HEAD];
    static float sums[QUERIES];
    for (int bad = 0; bad < 3; bad++)
        for (int block = 10; block <= 20; block += 10) {
            random_fill(q, QUERIES * KERN_HEAD, 1);
            random_fill(k, KEYS * KERN_HEAD, 1);
            random_fill(v, KEYS * KERN_HEAD, 1);
            (bad == 0 ? q + 3 * KERN_HEAD : bad == 1 ? k + 7 * KERN_HEAD : v + 7 * KERN_HEAD)[11] = NAN;
            attend(&t->v->attention[pr], q, k, v, QUERIES, KEYS, block, got, sums);
            for (int i = 0; i < QUERIES; i++)
                for (int d = 0; d < KERN_HEAD; d++) {
                    int spoilt = bad == 0 ? i == 3 : bad == 1 ? 1 : d == 11;
                    if (isfinite(got[i * KERN_HEAD + d]) == spoilt)
                        check_fail(t, "NaN in %s: query %d, number %d is %g", &"q\0k\0v"[2 * bad], i, d,
                                   (double)got[i * KERN_HEAD + d]);
                }
            guard_check(t, "attend");
            guard_free_all();
        }
}

static void attend_f32_case(struct check *t) { attend_cases(t, KERN_F32); }
static void attend_bf16_case(struct check *t) { attend_cases(t, KERN_BF16); }
static void attend_nan_f32_case(struct check *t) { attend_nans(t, KERN_F32); }
static void attend_nan_bf16_case(struct check *t) { attend_nans(t, KERN_BF16); }

const struct check_case check_product_cases[] = {
    {"pack transposes", pack_case},
    {"gemm is the product with its epilogues, f32", gemm_f32_case},
    {"gemm is the product with its epilogues, bf16", gemm_bf16_case},
    {"gemm is the product with its epilogues, int8", gemm_int8_case},
    {"gemm gives a row the same bits anywhere, f32", gemm_place_f32_case},
    {"gemm gives a row the same bits anywhere, bf16", gemm_place_bf16_case},
    {"gemm gives a row the same bits anywhere, int8", gemm_place_int8_case},
    {"gemm hides no NaN, f32", gemm_nan_f32_case},
    {"gemm hides no NaN, bf16", gemm_nan_bf16_case},
    {"gemm hides no NaN, int8", gemm_nan_int8_case},
    {"gemm of the longest rows of 8 bits does not overflow", gemm8_extremes_case},
    {"attend is a softmax in blocks, f32", attend_f32_case},
    {"attend is a softmax in blocks, bf16", attend_bf16_case},
    {"attend hides no NaN, f32", attend_nan_f32_case},
    {"attend hides no NaN, bf16", attend_nan_bf16_case},
    {NULL, NULL},
};
