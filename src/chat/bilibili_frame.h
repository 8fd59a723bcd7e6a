/* Bilibili's packets inside WebSocket messages: a header of 16 bytes in network order, then JSON, or packets again,
 * compressed with zlib or brotli. Pure functions over bytes. */
#ifndef ISHOW_CHAT_BILIBILI_FRAME_H
#define ISHOW_CHAT_BILIBILI_FRAME_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

#define BILIBILI_HEADER    16
#define BILIBILI_PLAIN_MAX (8u << 20) /* bytes that a message may have once it is decompressed */

enum bilibili_op {
    BILIBILI_HEARTBEAT = 2,
    BILIBILI_HEARTBEAT_REPLY = 3,
    BILIBILI_MESSAGE = 5,
    BILIBILI_AUTH = 7,
    BILIBILI_AUTH_REPLY = 8,
};

/* Calls fn for each packet in the order of the bytes; non-zero stops. E_FORMAT and E_LIMIT say which byte is wrong. */
int bilibili_packets(const void *data, size_t len, int (*fn)(void *user, uint32_t op, struct slice body), void *user,
                     struct error *err);

/* Appends a packet. 0 or E_NOMEM. */
int bilibili_packet_write(struct buf *out, enum bilibili_op op, const char *body, size_t len);

#endif
