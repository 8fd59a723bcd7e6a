/* WebSockets both ways on one loop: our client against our server, raw bytes against our server, and a false server
 * against our client. */
#include "test.h"

#include "base/clock.h"
#include "net/http_server.h"
#include "net/websocket_parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE  10.0 /* seconds until a test gives up */
#define PEERS_MAX 32

struct stage;

/* One end of a websocket, and what it has heard. */
struct peer {
    struct stage *stage;
    struct websocket *ws;
    struct buf last;
    int opened, closed, code, binary, messages;
    int echoes, frees; /* what it does with a message */
    char why[96];
};

struct stage {
    struct loop *loop;
    struct http_server *http;
    struct loop_timer tick;
    struct peer ours[PEERS_MAX]; /* the server's side, in the order in which they came */
    int count, port;
};

/* -------- helpers -------- */

static void on_tick(void *user)
{
    loop_stop(user);
}

static void turn(struct stage *s)
{
    loop_timer_start(s->loop, &s->tick, 0.001, on_tick, s->loop);
    assert_int_equal(loop_run(s->loop, NULL), 0);
}

#define AWAIT(s, condition)                                                                          \
    for (const double until = clock_seconds() + PATIENCE; !(condition); turn(s))                     \
    assert_true(clock_seconds() < until)

static void on_open(void *user)
{
    ((struct peer *)user)->opened++;
}

static void on_message(void *user, int binary, const void *data, size_t len)
{
    struct peer *p = user;
    p->messages++;
    p->binary = binary;
    p->last.len = 0;
    assert_int_equal(buf_add(&p->last, data, len), 0);
    if (p->echoes)
        (void)websocket_send(p->ws, binary, data, len);
    if (p->frees) {
        websocket_free(p->ws);
        p->ws = NULL;
    }
}

static void on_close(void *user, int code, const char *why)
{
    struct peer *p = user;
    p->ws = NULL;
    p->closed++;
    p->code = code;
    snprintf(p->why, sizeof p->why, "%s", why);
}

static struct websocket_events events_of(struct peer *p)
{
    return (struct websocket_events){on_open, on_message, on_close, p};
}

static void on_request(void *user, struct http_request *r)
{
    struct stage *s = user;
    struct peer *p = &s->ours[s->count];
    p->stage = s;
    p->echoes = strcmp(http_path(r), "/echo") == 0;
    p->frees = strcmp(http_path(r), "/frees") == 0;
    const struct websocket_events events = events_of(p);
    if (s->count < PEERS_MAX && websocket_accept(r, &events, &p->ws) == 0)
        s->count++;
}

static void on_head(void *user, struct http_request *r)
{
    (void)user;
    (void)r;
}

static void on_done(void *user, struct http_request *r, const struct http_done *done)
{
    (void)user;
    (void)r;
    (void)done;
}

static void stage_open(struct stage *s)
{
    const struct http_server_params params = {
        .on_head = on_head, .on_request = on_request, .on_done = on_done, .user = s};
    struct sockaddr_in sa;
    socklen_t n = sizeof sa;
    int fd;
    memset(s, 0, sizeof *s);
    assert_int_equal(loop_create(&s->loop, NULL), 0);
    assert_int_equal(http_server_create(s->loop, &params, &s->http, NULL), 0);
    assert_int_equal(http_listen_open("127.0.0.1:0", 0, &fd, NULL), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
    s->port = ntohs(sa.sin_port);
    assert_int_equal(http_server_listen(s->http, fd, NULL), 0);
}

static void stage_close(struct stage *s)
{
    for (int i = 0; i < s->count; i++) {
        websocket_free(s->ours[i].ws);
        buf_release(&s->ours[i].last);
    }
    http_server_free(s->http);
    loop_timer_stop(&s->tick);
    loop_free(s->loop);
}

static void connect_to(struct stage *s, int port, const char *path, struct peer *p)
{
    char url[128];
    struct error err = {0};
    memset(p, 0, sizeof *p);
    p->stage = s;
    const struct websocket_events events = events_of(p);
    snprintf(url, sizeof url, "ws://127.0.0.1:%d%s", port, path);
    if (websocket_connect(s->loop, url, NULL, NULL, &events, &p->ws, &err))
        fail_msg("%s", err.text);
}

static void peer_release(struct peer *p)
{
    websocket_free(p->ws);
    buf_release(&p->last);
}

/* -------- raw bytes -------- */

static int raw_open(const struct stage *s)
{
    const struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)s->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&sa, sizeof sa), 0);
    return fd;
}

