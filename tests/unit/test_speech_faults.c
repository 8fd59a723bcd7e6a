/* Speech when something fails: each step down, engines that are lost, hang or are not there, many jobs at once. */
#include "test.h"

#include "speech_stage.h"

#include <stdio.h>

/* -------- what goes wrong -------- */

static void each_step_is_taken_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        enum fake_act acts[4];
        int fallback, retries, says;
        enum job_failure failure;
        const char *engine, *degraded;
        int retried;
    } cases[] = {
        {"all is well", {FAKE_SPEAKS}, 1, 1, 1, JOB_OK, "f5", "", 0},
        {"silent once", {FAKE_SILENT, FAKE_SPEAKS}, 1, 1, 2, JOB_OK, "f5", "seed", 1},
        {"clipped once", {FAKE_CLIPS, FAKE_SPEAKS}, 1, 1, 2, JOB_OK, "f5", "seed", 1},
        {"no numbers once", {FAKE_NO_NUMBERS, FAKE_SPEAKS}, 1, 1, 2, JOB_OK, "f5", "seed", 1},
        {"too short once", {FAKE_SHORT, FAKE_SPEAKS}, 1, 1, 2, JOB_OK, "f5", "seed", 1},
        {"too long once", {FAKE_LONG, FAKE_SPEAKS}, 1, 1, 2, JOB_OK, "f5", "seed", 1},
        {"three times", {FAKE_SILENT, FAKE_NO_NUMBERS, FAKE_CLIPS, FAKE_SPEAKS}, 1, 3, 4, JOB_OK, "f5", "seed", 3},
        {"as often as allowed", {FAKE_SILENT, FAKE_SILENT}, 1, 1, 2, JOB_OK, "builtin", "seed,builtin", 1},
        {"not allowed at all", {FAKE_SILENT}, 1, 0, 1, JOB_OK, "builtin", "builtin", 0},
        {"broken: another seed would not help", {FAKE_BREAKS}, 1, 1, 1, JOB_OK, "builtin", "builtin", 0},
        {"nobody to fall back to", {FAKE_BREAKS}, 0, 1, 1, JOB_BROKEN, "f5", "", 0},
        {"and after the seeds", {FAKE_SILENT, FAKE_SILENT}, 0, 1, 2, JOB_BROKEN, "f5", "seed", 1},
        {"lost and found", {FAKE_LOST, FAKE_SPEAKS}, 1, 1, 2, JOB_OK, "f5", "", 0},
        {"lost for good", {FAKE_LOST, FAKE_LOST}, 1, 1, 2, JOB_OK, "builtin", "builtin", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int stream = 0; stream < 2; stream++) {
            setup(NULL);
            struct speech_params p = usual();
            p.fallback = cases[i].fallback;
            p.retries = cases[i].retries;
            memcpy(fake.acts, cases[i].acts, sizeof cases[i].acts);
            start(&p);
            struct job_request r = request(0);
            r.say.seed = 41;
            r.stream = stream && cases[i].acts[0] != FAKE_SHORT && cases[i].acts[0] != FAKE_LONG; /* told by the end */
            assert_int_equal(submit(0, &r), SUBMIT_OK);
            await_true(all_over);
            const struct heard *h = &heard[0];
            if (h->result.failure != cases[i].failure || strcmp(h->result.engine, cases[i].engine) ||
                strcmp(h->degraded, cases[i].degraded) || h->result.retries != cases[i].retried ||
                fake.says != cases[i].says)
                fail_msg("%s, %s: failure %d, engine %s, degraded \"%s\", %d retries, %d syntheses: %s", cases[i].what,
                         stream ? "streamed" : "whole", (int)h->result.failure, h->result.engine, h->degraded,
                         h->result.retries, fake.says, h->message);
            assert_true((h->message[0] != '\0') == (h->result.failure != JOB_OK));
            if (!strcmp(cases[i].engine, "f5"))
                assert_int_equal(h->result.seed, 41 + cases[i].retried);
            assert_true(h->result.failure != JOB_OK || h->sound.len > 20000);
            stop();
        }
}

