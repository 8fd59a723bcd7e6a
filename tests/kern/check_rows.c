/* Activations and row operations against the specification, and the activations' error bounds
 * against libm in double over the whole range of floats. */
#include "kerncheck.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const size_t lengths[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 64, 65, 100, 515, 1024};
#define LENGTHS (sizeof lengths / sizeof *lengths)
static const float sizes[] = {1, 1e-12f, 1e+9f};

static double act_exact(enum kern_act act, double x)
{
    switch (act) {
    case KERN_ACT_SILU:
        return x / (1 + exp(-x));
    case KERN_ACT_GELU_ERF:
        return x / 2 * erfc(-x / sqrt(2));
    case KERN_ACT_GELU_TANH:
        return x / (1 + exp(-2 * sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case KERN_ACT_MISH:
        return x * tanh(x > 40 ? x : log1p(exp(x)));
    default:
        return x;
    }
}

/* The bounds that vec_act.h states, in units of FLT_EPSILON, relative to the result or to |x|. The C
 * versions subtract where PyTorch's formulas do, and are held to |x| throughout. */
static const struct bound {
    double of_result, of_x;
} bounds[KERN_ACT_COUNT] = {{0, 0}, {4, 0}, {0, 3}, {0, 2}, {4, 0}};

static void act_accuracy(struct check *t, enum kern_act act)
{
    enum { CHUNK = 4096 };
    static float x[CHUNK], y[CHUNK];
    int is_c = strcmp(t->v->name, "c") == 0;
    double worst = 0;
    uint32_t bits = 0;
    for (int done = 0; !done;) {
        size_t n = 0;
        for (; n < CHUNK && !done; n++) {
            memcpy(&x[n], &bits, sizeof bits);
            y[n] = x[n];
            done = bits > UINT32_MAX - 4099;
            bits += 4099; /* a prime: about a million floats, all exponents, both signs, NaNs */
        }
        t->v->act(act, y, n);
        for (size_t i = 0; i < n; i++) {
            double want = act_exact(act, (double)x[i]), size = fabs((double)x[i]);
            if (!isfinite(x[i])) {
                check_close(t, "act", i, y[i], (float)want, 0);
                continue;
            }
            double limit = is_c ? 4 * size : bounds[act].of_result * fabs(want) + bounds[act].of_x * size;
            limit = limit * FLT_EPSILON + 1e-36; /* exp(-x) overflows before x / exp(-x) is quite 0 */
            check_close(t, "act", i, y[i], (float)want, limit);
            worst = fmax(worst, fabs((double)y[i] - want) / limit);
        }
    }
    printf("# worst error: %.2f of the bound\n", worst);
}

static void silu_case(struct check *t) { act_accuracy(t, KERN_ACT_SILU); }
static void gelu_erf_case(struct check *t) { act_accuracy(t, KERN_ACT_GELU_ERF); }
static void gelu_tanh_case(struct check *t) { act_accuracy(t, KERN_ACT_GELU_TANH); }
static void mish_case(struct check *t) { act_accuracy(t, KERN_ACT_MISH); }

/* Infinities and zeros give what the formulas' limits or PyTorch's do. */
static void act_special_case(struct check *t)
{
    for (int act = 1; act < KERN_ACT_COUNT; act++) {
        float x[3] = {INFINITY, 0, NAN};
        t->v->act((enum kern_act)act, x, 3);
        if (x[0] != INFINITY || x[1] != 0 || !isnan(x[2]))
            check_fail(t, "activation %d of inf, 0, NaN: %g %g %g", act, (double)x[0], (double)x[1], (double)x[2]);
    }
}

/* A number's result does not depend on where in the row it stands. */
static void act_place_case(struct check *t)
{
    for (int act = 0; act < KERN_ACT_COUNT; act++)
        for (size_t l = 0; l < LENGTHS; l++) {
            size_t n = lengths[l];
            float *x = guard_alloc(n, 0), *one = guard_alloc(1, 0), *in = guard_alloc(n, 0);
            random_fill(in, n, 5);
            memcpy(x, in, n * sizeof *x);
            t->v->act((enum kern_act)act, x, n);
            for (size_t i = 0; i < n; i++) {
                *one = in[i];
                t->v->act((enum kern_act)act, one, 1);
                check_close(t, "act", i, x[i], *one, 0);
            }
            guard_check(t, "act");
            guard_free_all();
        }
}

static void element_case(struct check *t)
{
    for (size_t z = 0; z < 3; z++)
        for (size_t l = 0; l < LENGTHS; l++) {
            size_t n = lengths[l];
            float *x[4], *c = guard_alloc(n, 0), *u = guard_alloc(n, 0);
            for (int i = 0; i < 4; i++) {
                x[i] = guard_alloc(n, 0);
                random_fill(x[i], n, sizes[z]);
                if (i % 2)
                    memcpy(x[i], x[i - 1], n * sizeof(float));
            }
            random_fill(c, n, sizes[z]);
            random_fill(u, n, sizes[z]);
            t->v->add(x[0], c, n);
            t->c->add(x[1], c, n);
            t->v->euler(x[2], c, u, 2.3f, 0.11f, n);
            t->c->euler(x[3], c, u, 2.3f, 0.11f, n);
            t->v->euler(x[2], c, NULL, 2.3f, 0.11f, n);
            t->c->euler(x[3], c, NULL, 2.3f, 0.11f, n);
            for (size_t i = 0; i < n; i++) {
                check_close(t, "add", i, x[0][i], x[1][i], 0);
                /* a handful of roundings of numbers below 3 sizes */
                check_close(t, "euler", i, x[2][i], x[3][i], 6.0 * FLT_EPSILON * (double)sizes[z]);
            }
            guard_check(t, "euler");
            guard_free_all();
        }
}

static void norm_case(struct check *t)
{
    for (size_t z = 0; z < 3; z++)
        for (size_t l = 0; l < LENGTHS; l++) {
            size_t n = lengths[l];
            float *x = guard_alloc(n, 0), *scale = guard_alloc(n, 0), *shift = guard_alloc(n, 0);
            float *got = guard_alloc(n, 0), *want = guard_alloc(n, 0);
            random_fill(x, n, sizes[z]);
            random_fill(scale, n, 2);
            random_fill(shift, n, 2);
            t->v->norm(x, n, 1e-6f, scale, shift, got);
            t->c->norm(x, n, 1e-6f, scale, shift, want);
            /* A normalised number is below sqrt(n). The mean's rounding (n / VL partial sums, few
             * roundings each) is below eps of the deviation, as the rows' mean is below it. */
            for (size_t i = 0; i < n; i++)
                check_close(t, "norm", i, got[i], want[i],
                            FLT_EPSILON * (8 * fabs((double)(want[i] - shift[i])) + 16));
            t->v->norm(x, n, 1e-6f, scale, shift, x);
            if (memcmp(x, got, n * sizeof *x) != 0)
                check_fail(t, "norm of %zu in place differs", n);
            guard_check(t, "norm");
            guard_free_all();
        }
}

static void dwconv_case(struct check *t)
{
    for (int taps = 1; taps <= 7; taps++)
        for (size_t l = 0; l < LENGTHS; l++) {
            size_t n = lengths[l], m = n * (size_t)taps;
            float *w = guard_alloc(m, 0), *b = guard_alloc(n, 0), *x = guard_alloc(m, 0);
            float *got = guard_alloc(n, 0), *want = guard_alloc(n, 0);
            random_fill(w, m, 1);
            random_fill(b, n, 1);
            random_fill(x, m, 3);
            t->v->dwconv(w, b, x, taps, n, got);
            t->c->dwconv(w, b, x, taps, n, want);
            for (size_t i = 0; i < n; i++) /* `taps` sums of numbers below 1 + 3 taps */
                check_close(t, "dwconv", i, got[i], want[i], FLT_EPSILON * taps * (1 + 3 * taps));
            guard_check(t, "dwconv");
            guard_free_all();
        }
}

static void grn_case(struct check *t)
{
    for (size_t l = 0; l < LENGTHS; l++) {
        size_t n = lengths[l], rows = 1 + l * 13, stride = n + l % 3, m = (rows - 1) * stride + n;
        float *x = guard_alloc(m, 0), *gamma = guard_alloc(n, 0), *beta = guard_alloc(n, 0);
        float *got = guard_alloc(n, 0), *want = guard_alloc(n, 0);
        random_fill(x, m, 2);
        random_fill(gamma, n, 1);
        random_fill(beta, n, 1);
        random_fill(got, n, 1);
        memcpy(want, got, n * sizeof *got);
        t->v->sum_squares(x, stride, rows, n, got);
        t->c->sum_squares(x, stride, rows, n, want);
        for (size_t i = 0; i < n; i++) /* `rows` additions in the same order, fused or not */
            check_close(t, "sum of squares", i, got[i], want[i],
                        FLT_EPSILON * sqrt((double)rows) * (1 + 4 * (double)rows));
        for (size_t i = 0; i < n; i++)
            got[i] = want[i] = 2 * x[i];
        float *g = guard_alloc(n, 0);
        random_fill(g, n, 3);
        t->v->grn(got, g, gamma, beta, n);
        t->c->grn(want, g, gamma, beta, n);
        for (size_t i = 0; i < n; i++) /* |x| <= 4, |gamma x g| <= 12: three roundings of either sum */
            check_close(t, "grn", i, got[i], want[i], FLT_EPSILON * 3 * 17);
        guard_check(t, "grn");
        guard_free_all();
    }
}

static void rope_case(struct check *t)
{
    for (size_t z = 0; z < 3; z++)
        for (int c = 0; c < 8; c++) {
            int heads = 1 + c % 3, rope_heads = c & 1 ? heads : 1;
            size_t n = (size_t)(heads * KERN_HEAD);
            float *got = guard_alloc(n, 0), *want = guard_alloc(n, 0), *gain = guard_alloc(KERN_HEAD, 0);
            float *cs = guard_alloc(KERN_HEAD, 0), *sn = guard_alloc(KERN_HEAD, 0);
            random_fill(got, n, sizes[z]);
            memcpy(want, got, n * sizeof *got);
            random_fill(gain, KERN_HEAD, 2);
            random_fill(cs, KERN_HEAD, 1);
            random_fill(sn, KERN_HEAD, 1);
            t->v->rope(got, heads, rope_heads, cs, sn, c & 4 ? gain : NULL);
            t->c->rope(want, heads, rope_heads, cs, sn, c & 4 ? gain : NULL);
            /* normalised numbers are below 8 (sqrt of 64), times a gain below 2, two of them */
            double size = c & 4 ? 32 : 2 * (double)sizes[z];
            for (size_t i = 0; i < n; i++)
                check_close(t, "rope", i, got[i], want[i], FLT_EPSILON * 4 * size);
            guard_check(t, "rope");
            guard_free_all();
        }
}

const struct check_case check_row_cases[] = {
    {"SiLU within its bound", silu_case},
    {"GELU (erf) within its bound", gelu_erf_case},
    {"GELU (tanh) within its bound", gelu_tanh_case},
    {"Mish within its bound", mish_case},
    {"activations of infinity, zero and NaN", act_special_case},
    {"activations do not depend on the place", act_place_case},
    {"add and euler", element_case},
    {"norm", norm_case},
    {"dwconv", dwconv_case},
    {"sum of squares and grn", grn_case},
    {"rope", rope_case},
    {NULL, NULL},
};
