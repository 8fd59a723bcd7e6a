/* Transposition for NEON in blocks of four by four. */
#ifndef ISHOW_KERN_PACK_NEON_H
#define ISHOW_KERN_PACK_NEON_H

#include <arm_neon.h>
#include <stddef.h>

/* Four elements of 4 bytes, for vec_group.h. */
typedef float32x4_t v4;
static inline void v4_store(void *p, v4 a) { vst1q_f32(p, a); }
static inline void v4_transpose(v4 q[4])
{
    float32x4x2_t ab = vtrnq_f32(q[0], q[1]), ce = vtrnq_f32(q[2], q[3]);
    q[0] = vcombine_f32(vget_low_f32(ab.val[0]), vget_low_f32(ce.val[0]));
    q[1] = vcombine_f32(vget_low_f32(ab.val[1]), vget_low_f32(ce.val[1]));
    q[2] = vcombine_f32(vget_high_f32(ab.val[0]), vget_high_f32(ce.val[0]));
    q[3] = vcombine_f32(vget_high_f32(ab.val[1]), vget_high_f32(ce.val[1]));
}

static inline void v_pack(const float *src, size_t stride, int rows, size_t cols, int width, float *dst)
{
    const size_t w = (size_t)width, n = (size_t)rows, whole = cols / 4 * 4;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const float *s = src + i * stride;
        float *d = dst + i;
        for (size_t j = 0; j < whole; j += 4) {
            v4 q[4] = {vld1q_f32(s + j), vld1q_f32(s + stride + j), vld1q_f32(s + 2 * stride + j),
                       vld1q_f32(s + 3 * stride + j)};
            v4_transpose(q);
            for (size_t r = 0; r < 4; r++, d += w)
                v4_store(d, q[r]);
        }
        for (size_t j = whole; j < cols; j++, d += w)
            for (size_t r = 0; r < 4; r++)
                d[r] = s[r * stride + j];
    }
    for (; i < n; i++)
        for (size_t j = 0; j < cols; j++)
            dst[j * w + i] = src[i * stride + j];
}

#endif