static void a_stream_that_turns_bad_ends_with_an_error(void **state)
{
    (void)state;
    static const enum fake_act acts[] = {FAKE_LATER_BAD, FAKE_LONG, FAKE_SHORT};
    for (int i = 0; i < 3; i++) {
        setup(NULL);
        struct speech_params p = usual();
        start(&p);
        fake.acts[0] = acts[i];
        struct job_request r = request(0);
        r.stream = 1;
        assert_int_equal(submit(0, &r), SUBMIT_OK);
        await_true(all_over);
        assert_true(heard[0].pieces >= 1);
        assert_int_equal(heard[0].result.failure, JOB_BROKEN);
        assert_int_equal(fake.says, 1); /* what has been heard cannot be taken back */
        stop();
    }
}

static void what_is_asked_for_wrongly_is_the_callers_fault(void **state)
{
    (void)state;
    struct speech_params p = usual();
    start(&p);
    struct job_request r = request(0);
    r.text = "?";
    assert_int_equal(submit(0, &r), SUBMIT_OK);
    r = request(1);
    r.voice = NULL;
    r.text = "…";
    assert_int_equal(submit(1, &r), SUBMIT_OK);
    r = request(2);
    r.voice = NULL;
    r.text = "\xff is no UTF-8";
    assert_int_equal(submit(2, &r), SUBMIT_OK);
    await_true(all_over);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(heard[i].result.failure, JOB_BAD);
        assert_true(heard[i].message[0]);
    }
    stop();
}

static void many_waiting_get_fewer_evaluations(void **state)
{
    (void)state;
    static const struct config_rung ladder[] = {{1, 5}, {3, 3}};
    static const int nfe[] = {7, 3, 5, 5, 7}; /* with 0, 3, 2, 1 and 0 behind each */
    struct speech_params p = usual();
    p.ladder = ladder;
    p.ladder_count = 2;
    start(&p);
    occupy(0);
    for (int i = 1; i < 5; i++)
        ask(i);
    fake.gate = 1;
    await_true(all_over);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(heard[i].result.nfe, nfe[i]);
        assert_string_equal(heard[i].degraded, nfe[i] < 7 ? "nfe" : "");
    }
    stop();
}

static void a_voice_that_cannot_be_prepared_is_stood_in_for(void **state)
{
    (void)state;
    struct speech_params p = usual();
    struct error err;
    start(&p);
    struct job_request r = request(0);
    const struct config_voice broken = {.id = "v0", .reference_audio = "/missing.wav", .reference_text = "Hello."};
    assert_int_equal(voices_configure(voices, &broken, 1, "v0", &err), 0);
    r.voice = voices_find(voices, "v0");
    assert_int_equal(submit(0, &r), SUBMIT_OK);
    await_true(all_over);
    assert_int_equal(heard[0].result.failure, JOB_OK);
    assert_string_equal(heard[0].degraded, "builtin");
    stop();
}

static void clips_are_prepared_once_and_not_too_many_kept(void **state)
{
    (void)state;
    static char ids[SPEECH_CLIPS_MAX + 1][8];
    struct speech_params p = usual();
    p.queue_capacity = p.per_client = 64;
    start(&p);
    configure_voices(SPEECH_CLIPS_MAX + 1);
    const int visits[] = {SPEECH_CLIPS_MAX, SPEECH_CLIPS_MAX - 1, 1, 1, 0, SPEECH_CLIPS_MAX};
    for (int i = 0; i <= SPEECH_CLIPS_MAX; i++) {
        struct job_request r = request(i);
        snprintf(ids[i], sizeof ids[i], "v%d", i);
        r.voice = voices_find(voices, ids[i]);
        assert_int_equal(submit(i, &r), SUBMIT_OK);
    }
    await_true(all_over);
    assert_int_equal(fake.clips, SPEECH_CLIPS_MAX + 1);
    for (size_t i = 0; i < sizeof visits / sizeof *visits; i++) {
        struct job_request r = request((int)i);
        heard[i].done = 0;
        r.voice = voices_find(voices, ids[visits[i]]);
        assert_int_equal(submit((int)i, &r), SUBMIT_OK);
    }
    await_true(all_over);
    assert_int_equal(fake.clips, SPEECH_CLIPS_MAX + 2); /* only the first had gone */
    stop();
}

