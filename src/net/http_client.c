/* See http_client.h. libcurl says which sockets and what time to wait for; each socket is a watch of the loop, the time
 * its timer. Transfers are recycled: a libcurl handle costs more to make than to use. */
#include "net/http_client.h"

#include <curl/curl.h>
#include <stdlib.h>

#define RECEIVE_BUFFER 16384 /* bytes a transfer */

struct transfer {
    CURL *curl;
    struct http_client *client;
    struct http_call call;
    int hung_up;
    struct transfer *prev, *next; /* in `busy`; `next` alone in `idle` */
};

struct socket_watch {
    struct http_client *client;
    struct loop_watch *watch;
    curl_socket_t fd;
};

struct http_client {
    struct loop *loop;
    CURLM *multi;
    struct loop_timer timer;
    struct transfer *busy, *idle;
    size_t busy_count, most;
};

/* -------- what libcurl waits for -------- */

static void finish_calls(struct http_client *c);

static void on_ready(void *user, uint32_t events)
{
    struct socket_watch *w = user;
    struct http_client *c = w->client;
    int mask = (events & (EPOLLIN | EPOLLRDHUP) ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0);
    if (events & (EPOLLERR | EPOLLHUP))
        mask |= CURL_CSELECT_IN | CURL_CSELECT_ERR; /* what still lies there is read first */
    int running;
    curl_multi_socket_action(c->multi, w->fd, mask, &running); /* may free w */
    finish_calls(c);
}

static void on_time(void *user)
{
    struct http_client *c = user;
    int running;
    curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    finish_calls(c);
}

static int on_timer_wanted(CURLM *multi, long ms, void *user)
{
    struct http_client *c = user;
    (void)multi;
    if (ms < 0)
        loop_timer_stop(&c->timer);
    else
        loop_timer_start(c->loop, &c->timer, (double)ms * 1e-3, on_time, c);
    return 0;
}

static int on_socket_wanted(CURL *curl, curl_socket_t fd, int what, void *user, void *socket_user)
{
    struct http_client *c = user;
    struct socket_watch *w = socket_user;
    (void)curl;
    if (what == CURL_POLL_REMOVE) {
        curl_multi_assign(c->multi, fd, NULL);
        if (w)
            loop_unwatch(w->watch);
        free(w);
        return 0;
    }
    const uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
    if (w)
        return loop_watch_change(w->watch, events, NULL) ? -1 : 0;
    w = calloc(1, sizeof *w);
    if (!w)
        return -1;
    *w = (struct socket_watch){.client = c, .fd = fd};
    if (loop_watch(c->loop, fd, events, on_ready, w, &w->watch, NULL)) {
        free(w);
        return -1;
    }
    curl_multi_assign(c->multi, fd, w);
    return 0;
}

/* -------- calls -------- */

static const char *words_for(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return "no such host";
    case CURLE_COULDNT_CONNECT:
        return "no connection";
    case CURLE_OPERATION_TIMEDOUT:
        return "timed out";
    case CURLE_GOT_NOTHING:
        return "closed without an answer";
    case CURLE_PARTIAL_FILE:
        return "cut short";
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        return "connection reset";
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return "not HTTP";
    case CURLE_OUT_OF_MEMORY:
        return "out of memory";
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
        return "TLS refused";
    case CURLE_INTERFACE_FAILED:
        return "cannot use that source address";
    default:
        return curl_easy_strerror(code);
    }
}

static void unlink_busy(struct transfer *t)
{
    if (t->prev)
        t->prev->next = t->next;
    else
        t->client->busy = t->next;
    if (t->next)
        t->next->prev = t->prev;
    t->client->busy_count--;
}

static void finish_calls(struct http_client *c)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(c->multi, &left));) {
        struct transfer *t = NULL;
        long status = 0;
        const CURLcode code = m->data.result;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
        curl_multi_remove_handle(c->multi, t->curl);
        unlink_busy(t);
        t->next = c->idle;
        c->idle = t;
        const struct http_outcome o = {(int)status, code && !t->hung_up ? words_for(code) : NULL, t->hung_up};
        const struct http_call call = t->call; /* on_done may start another in the same transfer */
        call.on_done(call.user, &o);
    }
}

static size_t on_data(char *data, size_t size, size_t count, void *user)
{
    struct transfer *t = user;
    long status = 0;
    if (!t->call.on_data)
        return size * count;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    t->hung_up = t->call.on_data(t->call.user, (int)status, data, size * count) != 0;
    return t->hung_up ? 0 : size * count;
}

static void transfer_free(struct transfer *t)
{
    if (t)
        curl_easy_cleanup(t->curl);
    free(t);
}

