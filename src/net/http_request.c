/* See http_server.h: the request's side. libmicrohttpd takes requests apart, generously; what it lets through and two
 * programs could read in two ways is refused here, before anybody acts on it. */
#include "net/http_server_parts.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

static const char too_large[] = "the body is larger than this route takes";

/* -------- what the owner asks -------- */

const char *http_method(const struct http_request *r)
{
    return r->method;
}

const char *http_path(const struct http_request *r)
{
    return r->path;
}

const char *http_header(const struct http_request *r, const char *name)
{
    if (r->host && strcasecmp(name, "host") == 0) /* RFC 9112 3.2.2: the target's counts */
        return r->host;
    return MHD_lookup_connection_value(r->conn->mhd, MHD_HEADER_KIND, name);
}

struct last_value {
    const char *name, *value;
};

static enum MHD_Result take_value(void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
    struct last_value *last = cls;
    (void)kind;
    if (value && strcasecmp(key, last->name) == 0)
        last->value = value;
    return MHD_YES;
}

const char *http_header_last(const struct http_request *r, const char *name)
{
    struct last_value last = {.name = name};
    MHD_get_connection_values(r->conn->mhd, MHD_HEADER_KIND, take_value, &last);
    return last.value;
}

const char *http_query(const struct http_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->conn->mhd, MHD_GET_ARGUMENT_KIND, name);
}

struct slice http_body(const struct http_request *r)
{
    return r->body.ptr ? buf_slice(&r->body) : SLICE_LIT("");
}

const char *http_peer(const struct http_request *r)
{
    return r->conn->peer;
}

const char *http_id(const struct http_request *r)
{
    return r->id;
}

struct loop *http_loop(const struct http_request *r)
{
    return request_server(r)->loop;
}

int http_is_tls(const struct http_request *r)
{
    return r->conn->daemon->tls;
}

void http_set_body_max(struct http_request *r, size_t max)
{
    r->body_max = max;
}

void http_set_context(struct http_request *r, void *context)
{
    r->context = context;
}

void *http_context(const struct http_request *r)
{
    return r->context;
}

void http_on_gone(struct http_request *r, void (*fn)(void *user), void *user)
{
    r->gone_fn = fn;
    r->gone_user = user;
}

void request_tell_gone(struct http_request *r)
{
    void (*fn)(void *user) = r->gone_fn;
    r->gone = 1;
    r->gone_fn = NULL;
    if (fn)
        fn(r->gone_user);
}

/* -------- the target -------- */

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    const char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* libmicrohttpd's callback for the path and for each name and value of the query, in place. */
size_t request_unescape(void *cls, struct MHD_Connection *mhd, char *s)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct http_request *r = &((struct http_conn *)info->socket_context)->request;
    const int is_path = s == r->raw;
    size_t n = 0;
    (void)cls;
    for (const char *p = s; *p; p++, n++) {
        s[n] = *p;
        if (*p == '%') {
            const int high = hex(p[1]), low = high < 0 ? -1 : hex(p[2]);
            if (low < 0) {
                r->trouble = "a % in the target without two hexadecimal digits after it";
                continue;
            }
            s[n] = (char)(high << 4 | low);
            if (is_path && s[n] == '/') /* it would not be told from one that parts the path */
                r->trouble = "an encoded slash in the path";
            p += 2;
        }
        if (s[n] == '\0' || (is_path && ((unsigned char)s[n] < ' ' || s[n] == 0x7F)))
            r->trouble = "a control character in the target";
    }
    s[n] = '\0';
    if (utf8_valid_prefix(s, n) != n)
        r->trouble = "the target is not UTF-8";
    return n;
}

/* "http://host/path": the path, and the host into r->host. The callback for the target has seen to the rest. */
static const char *strip_origin(struct http_request *r, const char *url)
{
    char *host = NULL;
    if (strncasecmp(url, "http://", 7) == 0)
        host = (char *)(uintptr_t)url + 7;
    else if (strncasecmp(url, "https://", 8) == 0)
        host = (char *)(uintptr_t)url + 8;
    if (!host)
        return url;
    char *path = strchr(host, '/');
    if (!path || path == host)
        return url;
    memmove(host - 1, host,
            (size_t)(path - host)); /* the slash stays the path's: both are in the connection's memory */
    path[-1] = '\0';
    r->host = host - 1;
    return path;
}

