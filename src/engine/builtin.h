/* The voices that speak when no model is installed: flite's slt for English, espeak-ng for the rest.
 *
 * A text is split by script (text/script.h), each part goes to the synthesiser of its language a
 * sentence at a time, and all of it comes out at one rate and at about one loudness. */
#ifndef ISHOW_ENGINE_BUILTIN_H
#define ISHOW_ENGINE_BUILTIN_H

#include "base/buf.h"
#include "base/error.h"

#include <stddef.h>

#define BUILTIN_SPEED_MIN 0.1f
#define BUILTIN_SPEED_MAX 10.0f

struct builtin_listener {
    /* Mono PCM at AUDIO_RATE within ±1, n > 0; non-zero stops. */
    int (*audio)(void *user, const float *samples, size_t n);
    void *user;
    /* Before each sentence; non-zero stops; may be NULL. */
    int (*progress)(void *user, int done, int total);
    void *progress_user;
};

/* Speaks valid UTF-8 as a person would write it (numbers and symbols are best written out before:
 * text/normalize.h). The listener gets each sentence as soon as it is made. `speed` 2 takes half as
 * long; espeak-ng goes no slower than 0.46 of its usual speed.
 *
 * Appends the voices that spoke to ret_voices (may be NULL), "flite slt, espeak-ng cmn". What no voice
 * here can say is left out and named there too, "flite slt; unspoken: zh (apt-get install libespeak-ng1
 * espeak-ng-data)"; when nothing of the text could be said, that is E_UNSUPPORTED and its sentence tells
 * what to install. E_ARG for a text with nothing to speak or a speed out of range, E_FORMAT for invalid
 * UTF-8, E_CANCELLED when the listener stopped it. May be called from any thread; one sentence is made at a
 * time a synthesiser, because neither of them can do two. */
int builtin_say(const char *text, size_t len, float speed, const struct builtin_listener *to, struct buf *ret_voices,
                struct error *err);

#endif
