/* See distance.h. */
#include "engine/distance.h"

#include "audio/spectrum.h"

#include <math.h>
#include <stdlib.h>

void distance_add(struct distance *d, const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const double diff = (double)a[i] - b[i];
        d->diff += diff * diff;
        d->power += (double)b[i] * b[i];
    }
}

double distance_nmse(const struct distance *d)
{
    return d->diff == 0 ? 0 : d->diff / d->power; /* NaN stays NaN */
}

double distance_snr(const struct distance *d)
{
    return d->diff == 0 ? INFINITY : 10 * log10(d->power / d->diff);
}

int distance_log_spectral(const float *a, const float *b, size_t n, double *ret, struct error *err)
{
    const double db = 20 / log(10);
    const size_t frames = mel_frames(n);
    float *x = malloc(sizeof *x * 2 * frames * MEL_BANDS);
    if (!x)
        return error_nomem(err);
    float *y = x + frames * MEL_BANDS;
    int rc = mel_compute(a, n, x, err);
    if (!rc)
        rc = mel_compute(b, n, y, err);
    double sum = 0;
    for (size_t f = 0; f < frames && !rc; f++) {
        double square = 0;
        for (size_t i = f * MEL_BANDS; i < (f + 1) * MEL_BANDS; i++)
            square += (double)(x[i] - y[i]) * (x[i] - y[i]);
        sum += db * sqrt(square / MEL_BANDS);
    }
    free(x);
    if (!rc)
        *ret = sum / (double)frames;
    return rc;
}
