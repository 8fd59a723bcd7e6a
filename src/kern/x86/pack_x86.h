/* Transposition for x86 in blocks of four by four. */
#ifndef ISHOW_KERN_PACK_X86_H
#define ISHOW_KERN_PACK_X86_H

#include <immintrin.h>
#include <stddef.h>

static void v_pack(const float *src, size_t stride, int rows, size_t cols, int width, float *dst)
{
    size_t w = (size_t)width, n = (size_t)rows, i = 0;
    for (; i + 4 <= n; i += 4) {
        const float *s = src + i * stride;
        float *d = dst + i;
        size_t j = 0;
        for (; j + 4 <= cols; j += 4, d += 4 * w) {
            __m128 a = _mm_loadu_ps(s + j), b = _mm_loadu_ps(s + stride + j);
            __m128 c = _mm_loadu_ps(s + 2 * stride + j), e = _mm_loadu_ps(s + 3 * stride + j);
            _MM_TRANSPOSE4_PS(a, b, c, e);
            _mm_storeu_ps(d, a);
            _mm_storeu_ps(d + w, b);
            _mm_storeu_ps(d + 2 * w, c);
            _mm_storeu_ps(d + 3 * w, e);
        }
        for (; j < cols; j++, d += w)
            for (size_t r = 0; r < 4; r++)
                d[r] = s[r * stride + j];
    }
    for (; i < n; i++)
        for (size_t j = 0; j < cols; j++)
            dst[j * w + i] = src[i * stride + j];
}

#endif
