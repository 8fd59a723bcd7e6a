/* What is done to waves around synthesis: the reference clip's preparation, silence, loudness,
 * cross-fade. The silence rules are pydub's (16-bit amplitudes, 10 ms steps), as F5-TTS uses them. */
#ifndef ISHOW_AUDIO_SHAPE_H
#define ISHOW_AUDIO_SHAPE_H

#include "audio/pcm.h"
#include "base/error.h"

#define REFERENCE_MAX_SECONDS 12
#define REFERENCE_MIN_SECONDS 0.2 /* of what is left after trimming */

/* Prepares a decoded reference clip in place: kept to at most ~12 s cutting at silences, edges
 * trimmed at -42 dBFS, 50 ms of silence appended, loudness raised to `target_rms` if below it,
 * resampled to AUDIO_RATE (F5-TTS preprocess_ref_audio_text and infer_batch_process).
 * ret_rms is the clip's own rms before raising: the generated wave is scaled back by
 * ret_rms / target_rms when ret_rms < target_rms. A clip that is silent or too short is E_FORMAT; the
 * clip is untouched on failure. */
int reference_prepare(struct pcm *clip, float target_rms, float *ret_rms, struct error *err);

/* The first half of that: `clip` shortened, trimmed and with its 50 ms of silence -> `ret`, at the clip's
 * own rate and loudness. */
int reference_cut(const struct pcm *clip, struct pcm *ret, struct error *err);

/* Root mean square; 0 for n = 0. */
float pcm_rms(const float *samples, size_t n);

/* Removes silences of >= 1 s below -50 dBFS but for 500 ms around each piece, in place
 * (remove_silence_for_generated_wav). Of silence alone nothing is left. */
int silence_remove(struct pcm *p, struct error *err);

/* Mixes the tail of `out` into the head of `next`, linearly, over at most `overlap` samples (fewer
 * when either is shorter), and appends the rest of `next` (F5-TTS infer_batch_process, whose fades
 * are numpy.linspace(0, 1, overlap) with both ends included). 0 or E_NOMEM. */
int crossfade_append(struct pcm *out, const float *next, size_t next_len, size_t overlap);

/* NaN and Inf become 0, values are limited to ±1; returns how many samples were changed for not
 * being finite. */
size_t pcm_sanitize(float *samples, size_t n);

#endif
