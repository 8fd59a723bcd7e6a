/* See normalize.h, and normalize_parts.h for the plan of the house. Here: which language each sentence
 * is in, the walk through the text, and how characters and words are set beside each other. */
#include "text/normalize.h"

#include "base/utf8.h"
#include "text/normalize_parts.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>

int cp_is_digit(uint32_t cp)
{
    return cp >= '0' && cp <= '9';
}

int cp_is_ascii_letter(uint32_t cp)
{
    return (cp | 32) >= 'a' && (cp | 32) <= 'z' && cp < 0x80;
}

static UScriptCode script_of(uint32_t cp)
{
    UErrorCode ec = U_ZERO_ERROR;
    return uscript_getScript((UChar32)cp, &ec);
}

int cp_is_latin(uint32_t cp)
{
    return cp_is_ascii_letter(cp) || (cp >= 0x80 && u_isalpha((UChar32)cp) && script_of(cp) == USCRIPT_LATIN);
}

int cp_is_han(uint32_t cp)
{
    return cp >= 0x2E80 && (script_of(cp) == USCRIPT_HAN);
}

int cp_is_word(uint32_t cp)
{
    int8_t type = u_charType((UChar32)cp);
    return u_isalnum((UChar32)cp) || type == U_NON_SPACING_MARK || type == U_COMBINING_SPACING_MARK;
}

int norm_word_at(const struct norm *s, size_t i, const char *word)
{
    size_t k = 0;
    for (; word[k]; k++)
        if (s->c[i + k] >= 0x80 || (s->c[i + k] | 32) != ((unsigned char)word[k] | 32u))
            return 0;
    return !cp_is_latin(s->c[i + k]);
}

/* -------- writing -------- */

static void write_bytes(struct norm *s, const char *bytes, size_t len)
{
    if (s->rc == 0 && buf_add(s->out, bytes, len))
        s->rc = E_NOMEM;
}

static int closes(uint32_t cp)
{
    return (cp < 0x80 && cp && strchr(".,!?;:)", (int)cp)) || cp == 0x3002 || cp == 0x3001 || cp == 0xFF0C ||
           cp == 0xFF01 || cp == 0xFF1F || cp == 0xFF1B || cp == 0xFF1A || cp == 0xFF09;
}

/* Does what lies between the last character and this one have to be heard as a space? */
static int wants_space(const struct norm *s, uint32_t cp)
{
    switch (s->gap) {
    case GAP_SPACE:
        return s->last != 0;
    case GAP_SOFT:
        return s->last != 0 && cp_is_word(cp) && (cp_is_word(s->last) || closes(s->last)) &&
               !(cp_is_han(s->last) || s->last >= 0x3000) && !cp_is_han(cp);
    case GAP_WORD:
        return cp_is_word(cp);
    default:
        return 0;
    }
}

void norm_copy(struct norm *s, uint32_t cp)
{
    char utf8[UTF8_MAX];
    if (wants_space(s, cp))
        write_bytes(s, " ", 1);
    write_bytes(s, utf8, utf8_encode(cp, utf8));
    s->last = cp;
    s->gap = GAP_NONE;
}

void norm_gap(struct norm *s, int gap)
{
    if (s->gap != GAP_SPACE)
        s->gap = gap;
}

void norm_add(struct norm *s, const char *en, const char *zh)
{
    const char *text = s->lang == NORM_ZH ? zh : en;
    if (!text || !*text || s->rc)
        return;
    int space = s->lang != NORM_ZH && s->word.len > 0 && *text != ',';
    if ((space && buf_add_char(&s->word, ' ')) || buf_add_str(&s->word, text))
        s->rc = E_NOMEM;
}

void norm_spell(struct norm *s, enum spell en, enum spell zh, int64_t value)
{
    if (s->rc)
        return;
    if (s->lang != NORM_ZH && s->word.len > 0 && buf_add_char(&s->word, ' '))
        s->rc = E_NOMEM;
    else
        s->rc = spell_number(s->lang == NORM_ZH ? zh : en, value, &s->word);
}

