/* What the CPU could do at most: multiply-adds and dot products on registers alone, enough of them side by side to
 * hide their latency; and how fast memory gives and takes. Measured beside whatever is held against it, so that a
 * busy or throttled machine shows in both. */
#ifndef ISHOW_KERN_PEAK_H
#define ISHOW_KERN_PEAK_H

#include "kern/kern.h"

enum kern_peak {
    KERN_PEAK_F32,  /* multiply-add */
    KERN_PEAK_BF16, /* dot product of pairs, summed in f32 */
    KERN_PEAK_INT8, /* dot product of fours, summed in 32 bit */
    KERN_PEAK_COUNT,
};

/* A loop of one kind: returns the operations done, a multiply-add counting as two. The sums start from `*any` and
 * end there: a compiler that knew the numbers would work some of them out beforehand. */
typedef double (*kern_peak_fn)(volatile float *any);

/* The loop of `isa` for `kind`, or NULL when there is none or this CPU cannot run it. */
kern_peak_fn kern_peak_loop(enum kern_isa isa, enum kern_peak kind);

/* Operations a second of CPU time, summed over `threads` threads at once: the best of what fits into `seconds`, at
 * least one go (about 2 ms). 0 when there is no loop, or no threads could be started. */
double kern_peak_measure(enum kern_isa isa, enum kern_peak kind, int threads, double seconds);

/* Bytes a second of wall time over `threads` threads, through a block far larger than the caches. */
struct kern_bandwidth {
    double read, copy; /* copy counts the bytes read and those written; 0 when there was no memory for it */
};
void kern_bandwidth_measure(int threads, double seconds, struct kern_bandwidth *ret);

/* What the architecture brings; only those built for it exist. */
kern_peak_fn kern_peak_x86(enum kern_isa isa, enum kern_peak kind);
kern_peak_fn kern_peak_arm(enum kern_isa isa, enum kern_peak kind);
double kern_peak_bfdot(volatile float *any);
double kern_peak_sdot(volatile float *any);

#endif
