#include "http_test_server.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* -------- the server -------- */

/* What an answer that takes its time needs. */
struct task {
    struct test_server *server;
    struct http_request *request;
    struct loop_timer timer;
    int left;
};

static const struct http_header text_plain[] = {{"Content-Type", "text/plain"}, {0}};

static void task_gone(void *user)
{
    struct task *k = user;
    atomic_fetch_add(&k->server->gone, 1);
    loop_timer_stop(&k->timer);
    free(k);
}

static void answer_later(void *user)
{
    struct task *k = user;
    http_respond(k->request, 200, text_plain, "later\n", 6);
    free(k);
}

static void stream_piece(void *user)
{
    struct task *k = user;
    char text[32];
    if (k->left-- > 0) {
        const int n = snprintf(text, sizeof text, "piece %d\n", k->left);
        if (http_stream_write(k->request, text, (size_t)n) == 0)
            loop_timer_start(k->server->loop, &k->timer, 0.005, stream_piece, k);
        return;
    }
    http_stream_end(k->request);
    free(k);
}

static void stream_much(void *user)
{
    static char block[1 << 18];
    struct task *k = user;
    struct test_server *t = k->server;
    if (http_stream_write(k->request, block, sizeof block))
        return; /* k is gone */
    atomic_fetch_add(&t->written, sizeof block);
    loop_timer_start(t->loop, &k->timer, 0.0005, stream_much, k);
}

static void begin_task(struct test_server *t, struct http_request *r, void (*fn)(void *user), int left)
{
    struct task *k = calloc(1, sizeof *k);
    if (!k)
        abort();
    *k = (struct task){.server = t, .request = r, .left = left};
    http_on_gone(r, task_gone, k);
    if (fn)
        loop_timer_start(t->loop, &k->timer, 0.02, fn, k);
}

static void on_head(void *user, struct http_request *r)
{
    (void)user;
    if (strcmp(http_path(r), "/refused") == 0)
        http_respond(r, 401, text_plain, "who are you\n", 12);
    else if (strcmp(http_path(r), "/upload") == 0)
        http_set_body_max(r, UPLOAD_MAX);
}

static void on_request(void *user, struct http_request *r)
{
    static const char big[BIG_BYTES];
    struct test_server *t = user;
    const char *path = http_path(r), *n = http_query(r, "n");
    const struct slice body = http_body(r);
    char text[16384];
    atomic_fetch_add(&t->begun, 1);
    if (strcmp(path, "/hello") == 0) {
        http_respond_static(r, 200, text_plain, "hello\n", 6);
    } else if (strcmp(path, "/echo") == 0) {
        http_respond(r, 200, text_plain, body.ptr, body.len);
    } else if (strcmp(path, "/upload") == 0) {
        const int len = snprintf(text, sizeof text, "%zu bytes\n", body.len);
        http_respond(r, 200, text_plain, text, (size_t)len);
    } else if (strncmp(path, "/target", 7) == 0) {
        const char *host = http_header(r, "host");
        const int len = snprintf(text, sizeof text, "%s %s q=%s host=%s\n", http_method(r), path,
                                 http_query(r, "q") ? http_query(r, "q") : "-", host ? host : "-");
        http_respond(r, 200, text_plain, text, (size_t)len);
    } else if (strcmp(path, "/big") == 0) {
        http_respond_static(r, 200, text_plain, big, sizeof big);
    } else if (strcmp(path, "/later") == 0) {
        begin_task(t, r, answer_later, 0);
    } else if (strcmp(path, "/never") == 0) {
        begin_task(t, r, NULL, 0);
    } else if (strcmp(path, "/stream") == 0) {
        http_stream_begin(r, 200, text_plain);
        begin_task(t, r, stream_piece, n ? atoi(n) : 3);
    } else if (strcmp(path, "/endless") == 0) {
        http_stream_begin(r, 200, text_plain);
        begin_task(t, r, stream_much, 0);
    } else {
        const struct http_header odd[] = {{"Content-Type", "text/plain"}, {"X-Odd", "a\r\nX-Smuggled: 1"}, {0}};
        http_respond(r, 404, odd, "nothing here\n", 13);
    }
}

static void on_done(void *user, struct http_request *r, const struct http_done *done)
{
    struct test_server *t = user;
    (void)r;
    atomic_store(&t->status, done->status);
    atomic_fetch_add(&t->aborted, done->aborted);
    atomic_fetch_add(&t->done, 1);
}

static void *run(void *arg)
{
    struct test_server *t = arg;
    struct error err = {0};
    if (loop_run(t->loop, &err))
        fprintf(stderr, "%s\n", err.text);
    return NULL;
}

