/* See vocab.h. The file stays in memory as it is; an open-addressing table, at most half full, maps
 * each line's bytes to its number. */
#include "text/vocab.h"

#include "base/file.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

struct vocab_slot {
    const char *ptr; /* into `file`; NULL: free */
    uint32_t len;
    int32_t id;
};

struct vocab {
    struct buf file;
    struct vocab_slot *slots;
    size_t mask; /* slots - 1; their number is a power of two */
    int lines;
};

static uint64_t token_hash(const char *s, size_t len)
{
    uint64_t h = 0xCBF29CE484222325u; /* FNV-1a */
    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)s[i]) * 0x100000001B3u;
    return h ^ h >> 32;
}

/* The slot that holds the token, or the free one where it belongs. */
static struct vocab_slot *slot_find(const struct vocab *v, const char *s, size_t len)
{
    size_t i = token_hash(s, len) & v->mask;
    while (v->slots[i].ptr && (v->slots[i].len != len || memcmp(v->slots[i].ptr, s, len) != 0))
        i = (i + 1) & v->mask;
    return &v->slots[i];
}

static int vocab_count(struct vocab *v, const char *path, struct error *err)
{
    const char *s = v->file.ptr;
    size_t len = v->file.len, lines = 0;
    if (len == 0)
        return error_set(err, E_FORMAT, "%s: expected one token a line, found an empty file", path);
    for (size_t i = 0; i < len; i++)
        lines += s[i] == '\n';
    lines += s[len - 1] != '\n';
    if (lines > VOCAB_MAX_LINES)
        return error_set(err, E_LIMIT, "%s: %zu lines, at most %d are read", path, lines, VOCAB_MAX_LINES);
    v->lines = (int)lines;
    return 0;
}

static int vocab_index(struct vocab *v, const char *path, struct error *err)
{
    size_t slots = 16;
    while (slots < (size_t)v->lines * 2)
        slots *= 2;
    v->slots = calloc(slots, sizeof *v->slots);
    if (!v->slots)
        return error_nomem(err);
    v->mask = slots - 1;
    const char *s = v->file.ptr, *end = s + v->file.len;
    for (int32_t id = 0; id < v->lines; id++) {
        const char *eol = memchr(s, '\n', (size_t)(end - s));
        size_t len = (size_t)((eol ? eol : end) - s);
        const char *next = eol ? eol + 1 : end;
        if (eol && len && s[len - 1] == '\r')
            len--;
        if (utf8_valid_prefix(s, len) != len)
            return error_set(err, E_FORMAT, "%s: line %d is not UTF-8", path, (int)id + 1);
        *slot_find(v, s, len) = (struct vocab_slot){s, (uint32_t)len, id};
        s = next;
    }
    return 0;
}

int vocab_open(const char *path, struct vocab **ret, struct error *err)
{
    struct vocab *v = calloc(1, sizeof *v);
    if (!v)
        return error_nomem(err);
    int r = file_read(path, VOCAB_MAX_BYTES, &v->file, err);
    if (r == 0)
        r = vocab_count(v, path, err);
    if (r == 0)
        r = vocab_index(v, path, err);
    if (r < 0) {
        vocab_free(v);
        return r;
    }
    *ret = v;
    return 0;
}

void vocab_free(struct vocab *v)
{
    if (!v)
        return;
    free(v->slots);
    buf_release(&v->file);
    free(v);
}

int vocab_size(const struct vocab *v)
{
    return v->lines;
}

int32_t vocab_id(const struct vocab *v, struct slice token)
{
    const struct vocab_slot *slot = slot_find(v, token.ptr, token.len);
    return slot->ptr ? slot->id : 0;
}
