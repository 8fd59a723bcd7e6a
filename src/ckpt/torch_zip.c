/* What torch.save writes since version 1.6: a zip with PREFIX/data.pkl, a pickle that names storages,
 * and PREFIX/data/KEY, the bytes of each. Tensors are views into those bytes.
 *
 * Nested dicts become dotted names. Numbers, texts and lists, which training checkpoints are full of,
 * are passed over. */
#include "ckpt/tensor_set.h"
#include "ckpt/unpickle.h"
#include "ckpt/zip_index.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FLATTEN_MAX_DEPTH  32
#define FLATTEN_MAX_VISITS PICKLE_MAX_OPS /* dict entries; one dict may be found in many places */

struct flatten {
    const struct zip_index *zip;
    struct slice prefix; /* of the zip's names, with its '/' */
    struct tensor_set *out;
    size_t visits;
    char name[CKPT_MAX_NAME];
    struct error *err;
};

static int find_entry(const struct zip_index *zip, struct slice prefix, const char *folder, struct slice key,
                      const struct zip_entry **ret)
{
    char name[CKPT_MAX_NAME];
    size_t n = strlen(folder);
    if (prefix.len > sizeof name - n || key.len > sizeof name - n - prefix.len)
        return -1;
    memcpy(name, prefix.ptr, prefix.len);
    memcpy(name + prefix.len, folder, n);
    if (key.len)
        memcpy(name + prefix.len + n, key.ptr, key.len);
    *ret = zip_find(zip, (struct slice){name, prefix.len + n + key.len});
    return *ret ? 0 : -1;
}

static int add_tensor(struct flatten *f, size_t name_len, const struct pickle_tensor *t)
{
    const struct zip_entry *e;
    char shown[SHOWN_MAX], key[SHOWN_MAX];
    text_shown((struct slice){f->name, name_len}, shown);
    text_shown(t->storage->key, key);
    if (find_entry(f->zip, f->prefix, "data/", t->storage->key, &e))
        return error_set(f->err, E_FORMAT, "tensor %s: the zip has no entry data/%s", shown, key);
    uint64_t want = (uint64_t)t->storage->count * (uint64_t)t->storage->size;
    if (e->data.len != want)
        return error_set(f->err, E_FORMAT,
                         "tensor %s: the zip entry data/%s has %zu bytes, data.pkl says %" PRIu64, shown, key,
                         e->data.len, want);
    struct ckpt_tensor view = t->view;
    view.data = e->data.ptr + (size_t)t->offset * (size_t)t->storage->size;
    return tensor_set_add(f->out, (struct slice){f->name, name_len}, &view, f->err);
}

/* Appends a dict's key to the name; the new length, or an error code. */
static int extend_name(struct flatten *f, size_t len, struct pickle_value key, size_t *ret_len)
{
    char digits[24];
    struct slice part = key.text;
    if (key.kind == PICKLE_INT) {
        int n = snprintf(digits, sizeof digits, "%" PRId64, key.number);
        part = (struct slice){digits, (size_t)n};
    } else if (key.kind != PICKLE_TEXT) {
        return error_set(f->err, E_FORMAT,
                         "a dict with tensors in it has a key that is neither text nor number");
    }
    size_t dot = len > 0;
    if (part.len == 0)
        return error_set(f->err, E_FORMAT, "a dict with tensors in it has an empty key");
    if (part.len > sizeof f->name - len - dot || len + dot >= sizeof f->name)
        return error_set(f->err, E_LIMIT, "the name of a tensor has more than %d bytes", CKPT_MAX_NAME);
    if (dot)
        f->name[len] = '.';
    memcpy(f->name + len + dot, part.ptr, part.len);
    *ret_len = len + dot + part.len;
    return 0;
}

