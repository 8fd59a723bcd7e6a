/* What the HTTP server does with what clients send: well formed, malformed, ambiguous, in pieces, too large. */
#include "http_test_server.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST  "Host: x\r\n"
#define CLOSE HOST "Connection: close\r\n\r\n"

static int start(void **state)
{
    static struct test_server server;
    server_start(&server, NULL, NULL, NULL, NULL);
    *state = &server;
    return 0;
}

static int stop(void **state)
{
    server_stop(*state);
    return 0;
}

static int starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static int ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static size_t count_of(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, part)); p += strlen(part))
        n++;
    return n;
}

static void requests_are_answered(void **state)
{
    static const struct {
        const char *request, *status, *end;
    } cases[] = {
        {"GET /hello HTTP/1.1\r\n" CLOSE, "200 OK", "\r\n\r\nhello\n"},
        {"GET /hello HTTP/1.0\r\n\r\n", "200 OK", "\r\n\r\nhello\n"},
        {"\r\n\r\nGET /hello HTTP/1.1\r\n" CLOSE, "200 OK", "\r\n\r\nhello\n"},
        {"HEAD /hello HTTP/1.1\r\n" CLOSE, "200 OK", "\r\n\r\n"},
        {"HEAD /stream HTTP/1.1\r\n" CLOSE, "200 OK", "\r\n\r\n"},
        {"HEAD /later HTTP/1.1\r\n" CLOSE, "200 OK", "\r\n\r\n"},
        {"GET /later HTTP/1.1\r\n" CLOSE, "200 OK", "\r\n\r\nlater\n"},
        {"GET /later HTTP/1.0\r\n\r\n", "200 OK", "\r\n\r\nlater\n"},
        {"GET /stream?n=2 HTTP/1.0\r\n\r\n", "200 OK", "\r\n\r\npiece 1\npiece 0\n"},
        {"GET /stream?n=2 HTTP/1.1\r\n" CLOSE, "200 OK", "0\r\n\r\n"},
        {"GET /no HTTP/1.1\r\n" CLOSE, "404 Not Found", "nothing here\n"},
        {"GET /refused HTTP/1.1\r\n" CLOSE, "401 Unauthorized", "who are you\n"},
        {"GET /target/a%20b/%E5%A5%BD?q=1%2B1+2&r=%26 HTTP/1.1\r\n" CLOSE, "200 OK",
         "GET /target/a b/好 q=1+1 2 host=x\n"},
        {"GET http://Example.org:80/target?q=a/b HTTP/1.1\r\n" CLOSE, "200 OK",
         "GET /target q=a/b host=Example.org:80\n"},
        {"GET /target?q HTTP/1.1\r\n" CLOSE, "200 OK", "q=- host=x\n"},
        {"DELETE /target HTTP/1.1\r\n" CLOSE, "200 OK", "DELETE /target q=- host=x\n"},
        {"POST /echo HTTP/1.1\r\nContent-Length: 3\r\n" CLOSE "abc", "200 OK", "\r\n\r\nabc"},
        {"POST /echo HTTP/1.1\r\nContent-Length: 0\r\n" CLOSE, "200 OK", "Content-Length: 0\r\n\r\n"},
        {"POST /echo HTTP/1.1\r\n" CLOSE, "200 OK", "Content-Length: 0\r\n\r\n"},
        {"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" CLOSE "3\r\nabc\r\n2;x=\"y\"\r\nde\r\n0\r\n\r\n",
         "200 OK", "\r\n\r\nabcde"},
        {"POST /echo HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n" CLOSE "0\r\nX-Trailer: 1\r\n\r\n", "200 OK",
         "Content-Length: 0\r\n\r\n"},
        {"POST /refused HTTP/1.1\r\nContent-Length: 3\r\n" CLOSE "abc", "401 Unauthorized", "who are you\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *answer = client_talk(*state, cases[i].request);
        if (!starts_with(answer, "HTTP/1.") || !starts_with(answer + 9, cases[i].status) ||
            !ends_with(answer, cases[i].end))
            fail_msg("case %zu: expected %s ... \"%s\", found \"%s\"", i, cases[i].status, cases[i].end, answer);
        free(answer);
    }
}

static void what_is_no_request_is_refused(void **state)
{
    static const struct {
        const char *request, *status; /* "": the connection is closed without a word */
    } cases[] = {
        {"\x16\x03\x01\x02\r\n\r\n", ""},
        {"GET\r\n\r\n", ""},
        {"GET /hello\r\n\r\n", "400"},
        {"GET /hello HTTP/3.0\r\n" CLOSE, "505"},
        {"GET /hello HTTP/0.9\r\n" CLOSE, "505"},
        {"GET /hello http/1.1\r\n" CLOSE, "400"},
        {"G@T /hello HTTP/1.1\r\n" CLOSE, "400"},
        {"GET hello HTTP/1.1\r\n" CLOSE, "400"},
        {"GET * HTTP/1.1\r\n" CLOSE, "400"},
        {"CONNECT example.org:80 HTTP/1.1\r\n" CLOSE, "400"},
        {"GET ftp://example.org/hello HTTP/1.1\r\n" CLOSE, "400"},
        {"GET http:///hello HTTP/1.1\r\n" CLOSE, "400"},
        {"GET /hello x HTTP/1.1\r\n" CLOSE, "400"},
        {"GET /hello%00 HTTP/1.1\r\n" CLOSE, "400"},
        {"GET /hello%0a HTTP/1.1\r\n" CLOSE, "400"},
        {"GET /hello\x01 HTTP/1.1\r\n" CLOSE, "400"},
        {"GET /hello% HTTP/1.1\r\n" CLOSE, "400"},
        {"GET /hello%4 HTTP/1.1\r\n" CLOSE, "400"},
        {"GET /hello%zz HTTP/1.1\r\n" CLOSE, "400"},
        {"GET /target%2Fhello HTTP/1.1\r\n" CLOSE, "400"},
        {"GET /target/%FF HTTP/1.1\r\n" CLOSE, "400"},
        {"GET /target?q=%FF HTTP/1.1\r\n" CLOSE, "400"},
        {"GET /target?q=%00 HTTP/1.1\r\n" CLOSE, "400"},
        {"GET /target?q=%x HTTP/1.1\r\n" CLOSE, "400"},
        {"GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n", "400"},
        {"GET /hello HTTP/1.1\r\n" HOST CLOSE, "400"},
        {"GET /hello HTTP/1.1\r\nX Y: 1\r\n" CLOSE, "400"},
        {"GET /hello HTTP/1.1\r\nX : 1\r\n" CLOSE, "400"},
        {"GET /hello HTTP/1.1\r\n: 1\r\n" CLOSE, "400"},
        {"GET /hello HTTP/1.1\r\nnonsense\r\n" CLOSE, "400"},
        {"GET /hello HTTP/1.1\r\nX: a\rb\r\n" CLOSE, "400"},
        {"POST /echo HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n" CLOSE "abcd", "400"},
        {"POST /echo HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n" CLOSE "abc", "400"},
        {"POST /echo HTTP/1.1\r\nContent-Length: 3, 3\r\n" CLOSE "abc", "400"},
        {"POST /echo HTTP/1.1\r\nContent-Length: +3\r\n" CLOSE "abc", "400"},
        {"POST /echo HTTP/1.1\r\nContent-Length: -3\r\n" CLOSE "abc", "400"},
        {"POST /echo HTTP/1.1\r\nContent-Length: 0x3\r\n" CLOSE "abc", "400"},
        {"POST /echo HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n" CLOSE, "413"},
        {"POST /echo HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n" CLOSE, "413"},
        {"POST /echo HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n" CLOSE "0\r\n\r\n", "400"},
        {"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" CLOSE "0\r\n\r\n",
         "400"},
        {"POST /echo HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n" CLOSE "0\r\n\r\n", "501"},
        {"POST /echo HTTP/1.1\r\nTransfer-Encoding: identity\r\n" CLOSE "abc", "501"},
        {"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" CLOSE "0\r\n\r\n", "501"},
        {"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" CLOSE "x\r\n", "400"},
        {"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" CLOSE "-1\r\n", "400"},
        {"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" CLOSE "fffffffffffffffff\r\n", "413"},
        {"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" CLOSE "1\r\nabc\r\n", "400"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *answer = client_talk(*state, cases[i].request);
        if (cases[i].status[0] && !strstr(answer, "Connection: close"))
            fail_msg("case %zu: the connection is kept", i);
        if (cases[i].status[0] ? !starts_with(answer, "HTTP/1.1 ") || !starts_with(answer + 9, cases[i].status)
                               : answer[0] != '\0')
            fail_msg("case %zu: expected \"%s\", found \"%s\"", i, cases[i].status, answer);
        free(answer);
    }
}

static void what_is_refused_is_counted(void **state)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"GET /hello HTTP/1.1\r\nnonsense\r\n\r\n", 400},
        {"GET /hello HTTP/1.1\r\n\r\n", 400},
        {"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" CLOSE "x\r\n", 400},
        {"POST /echo HTTP/1.1\r\nContent-Length: 2000000\r\n" CLOSE, 413},
    };
    struct test_server *t = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int before = atomic_load(&t->done);
        free(client_talk(t, cases[i].request));
        wait_for(&t->done, before + 1);
        assert_int_equal(atomic_load(&t->status), cases[i].status);
    }
}

