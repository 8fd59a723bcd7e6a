/* Writing safetensors: the header is built in memory, the tensors follow from where they are. The
 * header is padded with spaces to a multiple of 8, so that every 4-byte tensor can be used in place. */
#include "ckpt/ckpt.h"

#include "base/file.h"
#include "base/utf8.h"
#include "ckpt/tensor_set.h"

#include <inttypes.h>
#include <string.h>

#define WRITE_ELEMENT 4 /* bytes; F32 and I32 alike */

static int add_name(struct buf *b, const char *name)
{
    int rc = buf_add_char(b, '"');
    for (const char *s = name; !rc && *s; s++) {
        if (*s == '"' || *s == '\\')
            rc = buf_add_char(b, '\\');
        if (!rc)
            rc = buf_add_char(b, *s);
    }
    return rc ? rc : buf_add_char(b, '"');
}

static int check_one(const struct ckpt_out *t, uint64_t *ret_bytes, struct error *err)
{
    if (strcmp(t->name, "__metadata__") == 0)
        return error_set(err, E_ARG, "no tensor can be named __metadata__");
    if (t->dtype != CKPT_F32 && t->dtype != CKPT_I32)
        return error_set(err, E_ARG, "%s: only F32 and I32 are written, not %s", t->name,
                         ckpt_dtype_name(t->dtype));
    int64_t count, bytes;
    if (t->ndim < 0 || t->ndim > CKPT_MAX_DIMS || shape_count(t->shape, t->ndim, &count) ||
        __builtin_mul_overflow(count, (int64_t)WRITE_ELEMENT, &bytes))
        return error_set(err, E_ARG, "%s: no such shape can be written", t->name);
    *ret_bytes = (uint64_t)bytes;
    return 0;
}

/* The rules for names are those of reading. */
static int check_names(const struct ckpt_out *tensors, size_t count, struct error *err)
{
    struct tensor_set names = {0};
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++)
        rc = tensor_set_add(&names, slice_str(tensors[i].name), &(struct ckpt_tensor){0}, err);
    if (!rc)
        rc = tensor_set_sort(&names, err);
    if (rc == E_FORMAT) /* it is the caller's name, not a file's */
        rc = error_set(err, E_ARG, "%s", err ? err->text : "");
    tensor_set_release(&names);
    return rc;
}

static int build_header(const struct ckpt_out *tensors, size_t count, struct buf *b, struct error *err)
{
    uint64_t at = 0;
    if (buf_add_char(b, '{'))
        return error_nomem(err);
    for (size_t i = 0; i < count; i++) {
        const struct ckpt_out *t = &tensors[i];
        uint64_t bytes = 0;
        int rc = check_one(t, &bytes, err);
        if (rc)
            return rc;
        if (bytes > INT64_MAX - at)
            return error_set(err, E_ARG, "%s: more data than a file can hold", t->name);
        rc = i ? buf_add_char(b, ',') : 0;
        if (!rc)
            rc = add_name(b, t->name);
        if (!rc)
            rc = buf_addf(b, ":{\"dtype\":\"%s\",\"shape\":[", ckpt_dtype_name(t->dtype));
        for (int d = 0; !rc && d < t->ndim; d++)
            rc = buf_addf(b, "%s%" PRId64, d ? "," : "", t->shape[d]);
        if (!rc)
            rc = buf_addf(b, "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", at, at + bytes);
        if (rc)
            return error_nomem(err);
        at += bytes;
    }
    int rc = buf_add_char(b, '}');
    while (!rc && b->len % 8)
        rc = buf_add_char(b, ' ');
    if (rc)
        return error_nomem(err);
    if (b->len > CKPT_MAX_HEADER)
        return error_set(err, E_LIMIT, "the header would have %zu bytes, the limit is %u", b->len,
                         CKPT_MAX_HEADER);
    return 0;
}

int safetensors_write(const char *path, const struct ckpt_out *tensors, size_t count, struct error *err)
{
    struct buf header = BUF_INIT;
    struct atomic_file f = {-1, NULL, NULL};
    int rc;
    rc = check_names(tensors, count, err);
    if (!rc)
        rc = build_header(tensors, count, &header, err);
    if (!rc)
        rc = atomic_open(&f, path, err);
    if (rc)
        goto done;
    uint64_t len = header.len;
    rc = fd_write_all(f.fd, &len, sizeof len, path, err);
    if (!rc)
        rc = fd_write_all(f.fd, header.ptr, header.len, path, err);
    for (size_t i = 0; !rc && i < count; i++) {
        int64_t n = 0;
        shape_count(tensors[i].shape, tensors[i].ndim, &n);
        rc = fd_write_all(f.fd, tensors[i].data, (size_t)n * WRITE_ELEMENT, path, err);
    }
    if (rc)
        atomic_abandon(&f);
    else
        rc = atomic_commit(&f, err);
done:
    buf_release(&header);
    return rc;
}
