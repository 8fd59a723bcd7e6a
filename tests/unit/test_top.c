/* What `ishowtts top` makes of pages of metrics. */
#include "test.h"

#include "cli/top.h"
#include "cli/top_prom.h"

#include <math.h>

static const char sample_text[] = "# HELP x y\n"
                                  "plain 1\n"
                                  "  spaced \t { a = \"1\" , b=\"x\\\"y\\\\z\\nw\" , }  2.5e3 1700000000\n"
                                  "not a sample\n"
                                  "empty{} NaN\r\n"
                                  "bad{a=\"1} 3\n"
                                  "bad 1x\n"
                                  "last{c=\"\"} +Inf";

static void take_sample(void *user, const struct prom_sample *s)
{
    int *n = user;
    char value[16];
    switch ((*n)++) {
    case 0:
        assert_true(slice_eq_str(s->name, "plain") && s->value == 1 && s->label_count == 0);
        break;
    case 1:
        assert_true(slice_eq_str(s->name, "spaced") && s->value == 2500 && s->label_count == 2);
        prom_value(s, "a", value, sizeof value);
        assert_string_equal(value, "1");
        prom_value(s, "b", value, sizeof value);
        assert_string_equal(value, "x\"y\\z\nw");
        prom_value(s, "b", value, 3);
        assert_string_equal(value, "x\"");
        prom_value(s, "absent", value, sizeof value);
        assert_string_equal(value, "");
        break;
    case 2:
        assert_true(slice_eq_str(s->name, "empty") && isnan(s->value));
        break;
    case 3:
        assert_true(slice_eq_str(s->name, "last") && s->value == INFINITY);
        break;
    default:
        fail();
    }
}

static void samples_are_read_and_the_rest_passed_over(void **state)
{
    (void)state;
    int n = 0;
    assert_int_equal(prom_each(sample_text, strlen(sample_text), take_sample, &n), 3);
    assert_int_equal(n, 4);
}

static const char before_text[] = "process_start_time_seconds 1000\n"
                                  "tts_requests_total{endpoint=\"speech\",status=\"200\"} 10\n"
                                  "tts_audio_seconds_total{engine=\"f5\"} 20\n"
                                  "tts_audio_seconds_total{engine=\"builtin\"} 5\n"
                                  "tts_rtf_bucket{engine=\"f5\",le=\"0.1\"} 10\n"
                                  "tts_rtf_bucket{engine=\"f5\",le=\"0.5\"} 10\n"
                                  "tts_rtf_bucket{engine=\"f5\",le=\"+Inf\"} 10\n"
                                  "tts_rtf_sum{engine=\"f5\"} 1\n"
                                  "tts_rtf_count{engine=\"f5\"} 10\n";

static const char now_text[] = "process_start_time_seconds 1000\n"
                               "tts_requests_total{endpoint=\"speech\",status=\"200\"} 30\n"
                               "tts_requests_total{endpoint=\"speech\",status=\"503\"} 8\n"
                               "tts_errors_total{reason=\"timeout\"} 2\n"
                               "tts_audio_seconds_total{engine=\"f5\"} 60\n"
                               "tts_audio_seconds_total{engine=\"builtin\"} 5\n"
                               "tts_rtf_bucket{engine=\"f5\",le=\"0.1\"} 15\n" /* 5 up to 0.1, */
                               "tts_rtf_bucket{engine=\"f5\",le=\"0.5\"} 25\n" /* 10 from there to 0.5, */
                               "tts_rtf_bucket{engine=\"f5\",le=\"+Inf\"} 30\n" /* 5 above */
                               "tts_rtf_sum{engine=\"f5\"} 11\n"
                               "tts_rtf_count{engine=\"f5\"} 30\n";