/* -------- engines -------- */

static void without_a_model_the_built_in_voices_stand_in_until_it_is_there(void **state)
{
    (void)state;
    struct speech_params p = usual();
    struct speech_state s;
    struct error err;
    p.engine = "f5";
    fake.cannot_open = 1;
    start(&p);
    speech_describe(speech, &s);
    assert_string_equal(s.engine, "builtin");
    assert_string_equal(s.trouble, "there is no such model");
    ask(0);
    await_true(all_over);
    assert_int_equal(heard[0].result.failure, JOB_OK);
    assert_string_equal(heard[0].degraded, "builtin");

    fake.cannot_open = 0;
    assert_int_equal(speech_reload(speech, &p, &err), 0);
    heard[0].done = 0;
    for (int i = 0; i < 200 && strcmp(s.engine, "f5"); i++) {
        ask(1);
        await_true(all_over);
        heard[1].done = 0;
        speech_describe(speech, &s);
    }
    assert_string_equal(s.engine, "f5");
    assert_string_equal(s.trouble, "");
    assert_string_equal(s.precision, "f32");
    ask(2);
    await_true(all_over);
    assert_string_equal(heard[2].result.engine, "f5");
    assert_string_equal(heard[2].degraded, "");
    stop();
}

static void no_model_is_no_trouble_when_none_was_asked_for(void **state)
{
    (void)state;
    struct speech_params p = usual();
    struct speech_state s;
    fake.cannot_open = 1;
    start(&p);
    speech_describe(speech, &s);
    assert_string_equal(s.engine, "builtin");
    assert_string_equal(s.trouble, "");
    stop();
}

static void a_model_that_is_needed_and_missing_is_an_error(void **state)
{
    (void)state;
    struct speech_params p = usual();
    p.fallback = 0;
    fake.cannot_open = 1;
    start(&p);
    ask(0);
    await_true(all_over);
    assert_int_equal(heard[0].result.failure, JOB_BROKEN);
    assert_string_equal(heard[0].message, "there is no such model");
    stop();
}

static int model_is_away(void)
{
    struct speech_state s;
    speech_describe(speech, &s);
    return strcmp(s.engine, "builtin") == 0;
}

static void a_model_lost_for_good_moves_what_waits(void **state)
{
    (void)state;
    struct speech_params p = usual();
    struct speech_state s;
    start(&p);
    fake.acts[0] = FAKE_LOST;
    occupy(0);
    ask(1);
    ask(2);
    fake.cannot_open = 1;
    fake.gate = 1;
    await_true(all_over);
    for (int i = 0; i < 3; i++)
        assert_string_equal(heard[i].degraded, "builtin");
    await_true(model_is_away);
    speech_describe(speech, &s);
    assert_string_equal(s.trouble, "there is no such model");
    stop();
}

static int somebody_hangs(void)
{
    struct speech_state s;
    speech_describe(speech, &s);
    return s.hung;
}
static int nobody_hangs(void)
{
    return !somebody_hangs();
}

