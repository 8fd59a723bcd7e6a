/* What the files of the specification share among themselves. */
#ifndef ISHOW_KERN_SPEC_C_H
#define ISHOW_KERN_SPEC_C_H

#include "kern/kern.h"

#define C_MR 4
#define C_NR 16
#define C_KR 4

float act_one_c(enum kern_act act, float x);
/* What becomes of a tile of sums, by `out`. */
void finish_c(float t[C_MR][C_NR], const struct kern_out *out, int rows, int cols, float *c, size_t ldc);

void kern_init_gemm_c(struct kern *k);
void kern_init_dot_c(struct kern *k);

#endif