static void two_pages_tell_what_happened(void **state)
{
    (void)state;
    struct top_page *p = calloc(2, sizeof *p);
    assert_non_null(p);
    top_page_read(&p[0], before_text, strlen(before_text), 100);
    top_page_read(&p[1], now_text, strlen(now_text), 104);
    assert_true(top_same_process(&p[0], &p[1]));
    assert_false(top_same_process(&p[1], &p[0])); /* counters fell: another process */
    assert_float_equal(top_rate(&p[0], &p[1], TOP_AUDIO_SECONDS), 10, 1e-9);
    assert_float_equal(top_kind_rate(&p[0], &p[1], TOP_REQUESTS), 7, 1e-9);
    assert_float_equal(top_count_rate(&p[0], &p[1], 0), 5, 1e-9);
    assert_float_equal(top_count_rate(&p[0], &p[1], 1), 2, 1e-9); /* one that was not there before */
    assert_float_equal(top_kind_total(&p[1], TOP_ERRORS), 2, 1e-9);
    assert_float_equal(top_mean(&p[0], &p[1], TOP_RTF), 0.5, 1e-9);
    assert_float_equal(top_percentile(&p[0], &p[1], TOP_RTF, 0.125), 0.05, 1e-9);
    assert_float_equal(top_percentile(&p[0], &p[1], TOP_RTF, 0.5), 0.3, 1e-9);
    assert_float_equal(top_percentile(&p[0], &p[1], TOP_RTF, 0.99), 0.5, 1e-9);
    assert_true(isnan(top_percentile(&p[1], &p[1], TOP_RTF, 0.5)));
    assert_true(isnan(top_mean(&p[0], &p[1], TOP_BATCH)));
    assert_true(isnan(top_rate(&p[0], &p[0], TOP_AUDIO_SECONDS)));
    assert_true(isnan(p[1].numbers[TOP_VOICES]));
    struct top_page start;
    top_page_before(&start, &p[0], 1050);
    assert_float_equal(top_rate(&start, &p[0], TOP_AUDIO_SECONDS), 0.5, 1e-9);
    assert_float_equal(top_mean(&start, &p[0], TOP_RTF), 0.1, 1e-9);
    free(p);
}

static void the_last_pages_are_kept(void **state)
{
    (void)state;
    struct top_watch w = {.url = "http://x", .interval = 1};
    char text[128];
    assert_int_equal(top_watch_init(&w), 0);
    assert_null(top_newest(&w));
    for (int i = 0; i < 3 * TOP_PAGES; i++) {
        const int n = snprintf(text, sizeof text, "process_start_time_seconds 1\ntts_fallbacks_total %d\n", i);
        top_watch_page(&w, text, (size_t)n);
        assert_true(w.count <= TOP_PAGES);
        assert_float_equal(top_newest(&w)->numbers[TOP_FALLBACKS], i, 1e-9);
        assert_float_equal(top_previous(&w)->numbers[TOP_FALLBACKS], i ? i - 1 : 0, 1e-9);
        assert_true(top_oldest(&w)->at <= top_newest(&w)->at);
    }
    assert_int_equal(w.count, TOP_PAGES);
    const char again[] = "process_start_time_seconds 2\ntts_fallbacks_total 1\n"; /* a restart */
    top_watch_page(&w, again, strlen(again));
    assert_int_equal(w.count, 2);
    assert_true(w.from_start);
    top_watch_release(&w);
}

static void numbers_are_short_and_honest(void **state)
{
    (void)state;
    static const struct {
        double v;
        const char *text;
    } rows[] = {{0, "0"}, {0.01234, "0.012"}, {0.5, "0.50"}, {9.99, "9.99"}, {12.34, "12.3"}, {5, "5"}, {1234, "1234"},
                {12345, "12.3 k"}, {123456, "123 k"}, {12345678, "12.3 M"}, {-1, "-1"}, {NAN, "-"}, {INFINITY, "-"},
                {1e30, "1e+12 E"}};
    static const struct {
        double v;
        const char *text;
    } times[] = {{0.0012, "1.2 ms"}, {0.045, "45 ms"}, {0.9994, "999 ms"}, {1.234, "1.23 s"}, {12.34, "12.3 s"},
                 {123, "123 s"}, {NAN, "-"}};
    char text[16];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        top_number_text(text, rows[i].v);
        assert_string_equal(text, rows[i].text);
    }
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        top_time_text(text, times[i].v);
        assert_string_equal(text, times[i].text);
    }
}

static void nothing_foreign_reaches_the_terminal(void **state)
{
    (void)state;
    char out[16];
    top_clean(out, sizeof out, "a\033[2Jb");
    assert_string_equal(out, "a [2Jb");
    top_clean(out, sizeof out, "\xc2\x9b\xff大家好\xe2\x80\xae");
    assert_string_equal(out, "  大家好 ");
    top_clean(out, 6, "大家好");
    assert_string_equal(out, "大");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_read_and_the_rest_passed_over),
        cmocka_unit_test(two_pages_tell_what_happened),
        cmocka_unit_test(the_last_pages_are_kept),
        cmocka_unit_test(numbers_are_short_and_honest),
        cmocka_unit_test(nothing_foreign_reaches_the_terminal),
    };
    return cmocka_run_group_tests_name("top", tests, NULL, NULL);
}
