/* See stream.h. A transfer that only connects (CURLOPT_CONNECT_ONLY); its socket is then watched here. */
#include "net/stream.h"

#include "base/buf.h"
#include "net/curl_loop.h"

#include <stdlib.h>
#include <string.h>

#define READ_BLOCK   16384
#define READS_AT_ONCE 16 /* blocks; then others have their turn */

struct stream {
    struct loop *loop;
    struct curl_loop *curl;
    CURL *easy;
    struct loop_watch *watch;
    struct loop_timer later; /* for what must not happen inside libcurl's callbacks, and for reading on */
    struct stream_events events;
    CURLcode result;
    struct buf out;
    int open, waits_to_send;
    int *gone; /* set when it is freed inside a callback of its own */
};

static void close_with(struct stream *s, const char *why)
{
    const struct stream_events e = s->events;
    stream_free(s);
    e.on_close(e.user, why);
}

/* A broken connection is found out by reading. */
static void flush(struct stream *s)
{
    size_t done = 0, n;
    while (done < s->out.len && curl_easy_send(s->easy, s->out.ptr + done, s->out.len - done, &n) == CURLE_OK)
        done += n;
    memmove(s->out.ptr, s->out.ptr + done, s->out.len - done);
    s->out.len -= done;
    if (s->waits_to_send != (s->out.len > 0)) {
        s->waits_to_send = !s->waits_to_send;
        (void)loop_watch_change(s->watch, EPOLLIN | EPOLLRDHUP | (s->waits_to_send ? EPOLLOUT : 0), NULL);
    }
}

/* TLS may hold decrypted bytes that no socket tells of: libcurl is asked until it has none. */
static void read_all(void *user)
{
    struct stream *s = user;
    char block[READ_BLOCK];
    size_t n;
    int gone = 0;
    for (int i = 0; i < READS_AT_ONCE; i++) {
        const CURLcode rc = curl_easy_recv(s->easy, block, sizeof block, &n);
        if (rc == CURLE_AGAIN)
            return;
        if (rc || n == 0) {
            close_with(s, rc ? curl_words(rc) : "");
            return;
        }
        s->gone = &gone;
        s->events.on_data(s->events.user, block, n);
        if (gone)
            return;
        s->gone = NULL;
    }
    loop_timer_start(s->loop, &s->later, 0, read_all, s);
}

static void on_ready(void *user, uint32_t events)
{
    struct stream *s = user;
    if (events & EPOLLOUT)
        flush(s);
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        read_all(s);
}

/* The connection stands, or it does not. */
static void on_decided(void *user)
{
    struct stream *s = user;
    curl_socket_t fd = CURL_SOCKET_BAD;
    int gone = 0;
    if (!s->result && curl_easy_getinfo(s->easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK && fd != CURL_SOCKET_BAD)
        (void)loop_watch(s->loop, fd, EPOLLIN | EPOLLRDHUP, on_ready, s, &s->watch, NULL);
    if (!s->watch) {
        close_with(s, s->result ? curl_words(s->result) : "no connection");
        return;
    }
    s->open = 1;
    s->gone = &gone;
    s->events.on_open(s->events.user);
    if (gone)
        return;
    s->gone = NULL;
    read_all(s); /* what came with the handshake */
}

static void on_done(void *user, CURL *easy, CURLcode result)
{
    struct stream *s = user;
    (void)easy;
    s->result = result;
    loop_timer_start(s->loop, &s->later, 0, on_decided, s);
}

static int set_url(CURL *easy, const char *url, struct error *err)
{
    struct buf b = BUF_INIT;
    const int tls = strncmp(url, "tls://", 6) == 0;
    if (!tls && strncmp(url, "tcp://", 6) != 0)
        return error_set(err, E_ARG, "\"%s\": expected tls://host:port or tcp://host:port", url);
    int bad = buf_add_str(&b, tls ? "https://" : "http://") || buf_add_str(&b, url + 6);
    bad = bad || curl_easy_setopt(easy, CURLOPT_URL, b.ptr);
    buf_release(&b);
    return bad ? error_nomem(err) : 0;
}

int stream_connect(struct loop *l, const char *url, const char *proxy, const struct stream_events *events,
                   struct stream **ret, struct error *err)
{
    struct stream *s = calloc(1, sizeof *s);
    if (!s)
        return error_nomem(err);
    *s = (struct stream){.loop = l, .events = *events};
    int rc = curl_loop_create(l, on_done, s, &s->curl, err);
    if (!rc && !(s->easy = curl_easy_init()))
        rc = error_nomem(err);
    if (!rc)
        rc = set_url(s->easy, url, err);
    if (!rc) {
        int bad = curl_set_common(s->easy);
        bad |= curl_easy_setopt(s->easy, CURLOPT_CONNECT_ONLY, 1L);
        bad |= curl_easy_setopt(s->easy, CURLOPT_SSL_ENABLE_ALPN, 0L); /* what is spoken is not HTTP */
        bad |= curl_easy_setopt(s->easy, CURLOPT_CONNECTTIMEOUT, (long)STREAM_CONNECT_TIMEOUT);
        bad |= curl_easy_setopt(s->easy, CURLOPT_PROXY, proxy ? proxy : "");
        bad |= curl_easy_setopt(s->easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
        bad |= curl_easy_setopt(s->easy, CURLOPT_TCP_KEEPALIVE, 1L);
        if (bad || curl_multi_add_handle(curl_loop_multi(s->curl), s->easy))
            rc = error_nomem(err);
    }
    if (rc) {
        stream_free(s);
        return rc;
    }
    *ret = s;
    return 0;
}

void stream_free(struct stream *s)
{
    if (!s)
        return;
    if (s->gone)
        *s->gone = 1;
    loop_timer_stop(&s->later);
    loop_unwatch(s->watch);
    if (s->easy) {
        curl_multi_remove_handle(curl_loop_multi(s->curl), s->easy);
        curl_easy_cleanup(s->easy);
    }
    curl_loop_free(s->curl);
    buf_release(&s->out);
    free(s);
}

int stream_send(struct stream *s, const void *data, size_t len)
{
    if (!s->open)
        return E_ARG;
    if (len > STREAM_BACKLOG_MAX - s->out.len)
        return E_LIMIT;
    if (buf_add(&s->out, data, len))
        return E_NOMEM;
    flush(s);
    return 0;
}

size_t stream_backlog(const struct stream *s)
{
    return s->out.len;
}
