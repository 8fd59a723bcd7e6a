/* What stands in a line of the log, byte by byte but for its time. */
#include "base/log.h"

#include "test.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int ends[2];
static char line[2 * LOG_LINE_MAX];

static int setup(void **state)
{
    (void)state;
    unsetenv("JOURNAL_STREAM");
    return pipe2(ends, O_CLOEXEC | O_NONBLOCK);
}

static int teardown(void **state)
{
    (void)state;
    close(ends[0]);
    close(ends[1]);
    return 0;
}

/* What was written since, with its time as "TIME". */
static const char *written(void)
{
    static char text[sizeof line];
    const ssize_t n = read(ends[0], text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    char *t = strstr(text, "20"); /* 2026-11-20T12:00:00.000Z */
    if (t && strlen(t) >= 24 && t[23] == 'Z')
        snprintf(line, sizeof line, "%.*sTIME%s", (int)(t - text), text, t + 24);
    else
        strcpy(line, text);
    return line;
}

static struct log *open_log(enum log_format format, enum log_level level)
{
    struct log *log;
    assert_int_equal(log_create(ends[1], format, level, &log, NULL), 0);
    return log;
}

static void test_values_in_both_formats(void **state)
{
    (void)state;
    static const struct {
        struct log_field field;
        const char *text, *json;
    } cases[] = {
        {{"a", LOG_FIELD_STR, {.str = "plain/path-1.x"}}, "a=plain/path-1.x", "\"a\":\"plain/path-1.x\""},
        {{"a", LOG_FIELD_STR, {.str = ""}}, "a=\"\"", "\"a\":\"\""},
        {{"a", LOG_FIELD_STR, {.str = NULL}}, "a=\"\"", "\"a\":\"\""},
        {{"a", LOG_FIELD_STR, {.str = "two words"}}, "a=\"two words\"", "\"a\":\"two words\""},
        {{"a", LOG_FIELD_STR, {.str = "x\n2026 error forged"}},
         "a=\"x\\u000a2026 error forged\"",
         "\"a\":\"x\\u000a2026 error forged\""},
        {{"a", LOG_FIELD_STR, {.str = "\"\\"}}, "a=\"\\\"\\\\\"", "\"a\":\"\\\"\\\\\""},
        {{"a", LOG_FIELD_STR, {.str = "\x1b[31m\x7f"}}, "a=\"\\u001b[31m\\u007f\"", "\"a\":\"\\u001b[31m\\u007f\""},
        {{"a", LOG_FIELD_STR, {.str = "\xff大"}}, "a=\"\xEF\xBF\xBD大\"", "\"a\":\"\xEF\xBF\xBD大\""},
        {{"a", LOG_FIELD_INT, {.integer = -5}}, "a=-5", "\"a\":-5"},
        {{"a", LOG_FIELD_NUM, {.number = 0.25}}, "a=0.25", "\"a\":0.25"},
        {{"a", LOG_FIELD_NUM, {.number = NAN}}, "a=null", "\"a\":null"},
    };
    struct log *log = open_log(LOG_TEXT, LOG_INFO);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct log_field fields[] = {cases[i].field, {.key = NULL}};
        char expected[256];
        log_set(log, LOG_TEXT, LOG_INFO);
        log_fields(log, LOG_INFO, "event", fields);
        snprintf(expected, sizeof expected, "TIME info event %s\n", cases[i].text);
        assert_string_equal(written(), expected);
        log_set(log, LOG_JSON, LOG_INFO);
        log_fields(log, LOG_INFO, "event", fields);
        snprintf(expected, sizeof expected, "{\"time\":\"TIME\",\"level\":\"info\",\"event\":\"event\",%s}\n",
                 cases[i].json);
        assert_string_equal(written(), expected);
    }
    log_free(log);
}

static void test_what_is_below_the_level_is_not_written(void **state)
{
    (void)state;
    struct log *log = open_log(LOG_TEXT, LOG_WARN);
    log_event(log, LOG_INFO, "quiet");
    log_event(log, LOG_DEBUG, "quieter");
    assert_string_equal(written(), "");
    log_event(log, LOG_WARN, "loud");
    assert_string_equal(written(), "TIME warn loud\n");
    log_event(NULL, LOG_ERROR, "nowhere");
    log_free(log);
}

static void test_a_line_has_an_end(void **state)
{
    (void)state;
    struct log *log = open_log(LOG_JSON, LOG_INFO);
    char *longest = malloc(3 * LOG_LINE_MAX);
    assert_non_null(longest);
    memset(longest, 'x', 3 * LOG_LINE_MAX - 1);
    longest[3 * LOG_LINE_MAX - 1] = '\0';
    log_event(log, LOG_INFO, "e", log_str("long", longest), log_int("after", 1));
    written();
    const size_t n = strlen(line);
    assert_true(n <= LOG_LINE_MAX);
    assert_string_equal(line + n - 2, "}\n");
    assert_ptr_equal(strchr(line, '\n'), line + n - 1);
    free(longest);
    log_free(log);
}

static void test_the_journal_hears_priorities(void **state)
{
    (void)state;
    struct stat st;
    char stream[64];
    assert_int_equal(fstat(ends[1], &st), 0);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    static const char *const expected[] = {"<7>TIME debug e\n", "<6>TIME info e\n", "<4>TIME warn e\n",
                                           "<3>TIME error e\n"};
    struct log *log = open_log(LOG_TEXT, LOG_DEBUG);
    for (int i = 0; i < 4; i++) {
        log_event(log, (enum log_level)i, "e");
        assert_string_equal(written(), expected[i]);
    }
    log_free(log);
    /* the journal's stream, but the log goes elsewhere */
    setenv("JOURNAL_STREAM", "1:1", 1);
    log = open_log(LOG_TEXT, LOG_DEBUG);
    log_event(log, LOG_INFO, "e");
    assert_string_equal(written(), "TIME info e\n");
    log_free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values_in_both_formats, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_below_the_level_is_not_written, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_line_has_an_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_journal_hears_priorities, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
