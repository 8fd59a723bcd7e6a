/* The first step: one character for one thing. Full-width and styled letters and digits become plain
 * ones, dashes and slashes of many kinds become few, what cannot be heard is taken out. */
#include "text/normalize_parts.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/utf16.h>

#define MARKS_MAX         2  /* accents on one letter; more is decoration, and all of it goes */
#define SCRIPT_MARKS_MAX  6  /* vowel signs and tones that belong to a script of their own */
#define DECOMPOSITION_MAX 18 /* UTF-16 units: the longest there is in Unicode */

int cps_create(struct cps *t, size_t cap)
{
    *t = (struct cps){0};
    if (cap > SIZE_MAX / sizeof *t->c - 2 * NORM_PAD)
        return E_NOMEM;
    t->c = calloc(cap + 2 * NORM_PAD, sizeof *t->c);
    if (!t->c)
        return E_NOMEM;
    t->n = NORM_PAD;
    t->cap = NORM_PAD + cap;
    return 0;
}

void cps_release(struct cps *t)
{
    free(t->c);
    *t = (struct cps){0};
}

/* Characters that are written in one way too many, and the plain writing. */
static const struct {
    uint32_t from;
    char to[5];
} plain[] = {
    {0x2010, "-"},         {0x2011, "-"},        {0x2212, "-"},        {0xFE63, "-"},  {0x2044, "/"},
    {0x2215, "/"},         {0x301C, "~"},        {0x2026, "..."},      {0x2116, "#"},  {0x33A1, "m\xC2\xB2"},
    {0x33A5, "m\xC2\xB3"}, {0xFFE5, "\xC2\xA5"}, {0xFFE1, "\xC2\xA3"}, {0x2033, "\""}, {0x2032, "'"},
    {0x203C, "!"},         {0x2049, "!?"},       {0x2047, "?"},
};

/* Characters of which Unicode says that they are others in another dress. */
static int is_dressed(uint32_t cp)
{
    if (cp >= 0xBC && cp <= 0xBE)
        return 1;
    if (cp == 0x2103 || cp == 0x2109 || (cp >= 0xF900 && cp <= 0xFAFF))
        return 1;
    if (!u_isalnum((UChar32)cp) && u_charType((UChar32)cp) != U_OTHER_NUMBER &&
        u_charType((UChar32)cp) != U_OTHER_SYMBOL)
        return 0;
    return (cp >= 0x2070 && cp <= 0x209C) || (cp >= 0x2150 && cp <= 0x217F) ||
           (cp >= 0x2460 && cp <= 0x24FF) || (cp >= 0x2F00 && cp <= 0x2FD5) ||
           (cp >= 0x3371 && cp <= 0x33DF) || (cp >= 0xFB00 && cp <= 0xFB06) ||
           (cp >= 0x1D400 && cp <= 0x1D7FF) || (cp >= 0x1F100 && cp <= 0x1F169);
}

/* Numbers that must not run into a digit before or after them: 1½, 10², ①②. */
static int stands_apart(uint32_t cp)
{
    return (cp >= 0xBC && cp <= 0xBE) || (cp >= 0x2150 && cp <= 0x215F) || (cp >= 0x2070 && cp <= 0x207F) ||
           (cp >= 0x2460 && cp <= 0x24FF);
}

static int is_invisible(uint32_t cp)
{
    switch (u_charType((UChar32)cp)) {
    case U_CONTROL_CHAR:
    case U_FORMAT_CHAR:
    case U_SURROGATE:
    case U_PRIVATE_USE_CHAR:
    case U_UNASSIGNED:
        return 1;
    default:
        /* variation selectors, the keycap's frame, skin tones */
        return (cp >= 0xFE00 && cp <= 0xFE0F) || (cp >= 0xE0100 && cp <= 0xE01EF) || cp == 0x20E3 ||
               (cp >= 0x1F3FB && cp <= 0x1F3FF);
    }
}

static int push(struct cps *t, uint32_t cp)
{
    if (t->n == t->cap) {
        struct cps larger;
        if (cps_create(&larger, t->cap * 2 + 64))
            return E_NOMEM;
        memcpy(larger.c, t->c, t->n * sizeof *t->c);
        larger.n = t->n;
        cps_release(t);
        *t = larger;
    }
    t->c[t->n++] = cp;
    return 0;
}

