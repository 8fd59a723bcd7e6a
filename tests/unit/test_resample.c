/* A sine stays the same sine at another rate, and what the new rate cannot hold is gone. */
#include "test.h"

#include "audio/resample.h"
#include "audio/sound_file.h"

#include <math.h>

static struct pcm make_sine(int rate, size_t n, double hz)
{
    struct pcm p = {.rate = rate};
    assert_int_equal(pcm_append_silence(&p, n), 0);
    for (size_t i = 0; i < n; i++)
        p.samples[i] = (float)(0.5 * sin(2 * M_PI * hz * (double)i / rate));
    return p;
}

/* Error power against the ideal sine, in dB of its power, away from the ends where the filter runs in. */
static double error_db(const struct pcm *p, double hz)
{
    double error = 0, power = 0;
    for (size_t i = p->len / 5; i < p->len * 4 / 5; i++) {
        double ideal = 0.5 * sin(2 * M_PI * hz * (double)i / p->rate);
        error += (p->samples[i] - ideal) * (p->samples[i] - ideal);
        power += ideal * ideal;
    }
    return 10 * log10(error / power);
}

static void sines_survive(void **state)
{
    (void)state;
    static const int rates[] = {8000, 11025, 16000, 22050, 32000, 44100, 48000, 96000, 192000};
    struct error e;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        size_t n = (size_t)rates[i] / 2 + 7;
        struct pcm p = make_sine(rates[i], n, 997);
        assert_int_equal(pcm_resample(&p, AUDIO_RATE, &e), 0);
        assert_int_equal(p.rate, AUDIO_RATE);
        assert_int_equal(p.len, (size_t)llround((double)n * AUDIO_RATE / rates[i]));
        double db = error_db(&p, 997);
        if (db > -90) /* HQ is 20 bits; 16-bit sound needs 96 dB at full scale, this is half */
            fail_msg("%d Hz: error %.1f dB", rates[i], db);
        assert_int_equal(pcm_resample(&p, rates[i], &e), 0);
        assert_true(error_db(&p, 997) < -90);
        pcm_release(&p);
    }
}

static void nothing_folds_back(void **state)
{
    (void)state;
    struct error e;
    struct pcm p = make_sine(48000, 48000, 17000);
    assert_int_equal(pcm_resample(&p, AUDIO_RATE, &e), 0);
    for (size_t i = 1000; i < p.len - 1000; i++)
        assert_true(fabsf(p.samples[i]) < 1e-4f);
    pcm_release(&p);
}

static void lengths_of_short_ones(void **state)
{
    (void)state;
    static const struct {
        int from, to;
        size_t n, want;
    } cases[] = {{48000, 24000, 0, 0},  {48000, 24000, 1, 1}, {48000, 24000, 2, 1},  {48000, 24000, 3, 2},
                 {4000, 384000, 1, 96}, {384000, 4000, 1, 0}, {384000, 4000, 48, 1}, {24000, 24000, 5, 5}};
    struct error e;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pcm p = make_sine(cases[i].from, cases[i].n, 440);
        assert_int_equal(pcm_resample(&p, cases[i].to, &e), 0);
        assert_int_equal(p.len, cases[i].want);
        assert_int_equal(p.rate, cases[i].to);
        for (size_t k = 0; k < p.len; k++)
            assert_true(fabsf(p.samples[k]) < 2);
        pcm_release(&p);
    }
}

static void absurd_rates_are_refused(void **state)
{
    (void)state;
    static const int bad[][2] = {{0, 24000},    {24000, 0},      {-1, 24000},
                                 {24000, 3999}, {24000, 384001}, {1 << 30, 24000}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        float one = 1;
        struct pcm p = {.samples = &one, .len = 1, .cap = 1, .rate = bad[i][0]}, before = p;
        struct error e = {0};
        assert_int_equal(pcm_resample(&p, bad[i][1], &e), E_ARG);
        assert_memory_equal(&p, &before, sizeof p);
        assert_non_null(strstr(e.text, "384000"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sines_survive),
        cmocka_unit_test(nothing_folds_back),
        cmocka_unit_test(lengths_of_short_ones),
        cmocka_unit_test(absurd_rates_are_refused),
    };
    return cmocka_run_group_tests_name("resample", tests, NULL, NULL);
}
