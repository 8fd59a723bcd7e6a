/* The shape that every peak loop has: `side` independent sums, one operation each a step. The sums are arrays that
 * must live in registers, so the inner loops are unrolled at any optimisation level. */
#ifndef ISHOW_KERN_PEAK_LOOP_H
#define ISHOW_KERN_PEAK_LOOP_H

#include "kern/peak.h"

#define PEAK_STEPS  200000
#define PEAK_UNROLL _Pragma("GCC unroll 32")

/* `ops` an operation; `step` works on s[i], `begin` and `end` move a number between *any and s[i]. */
#define PEAK_LOOP(type, side, ops, begin, step, end)                                                                   \
    type s[side];                                                                                                      \
    PEAK_UNROLL                                                                                                        \
    for (int i = 0; i < (side); i++)                                                                                   \
        s[i] = begin;                                                                                                  \
    for (int n = 0; n < PEAK_STEPS; n++)                                                                               \
        PEAK_UNROLL                                                                                                    \
    for (int i = 0; i < (side); i++)                                                                                   \
        s[i] = step;                                                                                                   \
    PEAK_UNROLL                                                                                                        \
    for (int i = 0; i < (side); i++)                                                                                   \
        *any = (float)(end);                                                                                           \
    return (double)(ops) * (side)*PEAK_STEPS

#endif
