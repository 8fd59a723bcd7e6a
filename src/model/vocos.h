/* The Vocos vocoder (Siuzdak 2023, arXiv:2306.00814), mel-24khz: mel in, log-magnitude and phase out. The
 * inverse STFT that makes the wave is audio/spectrum.h. */
#ifndef ISHOW_MODEL_VOCOS_H
#define ISHOW_MODEL_VOCOS_H

#include "ckpt/ckpt.h"
#include "ckpt/vocos_config.h"
#include "dev/dev.h"
#include "model/dit.h"

#define VOCOS_MAX_DIM 8192
#define VOCOS_MAX_LAYERS 256

struct vocos;

/* Builds the vocoder on `dev` (borrowed) from an open checkpoint that may be closed afterwards. Tensors are
 * accounted for as in dit_create. */
int vocos_create(struct dev *dev, const struct ckpt *ckpt, const struct vocos_config *config, struct vocos **ret,
                 struct error *err);
void vocos_free(struct vocos *v); /* accepts NULL */
const struct vocos_config *vocos_config_of(const struct vocos *v);
double vocos_ops(const struct vocos *v, int frames); /* of its products, a multiply-add counting as two */

/* mel host [frames, input_channels] -> head host [frames, n_fft + 2]. `tap` (or NULL) sees
 * "vocoder_backbone" [frames, dim]. */
int vocos_run(struct vocos *v, const float *mel, int frames, float *head, const struct tap *tap, struct error *err);

#endif
