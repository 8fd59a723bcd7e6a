/* The noise that PyTorch draws: torch.manual_seed(seed); torch.randn(n) on CPU in f32, so that a seed
 * sounds as it does upstream. MT19937 (Matsumoto and Nishimura 1998), 24-bit uniforms, Box-Muller in
 * blocks of 16 whose last one overlaps when n is no multiple of 16. */
#ifndef ISHOW_MODEL_TORCH_RANDOM_H
#define ISHOW_MODEL_TORCH_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#define TORCH_RANDN_MIN 16 /* below this PyTorch takes another path, which no mel needs */
#define MT19937_WORDS 624

struct torch_random {
    uint32_t state[MT19937_WORDS];
    int next;
};

/* Only the low 32 bits of the seed count, as in PyTorch. */
void torch_manual_seed(struct torch_random *r, uint64_t seed);

/* out [n], n >= TORCH_RANDN_MIN; goes on where the last call ended. */
void torch_randn(struct torch_random *r, float *out, size_t n);

#endif
