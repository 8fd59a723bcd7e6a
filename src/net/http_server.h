/* An HTTP/1.1 server on an event loop, over libmicrohttpd.
 *
 * A request is shown to the owner twice: when its headers are complete (`on_head`, which may answer at once, so that
 * nobody uploads what will be refused) and when its whole body is in memory (`on_request`). It is answered
 * by http_respond, now or later, or in pieces by http_stream_begin, _write, _end. Everything here belongs to the loop's
 * thread; a `struct http_request` lives until its on_gone or the server's on_done has been called.
 *
 * Before on_head sees a request it has one Host and one length, its target is an absolute path in UTF-8 without encoded
 * slashes and control characters, and its escapes are whole; others are refused here. (What libmicrohttpd refuses by
 * itself, such as a line that is no header, it answers with a page of its own, which nobody can change.) A client that
 * has closed its side of the connection counts as gone while it waits for an answer: TCP does not tell who would still
 * read. */
#ifndef ISHOW_NET_HTTP_SERVER_H
#define ISHOW_NET_HTTP_SERVER_H

#include "base/buf.h"
#include "base/log.h"
#include "net/loop.h"

#include <stddef.h>
#include <stdint.h>

#define HTTP_REQUEST_ID_MAX 64 /* bytes of x-request-id, taken from the client or made here */
#define HTTP_PEER_MAX       48 /* bytes of an address as text, '\0' included */
#define HTTP_STREAM_BACKLOG (64u << 20)  /* bytes that a client may be behind before it is dropped */
#define HTTP_BODIES_MAX     (512u << 20) /* bytes of all requests' bodies at a time; more is answered 503 */
#define HTTP_BODY_STEP      16384        /* bytes of a body, or its rest, that must come within the head's timeout */
#define HTTP_DRAIN_IDLE     2.0          /* seconds that a drained connection may stay idle before it is closed */

struct http_server;
struct http_request;

struct http_header {
    const char *name, *value;
};

/* What became of a request, for logs and counters. */
struct http_done {
    int status;          /* 0: the client went away, or was dropped, before an answer began */
    int aborted;         /* 1: it went away before the answer was out */
    uint64_t body_bytes; /* of the answer's body, as far as they were sent */
    double seconds;      /* since its headers were complete */
};

/* A zero is the default. */
struct http_limits {
    size_t header_max;              /* bytes of request line and headers; 16 KiB */
    size_t body_max;                /* bytes, unless on_head allows more; 1 MiB */
    unsigned connections_max;       /* 4096; one more is answered 503 */
    unsigned connections_per_address; /* of one IPv4 address or IPv6 network (/64), loopback not counted; no limit */
    double head_timeout;            /* seconds for a request's head, from the connection's or its own begin; 10 */
    double idle_timeout;            /* seconds from an answer to the end of the next head, or without progress in
                                     * sending; 60 */
};

struct http_server_params {
    struct http_limits limits;
    void (*on_head)(void *user, struct http_request *r);
    void (*on_request)(void *user, struct http_request *r);
    /* Also of what on_head has not seen; method, path and id are "" when the head was not even whole. */
    void (*on_done)(void *user, struct http_request *r, const struct http_done *done);
    void *user;
    struct log *log; /* borrowed; may be NULL */
};

/* One server a loop: it uses the loop's prepare. */
int http_server_create(struct loop *loop, const struct http_server_params *params, struct http_server **ret,
                       struct error *err);
void http_server_free(struct http_server *s); /* drops every connection; accepts NULL */

/* New limits, for what begins from now on; header_max and the time of sending stay what they were. */
void http_server_set_limits(struct http_server *s, const struct http_limits *limits);

/* From now on, listeners that are not Unix sockets speak TLS (1.2 or later) with the certificate chain and the key of
 * these PEM files. Call it before http_server_listen; later calls, and changed files, replace the certificate for new
 * connections. A bad pair is E_FORMAT and changes nothing. */
int http_server_set_tls(struct http_server *s, const char *certificate, const char *key, struct error *err);

