/* See ckpt.h. Tells the formats apart by their first bytes, keeps the map for as long as the
 * checkpoint is open, and finds tensors by binary search. */
#include "ckpt/ckpt.h"

#include "base/file.h"
#include "ckpt/tensor_set.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct ckpt_private {
    struct file_map map;
    struct tensor_set set;
};

const char *ckpt_dtype_name(enum ckpt_dtype t)
{
    static const char *const names[] = {"F32", "F16", "BF16", "F64", "I64", "I32", "U8"};
    return (unsigned)t < sizeof names / sizeof *names ? names[t] : "other";
}

static int starts_with(const struct file_map *m, const char *bytes, size_t n)
{
    return m->len >= n && memcmp(m->ptr, bytes, n) == 0;
}

#define STARTS_WITH(m, lit) starts_with(m, lit, sizeof(lit) - 1)

static int parse(const struct file_map *m, struct tensor_set *set, struct error *err)
{
    if (m->len == 0)
        return error_set(err, E_FORMAT, "the file is empty");
    if (STARTS_WITH(m, "PK\003\004"))
        return torch_zip_parse(m->ptr, m->len, set, err);
    /* the magic number that torch.save pickled first until version 1.6 */
    if (STARTS_WITH(m, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"))
        return error_set(err, E_UNSUPPORTED,
                         "this is the torch format of before version 1.6; "
                         "load it in Python and torch.save it again, which writes the new one");
    if (STARTS_WITH(m, "version https://git-lfs"))
        return error_set(err, E_FORMAT,
                         "this is a git-lfs pointer, not the checkpoint; `git lfs pull` fetches it");
    if (m->len > 8 && m->ptr[8] == '{')
        return safetensors_parse(m->ptr, m->len, set, err);
    return error_set(err, E_FORMAT, "expected a safetensors file or a torch zip, found neither");
}

int ckpt_open(const char *path, struct ckpt **ret, struct error *err)
{
    int rc;
    struct ckpt *c = calloc(1, sizeof *c);
    if (!c || !(c->priv = calloc(1, sizeof *c->priv)) || !(c->path = strdup(path))) {
        rc = error_nomem(err);
        goto fail;
    }
    rc = file_map(path, &c->priv->map, err);
    if (rc)
        goto fail;
    rc = parse(&c->priv->map, &c->priv->set, err);
    if (rc) {
        error_prefix(err, "%s", path);
        goto fail;
    }
    c->tensors = c->priv->set.items;
    c->count = c->priv->set.count;
    *ret = c;
    return 0;
fail:
    ckpt_close(c);
    return rc;
}

void ckpt_close(struct ckpt *c)
{
    if (!c)
        return;
    if (c->priv) {
        tensor_set_release(&c->priv->set);
        file_unmap(&c->priv->map);
    }
    free(c->priv);
    free(c->path);
    free(c);
}

int ckpt_intact(const struct ckpt *c, struct error *err)
{
    return file_map_lost(&c->priv->map) ? error_set(err, E_IO, "%s was truncated while it was in use", c->path) : 0;
}

static int name_against(const void *name, const void *t)
{
    return strcmp(name, ((const struct ckpt_tensor *)t)->name);
}

const struct ckpt_tensor *ckpt_find(const struct ckpt *c, const char *name)
{
    return c->count ? bsearch(name, c->tensors, c->count, sizeof *c->tensors, name_against) : NULL;
}

void ckpt_drop_pages(const struct ckpt *c)
{
    const struct file_map *m = &c->priv->map;
    if (m->len)
        madvise((void *)m->ptr, m->len, MADV_DONTNEED);
}

void ckpt_shape_text(const struct ckpt_tensor *t, char out[CKPT_SHAPE_TEXT])
{
    /* 8 numbers of at most 20 characters and their separators fit */
    int at = snprintf(out, CKPT_SHAPE_TEXT, "[");
    for (int i = 0; i < t->ndim && i < CKPT_MAX_DIMS; i++)
        at += snprintf(out + at, CKPT_SHAPE_TEXT - (size_t)at, "%s%" PRId64, i ? ", " : "", t->shape[i]);
    snprintf(out + at, CKPT_SHAPE_TEXT - (size_t)at, "]");
}
