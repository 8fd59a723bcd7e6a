/* The product of two packed panels for x86: one broadcast of `a` meets the vectors of `b`. The tile is
 * spelled out by loops of constant length that the compiler unrolls, so that it stays in registers.
 *
 * An element of `a` is 4 bytes: a float, or the numbers that a dot product takes at once. LOAD(b, j) makes vector j
 * of an element of each column, of B_BYTES; STEP(x, w, sum) multiplies and adds to a SUM, vf or vi. */

/* Unrolled before the compiler decides what may live in registers. */
#define UNROLL _Pragma("GCC unroll 16")

#define WHOLE(B, J) v_load((const float *)(const void *)(B) + (J) * VL)

/* Of elements that need no more than to be loaded. */
#define TILE(NAME, ROWS, SUM, STEP) TILE_FROM(NAME, ROWS, SUM, STEP, vf, WHOLE, 4)

#define TILE_FROM(NAME, ROWS, SUM, STEP, W, LOAD, B_BYTES)                                             \
    static inline __attribute__((always_inline)) void NAME(const void *pa, const void *pb, size_t k,   \
                                                           SUM t[ROWS][NV])                            \
    {                                                                                                  \
        const char *a = pa, *b = pb;                                                                   \
        SUM acc[ROWS][NV];                                                                             \
        UNROLL                                                                                         \
        for (int i = 0; i < ROWS; i++)                                                                 \
            UNROLL                                                                                     \
            for (int j = 0; j < NV; j++)                                                               \
                acc[i][j] = (SUM){0};                                                                  \
        for (; k; k--, a += 4 * ROWS, b += B_BYTES * NV * VL) {                                        \
            W w[NV];                                                                                   \
            UNROLL                                                                                     \
            for (int j = 0; j < NV; j++)                                                               \
                w[j] = LOAD(b, j);                                                                     \
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

/* The same where `b` holds pairs of bfloat16, which v_even and v_odd widen, and `a` two floats for each. The second
 * of a pair is loaded anew: all registers are taken. */
#define TILE_WIDE(NAME, ROWS)                                                                          \
    static inline __attribute__((always_inline)) void NAME(const void *pa, const void *pb, size_t pairs,\
                                                           vf t[ROWS][NV])                             \
    {                                                                                                  \
        const float *a = pa, *b = pb;                                                                  \
        vf acc[ROWS][NV];                                                                              \
        UNROLL                                                                                         \
        for (int i = 0; i < ROWS; i++)                                                                 \
            UNROLL                                                                                     \
            for (int j = 0; j < NV; j++)                                                               \
                acc[i][j] = v_set(0);                                                                  \
        for (; pairs; pairs--, b += NV * VL)                                                           \
            UNROLL                                                                                     \
            for (int odd = 0; odd < 2; odd++, a += ROWS) {                                             \
                vf w[NV];                                                                              \
                UNROLL                                                                                 \
                for (int j = 0; j < NV; j++)                                                           \
                    w[j] = odd ? v_odd(v_load(b + j * VL)) : v_even(v_load(b + j * VL));               \
                __asm__("" : "+r"(b));                                                                 \
                UNROLL                                                                                 \
                for (int i = 0; i < ROWS; i++) {                                                       \
                    vf x = v_repeat(a + i);                                                            \
                    UNROLL                                                                             \
                    for (int j = 0; j < NV; j++)                                                       \
                        acc[i][j] = v_fma(x, w[j], acc[i][j]);                                         \
                }                                                                                      \
            }                                                                                          \
        UNROLL                                                                                         \
        for (int i = 0; i < ROWS; i++)                                                                 \
            UNROLL                                                                                     \
            for (int j = 0; j < NV; j++)                                                               \
                t[i][j] = acc[i][j];                                                                   \
    }
