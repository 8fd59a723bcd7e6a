/* A chat text made speakable, on code points: cleaned, its repetitions shortened, cut, measured. */
#include "chat/rules_private.h"

#include "base/utf8.h"

#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>

#define HEAP_MAX         2  /* of the marks on one letter: two of its own script, or an accent */
#define RUN_MAX          64 /* letters that are composed at a time */
#define UNIT_MAX         24 /* characters of what is looked for repeated */
#define LATIN_PER_SECOND 14.0
#define CJK_PER_SECOND   4.6
#define DIGIT_PER_SECOND 3.5
#define PAUSE_SECONDS    0.2

void chars_add(struct chars *c, uint32_t cp)
{
    if (c->n < CHARS_MAX)
        c->cp[c->n++] = cp;
}

void chars_add_utf8(struct chars *c, const char *s)
{
    const size_t len = strlen(s);
    uint32_t cp;
    for (size_t i = 0, w; i < len; i += w ? w : 1)
        if ((w = utf8_decode(s + i, len - i, &cp)))
            chars_add(c, cp);
}

int chars_write(const struct chars *c, struct buf *out)
{
    char bytes[UTF8_MAX];
    for (size_t i = 0; i < c->n; i++)
        if (buf_add(out, bytes, utf8_encode(c->cp[i], bytes)))
            return E_NOMEM;
    return buf_reserve(out, 0);
}

/* -------- kinds of characters -------- */

int cp_is_cjk(uint32_t cp)
{
    UErrorCode ec = U_ZERO_ERROR;
    switch (uscript_getScript((UChar32)cp, &ec)) {
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
    case USCRIPT_HANGUL:
    case USCRIPT_BOPOMOFO:
        return 1;
    default:
        return cp == 0x30FC; /* the long vowel mark belongs to both kana */
    }
}

static int is_mark(uint32_t cp)
{
    const int8_t t = u_charType((UChar32)cp);
    return t == U_NON_SPACING_MARK || t == U_ENCLOSING_MARK;
}

static int is_word_char(uint32_t cp)
{
    return u_isalnum((UChar32)cp) || is_mark(cp);
}

static int is_pictograph(uint32_t cp)
{
    return cp > 0xFF && u_hasBinaryProperty((UChar32)cp, UCHAR_EXTENDED_PICTOGRAPHIC);
}

static int is_flag_letter(uint32_t cp)
{
    return cp >= 0x1F1E6 && cp <= 0x1F1FF;
}

/* How many code points from `i` on are one emoji, with its skin tone, family and variation; 0 if it is none. */
static size_t emoji_at(const struct chars *c, size_t i)
{
    size_t n = 1;
    if (is_flag_letter(c->cp[i]))
        return i + 1 < c->n && is_flag_letter(c->cp[i + 1]) ? 2 : 1;
    if (!is_pictograph(c->cp[i])) {
        const int keycap = i + 1 < c->n && (c->cp[i + 1] == 0x20E3 || (c->cp[i + 1] == 0xFE0F && i + 2 < c->n &&
                                                                       c->cp[i + 2] == 0x20E3));
        return !keycap ? 0 : c->cp[i + 1] == 0x20E3 ? 2 : 3;
    }
    for (; i + n < c->n; n++) {
        const uint32_t cp = c->cp[i + n];
        const int joined = c->cp[i + n - 1] == 0x200D && is_pictograph(cp);
        const int part = cp == 0x200D || cp == 0xFE0F || cp == 0xFE0E || cp == 0x20E3 ||
                         (cp >= 0x1F3FB && cp <= 0x1F3FF) || (cp >= 0xE0020 && cp <= 0xE007F);
        if (!joined && !part)
            break;
    }
    return n;
}

/* -------- cleaning -------- */

/* Korean letters that stand alone ("ㅋㅋㅋ") are left so. */
static int is_composed(uint32_t cp)
{
    return is_word_char(cp) && cp != 0x20E3 && !(cp >= 0x3130 && cp <= 0x318F);
}

/* Letters that are drawn as signs, and letters with their accents beside them, as letters: NFKC, where it concerns
 * letters. */
