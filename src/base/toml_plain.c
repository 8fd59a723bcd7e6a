/* TOML's values without quotes or parts. The characters that can belong to one are gathered first,
 * then matched as a whole, so that nothing is ever half a number. */
#include "base/toml_scan.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#define PLAIN_MAX 1024 /* bytes; a float may be written with many digits */

struct word {
    const char *p;
    size_t n, at;
};

static int is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static int is_plain(int c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '+' ||
           c == '-' || c == '.' || c == ':';
}

/* Exactly n digits. */
static int take_digits(struct word *w, int n, int *ret)
{
    *ret = 0;
    for (int i = 0; i < n; i++) {
        if (w->at == w->n || !is_digit(w->p[w->at]))
            return 0;
        *ret = *ret * 10 + (w->p[w->at++] - '0');
    }
    return 1;
}

static int take_char(struct word *w, char c)
{
    if (w->at == w->n || w->p[w->at] != c)
        return 0;
    w->at++;
    return 1;
}

static int days_in(int year, int month)
{
    static const signed char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static int match_date(struct word *w, struct toml_datetime *d)
{
    d->has_date = 1;
    return take_digits(w, 4, &d->year) && take_char(w, '-') && take_digits(w, 2, &d->month) &&
           take_char(w, '-') && take_digits(w, 2, &d->day) && d->month >= 1 && d->month <= 12 &&
           d->day >= 1 && d->day <= days_in(d->year, d->month);
}

static int match_time(struct word *w, enum toml_version version, struct toml_datetime *d)
{
    d->has_time = 1;
    if (!take_digits(w, 2, &d->hour) || !take_char(w, ':') || !take_digits(w, 2, &d->minute) ||
        d->hour > 23 || d->minute > 59)
        return 0;
    if (!take_char(w, ':'))
        return version >= TOML_1_1; /* where seconds may be left out */
    if (!take_digits(w, 2, &d->second) || d->second > 60)
        return 0;
    if (!take_char(w, '.'))
        return 1;
    int digits = 0, scale = 100000000;
    for (; w->at < w->n && is_digit(w->p[w->at]); w->at++, digits++, scale /= 10)
        d->nanosecond += (w->p[w->at] - '0') * scale;
    return digits > 0;
}

static int match_offset(struct word *w, struct toml_datetime *d)
{
    int hours, minutes;
    if (w->at == w->n)
        return 1;
    d->has_offset = 1;
    if (take_char(w, 'Z') || take_char(w, 'z'))
        return 1;
    int sign = take_char(w, '-') ? -1 : take_char(w, '+') ? 1 : 0;
    if (!sign || !take_digits(w, 2, &hours) || !take_char(w, ':') || !take_digits(w, 2, &minutes) ||
        hours > 23 || minutes > 59)
        return 0;
    d->offset_minutes = sign * (hours * 60 + minutes);
    return 1;
}

static int match_datetime(struct word *w, enum toml_version version, struct toml_datetime *d)
{
    if (w->n >= 3 && w->p[2] == ':')
        return match_time(w, version, d) && w->at == w->n;
    if (!match_date(w, d))
        return 0;
    if (w->at == w->n)
        return 1;
    if (!take_char(w, 'T') && !take_char(w, 't') && !take_char(w, ' '))
        return 0;
    return match_time(w, version, d) && match_offset(w, d) && w->at == w->n;
}

/* 1_000: digits of the base with single underscores between them. Passes them, returns how many. */
static size_t match_digits(const char *p, size_t n, int base)
{
    size_t i = 0;
    for (; i < n; i++) {
        int c = p[i], v = is_digit(c)                              ? c - '0'
                          : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                                   : 99;
        if (c == '_' && i > 0 && i + 1 < n && p[i - 1] != '_')
            continue;
        if (v >= base)
            break;
    }
    return i && p[i - 1] == '_' ? 0 : i;
}

enum match { NO_NUMBER, OUT_OF_RANGE, MATCHED };

/* p[0, n) are digits of the base, underscores among them. */
static enum match to_integer(const char *p, size_t n, int base, int negative, int64_t *ret)
{
    uint64_t v = 0, most = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '_')
            continue;
        unsigned digit = is_digit(p[i]) ? (unsigned)(p[i] - '0') : (unsigned)((p[i] | 0x20) - 'a' + 10);
        if (v > (most - digit) / (unsigned)base)
            return OUT_OF_RANGE;
        v = v * (unsigned)base + digit;
    }
    *ret = (int64_t)(negative ? 0 - v : v);
    return MATCHED;
}

