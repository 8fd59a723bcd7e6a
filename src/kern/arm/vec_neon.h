/* Four floats in a register: NEON of AArch64. The vocabulary that vec_*.h is written in. */
#ifndef ISHOW_KERN_VEC_NEON_H
#define ISHOW_KERN_VEC_NEON_H

#include <arm_neon.h>
#include <stddef.h>

#define VL 4
typedef float32x4_t vf;

static inline vf v_load(const float *p) { return vld1q_f32(p); }
static inline void v_store(float *p, vf a) { vst1q_f32(p, a); }
/* The first n < VL numbers; the rest reads as 0 and is not written. */
static inline vf v_load_n(const float *p, size_t n)
{
    float t[VL] = {0};
    for (size_t i = 0; i < n % VL; i++)
        t[i] = p[i];
    return vld1q_f32(t);
}
static inline void v_store_n(float *p, vf a, size_t n)
{
    float t[VL];
    vst1q_f32(t, a);
    for (size_t i = 0; i < n % VL; i++)
        p[i] = t[i];
}
static inline vf v_set(float x) { return vdupq_n_f32(x); }
static inline vf v_add(vf a, vf b) { return vaddq_f32(a, b); }
static inline vf v_sub(vf a, vf b) { return vsubq_f32(a, b); }
static inline vf v_mul(vf a, vf b) { return vmulq_f32(a, b); }
static inline vf v_div(vf a, vf b) { return vdivq_f32(a, b); }
static inline vf v_fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }  /* a b + c */
static inline vf v_fnma(vf a, vf b, vf c) { return vfmsq_f32(c, a, b); } /* c - a b */
/* When b is NaN the result is. */
static inline vf v_max(vf a, vf b) { return vmaxq_f32(a, b); }
static inline vf v_min(vf a, vf b) { return vminq_f32(a, b); }
static inline vf v_abs(vf a) { return vabsq_f32(a); }
static inline float v_sum(vf a) { return vaddvq_f32(a); }
/* Exchanges the numbers of each pair. */
static inline vf v_swap(vf a) { return vrev64q_f32(a); }
/* a where x is negative, b elsewhere */
static inline vf v_negative(vf x, vf a, vf b) { return vbslq_f32(vcltzq_f32(x), a, b); }
static inline vf v_round(vf a) { return vrndnq_f32(a); }
/* The numbers of pairs of bfloat16, and what bfloat16 makes of a number: to the nearest, ties to even, NaN kept. */
static inline vf v_even(vf pairs) { return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(pairs), 16)); }
static inline vf v_odd(vf pairs)
{
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(pairs), vdupq_n_u32(0xffff0000)));
}
static inline vf v_bf16(vf a)
{
    uint32x4_t u = vreinterpretq_u32_f32(a), odd = vandq_u32(vshrq_n_u32(u, 16), vdupq_n_u32(1));
    uint32x4_t up = vaddq_u32(u, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
    return vbslq_f32(vceqq_f32(a, a), v_odd(vreinterpretq_f32_u32(up)), a);
}
/* a 2^n for whole n in [-250, 250]. In two steps: 2^n itself may be no normal number when the product is. */
static inline vf v_scale(vf a, vf n)
{
    int32x4_t bias = vdupq_n_s32(127), i = vcvtnq_s32_f32(n), half = vshrq_n_s32(i, 1);
    int32x4_t rest = vsubq_s32(i, half);
    a = vmulq_f32(a, vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(half, bias), 23)));
    return vmulq_f32(a, vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(rest, bias), 23)));
}

#endif