void norm_digits(struct norm *s, size_t from, size_t to)
{
    static const char *const en[] = {"zero", "one", "two",   "three", "four",
                                     "five", "six", "seven", "eight", "nine"};
    static const char *const zh[] = {"零", "一", "二", "三", "四", "五", "六", "七", "八", "九"};
    for (size_t i = from; i < to; i++)
        if (cp_is_digit(s->c[i]))
            norm_add(s, en[s->c[i] - '0'], zh[s->c[i] - '0']);
}

void norm_say(struct norm *s)
{
    uint32_t first, last;
    if (s->rc || s->word.len == 0 || utf8_decode(s->word.ptr, s->word.len, &first) == 0)
        return;
    if (s->lang != NORM_ZH && s->gap != GAP_SPACE &&
        (cp_is_word(s->last) || (s->last && s->last < 0x80 && strchr(",;:!?", (int)s->last))))
        s->gap = GAP_SPACE;
    if (wants_space(s, first))
        write_bytes(s, " ", 1);
    write_bytes(s, s->word.ptr, s->word.len);
    size_t at = s->word.len - 1;
    while (at > 0 && ((unsigned char)s->word.ptr[at] & 0xC0) == 0x80)
        at--;
    if (utf8_decode(s->word.ptr + at, s->word.len - at, &last) > 0)
        s->last = last;
    s->gap = s->lang == NORM_ZH ? GAP_NONE : GAP_WORD;
    s->word.len = 0;
}

/* -------- languages -------- */

/* What a stretch of text is made of: Latin words count one each, as do single characters of scripts
 * that set no spaces between words. */
struct census {
    size_t latin, han, kana, other;
};

static int sentence_ends(const uint32_t *c, size_t i)
{
    uint32_t cp = c[i];
    return cp == '\n' || cp == '!' || cp == '?' || cp == 0x3002 || cp == 0xFF01 || cp == 0xFF1F ||
           cp == 0xFF1B || (cp == '.' && (c[i + 1] == ' ' || c[i + 1] == '\n' || c[i + 1] == 0));
}

/* Counts one sentence from i; returns where the next begins. */
static size_t count_sentence(const struct norm *s, size_t i, struct census *n)
{
    uint32_t before = 0;
    UScriptCode script_before = USCRIPT_COMMON;
    *n = (struct census){0};
    for (; i < s->n; i++) {
        uint32_t cp = s->c[i];
        UScriptCode script =
            cp < 0x80 ? cp_is_ascii_letter(cp) ? USCRIPT_LATIN : USCRIPT_COMMON : script_of(cp);
        int begins = script != script_before;
        if (script == USCRIPT_HAN || script == USCRIPT_BOPOMOFO) {
            n->han++;
        } else if ((script == USCRIPT_HIRAGANA || script == USCRIPT_KATAKANA) && cp != 0x306E) {
            n->kana++; /* の alone is an ornament in Chinese */
        } else if (script == USCRIPT_LATIN) {
            if (begins && !cp_is_digit(before)) { /* kg in 5kg is no English */
                size_t end = i;
                while (cp_is_latin(s->c[end]) && end - i < 3)
                    end++;
                n->latin += end - i > 1 || !cp_is_digit(s->c[end]);
            }
        } else if (script != USCRIPT_COMMON && script != USCRIPT_INHERITED) {
            n->other += (size_t)begins;
        }
        script_before = script;
        before = cp;
        if (sentence_ends(s->c, i))
            return i + 1;
    }
    return i;
}

/* NORM_EN, NORM_ZH, NORM_OTHER, or -1 when there are no letters. */
static int language_of(const struct census *n)
{
    if (n->kana > 0 && n->kana + n->han >= n->latin)
        return NORM_OTHER;
    if (n->other > n->latin && n->other > n->han)
        return NORM_OTHER;
    if (n->han > 0 && n->han >= n->latin)
        return NORM_ZH;
    return n->latin > 0 ? NORM_EN : -1;
}

