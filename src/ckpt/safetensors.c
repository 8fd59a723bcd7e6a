/* Safetensors: u64 header length | JSON header | data (github.com/huggingface/safetensors).
 *
 * The header maps names to {"dtype", "shape", "data_offsets": [begin, end]}, offsets counted from the
 * end of the header; "__metadata__" maps strings to strings. The format allows neither holes nor
 * overlaps: sorted by offset the tensors tile the data exactly, which also makes it safe to trust
 * any one of them. */
#include "base/utf8.h"
#include "ckpt/json_scan.h"
#include "ckpt/tensor_set.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    enum ckpt_dtype dtype;
    int size;
} dtypes[] = {
    {"F32", CKPT_F32, 4},       {"F16", CKPT_F16, 2},       {"BF16", CKPT_BF16, 2},
    {"F64", CKPT_F64, 8},       {"I64", CKPT_I64, 8},       {"I32", CKPT_I32, 4},
    {"U8", CKPT_U8, 1},         {"BOOL", CKPT_OTHER, 1},    {"I8", CKPT_OTHER, 1},
    {"I16", CKPT_OTHER, 2},     {"U16", CKPT_OTHER, 2},     {"U32", CKPT_OTHER, 4},
    {"U64", CKPT_OTHER, 8},     {"F8_E4M3", CKPT_OTHER, 1}, {"F8_E5M2", CKPT_OTHER, 1},
    {"F8_E8M0", CKPT_OTHER, 1}, {"C64", CKPT_OTHER, 8},
};

struct span {
    uint64_t begin, end;
    const char *name; /* in the set */
};

struct reader {
    struct json_scan json;
    struct arena arena; /* unescaped strings */
    const char *data;
    uint64_t data_len;
    struct tensor_set *out;
    struct span *spans; /* of out's tensors, in the order of the header */
    size_t span_cap;
    int metadata_seen;
    struct error *err;
};

/* What a tensor's entry said, before any of it is believed. */
struct entry {
    struct slice name, dtype;
    struct ckpt_tensor t;
    int64_t begin, end;
    int has_dtype, has_shape, has_offsets;
    char shown[SHOWN_MAX]; /* the name, for sentences */
};

static int read_shape(struct reader *r, struct entry *e)
{
    int rc = scan_peek(&r->json) == '[' ? 0 : 1, n = 0;
    if (rc)
        return error_set(r->err, E_FORMAT, "tensor %s has no \"shape\" array", e->shown);
    r->json.at++;
    for (int first = 1; (rc = scan_more(&r->json, ']', first)) > 0; first = 0, n++) {
        if (n == CKPT_MAX_DIMS)
            return error_set(r->err, E_LIMIT, "tensor %s has more than %d dimensions", e->shown,
                             CKPT_MAX_DIMS);
        if (scan_whole(&r->json, &e->t.shape[n]))
            return error_set(r->err, E_FORMAT, "tensor %s: dimension %d of its shape is no whole number >= 0",
                             e->shown, n);
    }
    e->t.ndim = n;
    return rc;
}

static int read_offsets(struct reader *r, struct entry *e)
{
    struct json_scan *j = &r->json;
    int ok = scan_peek(j) == '[' && ++j->at && !scan_whole(j, &e->begin) && scan_peek(j) == ',' && ++j->at &&
             !scan_whole(j, &e->end) && scan_peek(j) == ']' && ++j->at;
    if (!ok || e->end < e->begin)
        return error_set(r->err, E_FORMAT,
                         "tensor %s: \"data_offsets\" must be two whole numbers, begin before end", e->shown);
    return 0;
}

/* One key of an entry and its value; keys that the format may grow one day are passed over. */
static int read_field(struct reader *r, struct entry *e)
{
    struct slice key = {0};
    int rc = scan_string(&r->json, &key);
    if (!rc)
        rc = scan_expect(&r->json, ':');
    if (rc)
        return rc;
    int *seen = slice_eq_str(key, "dtype")          ? &e->has_dtype
                : slice_eq_str(key, "shape")        ? &e->has_shape
                : slice_eq_str(key, "data_offsets") ? &e->has_offsets
                                                    : NULL;
    if (!seen)
        return scan_skip(&r->json, 3);
    if ((*seen)++) {
        char shown[SHOWN_MAX];
        return error_set(r->err, E_FORMAT, "tensor %s has \"%s\" twice", e->shown, text_shown(key, shown));
    }
    if (seen == &e->has_shape)
        return read_shape(r, e);
    if (seen == &e->has_offsets)
        return read_offsets(r, e);
    if (scan_peek(&r->json) != '"')
        return error_set(r->err, E_FORMAT, "tensor %s has no \"dtype\" string", e->shown);
    return scan_string(&r->json, &e->dtype);
}

