/* See live_events.h. A listener that falls behind is not waited for: a page misses what is too much, and gets the
 * whole state once it has caught up; a player is let go, and comes back. */
#include "server/live_events.h"

#include "base/clock.h"
#include "live/live.h"
#include "net/websocket.h"
#include "server/routes.h"

#include <stdlib.h>
#include <string.h>

struct page {
    struct live_listener listener; /* first */
    struct server *server;
    struct http_request *http;
    struct loop_timer ping;
    uint64_t id;
    int behind; /* events are left out until it has caught up */
};

struct player {
    struct live_listener listener; /* first */
    struct server *server;
    struct websocket *ws;
    struct loop_timer ping;
};

/* -------- pages -------- */

static void page_leave(void *user)
{
    struct page *p = user;
    live_leave(p->server->live, &p->listener);
    loop_timer_stop(&p->ping);
    free(p);
}

static void page_write(struct page *p, const char *name, const char *json, size_t len)
{
    struct buf b = BUF_INIT;
    if (buf_addf(&b, "id: %llu\nevent: %s\ndata: ", (unsigned long long)++p->id, name) == 0 &&
        buf_add(&b, json, len) == 0 && buf_add_str(&b, "\n\n") == 0)
        (void)http_stream_write(p->http, b.ptr, b.len); /* a client that is gone is told by on_gone */
    buf_release(&b);
}

static void page_event(void *user, const char *name, const char *json, size_t len)
{
    struct page *p = user;
    if (http_stream_backlog(p->http) > LIVE_BEHIND_MAX)
        p->behind = 1;
    if (!p->behind)
        page_write(p, name, json, len);
}

static void page_ping(void *user)
{
    struct page *p = user;
    loop_timer_start(p->server->loop, &p->ping, LIVE_PING_SECONDS, page_ping, p);
    if (p->behind && http_stream_backlog(p->http) == 0) {
        json_t *state = live_state(p->server->live);
        char *text = state ? json_dumps(state, JSON_COMPACT) : NULL;
        p->behind = 0;
        if (text)
            page_write(p, "state", text, strlen(text));
        free(text);
        json_decref(state);
    } else if (!p->behind) {
        (void)http_stream_write(p->http, ": alive\n\n", 9);
    }
}

static void page_closing(void *user)
{
    struct page *p = user;
    http_stream_end(p->http);
    page_leave(p);
}

void live_events_stream(struct server *s, struct http_request *r)
{
    static const struct http_header headers[] = {{"Content-Type", "text/event-stream; charset=utf-8"},
                                                 {"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}, {0}};
    struct page *p = calloc(1, sizeof *p);
    if (!p) {
        reply_error(r, 500, NULL, NULL, "out of memory");
        return;
    }
    *p = (struct page){.server = s, .http = r};
    p->listener = (struct live_listener){.event = page_event, .closing = page_closing, .user = p};
    http_stream_begin(r, 200, headers);
    http_on_gone(r, page_leave, p);
    (void)http_stream_write(r, "retry: 2000\n\n", 13);
    loop_timer_start(s->loop, &p->ping, LIVE_PING_SECONDS, page_ping, p);
    if (live_listen(s->live, &p->listener)) {
        page_write(p, "full", "{}", 2);
        http_stream_end(r);
        page_leave(p);
    }
}

/* -------- players -------- */

static void player_leave(struct player *p)
{
    live_leave(p->server->live, &p->listener);
    loop_timer_stop(&p->ping);
    free(p);
}

static void on_close(void *user, int code, const char *why)
{
    (void)code;
    (void)why;
    player_leave(user);
}

static void drop(struct player *p)
{
    websocket_free(p->ws);
    player_leave(p);
}

static void player_packet(void *user, struct ws_frame *packet)
{
    struct player *p = user;
    if (websocket_backlog(p->ws) > LIVE_BEHIND_MAX || websocket_send_frame(p->ws, packet) == E_LIMIT)
        drop(p);
}

static void player_control(void *user, const char *json, size_t len)
{
    struct player *p = user;
    if (websocket_send(p->ws, 0, json, len) == E_LIMIT)
        drop(p);
}

static void player_ping(void *user)
{
    struct player *p = user;
    if (clock_seconds() - websocket_last_heard(p->ws) > LIVE_QUIET_SECONDS) {
        drop(p);
        return;
    }
    (void)websocket_ping(p->ws);
    loop_timer_start(p->server->loop, &p->ping, LIVE_PING_SECONDS, player_ping, p);
}

static void player_closing(void *user)
{
    struct player *p = user;
    live_leave(p->server->live, &p->listener);
    websocket_close(p->ws, 1001, "the server is going down");
}

static void on_open(void *user)
{
    struct player *p = user;
    if (live_listen(p->server->live, &p->listener))
        websocket_close(p->ws, 1013, "no listener is taken now: too many, or the server goes down");
}

void live_events_websocket(struct server *s, struct http_request *r)
{
    struct player *p = calloc(1, sizeof *p);
    if (!p) {
        reply_error(r, 500, NULL, NULL, "out of memory");
        return;
    }
    const struct websocket_events events = {.on_open = on_open, .on_close = on_close, .user = p};
    *p = (struct player){.server = s};
    p->listener = (struct live_listener){.packet = player_packet, .control = player_control, .closing = player_closing,
                                         .user = p};
    if (websocket_accept(r, &events, &p->ws))
        free(p);
    else
        loop_timer_start(s->loop, &p->ping, LIVE_PING_SECONDS, player_ping, p);
}
