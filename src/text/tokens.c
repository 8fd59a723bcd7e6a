/* See tokens.h. The text is decoded, its quotation marks and semicolons are replaced, the segmenter cuts
 * it into words, and each word becomes tokens by what it is made of. */
#include "text/tokens.h"

#include "base/utf8.h"
#include "text/segment.h"

#include <string.h>

struct splitter {
    struct tokens out;
    const uint32_t *cps;
    const uint32_t *at; /* byte offset in `bytes` of each character, and the end */
    const char *bytes;
};

static void push(struct splitter *s, const char *ptr, size_t len)
{
    s->out.items[s->out.count++] = (struct slice){ptr, len};
}

static void push_char(struct splitter *s, size_t i)
{
    push(s, s->bytes + s->at[i], s->at[i + 1] - s->at[i]);
}

/* What the vocabulary has no token for, into what it has. */
static uint32_t translate(uint32_t c)
{
    switch (c) {
    case ';':
        return ',';
    case 0x201C:
    case 0x201D:
        return '"';
    case 0x2018:
    case 0x2019:
        return '\'';
    default:
        return c;
    }
}

static int joins_without_space(struct slice t)
{
    return t.len == 1 && memchr(" :'\"", t.ptr[0], 4);
}

static void split_word(struct splitter *s, size_t i, size_t end)
{
    size_t bytes = s->at[end] - s->at[i];
    if (bytes == end - i && bytes > 1 && s->out.count && !joins_without_space(s->out.items[s->out.count - 1]))
        push(s, " ", 1);
    for (; i < end; i++)
        push_char(s, i);
}

int tokens_split(const char *text, size_t len, struct arena *arena, struct tokens *ret,
                 struct error *err)
{
    if (len > TEXT_MAX_BYTES)
        return error_set(err, E_LIMIT, "text of %zu bytes, at most %d can be spoken at once", len,
                         TEXT_MAX_BYTES);
    size_t valid = utf8_valid_prefix(text, len);
    if (valid != len)
        return error_set(err, E_FORMAT, "text is not UTF-8 at byte %zu", valid);

    size_t n = utf8_count(text, len);
    uint32_t *cps = arena_alloc(arena, (n + 1) * sizeof *cps);
    uint32_t *at = arena_alloc(arena, (n + 1) * sizeof *at);
    char *bytes = arena_alloc(arena, len + 1);
    /* A word brings at most one space, a character at most one more. */
    struct slice *items = arena_alloc(arena, (2 * n + 1) * sizeof *items);
    if (!cps || !at || !bytes || !items)
        return error_nomem(err);
    for (size_t i = 0, k = 0; k < n; k++) {
        i += utf8_decode(text + i, len - i, &cps[k]);
        cps[k] = translate(cps[k]);
        at[k + 1] = at[k] + (uint32_t)utf8_encode(cps[k], bytes + at[k]);
    }

    uint32_t *ends;
    size_t words;
    int r = segment_words(cps, n, arena, &ends, &words, err);
    if (r < 0)
        return r;
    struct splitter s = {{items, 0}, cps, at, bytes};
    for (size_t w = 0, i = 0; w < words; i = ends[w++])
        split_word(&s, i, ends[w]);
    *ret = s.out;
    return 0;
}
