/* Which event counts where, read off the metrics page. */
#include "server/measure.h"

#include "test.h"

#include <math.h>
#include <stdio.h>

static struct measure *measure;
static struct buf page;

static int setup(void **state)
{
    (void)state;
    return measure_create(&measure);
}

static int teardown(void **state)
{
    (void)state;
    buf_release(&page);
    measure_free(measure);
    return 0;
}

static const struct speech_state calm = {
    .engine = "f5", .trouble = "", .kernels = "avx2", .queued = 3, .running = 1, .capacity = 64, .workers = 1};

static double tls_end = NAN;

static void render(const struct speech_state *speech)
{
    const struct measure_now now = {
        .speech = speech, .voices = 5, .chat_queue = 4, .chat_listeners = 6, .connections = 7, .tls_end = tls_end, .history_dropped = 2};
    buf_release(&page);
    assert_int_equal(measure_page(measure, &now, &page), 0);
}

static void assert_line(const char *line)
{
    char wanted[256];
    snprintf(wanted, sizeof wanted, "\n%s\n", line);
    if (!strstr(page.ptr, wanted))
        fail_msg("the page lacks: %s", line);
}

static void test_requests(void **state)
{
    (void)state;
    measure_request(measure, "tts", 200);
    measure_request(measure, "tts", 401);
    measure_request(measure, "tts", 403);
    measure_request(measure, NULL, 404);
    measure_request(measure, "tts", 0);
    render(&calm);
    assert_line("tts_requests_total{endpoint=\"tts\",status=\"200\"} 1");
    assert_line("tts_requests_total{endpoint=\"none\",status=\"404\"} 1");
    assert_line("tts_requests_total{endpoint=\"tts\",status=\"0\"} 1");
    assert_line("tts_rejected_total{reason=\"unauthorized\"} 1");
    assert_line("tts_rejected_total{reason=\"forbidden\"} 1");
}

static void test_submissions(void **state)
{
    (void)state;
    measure_submit(measure, SUBMIT_OK);
    measure_submit(measure, SUBMIT_FULL);
    measure_submit(measure, SUBMIT_STOPPING);
    measure_submit(measure, SUBMIT_NOMEM);
    render(&calm);
    assert_line("tts_rejected_total{reason=\"queue_full\"} 1");
    assert_line("tts_rejected_total{reason=\"stopping\"} 1");
    assert_line("tts_rejected_total{reason=\"memory\"} 1");
}

static void test_speech_that_went_well(void **state)
{
    (void)state;
    const struct job_result r = {.engine = "f5",
                                 .queue_seconds = 0.02,
                                 .first_audio_seconds = 0.4,
                                 .seconds = 0.9,
                                 .samples = 3 * ISHOW_RATE,
                                 .batch = 2,
                                 .degraded = "nfe,seed"};
    measure_job(measure, &r);
    render(&calm);
    assert_line("tts_queue_wait_seconds_sum 0.02");
    assert_line("tts_time_to_first_audio_seconds_sum 0.4");
    assert_line("tts_synthesis_duration_seconds_sum{engine=\"f5\"} 0.9");
    assert_line("tts_rtf_bucket{engine=\"f5\",le=\"0.25\"} 0");
    assert_line("tts_rtf_bucket{engine=\"f5\",le=\"0.35\"} 1");
    assert_line("tts_audio_seconds_total{engine=\"f5\"} 3");
    assert_line("tts_batch_size_sum 2");
    assert_line("tts_degraded_total{step=\"nfe\"} 1");
    assert_line("tts_degraded_total{step=\"seed\"} 1");
    assert_line("tts_fallbacks_total 0");
}

static void test_speech_of_the_builtin_voice_instead(void **state)
{
    (void)state;
    const struct job_result r = {.engine = "builtin", .seconds = 0.1, .samples = 0, .degraded = "builtin"};
    measure_job(measure, &r); /* no audio: no factor */
    render(&calm);
    assert_line("tts_degraded_total{step=\"builtin\"} 1");
    assert_line("tts_fallbacks_total 1");
    assert_line("tts_rtf_count{engine=\"builtin\"} 0");
    assert_line("tts_synthesis_duration_seconds_count{engine=\"builtin\"} 1");
}

