/* The peak loop of NEON, and the choice between it and those of the extensions (peak_dot.c). */
#include "kern/peak_loop.h"

#include <arm_neon.h>
#include <sys/auxv.h>

#define SIDE 24 /* up to four pipes of latency four, and some to spare */

#ifndef HWCAP_ASIMDDP
#define HWCAP_ASIMDDP (1 << 20)
#endif
#ifndef HWCAP2_BF16
#define HWCAP2_BF16 (1 << 14)
#endif

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
        return getauxval(AT_HWCAP2) & HWCAP2_BF16 ? kern_peak_bfdot : NULL;
    case KERN_PEAK_INT8:
        return getauxval(AT_HWCAP) & HWCAP_ASIMDDP ? kern_peak_sdot : NULL;
    default:
        return NULL;
    }
}