/* Language of the first sentence that has letters, for those before it; Chinese punctuation will do. */
static enum norm_lang first_language(const struct norm *s)
{
    struct census n;
    enum norm_lang otherwise = NORM_EN;
    for (size_t i = NORM_PAD; i < s->n;) {
        i = count_sentence(s, i, &n);
        int lang = language_of(&n);
        if (lang >= 0)
            return (enum norm_lang)lang;
    }
    for (size_t i = NORM_PAD; i < s->n; i++)
        if ((s->c[i] >= 0x3000 && s->c[i] < 0x3040) || (s->c[i] >= 0xFF00 && s->c[i] < 0xFFF0))
            otherwise = NORM_ZH;
    return otherwise;
}

/* -------- the walk -------- */

/* A number that touches a Chinese character is Chinese even in a sentence that is mostly English. */
static int is_chinese_here(const struct norm *s, size_t i)
{
    size_t end = i + 1;
    if (cp_is_word(s->c[i]) && !cp_is_digit(s->c[i]))
        return 0;
    while (end - i < NORM_PAD && (cp_is_digit(s->c[end]) || s->c[end] == '.' || s->c[end] == ','))
        end++;
    return cp_is_han(s->c[i - 1]) || (cp_is_digit(s->c[end - 1]) && cp_is_han(s->c[end]));
}

static size_t take_number(struct norm *s, size_t i)
{
    size_t n;
    if ((n = norm_money(s, i)) > 0)
        return n;
    if (!cp_is_latin(s->c[i - 1]) && ((n = norm_phone(s, i)) > 0 || (n = norm_date(s, i)) > 0 ||
                                      (n = norm_time(s, i)) > 0 || (n = norm_unit(s, i)) > 0))
        return n;
    return norm_any_number(s, i);
}

static size_t take(struct norm *s, size_t i)
{
    uint32_t cp = s->c[i];
    size_t n = 0;
    if (cp == ' ' || cp == '\n') {
        norm_gap(s, GAP_SPACE);
        return 1;
    }
    enum norm_lang lang = s->lang;
    if (lang == NORM_EN && is_chinese_here(s, i))
        s->lang = NORM_ZH;
    if (lang != NORM_OTHER)
        n = take_number(s, i);
    if (n == 0)
        n = norm_symbol(s, i);
    if (n > 0)
        norm_say(s);
    s->lang = lang;
    if (n > 0)
        return n;
    norm_copy(s, cp);
    return 1;
}

static void walk(struct norm *s)
{
    size_t sentence = 0;
    s->lang = first_language(s);
    for (size_t i = NORM_PAD; i < s->n && s->rc == 0;) {
        if (i >= sentence) {
            struct census n;
            sentence = count_sentence(s, i, &n);
            int lang = language_of(&n);
            if (lang >= 0)
                s->lang = (enum norm_lang)lang;
        }
        i += take(s, i);
    }
}

int text_normalize(const char *text, size_t len, struct buf *out, struct error *err)
{
    if (len > NORMALIZE_MAX_BYTES)
        return error_set(err, E_LIMIT, "the text has %zu bytes, at most %d are normalised", len,
                         NORMALIZE_MAX_BYTES);
    struct cps t = {0};
    size_t before = out->len;
    int rc = norm_clean(text, len, &t, err);
    if (rc == 0) {
        norm_collapse(&t);
        struct norm s = {.c = t.c, .n = t.n, .out = out};
        walk(&s);
        rc = s.rc;
        if (rc == E_NOMEM)
            error_nomem(err);
        else if (rc)
            error_set(err, rc, "ICU has no spell-out rules (apt-get install --reinstall libicu72)");
        buf_release(&s.word);
    }
    cps_release(&t);
    if (rc && out->ptr) {
        out->len = before;
        out->ptr[before] = '\0';
    }
    return rc;
}
