/* Base64 (RFC 4648, section 4, padded): bytes as text, for JSON. */
#ifndef ISHOW_BASE_BASE64_H
#define ISHOW_BASE_BASE64_H

#include "base/buf.h"

/* Appends data[0, len) to `out` as base64. 0 or E_NOMEM. */
int base64_add(struct buf *out, const void *data, size_t len);

#endif
