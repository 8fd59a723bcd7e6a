/* See chunks.h. One pass over the characters finds the sentences; each goes to a packer that holds the
 * chunk under way at the end of one output buffer, where it grows, is stripped, and stays. */
#include "text/chunks.h"

#include "base/utf8.h"
#include "text/unicode_space.h"

#include <string.h>

struct packer {
    struct arena *arena;
    size_t max;
    char *out;           /* all chunks one after another */
    size_t start, end;   /* the chunk under way is out[start, end) */
    struct slice *items;
    size_t count, cap;
};

static struct slice slice_strip_left(const char *s, size_t len)
{
    size_t begin = 0, n;
    uint32_t cp = 0;
    while (begin < len && (n = utf8_decode(s + begin, len - begin, &cp)) && is_unicode_space(cp))
        begin += n;
    return (struct slice){s + begin, len - begin};
}

/* s[0, len) without the white space at its ends. */
static struct slice slice_strip(const char *s, size_t len)
{
    struct slice left = slice_strip_left(s, len);
    size_t end = 0, n;
    uint32_t cp = 0;
    for (size_t i = 0; i < left.len && (n = utf8_decode(left.ptr + i, left.len - i, &cp)); i += n)
        if (!is_unicode_space(cp))
            end = i + n;
    return (struct slice){left.ptr, end};
}

/* Closes the chunk under way; one that is empty once stripped is dropped. */
static int packer_flush(struct packer *p)
{
    struct slice chunk = slice_strip(p->out + p->start, p->end - p->start);
    p->start = p->end;
    if (chunk.len == 0)
        return 0;
    if (p->count == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 16;
        struct slice *items = arena_alloc(p->arena, cap * sizeof *items);
        if (!items)
            return E_NOMEM;
        if (p->count)
            memcpy(items, p->items, p->count * sizeof *items);
        p->items = items;
        p->cap = cap;
    }
    p->items[p->count++] = chunk;
    return 0;
}

static void packer_append(struct packer *p, const char *s, size_t len)
{
    memcpy(p->out + p->end, s, len);
    p->end += len;
}

/* Where to cut text of more than `max` bytes that does not begin with space: before the last space that
 * leaves at most `max` bytes, else at a character. Never 0. */
static size_t cut_at(const char *s, size_t len, size_t max)
{
    size_t at = 0, n;
    uint32_t cp;
    for (size_t i = 0; i <= max && i < len && (n = utf8_decode(s + i, len - i, &cp)); i += n)
        if (is_unicode_space(cp))
            at = i;
    return at ? at : utf8_floor(s, max);
}

static int packer_sentence(struct packer *p, const char *s, size_t len)
{
    int r = 0;
    if (p->end - p->start + len > p->max)
        r = packer_flush(p);
    while (r == 0 && len > p->max) {
        struct slice rest = slice_strip_left(s, len);
        size_t at = rest.len > p->max ? cut_at(rest.ptr, rest.len, p->max) : 0;
        packer_append(p, rest.ptr, at);
        r = packer_flush(p);
        s = rest.ptr + at;
        len = rest.len - at;
    }
    packer_append(p, s, len);
    if (len && (unsigned char)s[len - 1] < 0x80)
        packer_append(p, " ", 1);
    return r;
}

static int ends_ascii_sentence(uint32_t c)
{
    return c == ';' || c == ':' || c == ',' || c == '.' || c == '!' || c == '?';
}

static int ends_wide_sentence(uint32_t c)
{
    return c == 0xFF1B || c == 0xFF1A || c == 0xFF0C || c == 0x3002 || c == 0xFF01 || c == 0xFF1F;
}

int chunks_split(const char *text, size_t len, size_t max_bytes, struct arena *arena,
                 struct chunks *ret, struct error *err)
{
    if (len > CHUNKS_MAX_BYTES)
        return error_set(err, E_LIMIT, "text of %zu bytes, at most %u can be cut into chunks", len,
                         CHUNKS_MAX_BYTES);
    size_t valid = utf8_valid_prefix(text, len);
    if (valid != len)
        return error_set(err, E_FORMAT, "text is not UTF-8 at byte %zu", valid);

    /* Each sentence, one byte or more, adds at most one space. */
    struct packer p = {.arena = arena, .max = max_bytes < UTF8_MAX ? UTF8_MAX : max_bytes};
    p.out = arena_alloc(arena, len * 2 + 1);
    if (!p.out)
        return error_nomem(err);

    size_t start = 0, n;
    uint32_t prev = 0, cp = 0;
    int r = 0;
    for (size_t i = 0; i < len && r == 0; i += n, prev = cp) {
        n = utf8_decode(text + i, len - i, &cp);
        if (!ends_wide_sentence(prev) && !(ends_ascii_sentence(prev) && is_unicode_space(cp)))
            continue;
        r = packer_sentence(&p, text + start, i - start);
        start = i;
        if (ends_ascii_sentence(prev)) { /* the white space between goes */
            size_t m = n;
            while (i + n < len && (m = utf8_decode(text + i + n, len - i - n, &cp)) && is_unicode_space(cp))
                n += m;
            start = i + n;
            cp = ' ';
        }
    }
    if (r == 0)
        r = packer_sentence(&p, text + start, len - start);
    if (r == 0)
        r = packer_flush(&p);
    if (r < 0)
        return error_nomem(err);
    *ret = (struct chunks){p.items, p.count};
    return 0;
}

/* -------- one at a time -------- */

static int is_ideograph(uint32_t c) /* or kana: a word may end on either side */
{
    return (c >= 0x2E80 && c < 0xA4D0) || (c >= 0xF900 && c < 0xFB00) || (c >= 0x20000 && c < 0x32000);
}

/* Where to cut `s`, which has more than `want` bytes: see chunks_take. */
static size_t take_at(struct slice s, size_t least, size_t want, size_t max)
{
    size_t mark = 0, space = 0, loose = 0, n;
    uint32_t prev = 0, cp;
    for (size_t i = 0; i < s.len && i <= max && (n = utf8_decode(s.ptr + i, s.len - i, &cp)); i += n, prev = cp) {
        const int at_space = is_unicode_space(cp);
        const int at_mark = ends_wide_sentence(prev) || (ends_ascii_sentence(prev) && at_space);
        const int at_loose = is_ideograph(prev) || is_ideograph(cp);
        if (i < least || !(at_mark || at_space || at_loose))
            continue;
        if (i > want && (mark || space || loose))
            break;
        if (i > want)
            return i;
        mark = at_mark ? i : mark;
        space = at_space ? i : space;
        loose = at_loose ? i : loose;
    }
    return mark ? mark : space ? space : loose ? loose : utf8_floor(s.ptr, max);
}

struct slice chunks_take(struct slice *rest, size_t want, size_t max_bytes)
{
    const size_t max = max_bytes < UTF8_MAX ? UTF8_MAX : max_bytes;
    const size_t least = CHUNKS_LEAST_BYTES < max ? CHUNKS_LEAST_BYTES : max;
    struct slice all = *rest;
    want = want < least ? least : want > max ? max : want;
    if (all.len > want && all.len >= 2 * least && all.len - least < want)
        want = all.len - least;
    size_t at = all.len <= want ? all.len : take_at(all, least, want, max < all.len ? max : all.len);
    if (all.len - at < least && all.len <= max)
        at = all.len;
    *rest = slice_strip(all.ptr + at, all.len - at);
    return slice_strip(all.ptr, at);
}