static void raw_send(struct stage *s, int fd, const void *data, size_t len)
{
    const char *p = data;
    for (const double until = clock_seconds() + PATIENCE; len;) {
        const ssize_t n = send(fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        assert_true(n > 0 || errno == EAGAIN);
        assert_true(clock_seconds() < until);
        p += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
        turn(s);
    }
}

/* At least `want` bytes, or up to the end of the connection; what was read. */
static size_t raw_read(struct stage *s, int fd, char *to, size_t size, size_t want)
{
    size_t len = 0;
    for (const double until = clock_seconds() + PATIENCE; len < want;) {
        const ssize_t n = recv(fd, to + len, size - len, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            break;
        len += n > 0 ? (size_t)n : 0;
        assert_true(clock_seconds() < until);
        if (n < 0)
            turn(s);
    }
    return len;
}

static const char upgrade[] = "GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
                              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/* A raw client whose handshake is done (the sample of RFC 6455 1.3). */
static int raw_upgrade(struct stage *s, const char *path)
{
    char text[512];
    const int fd = raw_open(s), n = snprintf(text, sizeof text, upgrade, path);
    raw_send(s, fd, text, (size_t)n);
    size_t len = 0;
    do {
        assert_true(len < sizeof text - 1);
        assert_int_equal(raw_read(s, fd, text + len, 1, 1), 1);
        text[++len] = '\0';
    } while (!strstr(text, "\r\n\r\n"));
    assert_non_null(strstr(text, "101"));
    assert_non_null(strstr(text, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    return fd;
}

/* -------- messages -------- */

static void messages_come_back(void **state)
{
    static const size_t sizes[] = {0, 1, 125, 126, 65535, 65536, WS_MESSAGE_MAX};
    struct stage s;
    struct peer p;
    (void)state;
    stage_open(&s);
    connect_to(&s, s.port, "/echo", &p);
    assert_int_equal(websocket_send(p.ws, 0, "early", 5), E_CANCELLED);
    AWAIT(&s, p.opened);
    char *data = malloc(WS_MESSAGE_MAX);
    for (size_t i = 0; i < WS_MESSAGE_MAX; i++)
        data[i] = (char)('a' + i % 23);
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
        const size_t n = sizes[i / 2];
        const int before = p.messages;
        if (i % 2)
            data[0] = (char)0xFF; /* bytes need not be text */
        assert_int_equal(websocket_send(p.ws, (int)i % 2, data, n), 0);
        data[0] = 'a';
        AWAIT(&s, p.messages > before || p.closed);
        assert_int_equal(p.closed, 0);
        assert_int_equal(p.binary, (int)i % 2);
        assert_int_equal(p.last.len, n);
        if (n > 1)
            assert_memory_equal(p.last.ptr + 1, data + 1, n - 1);
    }
    assert_int_equal(websocket_backlog(p.ws), 0);
    free(data);
    peer_release(&p);
    AWAIT(&s, s.ours[0].closed); /* the server sees that the connection is gone */
    assert_int_equal(s.ours[0].code, 1006);
    stage_close(&s);
}

static void fragments_are_put_together_around_a_ping(void **state)
{
    /* "你" cut within the character, masked with zeros; a ping between the parts */
    static const char frames[] = "\x01\x82\0\0\0\0\xE4\xBD" "\x89\x82\0\0\0\0hi" "\x80\x81\0\0\0\0\xA0";
    static const char expected[] = "\x8A\x02hi" "\x81\x03\xE4\xBD\xA0";
    struct stage s;
    char got[16];
    (void)state;
    stage_open(&s);
    const int fd = raw_upgrade(&s, "/echo");
    for (size_t i = 0; i < sizeof frames - 1; i++) /* byte by byte */
        raw_send(&s, fd, frames + i, 1);
    assert_int_equal(raw_read(&s, fd, got, sizeof got, sizeof expected - 1), sizeof expected - 1);
    assert_memory_equal(got, expected, sizeof expected - 1);
    close(fd);
    stage_close(&s);
}

static void pings_are_sent_and_pongs_are_heard(void **state)
{
    struct stage s;
    char got[4];
    (void)state;
    stage_open(&s);
    const int fd = raw_upgrade(&s, "/quiet");
    AWAIT(&s, s.count == 1);
    const double before = websocket_last_heard(s.ours[0].ws);
    assert_int_equal(websocket_ping(s.ours[0].ws), 0);
    assert_int_equal(raw_read(&s, fd, got, sizeof got, 2), 2);
    assert_memory_equal(got, "\x89\x00", 2);
    raw_send(&s, fd, "\x8A\x80\0\0\0\0", 6);
    AWAIT(&s, websocket_last_heard(s.ours[0].ws) > before);
    assert_int_equal(s.ours[0].messages, 0);
    close(fd);
    stage_close(&s);
}

static void one_frame_goes_to_many(void **state)
{
    struct stage s;
    struct peer peers[20];
    struct ws_frame *f;
    char text[70000];
    (void)state;
    memset(text, 'x', sizeof text);
    stage_open(&s);
    for (int i = 0; i < 20; i++)
        connect_to(&s, s.port, "/quiet", &peers[i]);
    for (int i = 0; i < 20; i++)
        AWAIT(&s, peers[i].opened);
    assert_int_equal(ws_frame_create(1, text, sizeof text, &f), 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(websocket_send_frame(s.ours[i].ws, f), 0);
    ws_frame_unref(f); /* those who wait hold their own */
    for (int i = 0; i < 20; i++) {
        AWAIT(&s, peers[i].messages);
        assert_int_equal(peers[i].last.len, sizeof text);
        assert_int_equal(peers[i].binary, 1);
        peer_release(&peers[i]);
    }
    stage_close(&s);
}

static void who_does_not_read_is_not_waited_for(void **state)
{
    static char block[1 << 18];
    struct stage s;
    struct peer p;
    int rc = 0;
    (void)state;
    stage_open(&s);
    const int fd = raw_upgrade(&s, "/quiet");
    AWAIT(&s, s.count == 1);
    for (int i = 0; i < 1000 && !rc; i++) {
        rc = websocket_send(s.ours[0].ws, 1, block, sizeof block);
        turn(&s);
    }
    assert_int_equal(rc, E_LIMIT);
    assert_in_range(websocket_backlog(s.ours[0].ws), WS_BACKLOG_MAX / 2, WS_BACKLOG_MAX + 1024);
    connect_to(&s, s.port, "/echo", &p); /* others are served meanwhile */
    AWAIT(&s, p.opened);
    assert_int_equal(websocket_send(p.ws, 0, "hi", 2), 0);
    AWAIT(&s, p.messages);
    peer_release(&p);
    close(fd);
    AWAIT(&s, s.ours[0].closed);
    stage_close(&s);
}

/* A long clip is more than may wait: it goes alone, and short controls behind it; what is too much then is refused. */
static void one_message_over_the_limit_goes_alone(void **state)
{
    static const size_t len = WS_BACKLOG_MAX + (24u << 20); /* more than the kernel takes and the limit together */
    struct stage s;
    struct ws_frame *f;
    char *data = calloc(1, len), *got = malloc(len + 64);
    (void)state;
    stage_open(&s);
    const int fd = raw_upgrade(&s, "/quiet");
    AWAIT(&s, s.count == 1);
    assert_int_equal(ws_frame_create(1, data, len, &f), 0);
    for (int i = 0; i < 2; i++) {
        const size_t bytes = 10 + len + 2 + 4;
        assert_int_equal(websocket_send_frame(s.ours[0].ws, f), 0);
        assert_true(websocket_backlog(s.ours[0].ws) > WS_BACKLOG_MAX / 2);
        assert_int_equal(websocket_send(s.ours[0].ws, 0, "skip", 4), 0);
        assert_int_equal(websocket_send_frame(s.ours[0].ws, f), E_LIMIT);
        assert_int_equal(raw_read(&s, fd, got, bytes, bytes), bytes);
        assert_memory_equal(got + bytes - 4, "skip", 4);
        AWAIT(&s, websocket_backlog(s.ours[0].ws) == 0);
    }
    assert_int_equal(s.ours[0].closed, 0);
    ws_frame_unref(f);
    free(data);
    free(got);
    close(fd);
    stage_close(&s);
}

static void a_callback_may_free_its_websocket(void **state)
{
    /* two messages in one piece: the second comes to nobody */
    static const char frames[] = "\x81\x81\0\0\0\0a" "\x81\x81\0\0\0\0b";
    struct stage s;
    char got[8];
    (void)state;
    stage_open(&s);
    const int fd = raw_upgrade(&s, "/frees");
    raw_send(&s, fd, frames, sizeof frames - 1);
    assert_int_equal(raw_read(&s, fd, got, sizeof got, 1), 0);
    assert_int_equal(s.ours[0].messages, 1);
    assert_int_equal(s.ours[0].closed, 0);
    close(fd);
    stage_close(&s);
}

/* -------- goodbyes -------- */

static void goodbyes_have_their_codes(void **state)
{
    struct stage s;
    struct peer p;
    (void)state;
    stage_open(&s);
    for (int from_server = 0; from_server < 2; from_server++) {
        connect_to(&s, s.port, "/quiet", &p);
        AWAIT(&s, p.opened && s.count == from_server + 1);
        struct peer *ours = &s.ours[from_server];
        struct websocket *closer = from_server ? ours->ws : p.ws;
        websocket_close(closer, 4001, "enough");
        assert_int_equal(websocket_send(closer, 0, "x", 1), E_CANCELLED);
        websocket_close(closer, 4002, "again"); /* without effect */
        AWAIT(&s, p.closed && ours->closed);
        assert_int_equal(p.code, 4001);
        assert_int_equal(ours->code, 4001);
        assert_int_equal(p.messages + ours->messages, 0);
        peer_release(&p);
    }
    stage_close(&s);
}

static void what_is_no_protocol_is_closed_with_its_code(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        int code; /* 0: without one */
        const char *what;
    } cases[] = {
        {"\x81\x01" "a", 3, 1002, "not masked"},
        {"\x81\x81\0\0\0\0\xFF", 7, 1007, "no UTF-8"},
        {"\x81\x82\0\0\0\0\xED\xA0", 8, 1007, "half a surrogate"},
        {"\xC1\x81\0\0\0\0a", 7, 1002, "a reserved bit"},
        {"\x83\x80\0\0\0\0", 6, 1002, "an unknown kind"},
        {"\x80\x80\0\0\0\0", 6, 1002, "the end of nothing"},
        {"\x09\x80\0\0\0\0", 6, 0, "a ping in parts"},
        {"\x89\xFE\0\x7E\0\0\0\0", 8, 0, "a long ping"},
        {"\x88\x81\0\0\0\0\x03", 7, 0, "half a code"},
        {"\x88\x82\0\0\0\0\x03\xED", 8, 1002, "a code that nobody may send"},
        {"\x82\xFF\0\0\0\0\0\x10\0\x01\0\0\0\0a", 15, 1009, "a byte too much"},
        {"\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0a", 15, 1009, "endless"},
        {"\x01\x81\0\0\0\0a\x01\x81\0\0\0\0b", 14, 1002, "a message within a message"},
    };
    struct stage s;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned char got[8];
        stage_open(&s);
        const int fd = raw_upgrade(&s, "/echo");
        raw_send(&s, fd, cases[i].bytes, cases[i].len);
        const size_t n = raw_read(&s, fd, (char *)got, sizeof got, 4);
        const int code = n < 4 || got[0] != 0x88 ? 0 : got[2] << 8 | got[3];
        if (code != cases[i].code)
            fail_msg("%s: %zu bytes, %d (%s)", cases[i].what, n, code, s.ours[0].why);
        AWAIT(&s, s.ours[0].closed); /* the peer's goodbye is not waited for */
        assert_int_equal(s.ours[0].messages, 0);
        close(fd);
        stage_close(&s);
    }
}

/* -------- handshakes -------- */

static void what_is_no_upgrade_is_answered_in_words(void **state)
{
    static const struct {
        const char *headers;
        int status;
    } cases[] = {
        {"", 426},
        {"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: "
         "dGhlIHNhbXBsZSBub25jZQ==\r\n", 426},
        {"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n", 400},
        {"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n", 400},
        {"Upgrade: h2c\r\nConnection: Upgrade\r\n", 426},
    };
    struct stage s;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512], status[16];
        stage_open(&s);
        const int fd = raw_open(&s);
        const int n = snprintf(text, sizeof text, "GET /echo HTTP/1.1\r\nHost: x\r\n%s\r\n", cases[i].headers);
        raw_send(&s, fd, text, (size_t)n);
        memset(text, 0, sizeof text);
        (void)raw_read(&s, fd, text, sizeof text - 1, 12);
        snprintf(status, sizeof status, "HTTP/1.1 %d", cases[i].status);
        if (strncmp(text, status, 12) != 0)
            fail_msg("case %zu: \"%.40s\"", i, text);
        assert_int_equal(s.count, 0);
        close(fd);
        stage_close(&s);
    }
}