void *request_begin(struct http_conn *c, const char *uri)
{
    struct http_request *r = &c->request;
    struct http_server *s = c->daemon->server;
    const double latest = clock_seconds() + s->params.limits.head_timeout;
    *r = (struct http_request){.conn = c, .raw = uri, .body_max = s->params.limits.body_max, .live = 1};
    if (strchr(uri, ' '))
        r->trouble = "a space in the target";
    c->idle_since = 0;
    c->spoke = 1;
    if (c->deadline > latest)
        c->deadline = latest;
    return r;
}

/* -------- the head -------- */

static int id_is_good(const char *id)
{
    const size_t n = strlen(id);
    return n > 0 && n <= HTTP_REQUEST_ID_MAX &&
           strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:") == n;
}

static void set_id(struct http_request *r)
{
    const char *given = http_header(r, "x-request-id");
    if (given && id_is_good(given)) {
        snprintf(r->id, sizeof r->id, "%s", given);
        return;
    }
    unsigned char b[16] = {0};
    if (getrandom(b, sizeof b, GRND_NONBLOCK) != sizeof b)
        memcpy(b, &r->begun, sizeof r->begun); /* before the kernel has any: unlike others, if not secret */
    b[6] = (unsigned char)((b[6] & 0x0F) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3F) | 0x80);
    for (size_t i = 0, n = 0; i < sizeof b; i++) {
        static const char digits[] = "0123456789abcdef";
        if (i == 4 || i == 6 || i == 8 || i == 10)
            r->id[n++] = '-';
        r->id[n++] = digits[b[i] >> 4];
        r->id[n++] = digits[b[i] & 15];
    }
}

struct head {
    unsigned hosts, lengths, encodings;
    const char *length, *encoding;
    int malformed;
};

static int is_token(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] <= ' ' || (unsigned char)s[i] >= 0x7F || strchr("\"(),/:;<=>?@[\\]{}", s[i]))
            return 0;
    return n > 0;
}

static enum MHD_Result see_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct head *h = cls;
    (void)kind;
    if (!is_token(name, strlen(name)))
        h->malformed = 1;
    for (const char *p = value; p && *p; p++)
        if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7F)
            h->malformed = 1;
    if (strcasecmp(name, "host") == 0) {
        h->hosts++;
    } else if (strcasecmp(name, "content-length") == 0) {
        h->lengths++;
        h->length = value;
    } else if (strcasecmp(name, "transfer-encoding") == 0) {
        h->encodings++;
        h->encoding = value;
    }
    return MHD_YES;
}