static void a_connection_is_kept(void **state)
{
    static const char *const requests[] = {"GET /hello",   "GET /later", "GET /stream?n=2",
                                           "GET /refused", "GET /no",    "HEAD /hello"};
    char found[4096];
    const int fd = client_open(*state);
    for (size_t i = 0; i < 3 * sizeof requests / sizeof *requests; i++) {
        char text[128];
        const char *request = requests[i % (sizeof requests / sizeof *requests)];
        static const char *const ends[] = {"\r\n\r\nhello\n", "later\n", "0\r\n\r\n",
                                           "who are you\n",   "here\n",  "\r\n\r\n"};
        snprintf(text, sizeof text, "%s HTTP/1.1\r\n" HOST "\r\n", request);
        client_send(fd, text);
        client_expect(fd, ends[i % (sizeof requests / sizeof *requests)], found, sizeof found);
    }
    /* refused, and yet kept: the body was small */
    client_send(fd,
                "POST /refused HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabcGET /hello HTTP/1.1\r\n" HOST "\r\n");
    client_expect(fd, "\r\n\r\nhello\n", found, sizeof found);
    assert_non_null(strstr(found, "401 "));
    close(fd);
}

static void requests_may_come_at_once(void **state)
{
    struct test_server *t = *state;
    static const char text[] = "GET /later HTTP/1.1\r\n" HOST "\r\n"
                               "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"
                               "GET /stream?n=2 HTTP/1.1\r\n" HOST "\r\n"
                               "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nxyz\r\n0\r\n\r\n"
                               "HEAD /later HTTP/1.1\r\n" HOST "\r\n"
                               "GET /hello HTTP/1.1\r\n" CLOSE;
    for (size_t step = sizeof text; step > 0; step = step > 7 ? 7 : step > 1 ? 1 : 0) { /* whole, in sevens, in ones */
        const int fd = client_open(t);
        for (size_t i = 0; i < sizeof text - 1; i += step)
            client_send_bytes(fd, text + i, step < sizeof text - 1 - i ? step : sizeof text - 1 - i);
        char *answer = client_read_all(fd, NULL);
        assert_non_null(answer);
        const char *order[] = {"later\n",     "\r\n\r\nabc",       "piece 0\n",
                               "\r\n\r\nxyz", "Content-Length: 6", "\r\n\r\nhello\n"};
        const char *at = answer;
        for (size_t i = 0; i < sizeof order / sizeof *order; i++)
            if (!(at = strstr(at, order[i])))
                fail_msg("no \"%s\" in its place in %s", order[i], answer);
        assert_int_equal(count_of(answer, "HTTP/1.1 200 OK"), 6);
        free(answer);
        close(fd);
    }
}

