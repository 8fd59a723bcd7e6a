/* See websocket.h. wslay takes frames apart, puts messages together, checks UTF-8 and answers pings; what it wants to
 * send goes to the carrier at once and whole, so frames of ours and of its own never mix. */
#include "net/websocket_parts.h"

#include "base/base64.h"
#include "base/clock.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <wslay/wslay.h>

#define CODE_LOST 1006

struct websocket {
    const struct ws_carrier *kind;
    void *carrier;
    wslay_event_context_ptr ctx;
    struct websocket_events events;
    struct loop *loop;
    struct loop_timer farewell; /* the peer's goodbye is overdue, or everything is said */
    const unsigned char *in;    /* what wslay may read */
    size_t in_len;
    double heard;
    size_t alone; /* bytes of a message over WS_BACKLOG_MAX that found nothing waiting */
    int client, open, closing;
    int *gone; /* set when it is freed while it is being fed */
};

/* -------- wslay's callbacks -------- */

static ssize_t on_recv(wslay_event_context_ptr ctx, uint8_t *buf, size_t len, int flags, void *user)
{
    struct websocket *ws = user;
    (void)flags;
    if (ws->in_len == 0) {
        wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    const size_t n = len < ws->in_len ? len : ws->in_len;
    memcpy(buf, ws->in, n);
    ws->in += n;
    ws->in_len -= n;
    return (ssize_t)n;
}

static ssize_t on_send(wslay_event_context_ptr ctx, const uint8_t *data, size_t len, int flags, void *user)
{
    struct websocket *ws = user;
    (void)flags;
    if (ws->kind->send(ws->carrier, data, len)) {
        wslay_event_set_error(ctx, WSLAY_ERR_CALLBACK_FAILURE);
        return -1;
    }
    return (ssize_t)len;
}

static int on_mask(wslay_event_context_ptr ctx, uint8_t *buf, size_t len, void *user)
{
    (void)user;
    if (getrandom(buf, len, 0) == (ssize_t)len)
        return 0;
    wslay_event_set_error(ctx, WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static void on_message(wslay_event_context_ptr ctx, const struct wslay_event_on_msg_recv_arg *arg, void *user)
{
    struct websocket *ws = user;
    (void)ctx;
    if ((ws->gone && *ws->gone) || wslay_is_ctrl_frame(arg->opcode) || !ws->events.on_message || ws->closing)
        return;
    ws->events.on_message(ws->events.user, arg->opcode == WSLAY_BINARY_FRAME, arg->msg, arg->msg_length);
}

/* -------- life -------- */

int websocket_create(struct loop *l, const struct ws_carrier *kind, void *carrier, int client,
                     const struct websocket_events *events, struct websocket **ret)
{
    static const struct wslay_event_callbacks callbacks = {on_recv, on_send, on_mask, NULL, NULL, NULL, on_message};
    struct websocket *ws = calloc(1, sizeof *ws);
    if (!ws)
        return E_NOMEM;
    *ws = (struct websocket){.kind = kind, .events = *events, .loop = l, .client = client, .heard = clock_seconds()};
    if (client ? wslay_event_context_client_init(&ws->ctx, &callbacks, ws)
               : wslay_event_context_server_init(&ws->ctx, &callbacks, ws)) {
        free(ws);
        return E_NOMEM;
    }
    wslay_event_config_set_max_recv_msg_length(ws->ctx, WS_MESSAGE_MAX);
    ws->carrier = carrier;
    *ret = ws;
    return 0;
}

static void free_late(struct websocket *ws)
{
    wslay_event_context_free(ws->ctx);
    free(ws);
}

/* While wslay is on the stack its context must stay: the rest is done when it returns. */
static void release(struct websocket *ws)
{
    loop_timer_stop(&ws->farewell);
    if (ws->carrier)
        ws->kind->free(ws->carrier);
    ws->carrier = NULL;
    if (ws->gone) {
        *ws->gone = 1;
        return;
    }
    free_late(ws);
}

void websocket_free(struct websocket *ws)
{
    if (ws)
        release(ws);
}

static void end(struct websocket *ws, int code, const char *why)
{
    const struct websocket_events e = ws->events;
    release(ws);
    if (e.on_close)
        e.on_close(e.user, code, why);
}

void websocket_lost(struct websocket *ws, const char *why)
{
    const int code = wslay_event_get_status_code_received(ws->ctx);
    end(ws, ws->closing && code && code != WSLAY_CODE_ABNORMAL_CLOSURE ? code : CODE_LOST, why);
}

void websocket_opened(struct websocket *ws, const void *data, size_t len)
{
    int gone = 0;
    ws->open = 1;
    ws->gone = &gone;
    if (ws->events.on_open)
        ws->events.on_open(ws->events.user);
    ws->gone = NULL;
    if (gone)
        free_late(ws);
    else if (len)
        websocket_feed(ws, data, len);
}

static void on_farewell(void *user)
{
    struct websocket *ws = user;
    const int code = wslay_event_get_status_code_received(ws->ctx);
    end(ws, wslay_event_get_close_received(ws->ctx) ? code : CODE_LOST, "");
}

/* What wslay wants to say is said; a closing handshake that is complete ends it a little later, so that the goodbye
 * goes out before the socket. */
static void settle(struct websocket *ws)
{
    const int failed = wslay_event_want_write(ws->ctx) && wslay_event_send(ws->ctx);
    const int received = wslay_event_get_close_received(ws->ctx), sent = wslay_event_get_close_sent(ws->ctx);
    const int dead = failed || (!wslay_event_want_read(ws->ctx) && !received);
    if (!received && !sent && !dead)
        return;
    const int done = (received && sent) || dead;
    if (!ws->closing || done)
        loop_timer_start(ws->loop, &ws->farewell, done ? 0.05 : WS_CLOSE_WAIT, on_farewell, ws);
    ws->closing = 1;
}

void websocket_feed(struct websocket *ws, const void *data, size_t len)
{
    int gone = 0;
    ws->heard = clock_seconds();
    ws->in = data;
    ws->in_len = len;
    ws->gone = &gone;
    const int rc = wslay_event_recv(ws->ctx);
    ws->gone = NULL;
    if (gone) {
        free_late(ws);
        return;
    }
    if (rc) {
        end(ws, CODE_LOST, rc == WSLAY_ERR_NOMEM ? "out of memory" : "not the WebSocket protocol");
        return;
    }
    settle(ws);
}

/* -------- sending -------- */

/* A message is not refused for its own length, or a peer would never get it however often it comes back; and while such
 * a one is on its way, short ones still go behind it. */
static int has_room(struct websocket *ws, size_t len)
{
    const size_t waits = ws->kind->backlog(ws->carrier);
    if (waits == 0)
        ws->alone = len > WS_BACKLOG_MAX ? len : 0;
    return waits == 0 || (waits < WS_BACKLOG_MAX + ws->alone && len <= WS_BACKLOG_MAX + ws->alone - waits);
}

static int queue(struct websocket *ws, uint8_t opcode, const void *data, size_t len)
{
    const struct wslay_event_msg msg = {opcode, data, len};
    if (!ws->open || ws->closing)
        return E_CANCELLED;
    if (!has_room(ws, len))
        return E_LIMIT;
    const int rc = wslay_event_queue_msg(ws->ctx, &msg);
    if (rc)
        return rc == WSLAY_ERR_NOMEM ? E_NOMEM : E_CANCELLED;
    return wslay_event_send(ws->ctx) ? E_LIMIT : 0;
}

int websocket_send(struct websocket *ws, int binary, const void *data, size_t len)
{
    return queue(ws, binary ? WSLAY_BINARY_FRAME : WSLAY_TEXT_FRAME, data, len);
}

int websocket_ping(struct websocket *ws)
{
    return queue(ws, WSLAY_PING, NULL, 0);
}

int websocket_send_frame(struct websocket *ws, struct ws_frame *f)
{
    if (!ws->kind->send_frame)
        return websocket_send(ws, f->binary, f->bytes + f->head, f->len - f->head);
    if (!ws->open || ws->closing)
        return E_CANCELLED;
    if (!has_room(ws, f->len))
        return E_LIMIT;
    return ws->kind->send_frame(ws->carrier, f);
}

void websocket_close(struct websocket *ws, int code, const char *why)
{
    if (ws->closing)
        return;
    if (ws->open)
        wslay_event_queue_close(ws->ctx, (uint16_t)code, (const uint8_t *)why, strlen(why));
    if (ws->open && !ws->gone)
        (void)wslay_event_send(ws->ctx);
    ws->closing = 1;
    loop_timer_start(ws->loop, &ws->farewell, ws->open ? WS_CLOSE_WAIT : 0, on_farewell, ws);
}

size_t websocket_backlog(const struct websocket *ws)
{
    return ws->kind->backlog(ws->carrier);
}

double websocket_last_heard(const struct websocket *ws)
{
    return ws->heard;
}

/* -------- frames -------- */

int ws_frame_create(int binary, const void *data, size_t len, struct ws_frame **ret)
{
    const size_t head = len < 126 ? 2 : len < 65536 ? 4 : 10;
    struct ws_frame *f = malloc(sizeof *f + head + len);
    if (!f)
        return E_NOMEM;
    *f = (struct ws_frame){.refs = 1, .binary = binary, .head = head, .len = head + len};
    f->bytes[0] = binary ? 0x82 : 0x81; /* FIN, and the opcode */
    f->bytes[1] = head == 2 ? (unsigned char)len : head == 4 ? 126 : 127;
    for (size_t i = 2; i < head; i++)
        f->bytes[i] = (unsigned char)((uint64_t)len >> 8 * (head - 1 - i));
    memcpy(f->bytes + head, data, len);
    *ret = f;
    return 0;
}

void ws_frame_unref(struct ws_frame *f)
{
    if (f && --f->refs == 0)
        free(f);
}

int websocket_accept_key(const char *key, char ret[WS_ACCEPT_LENGTH + 1])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct buf text = BUF_INIT, out = BUF_INIT;
    int rc = buf_add_str(&text, key) || buf_add_str(&text, guid) ||
                     EVP_Digest(text.ptr, text.len, digest, NULL, EVP_sha1(), NULL) != 1 || base64_add(&out, digest, 20)
                 ? E_NOMEM
                 : 0;
    if (!rc)
        snprintf(ret, WS_ACCEPT_LENGTH + 1, "%s", out.ptr);
    buf_release(&text);
    buf_release(&out);
    return rc;
}
