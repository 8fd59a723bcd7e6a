/* See weights.h. */
#include "model/weights.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int weights_init(struct weights *w, const struct ckpt *ckpt, struct dev *dev, const char *prefix,
                 struct error *err)
{
    *w = (struct weights){.ckpt = ckpt, .dev = dev, .prefix = prefix, .err = err};
    w->used = calloc(ckpt->count ? ckpt->count : 1, 1);
    if (!w->used)
        w->rc = error_nomem(err);
    return w->rc;
}

void weights_release(struct weights *w)
{
    free(w->used);
    arena_release(&w->scratch);
    *w = (struct weights){0};
}

/* The formatted name without the prefix into `name`. */
#define FORMAT_NAME(name, fmt)                                                                                         \
    do {                                                                                                               \
        va_list ap_;                                                                                                   \
        va_start(ap_, fmt);                                                                                            \
        vsnprintf(name, sizeof name, fmt, ap_);                                                                        \
        va_end(ap_);                                                                                                   \
    } while (0)

static size_t count_of(int ndim, const int64_t *dims)
{
    size_t count = 1;
    for (int i = 0; i < ndim; i++)
        count *= (size_t)dims[i];
    return count;
}

/* -------- out of a checkpoint -------- */

static const struct ckpt_tensor *find_as(const struct weights *w, const char *name, char full[CKPT_MAX_NAME])
{
    int n = snprintf(full, CKPT_MAX_NAME, "%s%s", w->prefix, name);
    return n < CKPT_MAX_NAME ? ckpt_find(w->ckpt, full) : NULL;
}

static const struct ckpt_tensor *get_tensor(struct weights *w, int ndim, const int64_t *dims, const char *name)
{
    char full[CKPT_MAX_NAME], want[CKPT_SHAPE_TEXT], found[CKPT_SHAPE_TEXT];
    struct ckpt_tensor shape = {.ndim = ndim};
    if (w->rc)
        return NULL;
    memcpy(shape.shape, dims, sizeof *dims * (size_t)ndim);
    ckpt_shape_text(&shape, want);
    const struct ckpt_tensor *t = find_as(w, name, full);
    if (!t) {
        w->rc = error_set(w->err, E_FORMAT, "%s: tensor %s %s is missing", w->ckpt->path, full, want);
        return NULL;
    }
    if (t->ndim != ndim || memcmp(t->shape, dims, sizeof *dims * (size_t)ndim) != 0) {
        ckpt_shape_text(t, found);
        w->rc = error_set(w->err, E_FORMAT, "%s: tensor %s has shape %s, expected %s", w->ckpt->path, full, found,
                          want);
        return NULL;
    }
    w->used[t - w->ckpt->tensors] = 1;
    return t;
}

static const float *get_host(struct weights *w, int ndim, const int64_t *dims, const char *name)
{
    const struct ckpt_tensor *t = get_tensor(w, ndim, dims, name);
    if (!t)
        return NULL;
    w->done += (uint64_t)t->count;
    const float *view = ckpt_view_f32(t);
    if (view)
        return view;
    float *copy = arena_alloc(&w->scratch, (size_t)t->count * sizeof *copy);
    if (!copy) {
        w->rc = error_nomem(w->err);
        return NULL;
    }
    w->rc = ckpt_read_f32(t, copy, w->err);
    return w->rc ? NULL : copy;
}

/* -------- out of a pack -------- */

static const struct packed_record *get_record(struct weights *w, enum packed_kind kind, size_t n, const char *name)
{
    if (w->rc)
        return NULL;
    const struct packed_record *r = packed_find(w->from, name);
    if (!r || r->kind != kind || r->n != n) {
        w->rc = error_set(w->err, E_FORMAT, "the packed weights hold no %s of %zu", name, n);
        return NULL;
    }
    return r;
}

/* -------- either -------- */

/* n floats that the model keeps: from a pack's record, or `host` (NULL after an error), into one if that is asked
 * for. */
