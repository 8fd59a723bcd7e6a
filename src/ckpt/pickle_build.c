/* See pickle_build.h. The list below is the whole of what a checkpoint can ask for. */
#include "ckpt/pickle_build.h"

#include "ckpt/tensor_set.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum global_kind {
    MAKES_DICT,      /* from nothing, a dict, or a list of pairs */
    MAKES_TENSOR,    /* (storage, offset, shape, stride, ...) */
    MAKES_PARAMETER, /* (tensor, ...): the tensor itself */
    MAKES_TUPLE,     /* (sequence): torch.Size */
    MAKES_OTHER,     /* something without tensors in it */
    IS_STORAGE,
    IS_OTHER,
};

struct pickle_global {
    const char *module, *name;
    enum global_kind kind;
    enum ckpt_dtype dtype; /* of a storage */
    int size;
};

static const struct pickle_global globals[] = {
    {"collections", "OrderedDict", MAKES_DICT, 0, 0},
    {"collections", "Counter", MAKES_DICT, 0, 0},
    {"torch._utils", "_rebuild_tensor_v2", MAKES_TENSOR, 0, 0},
    {"torch._utils", "_rebuild_tensor", MAKES_TENSOR, 0, 0},
    {"torch._utils", "_rebuild_parameter", MAKES_PARAMETER, 0, 0},
    {"torch", "Size", MAKES_TUPLE, 0, 0},
    {"torch", "device", MAKES_OTHER, 0, 0},
    {"_codecs", "encode", MAKES_OTHER, 0, 0}, /* how protocol 2 writes bytes */
    {"torch", "FloatStorage", IS_STORAGE, CKPT_F32, 4},
    {"torch", "HalfStorage", IS_STORAGE, CKPT_F16, 2},
    {"torch", "BFloat16Storage", IS_STORAGE, CKPT_BF16, 2},
    {"torch", "DoubleStorage", IS_STORAGE, CKPT_F64, 8},
    {"torch", "LongStorage", IS_STORAGE, CKPT_I64, 8},
    {"torch", "IntStorage", IS_STORAGE, CKPT_I32, 4},
    {"torch", "ShortStorage", IS_STORAGE, CKPT_OTHER, 2},
    {"torch", "CharStorage", IS_STORAGE, CKPT_OTHER, 1},
    {"torch", "ByteStorage", IS_STORAGE, CKPT_U8, 1},
    {"torch", "BoolStorage", IS_STORAGE, CKPT_OTHER, 1},
    {"torch", "float32", IS_OTHER, 0, 0},
    {"torch", "float16", IS_OTHER, 0, 0},
    {"torch", "bfloat16", IS_OTHER, 0, 0},
    {"torch", "float64", IS_OTHER, 0, 0},
    {"torch", "int64", IS_OTHER, 0, 0},
    {"torch", "int32", IS_OTHER, 0, 0},
    {"torch", "int16", IS_OTHER, 0, 0},
    {"torch", "int8", IS_OTHER, 0, 0},
    {"torch", "uint8", IS_OTHER, 0, 0},
    {"torch", "bool", IS_OTHER, 0, 0},
};

int pickle_global_find(struct slice module, struct slice name, const struct pickle_global **ret,
                       struct error *err)
{
    char m[SHOWN_MAX], n[SHOWN_MAX];
    for (size_t i = 0; i < sizeof globals / sizeof *globals; i++)
        if (slice_eq_str(module, globals[i].module) && slice_eq_str(name, globals[i].name)) {
            *ret = &globals[i];
            return 0;
        }
    text_shown(module, m);
    text_shown(name, n);
    if (strncmp(m, "__torch__", 9) == 0)
        return error_set(err, E_FORMAT,
                         "data.pkl asks for %s.%s: this is a TorchScript program, not a checkpoint", m, n);
    if (strcmp(m, "torch") == 0 || strncmp(m, "torch.", 6) == 0 || strncmp(m, "numpy", 5) == 0)
        return error_set(
            err, E_FORMAT,
            "data.pkl asks for %s.%s, which is not read here: save plain tensors of a common type", m, n);
    return error_set(err, E_FORMAT, "data.pkl asks for %s.%s, which a checkpoint has no business with", m, n);
}

int pickle_list_push(struct pickle_list *l, struct pickle_value v, struct arena *arena)
{
    if (l->count == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 4;
        struct pickle_value *items = arena_alloc(arena, cap * sizeof *items);
        if (!items)
            return E_NOMEM;
        if (l->count)
            memcpy(items, l->items, l->count * sizeof *items);
        l->items = items;
        l->cap = cap;
    }
    l->items[l->count++] = v;
    return 0;
}

/* Whole numbers >= 0 from a tuple or list into out[0, CKPT_MAX_DIMS); their count, or -1. */
static int read_figures(struct pickle_value v, int64_t *out)
{
    if ((v.kind != PICKLE_TUPLE && v.kind != PICKLE_LIST) || v.list->count > CKPT_MAX_DIMS)
        return -1;
    for (size_t i = 0; i < v.list->count; i++) {
        if (v.list->items[i].kind != PICKLE_INT || v.list->items[i].number < 0)
            return -1;
        out[i] = v.list->items[i].number;
    }
    return (int)v.list->count;
}

/* 0 when offset + sum((shape - 1) * stride) stays inside the storage. */
static int check_reach(const struct pickle_tensor *t)
{
    int64_t last = t->offset;
    if (t->view.count == 0)
        return t->offset > t->storage->count ? -1 : 0;
    for (int i = 0; i < t->view.ndim; i++) {
        int64_t span;
        if (__builtin_mul_overflow(t->view.shape[i] - 1, t->view.stride[i], &span) ||
            __builtin_add_overflow(last, span, &last))
            return -1;
    }
    return last >= t->storage->count ? -1 : 0;
}

