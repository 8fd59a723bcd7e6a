/* The metrics page is read back by a parser of its own, and must say what was counted. */
#include "server/metrics.h"

#include "base/error.h"
#include "failing_heap.h"
#include "test.h"

#include <math.h>
#include <stdio.h>

static struct metrics *metrics;
static struct buf page;

static int setup(void **state)
{
    (void)state;
    metrics = NULL;
    page = (struct buf)BUF_INIT;
    return metrics_create(&metrics);
}

static int teardown(void **state)
{
    (void)state;
    buf_release(&page);
    metrics_free(metrics);
    return 0;
}

static void render(void)
{
    buf_release(&page);
    assert_int_equal(metrics_render(metrics, &page), 0);
}

/* The value of the line that begins with `sample` and a space; NaN if there is none. */
static double value_of(const char *sample)
{
    const size_t n = strlen(sample);
    for (const char *line = page.ptr; line && *line; line = strchr(line, '\n') + 1)
        if (!strncmp(line, sample, n) && line[n] == ' ')
            return strtod(line + n, NULL);
    return NAN;
}

static int lines_with(const char *start)
{
    int n = 0;
    for (const char *line = page.ptr; *line; line = strchr(line, '\n') + 1)
        n += !strncmp(line, start, strlen(start));
    return n;
}

static void test_counts_are_shown_by_label(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        metrics_count(metrics, METRIC_REQUESTS, METRIC_LABELS("/api/tts", "200"), 1);
    metrics_count(metrics, METRIC_REQUESTS, METRIC_LABELS("/api/tts", "503"), 1);
    metrics_count(metrics, METRIC_AUDIO_SECONDS, METRIC_LABELS("f5"), 2.5);
    metrics_count(metrics, METRIC_FALLBACKS, METRIC_LABELS(), 1);
    render();
    assert_true(value_of("tts_requests_total{endpoint=\"/api/tts\",status=\"200\"}") == 3);
    assert_true(value_of("tts_requests_total{endpoint=\"/api/tts\",status=\"503\"}") == 1);
    assert_true(value_of("tts_audio_seconds_total{engine=\"f5\"}") == 2.5);
    assert_true(value_of("tts_fallbacks_total") == 1);
}

static void test_what_never_happened_is_a_zero(void **state)
{
    (void)state;
    render();
    assert_true(value_of("tts_errors_total{reason=\"timeout\"}") == 0);
    assert_true(isnan(value_of("tts_errors_total{reason=\"memory\"}"))); /* what cannot happen is none */
    assert_true(value_of("tts_fallbacks_total") == 0);
    assert_true(value_of("tts_queue_wait_seconds_count") == 0);
    assert_true(value_of("tts_rtf_bucket{engine=\"builtin\",le=\"+Inf\"}") == 0);
    assert_true(isnan(value_of("tts_queue_depth"))); /* a gauge that nobody set is not known */
}

static void test_gauges_are_set_and_unset(void **state)
{
    (void)state;
    metrics_set(metrics, METRIC_QUEUE_DEPTH, METRIC_LABELS(), 7);
    metrics_set(metrics, METRIC_GPU_UTILIZATION, METRIC_LABELS("0"), 93);
    metrics_set(metrics, METRIC_PROCESS_RESIDENT, METRIC_LABELS(), 12345678901.0);
    render();
    assert_true(value_of("tts_queue_depth") == 7);
    assert_true(value_of("gpu_utilization_percent{gpu=\"0\"}") == 93);
    assert_true(value_of("process_resident_memory_bytes") == 12345678901.0);
    assert_non_null(strstr(page.ptr, " 12345678901\n")); /* written out, not rounded to six digits */
    metrics_set(metrics, METRIC_GPU_UTILIZATION, METRIC_LABELS("0"), NAN);
    render();
    assert_true(isnan(value_of("gpu_utilization_percent{gpu=\"0\"}")));
    assert_null(strstr(page.ptr, "nan"));
    metrics_set(metrics, METRIC_BUILD_INFO, METRIC_LABELS("1", "avx2", "f5"), 1);
    metrics_unset(metrics, METRIC_BUILD_INFO);
    metrics_set(metrics, METRIC_BUILD_INFO, METRIC_LABELS("1", "avx2", "builtin"), 1);
    render();
    assert_int_equal(lines_with("ishowtts_build_info{"), 1);
}

static void test_histograms_are_cumulative(void **state)
{
    (void)state;
    /* on a bound, between bounds, below the first, above the last */
    const double seen[] = {0.1, 0.2, 0.07, 0, 1000};
    double sum = 0;
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) {
        metrics_observe(metrics, METRIC_FIRST_AUDIO_SECONDS, METRIC_LABELS(), seen[i]);
        sum += seen[i];
    }
    metrics_observe(metrics, METRIC_FIRST_AUDIO_SECONDS, METRIC_LABELS(), NAN);
    metrics_observe(metrics, METRIC_FIRST_AUDIO_SECONDS, METRIC_LABELS(), INFINITY);
    render();
    const struct {
        const char *le;
        double count;
    } expected[] = {{"0.01", 1}, {"0.05", 1}, {"0.1", 3}, {"0.2", 4}, {"30", 4}, {"+Inf", 5}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        char sample[128];
        snprintf(sample, sizeof sample, "tts_time_to_first_audio_seconds_bucket{le=\"%s\"}", expected[i].le);
        assert_true(value_of(sample) == expected[i].count);
    }
    assert_true(fabs(value_of("tts_time_to_first_audio_seconds_sum") - sum) < 1e-9);
    assert_true(value_of("tts_time_to_first_audio_seconds_count") == 5);
}

