/* See script.h. One pass marks runs by ICU's script property; Han and kana share a run until the
 * sentence is over, then one kana character in it makes it Japanese. Neighbours that turn out to be
 * the same language are joined. */
#include "text/script.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>

/* Cyrillic is taken for Russian, Arabic script for Arabic and so on: the script says no more. */
static const struct {
    UScriptCode script;
    char lang[8];
} languages[] = {
    {USCRIPT_LATIN, "en"},     {USCRIPT_HAN, "zh"},       {USCRIPT_BOPOMOFO, "zh"},
    {USCRIPT_HIRAGANA, "ja"},  {USCRIPT_KATAKANA, "ja"},  {USCRIPT_HANGUL, "ko"},
    {USCRIPT_CYRILLIC, "ru"},  {USCRIPT_ARABIC, "ar"},    {USCRIPT_GREEK, "el"},
    {USCRIPT_HEBREW, "he"},    {USCRIPT_THAI, "th"},      {USCRIPT_DEVANAGARI, "hi"},
    {USCRIPT_BENGALI, "bn"},   {USCRIPT_TAMIL, "ta"},     {USCRIPT_TELUGU, "te"},
    {USCRIPT_GUJARATI, "gu"},  {USCRIPT_GURMUKHI, "pa"},  {USCRIPT_KANNADA, "kn"},
    {USCRIPT_MALAYALAM, "ml"}, {USCRIPT_SINHALA, "si"},   {USCRIPT_ORIYA, "or"},
    {USCRIPT_GEORGIAN, "ka"},  {USCRIPT_ARMENIAN, "hy"},  {USCRIPT_ETHIOPIC, "am"},
    {USCRIPT_MYANMAR, "my"},   {USCRIPT_KHMER, "km"},     {USCRIPT_LAO, "lo"},
    {USCRIPT_TIBETAN, "bo"},   {USCRIPT_MONGOLIAN, "mn"}, {USCRIPT_CHEROKEE, "chr"},
};

struct raw_run {
    size_t start, end;
    const char *lang; /* of the first character; "zh" is still open to being "ja" */
    int has_kana;
    int sentence_over;
};

static const char *language_of(uint32_t cp)
{
    UErrorCode ec = U_ZERO_ERROR;
    UScriptCode s = uscript_getScript((UChar32)cp, &ec);
    if (U_FAILURE(ec) || s == USCRIPT_COMMON || s == USCRIPT_INHERITED || s == USCRIPT_UNKNOWN)
        return NULL;
    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++)
        if (languages[i].script == s)
            return languages[i].lang;
    return "und";
}

static int is_east(const char *lang)
{
    return lang[0] == 'z' || (lang[0] == 'j' && lang[1] == 'a');
}

static int ends_sentence(uint32_t cp)
{
    return cp == '\n' || cp == '!' || cp == '?' || cp == 0x3002 || cp == 0xFF01 || cp == 0xFF1F;
}

/* Does the character go on with the run, as far as languages are concerned? */
static int continues(const struct raw_run *run, const char *lang)
{
    if (is_east(run->lang) && is_east(lang))
        return !run->sentence_over;
    return strcmp(run->lang, lang) == 0;
}

static int store(const struct raw_run *raw, size_t n, const char *text, struct arena *arena,
                 struct script_runs *ret)
{
    struct script_run *items = arena_alloc(arena, (n ? n : 1) * sizeof *items);
    if (!items)
        return E_NOMEM;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        const char *lang = is_east(raw[i].lang) ? raw[i].has_kana ? "ja" : "zh" : raw[i].lang;
        if (count > 0 && strcmp(items[count - 1].lang, lang) == 0) {
            items[count - 1].text.len += raw[i].end - raw[i].start;
            continue;
        }
        items[count].text = (struct slice){text + raw[i].start, raw[i].end - raw[i].start};
        memcpy(items[count].lang, lang, strlen(lang) + 1);
        count++;
    }
    *ret = (struct script_runs){items, count};
    return 0;
}

int script_split(const char *text, size_t len, struct arena *arena, struct script_runs *ret,
                 struct error *err)
{
    struct raw_run *raw = NULL;
    size_t n = 0, cap = 0;
    int speakable = 0; /* a digit or a letter of no script was seen */
    int rc = 0;
    for (size_t i = 0; i < len;) {
        uint32_t cp;
        size_t w = utf8_decode(text + i, len - i, &cp);
        if (w == 0) {
            rc = error_set(err, E_FORMAT, "the text is not valid UTF-8 at byte %zu", i);
            goto done;
        }
        const char *lang = language_of(cp);
        if (lang && (n == 0 || !continues(&raw[n - 1], lang))) {
            if (ARRAY_GROW(raw, n, cap)) {
                rc = error_nomem(err);
                goto done;
            }
            /* what stands before the first run belongs to it */
            raw[n] = (struct raw_run){.start = n ? i : 0, .lang = lang};
            n++;
        }
        if (lang && strcmp(lang, "ja") == 0)
            raw[n - 1].has_kana = 1;
        if (!lang && u_isalnum((UChar32)cp))
            speakable = 1;
        if (n > 0) {
            raw[n - 1].end = i + w;
            if (ends_sentence(cp))
                raw[n - 1].sentence_over = 1;
        }
        i += w;
    }
    struct raw_run only = {.start = 0, .end = len, .lang = "en"};
    if (n > 0)
        rc = store(raw, n, text, arena, ret);
    else
        rc = store(&only, (size_t)speakable, text, arena, ret);
    if (rc)
        error_nomem(err);
done:
    free(raw);
    return rc;
}
