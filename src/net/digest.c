/* See digest.h. */
#include "net/digest.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

/* A struct digest is OpenSSL's context under our name. */
static EVP_MD_CTX *context(struct digest *d)
{
    return (EVP_MD_CTX *)(void *)d;
}

static int refused(struct error *err)
{
    return error_set(err, E_INTERNAL, "OpenSSL refuses to compute a checksum");
}

enum digest_kind digest_kind_of(const char *hex)
{
    size_t n = strlen(hex);
    if (strspn(hex, "0123456789abcdef") != n)
        return DIGEST_NONE;
    return n == 64 ? DIGEST_SHA256 : n == 40 ? DIGEST_GIT_BLOB : DIGEST_NONE;
}

int digest_create(struct digest **ret, struct error *err)
{
    struct digest *d = (struct digest *)(void *)EVP_MD_CTX_new();
    if (!d)
        return error_nomem(err);
    *ret = d;
    return 0;
}

void digest_free(struct digest *d)
{
    EVP_MD_CTX_free(context(d));
}

int digest_start(struct digest *d, enum digest_kind kind, uint64_t size, struct error *err)
{
    const EVP_MD *md = kind == DIGEST_SHA256 ? EVP_sha256() : EVP_sha1();
    if (kind == DIGEST_NONE || EVP_DigestInit_ex(context(d), md, NULL) != 1)
        return refused(err);
    if (kind == DIGEST_SHA256)
        return 0;
    char head[32];
    int n = snprintf(head, sizeof head, "blob %" PRIu64, size);
    return digest_add(d, head, (size_t)n + 1, err);
}

int digest_add(struct digest *d, const void *data, size_t len, struct error *err)
{
    return EVP_DigestUpdate(context(d), data, len) == 1 ? 0 : refused(err);
}

int digest_finish(struct digest *d, char hex[DIGEST_HEX_MAX], struct error *err)
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (EVP_DigestFinal_ex(context(d), raw, &n) != 1 || n * 2 + 1 > DIGEST_HEX_MAX)
        return refused(err);
    for (unsigned i = 0; i < n; i++)
        snprintf(hex + 2 * i, 3, "%02x", raw[i]);
    return 0;
}
