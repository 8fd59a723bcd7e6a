/* Products of rounded operands and attention with them: the specification (see kern.h). Groups are as wide as
 * those of the dot products of today's CPUs: two of bfloat16, four of 8 bits. */
#include "kern/round.h"
#include "kern/spec_c.h"

#include <math.h>

#define MR C_MR
#define NR C_NR
#define KR C_KR

/* -------- bfloat16 -------- */

static void pack16_c(const float *src, size_t stride, int rows, size_t k, int width, uint16_t *dst)
{
    for (size_t p = 0; p < k + k % 2; p++)
        for (int i = 0; i < rows; i++)
            dst[(p / 2 * (size_t)width + (size_t)i) * 2 + p % 2] =
                p < k ? bf16_round(src[(size_t)i * stride + p]) : 0;
}

static void pack_rows16_c(const float *src, size_t stride, int rows, size_t k, void *a)
{
    pack16_c(src, stride, rows, k, MR, a);
}

static void tile16_c(const uint16_t *a, const uint16_t *b, size_t k, float t[MR][NR])
{
    for (int i = 0; i < MR; i++)
        for (int j = 0; j < NR; j++)
            t[i][j] = 0;
    for (size_t p = 0; p < k; p += 2, a += 2 * MR, b += 2 * NR)
        for (int i = 0; i < MR; i++)
            for (int j = 0; j < NR; j++)
                t[i][j] += bf16_widen(a[2 * i]) * bf16_widen(b[2 * j]) +
                           bf16_widen(a[2 * i + 1]) * bf16_widen(b[2 * j + 1]);
}

static void gemm16_c(const void *a, const void *b, size_t k, const struct kern_out *out, int rows, int cols,
                     float *c, size_t ldc)
{
    float t[MR][NR];
    tile16_c(a, b, k, t);
    finish_c(t, out, rows, cols, c, ldc);
}

static void pack_head16_c(const float *src, size_t stride, int rows, int width, void *dst)
{
    pack16_c(src, stride, rows, KERN_HEAD, width, dst);
}

static void pack_v16_c(const float *v, size_t stride, int keys, void *dst)
{
    uint16_t *to = dst;
    for (int d = 0; d < KERN_HEAD; d += KR)
        for (int r = 0; r < keys + keys % 2; r++)
            for (int i = 0; i < KR; i++)
                to[((d / KR * ((keys + 1) / 2) + r / 2) * KR + i) * 2 + r % 2] =
                    r < keys ? bf16_round(v[(size_t)r * stride + (size_t)(d + i)]) : 0;
}

static void attend16_c(const void *q, const void *key_panels, const void *values, int keys, struct kern_attend *st)
{
    const uint16_t *k = key_panels, *v = values;
    float t[KR][NR], peak[NR], shrink[NR], score[KERN_KEYS][NR];
    uint16_t *p = (void *)st->p; /* [ceil(keys / 2)][NR][2] */
    for (int j = 0; j < NR; j++)
        peak[j] = st->max[j];
    for (int r = 0; r < keys; r += KR) {
        tile16_c(k + (size_t)r * KERN_HEAD, q, KERN_HEAD, t);
        for (int i = 0; i < KR && r + i < keys; i++)
            for (int j = 0; j < NR; j++) {
                score[r + i][j] = t[i][j];
                peak[j] = t[i][j] > peak[j] ? t[i][j] : peak[j];
            }
    }
    for (int j = 0; j < NR; j++) {
        shrink[j] = expf((st->max[j] - peak[j]) / 8);
        st->max[j] = peak[j];
        st->sum[j] *= shrink[j];
    }
    for (int r = 0; r < keys + keys % 2; r++)
        for (int j = 0; j < NR; j++) {
            float e = r < keys ? expf((score[r][j] - peak[j]) / 8) : 0;
            p[(r / 2 * NR + j) * 2 + r % 2] = bf16_round(e);
            st->sum[j] += e;
        }
    for (int d = 0; d < KERN_HEAD; d += KR, v += (size_t)((keys + 1) / 2) * 2 * KR) {
        tile16_c(v, p, (size_t)keys, t);
        for (int i = 0; i < KR; i++)
            for (int j = 0; j < NR; j++)
                st->o[(d + i) * NR + j] = st->o[(d + i) * NR + j] * shrink[j] + t[i][j];
    }
}

