/* The product of two packed panels for x86: one broadcast of `a` meets the vectors of `b`. The tile is
 * spelled out by loops of constant length that the compiler unrolls, so that it stays in registers.
 *
 * An element of a panel is 4 bytes: a float, or the numbers that a dot product takes at once. STEP(x, w, sum)
 * multiplies and adds to a SUM, vf or vi. */

/* Unrolled before the compiler decides what may live in registers. */
#define UNROLL _Pragma("GCC unroll 16")

#define TILE(NAME, ROWS, SUM, STEP)                                                                    \
    static inline __attribute__((always_inline)) void NAME(const void *pa, const void *pb, size_t k, \
                                                           SUM t[ROWS][NV])                           \
    {                                                                                                  \
        const char *a = pa, *b = pb;                                                                   \
        SUM acc[ROWS][NV];                                                                             \
        UNROLL                                                                                         \
        for (int i = 0; i < ROWS; i++)                                                                 \
            UNROLL                                                                                     \
            for (int j = 0; j < NV; j++)                                                               \
                acc[i][j] = (SUM){0};                                                                  \
        for (; k; k--, a += 4 * ROWS, b += 4 * NV * VL) {                                              \
            vf w[NV];                                                                                  \
            UNROLL                                                                                     \
            for (int j = 0; j < NV; j++)                                                               \
                w[j] = v_load((const float *)(const void *)b + j * VL);                                \
            UNROLL                                                                                     \
            for (int i = 0; i < ROWS; i++) {                                                           \
                vf x = v_repeat(a + 4 * i);                                                            \
                UNROLL                                                                                 \
                for (int j = 0; j < NV; j++)                                                           \
                    acc[i][j] = STEP(x, w[j], acc[i][j]);                                              \
            }                                                                                          \
        }                                                                                              \
        UNROLL                                                                                         \
        for (int i = 0; i < ROWS; i++)                                                                 \
            UNROLL                                                                                     \
            for (int j = 0; j < NV; j++)                                                               \
                t[i][j] = acc[i][j];                                                                   \
    }
