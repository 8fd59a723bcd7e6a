/* See http_server.h.
 *
 * libmicrohttpd runs without threads of its own: its epoll descriptor is one of those the loop watches. While an
 * answer is awaited its connection is suspended, and as libmicrohttpd does not look at suspended connections, the loop
 * watches the socket for a client that hangs up. */
#include "net/http_server.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HEADER_DEFAULT      32768
#define BODY_DEFAULT        (1u << 20)
#define CONNECTIONS_DEFAULT 4096
#define DISCARD_MAX         (64u << 20) /* bytes of a body over its limit that are read to be able to answer 413 */
#define STREAM_BLOCK        16384       /* bytes given to the socket at a time */

struct listener {
    struct listener *next;
    struct http_server *server;
    struct loop_watch *watch;
    int fd;
};

struct http_server {
    struct loop *loop;
    struct http_server_params params;
    struct MHD_Daemon *daemon;
    struct loop_watch *watch;
    struct listener *listeners;
    struct http_request *requests; /* all that live */
};

enum answer { ANSWER_NONE, ANSWER_WHOLE, ANSWER_STREAM };

struct http_request {
    struct http_server *server;
    struct http_request *prev, *next;
    struct MHD_Connection *conn;
    const char *method, *path;
    char peer[INET6_ADDRSTRLEN];
    char id[HTTP_REQUEST_ID_MAX + 1];
    struct buf body;
    size_t body_max, body_seen;
    double begun;
    void *context;
    void (*gone_fn)(void *user);
    void *gone_user;
    struct loop_watch *hangup;
    enum answer answer;
    struct MHD_Response *response; /* made, not yet queued */
    int status;
    struct buf out; /* of a stream */
    size_t out_taken;
    uint64_t sent;
    unsigned headed : 1, dispatched : 1, queued : 1, suspended : 1, gone : 1, ended : 1, aborted : 1, bad_path : 1;
};

/* -------- connections that wait -------- */

static void resume(struct http_request *r)
{
    if (r->suspended) {
        r->suspended = 0;
        MHD_resume_connection(r->conn);
    }
}

static void suspend(struct http_request *r)
{
    if (!r->suspended) {
        r->suspended = 1;
        MHD_suspend_connection(r->conn);
    }
}

static void tell_gone(struct http_request *r)
{
    void (*fn)(void *user) = r->gone_fn;
    r->gone = 1;
    r->gone_fn = NULL;
    if (fn)
        fn(r->gone_user);
}

static void on_hangup(void *user, uint32_t events)
{
    struct http_request *r = user;
    (void)events;
    loop_unwatch(r->hangup);
    r->hangup = NULL;
    tell_gone(r);
    resume(r);
}

static void watch_hangup(struct http_request *r)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (!r->hangup && info) /* without it, the client's absence is seen at the next write */
        (void)loop_watch(r->server->loop, info->connect_fd, EPOLLRDHUP | EPOLLET, on_hangup, r, &r->hangup, NULL);
}

/* -------- the request -------- */

static int id_is_good(const char *id)
{
    const size_t n = strlen(id);
    return n > 0 && n <= HTTP_REQUEST_ID_MAX &&
           strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:") == n;
}

static void set_id(struct http_request *r)
{
    const char *given = http_header(r, "x-request-id");
    if (given && id_is_good(given)) {
        snprintf(r->id, sizeof r->id, "%s", given);
        return;
    }
    unsigned char b[16] = {0};
    if (getrandom(b, sizeof b, GRND_NONBLOCK) != sizeof b)
        memcpy(b, &r->begun, sizeof r->begun); /* before the kernel has any: unlike others, if not secret */
    b[6] = (unsigned char)((b[6] & 0x0F) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3F) | 0x80);
    snprintf(r->id, sizeof r->id, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static void set_peer(struct http_request *r)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *sa = info ? info->client_addr : NULL;
    if (sa && sa->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)sa)->sin_addr, r->peer, sizeof r->peer);
    else if (sa && sa->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)sa)->sin6_addr, r->peer, sizeof r->peer);
    else
        snprintf(r->peer, sizeof r->peer, "unix");
}