void server_start(struct test_server *t, const struct http_server_params *params, const char *address,
                  const char *certificate, const char *key)
{
    struct http_server_params p = params ? *params : (struct http_server_params){0};
    struct sockaddr_in sa;
    socklen_t n = sizeof sa;
    struct error err = {0};
    int fd;
    memset(t, 0, sizeof *t);
    p.on_head = on_head;
    p.on_request = on_request;
    p.on_done = on_done;
    p.user = t;
    if (loop_create(&t->loop, &err) || http_server_create(t->loop, &p, &t->http, &err) ||
        (certificate && http_server_set_tls(t->http, certificate, key, &err)) ||
        http_listen_open(address ? address : "127.0.0.1:0", 0, &fd, &err) || http_server_listen(t->http, fd, &err))
        fail_msg("%s", err.text);
    if (!address) {
        assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
        t->port = ntohs(sa.sin_port);
    }
    assert_int_equal(pthread_create(&t->thread, NULL, run, t), 0);
}

void server_stop(struct test_server *t)
{
    loop_stop(t->loop);
    pthread_join(t->thread, NULL);
    http_server_free(t->http);
    loop_free(t->loop);
}

double server_cpu(struct test_server *t)
{
    clockid_t clock;
    struct timespec ts;
    assert_int_equal(pthread_getcpuclockid(t->thread, &clock), 0);
    assert_int_equal(clock_gettime(clock, &ts), 0);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

struct call {
    struct test_server *server;
    void (*fn)(struct test_server *t);
    atomic_int made;
};

static void make_call(void *arg)
{
    struct call *c = arg;
    c->fn(c->server);
    atomic_store(&c->made, 1);
}

void server_call(struct test_server *t, void (*fn)(struct test_server *t))
{
    struct call c = {.server = t, .fn = fn};
    assert_int_equal(loop_post(t->loop, make_call, &c), 0);
    wait_for(&c.made, 1);
}

/* -------- the client -------- */

int client_open(const struct test_server *t)
{
    const struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)t->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (const struct sockaddr *)&sa, sizeof sa))
        fail_msg("connect: %s", strerror(errno));
    return fd;
}

void client_send_bytes(int fd, const void *data, size_t n)
{
    const char *p = data;
    while (n) {
        const ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k < 0)
            fail_msg("send: %s", strerror(errno));
        p += k;
        n -= (size_t)k;
    }
}

void client_send(int fd, const char *text)
{
    client_send_bytes(fd, text, strlen(text));
}

/* Waits for bytes. 0: none came in time. */
static int readable(int fd, double until)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    const double left = until - clock_seconds();
    return left > 0 && poll(&p, 1, (int)(left * 1e3) + 1) == 1;
}

char *client_read_all(int fd, size_t *ret_len)
{
    const double until = clock_seconds() + PATIENCE;
    struct buf all = BUF_INIT;
    assert_int_equal(buf_reserve(&all, 0), 0);
    for (;;) {
        assert_int_equal(buf_reserve(&all, 65536), 0);
        if (!readable(fd, until)) {
            buf_release(&all);
            return NULL;
        }
        const ssize_t n = recv(fd, all.ptr + all.len, 65536, 0);
        if (n <= 0)
            break;
        all.len += (size_t)n;
    }
    all.ptr[all.len] = '\0';
    if (ret_len)
        *ret_len = all.len;
    return all.ptr;
}

void client_expect(int fd, const char *text, char *to, size_t size)
{
    const double until = clock_seconds() + PATIENCE;
    size_t n = 0;
    to[0] = '\0';
    while (!strstr(to, text)) {
        const ssize_t k = readable(fd, until) ? recv(fd, to + n, size - 1 - n, 0) : -1;
        if (k <= 0)
            fail_msg("expected \"%s\", found \"%s\"", text, to);
        n += (size_t)k;
        to[n] = '\0';
    }
}

char *client_talk(const struct test_server *t, const char *text)
{
    const int fd = client_open(t);
    client_send(fd, text);
    char *all = client_read_all(fd, NULL);
    close(fd);
    if (!all)
        fail_msg("the server did not close after %.60s", text);
    return all;
}

int client_is_closed(int fd)
{
    char *all = client_read_all(fd, NULL);
    const int closed = all != NULL;
    free(all);
    return closed;
}

void wait_for(atomic_int *value, int want)
{
    const double until = clock_seconds() + PATIENCE;
    while (atomic_load(value) < want) {
        if (clock_seconds() > until)
            fail_msg("expected %d, found %d", want, atomic_load(value));
        poll(NULL, 0, 1);
    }
}
