/* Connections of the HTTP server: how many, from where, for how long, and how they end.
 *
 * One timer goes over all of them every TICK: with some thousands that costs less than keeping them in order. A client
 * that hangs up is seen at once, by an edge-triggered watch of its own on each socket. */
#include "net/http_server_parts.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TICK           0.25 /* seconds between looks at deadlines */
#define LINGERERS_MAX  64
#define LINGER_SECONDS 5.0
#define SPIN_PATIENCE  0.2 /* seconds that a body may stand where libmicrohttpd loses its way */
#define HANDSHAKE_SPIN 1.0 /* the same for a handshake */
#define CROWD          256 /* connections */

/* -------- those that may not be closed yet: their client is still sending, and would lose the answer -------- */

struct http_lingerer {
    struct http_lingerer *next;
    struct http_server *server;
    struct loop_watch *watch;
    int fd;
    size_t seen;
    double until;
};

static void free_lingerer(struct http_lingerer *l)
{
    struct http_server *s = l->server;
    struct http_lingerer **at = &s->lingerers;
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    s->linger_count--;
    loop_unwatch(l->watch);
    close(l->fd);
    free(l);
}

static void on_linger(void *user, uint32_t events)
{
    struct http_lingerer *l = user;
    char sink[16384];
    (void)events;
    for (int i = 0; i < 16; i++) {
        const ssize_t n = recv(l->fd, sink, sizeof sink, MSG_DONTWAIT);
        if (n > 0 && (l->seen += (size_t)n) <= HTTP_DISCARD_MAX)
            continue;
        if (n >= 0 || (errno != EAGAIN && errno != EINTR))
            free_lingerer(l);
        return;
    }
}

void conn_linger(struct http_server *s, int fd)
{
    struct http_lingerer *l = s->linger_count < LINGERERS_MAX ? calloc(1, sizeof *l) : NULL;
    if (!l)
        return;
    *l = (struct http_lingerer){.server = s, .until = clock_seconds() + LINGER_SECONDS};
    l->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (l->fd < 0 || loop_watch(s->loop, l->fd, EPOLLIN, on_linger, l, &l->watch, NULL)) {
        if (l->fd >= 0)
            close(l->fd);
        free(l);
        return;
    }
    shutdown(l->fd, SHUT_WR); /* under TLS libmicrohttpd leaves that to the close */
    l->next = s->lingerers;
    s->lingerers = l;
    s->linger_count++;
    conn_start_tick(s);
}

void conn_free_lingerers(struct http_server *s)
{
    while (s->lingerers)
        free_lingerer(s->lingerers);
}

/* -------- addresses -------- */

static unsigned bucket_of(const unsigned char address[16])
{
    unsigned h = 2166136261u; /* FNV-1a */
    for (int i = 0; i < 16; i++)
        h = (h ^ address[i]) * 16777619u;
    return (h ^ h >> 16) % HTTP_ADDRESS_BUCKETS;
}

static int is_local(const unsigned char v4[4])
{
    return v4[0] == 127;
}

/* Fills in peer and what is counted. */
static void set_address(struct http_conn *c, const struct sockaddr *sa)
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    static const unsigned char loopback6[16] = {[15] = 1};
    const unsigned char *v4 = NULL;
    snprintf(c->peer, sizeof c->peer, "unix");
    if (sa->sa_family == AF_INET) {
        v4 = (const unsigned char *)&((const struct sockaddr_in *)sa)->sin_addr;
    } else if (sa->sa_family == AF_INET6) {
        const unsigned char *v6 = (const unsigned char *)&((const struct sockaddr_in6 *)sa)->sin6_addr;
        if (memcmp(v6, mapped, sizeof mapped) == 0) {
            v4 = v6 + 12;
        } else {
            inet_ntop(AF_INET6, v6, c->peer, sizeof c->peer);
            memcpy(c->address, v6, 8); /* whoever has one address has all of its network */
            c->counted = memcmp(v6, loopback6, 16) != 0;
        }
    }
    if (v4) {
        inet_ntop(AF_INET, v4, c->peer, sizeof c->peer);
        memcpy(c->address, mapped, sizeof mapped);
        memcpy(c->address + 12, v4, 4);
        c->counted = !is_local(v4);
    }
}

static int address_is_full(const struct http_server *s, const struct http_conn *c)
{
    const unsigned limit = s->params.limits.connections_per_address;
    unsigned n = 0;
    if (!c->counted || !limit)
        return 0;
    for (const struct http_conn *o = s->by_address[bucket_of(c->address)]; o; o = o->same_next)
        n += memcmp(o->address, c->address, sizeof c->address) == 0;
    return n >= limit;
}

/* -------- a connection's life -------- */

void conn_drop(struct http_conn *c)
{
    shutdown(c->fd, SHUT_RDWR);
    if (c->request.live)
        answer_resume(&c->request);
}

static void on_hangup(void *user, uint32_t events)
{
    struct http_conn *c = user;
    struct http_request *r = &c->request;
    struct http_server *s = c->daemon->server;
    (void)events;
    if (!c->half_closed) {
        c->half_closed = 1;
        c->half_next = s->half_closed;
        s->half_closed = c;
    }
    if (!r->live || !r->dispatched)
        return; /* it may have said what it wanted before */
    if (r->answer == ANSWER_NONE || (r->answer == ANSWER_STREAM && !r->ended)) {
        request_tell_gone(r);
        conn_drop(c);
    }
}

