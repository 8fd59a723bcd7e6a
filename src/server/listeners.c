/* See listeners.h. */
#include "server/listeners.h"

#include "net/http_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void listeners_describe(int fd, char ret[LISTENERS_TEXT_MAX])
{
    struct sockaddr_storage to = {0};
    const struct sockaddr_un *u = (const struct sockaddr_un *)&to;
    socklen_t len = sizeof to;
    char host[INET6_ADDRSTRLEN + IF_NAMESIZE], port[8];
    snprintf(ret, LISTENERS_TEXT_MAX, "unix:");
    if (getsockname(fd, (struct sockaddr *)&to, &len))
        return;
    if (to.ss_family == AF_UNIX)
        snprintf(ret, LISTENERS_TEXT_MAX, "unix:%s", u->sun_path);
    else if (getnameinfo((struct sockaddr *)&to, len, host, sizeof host, port, sizeof port,
                         NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        snprintf(ret, LISTENERS_TEXT_MAX, to.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static int is_listening_stream(int fd)
{
    int type = 0, listens = 0;
    socklen_t n = sizeof type, m = sizeof listens;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_STREAM &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &m) == 0 && listens;
}

static int add(struct listeners *l, int fd, const char *name, struct error *err)
{
    if (l->count == LISTENERS_MAX)
        return error_set(err, E_LIMIT, "more than %d addresses to listen on", LISTENERS_MAX);
    char text[LISTENERS_TEXT_MAX];
    if (!name)
        listeners_describe(fd, text);
    char *own = strdup(name ? name : text);
    if (!own)
        return error_nomem(err);
    l->fd[l->count] = fd;
    l->name[l->count++] = own;
    return 0;
}

/* How many descriptors this process has been given; 0: none, or they are for another one. */
static int count_given(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    if (!pid || !count || strtol(pid, NULL, 10) != getpid())
        return 0;
    const long n = strtol(count, NULL, 10);
    return n > 0 && n <= LISTENERS_MAX ? (int)n : 0;
}

static int take_activated(struct listeners *l, int given, struct error *err)
{
    for (int fd = LISTENERS_FIRST_FD; fd < LISTENERS_FIRST_FD + given; fd++) {
        if (!is_listening_stream(fd))
            return error_set(err, E_IO, "descriptor %d was handed over to listen on, and is no listening stream", fd);
        const int rc = add(l, fd, NULL, err);
        if (rc)
            return rc;
    }
    l->activated = 1;
    return 0;
}

/* The descriptor that the process before this one had for an address; -1: it had none. Each is found once. */
static int find_handed_over(const char *names, int given, unsigned char *taken, const char *address)
{
    const char *line = names;
    for (int i = 0; i < given && *line; i++) {
        const size_t n = strcspn(line, "\n");
        if (!taken[i] && strlen(address) == n && memcmp(line, address, n) == 0) {
            taken[i] = 1;
            return LISTENERS_FIRST_FD + i;
        }
        line += n + (line[n] == '\n');
    }
    return -1;
}

int listeners_open(struct listeners *l, const struct config *c, struct error *err)
{
    const int given = count_given();
    const char *names = getenv(LISTENERS_NAMES);
    unsigned char taken[LISTENERS_MAX] = {0};
    int rc = 0;
    *l = (struct listeners){.count = 0};
    for (int i = 0; i < given; i++)
        (void)fcntl(LISTENERS_FIRST_FD + i, F_SETFD, FD_CLOEXEC);
    if (given && !names) {
        rc = take_activated(l, given, err);
    } else {
        for (size_t i = 0; i < c->server.bind.count && !rc; i++) {
            const char *address = c->server.bind.items[i];
            int fd = given ? find_handed_over(names, given, taken, address) : -1;
            if (fd < 0)
                rc = http_listen_open(address, c->server.reuse_port, &fd, err);
            if (!rc && (rc = add(l, fd, address, err)))
                close(fd);
        }
        for (int i = 0; i < given; i++)
            if (!taken[i])
                close(LISTENERS_FIRST_FD + i);
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    unsetenv(LISTENERS_NAMES);
    if (rc) {
        for (size_t i = 0; i < l->count; i++)
            close(l->fd[i]);
        listeners_release(l);
    }
    return rc;
}

void listeners_release(struct listeners *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->name[i]);
    l->count = 0;
}

struct config_texts listeners_addresses(const struct listeners *l)
{
    return (struct config_texts){.items = (const char *const *)l->name, .count = l->count};
}