static void compose(struct chars *c)
{
    UErrorCode ec = U_ZERO_ERROR;
    const UNormalizer2 *nfkc = unorm2_getNFKCInstance(&ec);
    size_t out = 0;
    for (size_t i = 0; i < c->n;) {
        UChar raw[2 * RUN_MAX], plain[18 * RUN_MAX];
        size_t end = i;
        int32_t n = 0, m;
        while (end < c->n && end - i < RUN_MAX && is_composed(c->cp[end]))
            end++;
        u_strFromUTF32(raw, 2 * RUN_MAX, &n, (const UChar32 *)c->cp + i, (int32_t)(end - i), &ec);
        m = unorm2_normalize(nfkc, raw, n, plain, 18 * RUN_MAX, &ec);
        if (U_FAILURE(ec))
            return; /* cannot be: the room is enough for any letter there is */
        const size_t before = end - i, after = (size_t)u_countChar32(plain, m);
        if (before == 0 || out + after > end) { /* a sign, or more letters than there is room for */
            const size_t keep = before ? before : 1;
            memmove(c->cp + out, c->cp + i, keep * sizeof *c->cp);
            out += keep;
            i += keep;
            continue;
        }
        for (int32_t k = 0; k < m;) {
            UChar32 cp;
            U16_NEXT(plain, k, m, cp);
            c->cp[out++] = (uint32_t)cp;
        }
        i = end;
    }
    c->n = out;
}

/* Lines through a letter, and frames around it. */
static int is_overlay(uint32_t cp)
{
    return (cp >= 0x0334 && cp <= 0x0338) || (u_charType((UChar32)cp) == U_ENCLOSING_MARK && cp != 0x20E3);
}

void chars_clean(struct chars *c)
{
    size_t out = 0, marks = 0, heap = 0; /* behind the last letter; a mark of no script weighs two */
    compose(c);
    for (size_t i = 0; i < c->n;) {
        const size_t emoji = emoji_at(c, i);
        if (emoji) {
            memmove(c->cp + out, c->cp + i, emoji * sizeof *c->cp);
            out += emoji;
            i += emoji;
            marks = heap = 0;
            continue;
        }
        const uint32_t cp = c->cp[i++];
        const int8_t type = u_charType((UChar32)cp);
        UErrorCode ec = U_ZERO_ERROR;
        if (u_isUWhiteSpace((UChar32)cp) || cp == 0x2800 || cp == 0x3164) { /* blanks that are no spaces to Unicode */
            marks = heap = 0;
            if (out > 0 && c->cp[out - 1] != ' ')
                c->cp[out++] = ' ';
            continue;
        }
        if (type == U_CONTROL_CHAR || type == U_FORMAT_CHAR || type == U_PRIVATE_USE_CHAR || type == U_SURROGATE ||
            type == U_UNASSIGNED || cp == 0xFFFD || cp == 0xFFFC ||
            u_hasBinaryProperty((UChar32)cp, UCHAR_DEFAULT_IGNORABLE_CODE_POINT))
            continue;
        heap = !is_mark(cp) ? 0 : heap + (uscript_getScript((UChar32)cp, &ec) == USCRIPT_INHERITED ? 2 : 1);
        if (heap > HEAP_MAX) { /* nobody's spelling: the letter alone */
            out -= marks;
            marks = 0;
        } else if (!is_overlay(cp)) {
            c->cp[out++] = cp;
            marks = is_mark(cp) ? marks + 1 : 0;
        }
    }
    while (out > 0 && c->cp[out - 1] == ' ')
        out--;
    c->n = out;
}

size_t chars_limit_emoji(struct chars *c, size_t most)
{
    size_t out = 0, found = 0;
    for (size_t i = 0; i < c->n;) {
        const size_t emoji = emoji_at(c, i), n = emoji ? emoji : 1;
        if (!emoji || ++found <= most) {
            memmove(c->cp + out, c->cp + i, n * sizeof *c->cp);
            out += n;
        }
        i += n;
    }
    c->n = out;
    return found;
}

/* -------- repetitions -------- */

static uint32_t lower(uint32_t cp)
{
    return (uint32_t)u_tolower((UChar32)cp);
}

static int same_run(const struct chars *c, size_t a, size_t b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (lower(c->cp[a + i]) != lower(c->cp[b + i]))
            return 0;
    return 1;
}