static const float *pass_floats(struct weights *w, const float *host, size_t n, const char *name)
{
    if (w->from) {
        const struct packed_record *r = get_record(w, PACKED_FLOATS, n, name);
        return r ? packed_bytes(w->from, r) : NULL;
    }
    if (!w->rc && w->to)
        w->rc = packed_add(w->to, name, PACKED_FLOATS, DEV_F32, n, 1, host, n * sizeof *host, w->err);
    return w->rc ? NULL : host;
}

const float *weights_host(struct weights *w, int ndim, const int64_t *dims, const char *fmt, ...)
{
    char name[CKPT_MAX_NAME];
    FORMAT_NAME(name, fmt);
    return get_host(w, ndim, dims, name);
}

void weights_expect(struct weights *w, int ndim, const int64_t *dims, const char *fmt, ...)
{
    char name[CKPT_MAX_NAME];
    FORMAT_NAME(name, fmt);
    if (!w->from)
        get_tensor(w, ndim, dims, name);
}

void weights_copy(struct weights *w, int n, float *out, const char *fmt, ...)
{
    char name[CKPT_MAX_NAME];
    FORMAT_NAME(name, fmt);
    const int64_t dim = n;
    const float *x = pass_floats(w, w->from ? NULL : get_host(w, 1, &dim, name), (size_t)n, name);
    if (x)
        memcpy(out, x, sizeof *out * (size_t)n);
}

/* To the device, unless it only goes into a pack. */
static float *upload(struct weights *w, const float *host, size_t count)
{
    float *v = NULL;
    if (w->rc || w->to)
        return NULL;
    w->rc = dev_alloc(w->dev, count, &v, w->err);
    if (w->rc)
        return NULL;
    dev_upload(w->dev, v, host, count);
    return v;
}

float *weights_vector(struct weights *w, int ndim, const int64_t *dims, const char *fmt, ...)
{
    char name[CKPT_MAX_NAME];
    FORMAT_NAME(name, fmt);
    const size_t count = count_of(ndim, dims);
    const float *x = pass_floats(w, w->from ? NULL : get_host(w, ndim, dims, name), count, name);
    return upload(w, x, count);
}

/* [cols, 1, kernel] -> [kernel, cols], in scratch. */
static const float *turn(struct weights *w, const float *host, int cols, int kernel)
{
    if (w->rc)
        return NULL;
    float *turned = arena_alloc(&w->scratch, sizeof *turned * (size_t)cols * (size_t)kernel);
    if (!turned) {
        w->rc = error_nomem(w->err);
        return NULL;
    }
    for (int c = 0; c < cols; c++)
        for (int k = 0; k < kernel; k++)
            turned[k * cols + c] = host[c * kernel + k];
    return turned;
}

float *weights_depthwise(struct weights *w, int cols, int kernel, const char *fmt, ...)
{
    char name[CKPT_MAX_NAME];
    FORMAT_NAME(name, fmt);
    const size_t count = (size_t)cols * (size_t)kernel;
    const float *x = NULL;
    if (!w->from)
        x = turn(w, get_host(w, 3, (int64_t[]){cols, 1, kernel}, name), cols, kernel);
    return upload(w, pass_floats(w, x, count, name), count);
}

int weights_has(const struct weights *w, const char *fmt, ...)
{
    char name[CKPT_MAX_NAME], full[CKPT_MAX_NAME];
    FORMAT_NAME(name, fmt);
    return w->from ? packed_find(w->from, name) != NULL : find_as(w, name, full) != NULL;
}

static struct dev_linear *map_linear(struct weights *w, int n, int k, enum dev_precision p, const char *name)
{
    struct dev_linear *l = NULL;
    const struct packed_record *r = get_record(w, PACKED_LINEAR, (size_t)n, name);
    if (r && (r->k != (uint64_t)k || r->precision != p))
        w->rc = error_set(w->err, E_FORMAT, "the packed weights hold %s in another shape or precision", name);
    if (!w->rc)
        w->rc = dev_linear_map(w->dev, n, k, p, packed_bytes(w->from, r), r->len, &l, w->err);
    return w->rc ? NULL : l;
}

