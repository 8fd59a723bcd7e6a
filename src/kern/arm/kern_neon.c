/* The kernels for NEON. A tile of 12 rows by 2 vectors fills 24 of the 32 registers; a multiply-add takes
 * one number of `a` by its lane, so that a step of k needs 5 loads for its 24 multiply-adds. */
#include "kern/kern.h"

#include "kern/arm/vec_neon.h"

#include "kern/vec_act.h"
#include "kern/vec_rows.h"

static void v_pack(const float *src, size_t stride, int rows, size_t cols, int width, float *dst)
{
    size_t w = (size_t)width, n = (size_t)rows, i = 0;
    for (; i + 4 <= n; i += 4) {
        const float *s = src + i * stride;
        float *d = dst + i;
        size_t j = 0;
        for (; j + 4 <= cols; j += 4, d += 4 * w) {
            float32x4x2_t ab = vtrnq_f32(vld1q_f32(s + j), vld1q_f32(s + stride + j));
            float32x4x2_t ce = vtrnq_f32(vld1q_f32(s + 2 * stride + j), vld1q_f32(s + 3 * stride + j));
            vst1q_f32(d, vcombine_f32(vget_low_f32(ab.val[0]), vget_low_f32(ce.val[0])));
            vst1q_f32(d + w, vcombine_f32(vget_low_f32(ab.val[1]), vget_low_f32(ce.val[1])));
            vst1q_f32(d + 2 * w, vcombine_f32(vget_high_f32(ab.val[0]), vget_high_f32(ce.val[0])));
            vst1q_f32(d + 3 * w, vcombine_f32(vget_high_f32(ab.val[1]), vget_high_f32(ce.val[1])));
        }
        for (; j < cols; j++, d += w)
            for (size_t r = 0; r < 4; r++)
                d[r] = s[r * stride + j];
    }
    for (; i < n; i++)
        for (size_t j = 0; j < cols; j++)
            dst[j * w + i] = src[i * stride + j];
}

#define MR 12
#define KR 8
#define NV 2

/* Unrolled before the compiler decides what may live in registers. */
#define UNROLL _Pragma("GCC unroll 16")

#define LANE(I)                                                                                      \
    UNROLL                                                                                           \
    for (int j = 0; j < NV; j++)                                                                     \
        acc[4 * g + (I)][j] = vfmaq_laneq_f32(acc[4 * g + (I)][j], w[j], x, I)

#define TILE(NAME, ROWS)                                                                             \
    static inline __attribute__((always_inline)) void NAME(const float *a, const float *b, size_t k, \
                                                           vf t[ROWS][NV])                           \
    {                                                                                                \
        vf acc[ROWS][NV];                                                                            \
        UNROLL                                                                                       \
        for (int i = 0; i < ROWS; i++)                                                               \
            UNROLL                                                                                   \
            for (int j = 0; j < NV; j++)                                                             \
                acc[i][j] = v_set(0);                                                                \
        for (; k; k--, a += ROWS, b += NV * VL) {                                                    \
            vf w[NV];                                                                                \
            UNROLL                                                                                   \
            for (int j = 0; j < NV; j++)                                                             \
                w[j] = v_load(b + j * VL);                                                           \
            UNROLL                                                                                   \
            for (int g = 0; g < ROWS / 4; g++) {                                                     \
                vf x = v_load(a + 4 * g);                                                            \
                LANE(0);                                                                             \
                LANE(1);                                                                             \
                LANE(2);                                                                             \
                LANE(3);                                                                             \
            }                                                                                        \
        }                                                                                            \
        UNROLL                                                                                       \
        for (int i = 0; i < ROWS; i++)                                                               \
            UNROLL                                                                                   \
            for (int j = 0; j < NV; j++)                                                             \
                t[i][j] = acc[i][j];                                                                 \
    }

TILE(v_tile_gemm, MR)
TILE(v_tile_attend, KR)

#include "kern/vec_gemm.h"

void kern_init_neon(struct kern *k)
{
    v_table(k);
}
