/* A websocket to a server: the handshake of RFC 6455 section 4.1 over a stream. */
#include "net/websocket_parts.h"

#include "base/base64.h"
#include "net/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#define ANSWER_MAX 16384 /* bytes of the server's headers */
#define SHAKE_WAIT 15.0  /* seconds for them */

struct client {
    struct websocket *ws;
    struct stream *stream;
    struct buf request, answer;
    struct loop_timer late;
    struct loop *loop;
    char accept[WS_ACCEPT_LENGTH + 1];
    int upgraded;
};

static int client_send(void *carrier, const void *data, size_t len)
{
    struct client *c = carrier;
    return stream_send(c->stream, data, len);
}

static size_t client_backlog(const void *carrier)
{
    return stream_backlog(((const struct client *)carrier)->stream);
}

static void client_free(void *carrier)
{
    struct client *c = carrier;
    loop_timer_stop(&c->late);
    stream_free(c->stream);
    buf_release(&c->request);
    buf_release(&c->answer);
    free(c);
}

static const struct ws_carrier carrier = {client_send, NULL, client_backlog, client_free};

static void on_late(void *user)
{
    struct client *c = user;
    websocket_lost(c->ws, "no answer to the upgrade");
}

static void on_open(void *user)
{
    struct client *c = user;
    (void)stream_send(c->stream, c->request.ptr, c->request.len);
    buf_release(&c->request);
    loop_timer_start(c->loop, &c->late, SHAKE_WAIT, on_late, c);
}

/* The value of a header line in the answer; empty if there is none. */
static struct slice answer_header(const char *head, const char *name)
{
    const size_t n = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, n) == 0 && line[n] == ':') {
            line += n + 1;
            line += strspn(line, " \t");
            return (struct slice){line, strcspn(line, "\r\n")};
        }
    }
    return (struct slice){"", 0};
}

/* Looks for the end of the headers. */
static void on_answer(struct client *c, const char *data, size_t len)
{
    char why[80];
    struct buf answer;
    if (buf_add(&c->answer, data, len)) {
        websocket_lost(c->ws, "out of memory");
        return;
    }
    char *end = memmem(c->answer.ptr, c->answer.len, "\r\n\r\n", 4);
    if (!end) {
        if (c->answer.len > ANSWER_MAX)
            websocket_lost(c->ws, "an answer without end");
        return;
    }
    *end = '\0';
    const struct slice accept = answer_header(c->answer.ptr, "Sec-WebSocket-Accept");
    if (strncmp(c->answer.ptr, "HTTP/1.1 101", 12) != 0) {
        snprintf(why, sizeof why, "refused: %.40s",
                 strncmp(c->answer.ptr, "HTTP/1.", 7) == 0 ? c->answer.ptr + 9 : "not HTTP");
        why[strcspn(why, "\r\n")] = '\0';
        websocket_lost(c->ws, why);
        return;
    }
    if (!slice_eq_str(accept, c->accept)) {
        websocket_lost(c->ws, "the server's answer does not belong to this request");
        return;
    }
    loop_timer_stop(&c->late);
    c->upgraded = 1;
    answer = c->answer; /* the websocket may be gone when it has been fed */
    c->answer = (struct buf)BUF_INIT;
    const size_t used = (size_t)(end - answer.ptr) + 4;
    websocket_opened(c->ws, answer.ptr + used, answer.len - used);
    buf_release(&answer);
}

static void on_data(void *user, const char *data, size_t len)
{
    struct client *c = user;
    if (c->upgraded)
        websocket_feed(c->ws, data, len);
    else
        on_answer(c, data, len);
}

static void on_close(void *user, const char *why)
{
    struct client *c = user;
    c->stream = NULL;
    websocket_lost(c->ws, why);
}

/* "wss://host:port/path?query" into where to connect and what to ask for. */
static int prepare(struct client *c, const char *url, const char *const *headers, struct buf *address,
                   struct error *err)
{
    const int tls = strncasecmp(url, "wss://", 6) == 0;
    unsigned char nonce[16];
    struct buf key = BUF_INIT;
    if (!tls && strncasecmp(url, "ws://", 5) != 0)
        return error_set(err, E_ARG, "\"%.100s\": expected wss://host/path or ws://host/path", url);
    const char *host = url + (tls ? 6 : 5);
    const size_t n = strcspn(host, "/?#");
    const char *path = host + n;
    for (const char *p = url; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7F)
            return error_set(err, E_ARG, "\"%.100s\": an address has no spaces and control characters", url);
    if (n == 0 || memchr(host, '@', n))
        return error_set(err, E_ARG, "\"%.100s\": expected a host", url);
    const char *colon = memrchr(host, ':', n), *bracket = memrchr(host, ']', n);
    const int has_port = colon && (!bracket || colon > bracket);
    if (getrandom(nonce, sizeof nonce, 0) != sizeof nonce)
        return error_set(err, E_IO, "no random numbers");
    int bad = base64_add(&key, nonce, sizeof nonce) || websocket_accept_key(key.ptr, c->accept) ||
              buf_addf(address, "%s://%.*s%s", tls ? "tls" : "tcp", (int)n, host,
                       has_port ? ""
                       : tls    ? ":443"
                                : ":80") ||
              buf_addf(&c->request,
                       "GET %s%.*s HTTP/1.1\r\nHost: %.*s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\nUser-Agent: ishowtts\r\n",
                       *path == '/' ? "" : "/", (int)strcspn(path, "#"), path, (int)n, host, key.ptr);
    for (; !bad && headers && *headers; headers++)
        bad = buf_addf(&c->request, "%s\r\n", *headers);
    bad = bad || buf_add_str(&c->request, "\r\n");
    buf_release(&key);
    return bad ? error_nomem(err) : 0;
}

int websocket_connect(struct loop *l, const char *url, const char *proxy, const char *const *headers,
                      const struct websocket_events *events, struct websocket **ret, struct error *err)
{
    struct client *c = calloc(1, sizeof *c);
    struct buf address = BUF_INIT;
    if (!c)
        return error_nomem(err);
    c->loop = l;
    const struct stream_events stream = {on_open, on_data, on_close, c};
    int rc = prepare(c, url, headers, &address, err);
    if (!rc && websocket_create(l, &carrier, c, 1, events, &c->ws))
        rc = error_nomem(err);
    if (rc) {
        client_free(c);
    } else if ((rc = stream_connect(l, address.ptr, proxy, &stream, &c->stream, err))) {
        websocket_free(c->ws); /* and the carrier */
    } else {
        *ret = c->ws;
    }
    buf_release(&address);
    return rc;
}