/* The layer itself, or NULL when it went into a pack. */
static struct dev_linear *make_linear(struct weights *w, const struct dev_matrix *parts, int count, int k,
                                      enum dev_precision p, const char *name)
{
    struct dev_linear *l = NULL;
    size_t len, n = 0;
    if (!w->rc)
        w->rc = dev_linear_create(w->dev, parts, count, k, p, &l, w->err);
    if (w->rc || !w->to)
        return w->rc ? NULL : l;
    for (int i = 0; i < count; i++)
        n += (size_t)parts[i].n;
    const void *bytes = dev_linear_bytes(l, &len);
    w->rc = packed_add(w->to, name, PACKED_LINEAR, p, n, (size_t)k, bytes, len, w->err);
    dev_linear_free(w->dev, l);
    return NULL;
}

static struct dev_matrix get_matrix(struct weights *w, int n, int k, const char *stem, const char *part)
{
    char name[2 * CKPT_MAX_NAME];
    struct dev_matrix m = {.n = n};
    snprintf(name, sizeof name, "%s%s.weight", stem, part);
    m.w = get_host(w, 2, (int64_t[]){n, k}, name);
    snprintf(name, sizeof name, "%s%s.bias", stem, part);
    m.b = get_host(w, 1, (int64_t[]){n}, name);
    return m;
}

struct dev_linear *weights_linear(struct weights *w, int n, int k, enum dev_precision p, const char *fmt, ...)
{
    char name[CKPT_MAX_NAME];
    FORMAT_NAME(name, fmt);
    if (w->from)
        return map_linear(w, n, k, p, name);
    const struct dev_matrix m = get_matrix(w, n, k, name, "");
    return make_linear(w, &m, 1, k, p, name);
}

struct dev_linear *weights_joined(struct weights *w, const char *const *parts, int count, int n, int k,
                                  enum dev_precision p, const char *fmt, ...)
{
    char name[CKPT_MAX_NAME];
    struct dev_matrix m[WEIGHTS_MAX_PARTS];
    FORMAT_NAME(name, fmt);
    if (w->from)
        return map_linear(w, count * n, k, p, name);
    for (int i = 0; i < count; i++)
        m[i] = get_matrix(w, n, k, name, parts[i]);
    return make_linear(w, m, count, k, p, name);
}

struct dev_conv *weights_conv(struct weights *w, int out, int in, int groups, int kernel, enum dev_precision p,
                              const char *fmt, ...)
{
    char stem[CKPT_MAX_NAME], name[CKPT_MAX_NAME + 8];
    FORMAT_NAME(stem, fmt);
    const int64_t dims[] = {out, in / groups, kernel};
    struct dev_conv *c = NULL;
    snprintf(name, sizeof name, "%s.weight", stem);
    const float *kernels = pass_floats(w, w->from ? NULL : get_host(w, 3, dims, name), count_of(3, dims), name);
    snprintf(name, sizeof name, "%s.bias", stem);
    const float *bias = pass_floats(w, w->from ? NULL : get_host(w, 1, dims, name), (size_t)out, name);
    if (!w->rc && !w->to)
        w->rc = dev_conv_create(w->dev, kernels, bias, out, in, groups, kernel, p, &c, w->err);
    return w->rc ? NULL : c;
}

void weights_layer_done(struct weights *w)
{
    arena_release(&w->scratch);
    if (w->from)
        return;
    ckpt_drop_pages(w->ckpt);
    const uint64_t done = w->done < w->total ? w->done : w->total; /* a few buffers are no parameters */
    if (!w->rc && w->progress.fn && w->progress.fn(w->progress.user, done, w->total))
        w->rc = error_set(w->err, E_CANCELLED, "cancelled while the weights were converted");
}

int weights_finish(struct weights *w, const char *container, int (*ignored)(const char *name))
{
    size_t n = strlen(container);
    for (size_t i = 0; !w->rc && !w->from && i < w->ckpt->count; i++) {
        const struct ckpt_tensor *t = &w->ckpt->tensors[i];
        if (w->used[i] || strncmp(t->name, container, n) != 0 || ignored(t->name + n))
            continue;
        char shape[CKPT_SHAPE_TEXT];
        ckpt_shape_text(t, shape);
        w->rc = error_set(w->err, E_FORMAT, "%s: tensor %s %s belongs to no part of the model", w->ckpt->path,
                          t->name, shape);
    }
    return w->rc;
}
