/* How far sound is from other sound that should be the same. */
#ifndef ISHOW_ENGINE_DISTANCE_H
#define ISHOW_ENGINE_DISTANCE_H

#include "base/error.h"

#include <stddef.h>

/* sum (a - b)^2 and sum b^2, to be added up over several texts: NMSE is the one over the other. */
struct distance {
    double diff, power;
};
void distance_add(struct distance *d, const float *a, const float *b, size_t n);
double distance_nmse(const struct distance *d); /* 0 when nothing differs, infinite when b is silent and a is not */
double distance_snr(const struct distance *d);  /* dB; infinite when nothing differs */

/* Log-spectral distance of two waves of n samples at AUDIO_RATE, in dB: over the frames, the mean of the root mean
 * square over the mel bands of 20 log10 of their ratio. Bands below -100 dB count as that. */
int distance_log_spectral(const float *a, const float *b, size_t n, double *ret, struct error *err);

#endif
