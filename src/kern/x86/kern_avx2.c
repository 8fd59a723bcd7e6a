/* The kernels for AVX2 with FMA. A tile of 6 rows by 2 vectors fills 12 of the 16 registers,
 * so that the latency of the multiply-adds is covered. */
#include "kern/kern.h"

#include "kern/x86/pack_x86.h"
#include "kern/x86/vec_avx2.h"

#include "kern/vec_act.h"
#include "kern/vec_rows.h"

#define MR 6
#define KR 4
#define NV 2
#include "kern/x86/tile_x86.h"

TILE(v_tile_gemm, MR, vf, v_fma)
TILE(v_tile_attend, KR, vf, v_fma)

#include "kern/vec_finish.h"
#include "kern/vec_gemm.h"

void kern_init_avx2(struct kern *k)
{
    v_table(k);
}
