/* Eight floats in a register: AVX2 with FMA. The vocabulary that vec_*.h is written in. */
#ifndef ISHOW_KERN_VEC_AVX2_H
#define ISHOW_KERN_VEC_AVX2_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VL 8
typedef __m256 vf;

static inline __m256i v_mask(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline vf v_load(const float *p) { return _mm256_loadu_ps(p); }
static inline void v_store(float *p, vf a) { _mm256_storeu_ps(p, a); }
/* The first n < VL numbers; the rest reads as 0 and is not written. */
static inline vf v_load_n(const float *p, size_t n) { return _mm256_maskload_ps(p, v_mask(n)); }
static inline void v_store_n(float *p, vf a, size_t n) { _mm256_maskstore_ps(p, v_mask(n), a); }
static inline vf v_set(float x) { return _mm256_set1_ps(x); }
/* Four bytes, whatever they mean, in every place. */
static inline vf v_repeat(const void *p)
{
    int32_t bits;
    memcpy(&bits, p, sizeof bits);
    return _mm256_castsi256_ps(_mm256_set1_epi32(bits));
}
static inline vf v_add(vf a, vf b) { return _mm256_add_ps(a, b); }
static inline vf v_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
static inline vf v_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
static inline vf v_div(vf a, vf b) { return _mm256_div_ps(a, b); }
static inline vf v_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }   /* a b + c */
static inline vf v_fnma(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); } /* c - a b */
/* When b is NaN the result is. */
static inline vf v_max(vf a, vf b) { return _mm256_max_ps(a, b); }
static inline vf v_min(vf a, vf b) { return _mm256_min_ps(a, b); }
static inline vf v_abs(vf a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
static inline float v_sum(vf a)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
/* Exchanges the numbers of each pair. */
static inline vf v_swap(vf a) { return _mm256_permute_ps(a, 0xB1); }
/* a where x is negative, b elsewhere */
static inline vf v_negative(vf x, vf a, vf b)
{
    return _mm256_blendv_ps(b, a, _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_LT_OQ));
}
static inline vf v_round(vf a)
{
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
/* The numbers of pairs of bfloat16, and what bfloat16 makes of a number: to the nearest, ties to even, NaN kept. */
static inline vf v_even(vf pairs) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(pairs), 16)); }
static inline vf v_odd(vf pairs) /* without a mask, for which a tile has no register left */
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_srli_epi32(_mm256_castps_si256(pairs), 16), 16));
}
static inline vf v_bf16(vf a)
{
    __m256i u = _mm256_castps_si256(a), odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
    __m256i up = _mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    vf cut = v_odd(_mm256_castsi256_ps(up));
    return _mm256_blendv_ps(cut, a, _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
}
/* a 2^n for whole n in [-250, 250]. In two steps: 2^n itself may be no normal number when the product is. */
static inline vf v_scale(vf a, vf n)
{
    __m256i bias = _mm256_set1_epi32(127), i = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(i, 1);
    __m256i rest = _mm256_sub_epi32(i, half);
    a = _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23)));
    return _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23)));
}

#endif
