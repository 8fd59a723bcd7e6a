/* Sample-rate conversion by libsoxr (windowed sinc, HQ). */
#ifndef ISHOW_AUDIO_RESAMPLE_H
#define ISHOW_AUDIO_RESAMPLE_H

#include "audio/pcm.h"
#include "base/error.h"

/* Converts `p` in place to `rate`; nothing to do when it has it already. */
int pcm_resample(struct pcm *p, int rate, struct error *err);

#endif
