/* Peak loops of AVX2 and AVX-512, each function compiled for what it measures. */
#include "kern/peak_loop.h"

#include <cpuid.h>
#include <immintrin.h>

#define SIDE 12 /* two pipes of latency up to six */

__attribute__((target("avx2,fma"))) static double fma_avx2(volatile float *any)
{
    const __m256 x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(0.001f);
    PEAK_LOOP(__m256, SIDE, 2 * 8, _mm256_set1_ps(*any), _mm256_fmadd_ps(s[i], x, y), _mm256_cvtss_f32(s[i]));
}

__attribute__((target("avx512f"))) static double fma_avx512(volatile float *any)
{
    const __m512 x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(0.001f);
    PEAK_LOOP(__m512, SIDE, 2 * 16, _mm512_set1_ps(*any), _mm512_fmadd_ps(s[i], x, y), _mm512_cvtss_f32(s[i]));
}

__attribute__((target("avx512f,avx512bf16"))) static double dot_avx512_bf16(volatile float *any)
{
    const __m512bh x = (__m512bh)_mm512_set1_epi16(0x3C00); /* 0.0078 */
    PEAK_LOOP(__m512, SIDE, 2 * 32, _mm512_set1_ps(*any), _mm512_dpbf16_ps(s[i], x, x), _mm512_cvtss_f32(s[i]));
}

__attribute__((target("avx512f,avx512vnni"))) static double dot_avx512_vnni(volatile float *any)
{
    const __m512i x = _mm512_set1_epi8(1);
    PEAK_LOOP(__m512i, SIDE, 2 * 64, _mm512_set1_epi32((int)*any), _mm512_dpbusd_epi32(s[i], x, x),
              _mm_cvtsi128_si32(_mm512_castsi512_si128(s[i])));
}

__attribute__((target("avx2,avxvnni"))) static double dot_avx_vnni(volatile float *any)
{
    const __m256i x = _mm256_set1_epi8(1);
    PEAK_LOOP(__m256i, SIDE, 2 * 32, _mm256_set1_epi32((int)*any), _mm256_dpbusd_avx_epi32(s[i], x, x),
              _mm_cvtsi128_si32(_mm256_castsi256_si128(s[i])));
}

/* Leaf 7.1 of CPUID: this compiler's __builtin_cpu_supports does not know the name. */
static int has_avx_vnni(void)
{
    unsigned a = 0, b, c, d;
    return __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}

kern_peak_fn kern_peak_x86(enum kern_isa isa, enum kern_peak kind)
{
    switch (kind) {
    case KERN_PEAK_F32:
        return isa >= KERN_AVX512 ? fma_avx512 : isa == KERN_AVX2 ? fma_avx2 : NULL;
    case KERN_PEAK_BF16:
        return isa >= KERN_AVX512BF16 ? dot_avx512_bf16 : NULL;
    case KERN_PEAK_INT8:
        if (isa >= KERN_AVX512VNNI)
            return dot_avx512_vnni;
        return isa == KERN_AVX2 && has_avx_vnni() ? dot_avx_vnni : NULL;
    default:
        return NULL;
    }
}
