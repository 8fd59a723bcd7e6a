/* The reference clip's preparation: see shape.h. Follows F5-TTS preprocess_ref_audio_text and the head
 * of infer_batch_process.
 *
 * Differences: channels are averaged before the silences are looked for (pydub looks at all of them
 * together); the kept samples are not rounded to 16 bits on the way; a clip below 11025 Hz keeps its rate
 * (pydub converts it, because its empty clip has that rate); resampling is soxr's. */
#include "audio/shape.h"

#include "audio/resample.h"
#include "audio/silence.h"
#include "audio/sound_file.h"

#include <stdlib.h>

#define MAX_MS    (REFERENCE_MAX_SECONDS * 1000)
#define ENOUGH_MS 6000 /* with more than this, a piece that would pass MAX_MS is left out */
#define KEEP_MS   1000 /* silence around a piece */
#define TRIM_DB   -42.0

/* Silence that is appended: 50 ms at 11025 Hz, which is how pydub makes it, converted by linear
 * interpolation, which ends with the last sample. 1198 samples at 24 kHz. */
#define TAIL_SAMPLES 551
#define TAIL_RATE    11025

/* Puts together the pieces of `clip` that make up ~12 s; `out` is empty. */
static int gather(const struct pcm *clip, long min_ms, double threshold_db, struct pcm *out)
{
    struct pieces loud;
    if (silence_split(clip, min_ms, threshold_db, KEEP_MS, &loud))
        return E_NOMEM;
    int rc = 0;
    for (size_t i = 0; i < loud.n && !rc; i++) {
        size_t with = out->len + (loud.items[i].end - loud.items[i].start);
        if (pcm_ms(out->len, clip->rate) > ENOUGH_MS && pcm_ms(with, clip->rate) > MAX_MS)
            break;
        rc = piece_append(out, clip, loud.items[i]);
    }
    pieces_release(&loud);
    return rc;
}

static int is_long(const struct pcm *p)
{
    return pcm_ms(p->len, p->rate) > MAX_MS;
}

int reference_cut(const struct pcm *clip, struct pcm *ret, struct error *err)
{
    struct pcm out = {.rate = clip->rate}, trimmed = {.rate = clip->rate};
    int rc = gather(clip, 1000, -50, &out);
    if (!rc && is_long(&out)) {
        out.len = 0;
        rc = gather(clip, 100, -40, &out);
    }
    if (rc) {
        rc = error_nomem(err);
        goto done;
    }
    if (is_long(&out))
        out.len = pcm_samples_at(MAX_MS, out.rate);

    struct piece speech = silence_trim(&out, TRIM_DB);
    double seconds = (double)(speech.end - speech.start) / out.rate;
    if (speech.end == speech.start) {
        rc = error_set(err, E_FORMAT,
                       "the reference clip is silent: nothing in its %.2f s is louder than %g dBFS",
                       (double)clip->len / clip->rate, TRIM_DB);
        goto done;
    }
    if (seconds < REFERENCE_MIN_SECONDS) {
        rc = error_set(
            err, E_FORMAT,
            "the reference clip is %.2f s long after trimming silence; at least %g s of speech is needed",
            seconds, REFERENCE_MIN_SECONDS);
        goto done;
    }
    size_t tail = 1 + (TAIL_SAMPLES - 1) * (size_t)out.rate / TAIL_RATE;
    if (piece_append(&trimmed, &out, speech) || pcm_append_silence(&trimmed, tail)) {
        rc = error_nomem(err);
        goto done;
    }
    *ret = trimmed;
    trimmed = (struct pcm){0};
done:
    pcm_release(&out);
    pcm_release(&trimmed);
    return rc;
}

int reference_prepare(struct pcm *clip, float target_rms, float *ret_rms, struct error *err)
{
    if (clip->rate < SOUND_MIN_RATE || clip->rate > SOUND_MAX_RATE)
        return error_set(err, E_ARG, "the reference clip's sample rate is %d Hz, it must be within %d..%d",
                         clip->rate, SOUND_MIN_RATE, SOUND_MAX_RATE);
    if (clip->len > (size_t)SOUND_MAX_SECONDS * (size_t)clip->rate)
        return error_set(err, E_LIMIT, "the reference clip is longer than %d seconds", SOUND_MAX_SECONDS);
    struct pcm out = {0};
    int rc = reference_cut(clip, &out, err);
    if (rc)
        return rc;
    float rms = pcm_rms(out.samples, out.len);
    if (rms < target_rms)
        for (size_t i = 0; i < out.len; i++)
            out.samples[i] *= target_rms / rms;
    rc = pcm_resample(&out, AUDIO_RATE, err);
    if (rc) {
        pcm_release(&out);
        return rc;
    }
    pcm_release(clip);
    *clip = out;
    *ret_rms = rms;
    return 0;
}
