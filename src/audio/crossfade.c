/* The parts of shape.h that look at single samples: level, limits and the cross-fade. */
#include "audio/shape.h"

#include <math.h>

float pcm_rms(const float *samples, size_t n)
{
    if (!n)
        return 0;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)samples[i] * samples[i];
    return (float)sqrt(sum / (double)n);
}

size_t pcm_sanitize(float *samples, size_t n)
{
    size_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        float x = samples[i];
        if (!isfinite(x)) {
            x = 0;
            bad++;
        }
        samples[i] = x > 1 ? 1 : x < -1 ? -1 : x;
    }
    return bad;
}

int crossfade_append(struct pcm *out, const float *next, size_t next_len, size_t overlap)
{
    if (overlap > out->len)
        overlap = out->len;
    if (overlap > next_len)
        overlap = next_len;
    if (pcm_reserve(out, next_len - overlap))
        return E_NOMEM;
    float *tail = overlap ? out->samples + (out->len - overlap) : NULL;
    for (size_t i = 0; i < overlap; i++) {
        /* a fade of one sample is all old, as linspace(0, 1, 1) is [0] */
        double in = overlap > 1 ? (double)i / (double)(overlap - 1) : 0;
        tail[i] = (float)(tail[i] * (1 - in) + next[i] * in);
    }
    return next_len > overlap ? pcm_append(out, next + overlap, next_len - overlap) : 0;
}
