/* A connection to a server, plain or TLS, straight or through a proxy: bytes both ways on the event loop.
 *
 * libcurl resolves, connects, goes through the proxy and does TLS with the system's certificates; what follows is the
 * caller's protocol. All of it belongs to the loop's thread. */
#ifndef ISHOW_NET_STREAM_H
#define ISHOW_NET_STREAM_H

#include "net/loop.h"

#include <stddef.h>

#define STREAM_BACKLOG_MAX     (1u << 20) /* bytes waiting to be sent */
#define STREAM_CONNECT_TIMEOUT 15         /* seconds */

struct stream;

struct stream_events {
    void (*on_open)(void *user);
    void (*on_data)(void *user, const char *data, size_t len);
    /* Once: it could not be opened, or is over ("" when the server closed it in peace). The stream is gone after it. */
    void (*on_close)(void *user, const char *why);
    void *user;
};

/* `url` is "tls://host:port" or "tcp://host:port", `proxy` as libcurl takes it ("socks5h://127.0.0.1:1080") or NULL.
 * What fails later is told by on_close. */
int stream_connect(struct loop *l, const char *url, const char *proxy, const struct stream_events *events,
                   struct stream **ret, struct error *err);
void stream_free(struct stream *s); /* without on_close; accepts NULL. Allowed in its own callbacks */

/* Once it is open. 0, E_NOMEM, or E_LIMIT when the server has not read what was sent before. */
int stream_send(struct stream *s, const void *data, size_t len);
size_t stream_backlog(const struct stream *s); /* bytes not yet taken by the socket */

#endif