const char *http_method(const struct http_request *r)
{
    return r->method;
}

const char *http_path(const struct http_request *r)
{
    return r->path;
}

const char *http_header(const struct http_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->conn, MHD_HEADER_KIND, name);
}

const char *http_query(const struct http_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->conn, MHD_GET_ARGUMENT_KIND, name);
}

struct slice http_body(const struct http_request *r)
{
    return r->body.ptr ? buf_slice(&r->body) : SLICE_LIT("");
}

const char *http_peer(const struct http_request *r)
{
    return r->peer;
}

const char *http_id(const struct http_request *r)
{
    return r->id;
}

int http_is_tls(const struct http_request *r)
{
    (void)r;
    return 0;
}

void http_set_body_max(struct http_request *r, size_t max)
{
    r->body_max = max;
}

void http_set_context(struct http_request *r, void *context)
{
    r->context = context;
}

void *http_context(const struct http_request *r)
{
    return r->context;
}

void http_on_gone(struct http_request *r, void (*fn)(void *user), void *user)
{
    r->gone_fn = fn;
    r->gone_user = user;
}

/* -------- the answer -------- */

static int value_is_clean(const char *v)
{
    for (; *v; v++)
        if ((unsigned char)*v < 0x20 || *v == 0x7F)
            return 0;
    return 1;
}

/* Gives the answer its headers and sends the connection on its way. `response` may be NULL: memory has run out. */
static void answer(struct http_request *r, enum answer kind, int status, const struct http_header *headers,
                   struct MHD_Response *response)
{
    if (r->answer != ANSWER_NONE || r->gone) {
        if (response)
            MHD_destroy_response(response);
        return;
    }
    r->answer = kind;
    if (kind == ANSWER_WHOLE)
        r->gone_fn = NULL;
    if (!response) {
        r->aborted = 1; /* the connection is closed without an answer */
        resume(r);
        return;
    }
    for (; headers && headers->name; headers++)
        if (value_is_clean(headers->value))
            MHD_add_response_header(response, headers->name, headers->value);
    MHD_add_response_header(response, "x-request-id", r->id);
    r->status = status;
    r->response = response;
    resume(r);
}

void http_respond(struct http_request *r, int status, const struct http_header *headers, const void *body, size_t len)
{
    r->sent = len;
    answer(r, ANSWER_WHOLE, status, headers,
           MHD_create_response_from_buffer(len, (void *)(uintptr_t)(len ? body : ""), MHD_RESPMEM_MUST_COPY));
}

void http_respond_static(struct http_request *r, int status, const struct http_header *headers, const void *body,
                         size_t len)
{
    r->sent = len;
    answer(r, ANSWER_WHOLE, status, headers,
           MHD_create_response_from_buffer(len, (void *)(uintptr_t)body, MHD_RESPMEM_PERSISTENT));
}

void http_respond_buf(struct http_request *r, int status, const struct http_header *headers, struct buf *body)
{
    struct MHD_Response *response = NULL;
    if (buf_reserve(body, 0) == 0) { /* never NULL: libmicrohttpd would not take it */
        response = MHD_create_response_from_buffer(body->len, body->ptr, MHD_RESPMEM_MUST_FREE);
        r->sent = body->len;
    }
    if (response)
        *body = (struct buf)BUF_INIT;
    else
        buf_release(body);
    answer(r, ANSWER_WHOLE, status, headers, response);
}

/* Called by libmicrohttpd when the socket can take more. */
static ssize_t read_stream(void *cls, uint64_t pos, char *to, size_t max)
{
    struct http_request *r = cls;
    size_t n = r->out.len - r->out_taken;
    (void)pos;
    if (r->gone || r->aborted)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (n == 0) {
        if (r->ended)
            return MHD_CONTENT_READER_END_OF_STREAM;
        suspend(r);
        return 0;
    }
    if (n > max)
        n = max;
    memcpy(to, r->out.ptr + r->out_taken, n);
    r->out_taken += n;
    r->sent += n;
    if (r->out_taken == r->out.len)
        r->out.len = r->out_taken = 0;
    return (ssize_t)n;
}