static void test_every_family_is_introduced_once(void **state)
{
    (void)state;
    for (int id = METRIC_QUEUE_DEPTH; id < METRIC_COUNT; id++)
        metrics_set(metrics, id, METRIC_LABELS("a", "b", "c"), 1);
    metrics_count(metrics, METRIC_REQUESTS, METRIC_LABELS("/", "200"), 1);
    metrics_count(metrics, METRIC_CHAT_MESSAGES, METRIC_LABELS("twitch", "say"), 1);
    render();
    assert_int_equal(lines_with("# HELP "), METRIC_COUNT);
    assert_int_equal(lines_with("# TYPE "), METRIC_COUNT);
    assert_int_equal(page.ptr[page.len - 1], '\n');
}

static void test_label_values_are_escaped_and_cut(void **state)
{
    (void)state;
    metrics_set(metrics, METRIC_BUILD_INFO, METRIC_LABELS("1\"2\\3\n4", "k", "e"), 1);
    char longest[200] = "";
    for (int i = 0; i < 60; i++)
        strcat(longest, "é"); /* 120 bytes: 63 would end within a character */
    metrics_count(metrics, METRIC_REQUESTS, METRIC_LABELS(longest, "200"), 1);
    render();
    assert_true(value_of("ishowtts_build_info{version=\"1\\\"2\\\\3\\n4\",kernels=\"k\",engine=\"e\"}") == 1);
    longest[62] = '\0';
    char sample[300];
    snprintf(sample, sizeof sample, "tts_requests_total{endpoint=\"%s\",status=\"200\"}", longest);
    assert_true(value_of(sample) == 1);
}

static void test_unknown_values_become_other(void **state)
{
    (void)state;
    metrics_count(metrics, METRIC_ERRORS, METRIC_LABELS("made up"), 2);
    metrics_count(metrics, METRIC_ERRORS, METRIC_LABELS("too"), 1);
    metrics_count(metrics, METRIC_RELOADS, METRIC_LABELS(), 1); /* forgotten */
    render();
    assert_true(value_of("tts_errors_total{reason=\"other\"}") == 3);
    assert_null(strstr(page.ptr, "made up"));
    assert_true(value_of("ishowtts_config_reloads_total{result=\"other\"}") == 1);
}

static void test_labels_cannot_grow_the_page(void **state)
{
    (void)state;
    for (int i = 0; i < 10 * METRICS_SERIES_MAX; i++) {
        char endpoint[32];
        snprintf(endpoint, sizeof endpoint, "/guess/%d", i);
        metrics_count(metrics, METRIC_REQUESTS, METRIC_LABELS(endpoint, "404"), 1);
        metrics_set(metrics, METRIC_GPU_UTILIZATION, METRIC_LABELS(endpoint), 1);
    }
    for (int id = METRIC_QUEUE_DEPTH; id < METRIC_COUNT; id++)
        metrics_set(metrics, id, METRIC_LABELS("late", "late", "late"), 5);
    render();
    assert_true(lines_with("tts_requests_total{") < METRICS_SERIES_MAX);
    double all = 0; /* nothing was lost */
    for (const char *line = page.ptr; *line; line = strchr(line, '\n') + 1)
        if (!strncmp(line, "tts_requests_total{", 19))
            all += strtod(strstr(line, "} ") + 2, NULL);
    assert_true(all == 10 * METRICS_SERIES_MAX);
    assert_true(value_of("tts_requests_total{endpoint=\"other\",status=\"other\"}") > 0);
    assert_true(value_of("tts_voices") == 5); /* the others still have their place */
    assert_true(value_of("gpu_utilization_percent{gpu=\"other\"}") == 5);
}

static void test_without_metrics_nothing_happens(void **state)
{
    (void)state;
    metrics_count(NULL, METRIC_FALLBACKS, METRIC_LABELS(), 1);
    metrics_observe(NULL, METRIC_RTF, METRIC_LABELS("f5"), 1);
    metrics_set(NULL, METRIC_VOICES, METRIC_LABELS(), 1);
    metrics_free(NULL);
}

static int make_page(struct error *err)
{
    struct metrics *m;
    if (metrics_create(&m))
        return error_nomem(err);
    struct buf out = BUF_INIT;
    const int rc = metrics_render(m, &out);
    buf_release(&out);
    metrics_free(m);
    return rc ? error_nomem(err) : 0;
}

static void test_without_memory_it_says_so(void **state)
{
    (void)state;
    heap_fail_each(make_page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_counts_are_shown_by_label, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_never_happened_is_a_zero, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gauges_are_set_and_unset, setup, teardown),
        cmocka_unit_test_setup_teardown(test_histograms_are_cumulative, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_family_is_introduced_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_label_values_are_escaped_and_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_values_become_other, setup, teardown),
        cmocka_unit_test_setup_teardown(test_labels_cannot_grow_the_page, setup, teardown),
        cmocka_unit_test(test_without_metrics_nothing_happens),
        cmocka_unit_test(test_without_memory_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
