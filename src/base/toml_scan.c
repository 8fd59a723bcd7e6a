/* See toml_scan.h. Lines and strings; numbers and dates are in toml_plain.c.
 *
 * What may stand in comments and strings is the same everywhere: no control character but tab, and
 * in the multi-line forms newlines, of which CR only counts before LF. */
#include "base/toml_scan.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int toml_column(struct toml_scan *s, size_t at)
{
    if (s->counted_at < s->line_start || s->counted_at > at) {
        s->counted_at = s->line_start;
        s->counted = 0;
    }
    s->counted += (int)utf8_count(s->text + s->counted_at, at - s->counted_at);
    s->counted_at = at;
    return s->counted + 1;
}

int toml_fail(struct toml_scan *s, int code, size_t at, const char *fmt, ...)
{
    char text[300];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return error_set(s->err, code, "line %d, column %d: %s", s->line, toml_column(s, at), text);
}

void toml_skip_blanks(struct toml_scan *s)
{
    while (s->at < s->len && (s->text[s->at] == ' ' || s->text[s->at] == '\t'))
        s->at++;
}

int toml_skip_newline(struct toml_scan *s)
{
    int c = toml_peek(s, 0);
    if (c == '\r' && toml_peek(s, 1) != '\n')
        return toml_fail(s, E_FORMAT, s->at, "a carriage return without a line feed after it");
    if (c != '\n' && c != '\r')
        return 0;
    s->at += c == '\r' ? 2 : 1;
    s->line++;
    s->line_start = s->at;
    return 1;
}

static int is_control(int c)
{
    return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7F;
}

int toml_skip_comment(struct toml_scan *s)
{
    if (toml_peek(s, 0) != '#')
        return 0;
    while (s->at < s->len && s->text[s->at] != '\n' && !(s->text[s->at] == '\r' && toml_peek(s, 1) == '\n')) {
        if (is_control(toml_peek(s, 0)))
            return toml_fail(s, E_FORMAT, s->at, "control character 0x%02x in a comment",
                             (unsigned)toml_peek(s, 0));
        s->at++;
    }
    return 1;
}

int toml_skip_lines(struct toml_scan *s)
{
    int rc;
    do {
        toml_skip_blanks(s);
        rc = toml_skip_comment(s);
        if (rc >= 0)
            rc = toml_skip_newline(s);
    } while (rc > 0);
    return rc;
}

static int hex_value(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* At the backslash of \xHH, \uHHHH or \UHHHHHHHH. */
static int scan_code_point(struct toml_scan *s, int digits, char *out, size_t *n)
{
    size_t from = s->at;
    uint32_t cp = 0;
    for (int i = 0; i < digits; i++) {
        int v = hex_value(toml_peek(s, (size_t)i + 2));
        if (v < 0)
            return toml_fail(s, E_FORMAT, from, "\\%c wants %d hexadecimal digits", s->text[from + 1],
                             digits);
        cp = cp << 4 | (uint32_t)v;
    }
    size_t k = utf8_encode(cp, out + *n);
    if (k == 0)
        return toml_fail(s, E_FORMAT, from, "U+%04X is no Unicode scalar value", cp);
    *n += k;
    s->at += (size_t)digits + 2;
    return 0;
}

/* A backslash at the end of a line swallows the newline and all blanks and newlines after it. */
static int scan_line_join(struct toml_scan *s, int *ret_joined)
{
    struct toml_scan start = *s;
    s->at++;
    toml_skip_blanks(s);
    int rc = toml_skip_newline(s);
    *ret_joined = rc > 0;
    if (rc == 0)
        *s = start;
    while (rc > 0) {
        toml_skip_blanks(s);
        rc = toml_skip_newline(s);
    }
    return rc;
}

static int scan_escape(struct toml_scan *s, int multiline, char *out, size_t *n)
{
    static const char letters[] = "btnfr\"\\e", values[] = "\b\t\n\f\r\"\\\033";
    int c = toml_peek(s, 1), joined = 0;
    if (multiline && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
        int rc = scan_line_join(s, &joined);
        if (rc || joined)
            return rc;
    }
    if (c == 'u' || c == 'U' || (c == 'x' && s->version >= TOML_1_1))
        return scan_code_point(s, c == 'u' ? 4 : c == 'U' ? 8 : 2, out, n);
    const char *p = c > 0 ? strchr(letters, c) : NULL;
    if (!p || (c == 'e' && s->version < TOML_1_1))
        return toml_fail(s, E_FORMAT, s->at, "a backslash before something that it does not escape");
    out[(*n)++] = values[p - letters];
    s->at += 2;
    return 0;
}

/* Quotes from here on, at most 5: in a multi-line string the last three of them end it. */
static size_t count_quotes(const struct toml_scan *s, int quote)
{
    size_t n = 0;
    while (n < 5 && toml_peek(s, n) == quote)
        n++;
    return n;
}

/* The end is found first, roughly, so that one allocation is certain to hold the result. */
static size_t string_room(const struct toml_scan *s, int quote, int triple)
{
    size_t i = s->at;
    for (; i < s->len; i++) {
        if (quote == '"' && s->text[i] == '\\')
            i++;
        else if (s->text[i] == quote &&
                 (!triple || (i + 2 < s->len && s->text[i + 1] == quote && s->text[i + 2] == quote)))
            break;
        else if (!triple && s->text[i] == '\n')
            break;
    }
    return i - s->at + 2 + 1 + 1; /* two quotes before the closing three, '\0', a cut-off escape */
}

int toml_scan_string(struct toml_scan *s, int multiline, struct slice *ret)
{
    size_t opened = s->at, n = 0;
    int quote = toml_peek(s, 0), opened_line = s->line, column = toml_column(s, opened);
    int triple = toml_peek(s, 1) == quote && toml_peek(s, 2) == quote;
    if (triple && !multiline)
        return toml_fail(s, E_FORMAT, opened, "a key cannot be a multi-line string");
    s->at += triple ? 3 : 1;
    int rc = triple ? toml_skip_newline(s) : 0;
    if (rc < 0)
        return rc;
    char *out = arena_alloc(s->arena, string_room(s, quote, triple));
    if (!out)
        return error_nomem(s->err);
    for (;;) {
        int c = toml_peek(s, 0);
        if (c < 0)
            return error_set(s->err, E_FORMAT, "line %d, column %d: this string is never closed", opened_line,
                             column);
        if (c == quote) {
            size_t quotes = triple ? count_quotes(s, quote) : 1;
            if (!triple || quotes >= 3) {
                memset(out + n, quote, triple ? quotes - 3 : 0);
                n += triple ? quotes - 3 : 0;
                s->at += quotes;
                break;
            }
            memset(out + n, quote, quotes);
            n += quotes;
            s->at += quotes;
        } else if (c == '\\' && quote == '"') {
            rc = scan_escape(s, triple, out, &n);
            if (rc)
                return rc;
        } else if (triple && (c == '\n' || c == '\r')) {
            rc = toml_skip_newline(s);
            if (rc < 0)
                return rc;
            out[n++] = '\n';
        } else if (c == '\n' || (c == '\r' && toml_peek(s, 1) == '\n')) {
            return toml_fail(s, E_FORMAT, opened, "this string is not closed on its line");
        } else if (is_control(c)) {
            return toml_fail(s, E_FORMAT, s->at, "control character 0x%02x in a string", (unsigned)c);
        } else {
            out[n++] = (char)c;
            s->at++;
        }
    }
    *ret = (struct slice){out, n};
    return 0;
}
