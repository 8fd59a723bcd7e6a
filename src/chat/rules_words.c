/* Looking for blocked words and names. Both sides are folded (NFKC, case), so that width, case and look-alike forms of a
 * letter make no difference. */
#include "chat/rules_private.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#define FOLDED_MAX 8192 /* UTF-16 units */

/* NFKC_Casefold as UTF-16; what does not fit is left out. The length, 0 when it fails. */
static int32_t fold(const char *text, UChar *out)
{
    UErrorCode ec = U_ZERO_ERROR;
    UChar raw[FOLDED_MAX];
    int32_t n = 0;
    u_strFromUTF8WithSub(raw, FOLDED_MAX, &n, text, -1, 0xFFFD, NULL, &ec);
    if (U_FAILURE(ec))
        return 0;
    const UNormalizer2 *folder = unorm2_getNFKCCasefoldInstance(&ec);
    n = unorm2_normalize(folder, raw, n, out, FOLDED_MAX, &ec);
    return U_FAILURE(ec) ? 0 : n;
}

static int is_word_unit(const UChar *s, int32_t n, int32_t i)
{
    UChar32 c;
    U16_GET(s, 0, i, n, c);
    return u_isalnum(c) && !cp_is_cjk((uint32_t)c);
}

/* Only letters and digits are kept. */
static int32_t squeeze(UChar *s, int32_t n)
{
    int32_t out = 0;
    for (int32_t i = 0; i < n;) {
        UChar32 c;
        const int32_t from = i;
        U16_NEXT(s, i, n, c);
        if (u_isalnum(c))
            for (int32_t k = from; k < i; k++)
                s[out++] = s[k];
    }
    return out;
}

static int has_cjk(const UChar *s, int32_t n)
{
    for (int32_t i = 0; i < n;) {
        UChar32 c;
        U16_NEXT(s, i, n, c);
        if (cp_is_cjk((uint32_t)c))
            return 1;
    }
    return 0;
}

static int has_whole_word(const UChar *text, int32_t n, const UChar *word, int32_t len)
{
    const UChar *at = text;
    while ((at = u_strFindFirst(at, n - (int32_t)(at - text), word, len))) {
        const int32_t i = (int32_t)(at - text);
        if ((i == 0 || !is_word_unit(text, n, i - 1)) && (i + len == n || !is_word_unit(text, n, i + len)))
            return 1;
        at++;
    }
    return 0;
}

const char *find_blocked_word(const json_t *words, const char *text)
{
    const size_t count = json_array_size(words);
    if (count == 0)
        return NULL;
    UChar *buffers = malloc(3 * FOLDED_MAX * sizeof *buffers);
    if (!buffers)
        return NULL;
    UChar *folded = buffers, *squeezed = buffers + FOLDED_MAX, *word = buffers + 2 * FOLDED_MAX;
    const int32_t n = fold(text, folded);
    memcpy(squeezed, folded, (size_t)n * sizeof *folded);
    const int32_t m = squeeze(squeezed, n);
    const char *found = NULL;
    for (size_t i = 0; i < count && !found; i++) {
        const char *candidate = json_string_value(json_array_get(words, i));
        int32_t len = fold(candidate, word);
        if (len > 0 && has_cjk(word, len)) {
            len = squeeze(word, len);
            found = len > 0 && u_strFindFirst(squeezed, m, word, len) ? candidate : NULL;
        } else if (len > 0) {
            found = has_whole_word(folded, n, word, len) ? candidate : NULL;
        }
    }
    free(buffers);
    return found;
}

const char *find_blocked_pattern(const struct rules *r, const char *text)
{
    UErrorCode ec = U_ZERO_ERROR;
    int32_t n = 0;
    UChar *wide = r->pattern_count ? malloc(FOLDED_MAX * sizeof *wide) : NULL;
    const char *found = NULL;
    if (!wide)
        return NULL;
    u_strFromUTF8WithSub(wide, FOLDED_MAX, &n, text, -1, 0xFFFD, NULL, &ec);
    for (size_t i = 0; U_SUCCESS(ec) && i < r->pattern_count && !found; i++) {
        UErrorCode bad = U_ZERO_ERROR; /* one that takes too long does not match */
        uregex_setText(r->patterns[i], wide, n, &bad);
        if (uregex_find(r->patterns[i], 0, &bad) && U_SUCCESS(bad))
            found = json_string_value(json_array_get(json_object_get(r->doc, "blocked_patterns"), i));
        uregex_setText(r->patterns[i], wide, 0, &bad); /* it keeps the pointer */
    }
    free(wide);
    return found;
}

int same_name(const char *a, const char *b)
{
    if (strcmp(a, b) == 0)
        return 1;
    UChar x[256], y[256];
    UErrorCode ec = U_ZERO_ERROR;
    int32_t n = 0, m = 0;
    u_strFromUTF8WithSub(x, 256, &n, a, -1, 0xFFFD, NULL, &ec);
    u_strFromUTF8WithSub(y, 256, &m, b, -1, 0xFFFD, NULL, &ec);
    return U_SUCCESS(ec) && u_strCaseCompare(x, n, y, m, U_FOLD_CASE_DEFAULT, &ec) == 0;
}

int fold_text(const char *text, struct buf *out)
{
    UChar *folded = malloc(FOLDED_MAX * sizeof *folded);
    if (!folded)
        return E_NOMEM;
    const int32_t n = squeeze(folded, fold(text, folded));
    int rc = buf_reserve(out, (size_t)n * 3);
    if (!rc) {
        UErrorCode ec = U_ZERO_ERROR;
        int32_t len = 0;
        u_strToUTF8(out->ptr + out->len, (int32_t)n * 3 + 1, &len, folded, n, &ec);
        if (U_SUCCESS(ec))
            out->len += (size_t)len;
    }
    free(folded);
    return rc;
}
