/* The checksums by which the Hugging Face hub names contents, computed as bytes arrive.
 *
 * Files in large-file storage are named by their SHA-256; the others as git names blobs: SHA-1 over
 * "blob <size>\0" and the contents. The arithmetic is OpenSSL's. */
#ifndef ISHOW_NET_DIGEST_H
#define ISHOW_NET_DIGEST_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define DIGEST_HEX_MAX 65 /* 64 digits and a '\0' */

enum digest_kind { DIGEST_NONE, DIGEST_SHA256, DIGEST_GIT_BLOB };

/* Which checksum a name is, by its length: 64 lower-case hex digits or 40; else DIGEST_NONE. */
enum digest_kind digest_kind_of(const char *hex);

struct digest; /* a checksum under way */

int digest_create(struct digest **ret, struct error *err);
void digest_free(struct digest *d); /* accepts NULL */

/* Begins anew; `size` is that of the whole contents, which a git blob's name needs first. */
int digest_start(struct digest *d, enum digest_kind kind, uint64_t size, struct error *err);
int digest_add(struct digest *d, const void *data, size_t len, struct error *err);
int digest_finish(struct digest *d, char hex[DIGEST_HEX_MAX], struct error *err);

#endif
