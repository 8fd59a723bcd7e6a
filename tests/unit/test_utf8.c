/* UTF-8: every scalar value survives, everything else is refused. */
#include "test.h"

#include "base/utf8.h"

static void every_scalar_round_trips(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
        char s[UTF8_MAX];
        size_t n = utf8_encode(cp, s);
        if (cp >= 0xD800 && cp < 0xE000) {
            assert_int_equal(n, 0);
            continue;
        }
        uint32_t back = ~cp;
        assert_int_equal(utf8_decode(s, n, &back), n);
        assert_int_equal(back, cp);
        assert_int_equal(utf8_decode(s, n - 1, &back), 0); /* cut short */
    }
    char s[UTF8_MAX];
    assert_int_equal(utf8_encode(0x110000, s), 0);
}

static void malformed_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80",
                                      "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
                                      "\xFF", "\xE4\xBD", "\xE4\x41\x41"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint32_t cp = 42;
        assert_int_equal(utf8_decode(bad[i], strlen(bad[i]), &cp), 0);
        assert_int_equal(cp, 42);
    }
    assert_int_equal(utf8_valid_prefix("ab\xE4\xBD\xA0\xFFzz", 8), 5);
    assert_int_equal(utf8_valid_prefix("", 0), 0);
}

static void floor_never_cuts_a_character(void **state)
{
    (void)state;
    const char *s = "a\xC3\xA9\xE4\xBD\xA0\xF0\x9F\x98\x80z"; /* a é 你 😀 z at 0 1 3 6 10 */
    static const size_t want[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        assert_int_equal(utf8_floor(s, i), want[i]);
    assert_int_equal(utf8_count(s, 11), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scalar_round_trips),
        cmocka_unit_test(malformed_is_refused),
        cmocka_unit_test(floor_never_cuts_a_character),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