static int make_tensor(const struct pickle_list *args, struct arena *arena, struct pickle_value *ret,
                       struct error *err)
{
    const struct pickle_value *a = args->items;
    if (args->count < 4 || a[0].kind != PICKLE_STORAGE || a[1].kind != PICKLE_INT || a[1].number < 0)
        return error_set(err, E_FORMAT,
                         "data.pkl builds a tensor from something other than storage, offset, "
                         "shape and strides");
    struct pickle_tensor *t = arena_alloc(arena, sizeof *t);
    if (!t)
        return error_nomem(err);
    t->storage = a[0].storage;
    t->offset = a[1].number;
    t->view.dtype = t->storage->dtype;
    t->view.ndim = read_figures(a[2], t->view.shape);
    if (t->view.ndim < 0 || read_figures(a[3], t->view.stride) != t->view.ndim)
        return error_set(err, E_FORMAT,
                         "data.pkl builds a tensor whose shape and strides are no two lists of at most %d "
                         "whole numbers >= 0",
                         CKPT_MAX_DIMS);
    char shown[SHOWN_MAX];
    if (shape_count(t->view.shape, t->view.ndim, &t->view.count) || check_reach(t))
        return error_set(err, E_FORMAT,
                         "data.pkl builds a tensor that reaches past the %" PRId64 " elements of storage %s",
                         t->storage->count, text_shown(t->storage->key, shown));
    if (t->view.count > t->storage->count)
        return error_set(err, E_FORMAT,
                         "data.pkl builds a tensor of %" PRId64 " elements on the %" PRId64 " of storage %s: "
                         "save it with .contiguous()",
                         t->view.count, t->storage->count, text_shown(t->storage->key, shown));
    ret->kind = PICKLE_TENSOR;
    ret->tensor = t;
    return 0;
}

static int make_dict(const struct pickle_list *args, struct arena *arena, struct pickle_value *ret,
                     struct error *err)
{
    struct pickle_list *d = arena_alloc(arena, sizeof *d);
    if (!d)
        return error_nomem(err);
    struct pickle_value from = args->count ? args->items[0] : (struct pickle_value){0};
    if (args->count > 1 || (args->count && from.kind != PICKLE_DICT && from.kind != PICKLE_LIST))
        return error_set(err, E_FORMAT,
                         "data.pkl builds a dict from something that is neither dict nor list");
    for (size_t i = 0; args->count && i < from.list->count; i++) {
        struct pickle_value v = from.list->items[i];
        if (from.kind == PICKLE_DICT) {
            if (pickle_list_push(d, v, arena))
                return error_nomem(err);
            continue;
        }
        if ((v.kind != PICKLE_TUPLE && v.kind != PICKLE_LIST) || v.list->count != 2)
            return error_set(err, E_FORMAT, "data.pkl builds a dict from a list that does not hold pairs");
        if (pickle_list_push(d, v.list->items[0], arena) || pickle_list_push(d, v.list->items[1], arena))
            return error_nomem(err);
    }
    ret->kind = PICKLE_DICT;
    ret->list = d;
    return 0;
}

int pickle_reduce(const struct pickle_global *g, const struct pickle_list *args, struct arena *arena,
                  struct pickle_value *ret, struct error *err)
{
    switch (g->kind) {
    case MAKES_DICT:
        return make_dict(args, arena, ret, err);
    case MAKES_TENSOR:
        return make_tensor(args, arena, ret, err);
    case MAKES_PARAMETER:
        if (args->count < 1 || args->items[0].kind != PICKLE_TENSOR)
            return error_set(err, E_FORMAT, "data.pkl builds a parameter from something that is no tensor");
        *ret = args->items[0];
        return 0;
    case MAKES_TUPLE:
        if (args->count != 1 || (args->items[0].kind != PICKLE_TUPLE && args->items[0].kind != PICKLE_LIST))
            return error_set(err, E_FORMAT,
                             "data.pkl builds a torch.Size from something that is no sequence");
        *ret = args->items[0];
        return 0;
    case MAKES_OTHER:
        ret->kind = PICKLE_OTHER;
        return 0;
    case IS_STORAGE:
    case IS_OTHER:
        break;
    }
    return error_set(err, E_FORMAT, "data.pkl calls %s.%s, which cannot be called", g->module, g->name);
}

int pickle_storage_make(struct pickle_value id, struct arena *arena, struct pickle_value *ret,
                        struct error *err)
{
    const struct pickle_value *v = id.kind == PICKLE_TUPLE ? id.list->items : NULL;
    if (!v || id.list->count != 5 || v[0].kind != PICKLE_TEXT || !slice_eq_str(v[0].text, "storage") ||
        v[1].kind != PICKLE_GLOBAL || v[1].global->kind != IS_STORAGE || v[2].kind != PICKLE_TEXT ||
        v[4].kind != PICKLE_INT)
        return error_set(err, E_FORMAT,
                         "data.pkl names a storage by something other than (\"storage\", type, key, "
                         "location, count)");
    struct pickle_storage *s = arena_alloc(arena, sizeof *s);
    if (!s)
        return error_nomem(err);
    *s = (struct pickle_storage){v[2].text, v[1].global->dtype, v[1].global->size, v[4].number};
    char shown[SHOWN_MAX];
    if (s->count < 0 || s->count > INT64_MAX / s->size)
        return error_set(err, E_FORMAT, "data.pkl: storage %s has the impossible count of %" PRId64,
                         text_shown(s->key, shown), s->count);
    ret->kind = PICKLE_STORAGE;
    ret->storage = s;
    return 0;
}