static void test_speech_that_failed(void **state)
{
    (void)state;
    static const enum job_failure failures[] = {JOB_TIMEOUT, JOB_BAD, JOB_BROKEN, JOB_BROKEN, JOB_STOPPED};
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        const struct job_result r = {.failure = failures[i], .engine = "", .degraded = "", .queue_seconds = 1};
        measure_job(measure, &r);
    }
    measure_cancel(measure);
    measure_retry(measure, "silent");
    measure_reload(measure, 0);
    measure_reload(measure, 1);
    render(&calm);
    assert_line("tts_errors_total{reason=\"timeout\"} 1");
    assert_line("tts_errors_total{reason=\"bad_request\"} 1");
    assert_line("tts_errors_total{reason=\"broken\"} 2");
    assert_line("tts_errors_total{reason=\"stopped\"} 1");
    assert_line("tts_queue_wait_seconds_count 5");
    assert_line("tts_synthesis_duration_seconds_count{engine=\"f5\"} 0");
    assert_line("tts_cancelled_total 1");
    assert_line("tts_retries_total{reason=\"silent\"} 1");
    assert_line("ishowtts_config_reloads_total{result=\"failed\"} 1");
    assert_line("ishowtts_config_reloads_total{result=\"ok\"} 1");
}

static void test_the_chat(void **state)
{
    (void)state;
    measure_chat_message(measure, "twitch", "say");
    measure_chat_message(measure, "twitch", "say");
    measure_chat_message(measure, "youtube", "flood");
    measure_chat_latency(measure, 0.02);
    render(&calm);
    assert_line("tts_chat_messages_total{platform=\"twitch\",verdict=\"say\"} 2");
    assert_line("tts_chat_messages_total{platform=\"youtube\",verdict=\"flood\"} 1");
    assert_line("tts_chat_latency_seconds_bucket{le=\"0.025\"} 1");
    assert_line("tts_chat_latency_seconds_bucket{le=\"0.01\"} 0");
}

static void test_what_is_known_at_the_moment(void **state)
{
    (void)state;
    render(&calm);
    assert_line("tts_queue_depth 3");
    assert_line("tts_queue_capacity 64");
    assert_line("tts_requests_in_flight 1");
    assert_line("tts_model_ready 1");
    assert_line("tts_voices 5");
    assert_line("tts_chat_queue_depth 4");
    assert_line("tts_chat_listeners 6");
    assert_line("http_connections 7");
    assert_null(strstr(page.ptr, "\ntls_certificate_end_timestamp_seconds "));
    assert_line("tts_history_dropped_total 2");
    assert_line("ishowtts_build_info{version=\"" ISHOW_VERSION "\",kernels=\"avx2\",engine=\"f5\"} 1");
    assert_non_null(strstr(page.ptr, "\nprocess_resident_memory_bytes "));
    tls_end = 1900000000;
    struct speech_state broken = calm;
    broken.engine = "builtin";
    broken.trouble = "no model";
    render(&broken);
    assert_line("tts_model_ready 0");
    assert_line("tls_certificate_end_timestamp_seconds 1900000000");
    assert_line("ishowtts_build_info{version=\"" ISHOW_VERSION "\",kernels=\"avx2\",engine=\"builtin\"} 1");
    assert_null(strstr(page.ptr, "engine=\"f5\"} 1\n")); /* what was before is not shown beside it */
}

static void test_without_it_nothing_is_measured(void **state)
{
    (void)state;
    const struct job_result r = {.engine = "f5", .degraded = ""};
    measure_request(NULL, "tts", 200);
    measure_submit(NULL, SUBMIT_FULL);
    measure_job(NULL, &r);
    measure_retry(NULL, "silent");
    measure_cancel(NULL);
    measure_reload(NULL, 1);
    measure_chat_message(NULL, "twitch", "say");
    measure_chat_latency(NULL, 1);
    measure_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_requests, setup, teardown),
        cmocka_unit_test_setup_teardown(test_submissions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_speech_that_went_well, setup, teardown),
        cmocka_unit_test_setup_teardown(test_speech_of_the_builtin_voice_instead, setup, teardown),
        cmocka_unit_test_setup_teardown(test_speech_that_failed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_chat, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_known_at_the_moment, setup, teardown),
        cmocka_unit_test(test_without_it_nothing_is_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
