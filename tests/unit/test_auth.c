/* Who may do what: requests in, verdicts out. */
#include "test.h"

#include "server/auth.h"
#include "config/host_name.h"

#include <stdio.h>
#include <sys/socket.h>

/* Tokens: "speaker-0123456789" speaks and reads, "manager-0123456789" manages, "all-0123456789abc" does all. */
#define OPEN                                                                                                           \
    "[server]\nbind = ['127.0.0.1:27121', '[fd00::5]:27121', 'myhost:1', '0.0.0.0:3']\n"                               \
    "allowed_hosts = ['tts.example.org', '10.1.2.3']\ncors_origins = ['https://page.example', "                        \
    "'http://other.example:8080']\n"
#define LOCKED                                                                                                         \
    OPEN "[auth]\ntoken = 'all-0123456789abc'\n"                                                                       \
         "[[auth.tokens]]\nname = 'speaker'\ntoken = 'speaker-0123456789'\n"                                           \
         "[[auth.tokens]]\nname = 'manager'\ntoken = 'manager-0123456789'\nscopes = ['manage']\n"

static struct config *configure(const char *text)
{
    struct config *c = NULL;
    struct error err = {0};
    if (config_parse(text, strlen(text), "x.toml", NULL, NULL, &c, NULL, NULL, &err))
        fail_msg("%s", err.text);
    return c;
}

struct exchange {
    const char *what;
    struct auth_request request;
    int status;
    const char *reason;
};

static void check_all(const char *text, const struct exchange *cases, size_t n)
{
    struct config *c = configure(text);
    for (size_t i = 0; i < n; i++) {
        struct auth_limiter limiter = {0};
        struct auth_request r = cases[i].request;
        if (!r.method)
            r.method = "GET";
        if (!r.peer)
            r.peer = "127.0.0.1";
        struct auth_verdict v = auth_check(c, &limiter, &r, 100);
        if (v.status != cases[i].status || strcmp(v.reason, cases[i].reason) != 0)
            fail_msg("%s: %d %s \"%s\", expected %d %s", cases[i].what, v.status, v.reason, v.sentence, cases[i].status,
                     cases[i].reason);
        assert_int_equal(v.status != 0, *v.sentence != '\0');
    }
    config_free(c);
}

#define REQUEST(...)                                                                                                   \
    {                                                                                                                  \
        .host = "localhost:27121", __VA_ARGS__                                                                         \
    }

static void only_our_names_are_answered_to(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        int status;
    } hosts[] = {
        {"localhost", 0},
        {"localhost:27121", 0},
        {"LOCALHOST.:27121", 0},
        {"a.localhost", 0},
        {"127.0.0.1", 0},
        {"127.8.9.10:1", 0},
        {"127.0.0.1.", 0},
        {"[::1]", 0},
        {"[::1]:27121", 0},
        {"[0:0:0:0:0:0:0:1]", 0},
        {"[::ffff:127.0.0.1]", 0},
        {"[fd00::5]:27121", 0},
        {"[FD00:0::5]", 0},
        {"myhost", 0},
        {"tts.example.org", 0},
        {"TTS.Example.org.:443", 0},
        {"10.1.2.3", 0},
        {"evil.example", 403},
        {"127.0.0.1.evil.example", 403},
        {"localhost.evil.example", 403},
        {"evil-localhost", 403},
        {"xlocalhost", 403},
        {"tts.example.org.evil.example", 403},
        {"0.0.0.0:3", 403},
        {"[::]", 403},
        {"[::2]", 403},
        {"[fd00::6]", 403},
        {"[::ffff:10.0.0.1]", 403},
        {"128.0.0.1", 403},
        {"2130706433", 403}, /* 127.0.0.1 to some resolvers */
        {"127.1", 403},
        {"0x7f.0.0.1", 403},
        {"", 400},
        {".", 400},
        {".localhost", 400},
        {":80", 400},
        {"localhost:", 400},
        {"localhost:x", 400},
        {"localhost:65536", 400},
        {"localhost:80:80", 400},
        {"localhost@evil.example", 400},
        {"evil.example@localhost", 400},
        {"evil.example/localhost", 400},
        {"evil.example#localhost", 400},
        {"evil.example\\localhost", 400},
        {"localhost evil.example", 400},
        {"loc%61lhost", 400},
        {"::1", 400},
        {"[::1", 400},
        {"[::1]x", 400},
        {"[::1%lo]", 400},
        {"[127.0.0.1]", 400},
        {"[]", 400},
        {"l\xc3\xb6"
         "calhost",
         400},
    };
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        const struct exchange e = {hosts[i].host,
                                   {.host = hosts[i].host},
                                   hosts[i].status,
                                   hosts[i].status == 0     ? ""
                                   : hosts[i].status == 400 ? "bad_host"
                                                            : "foreign_host"};
        check_all(OPEN, &e, 1);
    }
    const struct exchange bound = {"the address it listens on", {.host = "192.0.2.7:9"}, 0, ""};
    check_all("[server]\nbind = ['192.0.2.7:9']\n", &bound, 1);
    const struct exchange none = {"no Host", {.host = NULL}, 400, "bad_host"};
    check_all(OPEN, &none, 1);
}