/* A number is left alone, except where it is laughter or applause: "6666", "2333333", "88888". */
static int digits_may_shrink(const struct chars *c, size_t i, size_t run)
{
    size_t begin = i, end = i + run;
    while (begin > 0 && (u_isdigit((UChar32)c->cp[begin - 1]) || c->cp[begin - 1] == '.' || c->cp[begin - 1] == ','))
        begin--;
    while (end < c->n &&
           (u_isdigit((UChar32)c->cp[end]) ||
            (end + 1 < c->n && (c->cp[end] == '.' || c->cp[end] == ',') && u_isdigit((UChar32)c->cp[end + 1]))))
        end++;
    const int laughter = begin + 1 == i && c->cp[begin] == '2' && c->cp[i] == '3' && end == i + run;
    return laughter || (begin == i && end == i + run && c->cp[i] != '0');
}

static size_t run_allowed(const struct chars *c, size_t i, size_t run)
{
    const uint32_t cp = c->cp[i];
    if (u_isdigit((UChar32)cp))
        return run > 3 && digits_may_shrink(c, i, run) ? 3 : run;
    if (cp_is_cjk(cp))
        return run > 3 ? 3 : run;
    if (u_isalpha((UChar32)cp))
        return run > 2 ? 2 : run;
    return cp == ' ' ? 1 : run > 1 ? 1 : run; /* punctuation */
}

static void collapse_characters(struct chars *c)
{
    size_t out = 0;
    for (size_t i = 0; i < c->n;) {
        const size_t emoji = emoji_at(c, i), unit = emoji ? emoji : 1;
        size_t run = 1;
        while (i + (run + 1) * unit <= c->n && same_run(c, i, i + run * unit, unit))
            run++;
        const size_t keep = (emoji ? 1 : run_allowed(c, i, run)) * unit;
        memmove(c->cp + out, c->cp + i, keep * sizeof *c->cp);
        out += keep;
        i += run * unit;
    }
    c->n = out;
}

/* Three and more times the same characters in a row: short ones twice ("haha"), longer ones once. Digits are left
 * alone. */
static size_t unit_at(const struct chars *c, size_t i, size_t *ret_times)
{
    for (size_t unit = 2; unit <= UNIT_MAX && i + 3 * unit <= c->n; unit++) {
        size_t times = 1, digits = 0;
        while (i + (times + 1) * unit <= c->n && same_run(c, i, i + times * unit, unit))
            times++;
        for (size_t k = 0; k < unit; k++)
            digits += u_isdigit((UChar32)c->cp[i + k]) ? 1 : 0;
        if (times >= 3 && digits < unit) {
            *ret_times = times;
            return unit;
        }
    }
    return 0;
}

static void collapse_units(struct chars *c)
{
    size_t out = 0;
    for (size_t i = 0; i < c->n;) {
        size_t times = 1, unit = unit_at(c, i, &times),
               keep = unit == 2 && c->cp[i] != ' ' && c->cp[i + 1] != ' ' ? 2 : 1;
        if (!unit) {
            c->cp[out++] = c->cp[i++];
            continue;
        }
        memmove(c->cp + out, c->cp + i, keep * unit * sizeof *c->cp);
        out += keep * unit;
        i += times * unit;
        /* "lol lol lol": the last one has no space after it */
        if (c->cp[i - 1] == ' ' && i + unit - 1 <= c->n && same_run(c, i - unit, i, unit - 1) &&
            (i + unit - 1 == c->n || !is_word_char(c->cp[i + unit - 1]))) {
            i += unit - 1;
            out--;
        }
    }
    while (out > 0 && c->cp[out - 1] == ' ')
        out--;
    c->n = out;
}

void chars_collapse(struct chars *c)
{
    collapse_characters(c);
    collapse_units(c);
}

/* -------- Chinese slang -------- */

/* "666元" is money, "666啊" is praise. */
static int is_measure(uint32_t cp)
{
    static const uint32_t all[] = {0x5143, 0x5757, 0x4E2A, 0x53F7, 0x7EA7, 0x5206, 0x5E74, 0x6708,
                                   0x5929, 0x4EBA, 0x4E07, 0x5343, 0x767E, 0x4EBF, 0x7C73}; /* 元块个号级分年月天人万千百亿米 */
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (cp == all[i])
            return 1;
    return 0;
}

static size_t same_digits(const struct chars *c, size_t i)
{
    size_t n = i;
    while (n < c->n && c->cp[n] == c->cp[i])
        n++;
    return n - i;
}