/* A server of the test's: takes the connection of `p` and reads its request. */
static int false_server(struct stage *s, struct peer *p, char *request, size_t size)
{
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof sa;
    int fd = -1;
    size_t len = 0;
    assert_int_equal(bind(listener, (struct sockaddr *)&sa, sizeof sa), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&sa, &n), 0);
    connect_to(s, ntohs(sa.sin_port), "/x?a=b#c", p);
    AWAIT(s, (fd = accept(listener, NULL, NULL)) >= 0);
    close(listener);
    do {
        assert_true(len < size - 1);
        assert_int_equal(raw_read(s, fd, request + len, 1, 1), 1);
        request[++len] = '\0';
    } while (!strstr(request, "\r\n\r\n"));
    return fd;
}

static void false_servers_are_told_apart(void **state)
{
    static const struct {
        const char *answer, *why;
    } cases[] = {
        {"HTTP/1.1 403 Forbidden\r\n\r\n", "refused: 403 Forbidden"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "refused: 200"},
        {"SSH-2.0-x\r\n\r\n", "not HTTP"},
        {"HTTP/1.1 101 x\r\nSec-WebSocket-Accept: AAAA\r\n\r\n", "does not belong"},
        {"HTTP/1.1 101 x\r\n\r\n", "does not belong"},
        {"HTTP/1.1 101", ""},
        {"", ""},
    };
    struct stage s;
    (void)state;
    stage_open(&s);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct peer p;
        char request[1024];
        const int fd = false_server(&s, &p, request, sizeof request);
        assert_int_equal(strncmp(request, "GET /x?a=b HTTP/1.1\r\n", 21), 0);
        raw_send(&s, fd, cases[i].answer, strlen(cases[i].answer));
        close(fd);
        AWAIT(&s, p.closed);
        assert_int_equal(p.opened, 0);
        assert_int_equal(p.code, 1006);
        if (!strstr(p.why, cases[i].why))
            fail_msg("\"%s\" instead of \"%s\"", p.why, cases[i].why);
        peer_release(&p);
    }
    stage_close(&s);
}

