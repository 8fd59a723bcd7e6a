/* A websocket from a client of ours: the handshake of RFC 6455 section 4.2, then frames on the socket that the HTTP
 * server hands over. What waits to be sent is a list of frames, which many peers may share. */
#include "net/websocket_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define READ_BLOCK 16384
#define WRITE_MANY 16 /* frames given to the socket at once */

struct waiting {
    struct waiting *next;
    struct ws_frame *frame; /* a reference */
};

struct server_side {
    struct websocket *ws;
    struct loop *loop;
    struct http_upgrade *upgrade;
    struct loop_watch *watch;
    int fd, wants_out;
    struct waiting *first, **end;
    size_t taken;   /* bytes of the first that are out */
    size_t waiting; /* bytes of all that are not */
};

/* -------- out -------- */

static void drop_first(struct server_side *c)
{
    struct waiting *w = c->first;
    c->first = w->next;
    if (!c->first)
        c->end = &c->first;
    c->taken = 0;
    ws_frame_unref(w->frame);
    free(w);
}

/* A broken socket is found out by reading. */
static void flush(struct server_side *c)
{
    while (c->first) {
        struct iovec v[WRITE_MANY];
        int n = 0;
        for (const struct waiting *w = c->first; w && n < WRITE_MANY; w = w->next, n++) {
            const size_t skip = n ? 0 : c->taken;
            v[n] = (struct iovec){w->frame->bytes + skip, w->frame->len - skip};
        }
        const struct msghdr message = {.msg_iov = v, .msg_iovlen = (size_t)n};
        const ssize_t sent = sendmsg(c->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0)
            break;
        c->waiting -= (size_t)sent;
        c->taken += (size_t)sent;
        while (c->first && c->taken >= c->first->frame->len) {
            const size_t over = c->taken - c->first->frame->len;
            drop_first(c);
            c->taken = over;
        }
    }
    if (c->watch && c->wants_out != (c->first != NULL)) {
        c->wants_out = !c->wants_out;
        (void)loop_watch_change(c->watch, EPOLLIN | EPOLLRDHUP | (c->wants_out ? EPOLLOUT : 0), NULL);
    }
}

static int send_frame(void *carrier, struct ws_frame *f)
{
    struct server_side *c = carrier;
    struct waiting *w = malloc(sizeof *w);
    if (!w)
        return E_NOMEM;
    *w = (struct waiting){.frame = f};
    f->refs++;
    *c->end = w;
    c->end = &w->next;
    c->waiting += f->len;
    flush(c);
    return 0;
}

/* Bytes that are a whole frame already. */
static int send_bytes(void *carrier, const void *data, size_t len)
{
    struct ws_frame *f = malloc(sizeof *f + len);
    if (!f)
        return E_NOMEM;
    *f = (struct ws_frame){.refs = 1, .len = len};
    memcpy(f->bytes, data, len);
    const int rc = send_frame(carrier, f);
    ws_frame_unref(f);
    return rc;
}

static size_t backlog(const void *carrier)
{
    return ((const struct server_side *)carrier)->waiting;
}

static void side_free(void *carrier)
{
    struct server_side *c = carrier;
    loop_unwatch(c->watch);
    while (c->first)
        drop_first(c);
    if (c->upgrade)
        http_upgrade_close(c->upgrade);
    c->upgrade = NULL;
    c->watch = NULL;
    c->ws = NULL;
    if (c->fd >= 0)
        free(c);
    /* else the upgrade is under way, and on_socket frees it */
}

static const struct ws_carrier carrier = {send_bytes, send_frame, backlog, side_free};

/* -------- in -------- */

static void on_ready(void *user, uint32_t events)
{
    struct server_side *c = user;
    unsigned char block[READ_BLOCK];
    if (events & EPOLLOUT)
        flush(c);
    if (!(events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
        return;
    const ssize_t n = recv(c->fd, block, sizeof block, MSG_DONTWAIT);
    if (n > 0)
        websocket_feed(c->ws, block, (size_t)n);
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        websocket_lost(c->ws, n ? strerror(errno) : "");
}

static void on_socket(void *user, struct http_upgrade *u, int fd, const void *data, size_t len)
{
    struct server_side *c = user;
    if (!c->ws) { /* given up meanwhile */
        if (u)
            http_upgrade_close(u);
        free(c);
        return;
    }
    c->upgrade = u;
    c->fd = u ? fd : 0; /* from now on side_free frees it */
    if (!u || loop_watch(c->loop, fd, EPOLLIN | EPOLLRDHUP, on_ready, c, &c->watch, NULL)) {
        websocket_lost(c->ws, "");
        return;
    }
    websocket_opened(c->ws, data, len);
}

/* -------- the handshake -------- */

/* Whether a list like "keep-alive, Upgrade" has the word. */
static int has_word(const char *list, const char *word)
{
    const size_t n = strlen(word);
    while (list && *list) {
        list += strspn(list, " \t,");
        const size_t len = strcspn(list, " \t,");
        if (len == n && strncasecmp(list, word, n) == 0)
            return 1;
        list += len;
    }
    return 0;
}

/* The error object that all other answers have, too. */
#define SORRY(text) \
    "{\"error\":{\"message\":\"" text "\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}}\n"

int websocket_accept(struct http_request *r, const struct websocket_events *events, struct websocket **ret)
{
    static const struct http_header wanted[] = {{"Content-Type", "application/json"}, {"Upgrade", "websocket"},
                                                {"Sec-WebSocket-Version", "13"}, {0}};
    static const char sorry[] = SORRY("this is a WebSocket (RFC 6455, version 13): connect to it as one");
    static const char bad[] = SORRY("Sec-WebSocket-Key: expected 24 characters of base64");
    const char *key = http_header(r, "sec-websocket-key"), *version = http_header(r, "sec-websocket-version");
    char accept[WS_ACCEPT_LENGTH + 1];
    if (!has_word(http_header(r, "upgrade"), "websocket") || !has_word(http_header(r, "connection"), "upgrade") ||
        !version || strcmp(version, "13") != 0) {
        http_respond_static(r, 426, wanted, sorry, sizeof sorry - 1);
        return E_ARG;
    }
    if (!key || strlen(key) != WS_KEY_LENGTH) {
        http_respond_static(r, 400, wanted, bad, sizeof bad - 1);
        return E_ARG;
    }
    struct server_side *c = calloc(1, sizeof *c);
    int rc = c ? websocket_accept_key(key, accept) : E_NOMEM;
    if (!rc) {
        *c = (struct server_side){.loop = http_loop(r), .fd = -1, .end = &c->first};
        rc = websocket_create(c->loop, &carrier, c, 0, events, &c->ws);
    }
    const struct http_header headers[] = {{"Upgrade", "websocket"}, {"Sec-WebSocket-Accept", accept}, {0}};
    struct websocket *ws = rc ? NULL : c->ws;
    if (!rc && (rc = http_upgrade(r, headers, on_socket, c))) {
        c->fd = 0; /* so that it is freed */
        websocket_free(ws);
        c = NULL;
    }
    if (rc) {
        static const struct http_header json[] = {{"Content-Type", "application/json"}, {0}};
        static const char full[] = SORRY("out of memory");
        free(c);
        http_respond_static(r, 503, json, full, sizeof full - 1);
        return rc;
    }
    *ret = ws;
    return 0;
}