static void headers_cannot_be_smuggled_out(void **state)
{
    char *answer = client_talk(*state, "GET /no HTTP/1.1\r\nx-request-id: my.id-1\r\n" CLOSE);
    assert_null(strstr(answer, "Smuggled"));
    assert_non_null(strstr(answer, "x-request-id: my.id-1\r\n"));
    free(answer);
    answer = client_talk(*state, "GET /no HTTP/1.1\r\nx-request-id: not good\r\n" CLOSE);
    assert_null(strstr(answer, "not good"));
    assert_non_null(strstr(answer, "x-request-id: "));
    free(answer);
}

static void large_headers_are_refused(void **state)
{
    static const struct {
        const char *before;
        size_t filler;
        const char *after, *status;
    } cases[] = {
        {"GET /target?q=", 8000, " HTTP/1.1\r\n" CLOSE, "200"},
        {"GET /target?q=", 17000, " HTTP/1.1\r\n" CLOSE, "431"},
        {"GET /target?q=", 100000, " HTTP/1.1\r\n" CLOSE, "414"},
        {"GET /hello HTTP/1.1\r\nX: ", 15000, "\r\n" CLOSE, "200"},
        {"GET /hello HTTP/1.1\r\nX: ", 17000, "\r\n" CLOSE, "431"},
        {"GET /hello HTTP/1.1\r\nX: ", 1000000, "\r\n" CLOSE, "431"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf text = BUF_INIT;
        assert_int_equal(buf_add_str(&text, cases[i].before), 0);
        for (size_t k = 0; k < cases[i].filler; k++)
            assert_int_equal(buf_add_char(&text, 'a'), 0);
        assert_int_equal(buf_add_str(&text, cases[i].after), 0);
        char *answer = client_talk(*state, text.ptr);
        if (!starts_with(answer, "HTTP/1.1 ") || !starts_with(answer + 9, cases[i].status))
            fail_msg("case %zu: expected %s, found \"%.300s\"", i, cases[i].status, answer);
        free(answer);
        buf_release(&text);
    }
}

static void many_headers_are_no_trouble(void **state)
{
    struct buf text = BUF_INIT;
    assert_int_equal(buf_add_str(&text, "GET /hello HTTP/1.1\r\n"), 0);
    for (int i = 0; i < 150; i++)
        assert_int_equal(buf_addf(&text, "X-%d: %d\r\n", i, i), 0);
    assert_int_equal(buf_add_str(&text, CLOSE), 0);
    char *answer = client_talk(*state, text.ptr);
    assert_true(starts_with(answer, "HTTP/1.1 200"));
    free(answer);
    buf_release(&text);
}

static void large_bodies_are_refused(void **state)
{
    static char filler[UPLOAD_MAX + 1];
    static const struct {
        const char *head;
        size_t body;
        const char *status, *end;
    } cases[] = {
        {"POST /upload HTTP/1.1\r\nContent-Length: 4194304\r\n" CLOSE, UPLOAD_MAX, "200", "4194304 bytes\n"},
        {"POST /upload HTTP/1.1\r\nContent-Length: 4194305\r\n" CLOSE, 0, "413", "}\n"}, /* before it is uploaded */
        {"POST /upload HTTP/1.1\r\nContent-Length: 4194305\r\n" CLOSE, UPLOAD_MAX + 1, "413", "}\n"},
        {"POST /echo HTTP/1.1\r\nContent-Length: 1048577\r\n" CLOSE, 1048577, "413", "}\n"},
        {"POST /refused HTTP/1.1\r\nContent-Length: 4194304\r\n" CLOSE, UPLOAD_MAX, "401", "who are you\n"},
        {"POST /upload HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" CLOSE "400001\r\n", UPLOAD_MAX + 1, "413", "}\n"},
        {"POST /upload HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" CLOSE "400000\r\n", UPLOAD_MAX, "200",
         "4194304 bytes\n"},
        {"POST /upload HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4194305\r\n" CLOSE, 0, "413", "}\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int fd = client_open(*state);
        client_send(fd, cases[i].head);
        client_send_bytes(fd, filler, cases[i].body); /* also when the answer is there already: nobody resets */
        if (strstr(cases[i].head, "chunked"))
            client_send(fd, "\r\n0\r\n\r\n");
        char *answer = client_read_all(fd, NULL);
        if (!answer || !starts_with(answer, "HTTP/1.1 ") || !starts_with(answer + 9, cases[i].status) ||
            !ends_with(answer, cases[i].end))
            fail_msg("case %zu: expected %s, found \"%.300s\"", i, cases[i].status, answer ? answer : "nothing");
        free(answer);
        close(fd);
    }
}

static void a_client_may_ask_before_it_uploads(void **state)
{
    char found[4096];
    const int fd = client_open(*state);
    client_send(fd, "POST /echo HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n" CLOSE);
    client_expect(fd, "HTTP/1.1 100 Continue\r\n\r\n", found, sizeof found);
    client_send(fd, "abc");
    client_expect(fd, "\r\n\r\nabc", found, sizeof found);
    close(fd);
}

static void a_large_answer_comes_whole(void **state)
{
    size_t n;
    const int fd = client_open(*state);
    client_send(fd, "GET /big HTTP/1.1\r\n" CLOSE);
    char *answer = client_read_all(fd, &n);
    assert_non_null(answer);
    const char *body = strstr(answer, "\r\n\r\n") + 4;
    assert_int_equal(n - (size_t)(body - answer), BIG_BYTES);
    free(answer);
    close(fd);
}

static void addresses_are_parsed(void **state)
{
    (void)state;
    static const char *const good[] = {"127.0.0.1:0", "localhost:0", "[::1]:0"};
    static const char *const bad[] = {"",
                                      ":1",
                                      "1",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      "127.0.0.1:65536",
                                      "127.0.0.1:1x",
                                      "::1:80",
                                      "[::1]",
                                      "example.org:80",
                                      "unix:",
                                      "127.0.0.1:-1",
                                      "[127.0.0.1]:80"};
    struct error err;
    int fd;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (http_listen_open(good[i], 1, &fd, &err))
            fail_msg("%s: %s", good[i], err.text);
        close(fd);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (http_listen_open(bad[i], 0, &fd, &err) != E_ARG)
            fail_msg("%s was taken", bad[i]);
}

static void a_socket_file_is_replaced_when_nobody_answers(void **state)
{
    (void)state;
    char address[128], path[64];
    struct error err;
    int first, second;
    snprintf(path, sizeof path, "/tmp/ishowtts-test-%d.sock", (int)getpid());
    snprintf(address, sizeof address, "unix:%s", path);
    assert_int_equal(http_listen_open(address, 0, &first, &err), 0);
    assert_int_equal(http_listen_open(address, 0, &second, &err), E_IO);
    assert_non_null(strstr(err.text, "somebody listens there already"));
    close(first);
    assert_int_equal(http_listen_open(address, 0, &second, &err), 0);
    close(second);
    unlink(path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(http_listen_open(address, 0, &second, &err), E_IO);
    assert_int_equal(access(path, F_OK), 0);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_answered),
        cmocka_unit_test(what_is_no_request_is_refused),
        cmocka_unit_test(what_is_refused_is_counted),
        cmocka_unit_test(a_connection_is_kept),
        cmocka_unit_test(requests_may_come_at_once),
        cmocka_unit_test(headers_cannot_be_smuggled_out),
        cmocka_unit_test(large_headers_are_refused),
        cmocka_unit_test(many_headers_are_no_trouble),
        cmocka_unit_test(large_bodies_are_refused),
        cmocka_unit_test(a_client_may_ask_before_it_uploads),
        cmocka_unit_test(a_large_answer_comes_whole),
        cmocka_unit_test(addresses_are_parsed),
        cmocka_unit_test(a_socket_file_is_replaced_when_nobody_answers),
    };
    return cmocka_run_group_tests_name("http_server", tests, start, stop);
}