static void an_endless_answer_is_given_up(void **state)
{
    struct stage s;
    struct peer p;
    char request[1024], block[1024];
    (void)state;
    memset(block, 'a', sizeof block);
    stage_open(&s);
    const int fd = false_server(&s, &p, request, sizeof request);
    for (int i = 0; i < 64 && !p.closed; i++) {
        (void)send(fd, block, sizeof block, MSG_NOSIGNAL | MSG_DONTWAIT);
        turn(&s);
    }
    AWAIT(&s, p.closed);
    assert_non_null(strstr(p.why, "without end"));
    close(fd);
    peer_release(&p);
    stage_close(&s);
}

/* The handshake in single bytes, with the first frame on its heels; then the line is cut within a frame. */
static void a_slow_handshake_and_a_cut_line(void **state)
{
    struct stage s;
    struct peer p;
    char request[1024], key[WS_KEY_LENGTH + 1] = "", accept[WS_ACCEPT_LENGTH + 1], answer[256];
    (void)state;
    stage_open(&s);
    const int fd = false_server(&s, &p, request, sizeof request);
    snprintf(key, sizeof key, "%s", strstr(request, "Sec-WebSocket-Key: ") + 19);
    assert_int_equal(websocket_accept_key(key, accept), 0);
    const int n = snprintf(answer, sizeof answer,
                           "HTTP/1.1 101 Switching\r\nsec-websocket-accept:  %s\r\n\r\n\x81\x02hi\x81\x05hal", accept);
    for (int i = 0; i < n; i++)
        raw_send(&s, fd, answer + i, 1);
    AWAIT(&s, p.messages);
    assert_string_equal(p.last.ptr, "hi");
    close(fd);
    AWAIT(&s, p.closed);
    assert_int_equal(p.code, 1006);
    assert_int_equal(p.messages, 1);
    peer_release(&p);
    stage_close(&s);
}

