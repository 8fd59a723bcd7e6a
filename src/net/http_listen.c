/* Listening sockets: made, watched, paused while there are no descriptors, closed. */
#include "net/http_server_parts.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ACCEPTS_PER_EVENT 64   /* the others are due as well */
#define PAUSE             0.1  /* seconds without accepting when the system has nothing to give */
#define TELL_EVERY        10.0 /* seconds between lines in the log about refused connections */

struct http_listener {
    struct http_listener *next;
    struct http_daemon *daemon;
    struct loop_watch *watch;
    int fd;
};

void listen_refuse(struct http_server *s, int fd, int tls, const char *why)
{
    const double now = clock_seconds();
    if (now - s->refusal_told >= TELL_EVERY) {
        s->refusal_told = now;
        log_event(s->params.log, LOG_WARN, "connection refused", log_str("reason", why),
                  log_int("connections", s->conn_count));
    }
    if (!tls) {
        char text[512], body[256];
        const int len =
            snprintf(body, sizeof body,
                     "{\"error\":{\"message\":\"%s\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n", why);
        const int n = snprintf(text, sizeof text,
                               "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
                               "Content-Length: %d\r\nRetry-After: 1\r\nConnection: close\r\n\r\n%s",
                               len, body);
        send(fd, text, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
        conn_linger(s, fd);
    }
    close(fd);
}

static void unpause(void *user)
{
    struct http_server *s = user;
    for (struct http_listener *l = s->listeners; l; l = l->next)
        loop_watch_change(l->watch, EPOLLIN, NULL);
}

/* A connection that there is no descriptor for would wake the loop again and again. One is kept for this case: to take
 * the connection with, and refuse it. */
static void refuse_without_descriptor(struct http_listener *l)
{
    struct http_server *s = l->daemon->server;
    if (s->reserve >= 0) {
        close(s->reserve);
        const int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0)
            listen_refuse(s, fd, l->daemon->tls, "there are too many open files");
    }
    s->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (s->reserve >= 0)
        return;
    for (struct http_listener *other = s->listeners; other; other = other->next)
        loop_watch_change(other->watch, 0, NULL);
    loop_timer_start(s->loop, &s->unpause, PAUSE, unpause, s);
}

/* Accepts who is in the queue, `most` of them. */
static void accept_queued(struct http_listener *l, int most)
{
    struct sockaddr_storage address;
    for (int i = 0; i < most; i++) {
        socklen_t n = sizeof address;
        address.ss_family = AF_UNIX; /* which gives no address */
        const int fd = accept4(l->fd, (struct sockaddr *)&address, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            conn_accept(l->daemon, fd, &address, n);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            refuse_without_descriptor(l);
        if (errno != ECONNABORTED && errno != EINTR)
            return;
    }
}

static void on_connection(void *user, uint32_t events)
{
    (void)events;
    accept_queued(user, ACCEPTS_PER_EVENT);
}

int http_server_listen(struct http_server *s, int fd, struct error *err)
{
    struct sockaddr_storage sa = {0};
    socklen_t n = sizeof sa;
    struct http_listener *l = calloc(1, sizeof *l);
    if (!l)
        return error_nomem(err);
    int rc = 0;
    if (getsockname(fd, (struct sockaddr *)&sa, &n) || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        rc = error_errno(err, errno, "cannot listen on a descriptor");
    *l = (struct http_listener){
        .next = s->listeners, .daemon = s->tls.mhd && sa.ss_family != AF_UNIX ? &s->tls : &s->plain, .fd = fd};
    if (!rc)
        rc = loop_watch(s->loop, fd, EPOLLIN, on_connection, l, &l->watch, err);
    if (rc) {
        free(l);
        return rc;
    }
    s->listeners = l;
    return 0;
}

void listen_stop(struct http_server *s, int take_queued)
{
    loop_timer_stop(&s->unpause);
    while (s->listeners) {
        struct http_listener *l = s->listeners;
        if (take_queued) /* the close would refuse them */
            accept_queued(l, SOMAXCONN);
        s->listeners = l->next;
        loop_unwatch(l->watch);
        close(l->fd);
        free(l);
    }
}

/* -------- addresses -------- */

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
    return inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &a->sin_addr) == 1 ? 0 : -1;
}

/* Removes the socket that a dead process has left at this path. */
static int remove_stale(const struct sockaddr_un *u, struct error *err)
{
    struct stat st;
    if (lstat(u->sun_path, &st))
        return 0; /* bind says what is wrong, if anything is */
    if (!S_ISSOCK(st.st_mode))
        return error_set(err, E_IO, "%s is there, and no socket: it is left alone", u->sun_path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_errno(err, errno, "cannot make a socket for %s", u->sun_path);
    const int refused = connect(fd, (const struct sockaddr *)u, sizeof *u) < 0 && errno == ECONNREFUSED;
    close(fd);
    if (!refused)
        return error_set(err, E_IO, "%s: somebody listens there already", u->sun_path);
    if (unlink(u->sun_path) && errno != ENOENT)
        return error_errno(err, errno, "cannot remove %s", u->sun_path);
    return 0;
}

int http_listen_open(const char *address, int reuse_port, int *ret_fd, struct error *err)
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
        const int rc = remove_stale(u, err);
        if (rc)
            return rc;
    } else if (parse_address(address, &sa, &n)) {
        return error_set(err, E_ARG,
                         "\"%s\": expected an address and a port, \"127.0.0.1:27121\" or \"[::1]:27121\", "
                         "or \"unix:/path\"",
                         address);
    }
    const int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_errno(err, errno, "cannot make a socket for %s", address);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if ((reuse_port && sa.ss_family != AF_UNIX && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one)) ||
        bind(fd, (struct sockaddr *)&sa, n) || listen(fd, SOMAXCONN)) {
        const int rc = error_errno(err, errno, "cannot listen on %s", address);
        close(fd);
        return rc;
    }
    *ret_fd = fd;
    return 0;
}
