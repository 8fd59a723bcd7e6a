/* What the tests of a device share: every device that this machine can open, numbers that are the same in each run, and
 * arrays with a guard behind them. */
#ifndef ISHOW_TESTS_DEV_STAGE_H
#define ISHOW_TESTS_DEV_STAGE_H

#include "dev/dev.h"

void on_each_device(void (*body)(struct dev *d)); /* every kernel set, on one and three threads; seeds fill() anew */
void fill_seed(uint64_t seed);
float *fill(size_t n, float size); /* in [-size, size); the caller frees it */

/* A host array's copy on the device, with one guard number behind it; NULL: room for it. */
float *put(struct dev *d, const float *host, size_t n);
/* Brings the array back, for the caller to free, and frees it on the device; the guard must be as it was. */
float *get(struct dev *d, float *p, size_t n);

#endif
