/* Tensors as f32, whatever they are stored as. Elements are read byte by byte (memcpy), because a
 * format may put them at any address; dense rows take the short way.
 *
 * The map is little-endian, and so is every machine this is built for. */
#include "ckpt/ckpt.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "checkpoints are read as little-endian bytes");

static float from_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static float half_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exp = h >> 10 & 0x1F, frac = h & 0x3FF;
    if (exp == 0x1F)
        return from_bits(sign | 0x7F800000 | frac << 13);
    if (exp)
        return from_bits(sign | (exp + 112) << 23 | frac << 13);
    float tiny = (float)frac * 0x1p-24f; /* subnormal: exact in f32 */
    return sign ? -tiny : tiny;
}

/* One run of n elements, `step` elements apart. */
#define READ_AS(type, expr)                                                                                  \
    for (int64_t i = 0; i < n; i++) {                                                                        \
        type v;                                                                                              \
        memcpy(&v, p + i * step * (int64_t)sizeof v, sizeof v);                                              \
        out[i] = expr;                                                                                       \
    }

static void read_run(enum ckpt_dtype dtype, const char *p, int64_t n, int64_t step, float *out)
{
    switch (dtype) {
    case CKPT_F32:
        if (step == 1)
            memcpy(out, p, (size_t)n * sizeof *out);
        else
            READ_AS(float, v)
        break;
    case CKPT_F16:
        READ_AS(uint16_t, half_to_f32(v))
        break;
    case CKPT_BF16:
        READ_AS(uint16_t, from_bits((uint32_t)v << 16))
        break;
    case CKPT_F64:
        READ_AS(double, (float)v)
        break;
    case CKPT_I64:
        READ_AS(int64_t, (float)v)
        break;
    case CKPT_I32:
        READ_AS(int32_t, (float)v)
        break;
    case CKPT_U8:
        READ_AS(uint8_t, (float)v)
        break;
    case CKPT_OTHER:
        break;
    }
}

static int64_t element_size(enum ckpt_dtype dtype)
{
    static const int8_t sizes[] = {4, 2, 2, 8, 8, 4, 1};
    return sizes[dtype];
}

/* The number of trailing dimensions that lie densely in memory, so that they are one run. */
static int dense_tail(const struct ckpt_tensor *t, int64_t *ret_run)
{
    int64_t run = 1;
    int d = t->ndim;
    while (d > 0 && (t->shape[d - 1] == 1 || t->stride[d - 1] == run))
        run *= t->shape[--d];
    *ret_run = run;
    return t->ndim - d;
}

int ckpt_read_f32(const struct ckpt_tensor *t, float *out, struct error *err)
{
    if ((unsigned)t->dtype >= CKPT_OTHER)
        return error_set(err, E_UNSUPPORTED, "%s is of a type that cannot be read as numbers", t->name);
    if (t->count == 0)
        return 0;

    int64_t run, step = 1;
    int outer = t->ndim - dense_tail(t, &run);
    if (outer == t->ndim && outer > 0) { /* no dense tail: the last dimension is the run, with a stride */
        outer--;
        run = t->shape[outer];
        step = t->stride[outer];
    }
    int64_t size = element_size(t->dtype), index[CKPT_MAX_DIMS] = {0}, at = 0;
    for (;;) {
        read_run(t->dtype, (const char *)t->data + at * size, run, step, out);
        out += run;
        int d = outer - 1;
        for (; d >= 0; d--) { /* an odometer over the outer dimensions */
            at += t->stride[d];
            if (++index[d] < t->shape[d])
                break;
            at -= t->stride[d] * t->shape[d];
            index[d] = 0;
        }
        if (d < 0)
            return 0;
    }
}

const float *ckpt_view_f32(const struct ckpt_tensor *t)
{
    int64_t run;
    if (t->dtype != CKPT_F32 || t->count == 0 || dense_tail(t, &run) != t->ndim ||
        (uintptr_t)t->data % sizeof(float))
        return NULL;
    return t->data;
}
