/* The kernels for AVX2 with FMA. A tile of 6 rows by 2 vectors fills 12 of the 16 registers,
 * so that the latency of the multiply-adds is covered. Without dot products of its own, bfloat16 is widened to f32;
 * numbers of 8 bits are widened to 16, where one instruction multiplies pairs and adds them up. */
#include "kern/kern.h"

#include "kern/x86/pack_x86.h"
#include "kern/x86/vec_avx2.h"

#include "kern/vec_act.h"
#include "kern/vec_group.h"
#include "kern/vec_rows.h"

#define MR 6
#define KR 4
#define NV 2
#include "kern/x86/tile_x86.h"

TILE(v_tile_gemm, MR, vf, v_fma)
TILE(v_tile_attend, KR, vf, v_fma)
TILE_WIDE(v_tile_wide, MR)

#include "kern/vec_finish.h"
#include "kern/vec_gemm.h"
#include "kern/vec_wide16.h"

/* Not __m256i, which counts in 64 bits: gcc 12 would copy every sum back and forth. */
typedef int32_t vi __attribute__((vector_size(32)));
static inline vi v_int_load(const int32_t *p) { return (vi)_mm256_loadu_si256((const __m256i *)(const void *)p); }
static inline vi v_int_add(vi a, vi b) { return a + b; }
static inline vf v_float(vi a) { return _mm256_cvtepi32_ps((__m256i)a); }

static inline __m256i shorts_of(const char *b)
{
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)b));
}

static inline vi v_dot8(vf x, __m256i w, vi sum)
{
    return sum + (vi)_mm256_madd_epi16(_mm256_castps_si256(x), w);
}

#define SHORTS(B, J) shorts_of((B) + (J) * 2 * VL)
TILE_FROM(v_tile8, MR, vi, v_dot8, __m256i, SHORTS, 2)

/* The largest absolute value; a NaN is larger than all. */
static inline float v_most(const float *x, size_t n)
{
    __m256i most = _mm256_setzero_si256();
    for (size_t i = 0; i < n; i += VL)
        most = _mm256_max_epi32(most, _mm256_castps_si256(v_abs(v_get(x + i, n - i))));
    __m128i m = _mm_max_epi32(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4E));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0xB1));
    return _mm_cvtss_f32(_mm_castsi128_ps(m));
}

static inline v4 load_pairs(const float *x, size_t left, const float *inverse)
{
    __m256i q = _mm256_cvtps_epi32(v_mul(v_get(x, left), v_set(*inverse)));
    return (v4)_mm_packs_epi32(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1));
}

GROUPED_PACK(pack_groups, 2, load_pairs)

#define GROUP 2
#define A_WIDTH 2
#define OFFSET 0
#include "kern/vec_dot8.h"

void kern_init_avx2(struct kern *k)
{
    v_table(k);
    v_table_wide(k);
    v_table8(k);
}