void http_stream_begin(struct http_request *r, int status, const struct http_header *headers)
{
    answer(r, ANSWER_STREAM, status, headers,
           MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, r, NULL));
}

int http_stream_write(struct http_request *r, const void *data, size_t len)
{
    if (r->gone || r->aborted || r->ended)
        return E_CANCELLED;
    if (len > HTTP_STREAM_BACKLOG - http_stream_backlog(r)) {
        tell_gone(r);
        resume(r);
        return E_LIMIT;
    }
    if (r->out_taken > 0 && r->out_taken >= r->out.len / 2) { /* what is gone makes room */
        memmove(r->out.ptr, r->out.ptr + r->out_taken, r->out.len - r->out_taken);
        r->out.len -= r->out_taken;
        r->out_taken = 0;
    }
    if (buf_add(&r->out, data, len))
        return E_NOMEM;
    resume(r);
    return 0;
}

size_t http_stream_backlog(const struct http_request *r)
{
    return r->out.len - r->out_taken;
}

void http_stream_end(struct http_request *r)
{
    r->ended = 1;
    r->gone_fn = NULL;
    resume(r);
}

void http_stream_abort(struct http_request *r)
{
    r->aborted = 1;
    r->gone_fn = NULL;
    resume(r);
}

/* -------- libmicrohttpd's callbacks -------- */

static void *on_uri(void *cls, const char *uri, struct MHD_Connection *conn)
{
    struct http_server *s = cls;
    struct http_request *r = calloc(1, sizeof *r);
    if (!r)
        return NULL; /* on_access gives up on it */
    r->server = s;
    r->conn = conn;
    r->begun = clock_seconds();
    r->body_max = s->params.body_max;
    r->bad_path = strstr(uri, "%00") != NULL;
    r->next = s->requests;
    if (r->next)
        r->next->prev = r;
    s->requests = r;
    return r;
}

static void refuse(struct http_request *r, int status, const char *message)
{
    char body[256];
    const int n = snprintf(body, sizeof body,
                           "{\"error\":{\"message\":\"%s\",\"type\":\"invalid_request_error\",\"param\":null,"
                           "\"code\":null}}\n", message);
    const struct http_header headers[] = {{"Content-Type", "application/json"}, {0}};
    http_respond(r, status, headers, body, (size_t)n);
}

static void take_head(struct http_request *r)
{
    const char *length = http_header(r, "content-length");
    set_id(r);
    set_peer(r);
    r->server->params.on_head(r->server->params.user, r);
    if (r->answer != ANSWER_NONE)
        return;
    if (r->bad_path || r->path[0] != '/')
        refuse(r, 400, "the path is not one");
    else if (length && strtoull(length, NULL, 10) > r->body_max)
        refuse(r, 413, "the body is larger than this route takes");
}

