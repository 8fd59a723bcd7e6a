/* Activations and what works row by row: the specification (see kern.h). */
#include "kern/spec_c.h"

#include <math.h>
#include <string.h>

#define SQRT_HALF 0.70710678f
#define SQRT_2_OVER_PI 0.79788456f

float act_one_c(enum kern_act act, float x)
{
    switch (act) {
    case KERN_ACT_SILU:
        return x / (1 + expf(-x));
    case KERN_ACT_GELU_ERF:
        return x * 0.5f * erfcf(-x * SQRT_HALF);
    case KERN_ACT_GELU_TANH:
        return x * 0.5f * (1 + tanhf(SQRT_2_OVER_PI * (x + 0.044715f * x * x * x)));
    case KERN_ACT_MISH:
        return x * tanhf(x > 20 ? x : log1pf(expf(x)));
    default:
        return x;
    }
}

static void act_c(enum kern_act act, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = act_one_c(act, x[i]);
}

static void add_c(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

static void euler_c(float *x, const float *c, const float *u, float cfg, float dt, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] += dt * (u ? c[i] + (c[i] - u[i]) * cfg : c[i]);
}

static void norm_c(const float *x, size_t n, float eps, const float *scale, const float *shift, float *y)
{
    double mean = 0, var = 0;
    for (size_t i = 0; i < n; i++)
        mean += x[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++)
        var += (x[i] - mean) * (x[i] - mean);
    double r = 1 / sqrt(var / (double)n + (double)eps);
    for (size_t i = 0; i < n; i++)
        y[i] = (float)((x[i] - mean) * r) * scale[i] + shift[i];
}

static void dwconv_c(const float *w, const float *b, const float *x, int taps, size_t cols, float *y)
{
    memcpy(y, b, cols * sizeof *y);
    for (int t = 0; t < taps; t++, w += cols, x += cols)
        for (size_t c = 0; c < cols; c++)
            y[c] += w[c] * x[c];
}

static void sum_squares_c(const float *x, size_t stride, size_t rows, size_t cols, float *acc)
{
    for (size_t r = 0; r < rows; r++, x += stride)
        for (size_t c = 0; c < cols; c++)
            acc[c] += x[c] * x[c];
}

static void grn_c(float *x, const float *g, const float *gamma, const float *beta, size_t cols)
{
    for (size_t c = 0; c < cols; c++)
        x[c] += gamma[c] * (x[c] * g[c]) + beta[c];
}

static void rope_c(float *x, int heads, int rope_heads, const float *cs, const float *sn, const float *gain)
{
    for (int h = 0; h < heads; h++, x += KERN_HEAD) {
        if (gain) {
            double sum = 0;
            for (int i = 0; i < KERN_HEAD; i++)
                sum += (double)x[i] * x[i];
            float r = (float)(1 / sqrt(sum / KERN_HEAD + 1e-6));
            for (int i = 0; i < KERN_HEAD; i++)
                x[i] = x[i] * r * gain[i];
        }
        if (h < rope_heads)
            for (int i = 0; i < KERN_HEAD; i += 2) {
                float a = x[i], b = x[i + 1];
                x[i] = a * cs[i] + b * sn[i];
                x[i + 1] = b * cs[i + 1] + a * sn[i + 1];
            }
    }
}

void kern_init_c(struct kern *k)
{
    kern_init_gemm_c(k);
    kern_init_dot_c(k);
    k->act = act_c;
    k->add = add_c;
    k->euler = euler_c;
    k->norm = norm_c;
    k->dwconv = dwconv_c;
    k->sum_squares = sum_squares_c;
    k->grn = grn_c;
    k->rope = rope_c;
}