static struct transfer *transfer_create(struct http_client *c)
{
    struct transfer *t = calloc(1, sizeof *t);
    const char *bundle = getenv("CURL_CA_BUNDLE");
    if (!bundle || !*bundle)
        bundle = getenv("SSL_CERT_FILE");
    if (!t || !(t->curl = curl_easy_init())) {
        free(t);
        return NULL;
    }
    t->client = c;
    int bad = curl_easy_setopt(t->curl, CURLOPT_PRIVATE, t);
    bad |= curl_easy_setopt(t->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    bad |= curl_easy_setopt(t->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    bad |= curl_easy_setopt(t->curl, CURLOPT_PROXY, "");
    bad |= curl_easy_setopt(t->curl, CURLOPT_USERAGENT, "ishowtts");
    bad |= curl_easy_setopt(t->curl, CURLOPT_NOSIGNAL, 1L);
    bad |= curl_easy_setopt(t->curl, CURLOPT_TCP_NODELAY, 1L);
    bad |= curl_easy_setopt(t->curl, CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER);
    bad |= curl_easy_setopt(t->curl, CURLOPT_WRITEFUNCTION, on_data);
    bad |= curl_easy_setopt(t->curl, CURLOPT_WRITEDATA, t);
    if (bundle && *bundle)
        bad |= curl_easy_setopt(t->curl, CURLOPT_CAINFO, bundle);
    if (bad) {
        transfer_free(t);
        return NULL;
    }
    return t;
}

static int set_call(struct transfer *t, const struct http_call *call)
{
    CURL *c = t->curl;
    t->call = *call;
    t->hung_up = 0;
    int bad = curl_easy_setopt(c, CURLOPT_URL, call->url);
    if (call->body) {
        bad |= curl_easy_setopt(c, CURLOPT_POST, 1L);
        bad |= curl_easy_setopt(c, CURLOPT_POSTFIELDS, call->body);
        bad |= curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_len);
    } else {
        bad |= curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
    }
    bad |= curl_easy_setopt(c, CURLOPT_HTTPHEADER, (struct curl_slist *)call->headers);
    bad |= curl_easy_setopt(c, CURLOPT_INTERFACE, call->source);
    bad |= curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, (long)(call->fresh != 0));
    bad |= curl_easy_setopt(c, CURLOPT_FORBID_REUSE, (long)(call->fresh != 0));
    bad |= curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
    return bad;
}

int http_client_call(struct http_client *c, const struct http_call *call, struct error *err)
{
    if (c->busy_count >= c->most)
        return error_set(err, E_LIMIT, "%zu requests are under way, and more than that are not wanted", c->busy_count);
    struct transfer *t = c->idle;
    if (t)
        c->idle = t->next;
    else if (!(t = transfer_create(c)))
        return error_nomem(err);
    if (set_call(t, call) || curl_multi_add_handle(c->multi, t->curl)) {
        transfer_free(t);
        return error_nomem(err);
    }
    t->prev = NULL;
    t->next = c->busy;
    if (t->next)
        t->next->prev = t;
    c->busy = t;
    c->busy_count++;
    return 0;
}

size_t http_client_busy(const struct http_client *c)
{
    return c->busy_count;
}

/* -------- life -------- */

int http_client_create(struct loop *l, size_t most, struct http_client **ret, struct error *err)
{
    if (most < 1 || most > HTTP_CALLS_MAX)
        return error_set(err, E_ARG, "1 to %d requests can be under way at a time, not %zu", HTTP_CALLS_MAX, most);
    struct http_client *c = calloc(1, sizeof *c);
    if (!c)
        return error_nomem(err);
    if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
        free(c);
        return error_set(err, E_INTERNAL, "libcurl refuses to start");
    }
    c->loop = l;
    c->most = most;
    c->multi = curl_multi_init();
    int bad = !c->multi;
    if (!bad) {
        bad |= curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
        bad |= curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
        bad |= curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
        bad |= curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
        bad |= curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)most);
    }
    if (bad) {
        http_client_free(c);
        return error_nomem(err);
    }
    *ret = c;
    return 0;
}

void http_client_free(struct http_client *c)
{
    if (!c)
        return;
    for (struct transfer *t = c->busy, *next; t; t = next) {
        next = t->next;
        curl_multi_remove_handle(c->multi, t->curl);
        transfer_free(t);
    }
    for (struct transfer *t = c->idle, *next; t; t = next) {
        next = t->next;
        transfer_free(t);
    }
    curl_multi_cleanup(c->multi);
    loop_timer_stop(&c->timer);
    curl_global_cleanup();
    free(c);
}

int http_headers_add(struct http_headers **h, const char *line)
{
    struct curl_slist *longer = curl_slist_append((struct curl_slist *)*h, line);
    if (!longer)
        return E_NOMEM;
    *h = (struct http_headers *)longer;
    return 0;
}

void http_headers_free(struct http_headers *h)
{
    curl_slist_free_all((struct curl_slist *)h);
}