static void pages_of_strangers_cannot_act(void **state)
{
    (void)state;
    static const struct exchange cases[] = {
        {"curl", REQUEST(.method = "POST", .needs = MAY_SPEAK), 0, ""},
        {"own page", REQUEST(.method = "POST", .origin = "http://localhost:27121", .needs = MAY_SPEAK), 0, ""},
        {"own page, capitals", REQUEST(.method = "POST", .origin = "HTTP://LOCALHOST:27121"), 0, ""},
        {"own page behind TLS",
         {.host = "tts.example.org", .method = "POST", .origin = "https://tts.example.org"},
         0,
         ""},
        {"own page by its name",
         {.host = "tts.example.org", .method = "POST", .origin = "http://tts.example.org"},
         0,
         ""},
        {"own page, port said twice", {.host = "localhost:80", .method = "POST", .origin = "http://localhost"}, 0, ""},
        {"own page by its address", {.host = "[::1]:1", .method = "POST", .origin = "http://[0::1]:1"}, 0, ""},
        {"listed", REQUEST(.method = "DELETE", .origin = "https://page.example", .needs = MAY_MANAGE), 0, ""},
        {"listed, port", REQUEST(.method = "POST", .origin = "http://other.example:8080"), 0, ""},
        {"listed, cross-site said too",
         REQUEST(.method = "POST", .origin = "https://page.example", .fetch_site = "cross-site"), 0, ""},
        {"not read from", REQUEST(.origin = "https://evil.example", .needs = MAY_READ), 0, ""},
        {"health", REQUEST(.origin = "https://evil.example", .fetch_site = "cross-site"), 0, ""},
        {"typed by the user", REQUEST(.fetch_site = "none", .needs = MAY_SPEAK), 0, ""},
        {"own audio element", REQUEST(.fetch_site = "same-origin", .needs = MAY_SPEAK), 0, ""},

        {"stranger", REQUEST(.method = "POST", .origin = "https://evil.example"), 403, "foreign_origin"},
        {"other port", REQUEST(.method = "POST", .origin = "http://localhost:8080"), 403, "foreign_origin"},
        {"other port of the name",
         {.host = "tts.example.org", .method = "POST", .origin = "http://tts.example.org:443"},
         403,
         "foreign_origin"},
        {"other loopback", REQUEST(.method = "POST", .origin = "http://127.0.0.1:27121"), 403, "foreign_origin"},
        {"listed, other scheme", REQUEST(.method = "POST", .origin = "http://page.example"), 403, "foreign_origin"},
        {"listed, other port", REQUEST(.method = "POST", .origin = "https://page.example:8443"), 403, "foreign_origin"},
        {"listed, below", REQUEST(.method = "POST", .origin = "https://a.page.example"), 403, "foreign_origin"},
        {"sandboxed", REQUEST(.method = "POST", .origin = "null"), 403, "foreign_origin"},
        {"empty", REQUEST(.method = "POST", .origin = ""), 403, "foreign_origin"},
        {"file", REQUEST(.method = "POST", .origin = "file://"), 403, "foreign_origin"},
        {"user", REQUEST(.method = "POST", .origin = "http://localhost:27121@evil.example"), 403, "foreign_origin"},
        {"path", REQUEST(.method = "POST", .origin = "http://localhost:27121/"), 403, "foreign_origin"},
        {"extension", REQUEST(.method = "POST", .origin = "moz-extension://localhost:27121"), 403, "foreign_origin"},
        {"GET that speaks", REQUEST(.origin = "https://evil.example", .needs = MAY_SPEAK), 403, "foreign_origin"},
        {"audio element", REQUEST(.fetch_site = "cross-site", .needs = MAY_SPEAK), 403, "foreign_origin"},
        {"audio element next door", REQUEST(.fetch_site = "Same-Site", .needs = MAY_SPEAK), 403, "foreign_origin"},
        {"form", REQUEST(.method = "POST", .fetch_site = "cross-site"), 403, "foreign_origin"},
        {"WebSocket", REQUEST(.websocket = 1, .origin = "https://evil.example"), 403, "foreign_origin"},
        {"own WebSocket", REQUEST(.websocket = 1, .origin = "http://localhost:27121"), 0, ""},
        {"WebSocket of a program", REQUEST(.websocket = 1), 0, ""},
        {"rebound name, own origin",
         {.host = "evil.example:27121", .method = "POST", .origin = "http://evil.example:27121"},
         403,
         "foreign_host"},
    };
    check_all(OPEN, cases, sizeof cases / sizeof *cases);
}