static void link_conn(struct http_conn *c)
{
    struct http_server *s = c->daemon->server;
    c->next = s->conns;
    if (c->next)
        c->next->prev = c;
    s->conns = c;
    s->conn_count++;
    if (s->conn_count > s->conn_peak)
        s->conn_peak = s->conn_count;
    if (!c->counted)
        return;
    struct http_conn **bucket = &s->by_address[bucket_of(c->address)];
    c->same_next = *bucket;
    if (c->same_next)
        c->same_next->same_prev = c;
    *bucket = c;
}

static void unlink_conn(struct http_conn *c)
{
    struct http_server *s = c->daemon->server;
    *(c->prev ? &c->prev->next : &s->conns) = c->next;
    if (c->next)
        c->next->prev = c->prev;
    s->conn_count--;
    if (c->counted) {
        *(c->same_prev ? &c->same_prev->same_next : &s->by_address[bucket_of(c->address)]) = c->same_next;
        if (c->same_next)
            c->same_next->same_prev = c->same_prev;
    }
    if (c->half_closed) {
        struct http_conn **at = &s->half_closed;
        while (*at != c)
            at = &(*at)->half_next;
        *at = c->half_next;
    }
}

void conn_accept(struct http_daemon *d, int fd, const void *address, size_t len)
{
    struct http_server *s = d->server;
    const struct sockaddr *sa = address;
    const int one = 1;
    struct http_conn *c = calloc(1, sizeof *c);
    if (!c) {
        close(fd);
        return;
    }
    c->daemon = d;
    c->fd = fd;
    c->request.conn = c;
    set_address(c, sa);
    if (s->conn_count >= s->params.limits.connections_max || address_is_full(s, c)) {
        listen_refuse(s, fd, d->tls,
                      s->conn_count >= s->params.limits.connections_max
                          ? "there are too many connections"
                          : "there are too many connections from this address");
        free(c);
        return;
    }
    if (sa->sa_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->idle_since = clock_seconds();
    c->deadline = c->idle_since + s->params.limits.head_timeout;
    s->accepting = c;
    MHD_add_connection(d->mhd, fd, sa, (socklen_t)len); /* closes it if it cannot */
    if (s->accepting == c)
        free(c);
    s->accepting = NULL;
}

/* What is in the socket and nobody will read. */
static int has_unread(int fd)
{
    int n = 0;
    return ioctl(fd, FIONREAD, &n) == 0 && n > 0;
}

void conn_notify(void *cls, struct MHD_Connection *mhd, void **socket_context, enum MHD_ConnectionNotificationCode code)
{
    struct http_daemon *d = cls;
    struct http_server *s = d->server;
    s->calm_rounds = 0;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        struct http_conn *c = s->accepting;
        s->accepting = NULL;
        *socket_context = c;
        c->mhd = mhd;
        link_conn(c);
        /* without it, the client's absence is seen at the next write */
        (void)loop_watch(s->loop, c->fd, EPOLLRDHUP | EPOLLET, on_hangup, c, &c->hangup, NULL);
        conn_start_tick(s);
        return;
    }
    struct http_conn *c = *socket_context;
    request_end(&c->request, 1); /* libmicrohttpd tells of its end in all cases but one */
    loop_unwatch(c->hangup);
    if (c->linger || (!c->half_closed && has_unread(c->fd)))
        conn_linger(s, c->fd);
    tls_pair_unref(c->pair);
    unlink_conn(c);
    free(c);
    *socket_context = NULL;
}

void conn_check_half_closed(struct http_server *s)
{
    char byte;
    for (struct http_conn *c = s->half_closed; c; c = c->half_next)
        if (!(c->request.live && c->request.dispatched) && recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
            conn_drop(c); /* all it said has been read, and is no request */
}

/* libmicrohttpd goes round and round when a chunk's size does not fit its buffer (it looks at such a connection for
 * ever, but does not read from it), and when it has half of a TLS handshake. Who stays in one of these has to go. */
void conn_check_spinning(struct http_server *s)
{
    const double now = clock_seconds();
    for (struct http_conn *c = s->conns; c; c = c->next) {
        const struct http_request *r = &c->request;
        const int in_chunks = r->live && r->headed && r->chunked && !r->dispatched && !r->queued;
        const int in_handshake = c->daemon->tls && !c->spoke;
        if ((in_chunks && (has_unread(c->fd) || now - r->body_moved > SPIN_PATIENCE)) ||
            (in_handshake && now - c->idle_since > HANDSHAKE_SPIN))
            conn_drop(c);
    }
}

/* -------- time -------- */

/* What a crowd had, malloc would keep: some 30 KB a connection, between what still lives. */
static void give_memory_back(struct http_server *s)
{
    if (s->conn_peak < CROWD || s->conn_count > s->conn_peak / 4)
        return;
    s->conn_peak = s->conn_count;
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

static void on_tick(void *user)
{
    struct http_server *s = user;
    const double now = clock_seconds();
    for (struct http_conn *c = s->conns; c; c = c->next)
        if ((c->deadline > 0 && now >= c->deadline) ||
            (s->draining && c->idle_since > 0 && now - c->idle_since >= HTTP_DRAIN_IDLE && !has_unread(c->fd)))
            conn_drop(c);
    for (struct http_lingerer *l = s->lingerers, *next; l; l = next) {
        next = l->next;
        if (now >= l->until)
            free_lingerer(l);
    }
    /* some that are closed libmicrohttpd lets go in its next round only, and nothing else brings one */
    s->resumed |= s->draining;
    give_memory_back(s);
    if (s->conns || s->lingerers)
        loop_timer_start(s->loop, &s->tick, TICK, on_tick, s);
}

void conn_start_tick(struct http_server *s)
{
    if (!s->tick.loop)
        loop_timer_start(s->loop, &s->tick, TICK, on_tick, s);
}
