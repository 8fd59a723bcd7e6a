/* Between waves and spectra: the log-mel features that F5-TTS and Vocos share, and the inverse STFT.
 * Follows torchaudio's MelSpectrogram (HTK, norm None, power 1, centred, reflect) and torch.istft. */
#ifndef ISHOW_AUDIO_SPECTRUM_H
#define ISHOW_AUDIO_SPECTRUM_H

#include "base/error.h"

#include <stddef.h>

#define MEL_N_FFT 1024
#define MEL_HOP   256
#define MEL_BANDS 100
#define MEL_FLOOR 1e-5f

/* Frames of the centred spectrogram of n samples: n / 256 + 1. */
size_t mel_frames(size_t n);

/* wave [n] at 24 kHz, n > MEL_N_FFT / 2 (reflect padding needs that; E_ARG otherwise)
 * -> mel [mel_frames(n), MEL_BANDS], log(max(x, 1e-5)). */
int mel_compute(const float *wave, size_t n, float *mel, struct error *err);

/* head [frames, n_fft + 2]: log-magnitude then phase, as Vocos' head gives them; magnitude is
 * min(exp(m), 100). -> wave [(frames - 1) * hop], Hann-windowed overlap-add, centred: n_fft / 2
 * samples are dropped on both sides and each sample is divided by its window-power sum. frames >= 2. */
int istft_vocos(const float *head, size_t frames, int n_fft, int hop, float *wave, struct error *err);

#endif
