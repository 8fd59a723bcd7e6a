/* Each allocation of this program's own fails in turn: every path answers E_NOMEM, leaves its results
 * alone and leaks nothing. */
#include "test.h"

#include "failing_heap.h"

#include "audio/resample.h"
#include "audio/shape.h"
#include "audio/sound_file.h"
#include "audio/spectrum.h"

#include <math.h>

/* -------- what is tried -------- */

static float wave[40000]; /* a second of tone, a second and a half of silence, tone again; at 16 kHz */
static char wav[44 + 2 * sizeof wave / sizeof *wave];
static size_t wav_len;

static int keep_wav(void *user, const void *bytes, size_t len, struct error *err)
{
    (void)user;
    (void)err;
    memcpy(wav + wav_len, bytes, len);
    wav_len += len;
    return 0;
}

static int drop(void *user, const void *bytes, size_t len, struct error *err)
{
    (void)user;
    (void)bytes;
    (void)len;
    (void)err;
    return 0;
}

static int try_read(struct error *e)
{
    struct pcm p = {0};
    int rc = sound_read_memory(wav, wav_len, &p, e);
    assert_int_equal(!p.samples, rc != 0);
    pcm_release(&p);
    return rc;
}

/* A function that works in place must leave the clip as it was. */
static int try_in_place(int (*work)(struct pcm *clip, struct error *e), struct error *e)
{
    static float copy[sizeof wave / sizeof *wave];
    memcpy(copy, wave, sizeof wave);
    heap.armed = 0;
    struct pcm clip = {.rate = 16000};
    assert_int_equal(pcm_append(&clip, copy, sizeof copy / sizeof *copy), 0);
    heap.armed = 1;
    int rc = work(&clip, e);
    if (rc) {
        assert_int_equal(clip.len, sizeof wave / sizeof *wave);
        assert_memory_equal(clip.samples, wave, sizeof wave);
    }
    pcm_release(&clip);
    return rc;
}

static int prepare(struct pcm *clip, struct error *e)
{
    float rms;
    return reference_prepare(clip, 0.1f, &rms, e);
}

static int resample(struct pcm *clip, struct error *e)
{
    return pcm_resample(clip, AUDIO_RATE, e);
}

static int fade(struct pcm *clip, struct error *e)
{
    return crossfade_append(clip, wave, sizeof wave / sizeof *wave, 0) ? error_nomem(e) : 0;
}

static int try_prepare(struct error *e)
{
    return try_in_place(prepare, e);
}

static int try_silence(struct error *e)
{
    return try_in_place(silence_remove, e);
}

static int try_resample(struct error *e)
{
    return try_in_place(resample, e);
}

static int try_fade(struct error *e)
{
    return try_in_place(fade, e);
}

static int try_mel(struct error *e)
{
    static float mel[200 * MEL_BANDS];
    return mel_compute(wave, sizeof wave / sizeof *wave, mel, e);
}

static int try_istft(struct error *e)
{
    static const float head[4 * 66];
    float out[3 * 16];
    return istft_vocos(head, 4, 64, 16, out, e);
}

static int try_encode(enum sound_format f, struct error *e)
{
    struct sound_encoder *enc = NULL;
    int rc = sound_encoder_create(f, 0, drop, NULL, &enc, e);
    assert_int_equal(!enc, rc != 0);
    if (!rc)
        rc = sound_encoder_write(enc, wave, 16000, e);
    if (!rc)
        rc = sound_encoder_finish(enc, e);
    sound_encoder_free(enc);
    return rc;
}

static int try_wav(struct error *e)
{
    return try_encode(SOUND_WAV, e);
}

static int try_flac(struct error *e)
{
    return try_encode(SOUND_FLAC, e);
}

static int try_opus(struct error *e)
{
    return try_encode(SOUND_OPUS, e);
}

static void each_allocation_fails_in_turn(void **state)
{
    (void)state;
    static int (*const work[])(struct error * e) = {try_read, try_prepare, try_silence, try_resample,
                                                    try_fade, try_mel,     try_istft,   try_wav,
                                                    try_flac, try_opus};
    for (size_t i = 0; i < sizeof work / sizeof *work; i++)
        heap_fail_each(work[i]);
}

int main(void)
{
    for (size_t i = 0; i < sizeof wave / sizeof *wave; i++)
        wave[i] = i < 16000 || i >= 39000 ? 0.5f * (float)sin((double)i * 0.2) : 0;
    struct sound_encoder *enc;
    struct error e;
    if (sound_encoder_create(SOUND_WAV, 40000, keep_wav, NULL, &enc, &e) ||
        sound_encoder_write(enc, wave, 40000, &e) || sound_encoder_finish(enc, &e))
        return 1;
    sound_encoder_free(enc);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_fails_in_turn),
    };
    return cmocka_run_group_tests_name("audio_alloc", tests, NULL, NULL);
}
