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

__attribute__((format(printf, 2, 0))) static void
full_name(const struct weights *w, const char *fmt, va_list ap, char out[CKPT_MAX_NAME])
{
    int n = snprintf(out, CKPT_MAX_NAME, "%s", w->prefix);
    if (n >= 0 && n < CKPT_MAX_NAME)
        vsnprintf(out + n, (size_t)(CKPT_MAX_NAME - n), fmt, ap);
}

static void shape_text(int ndim, const int64_t *dims, char out[CKPT_SHAPE_TEXT])
{
    struct ckpt_tensor t = {.ndim = ndim};
    memcpy(t.shape, dims, sizeof *dims * (size_t)ndim);
    ckpt_shape_text(&t, out);
}

static const float *get_host(struct weights *w, int ndim, const int64_t *dims, const char *name)
{
    char want[CKPT_SHAPE_TEXT], found[CKPT_SHAPE_TEXT];
    if (w->rc)
        return NULL;
    shape_text(ndim, dims, want);
    const struct ckpt_tensor *t = ckpt_find(w->ckpt, name);
    if (!t) {
        w->rc = error_set(w->err, E_FORMAT, "%s: tensor %s %s is missing", w->ckpt->path, name, want);
        return NULL;
    }
    if (t->ndim != ndim || memcmp(t->shape, dims, sizeof *dims * (size_t)ndim) != 0) {
        ckpt_shape_text(t, found);
        w->rc = error_set(w->err, E_FORMAT, "%s: tensor %s has shape %s, expected %s", w->ckpt->path, name, found,
                          want);
        return NULL;
    }
    w->used[t - w->ckpt->tensors] = 1;
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

const float *weights_host(struct weights *w, int ndim, const int64_t *dims, const char *fmt, ...)
{
    char name[CKPT_MAX_NAME];
    va_list ap;
    va_start(ap, fmt);
    full_name(w, fmt, ap, name);
    va_end(ap);
    return get_host(w, ndim, dims, name);
}

static float *upload(struct weights *w, const float *host, size_t count)
{
    float *v = NULL;
    w->rc = dev_alloc(w->dev, count, &v, w->err);
    if (w->rc)
        return NULL;
    dev_upload(w->dev, v, host, count);
    return v;
}

float *weights_vector(struct weights *w, int ndim, const int64_t *dims, const char *fmt, ...)
{
    char name[CKPT_MAX_NAME];
    va_list ap;
    va_start(ap, fmt);
    full_name(w, fmt, ap, name);
    va_end(ap);
    const float *host = get_host(w, ndim, dims, name);
    if (!host)
        return NULL;
    size_t count = 1;
    for (int i = 0; i < ndim; i++)
        count *= (size_t)dims[i];
    return upload(w, host, count);
}

float *weights_depthwise(struct weights *w, int cols, int kernel, const char *fmt, ...)
{
    char name[CKPT_MAX_NAME];
    va_list ap;
    va_start(ap, fmt);
    full_name(w, fmt, ap, name);
    va_end(ap);
    const float *host = get_host(w, 3, (int64_t[]){cols, 1, kernel}, name);
    if (!host)
        return NULL;
    const size_t count = (size_t)cols * (size_t)kernel;
    float *turned = arena_alloc(&w->scratch, sizeof *turned * count);
    if (!turned) {
        w->rc = error_nomem(w->err);
        return NULL;
    }
    for (int c = 0; c < cols; c++)
        for (int k = 0; k < kernel; k++)
            turned[k * cols + c] = host[c * kernel + k];
    return upload(w, turned, count);
}

int weights_has(const struct weights *w, const char *fmt, ...)
{
    char name[CKPT_MAX_NAME];
    va_list ap;
    va_start(ap, fmt);
    full_name(w, fmt, ap, name);
    va_end(ap);
    return ckpt_find(w->ckpt, name) != NULL;
}

void weights_drop_scratch(struct weights *w)
{
    arena_release(&w->scratch);
}

struct dev_linear *weights_linear(struct weights *w, int n, int k, const char *fmt, ...)
{
    char stem[CKPT_MAX_NAME], name[CKPT_MAX_NAME + 8];
    va_list ap;
    va_start(ap, fmt);
    full_name(w, fmt, ap, stem);
    va_end(ap);
    struct dev_matrix m = {.n = n};
    snprintf(name, sizeof name, "%s.weight", stem);
    m.w = get_host(w, 2, (int64_t[]){n, k}, name);
    snprintf(name, sizeof name, "%s.bias", stem);
    m.b = get_host(w, 1, (int64_t[]){n}, name);
    if (w->rc)
        return NULL;
    struct dev_linear *l = NULL;
    w->rc = dev_linear_create(w->dev, &m, 1, k, DEV_F32, &l, w->err);
    return w->rc ? NULL : l;
}

int weights_finish(struct weights *w, const char *container, int (*ignored)(const char *name))
{
    size_t n = strlen(container);
    for (size_t i = 0; !w->rc && i < w->ckpt->count; i++) {
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
