/* What ARM's BF16 extension adds to NEON: products of pairs of bfloat16, summed in f32. */
#include "kern/kern.h"

#include "kern/arm/pack_neon.h"
#include "kern/arm/vec_neon.h"

#include "kern/vec_act.h"
#include "kern/vec_group.h"

#define MR 12
#define KR 8
#define NV 2
#include "kern/arm/tile_neon.h"

#include "kern/vec_finish.h"

#define DOT16(SUM, W, X, LANE_INDEX) \
    vbfdotq_laneq_f32(SUM, vreinterpretq_bf16_f32(W), vreinterpretq_bf16_f32(X), LANE_INDEX)

TILE(v_tile16, MR, vf, DOT16)
TILE(v_tile_attend16, KR, vf, DOT16)

/* The numbers of `a` and then those of `b`, rounded. */
static inline bfloat16x8_t round_both(vf a, vf b)
{
    return vcvtq_high_bf16_f32(vcvtq_low_bf16_f32(a), b);
}

static inline v4 load_pairs(const float *x, size_t left, const float *unused)
{
    (void)unused;
    vf b = left >= 8 ? v_load(x + 4) : left > 4 ? v_load_n(x + 4, left - 4) : v_set(0);
    return vreinterpretq_f32_bf16(round_both(left >= 4 ? v_load(x) : v_load_n(x, left), b));
}

GROUPED_PACK(pack_pairs, 2, load_pairs)

static inline void v_pack_pairs(const float *src, size_t stride, int rows, size_t k, int width, void *dst)
{
    pack_pairs(src, stride, rows, k, width, NULL, dst);
}

/* Of each lane, the numbers of `low` and of `high` as a pair. */
static inline vf v_pair(vf low, vf high)
{
    uint16x8_t both = vreinterpretq_u16_bf16(round_both(low, high));
    return vreinterpretq_f32_u16(vzip1q_u16(both, vextq_u16(both, both, 4)));
}

#include "kern/vec_dot16.h"

void kern_init_neonbf16(struct kern *k)
{
    v_table16(k);
}