/* Takes over a listening socket. */
int http_server_listen(struct http_server *s, int fd, struct error *err);
/* Makes one: "127.0.0.1:27121", "[::1]:27121", "localhost:27121", "unix:/run/x.sock"; port 0 takes a free one. The file
 * of a Unix socket is replaced only if nobody answers on it. `reuse_port`: others may listen there too. */
int http_listen_open(const char *address, int reuse_port, int *ret_fd, struct error *err);

/* Stops listening, and lets every connection end with its next answer, which says so; one that stays idle for
 * HTTP_DRAIN_IDLE is closed. Calls `fn` once no connection is left, which may be at once. */
void http_server_drain(struct http_server *s, void (*fn)(void *user), void *user);

unsigned http_server_connections(const struct http_server *s);
/* When the certificate of http_server_set_tls ends, in seconds since 1970; NaN without TLS. */
double http_server_tls_end(const struct http_server *s);

/* -------- the request -------- */

const char *http_method(const struct http_request *r); /* "GET"; HEAD is answered as GET without a body */
const char *http_path(const struct http_request *r);   /* percent-decoded, without the query */
/* Names are compared without case; NULL when absent. Live as long as the request. */
const char *http_header(const struct http_request *r, const char *name);
/* Of several the last, which the nearest proxy has added. */
const char *http_header_last(const struct http_request *r, const char *name);
const char *http_query(const struct http_request *r, const char *name);
struct slice http_body(const struct http_request *r);   /* complete in on_request; '\0' after its end */
const char *http_peer(const struct http_request *r);    /* "127.0.0.1", "::1", "unix" */
const char *http_id(const struct http_request *r);      /* x-request-id, the client's if it was well formed */
int http_is_tls(const struct http_request *r);
struct loop *http_loop(const struct http_request *r); /* of its server */
void http_set_body_max(struct http_request *r, size_t max); /* in on_head */
/* A pointer of the owner's, for its on_done. */
void http_set_context(struct http_request *r, void *context);
void *http_context(const struct http_request *r);

/* Called once if the client goes away before the answer is complete; not after http_respond or http_stream_end. */
void http_on_gone(struct http_request *r, void (*fn)(void *user), void *user);

/* -------- the answer -------- */

/* Goes with whatever answer comes, unless that has a header of this name itself. Copied; left out without memory. */
void http_add_header(struct http_request *r, const char *name, const char *value);

/* Headers are copied; the list ends with a NULL name, or is NULL. Content-Length, Date, x-request-id and Connection are
 * added. A value with control characters is left out: nobody can smuggle a header in. */
void http_respond(struct http_request *r, int status, const struct http_header *headers, const void *body, size_t len);
/* The same with a body that lives for ever. */
void http_respond_static(struct http_request *r, int status, const struct http_header *headers, const void *body,
                         size_t len);
/* The same, taking over what is in `body`, which is empty after. */
void http_respond_buf(struct http_request *r, int status, const struct http_header *headers, struct buf *body);

void http_stream_begin(struct http_request *r, int status, const struct http_header *headers);
/* 0, E_NOMEM, or E_LIMIT when the client reads too slowly: then the request is dropped, and on_gone is called. */
int http_stream_write(struct http_request *r, const void *data, size_t len);
size_t http_stream_backlog(const struct http_request *r); /* bytes written and not yet taken by the socket */
void http_stream_end(struct http_request *r);
void http_stream_abort(struct http_request *r); /* so that the client sees that it is incomplete */

/* Answers 101 with these headers, and hands the socket over: fn gets it, non-blocking, with what has been read from
 * it already; from then on it is the caller's to watch, and to give back by http_upgrade_close. `u` is NULL when the
 * client went away before. E_NOMEM, with nothing answered. */
struct http_upgrade;
int http_upgrade(struct http_request *r, const struct http_header *headers,
                 void (*fn)(void *user, struct http_upgrade *u, int fd, const void *data, size_t len), void *user);
void http_upgrade_close(struct http_upgrade *u); /* closes the socket; before the server is freed */

#endif