static enum match match_integer(struct word w, int64_t *ret)
{
    if (w.n > 2 && w.p[0] == '0' && (w.p[1] == 'x' || w.p[1] == 'o' || w.p[1] == 'b')) {
        int base = w.p[1] == 'x' ? 16 : w.p[1] == 'o' ? 8 : 2;
        return match_digits(w.p + 2, w.n - 2, base) == w.n - 2 ? to_integer(w.p + 2, w.n - 2, base, 0, ret)
                                                               : NO_NUMBER;
    }
    size_t sign = w.n && (w.p[0] == '+' || w.p[0] == '-');
    const char *p = w.p + sign;
    size_t n = w.n - sign;
    if (n == 0 || match_digits(p, n, 10) != n || (p[0] == '0' && n > 1))
        return NO_NUMBER;
    return to_integer(p, n, 10, w.p[0] == '-', ret);
}

/* [sign] digits [. digits] [e [sign] digits], with a fraction or an exponent. */
static int is_float(const char *p, size_t n)
{
    size_t k = match_digits(p, n, 10), at = k;
    if (k == 0 || (p[0] == '0' && k > 1))
        return 0;
    int parts = 0;
    if (at < n && p[at] == '.') {
        at++;
        k = match_digits(p + at, n - at, 10);
        if (k == 0)
            return 0;
        at += k;
        parts++;
    }
    if (at < n && (p[at] == 'e' || p[at] == 'E')) {
        at++;
        at += at < n && (p[at] == '+' || p[at] == '-');
        k = match_digits(p + at, n - at, 10);
        if (k == 0)
            return 0;
        at += k;
        parts++;
    }
    return parts && at == n;
}

/* MATCHED, NO_NUMBER, or E_NOMEM. strtod takes the locale's decimal point, hence the locale here. */
static int match_float(struct word w, double *ret)
{
    size_t sign = w.n && (w.p[0] == '+' || w.p[0] == '-');
    const char *p = w.p + sign;
    size_t n = w.n - sign, k = 0;
    int negative = w.n && w.p[0] == '-';
    if (n == 3 && (memcmp(p, "inf", 3) == 0 || memcmp(p, "nan", 3) == 0)) {
        double v = p[0] == 'i' ? __builtin_inf() : __builtin_nan("");
        *ret = negative ? -v : v;
        return MATCHED;
    }
    if (!is_float(p, n))
        return NO_NUMBER;
    char digits[PLAIN_MAX + 1];
    for (size_t i = 0; i < n; i++)
        if (p[i] != '_')
            digits[k++] = p[i];
    digits[k] = '\0';
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!plain)
        return E_NOMEM;
    double v = strtod_l(digits, NULL, plain);
    freelocale(plain);
    *ret = negative ? -v : v;
    return MATCHED;
}

static int looks_like_datetime(struct word w)
{
    return (w.n > 4 && w.p[4] == '-' && is_digit(w.p[0]) && is_digit(w.p[3])) ||
           (w.n > 2 && w.p[2] == ':' && is_digit(w.p[0]));
}

/* The longest run of characters that a plain value can have; a date may be followed by one space
 * and a time. */
static struct word gather(const struct toml_scan *s)
{
    size_t n = 0;
    while (is_plain(toml_peek(s, n)))
        n++;
    if (n == 10 && toml_peek(s, 4) == '-' && toml_peek(s, 7) == '-' && toml_peek(s, n) == ' ' &&
        is_digit(toml_peek(s, n + 1)))
        for (n++; is_plain(toml_peek(s, n));)
            n++;
    return (struct word){s->text + s->at, n, 0};
}

int toml_scan_plain(struct toml_scan *s, struct toml_value *ret)
{
    struct word w = gather(s);
    if (w.n == 0)
        return toml_fail(s, E_FORMAT, s->at, "expected a value");
    if (w.n > PLAIN_MAX)
        return toml_fail(s, E_LIMIT, s->at, "a number of more than %d characters", PLAIN_MAX);
    struct slice text = {w.p, w.n};
    if (slice_eq_str(text, "true") || slice_eq_str(text, "false")) {
        ret->kind = TOML_BOOL;
        ret->boolean = w.p[0] == 't';
    } else if (looks_like_datetime(w)) {
        struct toml_datetime *d = arena_alloc(s->arena, sizeof *d);
        if (!d)
            return error_nomem(s->err);
        if (!match_datetime(&w, s->version, d))
            return toml_fail(s, E_FORMAT, s->at, "%.*s is no date or time", (int)(w.n < 80 ? w.n : 80), w.p);
        ret->kind = TOML_DATETIME;
        ret->datetime = d;
    } else {
        int m = match_integer(w, &ret->integer);
        ret->kind = TOML_INT;
        if (m == OUT_OF_RANGE)
            return toml_fail(s, E_FORMAT, s->at, "this number does not fit 64 bits");
        if (m == NO_NUMBER) {
            m = match_float(w, &ret->real);
            ret->kind = TOML_FLOAT;
        }
        if (m == E_NOMEM)
            return error_nomem(s->err);
        if (m == NO_NUMBER)
            return toml_fail(s, E_FORMAT, s->at, "%.*s is no value; text needs quotes",
                             (int)(w.n < 80 ? w.n : 80), w.p);
    }
    s->at += w.n;
    return 0;
}
