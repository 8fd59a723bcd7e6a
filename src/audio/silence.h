/* Where a clip is silent, by pydub's rules, to the sample (pydub 0.25 silence.py, audio_segment.py).
 *
 * pydub counts in whole milliseconds and compares the rms of a window, cut to a whole number on the
 * 16-bit scale, with a threshold. A position of t ms is sample (int)(t * (rate / 1000.0)); a clip's
 * length in ms is rounded half to even, so the last window may reach past the last sample: what is
 * missing there counts as zeros. */
#ifndef ISHOW_AUDIO_SILENCE_H
#define ISHOW_AUDIO_SILENCE_H

#include "audio/pcm.h"
#include "base/error.h"

/* A stretch of samples; `end` may lie up to a millisecond past the clip's last sample. */
struct piece {
    size_t start, end;
};

struct pieces {
    struct piece *items; /* owned */
    size_t n, cap;
};

#define SILENCE_STEP_MS 10 /* between the windows that are looked at */

/* What is not silent (split_on_silence): silences are at least `min_ms` (a multiple of
 * SILENCE_STEP_MS) long and at or below `threshold_db` full scale; `keep_ms` of them stay around each
 * piece, less where two pieces would overlap. `ret` is empty when all is silent. Release it.
 * 0 or E_NOMEM. */
int silence_split(const struct pcm *clip, long min_ms, double threshold_db, long keep_ms, struct pieces *ret);
void pieces_release(struct pieces *p);

/* The loud middle (remove_silence_edges): windows of 10 ms below `threshold_db` are cut from both ends.
 * start = end when there is none. */
struct piece silence_trim(const struct pcm *clip, double threshold_db);

/* Appends a piece of `from`, its missing samples as zeros. 0 or E_NOMEM. */
int piece_append(struct pcm *out, const struct pcm *from, struct piece p);

long pcm_ms(size_t samples, int rate); /* length in ms as pydub rounds it */
size_t pcm_samples_at(long ms, int rate);

#endif
