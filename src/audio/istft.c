/* From Vocos' head to a wave: inverse FFT of each frame, Hann window, overlap-add, and division by the
 * sum of the squared windows that fell on each sample (torch.istft with center=True). */
#include "audio/spectrum.h"

#include <kiss_fftr.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ISTFT_N_FFT_MAX     65536
#define ISTFT_MAGNITUDE_MAX 100.0f /* Vocos' own safeguard */
#define ISTFT_POWER_MIN     1e-11f /* below it torch.istft refuses, too */

struct istft_plan {
    kiss_fftr_cfg fft;
    kiss_fft_cpx *spectrum; /* [n_fft / 2 + 1] */
    float *window, *frame;  /* [n_fft] */
    float *power;           /* [(frames - 1) * hop], of the windows over each sample of the wave */
};

static void plan_release(struct istft_plan *plan)
{
    kiss_fftr_free(plan->fft);
    free(plan->spectrum);
    free(plan->window);
    free(plan->frame);
    free(plan->power);
}

static int plan_init(struct istft_plan *plan, size_t n_fft, size_t wave_len)
{
    plan->fft = kiss_fftr_alloc((int)n_fft, 1, NULL, NULL);
    plan->spectrum = malloc((n_fft / 2 + 1) * sizeof *plan->spectrum);
    plan->window = malloc(n_fft * sizeof *plan->window);
    plan->frame = malloc(n_fft * sizeof *plan->frame);
    plan->power = calloc(wave_len, sizeof *plan->power);
    if (!plan->fft || !plan->spectrum || !plan->window || !plan->frame || !plan->power)
        return E_NOMEM;
    for (size_t i = 0; i < n_fft; i++)
        plan->window[i] = (float)(0.5 - 0.5 * cos(2 * M_PI * (double)i / (double)n_fft));
    return 0;
}

int istft_vocos(const float *head, size_t frames, int n_fft, int hop, float *wave, struct error *err)
{
    if (n_fft < 4 || n_fft > ISTFT_N_FFT_MAX || n_fft % 2 || hop < 1 || hop > n_fft / 2)
        return error_set(err, E_ARG,
                         "iSTFT: n_fft %d must be even and within 4..%d, hop %d within 1..n_fft/2", n_fft,
                         ISTFT_N_FFT_MAX, hop);
    if (frames < 2 || frames > PTRDIFF_MAX / sizeof(float) / ((size_t)n_fft + 2))
        return error_set(err, E_ARG, "iSTFT: needs at least 2 frames, there are %zu", frames);
    size_t size = (size_t)n_fft, bins = size / 2 + 1, step = (size_t)hop;
    size_t len = (frames - 1) * step;
    struct istft_plan plan = {0};
    int rc = 0;
    if (plan_init(&plan, size, len)) {
        rc = error_nomem(err);
        goto done;
    }
    memset(wave, 0, len * sizeof *wave);
    for (size_t f = 0; f < frames; f++) {
        const float *log_magnitude = head + f * 2 * bins, *phase = log_magnitude + bins;
        for (size_t i = 0; i < bins; i++) {
            float magnitude = expf(log_magnitude[i]);
            if (magnitude > ISTFT_MAGNITUDE_MAX)
                magnitude = ISTFT_MAGNITUDE_MAX;
            plan.spectrum[i].r = magnitude * cosf(phase[i]);
            plan.spectrum[i].i = magnitude * sinf(phase[i]);
        }
        kiss_fftri(plan.fft, plan.spectrum, plan.frame);
        for (size_t i = 0; i < size; i++) {
            size_t at = f * step + i; /* in the uncut wave */
            if (at < size / 2 || at - size / 2 >= len)
                continue;
            wave[at - size / 2] += plan.frame[i] * plan.window[i];
            plan.power[at - size / 2] += plan.window[i] * plan.window[i];
        }
    }
    for (size_t i = 0; i < len; i++) {
        if (plan.power[i] < ISTFT_POWER_MIN) {
            rc = error_set(err, E_ARG, "iSTFT: windows of %d with hop %d leave sample %zu uncovered", n_fft,
                           hop, i);
            goto done;
        }
        wave[i] /= (float)n_fft * plan.power[i]; /* KissFFT's inverse is not scaled */
    }
done:
    plan_release(&plan);
    return rc;
}
