/* The HTTP server and clients that go away, are slow, are many, or say nothing: it notices, waits no longer than it said,
 * and never spins. */
#include "http_test_server.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST   "Host: x\r\n"
#define CHUNKS "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif
#ifndef SANITIZED
#define SANITIZED 0 /* their own use of memory is not the server's */
#endif

static const struct http_server_params hasty = {
    .limits = {.head_timeout = 0.5, .idle_timeout = 0.9, .connections_max = 40}};

static void close_with_reset(int fd)
{
    const struct linger now = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

/* Less than a fifth of the time in which nothing is to be done. */
static void expect_rest(struct test_server *t, const char *when)
{
    const double before = server_cpu(t), begin = clock_seconds();
    poll(NULL, 0, 150);
    const double used = server_cpu(t) - before, passed = clock_seconds() - begin;
    if (used > 0.2 * passed)
        fail_msg("%s: the server used %.0f of %.0f ms", when, used * 1e3, passed * 1e3);
}

static void who_hangs_up_is_missed_at_once(void **state)
{
    static const char *const requests[] = {
        "GET /never HTTP/1.1\r\n" HOST "\r\n",
        "POST /never HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc",
        "GET /never HTTP/1.1\r\n" HOST "\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n", /* with another one behind it */
        "GET /stream?n=1000000 HTTP/1.1\r\n" HOST "\r\n",
        "GET /never HTTP/1.0\r\n\r\n",
    };
    struct test_server t;
    (void)state;
    server_start(&t, NULL, NULL, NULL, NULL);
    int gone = 0;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        for (int how = 0; how < 3; how++) {
            const int fd = client_open(&t);
            client_send(fd, requests[i]);
            wait_for(&t.begun, ++gone);
            if (how == 0) {
                close(fd);
            } else if (how == 1) {
                close_with_reset(fd);
            } else {
                shutdown(fd, SHUT_WR);
                if (!client_is_closed(fd))
                    fail_msg("request %zu: the half-closed connection stays", i);
                close(fd);
            }
            const double begin = clock_seconds();
            wait_for(&t.gone, gone);
            wait_for(&t.done, gone);
            assert_true(clock_seconds() - begin < 5);
        }
    assert_int_equal(atomic_load(&t.aborted), gone);
    server_stop(&t);
}

static void what_was_said_before_the_end_counts(void **state)
{
    static const struct {
        const char *request;
        size_t answers;
    } cases[] = {
        {"GET /hello HTTP/1.1\r\n" HOST "\r\n", 1},
        {"GET /hello HTTP/1.1\r\n" HOST "\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n", 2},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", 1},
        {"GET /big HTTP/1.1\r\n" HOST "\r\n", 1},
        {"", 0},
        {"GET /hello HTTP/1.1\r\n", 0},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nab", 0},
        {"POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nab", 0},
        {"GET /hello HTTP/1.1\r\n" HOST "\r\nGET /hel", 1},
    };
    struct test_server t;
    (void)state;
    server_start(&t, NULL, NULL, NULL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int fd = client_open(&t);
        const double begin = clock_seconds();
        client_send(fd, cases[i].request);
        shutdown(fd, SHUT_WR);
        char *answer = client_read_all(fd, NULL);
        size_t n = 0;
        for (const char *p = answer; p && (p = strstr(p, "HTTP/1.1 200 OK\r\n")); p++)
            n++;
        if (!answer || n != cases[i].answers || clock_seconds() - begin > 5)
            fail_msg("case %zu: %zu answers in %.1f s", i, n, clock_seconds() - begin);
        free(answer);
        close(fd);
    }
    server_stop(&t);
}

static void nothing_spins(void **state)
{
    static const struct {
        const char *request;
        size_t filler; /* bytes of chunk extension */
        int half_close;
    } cases[] = {
        {"", 0, 0},
        {"GET /hello HTTP/1.1\r\nX", 0, 0},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 30\r\n\r\nabc", 0, 0},
        {CHUNKS "30\r\nabc", 0, 0},
        {CHUNKS "3;", 100000, 0}, /* a chunk's size that has no end, or fits the buffer and nothing else does */
        {CHUNKS "3;", 32000, 0},
        {"GET /never HTTP/1.1\r\n" HOST "\r\n", 0, 0},
        {"GET /never HTTP/1.1\r\n" HOST "\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n", 0, 0},
        {"GET /hello HTTP/1.1\r\n" HOST "\r\n", 0, 1},
        {"GET /never HTTP/1.1\r\n" HOST "\r\n", 0, 1},
        {"GET /big HTTP/1.1\r\n" HOST "\r\n", 0, 1}, /* and reads nothing of it */
        {"GET /big HTTP/1.1\r\n" HOST "\r\n", 0, 0},
        {"POST /refused HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n\r\nabc", 0, 0},
    };
    struct test_server t;
    int fds[sizeof cases / sizeof *cases];
    (void)state;
    server_start(&t, NULL, NULL, NULL, NULL);
    char *filler = malloc(100001);
    assert_non_null(filler);
    memset(filler, 'x', 100000);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fds[i] = client_open(&t);
        client_send(fds[i], cases[i].request);
        for (size_t n = 0; n < cases[i].filler; n += 1000)
            if (send(fds[i], filler, 1000, MSG_NOSIGNAL) < 0)
                break; /* it has seen enough */
        if (cases[i].half_close)
            shutdown(fds[i], SHUT_WR);
    }
    poll(NULL, 0, 400); /* until it has found those that make it spin */
    expect_rest(&t, "all of them");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        close(fds[i]);
    free(filler);
    server_stop(&t);
}

