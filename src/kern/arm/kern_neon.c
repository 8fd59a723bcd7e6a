/* The kernels for NEON. A tile of 12 rows by 2 vectors fills 24 of the 32 registers; a multiply-add takes
 * one number of `a` by its lane, so that a step of k needs 5 loads for its 24 multiply-adds.
 * Without dot products of its own, bfloat16 is widened to f32. */
#include "kern/kern.h"

#include "kern/arm/pack_neon.h"
#include "kern/arm/vec_neon.h"

#include "kern/vec_act.h"
#include "kern/vec_rows.h"

#define MR 12
#define KR 8
#define NV 2
#include "kern/arm/tile_neon.h"

TILE(v_tile_gemm, MR, vf, vfmaq_laneq_f32)
TILE(v_tile_attend, KR, vf, vfmaq_laneq_f32)
TILE_WIDE(v_tile_wide, MR)

#include "kern/vec_finish.h"
#include "kern/vec_gemm.h"
#include "kern/vec_wide16.h"

void kern_init_neon(struct kern *k)
{
    v_table(k);
    v_table_wide(k);
}
