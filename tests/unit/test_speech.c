/* From a request to its sound, on a real loop with real threads: sound, turns, deadlines, the end. What goes wrong is in
 * test_speech_faults.c. */
#include "test.h"

#include "speech_stage.h"

#include <stdio.h>

static uint32_t u32(const struct buf *b, size_t at)
{
    const unsigned char *p = (const unsigned char *)b->ptr + at;
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* -------- sound -------- */

static void a_whole_answer_has_exact_sizes(void **state)
{
    (void)state;
    struct speech_params p = usual();
    p.engine = "builtin";
    start(&p);
    struct job_request r = request(0);
    r.voice = voices_find(voices, "builtin");
    assert_int_equal(submit(0, &r), SUBMIT_OK);
    await_true(all_over);
    const struct heard *h = &heard[0];
    assert_int_equal(h->result.failure, JOB_OK);
    assert_string_equal(h->result.engine, "builtin");
    assert_string_equal(h->degraded, "");
    assert_string_equal(h->message, "");
    assert_non_null(strstr(h->spoken_by, "flite"));
    assert_int_equal(h->result.nfe, 0);
    assert_int_equal(h->kept.len, 44 + 2 * h->result.samples);
    assert_int_equal(u32(&h->kept, 40), 2 * h->result.samples);
    assert_int_equal(u32(&h->kept, 4), h->kept.len - 8);
    assert_in_range(h->result.samples, ISHOW_RATE, 5 * ISHOW_RATE);
    assert_true(h->result.seconds > 0 && h->result.first_audio_seconds > 0 && h->result.queue_seconds >= 0);
    assert_int_equal(h->starts, 0);
    stop();
}

static void every_format_comes_whole_and_streamed(void **state)
{
    (void)state;
    static const struct {
        const char *format, *magic;
    } formats[] = {{"wav", "RIFF"},  {"flac", "fLaC"}, {"mp3", "\xff\xf3"},
                   {"opus", "OggS"}, {"ogg", "OggS"},  {"pcm", ""}};
    struct speech_params p = usual();
    start(&p);
    for (int i = 0; i < 12; i++) {
        struct job_request r = request(i);
        r.format = formats[i / 2].format;
        r.stream = i % 2;
        assert_int_equal(submit(i, &r), SUBMIT_OK);
    }
    await_true(all_over);
    for (int i = 0; i < 12; i++) {
        assert_int_equal(heard[i].result.failure, JOB_OK);
        assert_int_equal(heard[i].starts, i % 2);
        assert_true(heard[i].sound.len > 1000);
        assert_memory_equal(heard[i].sound.ptr, formats[i / 2].magic, strlen(formats[i / 2].magic));
        assert_true(i % 2 ? !heard[i].kept.len : heard[i].kept.len == heard[i].sound.len);
    }
    stop();
}

static void a_stream_begins_before_the_rest_is_made(void **state)
{
    (void)state;
    struct speech_params p = usual();
    p.first_chunk = 60;
    start(&p);
    struct job_request r = request(0);
    r.stream = r.keep = 1;
    fake.second_gate = 0;
    assert_int_equal(submit(0, &r), SUBMIT_OK);
    await_true(first_piece); /* while the second is held back */
    assert_false(heard[0].done);
    assert_int_equal(heard[0].sound.len, 44 + ISHOW_RATE);
    assert_int_equal(heard[0].starts, 1);
    assert_string_equal(heard[0].so_far.engine, "f5");
    assert_string_equal(heard[0].so_far.degraded, "");
    assert_int_equal(heard[0].so_far.nfe, 7);
    assert_int_equal(heard[0].so_far.seed, fake.seed);
    fake.second_gate = 1;
    await_true(all_over);
    assert_int_equal(heard[0].result.failure, JOB_OK);
    assert_int_equal(fake.first_chunk, 60);
    /* a streamed wav is endless, what is kept of it is not */
    assert_int_equal(u32(&heard[0].sound, 40), UINT32_MAX);
    assert_int_equal(heard[0].kept.len, heard[0].sound.len);
    assert_int_equal(u32(&heard[0].kept, 40), heard[0].kept.len - 44);
    assert_memory_equal(heard[0].kept.ptr + 44, heard[0].sound.ptr + 44, heard[0].kept.len - 44);
    stop();
}

/* -------- the queue -------- */

static void too_many_are_turned_away_at_once(void **state)
{
    (void)state;
    struct speech_params p = usual();
    p.queue_capacity = 3;
    p.per_client = 2;
    start(&p);
    occupy(0);
    ask(1);
    ask(2);
    struct job_request r = request(3);
    assert_int_equal(submit(3, &r), SUBMIT_FULL); /* this client's share */
    r.client = "another";
    assert_int_equal(submit(3, &r), SUBMIT_OK);
    r.client = "a third";
    assert_int_equal(submit(4, &r), SUBMIT_FULL);
    struct speech_state s;
    speech_describe(speech, &s);
    assert_int_equal(s.queued, 3);
    assert_int_equal(s.running, 1);
    fake.gate = 1;
    await_true(all_over);
    assert_true(heard[3].done && !heard[4].done);
    stop();
}

static int order[8], ordered;
static void note_order(void *user, const struct job_result *result)
{
    order[ordered++] = (int)((struct heard *)user - heard);
    on_done(user, result);
}

static void the_urgent_goes_first(void **state)
{
    (void)state;
    struct speech_params p = usual();
    start(&p);
    ordered = 0;
    occupy(0);
    for (int i = 1; i < 4; i++) {
        struct job_request r = request(i);
        r.priority = (enum job_priority)(i - 1);
        r.on_done = note_order;
        assert_int_equal(submit(i, &r), SUBMIT_OK);
    }
    fake.gate = 1;
    await_true(all_over);
    assert_int_equal(order[0], 3);
    assert_int_equal(order[1], 2);
    assert_int_equal(order[2], 1);
    stop();
}

static void not_more_at_once_than_allowed(void **state)
{
    (void)state;
    struct speech_params p = usual();
    p.workers = 3;
    start(&p);
    p.max_parallel = 1;
    struct error err;
    assert_int_equal(speech_reload(speech, &p, &err), 0);
    occupy(0);
    ask(1);
    ask(2);
    struct speech_state s;
    speech_describe(speech, &s);
    assert_int_equal(s.queued, 2);
    p.max_parallel = 0;
    assert_int_equal(speech_reload(speech, &p, &err), 0);
    fake.gate = 1;
    await_true(all_over);
    assert_int_equal(fake.says, 3);
    stop();
}

static void what_waits_is_cancelled(void **state)
{
    (void)state;
    struct speech_params p = usual();
    start(&p);
    occupy(0);
    ask(1);
    ask(2);
    speech_cancel(speech, heard[1].job);
    assert_int_equal(speech_pending(speech), 2);
    fake.gate = 1;
    await_true(all_over);
    assert_true(heard[0].done && !heard[1].done && heard[2].done);
    assert_int_equal(fake.says, 2);
    stop();
}

static void what_is_being_spoken_stops(void **state)
{
    (void)state;
    struct speech_params p = usual();
    start(&p);
    occupy(0);
    speech_cancel(speech, heard[0].job);
    await_true(all_over); /* the gate is still closed */
    assert_false(heard[0].done);
    assert_int_equal(fake.inside, 0);
    stop();
}

static void a_listener_may_leave_when_it_hears_the_first_sound(void **state)
{
    (void)state;
    struct speech_params p = usual();
    start(&p);
    struct job_request r = request(0);
    r.stream = 1;
    r.on_audio = cancel_from_within;
    assert_int_equal(submit(0, &r), SUBMIT_OK);
    await_true(all_over);
    assert_int_equal(heard[0].pieces, 1);
    assert_false(heard[0].done);
    stop();
}

/* -------- deadlines -------- */

static void the_wait_counts(void **state)
{
    (void)state;
    struct speech_params p = usual();
    p.fallback = 0;
    start(&p);
    occupy(0);
    struct job_request r = request(1);
    r.timeout = 0.05;
    assert_int_equal(submit(1, &r), SUBMIT_OK);
    await_true(second_done); /* though no worker is free */
    assert_int_equal(heard[1].result.failure, JOB_TIMEOUT);
    assert_true(heard[1].result.queue_seconds >= 0.05);
    assert_true(heard[1].message[0]);
    assert_int_equal(speech_pending(speech), 1);
    stop();
}

static void what_is_late_is_stopped(void **state)
{
    (void)state;
    struct speech_params p = usual();
    p.fallback = 0;
    start(&p);
    fake.gate = 0;
    struct job_request r = request(0);
    r.timeout = 0.05;
    assert_int_equal(submit(0, &r), SUBMIT_OK);
    await_true(first_done);
    assert_int_equal(heard[0].result.failure, JOB_TIMEOUT);
    await_true(all_over);
    assert_int_equal(fake.inside, 0);
    stop();
}

static void what_the_model_cannot_begin_in_time_the_built_in_voices_say(void **state)
{
    (void)state;
    struct speech_params p = usual();
    start(&p);
    occupy(0);
    struct job_request r = request(1);
    r.timeout = 1.5;
    assert_int_equal(submit(1, &r), SUBMIT_OK);
    await_true(second_done); /* the model is still held up */
    assert_int_equal(heard[1].result.failure, JOB_OK);
    assert_string_equal(heard[1].result.engine, "builtin");
    assert_string_equal(heard[1].degraded, "builtin");
    assert_int_equal(fake.says, 1);
    stop();
}

/* -------- the end -------- */

static void what_was_taken_on_is_finished(void **state)
{
    (void)state;
    struct speech_params p = usual();
    start(&p);
    occupy(0);
    ask(1);
    speech_stop(speech);
    const struct job_request r = request(2);
    assert_int_equal(submit(2, &r), SUBMIT_STOPPING);
    assert_int_equal(speech_pending(speech), 2);
    fake.gate = 1;
    await_true(all_over);
    assert_int_equal(heard[0].result.failure, JOB_OK);
    assert_int_equal(heard[1].result.failure, JOB_OK);
    stop();
}

static void who_still_waits_at_the_end_is_told(void **state)
{
    (void)state;
    struct speech_params p = usual();
    start(&p);
    occupy(0);
    ask(1);
    ask(2);
    speech_cancel(speech, heard[2].job);
    speech_free(speech);
    assert_int_equal(heard[0].result.failure, JOB_STOPPED);
    assert_int_equal(heard[1].result.failure, JOB_STOPPED);
    assert_false(heard[2].done);
    speech = NULL;
    stop();
}

int main(void)
{
#define speech_test(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        speech_test(a_whole_answer_has_exact_sizes),
        speech_test(every_format_comes_whole_and_streamed),
        speech_test(a_stream_begins_before_the_rest_is_made),
        speech_test(too_many_are_turned_away_at_once),
        speech_test(the_urgent_goes_first),
        speech_test(not_more_at_once_than_allowed),
        speech_test(what_waits_is_cancelled),
        speech_test(what_is_being_spoken_stops),
        speech_test(a_listener_may_leave_when_it_hears_the_first_sound),
        speech_test(the_wait_counts),
        speech_test(what_is_late_is_stopped),
        speech_test(what_the_model_cannot_begin_in_time_the_built_in_voices_say),
        speech_test(what_was_taken_on_is_finished),
        speech_test(who_still_waits_at_the_end_is_told),
    };
    return cmocka_run_group_tests_name("speech", tests, NULL, NULL);
}
