/* A voice: a reference clip, the words in it, and what the model makes of both. */
#ifndef ISHOW_ENGINE_VOICE_H
#define ISHOW_ENGINE_VOICE_H

#include "audio/pcm.h"
#include "base/error.h"
#include "ishowtts.h"

#define VOICE_MAX_WORDS 4096 /* bytes */

/* What a request needs of a clip raised to a loudness. Several may hold it. */
struct voice_features {
    int refs;
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
    struct voice_features *kept; /* of the last request, which the next one mostly shares; NULL before it */
};

/* Takes over `clip` (at any rate, empties it) when it succeeds. Freed with ishow_voice_free. */
int voice_create(struct pcm *clip, const char *words, struct ishow_voice **ret, struct error *err);

/* The clip's features at a loudness; made when the last ones were for another. Release them. */
int voice_prepare(const struct ishow_voice *v, float target, struct voice_features **ret, struct error *err);
void voice_features_release(struct voice_features *f); /* accepts NULL */

#endif
