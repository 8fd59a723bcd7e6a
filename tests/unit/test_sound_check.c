/* What is taken for speech, and what for a synthesis that failed; what is given up in which order. */
#include "test.h"

#include "ishowtts.h"
#include "speech/degrade.h"
#include "speech/sound_check.h"

#include <math.h>

#define SECONDS 3
static float sound[SECONDS * ISHOW_RATE];

static void fill(float amplitude, float noise)
{
    uint32_t random = 7;
    for (size_t i = 0; i < sizeof sound / sizeof *sound; i++) {
        random = random * 1664525 + 1013904223;
        const float x = amplitude * sinf((float)i * 0.05f) + noise * ((float)(random >> 16) / 32768.0f - 1);
        sound[i] = x > 1 ? 1 : x < -1 ? -1 : x;
    }
}

static enum sound_fault check_all(void)
{
    return sound_check(sound, sizeof sound / sizeof *sound);
}

static void sound_is_told_from_what_is_none(void **state)
{
    (void)state;
    static const struct {
        float amplitude, noise;
        enum sound_fault fault;
    } cases[] = {
        {0.2f, 0.01f, SOUND_GOOD}, {0.9f, 0, SOUND_GOOD},         {0.002f, 0, SOUND_GOOD}, /* -57 dBFS: a quiet clip */
        {0, 0, SOUND_SILENT},      {0, 0.0004f, SOUND_SILENT},    {3, 0, SOUND_CLIPPED},
        {0, 0.5f, SOUND_GOOD},     {1.05f, 0.0f, SOUND_CLIPPED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fill(cases[i].amplitude, cases[i].noise);
        if (check_all() != cases[i].fault)
            fail_msg("amplitude %g, noise %g: %s", (double)cases[i].amplitude, (double)cases[i].noise,
                     sound_fault_name(check_all()));
    }
}

static void one_value_that_is_no_number_is_enough(void **state)
{
    (void)state;
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        fill(0.2f, 0);
        sound[ISHOW_RATE + 1] = bad[i];
        assert_int_equal(check_all(), SOUND_NOT_FINITE);
        assert_int_equal(sound_check(sound + ISHOW_RATE, 3), SOUND_NOT_FINITE); /* however short */
    }
}

static void a_click_is_silence_and_a_peak_is_no_clipping(void **state)
{
    (void)state;
    fill(0, 0);
    sound[1234] = 0.9f;
    assert_int_equal(check_all(), SOUND_SILENT);
    fill(0.5f, 0);
    for (size_t i = 0; i < 200; i++)
        sound[i * 300] = 1;
    assert_int_equal(check_all(), SOUND_GOOD);
    fill(0, 0);
    for (size_t i = 0; i < ISHOW_RATE / 5; i++)
        sound[i] = 0.1f * sinf((float)i * 0.1f); /* a fifth of a second of a word, then a pause */
    assert_int_equal(check_all(), SOUND_GOOD);
}

static void a_short_piece_may_be_a_pause(void **state)
{
    (void)state;
    fill(0, 0);
    assert_int_equal(sound_check(sound, ISHOW_RATE * 15 / 100), SOUND_GOOD); /* what cross-fading holds back */
    assert_int_equal(sound_check(sound, ISHOW_RATE), SOUND_SILENT);
    assert_int_equal(sound_check(sound, 0), SOUND_GOOD);
}

