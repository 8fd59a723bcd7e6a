/* See tensor_set.h. */
#include "ckpt/tensor_set.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

void tensor_set_release(struct tensor_set *s)
{
    free(s->items);
    arena_release(&s->arena);
    *s = (struct tensor_set){0};
}

static int has_control(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7F)
            return 1;
    return 0;
}

int tensor_set_add(struct tensor_set *s, struct slice name, const struct ckpt_tensor *t, struct error *err)
{
    char shown[SHOWN_MAX];
    if (name.len == 0)
        return error_set(err, E_FORMAT, "a tensor has an empty name");
    if (name.len > CKPT_MAX_NAME)
        return error_set(err, E_LIMIT, "the name of a tensor has %zu bytes, the limit is %d: %s", name.len,
                         CKPT_MAX_NAME, text_shown(name, shown));
    if (utf8_valid_prefix(name.ptr, name.len) != name.len)
        return error_set(err, E_FORMAT, "the name of a tensor is not UTF-8: %s", text_shown(name, shown));
    if (has_control(name))
        return error_set(err, E_FORMAT, "the name of a tensor holds a control character: %s",
                         text_shown(name, shown));
    if (s->count == CKPT_MAX_TENSORS)
        return error_set(err, E_LIMIT, "more than %d tensors", CKPT_MAX_TENSORS);
    if (ARRAY_GROW(s->items, s->count, s->cap))
        return error_nomem(err);
    struct ckpt_tensor *slot = &s->items[s->count];
    *slot = *t;
    slot->name = arena_strndup(&s->arena, name.ptr, name.len);
    if (!slot->name)
        return error_nomem(err);
    s->count++;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct ckpt_tensor *)a)->name, ((const struct ckpt_tensor *)b)->name);
}

int tensor_set_sort(struct tensor_set *s, struct error *err)
{
    if (s->count == 0)
        return 0;
    qsort(s->items, s->count, sizeof *s->items, by_name);
    for (size_t i = 1; i < s->count; i++)
        if (strcmp(s->items[i - 1].name, s->items[i].name) == 0)
            return error_set(err, E_FORMAT, "two tensors are named %s", s->items[i].name);
    return 0;
}

int shape_count(const int64_t *shape, int ndim, int64_t *ret)
{
    int64_t n = 1;
    int empty = 0;
    for (int i = 0; i < ndim; i++) {
        if (shape[i] < 0)
            return -1;
        if (shape[i] == 0)
            empty = 1;
        else if (__builtin_mul_overflow(n, shape[i], &n))
            return -1;
    }
    *ret = empty ? 0 : n;
    return 0;
}

void shape_dense_strides(struct ckpt_tensor *t)
{
    int64_t step = 1;
    for (int i = t->ndim - 1; i >= 0; i--) {
        t->stride[i] = step;
        step *= t->shape[i] ? t->shape[i] : 1;
    }
}

const char *text_shown(struct slice s, char out[SHOWN_MAX])
{
    size_t at = 0, i = 0;
    while (i < s.len && at < 80) {
        uint32_t cp;
        size_t n = utf8_decode(s.ptr + i, s.len - i, &cp);
        if (n == 0 || cp < 0x20 || (cp >= 0x7F && cp < 0xA0)) {
            out[at++] = '?';
            i += n ? n : 1;
            continue;
        }
        memcpy(out + at, s.ptr + i, n);
        at += n;
        i += n;
    }
    memcpy(out + at, i < s.len ? "..." : "", i < s.len ? 4 : 1);
    return out;
}
