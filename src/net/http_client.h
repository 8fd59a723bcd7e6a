/* HTTP requests on the event loop, as many at a time as wanted: libcurl's multi interface over net/loop.h.
 *
 * Connections are kept and reused. Redirects are not followed. All of it belongs to the loop's
 * thread; callbacks run on it. on_done may start calls, on_data may not; neither may free the client. */
#ifndef ISHOW_NET_HTTP_CLIENT_H
#define ISHOW_NET_HTTP_CLIENT_H

#include "net/loop.h"

#include <stddef.h>

struct http_client;

/* `most` calls at a time, 1..HTTP_CALLS_MAX; as many idle connections are kept. */
#define HTTP_CALLS_MAX 20000
int http_client_create(struct loop *l, size_t most, struct http_client **ret, struct error *err);
void http_client_free(struct http_client *c); /* accepts NULL; calls under way end with on_freed, never on_done */

size_t http_client_busy(const struct http_client *c); /* calls under way */

/* Header lines to send, "Name: value", made once for many calls. */
struct http_headers;
int http_headers_add(struct http_headers **h, const char *line); /* *h begins as NULL; 0 or E_NOMEM */
void http_headers_free(struct http_headers *h);                  /* accepts NULL */

struct http_outcome {
    int status;        /* of the answer, 0 when there was none */
    const char *error; /* a few fixed words for what went wrong, "timed out", or NULL: the answer came whole */
    int hung_up;       /* on_data ended it; no error */
};

/* Everything is borrowed until on_done. */
struct http_call {
    const char *url;
    const char *body; /* sent by POST, or NULL for GET */
    size_t body_len;
    const struct http_headers *headers; /* NULL: none but libcurl's own */
    const char *source;                 /* address to come from, or NULL */
    const char *proxy;                  /* "http://…", "socks5h://…", or NULL: none, not even the environment's */
    int fresh;                          /* a connection of its own, closed afterwards */
    int timeout_ms;                     /* for all of it */
    /* Called with pieces of the body; non-zero hangs up. May be NULL. */
    int (*on_data)(void *user, int status, const void *data, size_t len);
    void (*on_done)(void *user, const struct http_outcome *o); /* once, after http_client_call has returned 0 */
    /* Instead of on_done, when the client is freed first: what was borrowed may go. May be NULL; starts no calls. */
    void (*on_freed)(void *user);
    void *user;
};

/* Starts a call. E_LIMIT when `most` are under way. */
int http_client_call(struct http_client *c, const struct http_call *call, struct error *err);

#endif
