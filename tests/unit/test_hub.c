/* What servers say is read strictly, and no redirect leads where the token or the bytes should not go. */
#include "test.h"

#include "base/file.h"
#include "net/hub.h"
#include "net/hub_remote.h"
#include "net/hub_store.h"

#include <stdio.h>
#include <unistd.h>

static void redirects(void **state)
{
    (void)state;
    static const struct {
        const char *from, *location, *to; /* to NULL: refused */
    } cases[] = {
        {"https://hub/a/b?x=1", "/c/d?e", "https://hub/c/d?e"},
        {"https://hub/a/b", "c", "https://hub/a/c"},
        {"https://hub/a", "https://cdn:444/x?Signature=a%2Bb~&y=/", "https://cdn:444/x?Signature=a%2Bb~&y=/"},
        {"https://hub/a", "//cdn/x", "https://cdn/x"},
        {"http://hub/a", "https://hub/a", "https://hub/a"},
        {"http://hub/a", "http://cdn/a", "http://cdn/a"},
        {"https://hub/a", "http://hub/a", NULL},
        {"https://hub/a", "HTTP://hub/a", NULL},
        {"https://hub/a", "file:///etc/passwd", NULL},
        {"http://hub/a", "ftp://hub/a", NULL},
        {"http://hub/a", "http://", NULL},
        {"https://hub/a", "https://hub:99999/", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = {0};
        char *to = NULL;
        int rc = http_redirect(cases[i].from, cases[i].location, &to, &err);
        if (cases[i].to) {
            assert_int_equal(rc, 0);
            assert_string_equal(to, cases[i].to);
        } else {
            assert_int_equal(rc, E_FORMAT);
            assert_null(to);
            assert_non_null(strstr(err.text, "hub"));
        }
        free(to);
    }
    char longer[HTTP_URL_MAX + 2];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    char *to = NULL;
    assert_int_equal(http_redirect("http://hub/", longer, &to, NULL), E_LIMIT);
}

static void origins(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        int same;
    } cases[] = {
        {"https://hub/x", "https://hub/y?z", 1},     {"https://hub", "https://HUB:443/", 1},
        {"https://hub", "https://hub:8443/", 0},     {"https://hub", "http://hub/", 0},
        {"https://hub", "https://hub.evil/", 0},     {"https://hub", "https://hub@evil/", 0},
        {"https://u:p@hub/", "https://hub/", 1},     {"", "", 0},
        {"http://127.0.0.1:80", "http://127.0.0.1", 1}, {"nonsense:", "nonsense:", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(http_same_origin(cases[i].a, cases[i].b), cases[i].same);
}

static void a_token_travels_in_private_only(void **state)
{
    (void)state;
    static const struct {
        const char *url, *host;
        int secure;
    } cases[] = {
        {"https://user:secret@hub/x", "hub", 1}, {"http://hub", "hub", 0},
        {"http://127.0.0.1:99", "127.0.0.1", 1}, {"http://127.evil.com", "127.evil.com", 0},
        {"http://localhost/", "localhost", 1},   {"http://[::1]:8/", "[::1]", 1},
        {"", "the server", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char host[256];
        int secure = -1;
        http_host(cases[i].url, host, &secure);
        assert_string_equal(host, cases[i].host);
        assert_int_equal(secure, cases[i].secure);
    }
}

static void content_ranges(void **state)
{
    (void)state;
    uint64_t first, last, total;
    assert_int_equal(http_content_range("bytes 5-9/10", &first, &last, &total), 0);
    assert_true(first == 5 && last == 9 && total == 10);
    assert_int_equal(http_content_range("bytes 0-0/*", &first, &last, &total), 0);
    assert_true(first == 0 && last == 0 && total == UINT64_MAX);
    static const char *const bad[] = {
        "",           "bytes",        "bytes */10",          "bytes 5-4/10", "bytes 5-10/10",
        "bytes 5-/9", "items 5-9/10", "bytes -5-9/10",       "bytes 5-9",    "bytes 5-9/10 ",
        "bytes 5-9/", "bytes 5 9/10", "bytes 5-99999999999999999999/*"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(http_content_range(bad[i], &first, &last, &total), E_FORMAT);
}

static void numbers(void **state)
{
    (void)state;
    uint64_t v = 7;
    assert_int_equal(http_number("18446744073709551615", UINT64_MAX, &v), 0);
    assert_true(v == UINT64_MAX);
    assert_int_equal(http_number("0100", 100, &v), 0);
    assert_int_equal(v, 100);
    static const char *const bad[] = {"", "101", "-1", "+1", " 1", "1 ", "0x1", "1e1", "18446744073709551616"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(http_number(bad[i], 100, &v), E_FORMAT);
    assert_int_equal(v, 100);
}

static void etags(void **state)
{
    (void)state;
    static const char git[] = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
    static const char *const good[] = {"\"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\"",
                                       "W/\"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\"",
                                       "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"};
    static const char *const bad[] = {"", "\"\"", "\"", "W/", "\"../../../../etc/cron.d/aaaaaaaaaaaaaaaaaa\"",
                                      "\"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391-gzip\""};
    char etag[DIGEST_HEX_MAX] = "kept";
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(hub_etag(bad[i], etag), E_FORMAT);
    assert_string_equal(etag, "kept");
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(hub_etag(good[i], etag), 0);
        assert_string_equal(etag, git);
    }
}

static void headers(void **state)
{
    (void)state;
    struct http_reply reply = {0};
    char *value = NULL;
    assert_int_equal(http_reply_header(&reply, "ETag", &value, NULL), 0);
    assert_null(value);
    assert_int_equal(buf_add_str(&reply.headers, "etag:one\nX-ETag: no\nETAG \nEtag: \ttwo \r\nETags: no\n"), 0);
    assert_int_equal(http_reply_header(&reply, "ETag", &value, NULL), 0);
    assert_string_equal(value, "two");
    free(value);
    http_reply_release(&reply);
}

static void places_in_the_cache(void **state)
{
    (void)state;
    struct hub_entry e;
    assert_int_equal(hub_entry_init(&e, "/c", "o/n", "a/b/f", "c0", "e0", NULL), 0);
    assert_string_equal(e.pointer, "/c/models--o--n/snapshots/c0/a/b/f");
    assert_string_equal(e.target, "../../../../blobs/e0");
    assert_string_equal(e.blob, "/c/models--o--n/blobs/e0");
    assert_string_equal(e.partial, "/c/models--o--n/blobs/e0.incomplete");
    assert_string_equal(e.lock, "/c/.locks/models--o--n/e0.lock");
    hub_entry_release(&e);
    hub_entry_release(&e);
    assert_int_equal(hub_entry_init(&e, "/c", "o/n", "f", "c0", "e0", NULL), 0);
    assert_string_equal(e.target, "../../blobs/e0");
    hub_entry_release(&e);
    uint64_t room = 0;
    assert_int_equal(hub_free_bytes("/nonexistent/a/b", &room, NULL), 0);
    assert_int_equal(hub_free_bytes("relative-and-absent", &room, NULL), 0);
}

static void insane_requests(void **state)
{
    (void)state;
    static const struct hub_file bad[] = {
        {"noslash", "f", NULL}, {"o/n", "../f", NULL}, {"o/n", "f", ".."}, {"o/../n", "f", NULL}, {"o/n", "", NULL}};
    struct hub_options options = {0};
    struct hub_result results[1];
    struct error err;
    setenv("HF_ENDPOINT", "http://127.0.0.1:1", 1);
    assert_int_equal(hub_pull(bad, 0, &options, results, &err), E_ARG);
    assert_int_equal(hub_pull(bad, HUB_FILES_MAX + 1, &options, results, &err), E_ARG);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(hub_pull(&bad[i], 1, &options, results, &err), E_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redirects),
        cmocka_unit_test(origins),
        cmocka_unit_test(a_token_travels_in_private_only),
        cmocka_unit_test(content_ranges),
        cmocka_unit_test(numbers),
        cmocka_unit_test(etags),
        cmocka_unit_test(headers),
        cmocka_unit_test(places_in_the_cache),
        cmocka_unit_test(insane_requests),
    };
    return cmocka_run_group_tests_name("hub", tests, NULL, NULL);
}
