/* Which kernels to use: asks the CPU, then fills the table weakest first, so that an instruction set
 * need only bring what it does better. */
#include "kern/kern.h"

#include <stdlib.h>
#include <string.h>

#if defined(__aarch64__)
#include <sys/auxv.h>
#ifndef HWCAP_ASIMD
#define HWCAP_ASIMD (1 << 1)
#endif
#endif

static const char *const isa_names[KERN_ISA_COUNT] = {
    [KERN_C] = "c", [KERN_AVX2] = "avx2", [KERN_AVX512] = "avx512", [KERN_NEON] = "neon"};

const char *kern_isa_name(enum kern_isa isa)
{
    return isa_names[isa];
}

int kern_available(enum kern_isa isa)
{
    switch (isa) {
    case KERN_C:
        return 1;
#if defined(__x86_64__)
    case KERN_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case KERN_AVX512:
        return kern_available(KERN_AVX2) && __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
#elif defined(__aarch64__)
    case KERN_NEON:
        return (getauxval(AT_HWCAP) & HWCAP_ASIMD) != 0;
#endif
    default:
        return 0;
    }
}

void kern_fill(struct kern *k, enum kern_isa isa)
{
    kern_init_c(k);
#if defined(__x86_64__)
    if (isa >= KERN_AVX2)
        kern_init_avx2(k);
    if (isa >= KERN_AVX512)
        kern_init_avx512(k);
#elif defined(__aarch64__)
    if (isa == KERN_NEON)
        kern_init_neon(k);
#endif
    k->name = isa_names[isa];
}

int kern_choose(enum kern_isa *ret, struct error *err)
{
    enum kern_isa best = KERN_C;
    for (int i = 0; i < KERN_ISA_COUNT; i++)
        if (kern_available((enum kern_isa)i))
            best = (enum kern_isa)i;

    const char *want = getenv("ISHOW_KERNELS");
    if (!want || !*want) {
        *ret = best;
        return 0;
    }
    for (int i = 0; i < KERN_ISA_COUNT; i++) {
        if (strcmp(want, isa_names[i]) != 0)
            continue;
        if (!kern_available((enum kern_isa)i))
            return error_set(err, E_UNSUPPORTED,
                             "ISHOW_KERNELS asks for %s kernels; the best that this CPU can run are %s", want,
                             isa_names[best]);
        *ret = (enum kern_isa)i;
        return 0;
    }
    return error_set(err, E_ARG, "ISHOW_KERNELS is \"%s\"; it can be c, avx2, avx512 or neon", want);
}