void chars_read_slang(struct chars *c)
{
    for (size_t i = 0, end; i < c->n; i = end) {
        const uint32_t before = i ? c->cp[i - 1] : ' ';
        end = i;
        while (end < c->n && c->cp[end] >= '0' && c->cp[end] <= '9')
            end++;
        const size_t n = end - i;
        const uint32_t first = c->cp[i], after = end < c->n ? c->cp[end] : ' ';
        if (n == 0)
            end = i + 1;
        if (n < 3 || is_measure(after) || after == '.' || after == ':' || after == '%' || before == '.' ||
            before == ':' || (before < 0x80 && u_isalpha((UChar32)before)) ||
            (after < 0x80 && u_isalpha((UChar32)after)))
            continue;
        const int laughs = n > 3 && first == '2' && c->cp[i + 1] == '3' && same_digits(c, i + 1) == n - 1;
        const int same = same_digits(c, i) == n;
        const uint32_t said = laughs ? 0x54C8 : same && first == '6' ? 0x516D : same && first == '8' ? 0x516B : 0;
        if (said) { /* 哈哈哈, 六六六, 八八八 */
            for (size_t k = 0; k < 3; k++)
                c->cp[i + k] = said;
            memmove(c->cp + i + 3, c->cp + end, (c->n - end) * sizeof *c->cp);
            c->n -= n - 3;
            end = i + 3;
        }
    }
}

/* -------- measuring and cutting -------- */

static double cp_seconds(uint32_t cp)
{
    return cp == ' '                        ? 0.0
           : u_isdigit((UChar32)cp)         ? 1 / DIGIT_PER_SECOND
           : cp_is_cjk(cp)                  ? 1 / CJK_PER_SECOND
           : u_isalpha((UChar32)cp)         ? 1 / LATIN_PER_SECOND
           : is_pictograph(cp)              ? 0.8 /* its name */
           : u_ispunct((UChar32)cp)         ? PAUSE_SECONDS
                                            : 0.0;
}

double chars_seconds(const struct chars *c)
{
    double sum = 0;
    for (size_t i = 0; i < c->n; i++)
        sum += cp_seconds(c->cp[i]);
    return sum;
}

int chars_cut(struct chars *c, int max_words, int max_chars, double max_seconds)
{
    int words = 0, in_word = 0;
    double seconds = 0;
    size_t end = 0, n = 0; /* where it could be cut; how far it may go */
    for (; n < c->n; n++) {
        const uint32_t cp = c->cp[n];
        const int cjk = cp_is_cjk(cp), word = is_word_char(cp) && !cjk;
        if (!word || !in_word)
            end = n;
        words += cjk || (word && !in_word);
        in_word = word;
        seconds += cp_seconds(cp);
        if ((max_words > 0 && words > max_words) || (max_chars > 0 && n >= (size_t)max_chars) ||
            (max_seconds > 0 && seconds > max_seconds))
            break;
    }
    if (n == c->n)
        return 0;
    c->n = end > 0 ? end : n; /* one endless word is cut where it stands */
    while (c->n > 0 && c->cp[c->n - 1] == ' ')
        c->n--;
    return 1;
}

int chars_has_words(const struct chars *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (is_word_char(c->cp[i]) || emoji_at(c, i))
            return 1;
    return 0;
}

const char *chars_language(const struct chars *c)
{
    static const struct {
        UScriptCode script;
        const char *lang;
    } known[] = {{USCRIPT_HAN, "zh"},    {USCRIPT_HIRAGANA, "ja"}, {USCRIPT_KATAKANA, "ja"}, {USCRIPT_HANGUL, "ko"},
                 {USCRIPT_CYRILLIC, "ru"}, {USCRIPT_ARABIC, "ar"},   {USCRIPT_THAI, "th"},     {USCRIPT_GREEK, "el"},
                 {USCRIPT_HEBREW, "he"},   {USCRIPT_DEVANAGARI, "hi"}, {USCRIPT_LATIN, "en"}};
    double weight[sizeof known / sizeof *known] = {0};
    size_t best = 0;
    for (size_t i = 0; i < c->n; i++) {
        UErrorCode ec = U_ZERO_ERROR;
        const UScriptCode script = uscript_getScript((UChar32)c->cp[i], &ec);
        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            if (known[k].script == script)
                weight[k] += cp_seconds(c->cp[i]);
    }
    if (weight[1] + weight[2] > 0) /* kana is only in Japanese, whatever the Han beside it */
        return "ja";
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        if (weight[k] > weight[best])
            best = k;
    return weight[best] > 0 ? known[best].lang : "";
}
