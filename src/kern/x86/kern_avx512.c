/* The kernels for AVX-512. A tile of 12 rows by 2 vectors fills 24 of the 32 registers, so that the
 * latency of the multiply-adds is covered and a step of k needs 14 loads for its 24 multiply-adds. Without dot
 * products of its own, bfloat16 is widened to f32; numbers of 8 bits are widened to 16, where one instruction
 * multiplies pairs and adds them up. */
#include "kern/kern.h"

#include "kern/x86/pack_x86.h"
#include "kern/x86/vec_avx512.h"

#include "kern/vec_act.h"
#include "kern/vec_group.h"
#include "kern/vec_rows.h"

#define MR 12
#define KR 8
#define NV 2
#include "kern/x86/tile_x86.h"

TILE(v_tile_gemm, MR, vf, v_fma)
TILE(v_tile_attend, KR, vf, v_fma)
TILE_WIDE(v_tile_wide, MR)

#include "kern/vec_finish.h"
#include "kern/vec_gemm.h"
#include "kern/vec_wide16.h"

#include "kern/x86/int_avx512.h"

static inline __m512i shorts_of(const char *b)
{
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)b));
}

static inline vi v_dot8(vf x, __m512i w, vi sum)
{
    return sum + (vi)_mm512_madd_epi16(_mm512_castps_si512(x), w);
}

#define SHORTS(B, J) shorts_of((B) + (J) * 2 * VL)
TILE_FROM(v_tile8, MR, vi, v_dot8, __m512i, SHORTS, 2)

static inline v4 load_pairs(const float *x, size_t left, const float *inverse)
{
    __m256 v = left >= 8 ? _mm256_loadu_ps(x) : _mm256_maskz_loadu_ps((__mmask8)((1u << left) - 1), x);
    return (v4)_mm256_cvtepi32_epi16(_mm256_cvtps_epi32(_mm256_mul_ps(v, _mm256_set1_ps(*inverse))));
}

GROUPED_PACK(pack_groups, 2, load_pairs)

#define GROUP 2
#define A_WIDTH 2
#define OFFSET 0
#include "kern/vec_dot8.h"

void kern_init_avx512(struct kern *k)
{
    v_table(k);
    v_table_wide(k);
    v_table8(k);
}
