/* The kernels for AVX-512. A tile of 12 rows by 2 vectors fills 24 of the 32 registers, so that the
 * latency of the multiply-adds is covered and a step of k needs 14 loads for its 24 multiply-adds. */
#include "kern/kern.h"

#include "kern/x86/pack_x86.h"
#include "kern/x86/vec_avx512.h"

#include "kern/vec_act.h"
#include "kern/vec_rows.h"

#define MR 12
#define KR 8
#define NV 2
#include "kern/x86/tile_x86.h"

TILE(v_tile_gemm, MR, vf, v_fma)
TILE(v_tile_attend, KR, vf, v_fma)

#include "kern/vec_finish.h"
#include "kern/vec_gemm.h"

void kern_init_avx512(struct kern *k)
{
    v_table(k);
}
