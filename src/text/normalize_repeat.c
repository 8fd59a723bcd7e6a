/* The second step, in place: links become one mark each, and what is written over and over to be loud
 * is kept three times (words, syllables, letters) or once (signs). Numbers are left alone. */
#include "text/normalize_parts.h"

#include <string.h>
#include <unicode/uchar.h>

#define KEEP       3   /* repetitions of a letter, syllable or word */
#define UNIT_MAX   20  /* characters of what is repeated */
#define LOCAL_MAX  64  /* of an address before the @; RFC 5321 */
#define DOMAIN_MAX 253 /* RFC 1035 */

/* Endings by which a bare name is known as a link; those after NULL only before a path. */
static const char *const endings[] = {"com", "net", "org", "tv",   "gg",   "cn",  "io",  "edu", "gov",
                                      "xyz", NULL,  "me",  "be",   "ly",   "co",  "app", "dev", "live",
                                      "to",  "cc",  "fm",  "link", "club", "top", "vip", "uk",  "jp"};

static int is_alnum(uint32_t c)
{
    return cp_is_digit(c) || cp_is_ascii_letter(c);
}

static int is_url_char(uint32_t c)
{
    return c > 0x20 && c < 0x7F && !strchr("<>\"`{}|\\^", (int)c);
}

/* End of the address that begins at i, less the punctuation of the sentence around it. */
static size_t url_end(const uint32_t *c, size_t i)
{
    size_t end = i;
    int open = 0;
    for (; is_url_char(c[end]); end++)
        open |= c[end] == '(';
    while (end > i && strchr(open ? ".,!?;:'*~]" : ".,!?;:'*~])", (int)c[end - 1]))
        end--;
    return end;
}

static int matches(const uint32_t *c, const char *s)
{
    size_t i = 0;
    while (s[i] && c[i] == (unsigned char)s[i])
        i++;
    return s[i] == '\0';
}

/* Length of a host name at i whose last label is at *ret_last; 0 for none. */
static size_t domain_length(const uint32_t *c, size_t i, size_t *ret_last)
{
    size_t end = i, label = i, dots = 0;
    for (; end - i <= DOMAIN_MAX && (is_alnum(c[end]) || c[end] == '-' || c[end] == '.'); end++)
        if (c[end] == '.') {
            if (end == label || !is_alnum(c[end + 1]))
                break;
            label = end + 1;
            dots++;
        }
    *ret_last = label;
    return dots > 0 && end > label && end - i <= DOMAIN_MAX ? end - i : 0;
}

static int has_known_ending(const uint32_t *c, size_t label, size_t end)
{
    int path = c[end] == '/' && is_url_char(c[end + 1]);
    for (size_t i = 0, after = 0; i < sizeof endings / sizeof *endings; i++) {
        if (!endings[i])
            after = 1;
        else if (strlen(endings[i]) == end - label && matches(c + label, endings[i]))
            return !after || path;
    }
    return 0;
}

static size_t email_length(const uint32_t *c, size_t i)
{
    size_t at = i, last;
    while (at - i <= LOCAL_MAX && (is_alnum(c[at]) || (c[at] && c[at] < 0x7F && strchr("._%+-", (int)c[at]))))
        at++;
    if (at == i || c[at] != '@')
        return 0;
    size_t n = domain_length(c, at + 1, &last);
    return n > 0 && cp_is_ascii_letter(c[last]) ? at + 1 + n - i : 0;
}

static size_t link_length(const uint32_t *c, size_t i)
{
    size_t j = i, last;
    while (j - i < 10 && cp_is_ascii_letter(c[j]))
        j++;
    if (j > i + 1 && matches(c + j, "://") && is_alnum(c[j + 3]))
        return url_end(c, i) - i;
    if ((matches(c + i, "www.") || matches(c + i, "WWW.")) && is_alnum(c[i + 4]))
        return url_end(c, i) - i;
    size_t n = domain_length(c, i, &last);
    if (n == 0 || !has_known_ending(c, last, i + n) || c[i + n] == '_' || c[i + n] == '@')
        return 0;
    return c[i + n] == '/' || c[i + n] == ':' || c[i + n] == '?' ? url_end(c, i) - i : n;
}

/* Is this a place where a word begins? Only there are links looked for, so that no character is looked
 * at more than a few times. */
static int word_begins(const uint32_t *c, size_t i)
{
    uint32_t b = c[i - 1];
    return is_alnum(c[i]) && !is_alnum(b) && !(b && b < 0x7F && strchr("._%+-@/", (int)b));
}

static int is_loud(uint32_t cp)
{
    return cp == '!' || cp == '?' || cp == 0xFF01 || cp == 0xFF1F;
}

/* A run of ! and ?: each of them once, in the order they came. */
static size_t collapse_loud(struct cps *t, size_t i, size_t *w)
{
    size_t end = i;
    int seen = 0;
    for (; is_loud(t->c[end]); end++) {
        uint32_t cp = t->c[end];
        int bit = cp == '!' || cp == 0xFF01 ? 1 : 2;
        if (!(seen & bit))
            t->c[(*w)++] = cp;
        seen |= bit;
    }
    return end - i;
}

