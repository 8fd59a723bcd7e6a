/* Attention on the CPU, block by block (Dao et al., FlashAttention, 2022): the N x N scores never
 * exist. A task takes some queries of one head of one sequence and walks over the keys in blocks,
 * keeping for each query the largest score, the sum and the weighted values so far. */
#include "dev/cpu.h"

#include <math.h>
#include <string.h>

/* A thread's workplace; every part is a multiple of a cache line. Room for 4 bytes a number, which f32 takes. */
struct place {
    float *q; /* [CPU_QUERIES / nr] panels of queries */
    float *o; /* [CPU_QUERIES / nr][KERN_HEAD][nr] */
    float *max, *sum; /* [CPU_QUERIES] */
    float *k; /* [KERN_KEYS / kr] panels of keys */
    float *v; /* [KERN_HEAD / kr] panels of values */
    float *p; /* [KERN_KEYS][nr] */
    float *t; /* [nr][KERN_HEAD] */
};

static void place_lay(struct place *at, int nr, float *p)
{
    at->q = p;
    at->o = at->q + CPU_QUERIES * KERN_HEAD;
    at->max = at->o + CPU_QUERIES * KERN_HEAD;
    at->sum = at->max + CPU_QUERIES;
    at->k = at->sum + CPU_QUERIES;
    at->v = at->k + KERN_KEYS * KERN_HEAD;
    at->p = at->v + KERN_KEYS * KERN_HEAD;
    at->t = at->p + KERN_KEYS * nr;
}

size_t cpu_attention_scratch(const struct kern *k)
{
    size_t nr = 0;
    for (int p = 0; p < KERN_INT8; p++)
        nr = (size_t)k->attention[p].nr > nr ? (size_t)k->attention[p].nr : nr;
    return 2 * CPU_QUERIES * (KERN_HEAD + 1) + 2 * KERN_KEYS * KERN_HEAD + nr * (KERN_KEYS + KERN_HEAD);
}

struct attention_op {
    struct dev *dev;
    const struct kern_attention *kern;
    const float *qkv;
    float *out;
    struct seqs seqs;
    int heads, blocks; /* blocks of queries of the longest sequence */
};

/* Rows in panels of `width`, `panel` floats each. */
static void pack_panels(const struct kern_attention *kern, const float *x, size_t stride, size_t rows, int width,
                        size_t panel, float *dst)
{
    for (size_t r = 0; r < rows; r += (size_t)width, dst += panel) {
        int n = rows - r < (size_t)width ? (int)(rows - r) : width;
        if (n < width)
            memset(dst, 0, panel * sizeof *dst);
        kern->pack(x + r * stride, stride, n, width, dst);
    }
}

static void attention_task(void *user, size_t index, int thread)
{
    const struct attention_op *op = user;
    const struct kern_attention *kern = op->kern;
    const size_t nr = (size_t)kern->nr, panel = nr * KERN_HEAD, dim = (size_t)op->heads * KERN_HEAD;
    const size_t stride = 3 * dim;
    int block = (int)(index % (size_t)op->blocks);
    int head = (int)(index / (size_t)op->blocks) % op->heads;
    int seq = (int)(index / (size_t)op->blocks) / op->heads;
    int start = op->seqs.start[seq], len = op->seqs.start[seq + 1] - start, first = block * CPU_QUERIES;
    if (first >= len)
        return;
    size_t queries = (size_t)(len - first < CPU_QUERIES ? len - first : CPU_QUERIES);
    size_t panels = (queries + nr - 1) / nr, elements = KERN_HEAD / (size_t)kern->group;
    const float *base = op->qkv + (size_t)start * stride + (size_t)head * KERN_HEAD;
    const float *q = base + (size_t)first * stride, *k = base + dim, *v = base + 2 * dim;

    struct place at;
    place_lay(&at, kern->nr, cpu_scratch(op->dev, thread));
    memset(at.o, 0, panels * panel * sizeof *at.o);
    memset(at.sum, 0, panels * nr * sizeof *at.sum);
    for (size_t i = 0; i < panels * nr; i++)
        at.max[i] = -INFINITY;
    pack_panels(kern, q, stride, queries, kern->nr, nr * elements, at.q);

    for (int from = 0; from < len; from += KERN_KEYS) {
        int keys = len - from < KERN_KEYS ? len - from : KERN_KEYS;
        pack_panels(kern, k + (size_t)from * stride, stride, (size_t)keys, kern->kr, (size_t)kern->kr * elements, at.k);
        kern->pack_v(v + (size_t)from * stride, stride, keys, at.v);
        for (size_t i = 0; i < panels; i++) {
            struct kern_attend st = {at.o + i * panel, at.max + i * nr, at.sum + i * nr, at.p};
            kern->attend(at.q + i * nr * elements, at.k, at.v, keys, &st);
        }
    }

    float *out = op->out + ((size_t)start + (size_t)first) * dim + (size_t)head * KERN_HEAD;
    for (size_t i = 0; i < panels; i++) {
        size_t n = queries - i * nr < nr ? queries - i * nr : nr;
        op->dev->kern.pack(at.o + i * panel, nr, KERN_HEAD, nr, KERN_HEAD, at.t);
        for (size_t j = 0; j < n; j++, out += dim) {
            float r = 1 / at.sum[i * nr + j];
            for (int d = 0; d < KERN_HEAD; d++)
                out[d] = at.t[j * KERN_HEAD + (size_t)d] * r;
        }
    }
}

void dev_attention(struct dev *d, const float *qkv, struct seqs seqs, int heads, enum dev_precision p, float *out)
{
    int longest = 0;
    for (int s = 0; s < seqs.n; s++) {
        int len = seqs.start[s + 1] - seqs.start[s];
        longest = len > longest ? len : longest;
    }
    const int rounded = p != DEV_F32 && kern_attention_pays(&d->kern, KERN_BF16);
    struct attention_op op = {d, &d->kern.attention[rounded ? KERN_BF16 : KERN_F32], qkv, out, seqs, heads,
                              (longest + CPU_QUERIES - 1) / CPU_QUERIES};
    pool_run(d->pool, (size_t)seqs.n * (size_t)heads * (size_t)op.blocks, attention_task, &op);
}