static void tokens_open_what_they_are_for(void **state)
{
    (void)state;
    static const struct exchange cases[] = {
        {"health", REQUEST(.needs = 0), 0, ""},
        {"health with a wrong token", REQUEST(.authorization = "Bearer nonsense"), 0, ""},
        {"none", REQUEST(.needs = MAY_READ), 401, "no_token"},
        {"any name, with a token", {.host = "cafe.example", .needs = MAY_READ, .api_key = "all-0123456789abc"}, 0, ""},
        {"bearer", REQUEST(.needs = MAY_ALL, .authorization = "Bearer all-0123456789abc"), 0, ""},
        {"bearer, capitals", REQUEST(.needs = MAY_READ, .authorization = "BEARER  all-0123456789abc"), 0, ""},
        {"key", REQUEST(.needs = MAY_SPEAK, .method = "POST", .api_key = "speaker-0123456789"), 0, ""},
        {"query", REQUEST(.needs = MAY_SPEAK, .query_token = "speaker-0123456789"), 0, ""},
        {"query of a WebSocket", REQUEST(.needs = MAY_READ, .websocket = 1, .query_token = "speaker-0123456789"), 0,
         ""},
        {"query of a POST", REQUEST(.method = "POST", .needs = MAY_SPEAK, .query_token = "speaker-0123456789"), 401,
         "no_token"},
        {"speaker reads", REQUEST(.needs = MAY_READ, .api_key = "speaker-0123456789"), 0, ""},
        {"speaker manages", REQUEST(.needs = MAY_MANAGE, .api_key = "speaker-0123456789"), 403, "missing_scope"},
        {"manager speaks", REQUEST(.needs = MAY_SPEAK, .api_key = "manager-0123456789"), 403, "missing_scope"},
        {"manager reads", REQUEST(.needs = MAY_READ, .api_key = "manager-0123456789"), 403, "missing_scope"},
        {"manager manages", REQUEST(.needs = MAY_MANAGE, .api_key = "manager-0123456789"), 0, ""},
        {"wrong", REQUEST(.needs = MAY_READ, .api_key = "speaker-0123456788"), 401, "bad_token"},
        {"short", REQUEST(.needs = MAY_READ, .api_key = "speaker"), 401, "bad_token"},
        {"long", REQUEST(.needs = MAY_READ, .api_key = "speaker-01234567890"), 401, "bad_token"},
        {"empty", REQUEST(.needs = MAY_READ, .api_key = ""), 401, "bad_token"},
        {"empty bearer", REQUEST(.needs = MAY_READ, .authorization = "Bearer "), 401, "bad_token"},
        {"bearer alone", REQUEST(.needs = MAY_READ, .authorization = "Bearer"), 401, "bad_token"},
        {"no scheme", REQUEST(.needs = MAY_READ, .authorization = "all-0123456789abc"), 401, "bad_token"},
        {"basic", REQUEST(.needs = MAY_READ, .authorization = "Basic all-0123456789abc"), 401, "bad_token"},
        {"token in other words", REQUEST(.needs = MAY_READ, .authorization = "Bearerall-0123456789abc"), 401,
         "bad_token"},
        {"wrong bearer, right key",
         REQUEST(.needs = MAY_READ, .authorization = "Bearer x", .api_key = "all-0123456789abc"), 401, "bad_token"},
        {"trailing blank", REQUEST(.needs = MAY_READ, .authorization = "Bearer all-0123456789abc "), 401, "bad_token"},
        {"stranger's page with a token",
         REQUEST(.needs = MAY_SPEAK, .method = "POST", .origin = "https://evil.example",
                 .api_key = "all-0123456789abc"),
         403, "foreign_origin"},
        {"bad host", {.host = "a b", .needs = MAY_READ, .api_key = "all-0123456789abc"}, 400, "bad_host"},
    };
    check_all(LOCKED, cases, sizeof cases / sizeof *cases);
}

