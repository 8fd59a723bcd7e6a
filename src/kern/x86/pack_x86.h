/* Transposition for x86 in blocks of four by four. */
#ifndef ISHOW_KERN_PACK_X86_H
#define ISHOW_KERN_PACK_X86_H

#include <immintrin.h>
#include <stddef.h>

/* Four elements of 4 bytes, for vec_group.h. */
typedef __m128 v4;
static inline void v4_store(void *p, v4 a) { _mm_storeu_ps(p, a); }
static inline void v4_transpose(v4 q[4]) { _MM_TRANSPOSE4_PS(q[0], q[1], q[2], q[3]); }

static inline void v_pack(const float *src, size_t stride, int rows, size_t cols, int width, float *dst)
{
    const size_t w = (size_t)width, n = (size_t)rows, whole = cols / 4 * 4;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const float *s = src + i * stride;
        float *d = dst + i;
        for (size_t j = 0; j < whole; j += 4, d += 4 * w) {
            __m128 a = _mm_loadu_ps(s + j), b = _mm_loadu_ps(s + stride + j);
            __m128 c = _mm_loadu_ps(s + 2 * stride + j), e = _mm_loadu_ps(s + 3 * stride + j);
            _MM_TRANSPOSE4_PS(a, b, c, e);
            _mm_storeu_ps(d, a);
            _mm_storeu_ps(d + w, b);
            _mm_storeu_ps(d + 2 * w, c);
            _mm_storeu_ps(d + 3 * w, e);
        }
        for (size_t j = whole; j < cols; j++, d += w) {
            d[0] = s[j];
            d[1] = s[stride + j];
            d[2] = s[2 * stride + j];
            d[3] = s[3 * stride + j];
        }
    }
    for (; i < n; i++)
        for (size_t j = 0; j < cols; j++)
            dst[j * w + i] = src[i * stride + j];
}

#endif
