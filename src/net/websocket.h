/* WebSocket (RFC 6455) both ways, framed by wslay: clients that upgrade a request of ours, and servers we connect to.
 *
 * All of it belongs to the loop's thread. Pings are answered by themselves. A message over WS_MESSAGE_MAX is closed
 * with 1009, text that is no UTF-8 with 1007. What is written waits in memory, at most WS_BACKLOG_MAX bytes beside one
 * message that is longer than that and found nothing waiting: a peer that does not read is closed, never waited for. A
 * message for many peers is one struct ws_frame, which they share. */
#ifndef ISHOW_NET_WEBSOCKET_H
#define ISHOW_NET_WEBSOCKET_H

#include "net/http_server.h"

#define WS_MESSAGE_MAX  (1u << 20) /* bytes of a message that comes in */
#define WS_BACKLOG_MAX  (8u << 20) /* bytes that wait to be sent */
#define WS_CLOSE_WAIT   5.0        /* seconds for the peer's goodbye */

struct websocket;

/* Callbacks may close the websocket, and free it. Those that are NULL are not called. */
struct websocket_events {
    void (*on_open)(void *user); /* of one that connects: it is open now */
    void (*on_message)(void *user, int binary, const void *data, size_t len);
    /* Once, and the websocket is gone after it: the code of RFC 6455 7.4 (1006: the connection was lost, or never
     * stood) and a few words. Not after websocket_free. */
    void (*on_close)(void *user, int code, const char *why);
    void *user;
};

/* -------- a client of ours -------- */

/* Answers the request: with 101, or in words with 400 or 426 (then `ret` stays as it is, and E_ARG comes back). */
int websocket_accept(struct http_request *r, const struct websocket_events *events, struct websocket **ret);

/* -------- a server -------- */

/* "wss://host/path" or "ws://…"; `headers` are lines "Name: value", ended by NULL, or NULL; `proxy` as libcurl takes
 * it, or NULL. What fails later is told by on_close. */
int websocket_connect(struct loop *l, const char *url, const char *proxy, const char *const *headers,
                      const struct websocket_events *events, struct websocket **ret, struct error *err);

/* -------- both -------- */

/* 0; E_NOMEM; E_LIMIT when the peer is too far behind, which none is for whom nothing waits; E_CANCELLED when it is closing or not yet open. */
int websocket_send(struct websocket *ws, int binary, const void *data, size_t len);

struct ws_frame; /* a message as it goes to clients of ours; reference-counted */
int ws_frame_create(int binary, const void *data, size_t len, struct ws_frame **ret); /* E_NOMEM */
void ws_frame_unref(struct ws_frame *f);                                              /* accepts NULL */
int websocket_send_frame(struct websocket *ws, struct ws_frame *f); /* as _send; takes a reference of its own */

size_t websocket_backlog(const struct websocket *ws); /* bytes not yet taken by the socket */
double websocket_last_heard(const struct websocket *ws); /* clock_seconds() of the last bytes */
int websocket_ping(struct websocket *ws);                /* as websocket_send */
void websocket_close(struct websocket *ws, int code, const char *why); /* says goodbye; on_close comes */
void websocket_free(struct websocket *ws);               /* at once, without on_close; accepts NULL */

#endif