/* Durations as real voices have them are plausible; a tenth or ten times of it is not. */
static void length_follows_the_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double speed, seconds;
        enum sound_fault fault;
    } cases[] = {
        {"Hello chat, thank you all for being here tonight.", 1, 2.9, SOUND_GOOD},
        {"Hello chat, thank you all for being here tonight.", 1, 6.5, SOUND_GOOD},
        {"Hello chat, thank you all for being here tonight.", 2, 1.4, SOUND_GOOD},
        {"Hello chat, thank you all for being here tonight.", 0.5, 12, SOUND_GOOD},
        {"Hello chat, thank you all for being here tonight.", 1, 0.2, SOUND_TOO_SHORT},
        {"Hello chat, thank you all for being here tonight.", 1, 60, SOUND_TOO_LONG},
        {"Hi.", 1, 0.4, SOUND_GOOD},
        {"Hi.", 1, 3.5, SOUND_GOOD}, /* slowly, as short texts are */
        {"Hi.", 1, 20, SOUND_TOO_LONG},
        {"大家好，欢迎来到我的直播间，今天我们一起玩游戏。", 1, 4.6, SOUND_GOOD},
        {"大家好，欢迎来到我的直播间，今天我们一起玩游戏。", 1, 0.3, SOUND_TOO_SHORT},
        {"大家好，欢迎来到我的直播间，今天我们一起玩游戏。", 1, 90, SOUND_TOO_LONG},
        {"1234567890", 1, 7, SOUND_GOOD}, /* digit by digit */
        {"$1,000,000!!!", 1, 1.6, SOUND_GOOD},
        {"hahahahahahahahahahahahahahahahahahahaha", 1, 0.6, SOUND_GOOD}, /* collapsed before it is said */
        {"lol lol lol lol lol lol lol lol lol lol lol", 1, 0.6, SOUND_GOOD},
        {"😂😂😂", 1, 6, SOUND_GOOD},
        {"", 1, 1, SOUND_GOOD},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct speech_length l = speech_length_expect(cases[i].text, cases[i].speed);
        const enum sound_fault fault = speech_length_check(&l, cases[i].seconds);
        if (fault != cases[i].fault)
            fail_msg("%s, speed %g, %g s: \"%s\", expected %.2f to %.2f", cases[i].text, cases[i].speed,
                     cases[i].seconds, sound_fault_name(fault), l.least, l.most);
        assert_true(l.least <= l.most);
    }
}

/* -------- degrade.h -------- */

static void the_ladder_takes_evaluations(void **state)
{
    (void)state;
    static const struct config_rung ladder[] = {{4, 5}, {8, 4}, {16, 3}};
    static const struct {
        int depth, nfe, left;
    } cases[] = {{0, 7, 7},   {3, 7, 7},  {4, 7, 5},    {7, 7, 5}, {8, 7, 4},
                 {15, 16, 4}, {16, 7, 3}, {999, 32, 3}, {16, 2, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(degrade_nfe(ladder, 3, cases[i].depth, cases[i].nfe), cases[i].left);
    assert_int_equal(degrade_nfe(NULL, 0, 999, 7), 7);
    assert_string_equal(degrade_text(0), "");
    assert_string_equal(degrade_text(DEGRADE_NFE | DEGRADE_BUILTIN), "nfe,builtin");
    assert_string_equal(degrade_text(DEGRADE_NFE | DEGRADE_SEED | DEGRADE_BUILTIN), "nfe,seed,builtin");
}

static void a_tempo_is_learned(void **state)
{
    (void)state;
    struct tempo p = {0};
    assert_true(tempo_expect(&p, 100) == 0); /* nothing is known */
    assert_int_equal(tempo_retry_after(&p, 50, 1), 1);
    tempo_learn(&p, 100, 1, 2);
    assert_true(fabs(tempo_expect(&p, 50) - 1) < 1e-9);
    assert_int_equal(tempo_retry_after(&p, 10, 1), 20);
    assert_int_equal(tempo_retry_after(&p, 10, 4), 5);
    assert_int_equal(tempo_retry_after(&p, 1000, 1), RETRY_AFTER_MAX);
    assert_int_equal(tempo_retry_after(&p, 0, 1), 1);
    for (int i = 0; i < 50; i++)
        tempo_learn(&p, 400, 4, 4); /* twice as fast, four at a time */
    assert_true(fabs(tempo_expect(&p, 100) - 1) < 1e-3);
    assert_int_equal(tempo_retry_after(&p, 10, 1), 11);
    tempo_learn(&p, 0, 1, 1000); /* no measure of the model, but of a worker's time */
    assert_true(fabs(tempo_expect(&p, 100) - 1) < 1e-3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_is_told_from_what_is_none),
        cmocka_unit_test(one_value_that_is_no_number_is_enough),
        cmocka_unit_test(a_click_is_silence_and_a_peak_is_no_clipping),
        cmocka_unit_test(a_short_piece_may_be_a_pause),
        cmocka_unit_test(length_follows_the_text),
        cmocka_unit_test(the_ladder_takes_evaluations),
        cmocka_unit_test(a_tempo_is_learned),
    };
    return cmocka_run_group_tests_name("sound_check", tests, NULL, NULL);
}