/* -------- 8 bits -------- */

static void pack_rows8_c(const float *src, size_t stride, int rows, size_t k, void *a)
{
    size_t padded = (k + 3) / 4 * 4;
    int8_t *dst = a;
    float *scale = (float *)(void *)(dst + padded * MR);
    for (int i = 0; i < rows; i++) {
        const float *x = src + (size_t)i * stride;
        float step = int8_row_step(x, k);
        scale[i] = step;
        for (size_t p = 0; p < padded; p++)
            dst[(p / 4 * MR + (size_t)i) * 4 + p % 4] = p < k ? int8_round(x[p], step) : 0;
    }
}

static void gemm8_c(const void *pa, const void *pb, size_t k, const struct kern_out *out, int rows, int cols,
                    float *c, size_t ldc)
{
    const int8_t *a = pa, *b = pb;
    int32_t sum[MR][NR] = {{0}};
    for (size_t p = 0; p < k; p += 4, a += 4 * MR, b += 4 * NR)
        for (int i = 0; i < MR; i++)
            for (int j = 0; j < NR; j++)
                for (int g = 0; g < 4; g++)
                    sum[i][j] += a[4 * i + g] * b[4 * j + g];
    const float *row = (const float *)(const void *)a, *column = (const float *)(const void *)b;
    float t[MR][NR];
    for (int i = 0; i < MR; i++)
        for (int j = 0; j < NR; j++)
            t[i][j] = (float)sum[i][j] * (row[i] * column[j]);
    finish_c(t, out, rows, cols, c, ldc);
}

/* -------- columns, for all instruction sets -------- */

static void pack_columns8(const struct kern_product *p, const float *w, size_t stride, int first, int cols, size_t k,
                          int8_t *b)
{
    const size_t nr = (size_t)p->nr, group = (size_t)p->group, padded = kern_k(p, k);
    float *scale = (float *)(void *)(b + padded * nr) + first;
    int32_t *more = (int32_t *)(void *)(scale - first + nr) + first;
    for (int j = 0; j < cols; j++, w += stride) {
        int32_t sum = 0;
        scale[j] = int8_row_step(w, k);
        int8_t *dst = b + (size_t)(first + j) * group;
        for (size_t i = 0; i < padded; i++) {
            int8_t q = i < k ? int8_round(w[i], scale[j]) : 0;
            dst[i / group * nr * group + i % group] = q;
            sum += q;
        }
        more[j] = -p->offset * sum;
    }
}

static void pack_columns16(const struct kern_product *p, const float *w, size_t stride, int first, int cols,
                           size_t k, uint16_t *b)
{
    const size_t nr = (size_t)p->nr, group = (size_t)p->group, padded = kern_k(p, k);
    for (int j = 0; j < cols; j++, w += stride) {
        uint16_t *dst = b + (size_t)(first + j) * group;
        for (size_t i = 0; i < padded; i++)
            dst[i / group * nr * group + i % group] = i < k ? bf16_round(w[i]) : 0;
    }
}

void kern_pack_columns(const struct kern_product *p, const float *w, size_t stride, int first, int cols, size_t k,
                       void *b)
{
    if (p->scaled)
        pack_columns8(p, w, stride, first, cols, k, b);
    else
        pack_columns16(p, w, stride, first, cols, k, b);
}

void kern_init_dot_c(struct kern *k)
{
    k->product[KERN_BF16] = (struct kern_product){.mr = MR, .nr = NR, .group = 2, .a_width = 2, .b_width = 2,
                                                  .pack = pack_rows16_c, .gemm = gemm16_c};
    k->product[KERN_INT8] = (struct kern_product){.mr = MR, .nr = NR, .group = 4, .a_width = 1, .b_width = 1,
                                                  .scaled = 1, .pack = pack_rows8_c, .gemm = gemm8_c};
    k->attention[KERN_BF16] = (struct kern_attention){.nr = NR, .kr = KR, .group = 2, .pack = pack_head16_c,
                                                      .pack_v = pack_v16_c, .attend = attend16_c};
}
