/* Product in 8 bits over any vector width: included after vec_finish.h and the definitions of
 *
 *   vi, v_int_load, v_int_add, v_float  a vector of 32-bit integers
 *   v_tile8     (const void *a, const void *b, size_t groups, vi sum[MR][NV])
 *   v_most      the largest absolute value of a row; NaN when it has one
 *   pack_groups  (src, stride, rows, k, width, inverse steps of the rows, dst): q + OFFSET
 *   GROUP, A_WIDTH, OFFSET  as in kern.h */

#include "kern/round.h"

static void v_pack_rows8(const float *src, size_t stride, int rows, size_t k, void *a)
{
    float inverse[MR], *scale = (float *)(void *)((char *)a + (k + GROUP - 1) / GROUP * GROUP * A_WIDTH * MR);
    for (int i = 0; i < rows; i++) {
        scale[i] = int8_step(v_most(src + (size_t)i * stride, k));
        inverse[i] = scale[i] > 0 ? 1 / scale[i] : 0;
    }
    pack_groups(src, stride, rows, k, MR, inverse, a);
}

static void v_gemm8(const void *a, const void *b, size_t k, const struct kern_out *out, int rows, int cols, float *c,
                    size_t ldc)
{
    const size_t groups = (k + GROUP - 1) / GROUP;
    const float *row = (const float *)(const void *)((const char *)a + groups * GROUP * A_WIDTH * MR);
    const float *column = (const float *)(const void *)((const char *)b + groups * GROUP * NV * VL);
    const int32_t *more = (const int32_t *)(const void *)(column + NV * VL);
    vi sum[MR][NV];
    vf t[MR][NV];
    v_expect(rows, cols, c, ldc);
    v_tile8(a, b, groups, sum);
    UNROLL
    for (int i = 0; i < MR; i++)
        UNROLL
        for (int j = 0; j < NV; j++) {
            vf scale = v_mul(v_repeat(row + i), v_load(column + j * VL));
            t[i][j] = v_mul(v_float(v_int_add(sum[i][j], v_int_load(more + j * VL))), scale);
        }
    v_finish(t, out, rows, cols, c, ldc);
}

static void v_table8(struct kern *k)
{
    k->product[KERN_INT8] = (struct kern_product){.mr = MR, .nr = NV * VL, .group = GROUP, .a_width = A_WIDTH,
                                                  .b_width = 1, .scaled = 1, .offset = OFFSET,
                                                  .pack = v_pack_rows8, .gemm = v_gemm8};
}
