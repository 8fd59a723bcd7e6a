/* See http_fetch.h. */
#include "net/http_fetch.h"

#include "base/clock.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define DISCARD_MAX 65536 /* bytes of an error's or redirect's body that are read to keep the connection */

struct http {
    CURL *curl;
    char message[CURL_ERROR_SIZE];
};

/* What the callbacks of one request share. */
struct transfer {
    CURL *curl;
    const struct http_request *req;
    struct http_reply *reply;
    size_t discarded;
    int header_rc, body_rc, tick_rc; /* which callback ended the request, and why */
};

int http_create(struct http **ret, struct error *err)
{
    struct http *h = calloc(1, sizeof *h);
    if (!h)
        return error_nomem(err);
    /* Counted by libcurl, and safe from several threads where its build says so (Debian's does). */
    if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
        free(h);
        return error_set(err, E_INTERNAL, "libcurl refuses to start");
    }
    h->curl = curl_easy_init();
    if (!h->curl) {
        http_free(h);
        return error_nomem(err);
    }
    *ret = h;
    return 0;
}

void http_free(struct http *h)
{
    if (!h)
        return;
    curl_easy_cleanup(h->curl);
    curl_global_cleanup();
    free(h);
}

void http_reply_release(struct http_reply *r)
{
    buf_release(&r->headers);
    *r = (struct http_reply){0};
}

int http_reply_header(const struct http_reply *r, const char *name, char **ret, struct error *err)
{
    size_t n = strlen(name);
    const char *found = NULL;
    size_t len = 0;
    for (const char *p = r->headers.ptr; p && *p;) {
        const char *end = strchrnul(p, '\n');
        if (strncasecmp(p, name, n) == 0 && p[n] == ':') {
            found = p + n + 1;
            found += strspn(found, " \t");
            len = (size_t)(end - found);
            while (len && strchr(" \t\r", found[len - 1]))
                len--;
        }
        p = *end ? end + 1 : end;
    }
    if (!found)
        return 0;
    char *copy = strndup(found, len);
    if (!copy)
        return error_nomem(err);
    *ret = copy;
    return 0;
}

static size_t on_header(char *data, size_t size, size_t count, void *user)
{
    struct transfer *t = user;
    size_t len = size * count;
    while (len && (data[len - 1] == '\n' || data[len - 1] == '\r'))
        len--;
    if (memchr(data, '\0', len)) {
        t->header_rc = E_FORMAT;
        return 0;
    }
    if (len >= 5 && strncasecmp(data, "HTTP/", 5) == 0) { /* of a proxy or a 1xx before: forget them */
        t->reply->headers.len = 0;
        if (t->reply->headers.ptr)
            t->reply->headers.ptr[0] = '\0';
        return size * count;
    }
    if (t->reply->headers.len + len > HTTP_HEADERS_MAX)
        t->header_rc = E_LIMIT;
    else if (buf_add(&t->reply->headers, data, len) || buf_add_char(&t->reply->headers, '\n'))
        t->header_rc = E_NOMEM;
    return t->header_rc ? 0 : size * count;
}

static size_t on_data(char *data, size_t size, size_t count, void *user)
{
    struct transfer *t = user;
    size_t len = size * count;
    long status = 0;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    t->reply->status = (int)status;
    if (status < 200 || status > 299) {
        t->discarded += len;
        return t->discarded > DISCARD_MAX ? 0 : len;
    }
    t->body_rc = t->req->on_body ? t->req->on_body(t->req->user, t->reply, data, len) : 0;
    return t->body_rc ? 0 : len;
}

static int on_progress(void *user, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct transfer *t = user;
    (void)a, (void)b, (void)c, (void)d;
    if (t->req->on_tick && t->req->on_tick(t->req->user))
        t->tick_rc = E_CANCELLED;
    return t->tick_rc != 0;
}

static int is_temporary(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_AGAIN:
        return 1;
    default:
        return 0;
    }
}