static void who_reads_too_slowly_is_dropped(void **state)
{
    struct test_server t;
    (void)state;
    server_start(&t, NULL, NULL, NULL, NULL);
    const int fd = client_open(&t);
    client_send(fd, "GET /endless HTTP/1.1\r\n" HOST "\r\n");
    wait_for(&t.gone, 1);
    assert_true(atomic_load(&t.written) <= HTTP_STREAM_BACKLOG + (16u << 20)); /* and what the kernel took */
    assert_true(client_is_closed(fd));
    close(fd);
    wait_for(&t.done, 1);
    server_stop(&t);
}

static void time_is_limited(void **state)
{
    static const struct {
        const char *name, *first, *then; /* `then` again and again, slowly */
        double least, most;
    } cases[] = {
        {"no head", "", NULL, 0.4, 8},
        {"a head that is dribbled", "GET /hello HTTP/1.1\r\n", "X: 1\r\n", 0.4, 8},
        {"a first line that is dribbled", "GET /hello?", "x", 0.4, 8},
        {"a body that is dribbled", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n", "x", 0.4, 8},
        {"chunks that are dribbled", "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n",
         0.4, 8},
        {"a kept connection", "GET /hello HTTP/1.1\r\n" HOST "\r\n", NULL, 0.8, 8},
        {"a second head that is dribbled", "GET /hello HTTP/1.1\r\n" HOST "\r\nGET /hello HTTP/1.1\r\n", "X: 1\r\n",
         0.4, 8},
        {"an answer that takes its time", "GET /stream?n=300 HTTP/1.0\r\n\r\n", NULL, 1.4, 8},
    };
    struct test_server t;
    int fds[sizeof cases / sizeof *cases];
    double ended[sizeof cases / sizeof *cases] = {0};
    (void)state;
    server_start(&t, &hasty, NULL, NULL, NULL);
    const double begin = clock_seconds();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fds[i] = client_open(&t);
        client_send(fds[i], cases[i].first);
    }
    for (size_t left = sizeof cases / sizeof *cases; left && clock_seconds() - begin < PATIENCE;) {
        poll(NULL, 0, 20);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            char sink[4096];
            if (ended[i] > 0)
                continue;
            ssize_t n;
            while ((n = recv(fds[i], sink, sizeof sink, MSG_DONTWAIT)) > 0)
                ;
            if ((n < 0 && errno != EAGAIN) || n == 0 ||
                (cases[i].then && send(fds[i], cases[i].then, strlen(cases[i].then), MSG_NOSIGNAL) < 0)) {
                ended[i] = clock_seconds() - begin;
                left--;
            }
        }
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (ended[i] < cases[i].least || ended[i] > cases[i].most)
            fail_msg("%s: ended after %.2f s", cases[i].name, ended[i]);
        close(fds[i]);
    }
    server_stop(&t);
}

static void who_takes_nothing_of_an_answer_is_dropped(void **state)
{
    struct test_server t;
    (void)state;
    server_start(&t, &hasty, NULL, NULL, NULL);
    const int fd = client_open(&t);
    client_send(fd, "GET /big HTTP/1.1\r\n" HOST "\r\n");
    wait_for(&t.aborted, 1);
    close(fd);
    server_stop(&t);
}

