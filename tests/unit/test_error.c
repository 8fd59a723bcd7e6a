/* Errors carry a code and one whole sentence. */
#include "test.h"

#include "base/error.h"
#include "base/utf8.h"

#include <errno.h>

static void a_sentence_is_kept(void **state)
{
    (void)state;
    struct error e;
    assert_int_equal(error_set(&e, E_FORMAT, "line %d", 7), E_FORMAT);
    assert_int_equal(e.code, E_FORMAT);
    assert_string_equal(e.text, "line 7");
    assert_int_equal(error_prefix(&e, "%s", "a.toml"), E_FORMAT);
    assert_string_equal(e.text, "a.toml: line 7");
    assert_int_equal(error_set(NULL, E_ARG, "nobody listens"), E_ARG);
}

static void errno_becomes_a_code(void **state)
{
    (void)state;
    struct error e;
    assert_int_equal(error_errno(&e, ENOENT, "cannot open x"), E_NOTFOUND);
    assert_string_equal(e.text, "cannot open x: No such file or directory");
    assert_int_equal(error_errno(&e, EACCES, "cannot open x"), E_IO);
    assert_int_equal(error_errno(&e, ENOMEM, "x"), E_NOMEM);
}

static void a_long_sentence_ends_in_a_whole_character(void **state)
{
    (void)state;
    char text[2 * ERROR_TEXT_MAX] = "x"; /* one odd byte, so that the cut falls inside a character */
    for (size_t i = 1; i + 3 < sizeof text; i += 3)
        memcpy(text + i, "\xE4\xBD\xA0", 3);
    struct error e;
    error_set(&e, E_LIMIT, "%s", text);
    assert_true(strlen(e.text) > ERROR_TEXT_MAX - 5);
    assert_int_equal(utf8_valid_prefix(e.text, strlen(e.text)), strlen(e.text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sentence_is_kept),
        cmocka_unit_test(errno_becomes_a_code),
        cmocka_unit_test(a_long_sentence_ends_in_a_whole_character),
    };
    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
