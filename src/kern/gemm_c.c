/* Packing, matrix product and attention in f32: the specification (see kern.h). */
#include "kern/spec_c.h"

#include <math.h>
#include <string.h>

#define MR C_MR
#define NR C_NR
#define KR C_KR

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

void finish_c(float t[MR][NR], const struct kern_out *out, int rows, int cols, float *c, size_t ldc)
{
    for (int i = 0; i < rows; i++, c += ldc)
        for (int j = 0; j < cols; j++) {
            float y = t[i][j] + (out->bias ? out->bias[j] : 0.0f);
            if (out->add)
                c[j] += out->gate ? out->gate[j] * y : y;
            else
                c[j] = act_one_c(out->act, y);
        }
}

static void pack_rows_c(const float *src, size_t stride, int rows, size_t k, void *a)
{
    pack_c(src, stride, rows, k, MR, a);
}

static void gemm_c(const void *a, const void *b, size_t k, const struct kern_out *out, int rows, int cols,
                   float *c, size_t ldc)
{
    float t[MR][NR];
    tile_c(a, b, k, t);
    finish_c(t, out, rows, cols, c, ldc);
}

static void pack_head_c(const float *src, size_t stride, int rows, int width, void *dst)
{
    pack_c(src, stride, rows, KERN_HEAD, width, dst);
}

static void pack_v_c(const float *v, size_t stride, int keys, void *dst)
{
    float *to = dst;
    for (int d = 0; d < KERN_HEAD; d += KR)
        for (int r = 0; r < keys; r++, to += KR)
            memcpy(to, v + (size_t)r * stride + d, KR * sizeof *to);
}

static void attend_c(const void *queries, const void *key_panels, const void *values, int keys, struct kern_attend *st)
{
    const float *q = queries, *k = key_panels, *v = values;
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
    k->pack = pack_c;
    k->product[KERN_F32] = (struct kern_product){.mr = MR, .nr = NR, .group = 1, .a_width = 4, .b_width = 4,
                                                 .pack = pack_rows_c, .gemm = gemm_c};
    k->attention[KERN_F32] = (struct kern_attention){
        .nr = NR, .kr = KR, .group = 1, .pack = pack_head_c, .pack_v = pack_v_c, .attend = attend_c};
}
