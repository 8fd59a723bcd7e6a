/* Mel features as torchaudio computes them, waves as Vocos' head makes them. */
#include "test.h"

#include "audio/spectrum.h"
#include "spectrum_cases.h"

#include <math.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* The fixtures' noise: samples of a 16-bit generator, scaled by amplitude / 32768. */
static float *make_noise(size_t n, int amplitude, float scale)
{
    float *x = test_malloc(n * sizeof *x);
    uint32_t state = 1;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)((int64_t)(int16_t)(state >> 16) * amplitude >> 15) / 32768 * scale;
    }
    return x;
}

static double nmse(const float *a, const float *b, size_t n)
{
    double error = 0, power = 0;
    for (size_t i = 0; i < n; i++) {
        error += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        power += (double)b[i] * b[i];
    }
    return error / power;
}

static void check_mel(size_t n, const float *expected, size_t count)
{
    assert_int_equal(mel_frames(n) * MEL_BANDS, count);
    float *wave = make_noise(n, 16384, 1), *mel = test_malloc(count * sizeof *mel);
    struct error e;
    assert_int_equal(mel_compute(wave, n, mel, &e), 0);
    assert_true(nmse(mel, expected, count) < 1e-11);
    test_free(wave);
    test_free(mel);
}

static void mel_is_torchaudios(void **state)
{
    (void)state;
    check_mel(1500, mel_long, COUNT(mel_long));
    check_mel(513, mel_short, COUNT(mel_short)); /* the mirror images at both ends overlap */
}

static void mel_of_silence_is_the_floor(void **state)
{
    (void)state;
    static const float wave[2048];
    static float mel[9 * MEL_BANDS];
    struct error e;
    assert_int_equal(mel_compute(wave, 2048, mel, &e), 0);
    for (size_t i = 0; i < COUNT(mel); i++)
        assert_float_equal(mel[i], logf(1e-5f), 0);
}

static void a_tone_is_loudest_in_its_band(void **state)
{
    (void)state;
    static float wave[4096], mel[17 * MEL_BANDS];
    static const struct {
        double hz;
        int band;
    } tones[] = {{100, 3}, {1000, 29}, {4000, 65}, {9000, 91}};
    struct error e;
    for (size_t t = 0; t < COUNT(tones); t++) {
        for (int i = 0; i < 4096; i++)
            wave[i] = (float)sin(2 * M_PI * tones[t].hz * i / 24000);
        assert_int_equal(mel_compute(wave, 4096, mel, &e), 0);
        int best = 0;
        for (int b = 0; b < MEL_BANDS; b++)
            if (mel[8 * MEL_BANDS + b] > mel[8 * MEL_BANDS + best])
                best = b;
        assert_in_range(best, tones[t].band - 1, tones[t].band + 1);
    }
}

static void too_short_for_a_mirror_image(void **state)
{
    (void)state;
    static const float wave[512];
    float mel[3 * MEL_BANDS];
    struct error e = {0};
    assert_int_equal(mel_compute(wave, 512, mel, &e), E_ARG);
    assert_non_null(strstr(e.text, "512"));
    assert_int_equal(mel_compute(wave, 0, mel, NULL), E_ARG);
}

static void check_istft(size_t frames, int n_fft, int hop, const float *expected, size_t count)
{
    assert_int_equal((frames - 1) * (size_t)hop, count);
    float *head = make_noise(frames * ((size_t)n_fft + 2), 32767, 6),
          *wave = test_malloc(count * sizeof *wave);
    struct error e;
    assert_int_equal(istft_vocos(head, frames, n_fft, hop, wave, &e), 0);
    assert_true(nmse(wave, expected, count) < 1e-11);
    test_free(head);
    test_free(wave);
}

static void istft_is_vocos(void **state)
{
    (void)state;
    check_istft(4, 1024, 256, wave_1024, COUNT(wave_1024)); /* its noise exceeds the magnitude's limit, too */
    check_istft(6, 64, 16, wave_64, COUNT(wave_64));
}

static void a_bad_frame_spoils_only_its_surroundings(void **state)
{
    (void)state;
    enum { FRAMES = 12, N = 64, HOP = 16 };
    float *head = make_noise((size_t)FRAMES * (N + 2), 32767, 1), wave[(FRAMES - 1) * HOP];
    struct error e;
    head[0] = INFINITY;         /* a magnitude: limited */
    head[2 * (N + 2) + 5] = 90; /* exp of it overflows */
    head[10 * (N + 2)] = NAN;
    head[10 * (N + 2) + N] = INFINITY; /* a phase */
    assert_int_equal(istft_vocos(head, FRAMES, N, HOP, wave, &e), 0);
    for (int i = 0; i < (10 - 2) * HOP; i++)
        assert_true(isfinite(wave[i]) && fabsf(wave[i]) < 100);
    test_free(head);
}

static void shapes_that_cannot_be(void **state)
{
    (void)state;
    static const struct {
        size_t frames;
        int n_fft, hop;
    } bad[] = {{1, 64, 16}, {0, 64, 16}, {4, 63, 16}, {4, 0, 16},      {4, -64, 16},
               {4, 64, 0},  {4, 64, -1}, {4, 64, 33}, {4, 1 << 30, 1}, {SIZE_MAX / 2, 64, 16}};
    static const float head[4 * 66];
    float wave[3 * 64];
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct error e = {0};
        assert_int_equal(istft_vocos(head, bad[i].frames, bad[i].n_fft, bad[i].hop, wave, &e), E_ARG);
        assert_true(e.text[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mel_is_torchaudios),
        cmocka_unit_test(mel_of_silence_is_the_floor),
        cmocka_unit_test(a_tone_is_loudest_in_its_band),
        cmocka_unit_test(too_short_for_a_mirror_image),
        cmocka_unit_test(istft_is_vocos),
        cmocka_unit_test(a_bad_frame_spoils_only_its_surroundings),
        cmocka_unit_test(shapes_that_cannot_be),
    };
    return cmocka_run_group_tests_name("spectrum", tests, NULL, NULL);
}