/* Holds the entry against itself and the file; then the tensor exists. */
static int accept(struct reader *r, struct entry *e)
{
    char type[SHOWN_MAX], shape[CKPT_SHAPE_TEXT];
    const char *missing = !e->has_dtype     ? "\"dtype\" string"
                          : !e->has_shape   ? "\"shape\" array"
                          : !e->has_offsets ? "\"data_offsets\""
                                            : NULL;
    if (missing)
        return error_set(r->err, E_FORMAT, "tensor %s has no %s", e->shown, missing);
    size_t k = 0, kinds = sizeof dtypes / sizeof *dtypes;
    while (k < kinds && !slice_eq_str(e->dtype, dtypes[k].name))
        k++;
    if (k == kinds)
        return error_set(r->err, E_UNSUPPORTED, "tensor %s is of the unknown type %s", e->shown,
                         text_shown(e->dtype, type));
    e->t.dtype = dtypes[k].dtype;
    if (shape_count(e->t.shape, e->t.ndim, &e->t.count))
        return error_set(r->err, E_LIMIT, "tensor %s: its shape counts more than 2^63 elements", e->shown);
    if ((uint64_t)e->end > r->data_len)
        return error_set(r->err, E_FORMAT,
                         "tensor %s ends at byte %" PRId64 " of the data, which has %" PRIu64
                         ": the file is cut short or damaged",
                         e->shown, e->end, r->data_len);
    int64_t bytes;
    if (__builtin_mul_overflow(e->t.count, (int64_t)dtypes[k].size, &bytes) || bytes != e->end - e->begin) {
        ckpt_shape_text(&e->t, shape);
        return error_set(r->err, E_FORMAT, "tensor %s: %s of shape %s does not fill its %" PRId64 " bytes",
                         e->shown, dtypes[k].name, shape, e->end - e->begin);
    }
    shape_dense_strides(&e->t);
    e->t.data = r->data + e->begin;
    if (ARRAY_GROW(r->spans, r->out->count, r->span_cap))
        return error_nomem(r->err);
    int rc = tensor_set_add(r->out, e->name, &e->t, r->err);
    if (rc)
        return rc;
    size_t last = r->out->count - 1;
    r->spans[last] = (struct span){(uint64_t)e->begin, (uint64_t)e->end, r->out->items[last].name};
    return 0;
}

static int read_metadata(struct reader *r)
{
    int rc = 0;
    struct slice s;
    if (r->metadata_seen++)
        return error_set(r->err, E_FORMAT, "\"__metadata__\" is given twice");
    if (scan_peek(&r->json) != '{')
        return error_set(r->err, E_FORMAT, "\"__metadata__\" must be an object of strings");
    r->json.at++;
    for (int first = 1; (rc = scan_more(&r->json, '}', first)) > 0; first = 0) {
        rc = scan_string(&r->json, &s);
        if (!rc)
            rc = scan_expect(&r->json, ':');
        if (!rc && scan_peek(&r->json) != '"')
            rc = error_set(r->err, E_FORMAT, "\"__metadata__\" may hold nothing but strings");
        if (!rc)
            rc = scan_string(&r->json, &s);
        if (rc)
            return rc;
    }
    return rc;
}

static int read_member(struct reader *r)
{
    struct entry e = {0};
    int rc = scan_string(&r->json, &e.name);
    if (!rc)
        rc = scan_expect(&r->json, ':');
    if (rc)
        return rc;
    if (slice_eq_str(e.name, "__metadata__"))
        return read_metadata(r);
    text_shown(e.name, e.shown);
    if (scan_peek(&r->json) != '{')
        return error_set(r->err, E_FORMAT, "the safetensors header's entry for %s is no object", e.shown);
    r->json.at++;
    for (int first = 1; (rc = scan_more(&r->json, '}', first)) > 0; first = 0) {
        rc = read_field(r, &e);
        if (rc)
            return rc;
    }
    return rc ? rc : accept(r, &e);
}

static int by_offset(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

static int check_tiling(struct span *spans, size_t n, uint64_t data_len, struct error *err)
{
    char a[SHOWN_MAX], b[SHOWN_MAX];
    if (n)
        qsort(spans, n, sizeof *spans, by_offset);
    uint64_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (spans[i].begin < at)
            return error_set(err, E_FORMAT, "tensors %s and %s overlap",
                             text_shown(slice_str(spans[i - 1].name), a),
                             text_shown(slice_str(spans[i].name), b));
        if (spans[i].begin > at)
            return error_set(err, E_FORMAT,
                             "bytes %" PRIu64 " to %" PRIu64 " of the data belong to no tensor", at,
                             spans[i].begin);
        at = spans[i].end;
    }
    if (at != data_len)
        return error_set(err, E_FORMAT, "the last %" PRIu64 " bytes of the data belong to no tensor",
                         data_len - at);
    return 0;
}

static int read_header(struct reader *r)
{
    int rc = scan_expect(&r->json, '{');
    if (rc)
        return rc;
    for (int first = 1; (rc = scan_more(&r->json, '}', first)) > 0; first = 0) {
        rc = read_member(r);
        if (rc)
            return rc;
    }
    if (rc)
        return rc;
    if (scan_peek(&r->json) != -1)
        return scan_damaged(&r->json);
    rc = check_tiling(r->spans, r->out->count, r->data_len, r->err);
    return rc ? rc : tensor_set_sort(r->out, r->err);
}

int safetensors_parse(const char *data, size_t len, struct tensor_set *out, struct error *err)
{
    uint64_t header;
    if (len < sizeof header)
        return error_set(err, E_FORMAT, "a safetensors file has at least 8 bytes, this one %zu", len);
    memcpy(&header, data, sizeof header);
    if (header > CKPT_MAX_HEADER)
        return error_set(err, E_LIMIT, "the safetensors header claims %" PRIu64 " bytes, the limit is %u",
                         header, CKPT_MAX_HEADER);
    if (header > len - sizeof header)
        return error_set(err, E_FORMAT,
                         "the safetensors header claims %" PRIu64 " bytes, but only %zu follow: "
                         "the file is cut short or damaged",
                         header, len - sizeof header);
    const char *text = data + sizeof header;
    if (header == 0 || text[0] != '{')
        return error_set(err, E_FORMAT, "the safetensors header does not begin with '{'");
    if (utf8_valid_prefix(text, header) != header)
        return error_set(err, E_FORMAT, "the safetensors header is not UTF-8");
    struct reader r = {
        .json = {.text = text, .len = header, .what = "the safetensors header", .err = err},
        .data = text + header,
        .data_len = len - sizeof header - header,
        .out = out,
        .err = err,
    };
    r.json.arena = &r.arena;
    int rc = read_header(&r);
    free(r.spans);
    arena_release(&r.arena);
    return rc;
}
