/* The product of two packed panels for NEON: each of four elements of `a` meets the vectors of `b` by its lane. The
 * tile is spelled out by loops of constant length that the compiler unrolls, so that it stays in registers.
 *
 * An element of a panel is 4 bytes: a float, or the numbers that a dot product takes at once. STEP(sum, w, x, lane)
 * multiplies and adds to a SUM, vf or vi. */

/* Unrolled before the compiler decides what may live in registers. */
#define UNROLL _Pragma("GCC unroll 16")

#define LANE(STEP, I)                                                                                 \
    UNROLL                                                                                            \
    for (int j = 0; j < NV; j++)                                                                      \
        acc[4 * g + (I)][j] = STEP(acc[4 * g + (I)][j], w[j], x, I)

#define TILE(NAME, ROWS, SUM, STEP)                                                                   \
    static inline __attribute__((always_inline)) void NAME(const void *pa, const void *pb, size_t k,  \
                                                           SUM t[ROWS][NV])                           \
    {                                                                                                 \
        const float *a = pa, *b = pb;                                                                 \
        SUM acc[ROWS][NV];                                                                            \
        UNROLL                                                                                        \
        for (int i = 0; i < ROWS; i++)                                                                \
            UNROLL                                                                                    \
            for (int j = 0; j < NV; j++)                                                              \
                acc[i][j] = (SUM){0};                                                                 \
        for (; k; k--, a += ROWS, b += NV * VL) {                                                     \
            vf w[NV];                                                                                 \
            UNROLL                                                                                    \
            for (int j = 0; j < NV; j++)                                                              \
                w[j] = v_load(b + j * VL);                                                            \
            UNROLL                                                                                    \
            for (int g = 0; g < ROWS / 4; g++) {                                                      \
                vf x = v_load(a + 4 * g);                                                             \
                LANE(STEP, 0);                                                                        \
                LANE(STEP, 1);                                                                        \
                LANE(STEP, 2);                                                                        \
                LANE(STEP, 3);                                                                        \
            }                                                                                         \
        }                                                                                             \
        UNROLL                                                                                        \
        for (int i = 0; i < ROWS; i++)                                                                \
            UNROLL                                                                                    \
            for (int j = 0; j < NV; j++)                                                              \
                t[i][j] = acc[i][j];                                                                  \
    }

/* The same where `b` holds pairs of bfloat16, which v_even and v_odd widen, and `a` two floats for each. */
#define TILE_WIDE(NAME, ROWS)                                                                         \
    static inline __attribute__((always_inline)) void NAME(const void *pa, const void *pb, size_t pairs,\
                                                           vf t[ROWS][NV])                            \
    {                                                                                                 \
        const float *a = pa, *b = pb;                                                                 \
        vf acc[ROWS][NV];                                                                             \
        UNROLL                                                                                        \
        for (int i = 0; i < ROWS; i++)                                                                \
            UNROLL                                                                                    \
            for (int j = 0; j < NV; j++)                                                              \
                acc[i][j] = v_set(0);                                                                 \
        for (; pairs; pairs--, b += NV * VL)                                                          \
            UNROLL                                                                                    \
            for (int odd = 0; odd < 2; odd++, a += ROWS) {                                            \
                vf w[NV];                                                                             \
                UNROLL                                                                                \
                for (int j = 0; j < NV; j++)                                                          \
                    w[j] = odd ? v_odd(v_load(b + j * VL)) : v_even(v_load(b + j * VL));              \
                UNROLL                                                                                \
                for (int g = 0; g < ROWS / 4; g++) {                                                  \
                    vf x = v_load(a + 4 * g);                                                         \
                    LANE(vfmaq_laneq_f32, 0);                                                         \
                    LANE(vfmaq_laneq_f32, 1);                                                         \
                    LANE(vfmaq_laneq_f32, 2);                                                         \
                    LANE(vfmaq_laneq_f32, 3);                                                         \
                }                                                                                     \
            }                                                                                         \
        UNROLL                                                                                        \
        for (int i = 0; i < ROWS; i++)                                                                \
            UNROLL                                                                                    \
            for (int j = 0; j < NV; j++)                                                              \
                t[i][j] = acc[i][j];                                                                  \
    }
