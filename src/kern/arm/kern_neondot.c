/* What ARM's dot product extension adds to NEON: products of four 8-bit numbers at once, summed in 32 bits. */
#include "kern/kern.h"

#include "kern/arm/pack_neon.h"
#include "kern/arm/vec_neon.h"

#include "kern/vec_act.h"
#include "kern/vec_group.h"

#define MR 12
#define NV 2
#include "kern/arm/tile_neon.h"

#include "kern/vec_finish.h"

typedef int32x4_t vi;
static inline vi v_bits(vf a) { return vreinterpretq_s32_f32(a); }
static inline vi v_int_load(const int32_t *p) { return vld1q_s32(p); }
static inline vi v_int_add(vi a, vi b) { return vaddq_s32(a, b); }
static inline vf v_float(vi a) { return vcvtq_f32_s32(a); }
static inline vf v_repeat(const float *p) { return vdupq_n_f32(*p); }

#define DOT8(SUM, W, X, LANE_INDEX) \
    vdotq_laneq_s32(SUM, vreinterpretq_s8_f32(W), vreinterpretq_s8_f32(X), LANE_INDEX)

TILE(v_tile8, MR, vi, DOT8)

/* The largest absolute value; a NaN is larger than all. */
static inline float v_most(const float *x, size_t n)
{
    vi most = vdupq_n_s32(0);
    for (size_t i = 0; i < n; i += VL)
        most = vmaxq_s32(most, v_bits(v_abs(v_get(x + i, n - i))));
    int32_t bits = vmaxvq_s32(most);
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline int16x4_t quantise(const float *x, size_t left, vf inverse)
{
    vf v = left >= VL ? v_load(x) : left ? v_load_n(x, left) : v_set(0);
    return vqmovn_s32(vcvtnq_s32_f32(v_mul(v, inverse)));
}

static inline v4 load_quads(const float *x, size_t left, const float *inverse)
{
    const vf by = v_repeat(inverse);
    int16x4_t q[4];
    for (size_t i = 0; i < 4; i++)
        q[i] = quantise(x + 4 * i, left > 4 * i ? left - 4 * i : 0, by);
    return vreinterpretq_f32_s8(
        vcombine_s8(vqmovn_s16(vcombine_s16(q[0], q[1])), vqmovn_s16(vcombine_s16(q[2], q[3]))));
}

GROUPED_PACK(pack_groups, 4, load_quads)

#define GROUP 4
#define A_WIDTH 1
#define OFFSET 0
#include "kern/vec_dot8.h"

void kern_init_neondot(struct kern *k)
{
    v_table8(k);
}
