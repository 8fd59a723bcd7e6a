/* Vocos' config.yaml: the numbers that the vocoder is built from. */
#ifndef ISHOW_CKPT_VOCOS_CONFIG_H
#define ISHOW_CKPT_VOCOS_CONFIG_H

#include "base/error.h"

#include <stddef.h>

#define VOCOS_CONFIG_MAX 65536 /* bytes */

struct vocos_config {
    int sample_rate, n_fft, hop_length, n_mels;            /* feature_extractor.init_args */
    int input_channels, dim, intermediate_dim, num_layers; /* backbone.init_args */
};

/* Parses config.yaml from memory. Only mel features, the Vocos backbone, the ISTFT head and padding
 * "center" are known; other class paths, missing keys and disagreeing figures (head against feature
 * extractor) are E_FORMAT or E_UNSUPPORTED with the key's name and line. */
int vocos_config_parse(const char *text, size_t len, struct vocos_config *ret, struct error *err);

#endif
