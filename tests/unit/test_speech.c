/* From a request to its sound, on a real loop with real threads: with the built-in voices, with a model that does as
 * it is told (fake_engine.h), and with a small real one. */
#include "test.h"

#include "base/clock.h"
#include "fake_engine.h"
#include "server/config.h"
#include "server/speech.h"
#include "server/voices.h"

#include <stdio.h>

#define PATIENCE 20.0 /* seconds for what takes milliseconds: a test that fails says so instead of hanging */
#define TEXT     "Hello chat, how are you today?"

/* -------- a listener -------- */

struct heard {
    int starts, pieces, done, left;
    size_t bytes_before_done;
    struct job_result so_far, result;
    char message[512], degraded[64], spoken_by[256];
    struct buf sound; /* as it came */
    struct buf kept;  /* what the result had of it */
    struct job *job;
};

static struct loop *loop;
static struct speech *speech;
static struct voices *voices;
static struct heard heard[32];

static void on_start(void *user, const struct job_result *so_far)
{
    struct heard *h = user;
    assert_int_equal(h->pieces, 0);
    h->starts++;
    h->so_far = *so_far;
}

static void on_audio(void *user, const void *bytes, size_t n)
{
    struct heard *h = user;
    assert_false(h->done || h->left);
    h->pieces++;
    assert_int_equal(buf_add(&h->sound, bytes, n), 0);
}

static void on_done(void *user, const struct job_result *result)
{
    struct heard *h = user;
    assert_false(h->done || h->left);
    h->done = 1;
    h->result = *result;
    snprintf(h->message, sizeof h->message, "%s", result->message);
    snprintf(h->degraded, sizeof h->degraded, "%s", result->degraded);
    snprintf(h->spoken_by, sizeof h->spoken_by, "%s", result->spoken_by);
    if (result->audio) {
        assert_ptr_equal(result->audio, result->sound->ptr);
        buf_release(&h->kept);
        h->kept = *result->sound; /* it may be taken over */
        *result->sound = (struct buf)BUF_INIT;
    }
}

/* -------- the loop -------- */

static int (*condition)(void);
static double patience_ends;

static int look(void *user)
{
    (void)user;
    if (condition() || clock_seconds() > patience_ends)
        loop_stop(loop);
    return 2;
}

static int await(int (*fn)(void))
{
    struct error err;
    condition = fn;
    patience_ends = clock_seconds() + PATIENCE;
    loop_set_prepare(loop, look, NULL);
    assert_int_equal(loop_run(loop, &err), 0);
    return fn();
}

#define await_true(fn)                              \
    do {                                            \
        if (!await(fn))                             \
            fail_msg("it never came: %s", #fn);     \
    } while (0)

static int all_over(void)
{
    return speech_pending(speech) == 0;
}
static int one_inside(void)
{
    return fake.inside == 1;
}
static int first_done(void)
{
    return heard[0].done;
}
static int second_done(void)
{
    return heard[1].done;
}
static int first_piece(void)
{
    return heard[0].pieces > 0;
}

/* -------- setting up -------- */

static void configure_voices(size_t n)
{
    struct config_voice list[32];
    static char ids[32][8], clip[512];
    struct error err;
    snprintf(clip, sizeof clip, "%s/golden/english/ref.wav", getenv("ISHOW_TESTS"));
    for (size_t i = 0; i < n; i++) {
        snprintf(ids[i], sizeof ids[i], "v%zu", i);
        list[i] = (struct config_voice){.id = ids[i], .reference_audio = clip, .reference_text = "Hello."};
    }
    assert_int_equal(voices_configure(voices, list, n, "v0", &err), 0);
}

static struct speech_params usual(void)
{
    struct speech_params p = {.engine = "auto", .queue_capacity = 16, .per_client = 16, .timeout = PATIENCE,
                              .fallback = 1, .retries = 1, .calls = &fake_calls};
    ishow_open_params_init(&p.open);
    return p;
}

static void start(const struct speech_params *p)
{
    struct error err;
    assert_int_equal(loop_create(&loop, &err), 0);
    assert_int_equal(voices_create(&voices, &err), 0);
    configure_voices(1);
    if (speech_create(loop, NULL, p, &speech, &err))
        fail_msg("%s", err.text);
}

static void stop(void)
{
    fake.gate = fake.second_gate = 1;
    speech_free(speech);
    loop_free(loop);
    voices_free(voices);
    for (size_t i = 0; i < sizeof heard / sizeof *heard; i++) {
        buf_release(&heard[i].sound);
        buf_release(&heard[i].kept);
    }
}

static int setup(void **state)
{
    (void)state;
    fake_reset();
    memset(heard, 0, sizeof heard);
    return 0;
}

static struct job_request request(int i)
{
    struct job_request r = {.id = "r", .client = "c", .text = TEXT, .engine = "", .voice = voices_find(voices, "v0"),
                            .format = "wav", .on_start = on_start, .on_audio = on_audio, .on_done = on_done,
                            .user = &heard[i]};
    ishow_say_params_init(&r.say);
    return r;
}

static enum submit_verdict submit(int i, const struct job_request *r)
{
    int retry = 0;
    const enum submit_verdict v = speech_submit(speech, r, &heard[i].job, &retry);
    if (v == SUBMIT_FULL)
        assert_in_range(retry, 1, 120);
    return v;
}

static void ask(int i)
{
    const struct job_request r = request(i);
    assert_int_equal(submit(i, &r), SUBMIT_OK);
}

/* Holds the model up with a job of its own, number `i`. */
static void occupy(int i)
{
    fake.gate = 0;
    ask(i);
    await_true(one_inside);
}

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

static void cancel_from_within(void *user, const void *bytes, size_t n)
{
    struct heard *h = user;
    on_audio(user, bytes, n);
    h->left = 1;
    speech_cancel(speech, h->job);
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
        speech_test(what_was_taken_on_is_finished),
        speech_test(who_still_waits_at_the_end_is_told),
    };
    return cmocka_run_group_tests_name("speech", tests, NULL, NULL);
}
