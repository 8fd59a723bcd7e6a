/* What the files of the specification share among themselves. */
#ifndef ISHOW_KERN_SPEC_C_H
#define ISHOW_KERN_SPEC_C_H

#include "kern/kern.h"

float act_one_c(enum kern_act act, float x);
void kern_init_gemm_c(struct kern *k);

#endif
