/* Sixteen floats in a register: AVX-512 (F, BW, DQ, VL). The vocabulary that vec_*.h is written in. */
#ifndef ISHOW_KERN_VEC_AVX512_H
#define ISHOW_KERN_VEC_AVX512_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VL 16
typedef __m512 vf;

static inline __mmask16 v_mask(size_t n)
{
    return (__mmask16)((1u << n) - 1);
}

static inline vf v_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void v_store(float *p, vf a) { _mm512_storeu_ps(p, a); }
/* The first n < VL numbers; the rest reads as 0 and is not written. */
static inline vf v_load_n(const float *p, size_t n) { return _mm512_maskz_loadu_ps(v_mask(n), p); }
static inline void v_store_n(float *p, vf a, size_t n) { _mm512_mask_storeu_ps(p, v_mask(n), a); }
static inline vf v_set(float x) { return _mm512_set1_ps(x); }
/* Four bytes, whatever they mean, in every place. */
static inline vf v_repeat(const void *p)
{
    int32_t bits;
    memcpy(&bits, p, sizeof bits);
    return _mm512_castsi512_ps(_mm512_set1_epi32(bits));
}
static inline vf v_add(vf a, vf b) { return _mm512_add_ps(a, b); }
static inline vf v_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
static inline vf v_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
static inline vf v_div(vf a, vf b) { return _mm512_div_ps(a, b); }
static inline vf v_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }   /* a b + c */
static inline vf v_fnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); } /* c - a b */
/* When b is NaN the result is. */
static inline vf v_max(vf a, vf b) { return _mm512_max_ps(a, b); }
static inline vf v_min(vf a, vf b) { return _mm512_min_ps(a, b); }
static inline vf v_abs(vf a) { return _mm512_abs_ps(a); }
static inline float v_sum(vf a) { return _mm512_reduce_add_ps(a); }
/* Exchanges the numbers of each pair. */
static inline vf v_swap(vf a) { return _mm512_permute_ps(a, 0xB1); }
/* a where x is negative, b elsewhere */
static inline vf v_negative(vf x, vf a, vf b)
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ), b, a);
}
static inline vf v_round(vf a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
/* The numbers of pairs of bfloat16, and what bfloat16 makes of a number: to the nearest, ties to even, NaN kept. */
static inline vf v_even(vf pairs) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(pairs), 16)); }
static inline vf v_odd(vf pairs)
{
    return _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(pairs), _mm512_set1_epi32(-65536)));
}
static inline vf v_bf16(vf a)
{
    __m512i u = _mm512_castps_si512(a), odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
    __m512i up = _mm512_add_epi32(u, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    vf cut = v_odd(_mm512_castsi512_ps(up));
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), cut, a);
}
/* a 2^n for whole n */
static inline vf v_scale(vf a, vf n) { return _mm512_scalef_ps(a, n); }

#endif
