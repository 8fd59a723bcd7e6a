/* See curl_loop.h. Each socket is a watch of the loop, libcurl's time the loop's timer. */
#include "net/curl_loop.h"

#include <stdlib.h>

struct socket_watch {
    struct curl_loop *owner;
    struct loop_watch *watch;
    curl_socket_t fd;
};

struct curl_loop {
    struct loop *loop;
    CURLM *multi;
    struct loop_timer timer;
    void (*on_done)(void *user, CURL *easy, CURLcode result);
    void *user;
};

static void tell_done(struct curl_loop *c)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(c->multi, &left));) {
        const CURLcode result = m->data.result; /* the message goes with its transfer */
        c->on_done(c->user, m->easy_handle, result);
    }
}

static void on_ready(void *user, uint32_t events)
{
    struct socket_watch *w = user;
    struct curl_loop *c = w->owner;
    int mask = (events & (EPOLLIN | EPOLLRDHUP) ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0);
    if (events & (EPOLLERR | EPOLLHUP))
        mask |= CURL_CSELECT_IN | CURL_CSELECT_ERR; /* what still lies there is read first */
    int running;
    curl_multi_socket_action(c->multi, w->fd, mask, &running); /* may free w */
    tell_done(c);
}

static void on_time(void *user)
{
    struct curl_loop *c = user;
    int running;
    curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    tell_done(c);
}

static int on_timer_wanted(CURLM *multi, long ms, void *user)
{
    struct curl_loop *c = user;
    (void)multi;
    if (ms < 0)
        loop_timer_stop(&c->timer);
    else
        loop_timer_start(c->loop, &c->timer, (double)ms * 1e-3, on_time, c);
    return 0;
}

static int on_socket_wanted(CURL *curl, curl_socket_t fd, int what, void *user, void *socket_user)
{
    struct curl_loop *c = user;
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
    *w = (struct socket_watch){.owner = c, .fd = fd};
    if (loop_watch(c->loop, fd, events, on_ready, w, &w->watch, NULL)) {
        free(w);
        return -1;
    }
    curl_multi_assign(c->multi, fd, w);
    return 0;
}

int curl_loop_create(struct loop *l, void (*on_done)(void *user, CURL *easy, CURLcode result), void *user,
                     struct curl_loop **ret, struct error *err)
{
    struct curl_loop *c = calloc(1, sizeof *c);
    if (!c)
        return error_nomem(err);
    if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
        free(c);
        return error_set(err, E_INTERNAL, "libcurl refuses to start");
    }
    *c = (struct curl_loop){.loop = l, .multi = curl_multi_init(), .on_done = on_done, .user = user};
    int bad = !c->multi;
    if (!bad) {
        bad |= curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
        bad |= curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
        bad |= curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
        bad |= curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    }
    if (bad) {
        curl_loop_free(c);
        return error_nomem(err);
    }
    *ret = c;
    return 0;
}

void curl_loop_free(struct curl_loop *c)
{
    if (!c)
        return;
    curl_multi_cleanup(c->multi);
    loop_timer_stop(&c->timer);
    curl_global_cleanup();
    free(c);
}

CURLM *curl_loop_multi(struct curl_loop *c)
{
    return c->multi;
}

int curl_set_common(CURL *easy)
{
    const char *bundle = getenv("CURL_CA_BUNDLE");
    if (!bundle || !*bundle)
        bundle = getenv("SSL_CERT_FILE");
    int bad = curl_easy_setopt(easy, CURLOPT_USERAGENT, "ishowtts");
    bad |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    if (bundle && *bundle)
        bad |= curl_easy_setopt(easy, CURLOPT_CAINFO, bundle);
    return bad;
}

const char *curl_words(CURLcode code)
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
