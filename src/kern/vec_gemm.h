/* Matrix product and attention in f32 over any vector width: included by each instruction set's file after
 * vec_act.h, vec_rows.h, vec_finish.h and the definitions of
 *
 *   MR, KR  rows of the product's and attention's tiles, NV vectors in a tile's row
 *   v_pack  as kern.h's `pack`
 *   v_tile_gemm, v_tile_attend (const float *a, const float *b, size_t k, vf t[MR or KR][NV]):
 *           t = a b over k, with panels a [k][MR or KR] and b [k][NV * VL]
 *   UNROLL  before a loop: see there */

#include <string.h>

#define NR (NV * VL)

static void v_pack_rows(const float *src, size_t stride, int rows, size_t k, void *a)
{
    v_pack(src, stride, rows, k, MR, a);
}

static void v_gemm(const void *a, const void *b, size_t k, const struct kern_out *out, int rows, int cols,
                   float *c, size_t ldc)
{
    vf t[MR][NV];
    v_expect(rows, cols, c, ldc);
    v_tile_gemm(a, b, k, t);
    v_finish(t, out, rows, cols, c, ldc);
}

static void v_pack_head(const float *src, size_t stride, int rows, int width, void *dst)
{
    v_pack(src, stride, rows, KERN_HEAD, width, dst);
}

static void v_pack_v(const float *v, size_t stride, int keys, void *dst)
{
    float *to = dst;
    for (int r = 0; r < keys; r++, v += stride, to += KR)
        for (int d = 0; d < KERN_HEAD; d += KR)
            memcpy(to + d * keys, v + d, KR * sizeof *to);
}

static void v_attend(const void *queries, const void *key_panels, const void *values, int keys,
                     struct kern_attend *st)
{
    const float *q = queries, *k = key_panels, *v = values;
    vf t[KR][NV], peak[NV], sum[NV], shrink[NV], scaled[NV], eighth = v_set(0.125f);
    float *p = st->p;
    for (int j = 0; j < NV; j++)
        peak[j] = v_load(st->max + j * VL);

    /* scores, keys down and queries across, so that the softmax needs no sum across a register */
    int r = 0;
    for (; r + KR <= keys; r += KR, k += KR * KERN_HEAD, p += KR * NR) {
        v_tile_attend(k, q, KERN_HEAD, t);
        UNROLL
        for (int i = 0; i < KR; i++)
            UNROLL
            for (int j = 0; j < NV; j++) {
                v_store(p + i * NR + j * VL, t[i][j]);
                peak[j] = v_max(peak[j], t[i][j]);
            }
    }
    if (r < keys) {
        v_tile_attend(k, q, KERN_HEAD, t);
        for (int i = 0; i < keys - r; i++)
            for (int j = 0; j < NV; j++) {
                v_store(p + i * NR + j * VL, t[i][j]);
                peak[j] = v_max(peak[j], t[i][j]);
            }
    }

    for (int j = 0; j < NV; j++) {
        shrink[j] = v_exp(v_mul(v_sub(v_load(st->max + j * VL), peak[j]), eighth));
        scaled[j] = v_mul(peak[j], eighth);
        sum[j] = v_mul(v_load(st->sum + j * VL), shrink[j]);
        v_store(st->max + j * VL, peak[j]);
    }
    p = st->p;
    for (r = 0; r < keys; r++, p += NR)
        for (int j = 0; j < NV; j++) {
            vf e = v_exp(v_sub(v_mul(v_load(p + j * VL), eighth), scaled[j]));
            v_store(p + j * VL, e);
            sum[j] = v_add(sum[j], e);
        }
    for (int j = 0; j < NV; j++)
        v_store(st->sum + j * VL, sum[j]);

    p = st->p;
    float *o = st->o;
    for (int d = 0; d < KERN_HEAD; d += KR, v += keys * KR, o += KR * NR) {
        v_tile_attend(v, p, (size_t)keys, t);
        UNROLL
        for (int i = 0; i < KR; i++)
            UNROLL
            for (int j = 0; j < NV; j++) {
                float *at = o + i * NR + j * VL;
                v_store(at, v_fma(v_load(at), shrink[j], t[i][j]));
            }
    }
}

static void v_table(struct kern *k)
{
    k->product[KERN_F32] = (struct kern_product){.mr = MR, .nr = NR, .group = 1, .a_width = 4, .b_width = 4,
                                                 .pack = v_pack_rows, .gemm = v_gemm};
    k->attention[KERN_F32] = (struct kern_attention){
        .nr = NR, .kr = KR, .group = 1, .pack = v_pack_head, .pack_v = v_pack_v, .attend = v_attend};
    k->pack = v_pack;
    k->act = v_act_run;
    k->add = v_add_run;
    k->euler = v_euler;
    k->norm = v_norm;
    k->dwconv = v_dwconv;
    k->sum_squares = v_sum_squares;
    k->grn = v_grn;
    k->rope = v_rope;
}
