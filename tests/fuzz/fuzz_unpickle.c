/* Pickles from strangers, straight into the stack machine. Whatever comes out must hold together. */
#include "ckpt/unpickle.h"

#include <stdlib.h>

#define WALK_MAX_DEPTH 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(struct pickle_value v, int depth, int *budget)
{
    if (depth == WALK_MAX_DEPTH || --*budget < 0)
        return;
    if (v.kind == PICKLE_NOTHING)
        abort();
    if (v.kind == PICKLE_TENSOR) {
        const struct ckpt_tensor *t = &v.tensor->view;
        int64_t last = v.tensor->offset;
        for (int i = 0; i < t->ndim; i++)
            last += (t->shape[i] - 1) * t->stride[i];
        if (t->count && (v.tensor->offset < 0 || last >= v.tensor->storage->count))
            abort();
    }
    if (v.kind == PICKLE_DICT || v.kind == PICKLE_LIST || v.kind == PICKLE_TUPLE)
        for (size_t i = 0; i < v.list->count; i++)
            walk(v.list->items[i], depth + 1, budget);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct pickle_value v = {0};
    struct error err;
    int budget = 10000;
    if (!unpickle((const char *)data, size, &arena, &v, &err))
        walk(v, 0, &budget);
    arena_release(&arena);
    return 0;
}