static struct auth_verdict ask(const struct config *c, struct auth_limiter *l, const char *peer, const char *token,
                               double now)
{
    const struct auth_request r = {
        .method = "GET", .host = "localhost", .needs = MAY_READ, .peer = peer, .api_key = token};
    return auth_check(c, l, &r, now);
}

static void wrong_tokens_are_slowed_down(void **state)
{
    (void)state;
    struct config *c = configure(LOCKED);
    struct auth_limiter l = {0};
    const char *right = "all-0123456789abc";
    for (int i = 0; i < AUTH_FAILURES_MAX; i++)
        assert_int_equal(ask(c, &l, "192.0.2.1", "wrong", 100).status, 401);
    struct auth_verdict v = ask(c, &l, "192.0.2.1", "wrong", 100);
    assert_int_equal(v.status, 429);
    assert_in_range(v.retry_after, 1, 60);
    assert_int_equal(ask(c, &l, "192.0.2.1", right, 100).status, 429); /* or guessing would go on unhindered */
    assert_int_equal(ask(c, &l, "192.0.2.2", right, 100).status, 0);
    assert_int_equal(ask(c, &l, "192.0.2.1", right, 100 + v.retry_after).status, 0);
    assert_int_equal(ask(c, &l, "192.0.2.1", "wrong", 100 + v.retry_after).status, 401);
    assert_int_equal(ask(c, &l, "192.0.2.1", "wrong", 100 + v.retry_after).status, 429);
    assert_int_equal(ask(c, &l, "192.0.2.1", "wrong", 1000).status, 401);
    for (int i = 0; i < 2 * AUTH_FAILURES_MAX; i++) {
        assert_int_equal(ask(c, &l, "127.0.0.1", "wrong", 100).status, 401);
        assert_int_equal(ask(c, &l, "::1", "wrong", 100).status, 401);
        assert_int_equal(ask(c, &l, "unix", "wrong", 100).status, 401);
    }
    for (int i = 0; i < AUTH_FAILURES_MAX; i++) { /* a network of IPv6 counts as one */
        char peer[32];
        snprintf(peer, sizeof peer, "2001:db8:0:1::%x", i + 1);
        assert_int_equal(ask(c, &l, peer, "wrong", 2000).status, 401);
    }
    assert_int_equal(ask(c, &l, "2001:db8:0:1:ffff::1", right, 2000).status, 429);
    assert_int_equal(ask(c, &l, "2001:db8:0:2::1", right, 2000).status, 0);
    for (int i = 0; i < 3 * AUTH_ADDRESSES; i++) { /* more addresses than there is room for */
        char peer[32];
        snprintf(peer, sizeof peer, "10.0.%d.%d", i / 256, i % 256);
        assert_int_equal(ask(c, &l, peer, "wrong", 3000 + i).status, 401);
    }
    config_free(c);
}

