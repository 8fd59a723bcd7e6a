/* What the files of the HTTP server share; for http_*.c alone.
 *
 * A connection belongs to libmicrohttpd; `struct http_conn` is what is known of it here, from the accept to the close,
 * with the one request that it has at a time. While an answer is awaited libmicrohttpd is told not to look at the
 * connection (it is suspended), so the loop itself watches every socket for a client that hangs up. */
#ifndef ISHOW_NET_HTTP_SERVER_PARTS_H
#define ISHOW_NET_HTTP_SERVER_PARTS_H

#include "net/http_server.h"
#include "net/http_tls.h"

#include <microhttpd.h>

#define HTTP_ADDRESS_BUCKETS 1024
#define HTTP_DISCARD_MAX     (64u << 20) /* bytes of a refused body that are read so that its client reads the answer */
#define HTTP_DISCARD_KEEP    65536       /* bytes of one that are read to keep the connection */

enum http_answer { ANSWER_NONE, ANSWER_WHOLE, ANSWER_STREAM };

struct http_request {
    struct http_conn *conn;
    const char *method, *path, *host; /* host: of an absolute target; else NULL */
    const char *raw;                  /* the target while it is being taken apart */
    const char *trouble;              /* with the target: it will be answered with 400 */
    char id[HTTP_REQUEST_ID_MAX + 1];
    struct buf body;
    size_t body_max, body_seen, body_step; /* body_step: what was seen when the deadline was set */
    double begun, body_moved;
    void *context;
    void (*gone_fn)(void *user);
    void *gone_user;
    enum http_answer answer;
    struct MHD_Response *response; /* made, not yet queued */
    int status;
    struct buf added; /* of http_add_header: name, value, name, …, each with its '\0' */
    struct buf out;   /* of a stream */
    size_t out_taken;
    uint64_t sent;
    unsigned live : 1;       /* libmicrohttpd knows of it */
    unsigned headed : 1;     /* on_head has seen it */
    unsigned dispatched : 1; /* and on_request */
    unsigned chunked : 1, head_only : 1, queued : 1, suspended : 1, gone : 1, ended : 1, aborted : 1;
};

/* One of libmicrohttpd's servers: the plain one, or the one behind TLS. */
struct http_daemon {
    struct http_server *server;
    struct MHD_Daemon *mhd; /* NULL: not needed so far */
    struct loop_watch *watch;
    int tls;
};

struct http_conn {
    struct http_daemon *daemon;
    struct http_conn *prev, *next;
    struct http_conn *same_prev, *same_next; /* of the bucket of its address */
    struct http_conn *half_next;
    unsigned char address[16]; /* what is counted: an IPv4 address, an IPv6 network */
    struct MHD_Connection *mhd;
    struct loop_watch *hangup;
    struct tls_pair *pair; /* of a TLS connection: what its handshake used */
    int fd;
    double deadline;   /* clock_seconds(); 0: none */
    double idle_since; /* 0: a request is live */
    char peer[HTTP_PEER_MAX];
    struct http_request request;
    unsigned counted : 1, half_closed : 1, linger : 1;
    unsigned spoke : 1; /* a request has begun on it */
};

struct http_listener;
struct http_lingerer;

struct http_server {
    struct loop *loop;
    struct http_server_params params;
    struct http_daemon plain, tls;
    struct tls_files *tls_files;
    struct http_listener *listeners;
    struct http_conn *conns, *half_closed, *accepting;
    struct http_conn *by_address[HTTP_ADDRESS_BUCKETS];
    struct http_lingerer *lingerers;
    struct loop_timer tick, unpause;
    void (*drained_fn)(void *user);
    void *drained_user;
    double refusal_told; /* when the log last heard of a refused connection */
    size_t bodies;       /* bytes of all requests' bodies */
    unsigned conn_count, linger_count;
    unsigned conn_peak; /* the most there were since memory was given back */
    unsigned calm_rounds; /* of libmicrohttpd wanting to go on, without anything happening */
    int reserve;          /* a descriptor to give away when there are no others; -1: gone */
    unsigned draining : 1, resumed : 1;
    unsigned lost : 1; /* it goes round for nothing, and is let do so a thousand times a second at most */
};

/* -------- http_conn.c: connections, their number and their time -------- */

/* libmicrohttpd's callback, and what is called on a listener's event. */
void conn_notify(void *cls, struct MHD_Connection *mhd, void **socket_context,
                 enum MHD_ConnectionNotificationCode code);
void conn_accept(struct http_daemon *d, int fd, const void *address, size_t len);
void conn_drop(struct http_conn *c); /* libmicrohttpd will see a dead socket, and close it */
/* After each round of libmicrohttpd: those that are half closed and have nothing left to say. */
void conn_check_half_closed(struct http_server *s);
void conn_check_spinning(struct http_server *s); /* see http_server.c */
void conn_start_tick(struct http_server *s);
/* Reads what the client of a socket that is about to be closed still sends, for a while: with unread bytes the close
 * would take the answer from it. */
void conn_linger(struct http_server *s, int fd);
void conn_free_lingerers(struct http_server *s);

/* -------- http_listen.c -------- */

void listen_stop(struct http_server *s, int take_queued);
/* Says 503 to a socket that cannot become a connection, and closes it. */
void listen_refuse(struct http_server *s, int fd, int tls, const char *why);

/* -------- http_request.c: what comes -------- */

void *request_begin(struct http_conn *c, const char *uri);
size_t request_unescape(void *cls, struct MHD_Connection *mhd, char *s);
enum MHD_Result request_access(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
                               const char *version, const char *data, size_t *len, void **ctx);
void request_end(struct http_request *r, int aborted);
void request_tell_gone(struct http_request *r);

/* -------- http_answer.c: what goes -------- */

/* An error in OpenAI's envelope, from here. */
void answer_error(struct http_request *r, int status, const char *message);
enum MHD_Result answer_queue(struct http_request *r); /* within libmicrohttpd's callback */
void answer_suspend(struct http_request *r);
void answer_upgrade(struct http_request *r, const struct http_header *headers, struct MHD_Response *response);
void answer_resume(struct http_request *r);

static inline struct http_server *request_server(const struct http_request *r)
{
    return r->conn->daemon->server;
}

#endif
