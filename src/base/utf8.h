/* UTF-8: decoding one scalar value at a time, strictly (RFC 3629: no surrogates, no overlongs,
 * nothing above U+10FFFF). Pure functions on (ptr, len). */
#ifndef ISHOW_BASE_UTF8_H
#define ISHOW_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_MAX 4 /* bytes of the longest character */

/* Decodes the character at s[0, len). Returns its length in bytes (1..4) and stores the scalar
 * value, or 0 when len is 0 or the bytes there are no valid character (then *ret_cp is untouched). */
size_t utf8_decode(const char *s, size_t len, uint32_t *ret_cp);

/* Writes `cp` to out[0, UTF8_MAX) and returns its length; 0 for surrogates and above U+10FFFF. */
size_t utf8_encode(uint32_t cp, char out[UTF8_MAX]);

/* Offset of the first byte that is not valid UTF-8; `len` when all of it is. */
size_t utf8_valid_prefix(const char *s, size_t len);

/* Number of scalar values in valid UTF-8. */
size_t utf8_count(const char *s, size_t len);

/* The largest i <= at such that s[0, i) does not end inside a character. `s` has at least `at` bytes. */
size_t utf8_floor(const char *s, size_t at);

#endif