static void a_worker_that_hangs_is_named(void **state)
{
    (void)state;
    struct speech_params p = usual();
    struct speech_state s;
    p.hang_seconds = 0.05;
    start(&p);
    fake.acts[0] = FAKE_HANGS;
    occupy(0);
    ask(1);
    await_true(somebody_hangs);
    speech_describe(speech, &s);
    assert_non_null(strstr(s.trouble, "f5-1"));
    assert_string_equal(s.engine, "builtin");
    await_true(second_done); /* it does not wait for it */
    assert_string_equal(heard[1].degraded, "builtin");
    fake.gate = 1;
    await_true(all_over);
    await_true(nobody_hangs);
    speech_describe(speech, &s);
    assert_string_equal(s.trouble, "");
    assert_string_equal(s.engine, "f5");
    stop();
}

static void what_is_alike_is_spoken_together(void **state)
{
    (void)state;
    struct speech_params p = usual();
    p.batch_max = 3;
    start(&p);
    occupy(0);
    for (int i = 1; i < 8; i++) {
        struct job_request r = request(i);
        r.say.nfe = i == 5 ? 9 : 7;
        r.stream = i == 2;
        assert_int_equal(submit(i, &r), SUBMIT_OK);
    }
    fake.acts[2] = FAKE_SILENT; /* of the three: it alone is made again */
    fake.gate = 1;
    await_true(all_over);
    static const int batch[] = {1, 3, 3, 3, 1, 1, 2, 2}; /* 4 waits for nobody: the next is another kind */
    for (int i = 0; i < 8; i++) {
        assert_int_equal(heard[i].result.failure, JOB_OK);
        assert_int_equal(heard[i].result.batch, batch[i]);
        assert_int_equal(heard[i].result.retries, i == 2);
    }
    assert_int_equal(fake.manys, 2);
    assert_int_equal(fake.together[0], 3);
    assert_int_equal(fake.together[1], 2);
    stop();
}

static void a_window_waits_for_one_more(void **state)
{
    (void)state;
    struct speech_params p = usual();
    p.batch_max = 3;
    p.batch_window = PATIENCE; /* it ends when the three are there */
    start(&p);
    occupy(0);
    ask(1);
    ask(2);
    fake.gate = 1;
    await_true(first_done);
    ask(3);
    await_true(all_over);
    assert_int_equal(fake.together[0], 3);
    stop();
}

/* -------- a real, small model -------- */

static void real_speech_is_the_same_alone_and_together(void **state)
{
    (void)state;
    char model[512];
    struct speech_params p = usual();
    struct speech_state s;
    snprintf(model, sizeof model, "%s/golden/english", getenv("ISHOW_TESTS"));
    p.calls = NULL;
    p.open.model = model;
    p.open.precision = "f32";
    p.open.cache = "";
    p.batch_max = 4;
    start(&p);
    speech_describe(speech, &s);
    assert_string_equal(s.engine, "f5");
    assert_string_equal(s.trouble, "");
    struct job_request r = request(0);
    r.say.seed = 5;
    assert_int_equal(submit(0, &r), SUBMIT_OK);
    await_true(all_over);
    for (int i = 1; i < 9; i++) {
        r.user = &heard[i];
        assert_int_equal(submit(i, &r), SUBMIT_OK);
    }
    await_true(all_over);
    int most = 0;
    for (int i = 0; i < 9; i++) {
        if (heard[i].result.failure)
            fail_msg("%s", heard[i].message);
        assert_string_equal(heard[i].degraded, "");
        assert_string_equal(heard[i].result.engine, "f5");
        assert_int_equal(heard[i].kept.len, heard[0].kept.len);
        assert_memory_equal(heard[i].kept.ptr, heard[0].kept.ptr, heard[0].kept.len);
        most = heard[i].result.batch > most ? heard[i].result.batch : most;
    }
    assert_in_range(most, 2, 4);
    stop();
}

static void a_broken_model_file_is_told(void **state)
{
    (void)state;
    char model[512];
    struct speech_params p = usual();
    struct speech_state s;
    snprintf(model, sizeof model, "%s/golden/english/case.json", getenv("ISHOW_TESTS"));
    p.calls = NULL;
    p.open.model = model;
    start(&p);
    speech_describe(speech, &s);
    assert_string_equal(s.engine, "builtin");
    assert_true(s.trouble[0]);
    ask(0);
    await_true(all_over);
    assert_string_equal(heard[0].degraded, "builtin");
    stop();
}

