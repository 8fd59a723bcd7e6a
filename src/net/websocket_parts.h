/* What the files of the websockets share: the protocol (websocket.c) over what carries it (websocket_client.c,
 * websocket_server.c). */
#ifndef ISHOW_NET_WEBSOCKET_PARTS_H
#define ISHOW_NET_WEBSOCKET_PARTS_H

#include "net/websocket.h"

#define WS_KEY_LENGTH    24 /* characters of Sec-WebSocket-Key */
#define WS_ACCEPT_LENGTH 28 /* of Sec-WebSocket-Accept */

/* A frame as it is on the wire, unmasked. */
struct ws_frame {
    unsigned refs;
    int binary;
    size_t head; /* bytes before the payload */
    size_t len;  /* of all */
    unsigned char bytes[];
};

struct ws_carrier {
    int (*send)(void *carrier, const void *data, size_t len);    /* all or nothing: 0, E_NOMEM, E_LIMIT */
    int (*send_frame)(void *carrier, struct ws_frame *f);        /* NULL: frames are sent as bytes, masked */
    size_t (*backlog)(const void *carrier);
    void (*free)(void *carrier); /* closes; what waits is lost */
};

/* Takes over `carrier` when it succeeds. `client`: what is sent is masked. E_NOMEM. */
int websocket_create(struct loop *l, const struct ws_carrier *kind, void *carrier, int client,
                     const struct websocket_events *events, struct websocket **ret);
/* The handshake is done; data[0, len) came with it. The websocket may be gone after it. */
void websocket_opened(struct websocket *ws, const void *data, size_t len);
/* Bytes from the peer. The websocket may be gone after it. */
void websocket_feed(struct websocket *ws, const void *data, size_t len);
/* The connection is over, "" in peace; the websocket is gone after it. */
void websocket_lost(struct websocket *ws, const char *why);

/* base64(SHA-1(key + GUID)), RFC 6455 4.2.2. 0 or E_NOMEM. */
int websocket_accept_key(const char *key, char ret[WS_ACCEPT_LENGTH + 1]);

#endif
