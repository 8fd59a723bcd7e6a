/* Several texts spoken together: each sounds as it does alone, whoever fails or leaves. The model is the golden case
 * "english", whose weights are small enough to speak a sentence in a few milliseconds. */
#include "test.h"

#include "ishowtts.h"

#include <math.h>
#include <stdio.h>

static ishow_engine *f5, *builtin;
static ishow_voice *voice, *other;

static int set_up(void **state)
{
    (void)state;
    static float clip[36000];
    char path[512], ref[600];
    ishow_error err;
    ishow_open_params p;
    ishow_open_params_init(&p);
    snprintf(path, sizeof path, "%s/golden/english", getenv("ISHOW_TESTS"));
    snprintf(ref, sizeof ref, "%s/ref.wav", path);
    p.model = path;
    p.threads = 2;
    for (size_t i = 0; i < 36000; i++)
        clip[i] = 0.04f * sinf((float)i * 0.05f);
    if (ishow_open(&p, &f5, &err) || ishow_voice_from_file(f5, ref, "Hello.", &voice, &err) ||
        ishow_voice_from_pcm(f5, clip, 36000, 1, 24000, "A hum of one note.", &other, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    p.model = "builtin";
    return ishow_open(&p, &builtin, &err);
}

static int tear_down(void **state)
{
    (void)state;
    ishow_voice_free(voice);
    ishow_voice_free(other);
    ishow_close(f5);
    ishow_close(builtin);
    return 0;
}

/* What a request says and what came of it. */
struct part {
    ishow_request request;
    ishow_say_params say;
    ishow_stats stats;
    ishow_error err;
    float *heard;
    size_t n, calls, stop_after;     /* pieces of audio; 0: never */
    int asked, leave_at, evaluations; /* progress: leave at the leave_at-th call, counted from 1; 0: never */
};

static int hear(void *user, const float *x, size_t n)
{
    struct part *p = user;
    assert_true(n > 0);
    p->heard = realloc(p->heard, sizeof *x * (p->n + n));
    memcpy(p->heard + p->n, x, sizeof *x * n);
    p->n += n;
    return ++p->calls == p->stop_after;
}

static int progress(void *user, int done, int total)
{
    struct part *p = user;
    assert_true(done >= 0 && done <= total);
    assert_true(!p->leave_at || p->asked < p->leave_at); /* never again once it has left */
    return ++p->asked == p->leave_at;
}

static void part_init(struct part *p, const ishow_voice *v, const char *text, uint64_t seed)
{
    *p = (struct part){.stats = {.size = sizeof p->stats}};
    ishow_request_init(&p->request);
    ishow_say_params_init(&p->say);
    p->say.nfe = 5;
    p->say.seed = seed;
    p->say.on_progress = progress;
    p->say.progress_user = p;
    p->request.voice = v;
    p->request.text = text;
    p->request.params = &p->say;
    p->request.on_audio = hear;
    p->request.user = p;
    p->request.stats = &p->stats;
    p->request.err = &p->err;
    p->request.result = 99;
}

static void speak(ishow_engine *engine, struct part *parts, int n)
{
    ishow_request *requests[ISHOW_BATCH_MAX];
    ishow_error err;
    for (int i = 0; i < n; i++)
        requests[i] = &parts[i].request;
    assert_int_equal(ishow_say_many(engine, requests, n, &err), 0);
}

/* The same request by itself, nobody leaving. */
static void assert_as_alone(ishow_engine *engine, const struct part *p)
{
    struct part alone = {.stats = {.size = sizeof alone.stats}};
    ishow_say_params say = p->say;
    say.progress_user = &alone;
    assert_int_equal(p->request.result, 0);
    const ishow_request *r = &p->request;
    assert_int_equal(ishow_say(engine, r->voice, r->text, &say, hear, &alone, &alone.stats, &alone.err), 0);
    assert_int_equal(alone.n, p->n);
    double diff = 0, power = 0;
    for (size_t i = 0; i < p->n; i++) {
        const double d = (double)alone.heard[i] - p->heard[i];
        diff += d * d;
        power += (double)alone.heard[i] * alone.heard[i];
    }
    assert_true(power > 0 && diff <= 1e-10 * power);
    assert_int_equal(alone.stats.samples, p->stats.samples);
    assert_int_equal(alone.stats.chunks, p->stats.chunks);
    assert_int_equal(alone.stats.evaluations, p->stats.evaluations);
    assert_int_equal(alone.stats.seed, p->stats.seed);
    assert_string_equal(alone.stats.voice, p->stats.voice);
    free(alone.heard);
}

static const char *const texts[] = {
    "Thanks, chat!",
    "One sentence of a long text, and one more. Another one that goes on and on, as they do. A third, as well.",
    "Hello there, 3 new followers. How are you all tonight? We try the last boss again, and this time it works.",
    "大家好，欢迎来到我的直播间。",
    "A fifth text.",
};

static void parts_init(struct part parts[5])
{
    for (int i = 0; i < 5; i++) {
        part_init(&parts[i], i % 2 ? other : voice, texts[i], (uint64_t)i + 1);
        parts[i].say.speed = i == 1 || i == 2 ? 0.3 : 1; /* these two take several chunks */
    }
    parts[4].request.voice = voice; /* a voice twice, at two loudnesses */
    parts[4].say.target_rms = 0.3;
}

static void parts_release(struct part *parts, int n)
{
    for (int i = 0; i < n; i++)
        free(parts[i].heard);
}

static void each_sounds_as_it_does_alone(void **state)
{
    (void)state;
    struct part parts[5];
    parts_init(parts);
    speak(f5, parts, 5);
    assert_true(parts[1].stats.chunks > 1 && parts[0].stats.chunks == 1);
    for (int i = 0; i < 5; i++) {
        assert_as_alone(f5, &parts[i]);
        assert_int_equal(parts[i].stats.evaluations, 5 * parts[i].stats.chunks);
        assert_true(parts[i].stats.first_audio_seconds <= parts[i].stats.seconds);
    }
    parts_release(parts, 5);
}

static void whoever_leaves_the_others_go_on(void **state)
{
    (void)state;
    struct part parts[5];
    parts_init(parts);
    parts[0].leave_at = 3;   /* amid the evaluations */
    parts[1].stop_after = 2; /* amid its text */
    parts[3].leave_at = 6;   /* before the vocoder */
    speak(f5, parts, 5);
    assert_int_equal(parts[0].request.result, ISHOW_E_CANCELLED);
    assert_int_equal(parts[0].asked, 3);
    assert_int_equal(parts[0].calls, 0);
    assert_int_equal(parts[1].request.result, ISHOW_E_CANCELLED);
    assert_int_equal(parts[1].calls, 2);
    assert_int_equal(parts[3].request.result, ISHOW_E_CANCELLED);
    assert_int_equal(parts[3].calls, 0);
    assert_int_equal(parts[0].stats.samples, 0); /* untouched */
    assert_as_alone(f5, &parts[2]);
    assert_as_alone(f5, &parts[4]);
    parts_release(parts, 5);
}

static void whatever_fails_the_others_go_on(void **state)
{
    (void)state;
    struct part parts[5];
    parts_init(parts);
    parts[0].request.text = " \n";
    parts[1].say.nfe = 0;
    parts[2].request.voice = NULL;
    parts[3].request.text = NULL;
    speak(f5, parts, 5);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(parts[i].request.result, ISHOW_E_ARG);
        assert_int_equal(parts[i].err.code, ISHOW_E_ARG);
        assert_int_equal(parts[i].asked, 0);
    }
    assert_non_null(strstr(parts[1].err.text, "nfe is 0"));
    assert_as_alone(f5, &parts[4]);
    parts_release(parts, 5);
}

static void those_that_do_not_match_are_spoken_too(void **state)
{
    (void)state;
    struct part parts[5];
    parts_init(parts);
    parts[1].say.nfe = 3;
    parts[2].say.cfg_strength = 0;
    parts[3].say.sway = 0;
    parts[4].say.nfe = 3;
    speak(f5, parts, 5);
    for (int i = 0; i < 5; i++)
        assert_as_alone(f5, &parts[i]);
    parts_release(parts, 5);
}

/* Pieces that grow by the clock, one request of two with short ones. */
static void a_short_first_piece_in_a_batch(void **state)
{
    (void)state;
    struct part parts[2];
    for (int i = 0; i < 2; i++) {
        part_init(&parts[i], voice, texts[2], 1);
        parts[i].say.cross_fade = 0;
        parts[i].say.first_chunk = i * 40;
    }
    speak(f5, parts, 2);
    assert_as_alone(f5, &parts[0]);
    assert_int_equal(parts[1].request.result, 0);
    assert_int_equal(parts[1].calls, parts[1].stats.chunks);
    assert_true(parts[1].stats.chunks > 1 && parts[1].stats.chunks > parts[0].stats.chunks);
    const double ratio = (double)parts[1].n / (double)parts[0].n;
    assert_true(ratio > 0.97 && ratio < 1.03); /* no word is left out */
    parts_release(parts, 2);
}

/* More frames than fit one run of the sampler. */
static void many_long_texts_take_turns(void **state)
{
    (void)state;
    static struct part parts[12];
    for (int i = 0; i < 12; i++) {
        part_init(&parts[i], voice, texts[2], (uint64_t)i);
        parts[i].say.nfe = 1;
        parts[i].say.fix_duration = 15;
    }
    parts[7].leave_at = 1;
    speak(f5, parts, 12);
    for (int i = 0; i < 12; i++)
        if (i == 7)
            assert_int_equal(parts[i].request.result, ISHOW_E_CANCELLED);
        else
            assert_int_equal(parts[i].request.result, 0);
    assert_as_alone(f5, &parts[11]);
    parts_release(parts, 12);
}

static void the_built_in_voice_takes_one_after_another(void **state)
{
    (void)state;
    struct part parts[3];
    for (int i = 0; i < 3; i++) {
        part_init(&parts[i], NULL, "Hello chat. Thanks for the follow! And goodbye.", 1);
        parts[i].say.remove_silence = i == 2;
    }
    parts[1].leave_at = 2; /* before its second sentence */
    speak(builtin, parts, 3);
    assert_int_equal(parts[1].request.result, ISHOW_E_CANCELLED);
    assert_int_equal(parts[1].calls, 1);
    for (int i = 0; i < 3; i += 2) {
        assert_int_equal(parts[i].request.result, 0);
        assert_int_equal(parts[i].asked, 3);
        assert_int_equal(parts[i].calls, i == 2 ? 1 : 3);
        assert_int_equal(parts[i].stats.samples, parts[i].n);
        assert_true(parts[i].n > 2 * ISHOW_RATE && parts[i].n < 5 * ISHOW_RATE);
        assert_int_equal(parts[i].stats.evaluations, 0);
        assert_string_equal(parts[i].stats.voice, "flite slt");
    }
    parts_release(parts, 3);
}

static void a_batch_that_is_none_is_refused(void **state)
{
    (void)state;
    struct part part;
    ishow_request *one[ISHOW_BATCH_MAX + 1] = {&part.request}, *none[1] = {NULL};
    ishow_error err;
    part_init(&part, voice, "Hello.", 1);
    assert_int_equal(ishow_say_many(f5, one, 0, &err), ISHOW_E_ARG);
    assert_int_equal(ishow_say_many(f5, one, ISHOW_BATCH_MAX + 1, &err), ISHOW_E_ARG);
    assert_int_equal(ishow_say_many(f5, none, 1, &err), ISHOW_E_ARG);
    assert_int_equal(ishow_say_many(NULL, one, 1, &err), ISHOW_E_ARG);
    assert_int_equal(ishow_say_many(f5, NULL, 1, &err), ISHOW_E_ARG);
    part.request.size = 8;
    assert_int_equal(ishow_say_many(f5, one, 1, &err), ISHOW_E_ARG);
    assert_non_null(strstr(err.text, "ishow_request_init"));
    assert_int_equal(part.request.result, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sounds_as_it_does_alone),
        cmocka_unit_test(whoever_leaves_the_others_go_on),
        cmocka_unit_test(whatever_fails_the_others_go_on),
        cmocka_unit_test(those_that_do_not_match_are_spoken_too),
        cmocka_unit_test(a_short_first_piece_in_a_batch),
        cmocka_unit_test(many_long_texts_take_turns),
        cmocka_unit_test(the_built_in_voice_takes_one_after_another),
        cmocka_unit_test(a_batch_that_is_none_is_refused),
    };
    return cmocka_run_group_tests_name("say_many", tests, set_up, tear_down);
}
