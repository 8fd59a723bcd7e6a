/* Raw bytes from a client, through a socket into the whole HTTP server. The first byte says in what pieces they come.
 * Afterwards the client has nothing more to say: every request that was begun must end, and the connection too. */
#include "base/utf8.h"
#include "net/http_server.h"
#include "net/http_server_parts.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE  5.0 /* seconds: longer is a hang */
#define INPUT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    struct loop *loop;
    struct http_server *http;
    struct loop_watch *watch;
    struct loop_timer writer, hang;
    const uint8_t *data;
    size_t size, at, step;
    int client;
    int heads, dones, refused;
};

struct answer {
    struct run *run;
    struct http_request *request;
    struct loop_timer timer;
    int left;
};

static void require(int true_thing)
{
    if (!true_thing)
        abort();
}

static void check_text(const char *s)
{
    require(!s || utf8_valid_prefix(s, strlen(s)) == strlen(s));
}

static void on_gone(void *user)
{
    struct answer *a = user;
    loop_timer_stop(&a->timer);
    free(a);
}

static void go_on(void *user)
{
    struct answer *a = user;
    if (a->left-- > 0) {
        if (http_stream_write(a->request, "piece\n", 6) == 0)
            loop_timer_start(a->run->loop, &a->timer, 0, go_on, a);
        return;
    }
    http_stream_end(a->request);
    free(a);
}

static void answer_late(void *user)
{
    struct answer *a = user;
    http_respond(a->request, 200, NULL, "late\n", 5);
    free(a);
}

static void on_head(void *user, struct http_request *r)
{
    struct run *x = user;
    const char *path = http_path(r);
    x->heads++;
    require(path[0] == '/' && http_method(r)[0] && http_id(r)[0] && http_header(r, "x") != http_path(r));
    check_text(path);
    check_text(http_query(r, "q"));
    for (const char *p = path; *p; p++)
        require((unsigned char)*p >= ' ' && *p != 0x7F);
    if (path[1] == 'r')
        http_respond(r, 401, NULL, "no\n", 3);
    else if (path[1] == 'b')
        http_set_body_max(r, 4 * INPUT_MAX);
    else
        http_set_body_max(r, 64);
}

static void on_request(void *user, struct http_request *r)
{
    struct run *x = user;
    const struct slice body = http_body(r);
    const char kind = http_path(r)[1];
    require(body.ptr[body.len] == '\0' && (kind == 'b' || body.len <= 64));
    if (kind != 's' && kind != 'l' && kind != 'n') {
        http_respond(r, 200, NULL, body.ptr, body.len);
        return;
    }
    struct answer *a = calloc(1, sizeof *a);
    require(a != NULL);
    *a = (struct answer){.run = x, .request = r, .left = 3};
    if (kind == 's')
        http_stream_begin(r, 200, NULL);
    http_on_gone(r, on_gone, a);
    if (kind != 'n')
        loop_timer_start(x->loop, &a->timer, 0, kind == 's' ? go_on : answer_late, a);
}

static void on_done(void *user, struct http_request *r, const struct http_done *done)
{
    struct run *x = user;
    require(http_path(r) != NULL && done->seconds >= 0);
    x->dones += 1;
}

static void write_some(void *user)
{
    struct run *x = user;
    size_t n = x->size - x->at < x->step ? x->size - x->at : x->step;
    const ssize_t k = send(x->client, x->data + x->at, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (k > 0)
        x->at += (size_t)k;
    else if (k < 0 && (errno != EAGAIN || ++x->refused > 100))
        x->at = x->size; /* the server has heard enough, or an answer is awaited that never comes */
    if (x->at < x->size)
        loop_timer_start(x->loop, &x->writer, 0, write_some, x);
    else
        shutdown(x->client, SHUT_WR);
}

static void read_some(void *user, uint32_t events)
{
    struct run *x = user;
    char sink[65536];
    (void)events;
    if (recv(x->client, sink, sizeof sink, MSG_DONTWAIT) == 0) {
        loop_unwatch(x->watch);
        x->watch = NULL;
    }
}

static void on_drained(void *user)
{
    struct run *x = user;
    loop_stop(x->loop);
}

static void on_hang(void *user)
{
    (void)user;
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run x = {.data = data + 1, .client = -1};
    const struct http_server_params params = {
        .on_head = on_head, .on_request = on_request, .on_done = on_done, .user = &x};
    const struct sockaddr unix_peer = {.sa_family = AF_UNIX};
    int pair[2];
    if (size < 1 || size > INPUT_MAX)
        return 0;
    x.size = size - 1;
    x.step = data[0] == 0 ? size : data[0];
    if (x.size / x.step > 4000)
        x.step = x.size / 4000;
    require(!loop_create(&x.loop, NULL) && !http_server_create(x.loop, &params, &x.http, NULL) &&
            !socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair));
    x.client = pair[0];
    conn_accept(&x.http->plain, pair[1], &unix_peer, sizeof unix_peer.sa_family);
    require(!loop_watch(x.loop, x.client, EPOLLIN, read_some, &x, &x.watch, NULL));
    loop_timer_start(x.loop, &x.writer, 0, write_some, &x);
    loop_timer_start(x.loop, &x.hang, PATIENCE, on_hang, &x);
    if (data[0] & 1) { /* kept connections too */
        x.http->drained_fn = on_drained;
        x.http->drained_user = &x;
    } else {
        http_server_drain(x.http, on_drained, &x);
    }
    require(!loop_run(x.loop, NULL));
    require(x.heads <= x.dones); /* on_head does not see what is refused */
    loop_timer_stop(&x.hang);
    loop_timer_stop(&x.writer);
    loop_unwatch(x.watch);
    http_server_free(x.http);
    loop_free(x.loop);
    close(x.client);
    return 0;
}
