/* Torch zips from strangers. The checksums of entries called data.pkl are set right first, so that
 * changes inside the pickle get past them and meet the rest of the reader. */
#include "ckpt/tensor_set.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define CENTRAL_SIZE 46
#define READ_MAX     65536 /* elements */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t get(const uint8_t *p, int bytes)
{
    uint32_t v = 0;
    for (int i = bytes; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

/* For each directory entry whose name ends in data.pkl and whose bytes are where it says. */
static void repair_checksums(uint8_t *p, size_t size)
{
    for (size_t at = 0; at + CENTRAL_SIZE < size; at++) {
        if (memcmp(p + at, "PK\001\002", 4))
            continue;
        size_t name = get(p + at + 28, 2), bytes = get(p + at + 24, 4), local = get(p + at + 42, 4);
        if (name < 8 || name > size - at - CENTRAL_SIZE || local > size || size - local < 30 ||
            memcmp(p + at + CENTRAL_SIZE + name - 8, "data.pkl", 8))
            continue;
        size_t head = 30 + get(p + local + 26, 2) + get(p + local + 28, 2);
        if (head > size - local || bytes > size - local - head)
            continue;
        uint32_t crc = (uint32_t)crc32(crc32(0, NULL, 0), p + local + head, (uInt)bytes);
        for (int i = 0; i < 4; i++)
            p[at + 16 + (size_t)i] = (uint8_t)(crc >> 8 * i);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tensor_set set = {0};
    struct error err;
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    repair_checksums(copy, size);
    if (!torch_zip_parse((const char *)copy, size, &set, &err)) {
        for (size_t i = 0; i < set.count; i++) {
            const struct ckpt_tensor *t = &set.items[i];
            if ((const uint8_t *)t->data < copy || (const uint8_t *)t->data > copy + size)
                abort();
            float *out = t->count <= READ_MAX ? malloc((size_t)t->count * sizeof *out + 1) : NULL;
            if (out)
                ckpt_read_f32(t, out, &err);
            free(out);
        }
    }
    tensor_set_release(&set);
    free(copy);
    return 0;
}
