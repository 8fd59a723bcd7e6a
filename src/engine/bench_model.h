/* Models with random weights, for timing and memory, where what is said is no matter: the architecture and the tensor
 * names of the published ones, drawn so that activations stay about as large as in trained ones. */
#ifndef ISHOW_ENGINE_BENCH_MODEL_H
#define ISHOW_ENGINE_BENCH_MODEL_H

#include "base/error.h"

#include <stdint.h>

/* Writes DIR/model.safetensors, DIR/vocab.txt and DIR/vocos/{config.yaml,pytorch_model.bin} (safetensors inside),
 * the same for every call with one preset: "v1-base", "v1-small", or "tiny", quick and of no interest otherwise.
 * `progress` (or NULL) hears how many of `total` million bytes are written; non-zero cancels. */
int bench_model_write(const char *preset, const char *dir, int (*progress)(void *user, int done, int total), void *user,
                      struct error *err);

/* E_ARG with the known names when there is no such preset. */
int bench_model_check(const char *preset, struct error *err);

#endif
