/* Rounding to bfloat16, the upper half of a float, and back. */
#ifndef ISHOW_KERN_ROUND_H
#define ISHOW_KERN_ROUND_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* To the nearest, ties to even; a NaN stays one. */
static inline uint16_t bf16_round(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    if ((u & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(u >> 16 | 0x40);
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

static inline float bf16_widen(uint16_t h)
{
    uint32_t u = (uint32_t)h << 16;
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* The step of a row's or column's 8-bit numbers, -127 .. 127, from its largest absolute value. Next to nothing
 * is nothing: 127 / most would be infinite. A row with a NaN or infinity has the step NaN. */
static inline float int8_step(float most)
{
    return most < 0x1p-119f ? 0 : most / 127 + (most - most);
}

static inline float int8_row_step(const float *x, size_t n)
{
    float most = 0;
    for (size_t i = 0; i < n; i++)
        most = fabsf(x[i]) <= most ? most : isnan(most) ? most : fabsf(x[i]);
    return int8_step(most);
}

/* x / step, to the nearest, ties to even. */
static inline int8_t int8_round(float x, float step)
{
    long q = lrintf(x * (step > 0 ? 1 / step : 0));
    return (int8_t)(q > 127 ? 127 : q < -127 ? -127 : q); /* out of range only where the step is NaN */
}

#endif
