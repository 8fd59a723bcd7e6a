/* The cross-fade of F5-TTS infer_batch_process: linear, numpy.linspace(0, 1, n) with both ends. */
#include "test.h"

#include "audio/shape.h"

struct fade_case {
    size_t old_len, new_len, overlap, want_len;
    float want[8]; /* old is all 1, new all 0 */
};

static void lengths_and_slopes(void **state)
{
    (void)state;
    static const struct fade_case cases[] = {
        {3, 4, 0, 7, {1, 1, 1, 0, 0, 0, 0}},
        {3, 4, 1, 6, {1, 1, 1, 0, 0, 0}}, /* linspace(0, 1, 1) is 0: the old one stays */
        {3, 4, 2, 5, {1, 1, 0, 0, 0}},
        {3, 4, 3, 4, {1, 0.5f, 0, 0}},
        {5, 5, 5, 5, {1, 0.75f, 0.5f, 0.25f, 0}},
        {3, 4, 100, 4, {1, 0.5f, 0, 0}}, /* no longer than either */
        {4, 3, 100, 4, {1, 1, 0.5f, 0}},
        {2, 0, 3, 2, {1, 1}},
        {0, 2, 3, 2, {0, 0}},
        {0, 0, 3, 0, {0}},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const struct fade_case *t = &cases[c];
        struct pcm out = {.rate = AUDIO_RATE};
        static const float one[8] = {1, 1, 1, 1, 1, 1, 1, 1}, zero[8];
        assert_int_equal(pcm_append(&out, one, t->old_len), 0);
        assert_int_equal(crossfade_append(&out, zero, t->new_len, t->overlap), 0);
        assert_int_equal(out.len, t->want_len);
        for (size_t i = 0; i < out.len; i++)
            assert_float_equal(out.samples[i], t->want[i], 1e-7);
        pcm_release(&out);
    }
}

static void the_same_sound_fades_into_itself(void **state)
{
    (void)state;
    static float x[4000];
    for (int i = 0; i < 4000; i++)
        x[i] = (float)(i * 7919 % 2001 - 1000) / 1000;
    struct pcm out = {.rate = AUDIO_RATE};
    assert_int_equal(pcm_append(&out, x, 3000), 0);
    assert_int_equal(crossfade_append(&out, x + 2000, 2000, 1000), 0);
    assert_int_equal(out.len, 4000);
    for (int i = 0; i < 4000; i++)
        assert_float_equal(out.samples[i], x[i], 2e-7);
    pcm_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_and_slopes),
        cmocka_unit_test(the_same_sound_fades_into_itself),
    };
    return cmocka_run_group_tests_name("crossfade", tests, NULL, NULL);
}
