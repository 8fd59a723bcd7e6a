/* What works row by row or element by element, over any vector width: included by each instruction
 * set's file after vec_act.h. */

#include <math.h>

static void v_act_run(enum kern_act act, float *x, size_t n)
{
    for (size_t i = 0; i < n; i += VL)
        v_put(x + i, v_act(act, v_get(x + i, n - i)), n - i);
}

static void v_add_run(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i += VL)
        v_put(y + i, v_add(v_get(y + i, n - i), v_get(x + i, n - i)), n - i);
}

static void v_euler(float *x, const float *c, const float *u, float cfg, float dt, size_t n)
{
    vf step = v_set(dt), guide = v_set(cfg);
    for (size_t i = 0; i < n; i += VL) {
        vf v = v_get(c + i, n - i);
        if (u)
            v = v_fma(v_sub(v, v_get(u + i, n - i)), guide, v);
        v_put(x + i, v_fma(step, v, v_get(x + i, n - i)), n - i);
    }
}

static void v_norm(const float *x, size_t n, float eps, const float *scale, const float *shift, float *y)
{
    /* four sums at once: one addition after the other would wait for each */
    vf s[4] = {v_set(0), v_set(0), v_set(0), v_set(0)};
    size_t i = 0;
    for (; i + 4 * VL <= n; i += 4 * VL)
        for (size_t j = 0; j < 4; j++)
            s[j] = v_add(s[j], v_load(x + i + j * VL));
    for (; i < n; i += VL)
        s[0] = v_add(s[0], v_get(x + i, n - i));
    float mean = v_sum(v_add(v_add(s[0], s[1]), v_add(s[2], s[3]))) / (float)n;

    vf m = v_set(mean);
    s[0] = s[1] = s[2] = s[3] = v_set(0);
    for (i = 0; i + 4 * VL <= n; i += 4 * VL)
        for (size_t j = 0; j < 4; j++) {
            vf d = v_sub(v_load(x + i + j * VL), m);
            s[j] = v_fma(d, d, s[j]);
        }
    for (; i + VL <= n; i += VL) {
        vf d = v_sub(v_load(x + i), m);
        s[0] = v_fma(d, d, s[0]);
    }
    float var = v_sum(v_add(v_add(s[0], s[1]), v_add(s[2], s[3])));
    for (; i < n; i++)
        var += (x[i] - mean) * (x[i] - mean);

    vf r = v_set(1 / sqrtf(var / (float)n + eps));
    for (i = 0; i < n; i += VL) {
        vf d = v_mul(v_sub(v_get(x + i, n - i), m), r);
        v_put(y + i, v_fma(d, v_get(scale + i, n - i), v_get(shift + i, n - i)), n - i);
    }
}

static void v_dwconv(const float *w, const float *b, const float *x, int taps, size_t cols, float *y)
{
    for (size_t c = 0; c < cols; c += VL) {
        vf sum = v_get(b + c, cols - c);
        for (size_t t = 0; t < (size_t)taps; t++)
            sum = v_fma(v_get(w + t * cols + c, cols - c), v_get(x + t * cols + c, cols - c), sum);
        v_put(y + c, sum, cols - c);
    }
}

static void v_sum_squares(const float *x, size_t stride, size_t rows, size_t cols, float *acc)
{
    for (size_t r = 0; r < rows; r++, x += stride)
        for (size_t c = 0; c < cols; c += VL) {
            vf v = v_get(x + c, cols - c);
            v_put(acc + c, v_fma(v, v, v_get(acc + c, cols - c)), cols - c);
        }
}

static void v_grn(float *x, const float *g, const float *gamma, const float *beta, size_t cols)
{
    for (size_t c = 0; c < cols; c += VL) {
        vf v = v_get(x + c, cols - c), scaled = v_mul(v, v_get(g + c, cols - c));
        vf change = v_fma(v_get(gamma + c, cols - c), scaled, v_get(beta + c, cols - c));
        v_put(x + c, v_add(v, change), cols - c);
    }
}

static void v_rope(float *x, int heads, int rope_heads, const float *cs, const float *sn, const float *gain)
{
    for (int h = 0; h < heads; h++, x += KERN_HEAD) {
        if (gain) {
            vf s = v_set(0);
            for (size_t i = 0; i < KERN_HEAD; i += VL)
                s = v_fma(v_load(x + i), v_load(x + i), s);
            vf r = v_set(1 / sqrtf(v_sum(s) / KERN_HEAD + 1e-6f));
            for (size_t i = 0; i < KERN_HEAD; i += VL)
                v_store(x + i, v_mul(v_mul(v_load(x + i), r), v_load(gain + i)));
        }
        for (size_t i = 0; i < KERN_HEAD && h < rope_heads; i += VL) {
            vf v = v_load(x + i);
            v_store(x + i, v_fma(v, v_load(cs + i), v_mul(v_swap(v), v_load(sn + i))));
        }
    }
}
