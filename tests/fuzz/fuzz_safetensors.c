/* Safetensors from strangers: what the parser accepts must lie inside the bytes it was given. */
#include "ckpt/tensor_set.h"

#include <stdlib.h>

#define READ_MAX 65536 /* elements */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tensor_set set = {0};
    struct error err;
    const char *begin = (const char *)data, *end = begin + size;
    if (!safetensors_parse(begin, size, &set, &err)) {
        for (size_t i = 0; i < set.count; i++) {
            const struct ckpt_tensor *t = &set.items[i];
            if ((const char *)t->data < begin || (const char *)t->data > end)
                abort();
            float *out = t->count <= READ_MAX ? malloc((size_t)t->count * sizeof *out + 1) : NULL;
            if (out)
                ckpt_read_f32(t, out, &err);
            free(out);
        }
    }
    tensor_set_release(&set);
    return 0;
}
