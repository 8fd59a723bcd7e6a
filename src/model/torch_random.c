/* See torch_random.h. */
#include "model/torch_random.h"

#include <math.h>

#define MT_N MT19937_WORDS
#define MT_M 397

void torch_manual_seed(struct torch_random *r, uint64_t seed)
{
    r->state[0] = (uint32_t)seed;
    for (uint32_t i = 1; i < MT_N; i++)
        r->state[i] = 1812433253u * (r->state[i - 1] ^ r->state[i - 1] >> 30) + i;
    r->next = MT_N;
}

static void refill(struct torch_random *r)
{
    uint32_t *s = r->state;
    for (int i = 0; i < MT_N; i++) {
        uint32_t y = (s[i] & 0x80000000u) | (s[(i + 1) % MT_N] & 0x7FFFFFFFu);
        s[i] = s[(i + MT_M) % MT_N] ^ y >> 1 ^ (y & 1 ? 0x9908B0DFu : 0);
    }
    r->next = 0;
}

static uint32_t draw(struct torch_random *r)
{
    if (r->next == MT_N)
        refill(r);
    uint32_t y = r->state[r->next++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9D2C5680u;
    y ^= y << 15 & 0xEFC60000u;
    return y ^ y >> 18;
}

static void fill_uniform(struct torch_random *r, float *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (float)(draw(r) & 0xFFFFFF) * 0x1p-24f;
}

/* Sixteen uniforms into sixteen normals: eight radii, eight angles. */
static void box_muller_16(float *v)
{
    for (int i = 0; i < 8; i++) {
        float radius = sqrtf(-2.0f * logf(1.0f - v[i]));
        float angle = 6.283185307179586f * v[i + 8];
        v[i] = radius * cosf(angle);
        v[i + 8] = radius * sinf(angle);
    }
}

void torch_randn(struct torch_random *r, float *out, size_t n)
{
    fill_uniform(r, out, n);
    for (size_t i = 0; i + 16 <= n; i += 16)
        box_muller_16(out + i);
    if (n % 16) {
        fill_uniform(r, out + n - 16, 16);
        box_muller_16(out + n - 16);
    }
}
