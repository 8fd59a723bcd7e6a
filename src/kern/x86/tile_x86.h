/* The product of two packed panels for x86: one broadcast of `a` meets the vectors of `b`. The tile is
 * spelled out by loops of constant length that the compiler unrolls, so that it stays in registers. */

/* Unrolled before the compiler decides what may live in registers. */
#define UNROLL _Pragma("GCC unroll 16")

#define TILE(NAME, ROWS)                                                                   \
    static inline __attribute__((always_inline)) void NAME(const float *a, const float *b, \
                                                           size_t k, vf t[ROWS][NV])       \
    {                                                                                      \
        vf acc[ROWS][NV];                                                                  \
        UNROLL                                                                             \
        for (int i = 0; i < ROWS; i++)                                                     \
            UNROLL                                                                         \
            for (int j = 0; j < NV; j++)                                                   \
                acc[i][j] = v_set(0);                                                      \
        for (; k; k--, a += ROWS, b += NV * VL) {                                          \
            vf w[NV];                                                                      \
            UNROLL                                                                         \
            for (int j = 0; j < NV; j++)                                                   \
                w[j] = v_load(b + j * VL);                                                 \
            UNROLL                                                                         \
            for (int i = 0; i < ROWS; i++) {                                               \
                vf x = v_set(a[i]);                                                        \
                UNROLL                                                                     \
                for (int j = 0; j < NV; j++)                                               \
                    acc[i][j] = v_fma(x, w[j], acc[i][j]);                                 \
            }                                                                              \
        }                                                                                  \
        UNROLL                                                                             \
        for (int i = 0; i < ROWS; i++)                                                     \
            UNROLL                                                                         \
            for (int j = 0; j < NV; j++)                                                   \
                t[i][j] = acc[i][j];                                                       \
    }

TILE(v_tile_gemm, MR)
TILE(v_tile_attend, KR)
#undef TILE