static void addresses_that_are_none(void **state)
{
    static const char *const urls[] = {"http://x/",          "ws://", "wss:///x", "ws://u:p@x/",
                                       "ws://x/a b",
                                       "ws://x/\r\nHost: y", ""};
    struct stage s;
    struct peer p = {0};
    (void)state;
    stage_open(&s);
    const struct websocket_events events = events_of(&p);
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct error err = {0};
        if (websocket_connect(s.loop, urls[i], NULL, NULL, &events, &p.ws, &err) != E_ARG)
            fail_msg("%s", urls[i]);
        assert_non_null(strstr(err.text, "\""));
    }
    assert_null(p.ws);
    stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_back),
        cmocka_unit_test(fragments_are_put_together_around_a_ping),
        cmocka_unit_test(pings_are_sent_and_pongs_are_heard),
        cmocka_unit_test(one_frame_goes_to_many),
        cmocka_unit_test(who_does_not_read_is_not_waited_for),
        cmocka_unit_test(one_message_over_the_limit_goes_alone),
        cmocka_unit_test(a_callback_may_free_its_websocket),
        cmocka_unit_test(goodbyes_have_their_codes),
        cmocka_unit_test(what_is_no_protocol_is_closed_with_its_code),
        cmocka_unit_test(what_is_no_upgrade_is_answered_in_words),
        cmocka_unit_test(false_servers_are_told_apart),
        cmocka_unit_test(an_endless_answer_is_given_up),
        cmocka_unit_test(a_slow_handshake_and_a_cut_line),
        cmocka_unit_test(addresses_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
