/* How busy the graphics cards are, for the metrics page. NVIDIA's by its management library (NVML), which comes with
 * the driver and is loaded when it is there; a Jetson's by a file in /sys. Without either there is nothing to read, and
 * that is no error. */
#ifndef ISHOW_SERVER_GPU_STATS_H
#define ISHOW_SERVER_GPU_STATS_H

#include "base/error.h"

#include <stdint.h>

#define GPU_STATS_NVML  "libnvidia-ml.so.1"
#define GPU_STATS_SYSFS "/sys"
#define GPU_STATS_MAX   16  /* cards; more are not looked at */
#define GPU_STATS_KEPT  1.0 /* seconds that a reading is kept: the driver is asked no oftener */

struct gpu_reading {
    double utilization;               /* percent; NaN when not known */
    double memory_used, memory_total; /* bytes; NaN when not known (a Jetson's is the machine's) */
};

struct gpu_stats;

/* Looks for cards. `nvml` names the library, `sysfs` the folder of the Jetson's file: GPU_STATS_… outside of tests.
 * Succeeds where no card is. E_NOMEM. */
int gpu_stats_create(const char *nvml, const char *sysfs, struct gpu_stats **ret);
void gpu_stats_free(struct gpu_stats *g); /* accepts NULL */

/* The cards and how busy they are, `now` being clock_seconds(). The answer is the number of them; *ret is borrowed and
 * holds until the next call. */
int gpu_stats_read(struct gpu_stats *g, double now, const struct gpu_reading **ret);

#endif
