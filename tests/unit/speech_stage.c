/* See speech_stage.h. */
#include "test.h"

#include "speech_stage.h"

#include "base/clock.h"

#include <stdio.h>

struct loop *loop;
struct speech *speech;
struct voices *voices;
struct heard heard[32];

void on_start(void *user, const struct job_result *so_far)
{
    struct heard *h = user;
    assert_int_equal(h->pieces, 0);
    h->starts++;
    h->so_far = *so_far;
}

void on_audio(void *user, const void *bytes, size_t n)
{
    struct heard *h = user;
    assert_false(h->done || h->left);
    h->pieces++;
    assert_int_equal(buf_add(&h->sound, bytes, n), 0);
}

void on_done(void *user, const struct job_result *result)
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

int await(int (*fn)(void))
{
    struct error err;
    condition = fn;
    patience_ends = clock_seconds() + PATIENCE;
    loop_set_prepare(loop, look, NULL);
    assert_int_equal(loop_run(loop, &err), 0);
    return fn();
}

int all_over(void)
{
    return speech_pending(speech) == 0;
}
static int one_inside(void)
{
    return fake.inside == 1;
}
int first_done(void)
{
    return heard[0].done;
}
int second_done(void)
{
    return heard[1].done;
}
int first_piece(void)
{
    return heard[0].pieces > 0;
}

/* -------- setting up -------- */

void configure_voices(size_t n)
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

struct speech_params usual(void)
{
    struct speech_params p = {.engine = "auto", .queue_capacity = 16, .per_client = 16, .timeout = PATIENCE,
                              .fallback = 1, .retries = 1, .calls = &fake_calls};
    ishow_open_params_init(&p.open);
    return p;
}

void start(const struct speech_params *p)
{
    struct error err;
    assert_int_equal(loop_create(&loop, &err), 0);
    assert_int_equal(voices_create(&voices, &err), 0);
    configure_voices(1);
    if (speech_create(loop, NULL, p, &speech, &err))
        fail_msg("%s", err.text);
}

void stop(void)
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

int setup(void **state)
{
    (void)state;
    fake_reset();
    memset(heard, 0, sizeof heard);
    return 0;
}

struct job_request request(int i)
{
    struct job_request r = {.id = "r", .client = "c", .text = TEXT, .engine = "", .voice = voices_find(voices, "v0"),
                            .format = "wav", .on_start = on_start, .on_audio = on_audio, .on_done = on_done,
                            .user = &heard[i]};
    ishow_say_params_init(&r.say);
    return r;
}

enum submit_verdict submit(int i, const struct job_request *r)
{
    int retry = 0;
    const enum submit_verdict v = speech_submit(speech, r, &heard[i].job, &retry);
    if (v == SUBMIT_FULL)
        assert_in_range(retry, 1, 120);
    return v;
}

void ask(int i)
{
    const struct job_request r = request(i);
    assert_int_equal(submit(i, &r), SUBMIT_OK);
}

/* Holds the model up with a job of its own, number `i`. */
void occupy(int i)
{
    fake.gate = 0;
    ask(i);
    await_true(one_inside);
}

void cancel_from_within(void *user, const void *bytes, size_t n)
{
    struct heard *h = user;
    on_audio(user, bytes, n);
    h->left = 1;
    speech_cancel(speech, h->job);
}
