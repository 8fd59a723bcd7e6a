/* What the CPU could do at most: multiply-adds on registers alone, enough of them side by side to
 * hide their latency. Peaks and kernels are measured in one run, so that a busy or throttled machine
 * shows in both. */
#include "kerncheck.h"

#include "base/clock.h"
#include "base/pool.h"

#include <stddef.h>
#include <time.h>

#define STEPS 200000
#define SIDE 12 /* independent sums */
#define UNROLL _Pragma("GCC unroll 32") /* at any optimisation level, so that the sums stay in registers */

/* Each returns floating-point operations done. The sums start from `*any` and end there: a compiler that
 * knew the numbers would work some of them out beforehand. */
typedef double (*peak_fn)(volatile float *any);

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx2,fma"))) static double peak_avx2(volatile float *any)
{
    __m256 s[SIDE], x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(0.001f);
    UNROLL
    for (int i = 0; i < SIDE; i++)
        s[i] = _mm256_set1_ps(*any);
    for (int n = 0; n < STEPS; n++)
        UNROLL
        for (int i = 0; i < SIDE; i++)
            s[i] = _mm256_fmadd_ps(s[i], x, y);
    UNROLL
    for (int i = 0; i < SIDE; i++)
        *any = _mm256_cvtss_f32(s[i]);
    return 2.0 * 8 * SIDE * STEPS;
}

__attribute__((target("avx512f"))) static double peak_avx512(volatile float *any)
{
    __m512 s[SIDE], x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(0.001f);
    UNROLL
    for (int i = 0; i < SIDE; i++)
        s[i] = _mm512_set1_ps(*any);
    for (int n = 0; n < STEPS; n++)
        UNROLL
        for (int i = 0; i < SIDE; i++)
            s[i] = _mm512_fmadd_ps(s[i], x, y);
    UNROLL
    for (int i = 0; i < SIDE; i++)
        *any = _mm512_cvtss_f32(s[i]);
    return 2.0 * 16 * SIDE * STEPS;
}
#elif defined(__aarch64__)
#include <arm_neon.h>

static double peak_neon(volatile float *any)
{
    enum { MORE = 2 * SIDE }; /* up to four pipes of latency four */
    float32x4_t s[MORE], x = vdupq_n_f32(0.999f), y = vdupq_n_f32(0.001f);
    UNROLL
    for (int i = 0; i < MORE; i++)
        s[i] = vdupq_n_f32(*any);
    for (int n = 0; n < STEPS; n++)
        UNROLL
        for (int i = 0; i < MORE; i++)
            s[i] = vfmaq_f32(y, s[i], x);
    UNROLL
    for (int i = 0; i < MORE; i++)
        *any = vgetq_lane_f32(s[i], 0);
    return 2.0 * 4 * MORE * STEPS;
}
#endif

static peak_fn peak_of(enum kern_isa isa)
{
    switch (isa) {
#if defined(__x86_64__)
    case KERN_AVX2:
        return peak_avx2;
    case KERN_AVX512:
        return peak_avx512;
#elif defined(__aarch64__)
    case KERN_NEON:
        return peak_neon;
#endif
    default:
        return NULL;
    }
}

struct peak_op {
    peak_fn fn;
    double rate[POOL_MAX_THREADS]; /* floating-point operations a second of its thread's CPU time */
};

static double thread_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void peak_task(void *user, size_t index, int thread)
{
    (void)thread;
    struct peak_op *o = user;
    volatile float any = 0;
    double start = thread_seconds(), flops = o->fn(&any);
    o->rate[index] = flops / (thread_seconds() - start);
}

double fma_peak(enum kern_isa isa, int threads)
{
    struct peak_op op = {.fn = peak_of(isa)};
    struct pool *pool;
    if (!op.fn || pool_create(threads, &pool, NULL))
        return 0;
    double best = 0, start = clock_seconds();
    while (clock_seconds() - start < 0.1) {
        double sum = 0;
        pool_run(pool, (size_t)threads, peak_task, &op);
        for (int i = 0; i < threads; i++)
            sum += op.rate[i];
        best = sum > best ? sum : best;
    }
    pool_free(pool);
    return best;
}
