/* Frames of strangers, as a client's and as a server's, in one piece and byte by byte: the same messages come out. */
#include "base/utf8.h"
#include "net/websocket_parts.h"

#include <stdlib.h>
#include <string.h>

#define INPUT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct peer {
    struct websocket *ws;
    size_t messages, bytes;
    int closed;
};

static int send_nowhere(void *carrier, const void *data, size_t len)
{
    (void)carrier;
    (void)data;
    (void)len;
    return 0;
}

static size_t no_backlog(const void *carrier)
{
    (void)carrier;
    return 0;
}

static void free_nothing(void *carrier)
{
    (void)carrier;
}

static void on_message(void *user, int binary, const void *data, size_t len)
{
    struct peer *p = user;
    if (len > WS_MESSAGE_MAX || (!binary && utf8_valid_prefix(data, len) != len))
        abort();
    p->messages++;
    p->bytes += len;
}

static void on_close(void *user, int code, const char *why)
{
    struct peer *p = user;
    (void)code;
    (void)why;
    p->closed = 1;
}

static void feed(struct loop *l, int client, const uint8_t *data, size_t size, size_t step, struct peer *ret)
{
    static const struct ws_carrier kind = {send_nowhere, NULL, no_backlog, free_nothing};
    *ret = (struct peer){0};
    const struct websocket_events events = {NULL, on_message, on_close, ret};
    if (websocket_create(l, &kind, ret, client, &events, &ret->ws))
        abort();
    websocket_opened(ret->ws, NULL, 0);
    for (size_t at = 0; at < size && !ret->closed; at += step)
        websocket_feed(ret->ws, data + at, size - at < step ? size - at : step);
    if (!ret->closed)
        websocket_free(ret->ws);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct loop *l;
    struct peer whole, bytes;
    if (size > INPUT_MAX || (!l && loop_create(&l, NULL)))
        return 0;
    for (int client = 0; client < 2; client++) {
        feed(l, client, data, size, size ? size : 1, &whole);
        feed(l, client, data, size, 1, &bytes);
        if (whole.messages != bytes.messages || whole.bytes != bytes.bytes)
            abort();
    }
    return 0;
}
