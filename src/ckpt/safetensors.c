/* Safetensors: u64 header length | JSON header | data (github.com/huggingface/safetensors).
 *
 * The header maps names to {"dtype", "shape", "data_offsets": [begin, end]}, offsets counted from the
 * end of the header; "__metadata__" maps strings to strings. The format allows neither holes nor
 * overlaps: sorted by offset the tensors tile the data exactly, which also makes it safe to trust
 * any one of them. jansson reads the JSON, but only after a scan over the bytes has counted what it
 * would have to allocate. */
#include "ckpt/tensor_set.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_MAX_DEPTH    4                       /* {name: {"shape": [ */
#define HEADER_MAX_VALUES   (16 * CKPT_MAX_TENSORS) /* all JSON values of the header together */
#define HEADER_MAX_METADATA 65536                   /* entries of __metadata__ */

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
    const char *name; /* in the JSON */
};

/* Counts tensors, values and depth without allocating. What is no JSON at all is left to jansson. */
static int scan_header(const char *s, size_t len, struct error *err)
{
    size_t depth = 0, tensors = 0, values = 0;
    int in_string = 0;
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = 0;
            continue;
        }
        if (c == '"') {
            in_string = 1;
        } else if (c == '{' || c == '[') {
            values++;
            if (++depth > HEADER_MAX_DEPTH)
                return error_set(err, E_FORMAT, "the safetensors header is nested deeper than %d levels",
                                 HEADER_MAX_DEPTH);
        } else if (c == '}' || c == ']') {
            depth -= depth > 0;
        } else if (c == ':' || c == ',') {
            values++;
            if (c == ':' && depth == 1 && ++tensors > CKPT_MAX_TENSORS + 1) /* and __metadata__ */
                return error_set(err, E_LIMIT, "the safetensors header names more than %d tensors",
                                 CKPT_MAX_TENSORS);
        }
        if (values > HEADER_MAX_VALUES)
            return error_set(err, E_LIMIT, "the safetensors header holds more than %d values",
                             HEADER_MAX_VALUES);
    }
    return 0;
}

static int read_shape(const char *name, const json_t *shape, struct ckpt_tensor *t, struct error *err)
{
    char shown[SHOWN_MAX];
    if (!json_is_array(shape))
        return error_set(err, E_FORMAT, "tensor %s has no \"shape\" array",
                         text_shown(slice_str(name), shown));
    size_t n = json_array_size(shape);
    if (n > CKPT_MAX_DIMS)
        return error_set(err, E_LIMIT, "tensor %s has %zu dimensions, the limit is %d",
                         text_shown(slice_str(name), shown), n, CKPT_MAX_DIMS);
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(shape, i);
        if (!json_is_integer(v) || json_integer_value(v) < 0)
            return error_set(err, E_FORMAT, "tensor %s: dimension %zu of its shape is no whole number >= 0",
                             text_shown(slice_str(name), shown), i);
        t->shape[i] = json_integer_value(v);
    }
    t->ndim = (int)n;
    if (shape_count(t->shape, t->ndim, &t->count))
        return error_set(err, E_LIMIT, "tensor %s: its shape counts more than 2^63 elements",
                         text_shown(slice_str(name), shown));
    shape_dense_strides(t);
    return 0;
}

static int read_tensor(const char *name, const json_t *entry, const char *data, uint64_t data_len,
                       struct ckpt_tensor *t, struct span *span, struct error *err)
{
    char shown[SHOWN_MAX], type[SHOWN_MAX];
    text_shown(slice_str(name), shown);
    if (!json_is_object(entry))
        return error_set(err, E_FORMAT, "the safetensors header's entry for %s is no object", shown);

    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    if (!dtype)
        return error_set(err, E_FORMAT, "tensor %s has no \"dtype\" string", shown);
    size_t k = 0, kinds = sizeof dtypes / sizeof *dtypes;
    while (k < kinds && strcmp(dtypes[k].name, dtype))
        k++;
    if (k == kinds)
        return error_set(err, E_UNSUPPORTED, "tensor %s is of the unknown type %s", shown,
                         text_shown(slice_str(dtype), type));
    t->dtype = dtypes[k].dtype;

    int rc = read_shape(name, json_object_get(entry, "shape"), t, err);
    if (rc)
        return rc;

    const json_t *offsets = json_object_get(entry, "data_offsets");
    const json_t *b = json_array_get(offsets, 0), *e = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(b) || !json_is_integer(e) ||
        json_integer_value(b) < 0 || json_integer_value(e) < json_integer_value(b))
        return error_set(err, E_FORMAT,
                         "tensor %s: \"data_offsets\" must be two whole numbers, begin before end", shown);
    span->begin = (uint64_t)json_integer_value(b);
    span->end = (uint64_t)json_integer_value(e);
    span->name = name;
    if (span->end > data_len)
        return error_set(err, E_FORMAT,
                         "tensor %s ends at byte %" PRIu64 " of the data, which has %" PRIu64
                         ": the file is cut short or damaged",
                         shown, span->end, data_len);
    int64_t bytes;
    if (__builtin_mul_overflow(t->count, (int64_t)dtypes[k].size, &bytes) ||
        (uint64_t)bytes != span->end - span->begin) {
        char shape[CKPT_SHAPE_TEXT];
        ckpt_shape_text(t, shape);
        return error_set(err, E_FORMAT, "tensor %s: %s of shape %s does not fill its %" PRIu64 " bytes",
                         shown, dtype, shape, span->end - span->begin);
    }
    t->data = data + span->begin;
    return 0;
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

static int check_metadata(json_t *meta, struct error *err)
{
    const char *key;
    json_t *v;
    if (!json_is_object(meta) || json_object_size(meta) > HEADER_MAX_METADATA)
        return error_set(err, E_FORMAT, "\"__metadata__\" must be an object of at most %d strings",
                         HEADER_MAX_METADATA);
    json_object_foreach(meta, key, v) if (!json_is_string(v)) return error_set(
        err, E_FORMAT, "\"__metadata__\" may hold nothing but strings");
    return 0;
}

static int read_header(json_t *root, const char *data, uint64_t data_len, struct tensor_set *out,
                       struct span *spans, struct error *err)
{
    size_t n = 0;
    const char *name;
    json_t *entry;
    json_object_foreach(root, name, entry)
    {
        int rc;
        if (strcmp(name, "__metadata__") == 0) {
            rc = check_metadata(entry, err);
        } else {
            struct ckpt_tensor t = {0};
            rc = read_tensor(name, entry, data, data_len, &t, &spans[n++], err);
            if (!rc)
                rc = tensor_set_add(out, slice_str(name), &t, err);
        }
        if (rc)
            return rc;
    }
    int rc = check_tiling(spans, n, data_len, err);
    return rc ? rc : tensor_set_sort(out, err);
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
    int rc = scan_header(text, header, err);
    if (rc)
        return rc;

    json_error_t jerr;
    json_t *root = json_loadb(text, header, JSON_REJECT_DUPLICATES, &jerr);
    if (!root) {
        if (json_error_code(&jerr) == json_error_out_of_memory)
            return error_nomem(err);
        char shown[SHOWN_MAX];
        return error_set(err, E_FORMAT, "the safetensors header is no valid JSON: %s (at byte %d)",
                         text_shown(slice_str(jerr.text), shown), jerr.position);
    }
    struct span *spans = calloc(json_object_size(root) + 1, sizeof *spans);
    if (spans)
        rc = read_header(root, text + header, len - sizeof header - header, out, spans, err);
    else
        rc = error_nomem(err);
    free(spans);
    json_decref(root);
    return rc;
}
