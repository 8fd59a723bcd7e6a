/* Connections to servers: opened, refused, closed by the other side, and a server that does not read. */
#include "test.h"

#include "base/buf.h"
#include "base/clock.h"
#include "net/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE 10.0 /* seconds until a test gives up */

struct talk {
    struct loop *loop;
    struct loop_timer tick;
    struct stream *stream;
    struct buf heard;
    int listener, fd; /* the server's side */
    int opened, closed, frees;
    char why[128];
};

static void on_tick(void *user)
{
    loop_stop(user);
}

static void turn(struct talk *t)
{
    loop_timer_start(t->loop, &t->tick, 0.001, on_tick, t->loop);
    assert_int_equal(loop_run(t->loop, NULL), 0);
}

#define AWAIT(t, condition)                                                                          \
    for (const double until = clock_seconds() + PATIENCE; !(condition); turn(t))                     \
    assert_true(clock_seconds() < until)

static void on_open(void *user)
{
    ((struct talk *)user)->opened++;
}

static void on_data(void *user, const char *data, size_t len)
{
    struct talk *t = user;
    assert_int_equal(buf_add(&t->heard, data, len), 0);
    if (t->frees) {
        stream_free(t->stream);
        t->stream = NULL;
    }
}

static void on_close(void *user, const char *why)
{
    struct talk *t = user;
    t->stream = NULL;
    t->closed++;
    snprintf(t->why, sizeof t->why, "%s", why);
}

static int listen_somewhere(int *ret_port)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof sa;
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
    *ret_port = ntohs(sa.sin_port);
    return fd;
}

static void talk_begin(struct talk *t, const char *scheme, int with_server)
{
    char url[64];
    int port;
    struct error err = {0};
    memset(t, 0, sizeof *t);
    t->fd = -1;
    const struct stream_events events = {on_open, on_data, on_close, t};
    assert_int_equal(loop_create(&t->loop, NULL), 0);
    t->listener = listen_somewhere(&port);
    if (!with_server) {
        close(t->listener); /* nobody is at that port now */
        t->listener = -1;
    }
    snprintf(url, sizeof url, "%s://127.0.0.1:%d", scheme, port);
    if (stream_connect(t->loop, url, NULL, &events, &t->stream, &err))
        fail_msg("%s", err.text);
    if (with_server)
        AWAIT(t, (t->fd = accept(t->listener, NULL, NULL)) >= 0);
}

static void talk_end(struct talk *t)
{
    stream_free(t->stream);
    loop_timer_stop(&t->tick);
    loop_free(t->loop);
    buf_release(&t->heard);
    if (t->fd >= 0)
        close(t->fd);
    if (t->listener >= 0)
        close(t->listener);
}

static void bytes_go_both_ways_and_it_ends_in_peace(void **state)
{
    struct talk t;
    char got[8];
    (void)state;
    talk_begin(&t, "tcp", 1);
    AWAIT(&t, t.opened);
    assert_int_equal(stream_send(t.stream, "hello", 5), 0);
    AWAIT(&t, recv(t.fd, got, sizeof got, MSG_DONTWAIT) == 5);
    assert_memory_equal(got, "hello", 5);
    for (int i = 0; i < 3; i++) /* a zero is a byte like others */
        assert_int_equal(send(t.fd, "a\0b", 3, MSG_NOSIGNAL), 3);
    close(t.fd);
    t.fd = -1;
    AWAIT(&t, t.closed);
    assert_string_equal(t.why, "");
    assert_int_equal(t.heard.len, 9);
    assert_memory_equal(t.heard.ptr, "a\0ba\0ba\0b", 9);
    assert_int_equal(t.opened, 1);
    talk_end(&t);
}

static void what_is_refused_is_told_in_words(void **state)
{
    struct talk t;
    (void)state;
    talk_begin(&t, "tcp", 0);
    AWAIT(&t, t.closed);
    assert_int_equal(t.opened, 0);
    assert_true(strlen(t.why) > 3);
    talk_end(&t);
}

static void a_server_without_tls_is_no_tls(void **state)
{
    struct talk t;
    (void)state;
    talk_begin(&t, "tls", 1);
    (void)send(t.fd, "220 hello, I am no TLS\r\n", 24, MSG_NOSIGNAL);
    AWAIT(&t, t.closed);
    assert_int_equal(t.opened, 0);
    assert_true(strlen(t.why) > 3);
    talk_end(&t);
}

static void a_torn_connection_is_told_in_words(void **state)
{
    const struct linger at_once = {1, 0};
    struct talk t;
    (void)state;
    talk_begin(&t, "tcp", 1);
    AWAIT(&t, t.opened);
    assert_int_equal(setsockopt(t.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close(t.fd); /* RST */
    t.fd = -1;
    AWAIT(&t, t.closed);
    assert_true(strlen(t.why) > 3);
    talk_end(&t);
}

static void a_server_that_does_not_read_is_not_waited_for(void **state)
{
    static char block[65536];
    static char sink[1 << 20];
    struct talk t;
    size_t sent = 0, got = 0;
    int rc = 0;
    (void)state;
    talk_begin(&t, "tcp", 1);
    AWAIT(&t, t.opened);
    for (int i = 0; i < 1000 && !rc; i++) {
        rc = stream_send(t.stream, block, sizeof block);
        sent += rc ? 0 : sizeof block;
    }
    assert_int_equal(rc, E_LIMIT);
    assert_in_range(stream_backlog(t.stream), 1, STREAM_BACKLOG_MAX);
    while (got < sent) { /* nothing of what was taken is lost */
        const ssize_t n = recv(t.fd, sink, sizeof sink, MSG_DONTWAIT);
        assert_true(n > 0 || (n < 0 && errno == EAGAIN));
        got += n > 0 ? (size_t)n : 0;
        turn(&t);
    }
    assert_int_equal(got, sent);
    assert_int_equal(stream_backlog(t.stream), 0);
    assert_int_equal(t.closed, 0);
    talk_end(&t);
}

static void it_may_be_freed_in_its_callback(void **state)
{
    struct talk t;
    (void)state;
    talk_begin(&t, "tcp", 1);
    t.frees = 1;
    AWAIT(&t, t.opened);
    assert_int_equal(send(t.fd, "one", 3, MSG_NOSIGNAL), 3);
    AWAIT(&t, t.heard.len);
    assert_null(t.stream);
    assert_int_equal(t.closed, 0);
    talk_end(&t);
}

static void addresses_that_are_none(void **state)
{
    static const char *const urls[] = {"", "127.0.0.1:5", "http://127.0.0.1:5", "udp://127.0.0.1:5"};
    struct talk t = {0};
    (void)state;
    const struct stream_events events = {on_open, on_data, on_close, &t};
    assert_int_equal(loop_create(&t.loop, NULL), 0);
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        assert_int_equal(stream_connect(t.loop, urls[i], NULL, &events, &t.stream, NULL), E_ARG);
    assert_null(t.stream);
    loop_free(t.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_both_ways_and_it_ends_in_peace),
        cmocka_unit_test(what_is_refused_is_told_in_words),
        cmocka_unit_test(a_server_without_tls_is_no_tls),
        cmocka_unit_test(a_torn_connection_is_told_in_words),
        cmocka_unit_test(a_server_that_does_not_read_is_not_waited_for),
        cmocka_unit_test(it_may_be_freed_in_its_callback),
        cmocka_unit_test(addresses_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
