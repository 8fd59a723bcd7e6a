/* Looking for blocked words and names. Both sides are folded: case and width (NFKC), letters of other scripts that look
 * like Latin ones, and accents make no difference. A word that is spelt out ("b a d", "b.a.d") is put together,
 * and a letter that stands three times and more counts as one too. */
#include "chat/rules_private.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

/* UTF-16 units: CHARS_MAX characters, and CHAT_TEXT_MAX bytes of ligatures of eighteen letters. */
#define FOLDED_MAX 16384
#define LONG_RUN   3 /* of one letter: no word is spelt so */

/* UTF-16 of a text, to be freed, and its length; NULL when it does not fit. */
static UChar *widen(const char *text, int32_t *ret_len)
{
    UErrorCode ec = U_ZERO_ERROR;
    UChar *wide = malloc(FOLDED_MAX * sizeof *wide);
    if (wide)
        u_strFromUTF8WithSub(wide, FOLDED_MAX, ret_len, text, -1, 0xFFFD, NULL, &ec);
    if (U_SUCCESS(ec))
        return wide;
    free(wide);
    return NULL;
}

/* NFKC_Casefold as UTF-16. The length; -1 when it does not fit. */
static int32_t fold_case(const char *text, UChar *out)
{
    UErrorCode ec = U_ZERO_ERROR;
    int32_t n = 0;
    UChar *wide = widen(text, &n);
    if (!wide)
        return -1;
    n = unorm2_normalize(unorm2_getNFKCCasefoldInstance(&ec), wide, n, out, FOLDED_MAX, &ec);
    free(wide);
    return U_FAILURE(ec) ? -1 : n;
}

static int is_accent(UChar32 c)
{
    return u_charType(c) == U_NON_SPACING_MARK && c != 0x3099 && c != 0x309A; /* か and が are two letters */
}

/* The Latin letter that a letter looks like, without accents: appended to out[0, n). The new length; -1 when it does
 * not fit. */
static int32_t add_look_alike(const USpoofChecker *look_alikes, const UChar *s, int32_t len, UChar *out, int32_t n)
{
    UChar skeleton[32];
    UErrorCode ec = U_ZERO_ERROR;
    const int32_t m = uspoof_getSkeleton(look_alikes, 0, s, len, skeleton, 32, &ec);
    for (int32_t i = 0; U_SUCCESS(ec) && i < m;) {
        UChar32 c;
        UBool full = 0;
        U16_NEXT(skeleton, i, m, c);
        if (!is_accent(c))
            U16_APPEND(out, n, FOLDED_MAX, u_tolower(c), full);
        if (full)
            return -1;
    }
    return U_FAILURE(ec) ? -1 : n;
}

