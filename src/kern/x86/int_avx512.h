/* Integers beside the floats of vec_avx512.h, for products of 8 bits. */
#ifndef ISHOW_KERN_INT_AVX512_H
#define ISHOW_KERN_INT_AVX512_H

#include "kern/x86/vec_avx512.h"

/* Not __m512i, which counts in 64 bits: gcc 12 would copy every sum of a tile back and forth. */
typedef int32_t vi __attribute__((vector_size(64)));
static inline vi v_int_load(const int32_t *p) { return (vi)_mm512_loadu_si512(p); }
static inline vi v_int_add(vi a, vi b) { return a + b; }
static inline vf v_float(vi a) { return _mm512_cvtepi32_ps((__m512i)a); }

/* The largest absolute value of a row; a NaN is larger than all. */
static inline float v_most(const float *x, size_t n)
{
    __m512i most = _mm512_setzero_si512();
    for (size_t i = 0; i < n; i += VL) {
        vf v = n - i >= VL ? v_load(x + i) : v_load_n(x + i, n - i);
        most = _mm512_max_epi32(most, _mm512_castps_si512(v_abs(v)));
    }
    int32_t bits = _mm512_reduce_max_epi32(most);
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

#endif