static void who_has_been_quiet_longest_is_forgotten(void **state)
{
    (void)state;
    struct config *c = configure(LOCKED);
    struct auth_limiter l = {0};
    const char *guessers[] = {"192.0.2.1", "192.0.2.2"};
    double now = 100; /* so little passes that nothing is forgiven */
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < AUTH_FAILURES_MAX; i++)
            assert_int_equal(ask(c, &l, guessers[k], "wrong", now += 1e-6).status, 401);
    for (int i = 0; i < AUTH_ADDRESSES - 1; i++) { /* there is room for all but one */
        char peer[32];
        snprintf(peer, sizeof peer, "10.0.%d.%d", i / 256, i % 256);
        assert_int_equal(ask(c, &l, peer, "wrong", now += 1e-6).status, 401);
    }
    assert_int_equal(ask(c, &l, guessers[1], "wrong", now).status, 429);
    assert_int_equal(ask(c, &l, guessers[0], "wrong", now).status, 401);
    config_free(c);
}

static void proxies_are_believed_when_trusted(void **state)
{
    (void)state;
    static const struct {
        const char *peer, *forwarded, *address;
    } cases[] = {
        {"192.0.2.1", NULL, "192.0.2.1"},
        {"192.0.2.1", "1.1.1.1", "192.0.2.1"},
        {"::ffff:192.0.2.1", NULL, "192.0.2.1"},
        {"10.0.0.1", NULL, "10.0.0.1"},
        {"10.0.0.1", "1.1.1.1", "1.1.1.1"},
        {"10.0.0.1", "6.6.6.6, 1.1.1.1", "1.1.1.1"},
        {"10.0.0.1", "6.6.6.6,1.1.1.1 , 10.0.0.9", "1.1.1.1"},
        {"10.0.0.1", "6.6.6.6,1.1.1.1,10.0.0.9,10.0.0.8", "1.1.1.1"},
        {"10.0.0.1", "1.1.1.1:4711", "1.1.1.1"},
        {"10.0.0.1", "2001:db8::1", "2001:db8::1"},
        {"10.0.0.1", "\"[2001:DB8::1]:4711\"", "2001:db8::1"},
        {"10.0.0.1", "unknown", "10.0.0.1"},
        {"10.0.0.1", "1.1.1.1, _hidden", "10.0.0.1"},
        {"10.0.0.1", "", "10.0.0.1"},
        {"10.0.0.1", ",,,", "10.0.0.1"},
        {"10.0.0.1", "10.0.0.2", "10.0.0.2"},
        {"fd00::1", "1.1.1.1", "1.1.1.1"},
        {"fe00::1", "1.1.1.1", "fe00::1"},
        {"unix", "1.1.1.1", "1.1.1.1"},
        {"unix", NULL, "unix"},
        {"::ffff:10.0.0.1", "1.1.1.1", "1.1.1.1"},
    };
    struct config *c = configure("[server]\ntrusted_proxies = ['10.0.0.0/8', 'fd00::/16', 'unix']");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char address[AUTH_ADDRESS_MAX];
        auth_client_address(c, cases[i].peer, cases[i].forwarded, address);
        if (strcmp(address, cases[i].address) != 0)
            fail_msg("case %zu: %s, expected %s", i, address, cases[i].address);
    }
    config_free(c);
}

