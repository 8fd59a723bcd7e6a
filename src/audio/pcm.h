/* Mono sound in memory. */
#ifndef ISHOW_AUDIO_PCM_H
#define ISHOW_AUDIO_PCM_H

#include <stddef.h>

#define AUDIO_RATE      24000 /* Hz, of everything past the reader and before the writer */
#define PCM_MAX_SAMPLES ((size_t)1 << 32)

struct pcm {
    float *samples; /* owned; full scale is ±1 */
    size_t len, cap;
    int rate; /* Hz */
};

void pcm_release(struct pcm *p); /* accepts a zeroed one */

/* Each returns 0 or E_NOMEM, also above PCM_MAX_SAMPLES, and leaves `p` as it was on failure. */
int pcm_reserve(struct pcm *p, size_t extra);
int pcm_append(struct pcm *p, const float *samples, size_t n);
int pcm_append_silence(struct pcm *p, size_t n);

#endif
