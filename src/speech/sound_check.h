/* Whether what an engine has made can be speech at all: sound and not silence, within what a wave can hold, about as
 * long as its text. It finds a synthesis that has failed; it does not judge whether the words are right. Pure
 * functions. */
#ifndef ISHOW_SPEECH_SOUND_CHECK_H
#define ISHOW_SPEECH_SOUND_CHECK_H

#include <stddef.h>

enum sound_fault {
    SOUND_GOOD,
    SOUND_SILENT,     /* hardly anything in it can be heard */
    SOUND_NOT_FINITE, /* NaN or infinite */
    SOUND_CLIPPED,    /* much of it stands at full scale */
    SOUND_TOO_SHORT,
    SOUND_TOO_LONG
};

/* "silent", "not_finite", "clipped", "too_short", "too_long"; "" for SOUND_GOOD. */
const char *sound_fault_name(enum sound_fault f);

/* Of samples [n] at ISHOW_RATE, all of a synthesis or a piece of it. A piece under half a second may be silent. */
enum sound_fault sound_check(const float *samples, size_t n);

/* How long a text may take to say, in seconds. The limits are wide: nothing between them is suspicious. */
struct speech_length {
    double least, usual, most;
};

/* `text` is valid UTF-8, before numbers are written out; `speed` as in ishow_say_params. */
struct speech_length speech_length_expect(const char *text, double speed);
enum sound_fault speech_length_check(const struct speech_length *l, double seconds);

#endif
