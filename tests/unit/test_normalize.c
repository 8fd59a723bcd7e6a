/* The normaliser: data/normalize.tsv says what becomes of what; here is what holds for every text. */
#include "test.h"

#include "base/file.h"
#include "text/normalize.h"

#include <pthread.h>
#include <stdio.h>

/* Calls fn with each "input<TAB>expected" of the table. */
static void for_each_line(void (*fn)(const char *input, const char *expected))
{
    const char *tests = getenv("ISHOW_TESTS");
    assert_non_null(tests);
    char path[4096];
    snprintf(path, sizeof path, "%s/unit/data/normalize.tsv", tests);
    struct buf file = BUF_INIT;
    struct error err = {0};
    if (file_read(path, 1 << 20, &file, &err))
        fail_msg("%s", err.text);
    int lines = 0;
    for (char *line = file.ptr, *end; *line; line = end + 1) {
        end = strchr(line, '\n');
        assert_non_null(end);
        *end = '\0';
        char *tab = strchr(line, '\t');
        if (!tab && line[0] == '#')
            continue;
        assert_non_null(tab);
        *tab = '\0';
        fn(line, tab + 1);
        lines++;
    }
    assert_true(lines >= 250);
    buf_release(&file);
}

static void assert_becomes(const char *input, const char *expected)
{
    struct buf out = BUF_INIT;
    struct error err = {0};
    if (text_normalize(input, strlen(input), &out, &err))
        fail_msg("%s: %s", input, err.text);
    struct slice got = buf_slice(&out);
    if (!slice_eq_str(got, expected))
        fail_msg("\"%s\" became \"%.*s\", not \"%s\"", input, (int)got.len, got.ptr, expected);
    buf_release(&out);
}

static void assert_stable(const char *input, const char *expected)
{
    (void)input;
    assert_becomes(expected, expected);
}

static void table_holds(void **state)
{
    (void)state;
    for_each_line(assert_becomes);
}

static void spoken_text_stays_as_it_is(void **state)
{
    (void)state;
    for_each_line(assert_stable);
}

static void output_is_appended(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    assert_int_equal(buf_add_str(&out, "before: "), 0);
    assert_int_equal(text_normalize("3", 1, &out, NULL), 0);
    assert_string_equal(out.ptr, "before: three");
    buf_release(&out);
}

static void nothing_gives_nothing(void **state)
{
    (void)state;
    static const char *const empty[] = {"", "   ", "\t\n", "\xF0\x9F\x98\x8A", "\xE2\x80\x8B", "***"};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        assert_becomes(empty[i], "");
}

static void bad_bytes_are_refused_with_their_place(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    struct error err = {0};
    assert_int_equal(buf_add_str(&out, "kept"), 0);
    assert_int_equal(text_normalize("abc\xFFz", 5, &out, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "byte 3"));
    assert_string_equal(out.ptr, "kept");
    buf_release(&out);
}

static void over_the_limit_is_refused(void **state)
{
    (void)state;
    size_t n = NORMALIZE_MAX_BYTES + 1;
    char *text = malloc(n);
    assert_non_null(text);
    memset(text, ' ', n);
    struct buf out = BUF_INIT;
    assert_int_equal(text_normalize(text, n, &out, NULL), E_LIMIT);
    assert_int_equal(text_normalize(text, n - 1, &out, NULL), 0);
    buf_release(&out);
    free(text);
}

/* Texts that would take hours if any part looked again and again at the same characters. */
static void long_and_dull_texts_are_done_in_time(void **state)
{
    (void)state;
    static const char *const units[] = {
        "1-", "1.", "1,", "a@", "a.", "1:", "$1-", "1/2 ", "ha", "\xCC\x81", "1 ", "("};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        struct buf text = BUF_INIT, out = BUF_INIT;
        while (text.len + 8 < NORMALIZE_MAX_BYTES)
            assert_int_equal(buf_add_str(&text, units[i]), 0);
        assert_int_equal(text_normalize(text.ptr, text.len, &out, NULL), 0);
        buf_release(&text);
        buf_release(&out);
    }
}

static void *in_a_thread(void *failed)
{
    for (int i = 0; i < 200; i++) {
        struct buf out = BUF_INIT;
        const char *text = "In 1999 I was 21st of 1234.";
        if (text_normalize(text, strlen(text), &out, NULL) ||
            strcmp(out.ptr,
                   "In nineteen ninety-nine I was twenty-first of one thousand two hundred thirty-four."))
            *(int *)failed = 1;
        buf_release(&out);
    }
    return NULL;
}

static void threads_do_not_disturb_each_other(void **state)
{
    (void)state;
    pthread_t threads[4];
    int failed[4] = {0};
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, in_a_thread, &failed[i]), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(failed[i], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_holds),
        cmocka_unit_test(spoken_text_stays_as_it_is),
        cmocka_unit_test(output_is_appended),
        cmocka_unit_test(nothing_gives_nothing),
        cmocka_unit_test(bad_bytes_are_refused_with_their_place),
        cmocka_unit_test(over_the_limit_is_refused),
        cmocka_unit_test(long_and_dull_texts_are_done_in_time),
        cmocka_unit_test(threads_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests_name("normalize", tests, NULL, NULL);
}
