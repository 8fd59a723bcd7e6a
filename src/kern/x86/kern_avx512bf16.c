/* What AVX512-BF16 adds to AVX-512: products of pairs of bfloat16, summed in f32. Twice the multiply-adds of f32 an
 * instruction, in tiles of the same shape. */
#include "kern/kern.h"

#include "kern/x86/pack_x86.h"
#include "kern/x86/vec_avx512.h"

#include "kern/vec_act.h"
#include "kern/vec_group.h"

#define MR 12
#define KR 8
#define NV 2
#include "kern/x86/tile_x86.h"

#include "kern/vec_finish.h"

static inline vf v_dot16(vf x, vf w, vf sum)
{
    return _mm512_dpbf16_ps(sum, (__m512bh)x, (__m512bh)w);
}

TILE(v_tile16, MR, vf, v_dot16)
TILE(v_tile_attend16, KR, vf, v_dot16)

static inline v4 load_pairs(const float *x, size_t left, const float *unused)
{
    (void)unused;
    __m256 v = left >= 8 ? _mm256_loadu_ps(x) : _mm256_maskz_loadu_ps((__mmask8)((1u << left) - 1), x);
    return (v4)_mm256_cvtneps_pbh(v);
}

GROUPED_PACK(pack_pairs, 2, load_pairs)

static inline void v_pack_pairs(const float *src, size_t stride, int rows, size_t k, int width, void *dst)
{
    pack_pairs(src, stride, rows, k, width, NULL, dst);
}

/* Of each lane, the numbers of `low` and of `high` as a pair. */
static inline vf v_pair(vf low, vf high)
{
    const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                                           21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return (vf)_mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh(high, low));
}

#include "kern/vec_dot16.h"

void kern_init_avx512bf16(struct kern *k)
{
    v_table16(k);
}