/* Refuses what is no request, or more than one to somebody else. `length`: of the body, UINT64_MAX when unknown. */
static void check_head(struct http_request *r, const char *version, uint64_t *length)
{
    struct head h = {0};
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(r->conn->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    MHD_get_connection_values(r->conn->mhd, MHD_HEADER_KIND, see_header, &h);
    *length = 0;
    r->chunked = h.encodings > 0;
    if (h.encodings)
        *length = UINT64_MAX;
    else if (h.lengths)
        *length = strtoull(h.length, NULL, 10); /* digits: libmicrohttpd has looked at the first */
    if (h.lengths && *length == UINT64_MAX) /* means something else, also to libmicrohttpd */
        *length = UINT64_MAX - 1;
    if (h.malformed || !is_token(r->method, strlen(r->method)))
        answer_error(r, 400, "the header is malformed");
    else if (r->trouble)
        answer_error(r, 400, r->trouble);
    else if (size && size->header_size > request_server(r)->params.limits.header_max)
        answer_error(r, 431, "the header is too large");
    else if (h.hosts > 1 || (h.hosts == 0 && strcmp(version, "HTTP/1.0") != 0))
        answer_error(r, 400, "expected one Host header");
    else if (h.lengths > 1 || h.encodings > 1 || (h.lengths && h.encodings))
        answer_error(r, 400, "expected one Content-Length or Transfer-Encoding");
    else if (h.encodings && (strcasecmp(h.encoding, "chunked") != 0 || strcmp(version, "HTTP/1.0") == 0))
        answer_error(r, 501, "expected no Transfer-Encoding but chunked");
    else if (r->path[0] != '/')
        answer_error(r, 400, "the path does not begin with a slash");
}

/* libmicrohttpd closes the connection after what is queued before the last call for a request. */
static enum MHD_Result answer_last(struct http_request *r)
{
    r->conn->linger = 1;
    return answer_queue(r);
}

/* The first call for a request: its head. */
static enum MHD_Result take_head(struct http_request *r, const char *url, const char *method, const char *version)
{
    struct http_server *s = request_server(r);
    const double now = clock_seconds();
    uint64_t length;
    r->headed = 1;
    r->begun = r->body_moved = now;
    r->head_only = strcmp(method, "HEAD") == 0;
    r->method = r->head_only ? "GET" : method;
    r->path = strip_origin(r, url);
    set_id(r);
    check_head(r, version, &length);
    r->conn->deadline = length ? now + s->params.limits.head_timeout : 0;
    if (r->answer != ANSWER_NONE)
        return answer_last(r); /* what follows such a head may be anything */
    s->params.on_head(s->params.user, r);
    if (r->answer == ANSWER_NONE && length != UINT64_MAX && length > r->body_max)
        answer_error(r, 413, too_large);
    if (r->answer == ANSWER_NONE && length != UINT64_MAX && length > HTTP_BODIES_MAX - s->bodies)
        answer_error(r, 503, "too many uploads at a time");
    if (r->answer == ANSWER_NONE || length == 0)
        return MHD_YES;
    return length <= HTTP_DISCARD_KEEP && !http_header(r, "expect") ? MHD_YES : answer_last(r);
}

static enum MHD_Result take_body(struct http_request *r, const char *data, size_t len)
{
    struct http_server *s = request_server(r);
    r->body_seen += len;
    r->body_moved = clock_seconds();
    if (r->body_seen - r->body_step >= HTTP_BODY_STEP) {
        r->body_step = r->body_seen;
        r->conn->deadline = r->body_moved + s->params.limits.head_timeout;
    }
    if (r->answer == ANSWER_NONE && r->body_seen > r->body_max)
        answer_error(r, 413, too_large);
    if (r->answer == ANSWER_NONE && len > HTTP_BODIES_MAX - s->bodies)
        answer_error(r, 503, "too many uploads at a time");
    if (r->answer != ANSWER_NONE) {
        s->bodies -= r->body.len;
        buf_release(&r->body);
        return r->body_seen > HTTP_DISCARD_MAX ? MHD_NO : MHD_YES;
    }
    if (buf_add(&r->body, data, len))
        return MHD_NO;
    s->bodies += len;
    return MHD_YES;
}

enum MHD_Result request_access(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
                               const char *version, const char *data, size_t *len, void **ctx)
{
    struct http_request *r = *ctx;
    struct http_server *s = request_server(r);
    (void)cls;
    (void)mhd;
    s->calm_rounds = 0;
    if (!r->headed)
        return take_head(r, url, method, version);
    if (*len) {
        const enum MHD_Result rc = take_body(r, data, *len);
        *len = 0;
        return rc;
    }
    if (!r->dispatched) {
        r->dispatched = 1;
        r->conn->deadline = 0;
        if (r->answer == ANSWER_NONE)
            s->params.on_request(s->params.user, r);
        if (r->conn->half_closed && (r->answer == ANSWER_NONE || (r->answer == ANSWER_STREAM && !r->ended)))
            request_tell_gone(r);
    }
    if (r->answer != ANSWER_NONE || r->gone)
        return answer_queue(r);
    answer_suspend(r);
    return MHD_YES;
}

void request_end(struct http_request *r, int aborted)
{
    struct http_server *s = request_server(r);
    struct http_conn *c = r->conn;
    if (!r->live)
        return;
    r->live = 0;
    request_tell_gone(r);
    /* what libmicrohttpd has refused by itself: a header or a chunk that is none, one that is too large for it */
    const union MHD_ConnectionInfo *own =
        r->queued ? NULL : MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_HTTP_STATUS);
    if (!r->headed) {
        r->method = r->path = "";
        r->begun = clock_seconds();
    }
    if (r->headed || own) {
        const struct http_done done = {.status = r->queued ? r->status
                                                 : own     ? (int)own->http_status
                                                           : 0,
                                       .aborted = own ? 0 : aborted,
                                       .body_bytes = r->queued ? r->sent : 0,
                                       .seconds = clock_seconds() - r->begun};
        s->params.on_done(s->params.user, r, &done);
    }
    if (r->response)
        MHD_destroy_response(r->response);
    r->response = NULL;
    s->bodies -= r->body.len;
    buf_release(&r->body);
    buf_release(&r->added);
    buf_release(&r->out);
    c->idle_since = clock_seconds();
    c->deadline = c->idle_since + s->params.limits.idle_timeout;
}
