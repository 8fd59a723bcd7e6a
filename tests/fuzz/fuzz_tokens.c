/* Any bytes into tokens and chunks: refused exactly when they are not UTF-8 or too long; otherwise the
 * pieces are in order, and nothing is lost but space. The first byte chooses the chunks' size. */
#include "base/utf8.h"
#include "text/chunks.h"
#include "text/tokens.h"
#include "text/unicode_space.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int true_thing)
{
    if (!true_thing)
        abort();
}

static size_t skip_space(const char *s, size_t len, size_t at)
{
    uint32_t cp;
    size_t n;
    while (at < len && (n = utf8_decode(s + at, len - at, &cp)) && is_unicode_space(cp))
        at += n;
    return at;
}

static void check_chunks(const char *text, size_t len, size_t max, const struct chunks *c)
{
    size_t at = 0;
    for (size_t i = 0; i < c->count; i++) {
        struct slice s = c->items[i];
        require(s.len > 0 && s.len <= max && utf8_valid_prefix(s.ptr, s.len) == s.len);
        for (size_t k = skip_space(s.ptr, s.len, 0); k < s.len; k = skip_space(s.ptr, s.len, k + 1)) {
            at = skip_space(text, len, at);
            require(at < len && text[at++] == s.ptr[k]);
        }
    }
    require(skip_space(text, len, at) == len);
}

static int is_syllable(struct slice t)
{
    if (t.len > 0 && t.ptr[t.len - 1] >= '1' && t.ptr[t.len - 1] <= '4')
        t.len--;
    for (size_t i = 0; i < t.len; i++)
        if (t.ptr[i] < 'a' || t.ptr[i] > 'z')
            return 0;
    return t.len > 0;
}

/* Every token is the next character, or a syllable in the place of one, or a space that was put in. */
static void check_tokens(const char *text, size_t len, const struct tokens *t)
{
    size_t at = 0;
    for (size_t i = 0; i < t->count; i++) {
        struct slice token = t->items[i];
        uint32_t cp = 0;
        size_t n = utf8_decode(text + at, len - at, &cp);
        int quote = cp == ';' || (cp >= 0x2018 && cp <= 0x201D);
        if (n && token.len == n && memcmp(text + at, token.ptr, n) == 0)
            at += n;
        else if (n && quote && token.len == 1 && strchr(",\"'", token.ptr[0]))
            at += n;
        else if (n >= 3 && is_syllable(token))
            at += n;
        else
            require(token.len == 1 && token.ptr[0] == ' ');
    }
    require(at == len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t max = size ? data[0] : 0;
    const char *text = size ? (const char *)data + 1 : "";
    size_t len = size ? size - 1 : 0;
    int valid = utf8_valid_prefix(text, len) == len;
    struct arena arena = {0};
    struct tokens t;
    struct chunks c;
    int r = tokens_split(text, len, &arena, &t, NULL);
    require(r == (len > TEXT_MAX_BYTES ? E_LIMIT : valid ? 0 : E_FORMAT));
    if (r == 0)
        check_tokens(text, len, &t);
    r = chunks_split(text, len, max, &arena, &c, NULL);
    require(r == (len > CHUNKS_MAX_BYTES ? E_LIMIT : valid ? 0 : E_FORMAT));
    if (r == 0)
        check_chunks(text, len, max < UTF8_MAX ? UTF8_MAX : max, &c);
    arena_release(&arena);
    return 0;
}