static void one_too_many_is_told_so(void **state)
{
    struct test_server t;
    int fds[40];
    char found[1024];
    (void)state;
    server_start(&t, &hasty, NULL, NULL, NULL);
    for (int i = 0; i < 40; i++) {
        fds[i] = client_open(&t);
        client_send(fds[i], "GET /never HTTP/1.1\r\n" HOST "\r\n");
    }
    wait_for(&t.begun, 40);
    const int fd = client_open(&t);
    client_expect(fd, "too many connections", found, sizeof found);
    assert_non_null(strstr(found, "HTTP/1.1 503 Service Unavailable\r\n"));
    assert_non_null(strstr(found, "Retry-After: 1\r\n"));
    close(fd);
    close(fds[0]);
    wait_for(&t.gone, 1);
    char *answer = NULL;
    for (double until = clock_seconds() + PATIENCE; !answer && clock_seconds() < until;) {
        answer = client_talk(&t, "GET /hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
        if (!strstr(answer, "hello\n")) {
            free(answer);
            answer = NULL;
        }
    }
    assert_non_null(answer);
    free(answer);
    for (int i = 1; i < 40; i++)
        close(fds[i]);
    server_stop(&t);
}

/* An IPv4 address of this machine that is not loopback's. */
static int own_address(struct sockaddr_in *ret)
{
    struct ifaddrs *all, *i;
    if (getifaddrs(&all))
        return 0;
    for (i = all; i; i = i->ifa_next) {
        if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET)
            continue;
        memcpy(ret, i->ifa_addr, sizeof *ret);
        if ((ntohl(ret->sin_addr.s_addr) >> 24) != 127)
            break;
    }
    freeifaddrs(all);
    return i != NULL;
}

static void one_address_has_its_share(void **state)
{
    const struct http_server_params few = {.limits = {.connections_per_address = 2}};
    struct sockaddr_in own;
    struct test_server t;
    char address[64], name[INET_ADDRSTRLEN], found[1024];
    int fds[3];
    (void)state;
    if (!own_address(&own))
        skip();
    inet_ntop(AF_INET, &own.sin_addr, name, sizeof name);
    const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* for a port that is free */
    socklen_t n = sizeof own;
    own.sin_port = 0;
    assert_int_equal(bind(probe, (struct sockaddr *)&own, sizeof own), 0);
    assert_int_equal(getsockname(probe, (struct sockaddr *)&own, &n), 0);
    close(probe);
    snprintf(address, sizeof address, "%s:%d", name, ntohs(own.sin_port));
    server_start(&t, &few, address, NULL, NULL);
    for (int i = 0; i < 3; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fds[i], (struct sockaddr *)&own, sizeof own), 0);
        client_send(fds[i], i < 2 ? "GET /hello HTTP/1.1\r\n" HOST "\r\n" : "");
        client_expect(fds[i], i < 2 ? "hello\n" : "from this address", found, sizeof found);
    }
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    server_stop(&t);
}

