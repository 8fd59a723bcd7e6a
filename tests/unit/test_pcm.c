/* Growing sound in memory, its level and its limits. */
#include "test.h"

#include "audio/pcm.h"
#include "audio/shape.h"
#include "base/error.h"

#include <math.h>

static void appended_pieces_follow_each_other(void **state)
{
    (void)state;
    struct pcm p = {.rate = AUDIO_RATE};
    float block[7];
    size_t n = 0;
    for (int i = 0; i < 3000; i++) {
        for (int k = 0; k < 7; k++)
            block[k] = (float)n++;
        assert_int_equal(pcm_append(&p, block, 7), 0);
    }
    assert_int_equal(pcm_append_silence(&p, 10000), 0);
    assert_int_equal(pcm_append(&p, NULL, 0), 0);
    assert_int_equal(pcm_append_silence(&p, 0), 0);
    assert_int_equal(p.len, n + 10000);
    for (size_t i = 0; i < p.len; i++)
        assert_float_equal(p.samples[i], i < n ? (float)i : 0, 0);
    assert_int_equal(p.rate, AUDIO_RATE);
    pcm_release(&p);
    assert_null(p.samples);
    pcm_release(&p);
}

static void room_that_cannot_be_leaves_it_as_it_was(void **state)
{
    (void)state;
    static const size_t absurd[] = {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 4, SIZE_MAX / 8 - 2, (size_t)1 << 60};
    struct pcm p = {.rate = AUDIO_RATE};
    float x[3] = {1, 2, 3};
    assert_int_equal(pcm_append(&p, x, 3), 0);
    struct pcm before = p;
    for (size_t i = 0; i < sizeof absurd / sizeof *absurd; i++) {
        assert_int_equal(pcm_reserve(&p, absurd[i]), E_NOMEM);
        assert_int_equal(pcm_append_silence(&p, absurd[i]), E_NOMEM);
        assert_memory_equal(&p, &before, sizeof p);
    }
    assert_int_equal(pcm_reserve(&p, p.cap - p.len), 0);
    assert_ptr_equal(p.samples, before.samples);
    pcm_release(&p);
}

static void rms_of_known_waves(void **state)
{
    (void)state;
    static float x[24000];
    assert_float_equal(pcm_rms(x, 0), 0, 0);
    assert_float_equal(pcm_rms(x, 24000), 0, 0);
    for (int i = 0; i < 24000; i++)
        x[i] = 0.5f * (float)sin(2 * M_PI * 100 * i / 24000);
    assert_float_equal(pcm_rms(x, 24000), 0.5 / sqrt(2), 1e-6);
    for (int i = 0; i < 24000; i++)
        x[i] = i % 2 ? 0.25f : -0.25f;
    assert_float_equal(pcm_rms(x, 24000), 0.25, 0);
}

static void sanitised_samples_are_finite_and_in_range(void **state)
{
    (void)state;
    float x[] = {0, -0.5f, 1, -1, 1.5f, -3e38f, NAN, INFINITY, -INFINITY, 1e-40f};
    static const float want[] = {0, -0.5f, 1, -1, 1, -1, 0, 0, 0, 1e-40f};
    assert_int_equal(pcm_sanitize(x, 10), 3);
    for (int i = 0; i < 10; i++)
        assert_float_equal(x[i], want[i], 0);
    assert_int_equal(pcm_sanitize(x, 10), 0);
    assert_int_equal(pcm_sanitize(NULL, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appended_pieces_follow_each_other),
        cmocka_unit_test(room_that_cannot_be_leaves_it_as_it_was),
        cmocka_unit_test(rms_of_known_waves),
        cmocka_unit_test(sanitised_samples_are_finite_and_in_range),
    };
    return cmocka_run_group_tests_name("pcm", tests, NULL, NULL);
}
