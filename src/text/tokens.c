/* See tokens.h. The text is decoded, its quotation marks and semicolons are replaced, the segmenter cuts
 * it into words, and each word becomes tokens by what it is made of. */
#include "text/tokens.h"

#include "base/utf8.h"
#include "text/lexicon.h"
#include "text/pinyin.h"
#include "text/segment.h"

#include <string.h>

struct splitter {
    struct lexicon lx;
    struct tokens out;
    struct slice *readings; /* of the word at hand */
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

/* Characters that bring a space before them. */
static int is_spaced(uint32_t c)
{
    return c >= 0x3100 && c <= 0x9FFF;
}

static int ends_in_space_or_quote(const struct tokens *t)
{
    return t->count && t->items[t->count - 1].len == 1 && memchr(" :'\"", t->items[t->count - 1].ptr[0], 4);
}

static void push_read(struct splitter *s, size_t i, struct slice reading)
{
    if (is_spaced(s->cps[i]))
        push(s, " ", 1);
    if (reading.len)
        push(s, reading.ptr, reading.len);
    else
        push_char(s, i);
}

/* A word is all ASCII, or has three bytes a character (on average: that is how the reference asks, and
 * it matters for ASCII signs beside four-byte characters), or is a mixture, in which a character is read
 * by itself, and only where it brings a space. */
static void split_word(struct splitter *s, size_t begin, size_t end)
{
    size_t bytes = s->at[end] - s->at[begin], n = end - begin;
    if (bytes == n) {
        if (bytes > 1 && s->out.count && !ends_in_space_or_quote(&s->out))
            push(s, " ", 1);
        for (size_t i = begin; i < end; i++)
            push_char(s, i);
    } else if (bytes == 3 * n) {
        pinyin_read(&s->lx, s->cps + begin, n, s->readings);
        for (size_t i = begin; i < end; i++)
            push_read(s, i, s->readings[i - begin]);
    } else {
        for (size_t i = begin; i < end; i++) {
            struct slice reading = {"", 0};
            if (is_spaced(s->cps[i]))
                pinyin_read(&s->lx, s->cps + i, 1, &reading);
            push_read(s, i, reading);
        }
    }
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

    struct splitter s = {0};
    int r = lexicon_builtin(&s.lx, err);
    if (r < 0)
        return r;
    size_t n = utf8_count(text, len);
    uint32_t *cps = arena_alloc(arena, (n + 1) * sizeof *cps);
    uint32_t *at = arena_alloc(arena, (n + 1) * sizeof *at);
    char *bytes = arena_alloc(arena, len + 1);
    /* Each character is one token and has at most one space before it. */
    s.out.items = arena_alloc(arena, (2 * n + 1) * sizeof *s.out.items);
    s.readings = arena_alloc(arena, (n + 1) * sizeof *s.readings);
    if (!cps || !at || !bytes || !s.out.items || !s.readings)
        return error_nomem(err);
    for (size_t i = 0, k = 0; k < n; k++) {
        i += utf8_decode(text + i, len - i, &cps[k]);
        cps[k] = translate(cps[k]);
        at[k + 1] = at[k] + (uint32_t)utf8_encode(cps[k], bytes + at[k]);
    }

    s.cps = cps;
    s.at = at;
    s.bytes = bytes;

    uint32_t *ends;
    size_t words;
    r = segment_words(&s.lx, cps, n, arena, &ends, &words, err);
    if (r < 0)
        return r;
    for (size_t w = 0, i = 0; w < words; i = ends[w++])
        split_word(&s, i, ends[w]);
    *ret = s.out;
    return 0;
}