static double resident_mb(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%*s %ld", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static void thousands_may_be_idle(void **state)
{
    enum { MANY = 2000 };
    struct rlimit limit;
    struct test_server t;
    static int fds[MANY];
    char found[1024];
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const struct rlimit before = limit;
    if (limit.rlim_max < 2 * MANY + 200)
        skip();
    limit.rlim_cur = 2 * MANY + 200;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    server_start(&t, NULL, NULL, NULL, NULL);
    const double memory = resident_mb();
    for (int i = 0; i < MANY; i++) {
        fds[i] = client_open(&t);
        client_send(fds[i], "GET /hello HTTP/1.1\r\n" HOST "\r\n");
        client_expect(fds[i], "hello\n", found, sizeof found);
    }
    expect_rest(&t, "2,000 idle connections");
    assert_true(SANITIZED || resident_mb() - memory < 100);
    char *answer = client_talk(&t, "GET /hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    assert_non_null(strstr(answer, "hello\n"));
    free(answer);
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
    server_stop(&t);
    setrlimit(RLIMIT_NOFILE, &before);
}

static void descriptors_may_run_out(void **state)
{
    enum { CLIENTS = 20 };
    struct rlimit limit, before;
    struct test_server t;
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    static const char hello[] = "GET /hello HTTP/1.1\r\n" HOST "\r\n";
    char found[1024];
    int fds[CLIENTS];
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    server_start(&t, NULL, NULL, NULL, NULL);
    sa.sin_port = htons((uint16_t)t.port);
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(fds[i] >= 0);
    }
    limit = before;
    limit.rlim_cur = (rlim_t)fds[CLIENTS - 1] + 4; /* for three connections */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    int refused = 0;
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(connect(fds[i], (struct sockaddr *)&sa, sizeof sa), 0);
        (void)!send(fds[i], hello, strlen(hello), MSG_NOSIGNAL); /* refused already: its answer is there to be read */
        client_expect(fds[i], "\r\n\r\n", found, sizeof found);
        refused += strstr(found, "503 ") != NULL;
    }
    assert_true(refused >= CLIENTS - 4 && refused < CLIENTS);
    expect_rest(&t, "without descriptors");
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    char *answer = client_talk(&t, "GET /hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    assert_non_null(strstr(answer, "hello\n"));
    free(answer);
    server_stop(&t);
}

static void on_drained(void *user)
{
    struct test_server *t = user;
    atomic_store(&t->drained, 1);
}

static void drain(struct test_server *t)
{
    http_server_drain(t->http, on_drained, t);
}

static void a_drained_server_ends_politely(void **state)
{
    struct test_server t;
    char found[1024];
    (void)state;
    server_start(&t, NULL, NULL, NULL, NULL);
    const int idle = client_open(&t), kept = client_open(&t), waiting = client_open(&t), streaming = client_open(&t);
    client_send(kept, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    client_expect(kept, "hello\n", found, sizeof found);
    assert_null(strstr(found, "Connection: close"));
    client_send(streaming, "GET /stream?n=100 HTTP/1.1\r\n" HOST "\r\n");
    client_expect(streaming, "piece", found, sizeof found);
    client_send(waiting, "GET /later HTTP/1.1\r\n" HOST "\r\n");
    wait_for(&t.begun, 3);
    server_call(&t, drain);
    const int late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)t.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(late, (const struct sockaddr *)&sa, sizeof sa), -1);
    close(late);
    client_send(kept, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    char *answer = client_read_all(kept, NULL);
    assert_true(answer && strstr(answer, "Connection: close\r\n") && strstr(answer, "hello\n"));
    free(answer);
    answer = client_read_all(waiting, NULL);
    assert_true(answer && strstr(answer, "later\n"));
    free(answer);
    assert_int_equal(atomic_load(&t.drained), 0);
    assert_true(client_is_closed(streaming) && client_is_closed(idle));
    wait_for(&t.drained, 1);
    close(idle);
    close(kept);
    close(waiting);
    close(streaming);
    server_stop(&t);
}

static void an_empty_server_is_drained_at_once(void **state)
{
    struct test_server t;
    (void)state;
    server_start(&t, NULL, NULL, NULL, NULL);
    server_call(&t, drain);
    wait_for(&t.drained, 1);
    server_stop(&t);
}

static void a_server_may_stop_in_the_middle(void **state)
{
    static const char *const requests[] = {"GET /never HTTP/1.1\r\n" HOST "\r\n",
                                           "GET /endless HTTP/1.1\r\n" HOST "\r\n",
                                           "GET /big HTTP/1.1\r\n" HOST "\r\n",
                                           "GET /hel",
                                           "",
                                           "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 30\r\n\r\nabc",
                                           "POST /refused HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n\r\nabc"};
    struct test_server t;
    int fds[sizeof requests / sizeof *requests];
    (void)state;
    server_start(&t, NULL, NULL, NULL, NULL);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        fds[i] = client_open(&t);
        client_send(fds[i], requests[i]);
    }
    wait_for(&t.begun, 3);
    server_stop(&t);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        assert_true(client_is_closed(fds[i]));
        close(fds[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_hangs_up_is_missed_at_once),
        cmocka_unit_test(what_was_said_before_the_end_counts),
        cmocka_unit_test(nothing_spins),
        cmocka_unit_test(who_reads_too_slowly_is_dropped),
        cmocka_unit_test(time_is_limited),
        cmocka_unit_test(who_takes_nothing_of_an_answer_is_dropped),
        cmocka_unit_test(one_too_many_is_told_so),
        cmocka_unit_test(one_address_has_its_share),
        cmocka_unit_test(thousands_may_be_idle),
        cmocka_unit_test(descriptors_may_run_out),
        cmocka_unit_test(a_drained_server_ends_politely),
        cmocka_unit_test(an_empty_server_is_drained_at_once),
        cmocka_unit_test(a_server_may_stop_in_the_middle),
    };
    return cmocka_run_group_tests_name("http_connections", tests, NULL, NULL);
}
