/* See http_tls.h. */
#include "net/http_tls.h"

#include "base/file.h"

#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* What tells one state of a file from another. */
struct stamp {
    struct timespec modified;
    ino_t inode;
    off_t size;
};

struct tls_files {
    struct loop *loop;
    struct log *log;
    char *certificate, *key;
    struct tls_pair *pair;
    struct stamp loaded[2], seen[2];
    struct loop_timer look;
};

struct tls_pair *tls_pair_ref(struct tls_pair *p)
{
    p->refs++;
    return p;
}

void tls_pair_unref(struct tls_pair *p)
{
    if (!p || --p->refs > 0)
        return;
    for (unsigned i = 0; i < p->count; i++)
        gnutls_pcert_deinit(&p->chain[i]);
    if (p->key)
        gnutls_privkey_deinit(p->key);
    free(p);
}

/* -------- loading -------- */

/* Is this the key of that certificate? */
static int belong_together(gnutls_pubkey_t of_certificate, gnutls_privkey_t key)
{
    unsigned char a[64], b[64];
    size_t an = sizeof a, bn = sizeof b;
    gnutls_pubkey_t of_key;
    if (gnutls_pubkey_init(&of_key))
        return 0;
    const int same = !gnutls_pubkey_import_privkey(of_key, key, 0, 0) &&
                     !gnutls_pubkey_get_key_id(of_key, GNUTLS_KEYID_USE_SHA256, a, &an) &&
                     !gnutls_pubkey_get_key_id(of_certificate, GNUTLS_KEYID_USE_SHA256, b, &bn) && an == bn &&
                     memcmp(a, b, an) == 0;
    gnutls_pubkey_deinit(of_key);
    return same;
}

/* Seconds until the certificate's end; negative after it. */
static time_t end_of(const gnutls_pcert_st *certificate)
{
    gnutls_x509_crt_t x;
    time_t end = 0;
    if (gnutls_x509_crt_init(&x))
        return 0;
    if (!gnutls_x509_crt_import(x, &certificate->cert, GNUTLS_X509_FMT_DER))
        end = gnutls_x509_crt_get_expiration_time(x);
    gnutls_x509_crt_deinit(x);
    return end;
}

static gnutls_datum_t as_datum(const struct buf *b)
{
    return (gnutls_datum_t){.data = (unsigned char *)b->ptr, .size = (unsigned)b->len};
}

static int load_pair(const char *certificate, const char *key, struct tls_pair **ret, struct error *err)
{
    struct buf pem = BUF_INIT, key_pem = BUF_INIT;
    struct tls_pair *p = calloc(1, sizeof *p);
    if (!p)
        return error_nomem(err);
    p->refs = 1;
    int rc = file_read(certificate, TLS_FILE_MAX, &pem, err);
    if (!rc)
        rc = file_read(key, TLS_FILE_MAX, &key_pem, err);
    if (rc)
        goto out;
    const gnutls_datum_t pem_datum = as_datum(&pem), key_datum = as_datum(&key_pem);
    unsigned count = TLS_CHAIN_MAX;
    int tls = gnutls_pcert_list_import_x509_raw(p->chain, &count, &pem_datum, GNUTLS_X509_FMT_PEM, 0);
    if (tls) {
        rc =
            error_set(err, E_FORMAT, "%s: expected a chain of PEM certificates: %s", certificate, gnutls_strerror(tls));
        goto out;
    }
    p->count = count;
    tls = gnutls_privkey_init(&p->key);
    if (!tls)
        tls = gnutls_privkey_import_x509_raw(p->key, &key_datum, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (tls)
        rc = error_set(err, E_FORMAT, "%s: expected a PEM key without a password: %s", key, gnutls_strerror(tls));
    else if (!belong_together(p->chain[0].pubkey, p->key))
        rc = error_set(err, E_FORMAT, "%s is not the key of %s", key, certificate);
out:
    if (key_pem.ptr)
        explicit_bzero(key_pem.ptr, key_pem.len);
    buf_release(&pem);
    buf_release(&key_pem);
    if (rc)
        tls_pair_unref(p);
    else
        *ret = p;
    return rc;
}

/* -------- the files -------- */

static struct stamp stamp_of(const char *path)
{
    struct stat st;
    struct stamp s;
    memset(&s, 0, sizeof s); /* compared as bytes */
    if (stat(path, &st) == 0) {
        s.modified = st.st_mtim;
        s.inode = st.st_ino;
        s.size = st.st_size;
    }
    return s;
}

static int is_changed(const struct stamp a[2], const struct stamp b[2])
{
    return memcmp(a, b, 2 * sizeof *a) != 0;
}

static void look(void *user)
{
    struct tls_files *f = user;
    const struct stamp now[2] = {stamp_of(f->certificate), stamp_of(f->key)};
    /* loaded when they have not changed between two looks, so that neither is half written nor without the other */
    if (is_changed(now, f->loaded) && !is_changed(now, f->seen)) {
        struct error err = {0};
        if (tls_files_set(f, f->certificate, f->key, &err)) {
            log_event(f->log, LOG_ERROR, "certificate not reloaded", log_str("error", err.text));
            memcpy(f->loaded, now, sizeof f->loaded); /* told once */
        }
    }
    memcpy(f->seen, now, sizeof f->seen);
    loop_timer_start(f->loop, &f->look, TLS_LOOK_EVERY, look, f);
}

int tls_files_set(struct tls_files *f, const char *certificate, const char *key, struct error *err)
{
    struct tls_pair *pair = NULL;
    const struct stamp stamps[2] = {stamp_of(certificate), stamp_of(key)};
    char *own_certificate = strdup(certificate), *own_key = strdup(key);
    int rc = own_certificate && own_key ? load_pair(certificate, key, &pair, err) : error_nomem(err);
    if (rc) {
        free(own_certificate);
        free(own_key);
        return rc;
    }
    free(f->certificate);
    free(f->key);
    tls_pair_unref(f->pair);
    f->certificate = own_certificate;
    f->key = own_key;
    f->pair = pair;
    memcpy(f->loaded, stamps, sizeof stamps);
    const double left = difftime(end_of(&pair->chain[0]), time(NULL));
    log_event(f->log, left < TLS_WARN_BEFORE ? LOG_WARN : LOG_INFO,
              left < 0 ? "certificate has expired" : "certificate loaded", log_str("file", f->certificate),
              log_int("days_left", (int64_t)(left / 86400)));
    return 0;
}

int tls_files_create(struct loop *loop, struct log *log, const char *certificate, const char *key,
                     struct tls_files **ret, struct error *err)
{
    struct tls_files *f = calloc(1, sizeof *f);
    if (!f)
        return error_nomem(err);
    f->loop = loop;
    f->log = log;
    const int rc = tls_files_set(f, certificate, key, err);
    if (rc) {
        free(f);
        return rc;
    }
    memcpy(f->seen, f->loaded, sizeof f->seen);
    loop_timer_start(loop, &f->look, TLS_LOOK_EVERY, look, f);
    *ret = f;
    return 0;
}

void tls_files_free(struct tls_files *f)
{
    if (!f)
        return;
    loop_timer_stop(&f->look);
    tls_pair_unref(f->pair);
    free(f->certificate);
    free(f->key);
    free(f);
}

double tls_files_end(const struct tls_files *f)
{
    return (double)end_of(&f->pair->chain[0]);
}

struct tls_pair *tls_files_pair(struct tls_files *f)
{
    return f->pair;
}