static int allow_protocols(CURL *c)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    return curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    return curl_easy_setopt(c, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

static int add_header(struct curl_slist **list, const char *text)
{
    struct curl_slist *longer = curl_slist_append(*list, text);
    if (!longer)
        return E_NOMEM;
    *list = longer;
    return 0;
}

static int set_headers(const struct http_request *req, struct curl_slist **list)
{
    /* Checksums and ranges speak of the bytes as they are stored. */
    int rc = add_header(list, "Accept-Encoding: identity");
    if (!rc && req->token) {
        struct buf line = BUF_INIT;
        rc = buf_addf(&line, "Authorization: Bearer %s", req->token);
        if (!rc)
            rc = add_header(list, line.ptr);
        buf_release(&line);
    }
    return rc;
}

static int set_options(struct http *h, const struct http_request *req, struct curl_slist *headers,
                       struct transfer *t)
{
    CURL *c = h->curl;
    char range[32];
    const char *bundle = getenv("CURL_CA_BUNDLE");
    if (!bundle || !*bundle)
        bundle = getenv("SSL_CERT_FILE");
    snprintf(range, sizeof range, "%llu-", (unsigned long long)req->from);
    int bad = allow_protocols(c);
    bad |= curl_easy_setopt(c, CURLOPT_ERRORBUFFER, h->message);
    bad |= curl_easy_setopt(c, CURLOPT_URL, req->url);
    bad |= curl_easy_setopt(c, CURLOPT_NOBODY, req->head ? 1L : 0L);
    bad |= curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    bad |= curl_easy_setopt(c, CURLOPT_RANGE, req->from ? range : NULL);
    bad |= curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    bad |= curl_easy_setopt(c, CURLOPT_USERAGENT, "ishowtts");
    bad |= curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    bad |= curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 262144L);
    bad |= curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)req->stall_seconds);
    bad |= curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    bad |= curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)req->stall_seconds);
    bad |= curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    bad |= curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    bad |= curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
    bad |= curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    bad |= curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    bad |= curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
    bad |= curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    if (bundle && *bundle)
        bad |= curl_easy_setopt(c, CURLOPT_CAINFO, bundle);
    return bad ? E_NOMEM : 0;
}

int http_fetch(struct http *h, const struct http_request *req, struct http_reply *reply, struct error *err)
{
    struct transfer t = {.curl = h->curl, .req = req, .reply = reply};
    struct curl_slist *headers = NULL;
    char host[256];
    http_host(req->url, host, NULL);
    curl_easy_reset(h->curl); /* options only: the connection stays */
    h->message[0] = '\0';
    if (set_headers(req, &headers) || set_options(h, req, headers, &t)) {
        curl_slist_free_all(headers);
        return error_nomem(err);
    }
    CURLcode code = curl_easy_perform(h->curl);
    curl_slist_free_all(headers);

    long status = 0;
    curl_off_t wait = 0;
    curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(h->curl, CURLINFO_RETRY_AFTER, &wait);
    reply->status = (int)status;
    reply->retry_after = wait < 0 ? 0 : wait > 1000000 ? 1000000 : (int)wait;
    if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && t.discarded > DISCARD_MAX))
        return 0;
    if (t.tick_rc)
        return error_set(err, E_CANCELLED, "cancelled");
    if (t.body_rc)
        return t.body_rc;
    if (t.header_rc == E_NOMEM || code == CURLE_OUT_OF_MEMORY)
        return error_nomem(err);
    if (t.header_rc)
        return error_set(err, t.header_rc, "%s: the answer's header is malformed or over %d bytes", host,
                         HTTP_HEADERS_MAX);
    reply->temporary = is_temporary(code);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return error_set(err, E_IO, "%s: nothing came for %d s", host, req->stall_seconds);
    return error_set(err, E_IO, "%s: %s", host, h->message[0] ? h->message : curl_easy_strerror(code));
}

int http_sleep(double seconds, http_tick_fn on_tick, void *user, struct error *err)
{
    double end = clock_seconds() + seconds;
    for (;;) {
        if (on_tick && on_tick(user))
            return error_set(err, E_CANCELLED, "cancelled");
        double left = end - clock_seconds();
        if (left <= 0)
            return 0;
        struct timespec t = {0, (long)((left < 0.1 ? left : 0.1) * 1e9)};
        nanosleep(&t, NULL); /* a signal ends it early, and the tick above tells what to do about it */
    }
}
