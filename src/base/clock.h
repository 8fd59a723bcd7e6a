/* Time that never jumps: seconds since an arbitrary start (CLOCK_MONOTONIC). */
#ifndef ISHOW_BASE_CLOCK_H
#define ISHOW_BASE_CLOCK_H

double clock_seconds(void);

#endif
