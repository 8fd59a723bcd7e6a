/* See bilibili_frame.h. Compressed packets hold plain ones; one level of that is all there is, and all that is
 * taken. */
#include "chat/bilibili_frame.h"

#include <brotli/decode.h>
#include <string.h>
#include <zlib.h>

enum version { VERSION_JSON = 0, VERSION_PLAIN = 1, VERSION_ZLIB = 2, VERSION_BROTLI = 3 };

#define GROW 65536

static uint32_t be(const unsigned char *p, int bytes)
{
    uint32_t v = 0;
    for (int i = 0; i < bytes; i++)
        v = v << 8 | p[i];
    return v;
}

static int inflate_all(const unsigned char *data, size_t len, struct buf *out, struct error *err)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)len};
    int state = inflateInit(&z), rc = state == Z_OK ? 0 : error_nomem(err);
    while (!rc && state != Z_STREAM_END) {
        if (out->len >= BILIBILI_PLAIN_MAX) {
            rc = error_set(err, E_LIMIT, "a packet of more than %u bytes, decompressed", BILIBILI_PLAIN_MAX);
        } else if (buf_reserve(out, GROW)) {
            rc = error_nomem(err);
        } else {
            z.next_out = (Bytef *)out->ptr + out->len;
            z.avail_out = GROW;
            state = inflate(&z, Z_NO_FLUSH);
            out->len += GROW - z.avail_out;
            if (state != Z_OK && state != Z_STREAM_END)
                rc = error_set(err, E_FORMAT, "a packet that is no zlib");
        }
    }
    inflateEnd(&z);
    return rc;
}

static int brotli_all(const unsigned char *data, size_t len, struct buf *out, struct error *err)
{
    BrotliDecoderState *b = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    BrotliDecoderResult state = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
    int rc = b ? 0 : error_nomem(err);
    while (!rc && state != BROTLI_DECODER_RESULT_SUCCESS) {
        if (out->len >= BILIBILI_PLAIN_MAX) {
            rc = error_set(err, E_LIMIT, "a packet of more than %u bytes, decompressed", BILIBILI_PLAIN_MAX);
        } else if (buf_reserve(out, GROW)) {
            rc = error_nomem(err);
        } else {
            size_t room = GROW;
            uint8_t *to = (uint8_t *)out->ptr + out->len;
            state = BrotliDecoderDecompressStream(b, &len, &data, &room, &to, NULL);
            out->len += GROW - room;
            if (state == BROTLI_DECODER_RESULT_ERROR || state == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT)
                rc = error_set(err, E_FORMAT, "a packet that is no brotli");
        }
    }
    BrotliDecoderDestroyInstance(b);
    return rc;
}

static int walk(const unsigned char *p, size_t len, int nested, int (*fn)(void *user, uint32_t op, struct slice body),
                void *user, struct error *err)
{
    int rc = 0;
    for (size_t at = 0; !rc && at < len;) {
        const size_t left = len - at;
        if (left < BILIBILI_HEADER)
            return error_set(err, E_FORMAT, "byte %zu: %zu bytes where a packet's header of %d was expected", at, left,
                             BILIBILI_HEADER);
        const uint32_t total = be(p + at, 4), header = be(p + at + 4, 2), version = be(p + at + 6, 2),
                       op = be(p + at + 8, 4);
        if (header < BILIBILI_HEADER || total < header || total > left)
            return error_set(err, E_FORMAT, "byte %zu: a packet of %u bytes with a header of %u, in %zu bytes", at,
                             total, header, left);
        const unsigned char *body = p + at + header;
        const size_t n = total - header;
        if (op == BILIBILI_MESSAGE && (version == VERSION_ZLIB || version == VERSION_BROTLI)) {
            struct buf plain = BUF_INIT;
            rc = nested ? error_set(err, E_FORMAT, "byte %zu: compressed twice", at)
                 : version == VERSION_ZLIB ? inflate_all(body, n, &plain, err)
                                           : brotli_all(body, n, &plain, err);
            if (!rc)
                rc = walk((const unsigned char *)plain.ptr, plain.len, 1, fn, user, err);
            buf_release(&plain);
        } else {
            rc = fn(user, op, (struct slice){(const char *)body, n});
        }
        if (op == BILIBILI_HEARTBEAT_REPLY)
            break; /* what was sent as a heartbeat comes back behind it, and is not counted in its length */
        at += total;
    }
    return rc;
}

int bilibili_packets(const void *data, size_t len, int (*fn)(void *user, uint32_t op, struct slice body), void *user,
                     struct error *err)
{
    return walk(data, len, 0, fn, user, err);
}

int bilibili_packet_write(struct buf *out, enum bilibili_op op, const char *body, size_t len)
{
    const uint32_t total = (uint32_t)len + BILIBILI_HEADER;
    const unsigned char header[BILIBILI_HEADER] = {
        (unsigned char)(total >> 24), (unsigned char)(total >> 16), (unsigned char)(total >> 8), (unsigned char)total,
        0, BILIBILI_HEADER, 0, VERSION_PLAIN, 0, 0, 0, (unsigned char)op, 0, 0, 0, 1};
    return buf_add(out, header, sizeof header) || buf_add(out, body, len) ? E_NOMEM : 0;
}
