/* One HTTP request at a time, for downloads: libcurl with our rules.
 *
 * A request is one hop: redirects come back to the caller, who decides with http_redirect whether to go
 * on. There is no limit on the whole time, only on silence. TLS certificates are always checked (against
 * $CURL_CA_BUNDLE or $SSL_CERT_FILE if set); proxies are taken from the usual variables. */
#ifndef ISHOW_NET_HTTP_FETCH_H
#define ISHOW_NET_HTTP_FETCH_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

#define HTTP_URL_MAX 8192      /* bytes; signed CDN addresses run to some 2000 */
#define HTTP_HEADERS_MAX 65536 /* bytes of one answer's header */

struct http; /* a connection kept for the next request */

int http_create(struct http **ret, struct error *err);
void http_free(struct http *h); /* accepts NULL */

struct http_reply {
    int status;         /* 0: there was no answer */
    int temporary;      /* on failure: trying again may help */
    int retry_after;    /* seconds that the server asks to wait, or 0 */
    struct buf headers; /* "Name: value\n" lines */
};

void http_reply_release(struct http_reply *r); /* and ready for another request */

/* The value of a header (the last, if there are several), or NULL. Malloc'd; *ret untouched if absent. */
int http_reply_header(const struct http_reply *r, const char *name, char **ret, struct error *err);

/* Called with pieces of the body of a 2xx answer, whose header is complete by then. Non-zero (an
 * error_code) ends the request, and http_fetch returns it without touching `err`. */
typedef int (*http_body_fn)(void *user, const struct http_reply *reply, const void *data, size_t len);
/* Called about once a second or more often; non-zero ends the request with E_CANCELLED. */
typedef int (*http_tick_fn)(void *user);

struct http_request {
    const char *url;
    int head;          /* HEAD instead of GET */
    const char *token; /* "Authorization: Bearer …", or NULL */
    uint64_t from;     /* byte to begin at ("Range"), or 0 */
    int stall_seconds; /* of silence after which the request has failed */
    http_body_fn on_body;
    http_tick_fn on_tick; /* may be NULL */
    void *user;
};

/* 0 when an answer came whole, whatever its status; `reply` (zeroed or released) is filled as far as it
 * came in either case and released by the caller. */
int http_fetch(struct http *h, const struct http_request *req, struct http_reply *reply, struct error *err);

/* Sleeps, ticking; E_CANCELLED when the tick says so. */
int http_sleep(double seconds, http_tick_fn on_tick, void *user, struct error *err);

/* Where `location` leads from `url`: a malloc'd absolute http or https address. A step from https down to
 * http is refused. */
int http_redirect(const char *url, const char *location, char **ret, struct error *err);

/* Whether two addresses have scheme, host and port in common; malformed ones have not. */
int http_same_origin(const char *a, const char *b);

/* Host of `url` for a sentence (no password in it), "the server" if it cannot be told; `secure` (may be
 * NULL) says whether what is sent there stays private: https, or this very machine. */
void http_host(const char *url, char host[256], int *secure);

/* Whether `url` leads to this very machine: localhost, 127.x.x.x or [::1]. */
int http_loopback(const char *url);

/* "bytes 5-9/10" into its parts; `ret_total` is UINT64_MAX for "*". 0, or E_FORMAT. */
int http_content_range(const char *value, uint64_t *ret_first, uint64_t *ret_last, uint64_t *ret_total);

/* Decimal digits alone, up to `max`. 0, or E_FORMAT. */
int http_number(const char *value, uint64_t max, uint64_t *ret);

#endif
