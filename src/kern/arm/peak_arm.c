/* The peak loop of NEON, and the choice between it and those of the extensions (peak_dot.c). */
#include "kern/peak_loop.h"

#include <arm_neon.h>

#define SIDE 24 /* up to four pipes of latency four, and some to spare */

static double fma_neon(volatile float *any)
{
    const float32x4_t x = vdupq_n_f32(0.999f), y = vdupq_n_f32(0.001f);
    PEAK_LOOP(float32x4_t, SIDE, 2 * 4, vdupq_n_f32(*any), vfmaq_f32(y, s[i], x), vgetq_lane_f32(s[i], 0));
}

kern_peak_fn kern_peak_arm(enum kern_isa isa, enum kern_peak kind)
{
    if (isa < KERN_NEON)
        return NULL;
    switch (kind) {
    case KERN_PEAK_F32:
        return fma_neon;
    case KERN_PEAK_BF16:
        return isa >= KERN_NEONBF16 ? kern_peak_bfdot : NULL;
    case KERN_PEAK_INT8:
        return isa >= KERN_NEONDOT ? kern_peak_sdot : NULL;
    default:
        return NULL;
    }
}
