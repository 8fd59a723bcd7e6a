/* Vocos' config.yaml from strangers. What is accepted has figures that a vocoder can be built from. */
#include "ckpt/vocos_config.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vocos_config c = {0};
    struct error err;
    if (vocos_config_parse((const char *)data, size, &c, &err))
        return 0;
    if (c.sample_rate < 1 || c.n_fft < 1 || c.hop_length < 1 || c.n_mels < 1 ||
        c.input_channels != c.n_mels || c.dim < 1 || c.intermediate_dim < 1 || c.num_layers < 1)
        abort();
    return 0;
}
