/* A server's certificate, from two PEM files that may change while it runs; for http_*.c alone.
 *
 * What was loaded never changes. A connection holds on to the pair that its handshake used, so that a new one can take
 * its place at any time. */
#ifndef ISHOW_NET_HTTP_TLS_H
#define ISHOW_NET_HTTP_TLS_H

#include "base/log.h"
#include "net/loop.h"

#include <gnutls/abstract.h>

#define TLS_CHAIN_MAX   16           /* certificates from the server's own to the authority's */
#define TLS_FILE_MAX    (1 << 20)    /* bytes */
#define TLS_LOOK_EVERY  1.0          /* seconds between looks at whether the files have changed */
#define TLS_WARN_BEFORE (14 * 86400) /* seconds before its end at which a certificate is warned of */

struct tls_pair {
    int refs;
    gnutls_pcert_st chain[TLS_CHAIN_MAX];
    unsigned count;
    gnutls_privkey_t key;
};
struct tls_pair *tls_pair_ref(struct tls_pair *p);
void tls_pair_unref(struct tls_pair *p); /* accepts NULL */

struct tls_files;

/* Loads the pair, and looks at the files from time to time. The log, which is borrowed, hears of reloads and of a
 * certificate that is near its end. */
int tls_files_create(struct loop *loop, struct log *log, const char *certificate, const char *key,
                     struct tls_files **ret, struct error *err);
void tls_files_free(struct tls_files *f); /* accepts NULL */

/* Other files, or the same ones anew. On failure the old pair stays. */
int tls_files_set(struct tls_files *f, const char *certificate, const char *key, struct error *err);

struct tls_pair *tls_files_pair(struct tls_files *f); /* borrowed */

/* When the certificate ends, in seconds since 1970. */
double tls_files_end(const struct tls_files *f);

#endif
