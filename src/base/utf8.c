/* See utf8.h. The lead byte decides the length, the table of second-byte ranges (Unicode standard,
 * table 3-7) excludes overlongs, surrogates and values past U+10FFFF. */
#include "base/utf8.h"

static int is_tail(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

size_t utf8_decode(const char *s, size_t len, uint32_t *ret_cp)
{
    const unsigned char *u = (const unsigned char *)s;
    if (len == 0)
        return 0;
    unsigned char a = u[0];
    if (a < 0x80) {
        *ret_cp = a;
        return 1;
    }
    if (a < 0xC2)
        return 0;
    if (a < 0xE0) {
        if (len < 2 || !is_tail(u[1]))
            return 0;
        *ret_cp = (uint32_t)(a & 0x1F) << 6 | (u[1] & 0x3F);
        return 2;
    }
    if (a < 0xF0) {
        unsigned char lo = a == 0xE0 ? 0xA0 : 0x80, hi = a == 0xED ? 0x9F : 0xBF;
        if (len < 3 || u[1] < lo || u[1] > hi || !is_tail(u[2]))
            return 0;
        *ret_cp = (uint32_t)(a & 0x0F) << 12 | (uint32_t)(u[1] & 0x3F) << 6 | (u[2] & 0x3F);
        return 3;
    }
    if (a < 0xF5) {
        unsigned char lo = a == 0xF0 ? 0x90 : 0x80, hi = a == 0xF4 ? 0x8F : 0xBF;
        if (len < 4 || u[1] < lo || u[1] > hi || !is_tail(u[2]) || !is_tail(u[3]))
            return 0;
        *ret_cp = (uint32_t)(a & 0x07) << 18 | (uint32_t)(u[1] & 0x3F) << 12 |
                  (uint32_t)(u[2] & 0x3F) << 6 | (u[3] & 0x3F);
        return 4;
    }
    return 0;
}

size_t utf8_encode(uint32_t cp, char out[UTF8_MAX])
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xC0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        if (cp >= 0xD800 && cp < 0xE000)
            return 0;
        out[0] = (char)(0xE0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3F));
        out[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    if (cp > 0x10FFFF)
        return 0;
    out[0] = (char)(0xF0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3F));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3F));
    out[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

size_t utf8_valid_prefix(const char *s, size_t len)
{
    size_t i = 0;
    uint32_t cp;
    while (i < len) {
        size_t n = utf8_decode(s + i, len - i, &cp);
        if (n == 0)
            return i;
        i += n;
    }
    return i;
}

size_t utf8_count(const char *s, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += !is_tail((unsigned char)s[i]);
    return n;
}

size_t utf8_floor(const char *s, size_t at)
{
    size_t i = at;
    while (i > 0 && at - i < UTF8_MAX && is_tail((unsigned char)s[i - 1]))
        i--;
    if (i == 0)
        return at;
    unsigned char lead = (unsigned char)s[i - 1];
    size_t need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    return at - (i - 1) < need ? i - 1 : at;
}