static void nobody_else_is_let_in_without_a_token(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        int exposed;
    } cases[] = {
        {"127.0.0.1:1", 0}, {"[::1]:1", 0}, {"localhost:1", 0}, {"unix:/x", 0},       {"127.9.9.9:1", 0},
        {"0.0.0.0:1", 1},   {"[::]:1", 1},  {"10.0.0.1:1", 1},  {"example.org:1", 1}, {"[::ffff:0.0.0.0]:1", 1},
    };
    struct config *open = configure(""), *locked = configure("[auth]\ntoken = '0123456789abcdef'");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct config_texts list = {&cases[i].address, 1};
        struct error err = {0};
        assert_int_equal(auth_check_exposure(open, &list, &err), cases[i].exposed ? E_FORMAT : 0);
        assert_int_equal(cases[i].exposed,
                         strstr(err.text, "openssl rand -hex 32") && strstr(err.text, cases[i].address));
        assert_int_equal(auth_check_exposure(locked, &list, &err), 0);
    }
    static const char *inside[] = {"127.0.0.1:1", "unix:/x", "[::1]:1"}, *last[] = {"127.0.0.1:1", "unix:/x", "[::]:1"};
    assert_int_equal(auth_check_exposure(open, &(struct config_texts){inside, 3}, NULL), 0);
    assert_int_equal(auth_check_exposure(open, &(struct config_texts){last, 3}, NULL), E_FORMAT);
    config_free(open);
    config_free(locked);
}

static const char *header_of(const struct auth_headers *h, const char *name)
{
    for (size_t i = 0; i < h->count; i++)
        if (strcmp(h->items[i].name, name) == 0)
            return h->items[i].value;
    return "";
}

static void allowed_pages_may_read_answers(void **state)
{
    (void)state;
    static const struct {
        const char *origin, *allowed;
    } cases[] = {
        {NULL, ""},
        {"https://page.example", "https://page.example"},
        {"http://localhost:27121", "http://localhost:27121"},
        {"https://evil.example", ""},
        {"null", ""},
    };
    struct config *c = configure(LOCKED);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct auth_request r = {.method = "GET", .host = "localhost:27121", .origin = cases[i].origin};
        struct auth_headers h = {0};
        auth_add_cors(c, &r, &h);
        assert_string_equal(header_of(&h, "Vary"), "Origin");
        assert_string_equal(header_of(&h, "Access-Control-Allow-Origin"), cases[i].allowed);
        assert_string_equal(header_of(&h, "Access-Control-Allow-Credentials"), "");

        r.method = "OPTIONS";
        assert_int_equal(auth_is_preflight(&r), 0);
        r.request_method = "DELETE";
        r.request_headers = "authorization,x-stainless-os";
        assert_int_equal(auth_is_preflight(&r), cases[i].origin != NULL);
        if (!cases[i].origin)
            continue;
        h = (struct auth_headers){0};
        assert_int_equal(auth_preflight(c, &r, &h), *cases[i].allowed ? 204 : 403);
        assert_string_equal(header_of(&h, "Access-Control-Allow-Origin"), cases[i].allowed);
        assert_non_null(strstr(header_of(&h, "Vary"), "Origin"));
        assert_int_equal(strstr(header_of(&h, "Access-Control-Allow-Methods"), "DELETE") != NULL,
                         *cases[i].allowed != 0);
        assert_string_equal(header_of(&h, "Access-Control-Allow-Headers"), *cases[i].allowed ? r.request_headers : "");
    }
    struct auth_headers h = {0};
    auth_add_security(&h);
    assert_string_equal(header_of(&h, "X-Content-Type-Options"), "nosniff");
    assert_null(h.items[h.count].name);
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_our_names_are_answered_to),    cmocka_unit_test(pages_of_strangers_cannot_act),
        cmocka_unit_test(tokens_open_what_they_are_for),     cmocka_unit_test(wrong_tokens_are_slowed_down),
        cmocka_unit_test(who_has_been_quiet_longest_is_forgotten),
        cmocka_unit_test(proxies_are_believed_when_trusted), cmocka_unit_test(nobody_else_is_let_in_without_a_token),
        cmocka_unit_test(allowed_pages_may_read_answers),
    };
    return cmocka_run_group_tests_name("auth", tests, NULL, NULL);
}
