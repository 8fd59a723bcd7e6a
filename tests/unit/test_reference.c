/* A reference clip comes out cut, loud enough and at 24 kHz, or with a sentence that has the figures.
 * Where it is cut is test_silence's subject. */
#include "test.h"

#include "audio/shape.h"
#include "audio/sound_file.h"

#include <math.h>

/* `seconds` of a tone at `level` (peak), appended. */
static void add_tone(struct pcm *p, double seconds, double level)
{
    size_t n = (size_t)(seconds * p->rate), at = p->len;
    assert_int_equal(pcm_append_silence(p, n), 0);
    for (size_t i = 0; i < n; i++)
        p->samples[at + i] = (float)(level * sin(2 * M_PI * 300 * (double)i / p->rate));
}

static void quiet_clips_are_raised(void **state)
{
    (void)state;
    static const struct {
        double level;
        float target, want; /* rms afterwards */
    } cases[] = {{0.05, 0.1f, 0.1f},
                 {0.05, 0.02f, 0.05f / (float)M_SQRT2},
                 {0.5, 0.1f, 0.5f / (float)M_SQRT2},
                 {0.02, 1, 1},
                 {0.02, 0.3f, 0.3f}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int rate = 24000; rate <= 48000; rate += 24000) {
            struct pcm clip = {.rate = rate};
            add_tone(&clip, 3, cases[i].level);
            float rms = 0;
            struct error e;
            assert_int_equal(reference_prepare(&clip, cases[i].target, &rms, &e), 0);
            assert_int_equal(clip.rate, AUDIO_RATE);
            assert_in_range(clip.len, 3.04 * AUDIO_RATE, 3.06 * AUDIO_RATE);
            assert_float_equal(rms, cases[i].level / M_SQRT2, 0.01 * cases[i].level); /* the tail is in it */
            assert_float_equal(pcm_rms(clip.samples, clip.len), cases[i].want, 0.01 * cases[i].want);
            pcm_release(&clip);
        }
}

static void the_rms_is_taken_with_the_tail_at_the_clips_own_rate(void **state)
{
    (void)state;
    struct pcm clip = {.rate = AUDIO_RATE};
    for (int i = 0; i < 12000; i++) {
        float x = i % 2 ? 0.25f : -0.25f;
        assert_int_equal(pcm_append(&clip, &x, 1), 0);
    }
    float rms;
    struct error e;
    assert_int_equal(reference_prepare(&clip, 0.1f, &rms, &e), 0);
    assert_int_equal(clip.len, 12000 + 1198);
    assert_float_equal(rms, 0.25 * sqrt(12000.0 / (12000 + 1198)), 1e-7);
    assert_float_equal(clip.samples[11999], 0.25f, 0);
    for (size_t i = 12000; i < clip.len; i++)
        assert_float_equal(clip.samples[i], 0, 0);
    pcm_release(&clip);
}

static void unusable_clips_are_refused_with_figures(void **state)
{
    (void)state;
    static const struct {
        double before, seconds, level, after;
        const char *want;
    } cases[] = {
        {0, 0, 0, 0, "silent"},
        {1, 0, 0, 0, "silent: nothing in its 1.00 s is louder than -42 dBFS"},
        {0, 2, 0.005, 0, "silent: nothing in its 2.00 s"},
        {0, 0.05, 0.5, 0, "is 0.05 s long after trimming silence; at least 0.2 s"},
        {3, 0.15, 0.5, 3, "is 0.15 s long after trimming silence; at least 0.2 s"},
        {600, 0.1, 0.5, 0, "is 0.10 s long"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pcm clip = {.rate = 16000};
        add_tone(&clip, cases[i].before, 0);
        add_tone(&clip, cases[i].seconds, cases[i].level);
        add_tone(&clip, cases[i].after, 0);
        struct pcm before = clip;
        float rms = -1;
        struct error e = {0};
        assert_int_equal(reference_prepare(&clip, 0.1f, &rms, &e), E_FORMAT);
        if (!strstr(e.text, cases[i].want))
            fail_msg("\"%s\" lacks \"%s\"", e.text, cases[i].want);
        assert_memory_equal(&clip, &before, sizeof clip);
        assert_float_equal(rms, -1, 0);
        pcm_release(&clip);
    }
}

static void long_clips_become_short(void **state)
{
    (void)state;
    static const struct {
        double speech, pause;
        int times;
    } cases[] = {{600, 0, 1}, {5, 2, 60}, {4, 0.3, 100}, {13, 1.5, 3}, {11.9, 3, 4}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pcm clip = {.rate = 8000};
        for (int k = 0; k < cases[i].times; k++) {
            add_tone(&clip, cases[i].speech, 0.5);
            add_tone(&clip, cases[i].pause, 0);
        }
        float rms;
        struct error e;
        assert_int_equal(reference_prepare(&clip, 0.1f, &rms, &e), 0);
        assert_in_range(clip.len, 4 * AUDIO_RATE, (REFERENCE_MAX_SECONDS + 0.06) * AUDIO_RATE);
        pcm_release(&clip);
    }
}

static void absurd_arguments(void **state)
{
    (void)state;
    float x = 0.5f, rms;
    struct error e;
    struct pcm none = {.rate = 0}, fast = {&x, 1, 1, 1 << 30}, endless = {&x, SIZE_MAX / 8, 1, 24000};
    assert_int_equal(reference_prepare(&none, 0.1f, &rms, &e), E_ARG);
    assert_int_equal(reference_prepare(&fast, 0.1f, &rms, &e), E_ARG);
    assert_int_equal(reference_prepare(&endless, 0.1f, &rms, &e), E_LIMIT);
    struct pcm clip = {.rate = 24000};
    add_tone(&clip, 1, 0.5);
    assert_int_equal(reference_prepare(&clip, NAN, &rms, &e), 0);
    assert_float_equal(pcm_rms(clip.samples, clip.len), rms, 1e-6);
    pcm_release(&clip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quiet_clips_are_raised),
        cmocka_unit_test(the_rms_is_taken_with_the_tail_at_the_clips_own_rate),
        cmocka_unit_test(unusable_clips_are_refused_with_figures),
        cmocka_unit_test(long_clips_become_short),
        cmocka_unit_test(absurd_arguments),
    };
    return cmocka_run_group_tests_name("reference", tests, NULL, NULL);
}
