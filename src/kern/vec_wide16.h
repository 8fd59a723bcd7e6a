/* Product in bfloat16 over any vector width, for CPUs without dot products of it: the weights take half the memory and
 * are widened in registers; rows are rounded, but stay floats. Included after vec_finish.h and the definitions of
 *
 *   v_pack       as kern.h's `pack`
 *   v_bf16       rounds to what bfloat16 can hold
 *   v_tile_wide  (const float *a, const void *b, size_t pairs, vf t[MR][NV]): a [pairs][2][MR], b [pairs][NR] pairs */

#include <string.h>

static void v_pack_rows_wide(const float *src, size_t stride, int rows, size_t k, void *a)
{
    float *to = a;
    const size_t n = k * MR;
    v_pack(src, stride, rows, k, MR, to);
    for (size_t i = 0; i < n; i += VL)
        v_put(to + i, v_bf16(v_get(to + i, n - i)), n - i);
    if (k % 2)
        memset(to + n, 0, MR * sizeof *to);
}

static void v_gemm_wide(const void *a, const void *b, size_t k, const struct kern_out *out, int rows, int cols,
                        float *c, size_t ldc)
{
    vf t[MR][NV];
    v_expect(rows, cols, c, ldc);
    v_tile_wide(a, b, (k + 1) / 2, t);
    v_finish(t, out, rows, cols, c, ldc);
}

static void v_table_wide(struct kern *k)
{
    k->product[KERN_BF16] = (struct kern_product){.mr = MR, .nr = NV * VL, .group = 2, .a_width = 4, .b_width = 2,
                                                  .pack = v_pack_rows_wide, .gemm = v_gemm_wide};
}