static enum MHD_Result queue_answer(struct http_request *r)
{
    if (!r->response || r->gone || r->aborted)
        return MHD_NO;
    const enum MHD_Result rc = MHD_queue_response(r->conn, (unsigned)r->status, r->response);
    MHD_destroy_response(r->response); /* libmicrohttpd holds it on */
    r->response = NULL;
    r->queued = 1;
    return rc;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *conn, const char *url, const char *method,
                                 const char *version, const char *data, size_t *len, void **ctx)
{
    struct http_request *r = *ctx;
    (void)cls;
    (void)conn;
    (void)version;
    if (!r)
        return MHD_NO;
    if (!r->headed) {
        r->headed = 1;
        r->method = strcmp(method, "HEAD") == 0 ? "GET" : method;
        r->path = url;
        take_head(r);
        return r->answer != ANSWER_NONE ? queue_answer(r) : MHD_YES;
    }
    if (*len) {
        r->body_seen += *len;
        if (r->body_seen <= r->body_max ? buf_add(&r->body, data, *len) != 0 : r->body_seen > DISCARD_MAX)
            return MHD_NO;
        *len = 0;
        return MHD_YES;
    }
    if (!r->dispatched) {
        r->dispatched = 1;
        if (r->body_seen > r->body_max)
            refuse(r, 413, "the body is larger than this route takes");
        else
            r->server->params.on_request(r->server->params.user, r);
        if (r->answer != ANSWER_WHOLE)
            watch_hangup(r);
    }
    if (r->answer != ANSWER_NONE || r->gone)
        return queue_answer(r);
    suspend(r);
    return MHD_YES;
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **ctx, enum MHD_RequestTerminationCode why)
{
    struct http_server *s = cls;
    struct http_request *r = *ctx;
    (void)conn;
    if (!r)
        return;
    loop_unwatch(r->hangup);
    r->hangup = NULL;
    tell_gone(r);
    if (r->headed) {
        const struct http_done done = {.status = r->queued ? r->status : 0,
                                       .aborted = why != MHD_REQUEST_TERMINATED_COMPLETED_OK,
                                       .body_bytes = r->queued ? r->sent : 0,
                                       .seconds = clock_seconds() - r->begun};
        s->params.on_done(s->params.user, r, &done);
    }
    if (r->response)
        MHD_destroy_response(r->response);
    if (r->prev)
        r->prev->next = r->next;
    else
        s->requests = r->next;
    if (r->next)
        r->next->prev = r->prev;
    buf_release(&r->body);
    buf_release(&r->out);
    free(r);
    *ctx = NULL;
}

/* -------- the server -------- */

static void on_daemon(void *user, uint32_t events)
{
    struct http_server *s = user;
    (void)events;
    MHD_run(s->daemon);
}

/* Before each wait: what became ready through resumed connections and timeouts is done now. */
static int prepare(void *user)
{
    struct http_server *s = user;
    MHD_UNSIGNED_LONG_LONG ms;
    if (MHD_get_timeout(s->daemon, &ms) != MHD_YES)
        return -1;
    if (ms == 0) {
        MHD_run(s->daemon);
        if (MHD_get_timeout(s->daemon, &ms) != MHD_YES)
            return -1;
    }
    return ms > 60000 ? 60000 : (int)ms;
}

int http_server_create(struct loop *loop, const struct http_server_params *params, struct http_server **ret,
                       struct error *err)
{
    struct http_server *s = calloc(1, sizeof *s);
    if (!s)
        return error_nomem(err);
    s->loop = loop;
    s->params = *params;
    if (!s->params.header_max)
        s->params.header_max = HEADER_DEFAULT;
    if (!s->params.body_max)
        s->params.body_max = BODY_DEFAULT;
    if (!s->params.connections_max)
        s->params.connections_max = CONNECTIONS_DEFAULT;
    s->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
                                 on_access, s, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
                                 MHD_OPTION_URI_LOG_CALLBACK, on_uri, s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                 s->params.header_max, MHD_OPTION_CONNECTION_LIMIT, s->params.connections_max,
                                 MHD_OPTION_CONNECTION_TIMEOUT, 60u, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
                                 MHD_OPTION_END);
    const union MHD_DaemonInfo *info = s->daemon ? MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info) {
        http_server_free(s);
        return error_set(err, E_IO, "cannot start the HTTP server");
    }
    const int rc = loop_watch(loop, info->epoll_fd, EPOLLIN, on_daemon, s, &s->watch, err);
    if (rc) {
        http_server_free(s);
        return rc;
    }
    loop_set_prepare(loop, prepare, s);
    *ret = s;
    return 0;
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    while (s->listeners) {
        struct listener *l = s->listeners;
        s->listeners = l->next;
        loop_unwatch(l->watch);
        close(l->fd);
        free(l);
    }
    loop_set_prepare(s->loop, NULL, NULL);
    loop_unwatch(s->watch);
    for (struct http_request *r = s->requests; r; r = r->next) {
        tell_gone(r);
        resume(r); /* libmicrohttpd must not be stopped with suspended connections */
    }
    if (s->daemon)
        MHD_stop_daemon(s->daemon);
    free(s);
}