/* -------- much at once -------- */

static int said_before;
static int something_said(void)
{
    return fake.says > said_before || all_over();
}

#define STORM 300
static struct heard storm[STORM];

/* Everything that can happen to a job, at any time: nothing is told twice, nothing is forgotten. */
static void a_storm_passes(void **state)
{
    (void)state;
    struct speech_params p = usual();
    uint32_t random = 3;
    int answered = 0, cancelled = 0;
    memset(storm, 0, sizeof storm);
    fake.acts[3] = fake.acts[4] = FAKE_SILENT;
    fake.acts[11] = FAKE_LATER_BAD;
    fake.acts[17] = FAKE_LOST;
    fake.acts[23] = FAKE_NO_NUMBERS;
    p.workers = 3;
    p.batch_max = 4;
    p.queue_capacity = p.per_client = STORM;
    start(&p);
    for (int i = 0; i < STORM; i++) {
        struct job_request r = request(0);
        int retry;
        random = random * 1664525 + 1013904223;
        const unsigned x = random >> 8;
        r.user = &storm[i];
        r.stream = x & 1;
        r.keep = x >> 1 & 1;
        r.voice = x >> 2 & 3 ? r.voice : NULL;
        r.text = x >> 2 & 3 ? r.text : "Hi.";
        r.client = x >> 4 & 1 ? "a" : "b";
        r.priority = (enum job_priority)((x >> 5) % 3);
        r.timeout = x % 11 ? PATIENCE : 0.001 * (double)(x % 50);
        r.on_audio = x % 13 ? on_audio : cancel_from_within;
        assert_int_equal(speech_submit(speech, &r, &storm[i].job, &retry), SUBMIT_OK);
        if (x % 7 == 0) {
            speech_cancel(speech, storm[i].job);
            storm[i].job = NULL;
            cancelled++;
        }
        if (i % 20 == 0) {
            said_before = fake.says;
            await(something_said);
        }
    }
    await_true(all_over);
    assert_true(fake.opens > 3); /* it was lost now and then */
    for (int i = 0; i < STORM; i++) {
        answered += storm[i].done;
        if (storm[i].done && storm[i].result.failure == JOB_BROKEN)
            assert_true(storm[i].starts); /* a stream that turned bad: everything else can be mended */
        if (!storm[i].job)
            assert_int_equal(storm[i].done + storm[i].pieces, 0);
        buf_release(&storm[i].sound);
        buf_release(&storm[i].kept);
    }
    assert_true(answered > STORM / 2 && cancelled > STORM / 20);
    stop();
}

int main(void)
{
#define speech_test(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        speech_test(each_step_is_taken_in_order),
        speech_test(a_stream_that_turns_bad_ends_with_an_error),
        speech_test(what_is_asked_for_wrongly_is_the_callers_fault),
        speech_test(many_waiting_get_fewer_evaluations),
        speech_test(a_voice_that_cannot_be_prepared_is_stood_in_for),
        speech_test(clips_are_prepared_once_and_not_too_many_kept),
        speech_test(without_a_model_the_built_in_voices_stand_in_until_it_is_there),
        speech_test(no_model_is_no_trouble_when_none_was_asked_for),
        speech_test(a_model_that_is_needed_and_missing_is_an_error),
        speech_test(a_model_lost_for_good_moves_what_waits),
        speech_test(a_worker_that_hangs_is_named),
        speech_test(what_is_alike_is_spoken_together),
        speech_test(a_window_waits_for_one_more),
        speech_test(real_speech_is_the_same_alone_and_together),
        speech_test(a_broken_model_file_is_told),
        speech_test(a_storm_passes),
    };
    return cmocka_run_group_tests_name("speech_faults", tests, NULL, NULL);
}
