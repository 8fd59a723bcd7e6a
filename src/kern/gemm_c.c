/* Packing, matrix product and attention: the specification (see kern.h). */
#include "kern/spec_c.h"

#include <math.h>

#define MR 4
#define NR 16
#define KR 4

static void pack_c(const float *src, size_t stride, int rows, size_t cols, int width, float *dst)
{
    for (size_t j = 0; j < cols; j++)
        for (int i = 0; i < rows; i++)
            dst[j * (size_t)width + (size_t)i] = src[(size_t)i * stride + j];
}

/* acc = a b over k. The fixed bounds let the compiler keep acc in registers. */
static inline void tile_c(const float *restrict a, const float *restrict b, size_t k, float acc[MR][NR])
{
    float t[MR][NR] = {{0}};
    for (size_t p = 0; p < k; p++, a += MR, b += NR)
        for (int i = 0; i < MR; i++)
            for (int j = 0; j < NR; j++)
                t[i][j] += a[i] * b[j];
    for (int i = 0; i < MR; i++)
        for (int j = 0; j < NR; j++)
            acc[i][j] = t[i][j];
}

static void gemm_c(const float *a, const float *b, size_t k, const struct kern_out *out, int rows, int cols,
                   float *c, size_t ldc)
{
    float t[MR][NR];
    tile_c(a, b, k, t);
    for (int i = 0; i < rows; i++, c += ldc)
        for (int j = 0; j < cols; j++) {
            float y = t[i][j] + (out->bias ? out->bias[j] : 0.0f);
            if (out->add)
                c[j] += out->gate ? out->gate[j] * y : y;
            else
                c[j] = act_one_c(out->act, y);
        }
}

static void attend_c(const float *q, const float *k, const float *v, int keys, struct kern_attend *st)
{
    float t[KR][NR], peak[NR], shrink[NR];
    for (int j = 0; j < NR; j++)
        peak[j] = st->max[j];
    for (int r = 0; r < keys; r += KR) {
        tile_c(k + (size_t)r * KERN_HEAD, q, KERN_HEAD, t);
        for (int i = 0; i < KR && r + i < keys; i++)
            for (int j = 0; j < NR; j++) {
                st->p[(r + i) * NR + j] = t[i][j];
                peak[j] = t[i][j] > peak[j] ? t[i][j] : peak[j];
            }
    }
    for (int j = 0; j < NR; j++) {
        shrink[j] = expf((st->max[j] - peak[j]) / 8);
        st->max[j] = peak[j];
        st->sum[j] *= shrink[j];
    }
    for (int r = 0; r < keys; r++)
        for (int j = 0; j < NR; j++) {
            float p = expf((st->p[r * NR + j] - peak[j]) / 8);
            st->p[r * NR + j] = p;
            st->sum[j] += p;
        }
    for (int d = 0; d < KERN_HEAD; d += KR, v += (size_t)keys * KR) {
        tile_c(v, st->p, (size_t)keys, t);
        for (int i = 0; i < KR; i++)
            for (int j = 0; j < NR; j++)
                st->o[(d + i) * NR + j] = st->o[(d + i) * NR + j] * shrink[j] + t[i][j];
    }
}

void kern_init_gemm_c(struct kern *k)
{
    k->mr = MR;
    k->nr = NR;
    k->kr = KR;
    k->pack = pack_c;
    k->gemm = gemm_c;
    k->attend = attend_c;
}
