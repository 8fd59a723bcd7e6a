/* See segment.h. */
#include "text/segment.h"

struct cutter {
    uint32_t *ends;
    size_t count;
};

static void push_end(struct cutter *c, size_t end)
{
    c->ends[c->count++] = (uint32_t)end;
}

static int is_alnum(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static int is_block(uint32_t c)
{
    return is_alnum(c) || c == '+' || c == '#' || c == '&' || c == '.' || c == '_' || c == '%' || c == '-';
}

/* Length of the alphanumeric word at c[0, n): runs joined by single '.', '_' or '-', then maybe '%'. */
static size_t alnum_word(const uint32_t *c, size_t n)
{
    size_t i = 0;
    while (i < n && is_alnum(c[i])) {
        i++;
        if (i + 1 < n && (c[i] == '.' || c[i] == '_' || c[i] == '-') && is_alnum(c[i + 1]))
            i++;
    }
    return i + (i < n && c[i] == '%');
}

static void cut_ascii(struct cutter *out, const uint32_t *c, size_t begin, size_t end)
{
    for (size_t i = begin; i < end;) {
        size_t j = i;
        while (j < end && !is_alnum(c[j]))
            j++;
        if (j > i)
            push_end(out, j);
        if (j < end) {
            j += alnum_word(c + j, end - j);
            push_end(out, j);
        }
        i = j;
    }
}

int segment_words(const uint32_t *cps, size_t n, struct arena *arena, uint32_t **ret_ends,
                  size_t *ret_count, struct error *err)
{
    struct cutter c = {arena_alloc(arena, (n + 1) * sizeof *c.ends), 0};
    if (!c.ends)
        return error_nomem(err);
    for (size_t i = 0; i < n;) {
        size_t j = i;
        while (j < n && is_block(cps[j]))
            j++;
        cut_ascii(&c, cps, i, j);
        if (j == i) {
            j += 1 + (cps[i] == '\r' && i + 1 < n && cps[i + 1] == '\n');
            push_end(&c, j);
        }
        i = j;
    }
    *ret_ends = c.ends;
    *ret_count = c.count;
    return 0;
}