static int flatten_dict(struct flatten *f, size_t name_len, const struct pickle_list *d, int depth)
{
    if (depth == FLATTEN_MAX_DEPTH)
        return error_set(f->err, E_LIMIT, "data.pkl nests dicts deeper than %d levels", FLATTEN_MAX_DEPTH);
    for (size_t i = 0; i + 1 < d->count; i += 2) {
        struct pickle_value key = d->items[i], value = d->items[i + 1];
        if (++f->visits > FLATTEN_MAX_VISITS)
            return error_set(f->err, E_LIMIT, "data.pkl holds more than %u values", FLATTEN_MAX_VISITS);
        if (value.kind != PICKLE_TENSOR && value.kind != PICKLE_DICT)
            continue;
        if (value.kind == PICKLE_DICT && value.list->count == 0)
            continue;
        size_t len = 0;
        int rc = extend_name(f, name_len, key, &len);
        if (!rc)
            rc = value.kind == PICKLE_TENSOR ? add_tensor(f, len, value.tensor)
                                             : flatten_dict(f, len, value.list, depth + 1);
        if (rc)
            return rc;
    }
    return 0;
}

/* The entry "data.pkl" or "PREFIX/data.pkl"; there must be one. */
static const struct zip_entry *find_pickle(const struct zip_index *zip, struct slice *ret_prefix,
                                           struct error *err)
{
    static const char tail[] = "data.pkl";
    const size_t n = sizeof tail - 1;
    const struct zip_entry *found = NULL;
    for (size_t i = 0; i < zip->count; i++) {
        struct slice name = zip->entries[i].name;
        if (name.len < n || memcmp(name.ptr + name.len - n, tail, n) ||
            (name.len > n && name.ptr[name.len - n - 1] != '/'))
            continue;
        if (found) {
            error_set(err, E_FORMAT, "the zip holds more than one data.pkl");
            return NULL;
        }
        found = &zip->entries[i];
        *ret_prefix = (struct slice){name.ptr, name.len - n};
    }
    if (!found)
        error_set(err, E_FORMAT, "the zip holds no data.pkl: it is no torch checkpoint");
    return found;
}

static int check_byteorder(const struct zip_index *zip, struct slice prefix, struct error *err)
{
    const struct zip_entry *e;
    char shown[SHOWN_MAX];
    if (find_entry(zip, prefix, "byteorder", (struct slice){"", 0}, &e) || slice_eq_str(e->data, "little"))
        return 0;
    if (slice_eq_str(e->data, "big"))
        return error_set(err, E_UNSUPPORTED,
                         "the checkpoint was written on a big-endian machine; "
                         "save it again on a little-endian one");
    return error_set(err, E_FORMAT, "the checkpoint's byteorder is \"%s\", expected \"little\"",
                     text_shown(e->data, shown));
}

static int read_pickle(const struct zip_index *zip, struct tensor_set *out, struct error *err)
{
    struct flatten f = {.zip = zip, .out = out, .err = err};
    const struct zip_entry *pkl = find_pickle(zip, &f.prefix, err);
    if (!pkl)
        return E_FORMAT;
    int rc = check_byteorder(zip, f.prefix, err);
    if (rc)
        return rc;
    if (pkl->data.len > CKPT_MAX_HEADER)
        return error_set(err, E_LIMIT, "data.pkl has %zu bytes, the limit is %u", pkl->data.len,
                         CKPT_MAX_HEADER);
    rc = zip_check_crc(pkl, err);
    if (rc)
        return rc;
    struct arena arena = {0};
    struct pickle_value root = {0};
    rc = unpickle(pkl->data.ptr, pkl->data.len, &arena, &root, err);
    if (!rc && root.kind != PICKLE_DICT)
        rc = error_set(err, E_FORMAT, "data.pkl holds %s, expected a dict of tensors",
                       root.kind == PICKLE_TENSOR ? "a bare tensor" : "something else");
    if (!rc)
        rc = flatten_dict(&f, 0, root.list, 0);
    if (!rc)
        rc = tensor_set_sort(out, err);
    arena_release(&arena);
    return rc;
}

int torch_zip_parse(const char *data, size_t len, struct tensor_set *out, struct error *err)
{
    struct zip_index zip;
    int rc = zip_index_parse(data, len, &zip, err);
    if (rc)
        return rc;
    rc = read_pickle(&zip, out, err);
    zip_index_release(&zip);
    return rc;
}
