/* Peak loops of ARM's dot products; the file is compiled for them, and only a CPU that has them may enter. */
#include "kern/peak_loop.h"

#include <arm_neon.h>

#define SIDE 24

double kern_peak_bfdot(volatile float *any)
{
    const bfloat16x8_t x = vreinterpretq_bf16_u16(vdupq_n_u16(0x3C00)); /* 0.0078 */
    PEAK_LOOP(float32x4_t, SIDE, 2 * 8, vdupq_n_f32(*any), vbfdotq_f32(s[i], x, x), vgetq_lane_f32(s[i], 0));
}

double kern_peak_sdot(volatile float *any)
{
    const int8x16_t x = vdupq_n_s8(1);
    PEAK_LOOP(int32x4_t, SIDE, 2 * 16, vdupq_n_s32((int)*any), vdotq_s32(s[i], x, x), vgetq_lane_s32(s[i], 0));
}