static void on_connection(void *user, uint32_t events)
{
    struct listener *l = user;
    struct sockaddr_storage address;
    const int one = 1;
    (void)events;
    for (int i = 0; i < 64; i++) { /* the others are due as well */
        socklen_t n = sizeof address;
        const int fd = accept4(l->fd, (struct sockaddr *)&address, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return;
        if (address.ss_family != AF_UNIX)
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        MHD_add_connection(l->server->daemon, fd, (struct sockaddr *)&address, n); /* closes it if it cannot */
    }
}

int http_server_listen(struct http_server *s, int fd, struct error *err)
{
    struct listener *l = calloc(1, sizeof *l);
    if (!l)
        return error_nomem(err);
    *l = (struct listener){.next = s->listeners, .server = s, .fd = fd};
    const int rc = loop_watch(s->loop, fd, EPOLLIN, on_connection, l, &l->watch, err);
    if (rc) {
        free(l);
        return rc;
    }
    s->listeners = l;
    return 0;
}

/* "127.0.0.1:80" and "[::1]:80" taken apart. */
static int parse_address(const char *address, struct sockaddr_storage *ret, socklen_t *ret_len)
{
    char host[INET6_ADDRSTRLEN + 2];
    const char *colon = strrchr(address, ':');
    char *end;
    if (!colon || colon == address || (size_t)(colon - address) >= sizeof host)
        return -1;
    const unsigned long port = strtoul(colon + 1, &end, 10);
    if (colon[1] < '0' || colon[1] > '9' || *end || port > 65535)
        return -1;
    memset(ret, 0, sizeof *ret);
    const size_t n = (size_t)(colon - address);
    if (address[0] == '[' && address[n - 1] == ']') {
        struct sockaddr_in6 *a = (struct sockaddr_in6 *)ret;
        snprintf(host, sizeof host, "%.*s", (int)n - 2, address + 1);
        *ret_len = sizeof *a;
        a->sin6_family = AF_INET6;
        a->sin6_port = htons((uint16_t)port);
        return inet_pton(AF_INET6, host, &a->sin6_addr) == 1 ? 0 : -1;
    }
    struct sockaddr_in *a = (struct sockaddr_in *)ret;
    snprintf(host, sizeof host, "%.*s", (int)n, address);
    *ret_len = sizeof *a;
    a->sin_family = AF_INET;
    a->sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, host, &a->sin_addr) == 1 ? 0 : -1;
}

int http_listen_open(const char *address, int *ret_fd, struct error *err)
{
    struct sockaddr_storage sa;
    socklen_t n;
    const int one = 1;
    if (strncmp(address, "unix:", 5) == 0) {
        struct sockaddr_un *u = (struct sockaddr_un *)&sa;
        memset(&sa, 0, sizeof sa);
        u->sun_family = AF_UNIX;
        if (strlen(address + 5) >= sizeof u->sun_path || !address[5])
            return error_set(err, E_ARG, "\"%s\": expected unix: and a path of at most %zu bytes", address,
                             sizeof u->sun_path - 1);
        memcpy(u->sun_path, address + 5, strlen(address + 5) + 1);
        n = sizeof *u;
        unlink(u->sun_path); /* of a process that is gone */
    } else if (parse_address(address, &sa, &n)) {
        return error_set(err, E_ARG, "\"%s\": expected an address and a port, \"127.0.0.1:27121\" or \"[::1]:27121\", "
                                     "or \"unix:/path\"", address);
    }
    const int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_errno(err, errno, "cannot make a socket for %s", address);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&sa, n) || listen(fd, SOMAXCONN)) {
        const int rc = error_errno(err, errno, "cannot listen on %s", address);
        close(fd);
        return rc;
    }
    *ret_fd = fd;
    return 0;
}
