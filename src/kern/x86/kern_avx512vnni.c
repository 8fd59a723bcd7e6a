/* What AVX512-VNNI adds to AVX-512: products of four 8-bit numbers at once, those of the rows unsigned, summed in 32
 * bits. Four times the multiply-adds of f32 an instruction, in tiles of the same shape. */
#include "kern/kern.h"

#include "kern/x86/pack_x86.h"
#include "kern/x86/vec_avx512.h"

#include "kern/vec_act.h"
#include "kern/vec_group.h"

#define MR 12
#define NV 2
#include "kern/x86/tile_x86.h"

#include "kern/vec_finish.h"

#include "kern/x86/int_avx512.h"

static inline vi v_dot8(vf x, vf w, vi sum)
{
    return (vi)_mm512_dpbusd_epi32((__m512i)sum, _mm512_castps_si512(x), _mm512_castps_si512(w));
}

TILE(v_tile8, MR, vi, v_dot8)

#define OFFSET 128

/* Quantised, and moved to where they are not negative; what is not there is a 0. */
static inline v4 load_quads(const float *x, size_t left, const float *inverse)
{
    __m512i q = _mm512_cvtps_epi32(v_mul(v_get(x, left), v_set(*inverse)));
    return (v4)_mm512_cvtepi32_epi8(_mm512_add_epi32(q, _mm512_set1_epi32(OFFSET)));
}

GROUPED_PACK(pack_groups, 4, load_quads)

#define GROUP 4
#define A_WIDTH 1
#include "kern/vec_dot8.h"

void kern_init_avx512vnni(struct kern *k)
{
    v_table8(k);
}