static int32_t fold_word(const USpoofChecker *look_alikes, const char *text, UChar *out)
{
    UChar *cased = malloc(FOLDED_MAX * sizeof *cased);
    const int32_t n = cased ? fold_case(text, cased) : -1;
    int32_t len = n < 0 ? -1 : 0;
    for (int32_t i = 0; len >= 0 && i < n;) {
        const int32_t from = i;
        UChar32 c;
        U16_NEXT(cased, i, n, c);
        if (c >= 0x80 && !cp_is_cjk((uint32_t)c)) {
            len = add_look_alike(look_alikes, cased + from, i - from, out, len);
        } else if (len + (i - from) <= FOLDED_MAX) {
            memcpy(out + len, cased + from, (size_t)(i - from) * sizeof *out);
            len += i - from;
        } else {
            len = -1;
        }
    }
    free(cased);
    return len;
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

/* The words of one letter, put together: "what a b a d idea" becomes "abad". In place. */
static int32_t spelt_words(UChar *s, int32_t n)
{
    int32_t out = 0;
    for (int32_t i = 0; i < n;) {
        int32_t end = i;
        while (end < n && is_word_unit(s, n, end))
            end++;
        if (end - i == 1)
            s[out++] = s[i];
        else if (end > i && out > 0 && s[out - 1] != ' ')
            s[out++] = ' ';
        i = end > i ? end : i + 1;
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

static int32_t run_at(const UChar *s, int32_t n, int32_t i)
{
    int32_t end = i;
    while (end < n && s[end] == s[i])
        end++;
    return end - i;
}

/* How many units of the text are the word, from `i` on; 0: they are not. */
static int32_t match_at(const UChar *text, int32_t n, int32_t i, const UChar *word, int32_t len)
{
    const int32_t from = i;
    for (int32_t k = 0; k < len;) {
        if (i >= n || text[i] != word[k])
            return 0;
        const int32_t had = run_at(text, n, i), wanted = run_at(word, len, k);
        if (had != wanted && (had < LONG_RUN || had < wanted))
            return 0;
        i += had;
        k += wanted;
    }
    return i - from;
}

static int has_whole_word(const UChar *text, int32_t n, const UChar *word, int32_t len)
{
    for (int32_t i = 0; i < n; i++) {
        if (text[i] != word[0] || (i > 0 && is_word_unit(text, n, i - 1)))
            continue;
        const int32_t m = match_at(text, n, i, word, len);
        if (m > 0 && (i + m == n || !is_word_unit(text, n, i + m)))
            return 1;
    }
    return 0;
}

static int has_spelt_word(const UChar *spelt, int32_t n, const UChar *word, int32_t len)
{
    for (int32_t i = 0; i + len <= n; i++)
        if (match_at(spelt, n, i, word, len))
            return 1;
    return 0;
}

static int prepare_word(struct rules *r, const char *written, UChar *folded)
{
    struct blocked_word *w = &r->words_blocked[r->word_count];
    int32_t n = fold_word(r->look_alikes, written, folded);
    const int anywhere = n > 0 && has_cjk(folded, n);
    if (anywhere)
        n = squeeze(folded, n);
    if (n <= 0)
        return n < 0 ? E_NOMEM : 0; /* signs and accents alone: nothing to look for */
    UChar *copy = malloc((size_t)n * sizeof *copy);
    if (!copy)
        return E_NOMEM;
    memcpy(copy, folded, (size_t)n * sizeof *copy);
    *w = (struct blocked_word){written, copy, n, anywhere};
    r->word_count++;
    return 0;
}

int blocked_words_prepare(struct rules *r, struct error *err)
{
    const size_t count = json_array_size(r->blocked_words);
    UErrorCode ec = U_ZERO_ERROR;
    if (count == 0)
        return 0;
    UChar *folded = malloc(FOLDED_MAX * sizeof *folded);
    r->words_blocked = calloc(count, sizeof *r->words_blocked);
    r->look_alikes = uspoof_open(&ec);
    int rc = folded && r->words_blocked && U_SUCCESS(ec) ? 0 : E_NOMEM;
    for (size_t i = 0; !rc && i < count; i++)
        rc = prepare_word(r, json_string_value(json_array_get(r->blocked_words, i)), folded);
    free(folded);
    return rc ? error_nomem(err) : 0;
}

void blocked_words_release(struct rules *r)
{
    for (size_t i = 0; i < r->word_count; i++)
        free(r->words_blocked[i].folded);
    free(r->words_blocked);
    if (r->look_alikes)
        uspoof_close(r->look_alikes);
}

const char *find_blocked_word(const struct rules *r, const char *text)
{
    if (r->word_count == 0)
        return NULL;
    UChar *folded = malloc(3 * FOLDED_MAX * sizeof *folded);
    const int32_t n = folded ? fold_word(r->look_alikes, text, folded) : -1;
    const char *found = n < 0 ? UNCHECKED : NULL;
    if (n > 0) {
        UChar *squeezed = folded + FOLDED_MAX, *spelt = folded + 2 * FOLDED_MAX;
        memcpy(squeezed, folded, (size_t)n * sizeof *folded);
        memcpy(spelt, folded, (size_t)n * sizeof *folded);
        const int32_t m = squeeze(squeezed, n), k = spelt_words(spelt, n);
        for (size_t i = 0; i < r->word_count && !found; i++) {
            const struct blocked_word *w = &r->words_blocked[i];
            if (w->anywhere
                    ? u_strFindFirst(squeezed, m, w->folded, w->len) != NULL
                    : has_whole_word(folded, n, w->folded, w->len) || has_spelt_word(spelt, k, w->folded, w->len))
                found = w->written;
        }
    }
    free(folded);
    return found;
}

const char *find_blocked_pattern(const struct rules *r, const char *text)
{
    int32_t n = 0;
    UChar *wide = r->pattern_count ? widen(text, &n) : NULL;
    const char *found = r->pattern_count && !wide ? UNCHECKED : NULL;
    for (size_t i = 0; wide && i < r->pattern_count && !found; i++) {
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
    UChar x[CHAT_NAME_MAX + 1], y[CHAT_NAME_MAX + 1];
    UErrorCode ec = U_ZERO_ERROR;
    int32_t n = 0, m = 0;
    u_strFromUTF8WithSub(x, CHAT_NAME_MAX + 1, &n, a, -1, 0xFFFD, NULL, &ec);
    u_strFromUTF8WithSub(y, CHAT_NAME_MAX + 1, &m, b, -1, 0xFFFD, NULL, &ec);
    return U_SUCCESS(ec) && u_strCaseCompare(x, n, y, m, U_FOLD_CASE_DEFAULT, &ec) == 0;
}

int fold_text(const char *text, struct buf *out)
{
    UChar *folded = malloc(FOLDED_MAX * sizeof *folded);
    const int32_t cased = folded ? fold_case(text, folded) : -1, n = cased < 0 ? -1 : squeeze(folded, cased);
    int rc = n < 0 ? (folded ? E_LIMIT : E_NOMEM) : buf_reserve(out, (size_t)n * 3);
    if (!rc) {
        UErrorCode ec = U_ZERO_ERROR;
        int32_t len = 0;
        u_strToUTF8(out->ptr + out->len, n * 3 + 1, &len, folded, n, &ec);
        if (U_SUCCESS(ec))
            out->len += (size_t)len;
    }
    free(folded);
    return rc;
}
