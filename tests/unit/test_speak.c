/* The arithmetic around synthesis: how long speech becomes; what a voice keeps between requests. */
#include "test.h"

#include "audio/spectrum.h"
#include "engine/speak.h"

#include <math.h>

static void lengths_are_upstreams(void **state)
{
    (void)state;
    /* ref_len + int(ref_len / ref_bytes * gen_bytes / speed) in Python, speed 0.3 below ten bytes */
    static const struct {
        size_t ref_samples, ref_bytes, gen_bytes;
        double speed;
        int64_t frames;
    } cases[] = {
        {62464, 22, 31, 1.0, 587},
        {62464, 22, 47, 1.0, 765},
        {62464, 22, 3, 1.0, 354},
        {62464, 22, 9, 2.0, 576},
        {62464, 22, 10, 2.0, 299},
        {100000, 57, 123, 0.8, 1441},
        {240000, 90, 200, 1.3, 2538},
        {77777, 33, 61, 0.7, 1103},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(speech_frames(cases[i].ref_samples, cases[i].ref_bytes, cases[i].gen_bytes, cases[i].speed, 0, 1),
                         cases[i].frames);
}

static void there_is_room_for_the_clip_and_every_token(void **state)
{
    (void)state;
    assert_int_equal(speech_frames(62464, 22, 31, 1, 0, 5000), 5001);
    assert_int_equal(speech_frames(62464, 22, 31, 1, 0.5, 10), 62464 / 256 + 1 + 1);
    assert_int_equal(speech_frames(62464, 22, 31, 1, 8.0, 10), 750);
    assert_int_equal(speech_frames(62464, 22, 31, 0.3, 8.0, 10), 750);
}

/* A voice keeps its features from one request to the next, and makes them anew for another loudness. */
static void a_voice_is_prepared_once_a_loudness(void **state)
{
    (void)state;
    struct error e;
    struct pcm clip = {.rate = AUDIO_RATE};
    struct ishow_voice *v;
    struct voice_features *f, *other;
    float mel[MEL_BANDS];
    assert_int_equal(pcm_reserve(&clip, AUDIO_RATE), 0);
    clip.len = AUDIO_RATE;
    for (size_t i = 0; i < clip.len; i++)
        clip.samples[i] = 0.02f * sinf((float)i * 0.05f);
    assert_int_equal(voice_create(&clip, "Hello.", &v, &e), 0);

    assert_int_equal(voice_prepare(v, 0.1f, &f, &e), 0);
    assert_true(f->gain > 0.1f && f->gain < 0.2f); /* the clip's rms is 0.014 */
    assert_int_equal(f->frames, (int)mel_frames(v->clip.len));
    memcpy(mel, f->mel + 20 * MEL_BANDS, sizeof mel);
    assert_int_equal(voice_prepare(v, 0.1f, &other, &e), 0);
    assert_ptr_equal(f, other);
    voice_features_release(other);

    assert_int_equal(voice_prepare(v, 0.2f, &other, &e), 0);
    assert_memory_not_equal(other->mel + 20 * MEL_BANDS, mel, sizeof mel);
    assert_memory_equal(f->mel + 20 * MEL_BANDS, mel, sizeof mel); /* who holds the first still has it */
    voice_features_release(f);
    voice_features_release(other);
    assert_int_equal(voice_prepare(v, 0.1f, &f, &e), 0);
    assert_memory_equal(f->mel + 20 * MEL_BANDS, mel, sizeof mel);
    voice_features_release(f);
    ishow_voice_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_are_upstreams),
        cmocka_unit_test(a_voice_is_prepared_once_a_loudness),
        cmocka_unit_test(there_is_room_for_the_clip_and_every_token),
    };
    return cmocka_run_group_tests_name("speak", tests, NULL, NULL);
}