static int is_sign(uint32_t cp)
{
    int8_t type = u_charType((UChar32)cp);
    return u_ispunct((UChar32)cp) || type == U_MATH_SYMBOL || type == U_CURRENCY_SYMBOL ||
           type == U_MODIFIER_SYMBOL || type == U_OTHER_SYMBOL;
}

/* A run of one character; returns its length, 0 when it is to be looked at otherwise. */
static size_t collapse_char(struct cps *t, size_t i, size_t *w)
{
    uint32_t cp = t->c[i];
    size_t run = 1;
    if (u_isdigit((UChar32)cp) || cp == ' ' || cp == '\n')
        return 0;
    while (t->c[i + run] == cp)
        run++;
    size_t keep = run;
    if (u_isalpha((UChar32)cp) || cp == '.')
        keep = KEEP;
    else if (cp == '+')
        keep = 2; /* C++ */
    else if (is_sign(cp))
        keep = 1;
    if (run <= keep)
        return 0;
    for (size_t k = 0; k < keep; k++)
        t->c[(*w)++] = cp;
    return run;
}

/* May the unit at i be kept thrice when it comes more often? It must hold something that is spoken, and
 * digits only as words of their own, for 1010101010 is a number. */
static int is_unit(const uint32_t *c, size_t i, size_t len)
{
    int word = 0, digit = 0, space = 0;
    for (size_t k = i; k < i + len; k++) {
        digit |= u_isdigit((UChar32)c[k]);
        space |= c[k] == ' ';
        word |= u_isalnum((UChar32)c[k]) || u_charType((UChar32)c[k]) == U_OTHER_SYMBOL;
    }
    return word && (!digit || space) && c[i] != ' ';
}

static size_t collapse_unit(struct cps *t, size_t i, size_t *w)
{
    const uint32_t *c = t->c;
    for (size_t p = 2; p <= UNIT_MAX && i + p < t->n; p++) {
        size_t run = p; /* at first no further than to know whether it is one */
        while (run < (KEEP + 1) * p - 1 && i + run < t->n && c[i + run] == c[i + run - p])
            run++;
        if (run < (KEEP + 1) * p - 1 || !is_unit(c, i, p))
            continue;
        while (i + run < t->n && c[i + run] == c[i + run - p])
            run++;
        size_t count = run / p, tail = run % p;
        int cut =
            tail == p - 1 && !u_isalnum((UChar32)c[i + p - 1]); /* "no no no no": the last space is missing */
        if (count + (size_t)cut <= KEEP)
            continue;
        size_t keep = cut ? KEEP * p - 1 : KEEP * p + tail;
        memmove(t->c + *w, t->c + i, keep * sizeof *t->c);
        *w += keep;
        return run;
    }
    return 0;
}

/* "我有 3 个": spaces set around a number for the eye only. Returns the end of the number when the space
 * at i is such a one. */
static size_t spaced_number(const uint32_t *c, size_t i)
{
    if (c[i] != ' ' || !cp_is_han(c[i - 1]) || !cp_is_digit(c[i + 1]))
        return 0;
    size_t j = i + 1;
    while (j - i < 20 && (cp_is_digit(c[j]) || (c[j] && c[j] < 0x7F && strchr(".,:%/-", (int)c[j]))))
        j++;
    return c[j] == ' ' && cp_is_han(c[j + 1]) ? j : 0;
}

static void tighten(struct cps *t)
{
    size_t w = NORM_PAD, skip = 0;
    for (size_t i = NORM_PAD; i < t->n; i++) {
        size_t end = spaced_number(t->c, i);
        if (end)
            skip = end;
        if (end || i == skip)
            continue;
        t->c[w++] = t->c[i];
    }
    t->n = w;
}

void norm_collapse(struct cps *t)
{
    size_t n;
    for (int pass = 0; pass < 2; pass++) { /* links first: www must not be taken for a run */
        size_t w = NORM_PAD;
        for (size_t i = NORM_PAD; i < t->n; i += n) {
            if (pass == 0) {
                int begins = word_begins(t->c, i);
                if (begins && (n = email_length(t->c, i)) > 0)
                    t->c[w++] = MARK_EMAIL;
                else if (begins && (n = link_length(t->c, i)) > 0)
                    t->c[w++] = MARK_LINK;
                else
                    n = 0;
            } else if (is_loud(t->c[i])) {
                n = collapse_loud(t, i, &w);
            } else if ((n = collapse_char(t, i, &w)) == 0) {
                n = collapse_unit(t, i, &w);
            }
            if (n == 0) {
                t->c[w++] = t->c[i];
                n = 1;
            }
        }
        t->n = w;
        memset(t->c + t->n, 0, NORM_PAD * sizeof *t->c);
    }
    tighten(t);
    memset(t->c + t->n, 0, NORM_PAD * sizeof *t->c);
}
