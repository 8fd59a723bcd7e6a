/* See schedule.h. */
#include "model/schedule.h"

#include <math.h>
#include <stddef.h>

/* F5-TTS get_epss_timesteps, in units of 1/32. */
static const unsigned char pruned_5[] = {0, 2, 4, 8, 16, 32};
static const unsigned char pruned_6[] = {0, 2, 4, 6, 8, 16, 32};
static const unsigned char pruned_7[] = {0, 2, 4, 6, 8, 16, 24, 32};
static const unsigned char pruned_10[] = {0, 2, 4, 6, 8, 12, 16, 20, 24, 28, 32};
static const unsigned char pruned_12[] = {0, 2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32};
static const unsigned char pruned_16[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32};

static const unsigned char *pruned_grid(int nfe)
{
    switch (nfe) {
    case 5:
        return pruned_5;
    case 6:
        return pruned_6;
    case 7:
        return pruned_7;
    case 10:
        return pruned_10;
    case 12:
        return pruned_12;
    case 16:
        return pruned_16;
    default:
        return NULL;
    }
}

void schedule_times(int nfe, float sway, float *t)
{
    const unsigned char *grid = pruned_grid(nfe);
    float step = 1.0f / (float)nfe;
    for (int i = 0; i <= nfe; i++) {
        /* torch.linspace counts from whichever end is nearer */
        float u = grid ? (float)grid[i] / 32.0f
                       : i < (nfe + 1) / 2 ? step * (float)i : 1.0f - step * (float)(nfe - i);
        t[i] = u + sway * (cosf(1.5707963267948966f * u) - 1.0f + u);
    }
}
