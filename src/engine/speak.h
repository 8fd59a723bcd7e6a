/* From a voice and a text to audio, as F5-TTS's infer_process does it, streamed, for several requests at once. */
#ifndef ISHOW_ENGINE_SPEAK_H
#define ISHOW_ENGINE_SPEAK_H

#include "engine/f5.h"
#include "engine/voice.h"

/* One request. What it points to is borrowed. */
struct speak_job {
    const struct ishow_voice *voice;
    const char *text; /* valid UTF-8, already written out */
    size_t len;
    const ishow_say_params *params; /* checked */
    ishow_audio_fn on_audio;
    void *user;
    ishow_stats *stats; /* chunks, evaluations and seed are filled in */
    struct error *err;  /* may be NULL */
    int rc;             /* the result */
};

/* 1: both can be given to one f5_speak. */
int speak_match(const ishow_say_params *a, const ishow_say_params *b);

/* Speaks up to SAMPLER_MAX_BATCH jobs that match, in rounds: the first chunk of each, then the second of each that has
 * one, and so on. One that fails or is stopped is out; the others do not notice. */
void f5_speak(struct f5 *f, struct speak_job *jobs, int n);

/* How many mel frames clip and speech take together: `ref_samples` at AUDIO_RATE, lengths in UTF-8 bytes
 * (infer_batch_process). fix_duration (seconds) overrides when > 0. At least max(tokens, clip's mel) + 1. */
int64_t speech_frames(size_t ref_samples, size_t ref_bytes, size_t gen_bytes, double speed, double fix_duration,
                      size_t tokens);

/* One piece of speech as mel and wave, for comparing. */
struct spoken {
    float *mel; /* [frames, MEL_BANDS], of the speech without the clip */
    int frames;
    struct pcm wave;
};
void spoken_release(struct spoken *s); /* accepts a zeroed one */

/* Speaks `text` in one piece, without a callback, a cross-fade or removal of silence. */
int f5_speak_once(struct f5 *f, const struct ishow_voice *voice, const char *text, size_t len,
                  const ishow_say_params *params, struct spoken *ret, struct error *err);

#endif
