/* See base64.h. */
#include "base/base64.h"

#include "base/error.h"

#include <stdint.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_add(struct buf *out, const void *data, size_t len)
{
    const unsigned char *in = data;
    if (len > SIZE_MAX / 2 || buf_reserve(out, (len + 2) / 3 * 4))
        return E_NOMEM;
    char *to = out->ptr + out->len;
    for (; len > 0; in += 3, to += 4) {
        const size_t n = len < 3 ? len : 3;
        const uint32_t bits = (uint32_t)in[0] << 16 | (n > 1 ? (uint32_t)in[1] << 8 : 0) | (n > 2 ? in[2] : 0);
        to[0] = letters[bits >> 18];
        to[1] = letters[bits >> 12 & 63];
        to[2] = n > 1 ? letters[bits >> 6 & 63] : '=';
        to[3] = n > 2 ? letters[bits & 63] : '=';
        len -= n;
    }
    *to = '\0';
    out->len = (size_t)(to - out->ptr);
    return 0;
}
