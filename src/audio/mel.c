/* Log-mel features: a Hann-windowed FFT every 256 samples, magnitudes through 100 triangles.
 *
 * The wave is continued at both ends by its mirror image (without repeating the end sample), so that
 * frame i is centred on sample 256·i. Triangles are spaced evenly on the HTK mel scale, peak 1, and
 * overlap by half: a bin lies in at most two of them, so each keeps only the bins it covers. */
#include "audio/spectrum.h"

#include "audio/pcm.h"

#include <kiss_fftr.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#define MEL_BINS (MEL_N_FFT / 2 + 1)

struct mel_plan {
    kiss_fftr_cfg fft;
    float window[MEL_N_FFT];
    float frame[MEL_N_FFT];
    kiss_fft_cpx spectrum[MEL_BINS];
    float magnitude[MEL_BINS];
    struct {
        int first, count; /* bins */
        float weight[MEL_BINS];
    } band[MEL_BANDS];
};

size_t mel_frames(size_t n)
{
    return n / MEL_HOP + 1;
}

/* HTK: mel = 2595 log10(1 + Hz / 700). */
static double hz_of_mel(double mel)
{
    return 700 * (pow(10, mel / 2595) - 1);
}

static void fill_bands(struct mel_plan *plan)
{
    double nyquist = AUDIO_RATE / 2;
    double mel_max = 2595 * log10(1 + nyquist / 700);
    for (int b = 0; b < MEL_BANDS; b++) {
        double low = hz_of_mel(mel_max * b / (MEL_BANDS + 1));
        double peak = hz_of_mel(mel_max * (b + 1) / (MEL_BANDS + 1));
        double high = hz_of_mel(mel_max * (b + 2) / (MEL_BANDS + 1));
        plan->band[b].first = plan->band[b].count = 0;
        for (int i = 0; i < MEL_BINS; i++) {
            double hz = nyquist * i / (MEL_BINS - 1);
            double weight = fmin((hz - low) / (peak - low), (high - hz) / (high - peak));
            if (weight <= 0)
                continue;
            if (!plan->band[b].count)
                plan->band[b].first = i;
            plan->band[b].weight[plan->band[b].count++] = (float)weight;
        }
    }
}

static struct mel_plan *plan_create(void)
{
    struct mel_plan *plan = malloc(sizeof *plan);
    if (!plan)
        return NULL;
    plan->fft = kiss_fftr_alloc(MEL_N_FFT, 0, NULL, NULL);
    if (!plan->fft) {
        free(plan);
        return NULL;
    }
    for (int i = 0; i < MEL_N_FFT; i++)
        plan->window[i] = (float)(0.5 - 0.5 * cos(2 * M_PI * i / MEL_N_FFT));
    fill_bands(plan);
    return plan;
}

static void plan_free(struct mel_plan *plan)
{
    kiss_fftr_free(plan->fft);
    free(plan);
}

/* Sample i of the wave mirrored at its ends; -n < i < 2n - 1. */
static float mirrored(const float *wave, ptrdiff_t n, ptrdiff_t i)
{
    if (i < 0)
        i = -i;
    if (i >= n)
        i = 2 * (n - 1) - i;
    return wave[i];
}

int mel_compute(const float *wave, size_t n, float *mel, struct error *err)
{
    if (n <= MEL_N_FFT / 2 || n > PTRDIFF_MAX / 4)
        return error_set(err, E_ARG, "a mel spectrum needs more than %d samples, there are %zu",
                         MEL_N_FFT / 2, n);
    struct mel_plan *plan = plan_create();
    if (!plan)
        return error_nomem(err);
    size_t frames = mel_frames(n);
    for (size_t f = 0; f < frames; f++) {
        ptrdiff_t start = (ptrdiff_t)(f * MEL_HOP) - MEL_N_FFT / 2;
        for (int i = 0; i < MEL_N_FFT; i++)
            plan->frame[i] = mirrored(wave, (ptrdiff_t)n, start + i) * plan->window[i];
        kiss_fftr(plan->fft, plan->frame, plan->spectrum);
        for (int i = 0; i < MEL_BINS; i++)
            plan->magnitude[i] = hypotf(plan->spectrum[i].r, plan->spectrum[i].i);
        for (int b = 0; b < MEL_BANDS; b++) {
            float sum = 0;
            for (int i = 0; i < plan->band[b].count; i++)
                sum += plan->band[b].weight[i] * plan->magnitude[plan->band[b].first + i];
            *mel++ = logf(fmaxf(sum, MEL_FLOOR));
        }
    }
    plan_free(plan);
    return 0;
}
