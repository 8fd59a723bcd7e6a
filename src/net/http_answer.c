/* See http_server.h: the answer's side. An answer is a response of libmicrohttpd that waits in the request until
 * libmicrohttpd asks for it; if it is not asking, its connection is resumed so that it does. A stream's bytes wait in
 * `out`, from which libmicrohttpd takes them as the socket can; when there are none the connection is suspended. */
#include "net/http_server_parts.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define STREAM_BLOCK 16384 /* bytes given to the socket at a time */

void answer_resume(struct http_request *r)
{
    if (r->suspended) {
        r->suspended = 0;
        request_server(r)->resumed = 1;
        MHD_resume_connection(r->conn->mhd);
    }
}

void answer_suspend(struct http_request *r)
{
    if (!r->suspended) {
        r->suspended = 1;
        MHD_suspend_connection(r->conn->mhd);
    }
}

static int value_is_clean(const char *v)
{
    for (; *v; v++)
        if ((unsigned char)*v < 0x20 || *v == 0x7F)
            return 0;
    return 1;
}

void http_add_header(struct http_request *r, const char *name, const char *value)
{
    const size_t n = strlen(name) + 1, m = strlen(value) + 1;
    if (buf_reserve(&r->added, n + m) == 0) {
        buf_add(&r->added, name, n);
        buf_add(&r->added, value, m);
    }
}

static int is_among(const struct http_header *headers, const char *name)
{
    for (; headers && headers->name; headers++)
        if (strcasecmp(headers->name, name) == 0)
            return 1;
    return 0;
}

static void add_headers(const struct http_request *r, struct MHD_Response *response, const struct http_header *headers)
{
    for (size_t i = 0; i < r->added.len;) {
        const char *name = r->added.ptr + i, *value = name + strlen(name) + 1;
        if (!is_among(headers, name) && value_is_clean(value))
            MHD_add_response_header(response, name, value);
        i = (size_t)(value - r->added.ptr) + strlen(value) + 1;
    }
    for (; headers && headers->name; headers++)
        if (value_is_clean(headers->value))
            MHD_add_response_header(response, headers->name, headers->value);
}

/* Gives the answer its headers and sends the connection on its way. `response` may be NULL: memory has run out. `len`:
 * of its body, as far as it is known. */
static void answer(struct http_request *r, enum http_answer kind, int status, const struct http_header *headers,
                   struct MHD_Response *response, size_t len)
{
    if (r->answer != ANSWER_NONE || r->gone) {
        if (response)
            MHD_destroy_response(response);
        return;
    }
    r->answer = kind;
    r->sent = r->head_only ? 0 : len;
    if (kind == ANSWER_WHOLE)
        r->gone_fn = NULL;
    if (!response) {
        r->aborted = 1; /* the connection is closed without an answer */
        answer_resume(r);
        return;
    }
    add_headers(r, response, headers);
    MHD_add_response_header(response, "x-request-id", r->id);
    if (request_server(r)->draining)
        MHD_add_response_header(response, "Connection", "close");
    r->status = status;
    r->response = response;
    answer_resume(r);
}

void answer_upgrade(struct http_request *r, const struct http_header *headers, struct MHD_Response *response)
{
    answer(r, ANSWER_STREAM, 101, headers, response, 0);
}

void http_respond(struct http_request *r, int status, const struct http_header *headers, const void *body, size_t len)
{
    answer(r, ANSWER_WHOLE, status, headers,
           MHD_create_response_from_buffer(len, (void *)(uintptr_t)(len ? body : ""), MHD_RESPMEM_MUST_COPY), len);
}

void http_respond_static(struct http_request *r, int status, const struct http_header *headers, const void *body,
                         size_t len)
{
    answer(r, ANSWER_WHOLE, status, headers,
           MHD_create_response_from_buffer(len, (void *)(uintptr_t)(len ? body : ""), MHD_RESPMEM_PERSISTENT), len);
}

void http_respond_buf(struct http_request *r, int status, const struct http_header *headers, struct buf *body)
{
    struct MHD_Response *response = NULL;
    const size_t len = body->len;
    if (buf_reserve(body, 0) == 0) { /* never NULL: libmicrohttpd would not take it */
        response = MHD_create_response_from_buffer(len, body->ptr, MHD_RESPMEM_MUST_FREE);
    }
    if (!response)
        buf_release(body);
    *body = (struct buf)BUF_INIT;
    answer(r, ANSWER_WHOLE, status, headers, response, len);
}

void answer_error(struct http_request *r, int status, const char *message)
{
    static const struct http_header headers[] = {{"Content-Type", "application/json"}, {0}};
    static const struct http_header busy[] = {{"Content-Type", "application/json"}, {"Retry-After", "1"}, {0}};
    char body[256];
    const int n =
        snprintf(body, sizeof body, "{\"error\":{\"message\":\"%s\",\"type\":\"%s\",\"param\":null,\"code\":null}}\n",
                 message, status >= 500 ? "server_error" : "invalid_request_error");
    http_respond(r, status, status == 503 ? busy : headers, body, (size_t)n);
}

enum MHD_Result answer_queue(struct http_request *r)
{
    if (!r->response || r->gone || r->aborted)
        return MHD_NO;
    const enum MHD_Result rc = MHD_queue_response(r->conn->mhd, (unsigned)r->status, r->response);
    MHD_destroy_response(r->response); /* libmicrohttpd holds it on */
    r->response = NULL;
    r->queued = 1;
    return rc;
}

/* -------- streams -------- */

/* Called by libmicrohttpd when the socket can take more. */
static ssize_t read_stream(void *cls, uint64_t pos, char *to, size_t max)
{
    struct http_request *r = cls;
    size_t n = r->out.len - r->out_taken;
    (void)pos;
    request_server(r)->calm_rounds = 0;
    if (r->gone || r->aborted)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (n == 0) {
        if (r->ended)
            return MHD_CONTENT_READER_END_OF_STREAM;
        answer_suspend(r);
        return 0;
    }
    if (n > max)
        n = max;
    memcpy(to, r->out.ptr + r->out_taken, n);
    r->out_taken += n;
    r->sent += n;
    if (r->out_taken == r->out.len)
        r->out.len = r->out_taken = 0;
    return (ssize_t)n;
}

void http_stream_begin(struct http_request *r, int status, const struct http_header *headers)
{
    answer(r, ANSWER_STREAM, status, headers,
           MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, r, NULL), 0);
}

int http_stream_write(struct http_request *r, const void *data, size_t len)
{
    if (r->gone || r->aborted || r->ended)
        return E_CANCELLED;
    if (len > HTTP_STREAM_BACKLOG - http_stream_backlog(r)) {
        request_tell_gone(r);
        conn_drop(r->conn);
        return E_LIMIT;
    }
    if (r->out_taken > 0 && r->out_taken >= r->out.len / 2) { /* what is gone makes room */
        memmove(r->out.ptr, r->out.ptr + r->out_taken, r->out.len - r->out_taken);
        r->out.len -= r->out_taken;
        r->out_taken = 0;
    }
    if (buf_add(&r->out, data, len))
        return E_NOMEM;
    answer_resume(r);
    return 0;
}

size_t http_stream_backlog(const struct http_request *r)
{
    return r->out.len - r->out_taken;
}

void http_stream_end(struct http_request *r)
{
    r->ended = 1;
    r->gone_fn = NULL;
    answer_resume(r);
}

void http_stream_abort(struct http_request *r)
{
    r->aborted = 1;
    r->gone_fn = NULL;
    answer_resume(r);
}
