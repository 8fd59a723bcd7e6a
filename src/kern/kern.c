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
#ifndef HWCAP_ASIMDDP
#define HWCAP_ASIMDDP (1 << 20)
#endif
#ifndef HWCAP2_BF16
#define HWCAP2_BF16 (1 << 14)
#endif
#endif

static const char *const isa_names[KERN_ISA_COUNT] = {
    [KERN_C] = "c",
    [KERN_AVX2] = "avx2",
    [KERN_AVX512] = "avx512",
    [KERN_AVX512VNNI] = "avx512vnni",
    [KERN_AVX512BF16] = "avx512bf16",
    [KERN_NEON] = "neon",
    [KERN_NEONDOT] = "neondot",
    [KERN_NEONBF16] = "neonbf16",
};

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
    case KERN_AVX512VNNI:
        return kern_available(KERN_AVX512) && __builtin_cpu_supports("avx512vnni");
    case KERN_AVX512BF16:
        return kern_available(KERN_AVX512VNNI) && __builtin_cpu_supports("avx512bf16");
#elif defined(__aarch64__)
    case KERN_NEON:
        return (getauxval(AT_HWCAP) & HWCAP_ASIMD) != 0;
    case KERN_NEONDOT:
        return kern_available(KERN_NEON) && (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
    case KERN_NEONBF16:
        return kern_available(KERN_NEONDOT) && (getauxval(AT_HWCAP2) & HWCAP2_BF16) != 0;
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
    if (isa >= KERN_AVX512VNNI)
        kern_init_avx512vnni(k);
    if (isa >= KERN_AVX512BF16)
        kern_init_avx512bf16(k);
#elif defined(__aarch64__)
    if (isa >= KERN_NEON)
        kern_init_neon(k);
    if (isa >= KERN_NEONDOT)
        kern_init_neondot(k);
    if (isa >= KERN_NEONBF16)
        kern_init_neonbf16(k);
#endif
    k->name = isa_names[isa];
}

int kern_pays(const struct kern *k, enum kern_precision p)
{
    struct kern c;
    kern_init_c(&c);
    return k->product[p].gemm != c.product[p].gemm || k->product[KERN_F32].gemm == c.product[KERN_F32].gemm;
}

int kern_attention_pays(const struct kern *k, enum kern_precision p)
{
    struct kern c;
    kern_init_c(&c);
    return k->attention[p].attend != c.attention[p].attend ||
           k->attention[KERN_F32].attend == c.attention[KERN_F32].attend;
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
    return error_set(err, E_ARG, "ISHOW_KERNELS is \"%s\"; it can be c, avx2, avx512, avx512vnni, avx512bf16, "
                                  "neon, neondot or neonbf16", want);
}
