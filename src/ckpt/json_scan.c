/* See json_scan.h. */
#include "ckpt/json_scan.h"

#include "base/utf8.h"

#include <string.h>

int scan_damaged(struct json_scan *s)
{
    return error_set(s->err, E_FORMAT, "%s is no valid JSON at byte %zu", s->what, s->at);
}

int scan_peek(struct json_scan *s)
{
    while (s->at < s->len && s->text[s->at] && strchr(" \t\r\n", s->text[s->at]))
        s->at++;
    return s->at < s->len ? (unsigned char)s->text[s->at] : -1;
}

int scan_expect(struct json_scan *s, char c)
{
    if (scan_peek(s) != c)
        return scan_damaged(s);
    s->at++;
    return 0;
}

int scan_more(struct json_scan *s, char close, int first)
{
    int c = scan_peek(s);
    if (c == close) {
        s->at++;
        return 0;
    }
    if (first)
        return 1;
    int rc = scan_expect(s, ',');
    if (!rc && scan_peek(s) == close)
        rc = scan_damaged(s);
    return rc ? rc : 1;
}

/* The four digits of \uXXXX at p, or -1. */
static int32_t hex4(const char *p, size_t len)
{
    int32_t v = 0;
    if (len < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int c = p[i], low = c | 0x20;
        if (c >= '0' && c <= '9')
            v = v << 4 | (c - '0');
        else if (low >= 'a' && low <= 'f')
            v = v << 4 | (low - 'a' + 10);
        else
            return -1;
    }
    return v;
}

/* At the backslash; writes the character and passes the escape. */
static int unescape(struct json_scan *s, char *out, size_t *n)
{
    static const char letters[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const char *p = s->text + s->at, *end = s->text + s->len;
    if (end - p < 2)
        return scan_damaged(s);
    const char *letter = p[1] ? strchr(letters, p[1]) : NULL;
    if (letter) {
        out[(*n)++] = values[letter - letters];
        s->at += 2;
        return 0;
    }
    int32_t v = p[1] == 'u' ? hex4(p + 2, (size_t)(end - p) - 2) : -1;
    if (v < 0)
        return scan_damaged(s);
    size_t used = 6;
    if (v >= 0xD800 && v < 0xDC00 && end - p >= 12 && p[6] == '\\' && p[7] == 'u') {
        int32_t low = hex4(p + 8, 4);
        if (low >= 0xDC00 && low < 0xE000) {
            v = 0x10000 + ((v - 0xD800) << 10) + (low - 0xDC00);
            used = 12;
        }
    }
    size_t k = utf8_encode((uint32_t)v, out + *n);
    if (k == 0) /* half a surrogate pair */
        return scan_damaged(s);
    *n += k;
    s->at += used;
    return 0;
}

/* The length of the string's text up to its closing quote, escapes as they stand. */
static int measure(struct json_scan *s, size_t *ret_len, int *ret_escaped)
{
    *ret_escaped = 0;
    for (size_t i = s->at; i < s->len && s->text[i] != '"'; i++) {
        if ((unsigned char)s->text[i] < 0x20)
            break;
        if (s->text[i] == '\\') {
            *ret_escaped = 1;
            i++;
        }
        *ret_len = i + 1 - s->at;
    }
    if (*ret_len > s->len - s->at || s->at + *ret_len == s->len || s->text[s->at + *ret_len] != '"')
        return scan_damaged(s);
    return 0;
}

int scan_string(struct json_scan *s, struct slice *ret)
{
    size_t len = 0, n = 0;
    int escaped = 0, rc = scan_expect(s, '"');
    if (!rc)
        rc = measure(s, &len, &escaped);
    if (rc)
        return rc;
    size_t end = s->at + len;
    if (!escaped) {
        *ret = (struct slice){s->text + s->at, len};
        s->at = end + 1;
        return 0;
    }
    char *out = arena_alloc(s->arena, len + 1); /* no escape is shorter than what it stands for */
    if (!out)
        return error_nomem(s->err);
    while (s->at < end) {
        if (s->text[s->at] != '\\') {
            out[n++] = s->text[s->at++];
            continue;
        }
        rc = unescape(s, out, &n);
        if (rc)
            return rc;
    }
    s->at = end + 1;
    *ret = (struct slice){out, n};
    return 0;
}

/* The length of the JSON number at the current byte, 0 when there is none. */
static size_t number_length(const struct json_scan *s, int *ret_whole)
{
    const char *p = s->text + s->at;
    size_t left = s->len - s->at, n = 0, from;
#define AT(c) (n < left && p[n] == (c))
#define DIGITS()                                                                                             \
    for (from = n; n < left && p[n] >= '0' && p[n] <= '9';)                                                  \
    n++
    n += AT('-');
    int leading_zero = AT('0');
    DIGITS();
    if (n == from || (leading_zero && n - from > 1))
        return 0;
    *ret_whole = 1;
    if (AT('.')) {
        *ret_whole = 0;
        n++;
        DIGITS();
        if (n == from)
            return 0;
    }
    if (AT('e') || AT('E')) {
        *ret_whole = 0;
        n++;
        n += AT('+') || AT('-');
        DIGITS();
        if (n == from)
            return 0;
    }
#undef AT
#undef DIGITS
    return n;
}

int scan_whole(struct json_scan *s, int64_t *ret)
{
    int whole = 0;
    int64_t v = 0;
    scan_peek(s);
    size_t n = number_length(s, &whole);
    if (n == 0 || !whole || s->text[s->at] == '-')
        return 1;
    for (size_t i = 0; i < n; i++)
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, s->text[s->at + i] - '0', &v))
            return 1;
    *ret = v;
    s->at += n;
    return 0;
}

static int skip_word(struct json_scan *s, const char *word)
{
    size_t n = strlen(word);
    if (s->len - s->at < n || memcmp(s->text + s->at, word, n))
        return scan_damaged(s);
    s->at += n;
    return 0;
}

int scan_skip(struct json_scan *s, int depth)
{
    struct slice key;
    int c = scan_peek(s), whole, rc, first = 1;
    if (c == '"')
        return scan_string(s, &key);
    if (c == 't' || c == 'f' || c == 'n')
        return skip_word(s, c == 't' ? "true" : c == 'f' ? "false" : "null");
    if (c != '{' && c != '[') {
        size_t n = number_length(s, &whole);
        s->at += n;
        return n ? 0 : scan_damaged(s);
    }
    if (depth > JSON_MAX_DEPTH)
        return error_set(s->err, E_FORMAT, "%s is nested deeper than %d levels", s->what, JSON_MAX_DEPTH);
    s->at++;
    for (; (rc = scan_more(s, c == '{' ? '}' : ']', first)) > 0; first = 0) {
        if (c == '{')
            rc = scan_string(s, &key);
        if (rc >= 0 && c == '{')
            rc = scan_expect(s, ':');
        if (rc >= 0)
            rc = scan_skip(s, depth + 1);
        if (rc < 0)
            return rc;
    }
    return rc;
}