static int push_utf8(struct cps *t, const char *s)
{
    uint32_t cp;
    for (size_t len = strlen(s), w; len > 0 && (w = utf8_decode(s, len, &cp)) > 0; s += w, len -= w)
        if (push(t, cp))
            return E_NOMEM;
    return 0;
}

static int push_undressed(struct cps *t, const UNormalizer2 *nfkd, uint32_t cp)
{
    UChar parts[DECOMPOSITION_MAX];
    UErrorCode ec = U_ZERO_ERROR;
    int32_t n = unorm2_getDecomposition(nfkd, (UChar32)cp, parts, DECOMPOSITION_MAX, &ec);
    if (U_FAILURE(ec) || n <= 0)
        return push(t, cp);
    if (stands_apart(cp) && push(t, ' '))
        return E_NOMEM;
    for (int32_t i = 0; i < n;) {
        UChar32 part;
        U16_NEXT(parts, i, n, part);
        if (push(t, part == 0x2044 ? '/' : (uint32_t)part))
            return E_NOMEM;
    }
    return stands_apart(cp) ? push(t, ' ') : 0;
}

static int push_clean(struct cps *t, const UNormalizer2 *nfkd, uint32_t cp)
{
    uint32_t before = t->c[t->n - 1];
    if (cp >= 0x20 && cp < 0x7F)
        return push(t, cp);
    if (cp == '\n' || cp == '\r' || cp == 0x85 || cp == 0x2028 || cp == 0x2029)
        return push(t, '\n');
    if (u_isUWhiteSpace((UChar32)cp))
        return push(t, ' ');
    if (cp == 0x200C || cp == 0x200D) /* joiners have a meaning in Arabic and Indic words only */
        return before >= 0x600 && before < 0x2000 && cp_is_word(before) ? push(t, cp) : 0;
    if (is_invisible(cp))
        return 0;
    if (cp >= 0xFF01 && cp <= 0xFF5E) {
        uint32_t ascii = cp - 0xFEE0;
        int point = ascii == '.' && cp_is_digit(before);
        return push(t, u_isalnum((UChar32)ascii) || point || strchr("#$%&*+-/<=>@\\^_`|~", (int)ascii) ? ascii
                                                                                                       : cp);
    }
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (plain[i].from == cp)
            return push_utf8(t, plain[i].to);
    return is_dressed(cp) ? push_undressed(t, nfkd, cp) : push(t, cp);
}

static int is_mark(uint32_t cp)
{
    int8_t type = u_charType((UChar32)cp);
    return type == U_NON_SPACING_MARK || type == U_ENCLOSING_MARK;
}

static size_t marks_allowed(uint32_t cp)
{
    UErrorCode ec = U_ZERO_ERROR;
    return uscript_getScript((UChar32)cp, &ec) == USCRIPT_INHERITED ? MARKS_MAX : SCRIPT_MARKS_MAX;
}

int norm_clean(const char *text, size_t len, struct cps *t, struct error *err)
{
    UErrorCode ec = U_ZERO_ERROR;
    const UNormalizer2 *nfkd = unorm2_getNFKDInstance(&ec);
    if (U_FAILURE(ec) || cps_create(t, len))
        return error_nomem(err);
    size_t first_mark = 0, marks = 0; /* of the letter at hand */
    for (size_t i = 0; i < len;) {
        uint32_t cp;
        size_t w = utf8_decode(text + i, len - i, &cp);
        if (w == 0)
            return error_set(err, E_FORMAT, "the text is not valid UTF-8 at byte %zu", i);
        i += w;
        if (is_mark(cp) && !is_invisible(cp)) {
            if (marks == 0)
                first_mark = t->n;
            if (++marks > marks_allowed(cp)) {
                t->n = first_mark;
                continue;
            }
        } else {
            marks = 0;
        }
        if (push_clean(t, nfkd, cp))
            return error_nomem(err);
    }
    memset(t->c + t->n, 0, NORM_PAD * sizeof *t->c); /* dropped marks may lie there */
    return 0;
}
