/* Counts of values in buckets that grow with the value, so that percentiles over any number of them cost one fixed
 * piece of memory.
 *
 * A percentile is never too low, and at most 1 part in HISTOGRAM_PRECISION too high; values below twice that are
 * exact. The unit is the caller's. */
#ifndef ISHOW_CLI_LOAD_HISTOGRAM_H
#define ISHOW_CLI_LOAD_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BITS 7
#define HISTOGRAM_PRECISION (1 << HISTOGRAM_BITS) /* 128: 0.8 % */
#define HISTOGRAM_MOST ((1ULL << 40) - 1)         /* greater values count as this: 12 days of microseconds */
#define HISTOGRAM_BUCKETS ((40 - HISTOGRAM_BITS + 1) * HISTOGRAM_PRECISION)

struct histogram { /* zeroed: empty */
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t total, least, most;
    double sum;
};

void histogram_add(struct histogram *h, uint64_t value);

/* The value that `part` (0..1) of all are not above; 0 when there are none. */
uint64_t histogram_percentile(const struct histogram *h, double part);

double histogram_mean(const struct histogram *h); /* 0 when there are none */

#endif
