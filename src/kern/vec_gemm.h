/* Matrix product and attention over any vector width: included by each instruction set's file after
 * vec_act.h and the definitions of
 *
 *   MR, KR  rows of the product's and attention's tiles, NV vectors in a tile's row
 *   v_pack  as kern.h's `pack`
 *   v_tile_gemm, v_tile_attend (const float *a, const float *b, size_t k, vf t[MR or KR][NV]):
 *           t = a b over k, with panels a [k][MR or KR] and b [k][NV * VL]
 *   UNROLL  before a loop: see there */

#include <math.h>

#define NR (NV * VL)

static void v_gemm(const float *a, const float *b, size_t k, const struct kern_out *out, int rows, int cols,
                   float *c, size_t ldc)
{
    vf t[MR][NV];
    v_tile_gemm(a, b, k, t);
    for (int i = 0; i < rows; i++, c += ldc)
        for (int j = 0; j * VL < cols; j++) {
            size_t at = (size_t)j * VL, left = (size_t)cols - at;
            vf y = t[i][j];
            if (out->bias)
                y = v_add(y, v_get(out->bias + at, left));
            if (out->add && out->gate)
                y = v_fma(v_get(out->gate + at, left), y, v_get(c + at, left));
            else if (out->add)
                y = v_add(v_get(c + at, left), y);
            else if (out->act)
                y = v_act(out->act, y);
            v_put(c + at, y, left);
        }
}

static void v_attend(const float *q, const float *k, const float *v, int keys, struct kern_attend *st)
{
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
    k->mr = MR;
    k->nr = NR;
    k->kr = KR;
    k->pack = v_pack;
    k->gemm = v_gemm;
    k->attend = v_attend;
    k->act = v_act_run;
    k->add = v_add_run;
    k->euler = v_euler;
    k->norm = v_norm;
    k->dwconv = v_dwconv;
    k->sum_squares = v_sum_squares;
    k->grn = v_grn;
    k->rope = v_rope;
}
