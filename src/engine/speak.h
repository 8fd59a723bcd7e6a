/* From a voice and a text to audio, as F5-TTS's infer_process does it, streamed. */
#ifndef ISHOW_ENGINE_SPEAK_H
#define ISHOW_ENGINE_SPEAK_H

#include "engine/f5.h"

/* What a request needs of a clip raised to a loudness. */
struct voice_features {
    float target; /* rms it was raised to */
    float gain;   /* from there back to the clip's own loudness */
    int frames;
    float *mel; /* [frames, MEL_BANDS], owned */
};

/* A reference clip, prepared but not yet raised to any loudness, and its words with the ending that
 * upstream gives them. */
struct ishow_voice {
    struct pcm clip; /* at AUDIO_RATE */
    float rms;       /* of the clip before any raising */
    char *words;     /* owned; ends in ". " or "。" */
    struct voice_features *kept; /* owned: of the last request, which the next one mostly shares */
};

#define VOICE_MAX_WORDS 4096 /* bytes */

/* Takes over `clip` (at any rate, empties it) when it succeeds. */
int voice_create(struct pcm *clip, const char *words, struct ishow_voice **ret, struct error *err);

/* The clip's features at a loudness; made when the last ones were for another. Borrowed until the next call. */
int voice_prepare(const struct ishow_voice *v, float target, const struct voice_features **ret, struct error *err);

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

/* `text` is valid UTF-8, already written out; params are checked. Fills stats' chunks and seed. */
int f5_speak(struct f5 *f, const struct ishow_voice *voice, const char *text, size_t len,
             const ishow_say_params *params, ishow_audio_fn on_audio, void *user, ishow_stats *stats,
             struct error *err);

#endif
