/* Python's pickle format as far as torch.save uses it (protocols 2 to 5), read as data: a stack
 * machine that builds dicts, lists, tuples, numbers, texts and tensors, and runs nothing.
 *
 * Every global that a pickle names must be in a fixed list, and each entry of that list is a case in
 * this program, not something that gets called. Python's pickletools documents the opcodes. */
#ifndef ISHOW_CKPT_UNPICKLE_H
#define ISHOW_CKPT_UNPICKLE_H

#include "base/arena.h"
#include "ckpt/ckpt.h"

#define PICKLE_MAX_OPS    (5u << 20) /* opcodes run; a tensor takes about 60 */
#define PICKLE_MAX_STACK  65536      /* values at once; Python saves in batches of 1000 */
#define PICKLE_MAX_MARKS  256        /* containers being filled at once */
#define PICKLE_MAX_MEMO   (1u << 20) /* a tensor takes about 9 */
#define PICKLE_MAX_GLOBAL 256        /* bytes of a module's or a class's name */

enum pickle_kind {
    PICKLE_NOTHING, /* an empty place in the memo; never in a result */
    PICKLE_OTHER,   /* None, bool, float, bytes, device, dtype ...: nothing anyone asks for */
    PICKLE_INT,     /* that fits int64 */
    PICKLE_TEXT,
    PICKLE_TUPLE,
    PICKLE_LIST,
    PICKLE_DICT, /* key, value, key, value ... */
    PICKLE_GLOBAL,
    PICKLE_STORAGE,
    PICKLE_TENSOR,
};

struct pickle_global; /* an entry of the list in unpickle.c */

struct pickle_storage {
    struct slice key; /* "17": the bytes are in the archive's entry data/17 */
    enum ckpt_dtype dtype;
    int size; /* bytes of an element */
    int64_t count;
};

struct pickle_tensor {
    const struct pickle_storage *storage;
    int64_t offset;          /* in elements; every element that shape and stride reach is in the storage */
    struct ckpt_tensor view; /* dtype, ndim, shape, stride, count; no name, no data */
};

struct pickle_value {
    enum pickle_kind kind;
    union {
        int64_t number;
        struct slice text;        /* in the pickle's bytes; not checked to be UTF-8 */
        struct pickle_list *list; /* tuple, list, dict */
        const struct pickle_global *global;
        const struct pickle_storage *storage;
        const struct pickle_tensor *tensor;
    };
};

struct pickle_list {
    struct pickle_value *items;
    size_t count, cap;
};

/* Runs the pickle in data[0, len) and stores what it leaves. Everything is allocated from `arena`;
 * values may contain each other in circles. E_FORMAT, E_LIMIT, E_UNSUPPORTED, E_NOMEM. */
int unpickle(const char *data, size_t len, struct arena *arena, struct pickle_value *ret, struct error *err);

#endif
