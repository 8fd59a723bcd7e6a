/* Product and attention in bfloat16 over any vector width, where an instruction multiplies pairs: included after
 * vec_finish.h and the definitions of
 *
 *   v_tile16, v_tile_attend16  (const void *a, const void *b, size_t pairs, vf t[MR or KR][NV])
 *   v_pack_pairs               (src, stride, rows, k, width, dst): [ceil(k / 2)][width] pairs
 *   v_pair(low, high)          a pair in each lane
 *   UNROLL                     before a loop */

#include <string.h>

#define NR (NV * VL)

static void v_pack_rows16(const float *src, size_t stride, int rows, size_t k, void *a)
{
    v_pack_pairs(src, stride, rows, k, MR, a);
}

static void v_gemm16(const void *a, const void *b, size_t k, const struct kern_out *out, int rows, int cols,
                     float *c, size_t ldc)
{
    vf t[MR][NV];
    v_expect(rows, cols, c, ldc);
    v_tile16(a, b, (k + 1) / 2, t);
    v_finish(t, out, rows, cols, c, ldc);
}

static void v_pack_head16(const float *src, size_t stride, int rows, int width, void *dst)
{
    v_pack_pairs(src, stride, rows, KERN_HEAD, width, dst);
}

static void v_pack_v16(const float *v, size_t stride, int keys, void *dst)
{
    const int pairs = (keys + 1) / 2;
    float t[VL], *to = dst;
    for (int r = 0; r < keys; r += 2, v += 2 * stride, to += KR)
        for (int d = 0; d < KERN_HEAD; d += VL) {
            vf high = r + 1 < keys ? v_load(v + stride + d) : v_set(0);
            v_store(t, v_pair(v_load(v + d), high));
            for (int i = 0; i < VL; i += KR < VL ? KR : VL) { /* panels may be narrower or wider than a vector */
                int at = d + i;
                memcpy(to + at / KR * KR * pairs + at % KR, t + i, (KR < VL ? KR : VL) * sizeof *to);
            }
        }
}

/* 2^x for x <= 0 with a relative error of 2^-13, enough for weights that are rounded to 8 bits. */
static inline vf v_exp2_16(vf x)
{
    x = v_max(v_set(-150.0f), x);
    vf n = v_round(x), r = v_sub(x, n);
    vf q = v_fma(v_set(0x1.c2a122p-5f), r, v_set(0x1.f00bdcp-3f));
    q = v_fma(q, r, v_set(0x1.62f5fap-1f));
    return v_scale(v_fma(q, r, v_set(1.0f)), n);
}

static void v_attend16(const void *queries, const void *key_panels, const void *values, int keys,
                       struct kern_attend *st)
{
    const vf unit = v_set(0x1.715476p0f / 8); /* log2(e) / sqrt(KERN_HEAD) */
    const char *k = key_panels, *v = values;
    vf t[KR][NV], peak[NV], sum[NV], shrink[NV], scaled[NV];
    float *p = st->p;
    for (int j = 0; j < NV; j++)
        peak[j] = v_load(st->max + j * VL);

    /* scores, keys down and queries across */
    int r = 0;
    for (; r + KR <= keys; r += KR, k += 4 * KR * KERN_HEAD / 2, p += KR * NR) {
        v_tile_attend16(k, queries, KERN_HEAD / 2, t);
        UNROLL
        for (int i = 0; i < KR; i++)
            UNROLL
            for (int j = 0; j < NV; j++) {
                v_store(p + i * NR + j * VL, t[i][j]);
                peak[j] = v_max(peak[j], t[i][j]);
            }
    }
    if (r < keys) {
        v_tile_attend16(k, queries, KERN_HEAD / 2, t);
        for (int i = 0; i < keys - r; i++)
            for (int j = 0; j < NV; j++) {
                v_store(p + i * NR + j * VL, t[i][j]);
                peak[j] = v_max(peak[j], t[i][j]);
            }
    }

    for (int j = 0; j < NV; j++) {
        scaled[j] = v_mul(peak[j], unit);
        shrink[j] = v_exp2_16(v_sub(v_mul(v_load(st->max + j * VL), unit), scaled[j]));
        sum[j] = v_mul(v_load(st->sum + j * VL), shrink[j]);
        v_store(st->max + j * VL, peak[j]);
    }
    /* Weights, as pairs of keys: the pair takes the place of the first of both. */
    p = st->p;
    float *to = st->p;
    for (r = 0; r < keys; r += 2, p += 2 * NR, to += NR)
        for (int j = 0; j < NV; j++) {
            vf low = v_exp2_16(v_sub(v_mul(v_load(p + j * VL), unit), scaled[j])), high = v_set(0);
            if (r + 1 < keys)
                high = v_exp2_16(v_sub(v_mul(v_load(p + NR + j * VL), unit), scaled[j]));
            sum[j] = v_add(sum[j], v_add(low, high));
            v_store(to + j * VL, v_pair(low, high));
        }
    for (int j = 0; j < NV; j++)
        v_store(st->sum + j * VL, sum[j]);

    const size_t pairs = (size_t)(keys + 1) / 2;
    float *o = st->o;
    for (int d = 0; d < KERN_HEAD; d += KR, v += 4 * KR * pairs, o += KR * NR) {
        v_tile_attend16(v, st->p, pairs, t);
        UNROLL
        for (int i = 0; i < KR; i++)
            UNROLL
            for (int j = 0; j < NV; j++) {
                float *at = o + i * NR + j * VL;
                v_store(at, v_fma(v_load(at), shrink[j], t[i][j]));
            }
    }
}

static void v_table16(struct kern *k)
{
    k->product[KERN_BF16] = (struct kern_product){.mr = MR, .nr = NR, .group = 2, .a_width = 2, .b_width = 2,
                                                  .pack = v_pack_rows16, .gemm = v_gemm16};
    k->attention[KERN_BF16] = (struct kern_attention){.nr = NR, .kr = KR, .group = 2, .pack = v_pack_head16,
                                                      .pack_v = v_pack_v16, .attend = v_attend16};
}
