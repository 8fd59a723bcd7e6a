/* See http_server.h: a connection that leaves HTTP for another protocol. libmicrohttpd sends the 101 and hands over the
 * socket (behind TLS one end of a pair, whose other end it serves), until it is told that it may close it. */
#include "net/http_server_parts.h"

#include <fcntl.h>
#include <stdlib.h>

struct http_upgrade {
    struct http_conn *conn;
    struct MHD_UpgradeResponseHandle *handle; /* NULL: not handed over so far */
    void (*fn)(void *user, struct http_upgrade *u, int fd, const void *data, size_t len);
    void *user;
};

static void on_upgraded(void *cls, struct MHD_Connection *mhd, void *request, const char *data, size_t len,
                        MHD_socket fd, struct MHD_UpgradeResponseHandle *handle)
{
    struct http_upgrade *u = cls;
    (void)mhd;
    (void)request;
    u->handle = handle;
    loop_unwatch(u->conn->hangup); /* whoever has the socket now watches it */
    u->conn->hangup = NULL;
    u->conn->deadline = 0;
    u->conn->request.gone_fn = NULL;
    const int flags = fcntl(fd, F_GETFL);
    if (flags >= 0)
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    u->fn(u->user, u, fd, data, len);
}

static void on_gone(void *user)
{
    struct http_upgrade *u = user;
    u->fn(u->user, NULL, -1, NULL, 0);
    free(u);
}

int http_upgrade(struct http_request *r, const struct http_header *headers,
                 void (*fn)(void *user, struct http_upgrade *u, int fd, const void *data, size_t len), void *user)
{
    struct http_upgrade *u = malloc(sizeof *u);
    if (!u)
        return E_NOMEM;
    *u = (struct http_upgrade){.conn = r->conn, .fn = fn, .user = user};
    struct MHD_Response *response = MHD_create_response_for_upgrade(on_upgraded, u);
    if (!response) {
        free(u);
        return E_NOMEM;
    }
    http_on_gone(r, on_gone, u);
    answer_upgrade(r, headers, response);
    return 0;
}

void http_upgrade_close(struct http_upgrade *u)
{
    struct http_server *s = u->conn->daemon->server;
    MHD_upgrade_action(u->handle, MHD_UPGRADE_ACTION_CLOSE);
    s->resumed = 1; /* so that it is closed now */
    free(u);
}
