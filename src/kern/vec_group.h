/* Transposition of elements of 4 bytes that are made while they are moved, four by four: included after the
 * definitions of v4, four elements in a register, v4_store and v4_transpose.
 *
 * GROUPED_PACK(NAME, GROUP, LOAD): LOAD(x, left, param) makes four elements from the next 4 * GROUP floats at x, of
 * which `left` are there and the others count as 0; param is the row's. dst is [ceil(k / GROUP)][width]. */

#include <stdint.h>
#include <string.h>

#define GROUPED_PACK(NAME, GROUP, LOAD)                                                                              \
    static void NAME(const float *src, size_t stride, int rows, size_t k, int width, const float *param, void *dst)  \
    {                                                                                                                \
        const size_t w = (size_t)width, n = (size_t)rows;                                                            \
        for (size_t i = 0; i < n; i += 4) {                                                                          \
            const size_t m = n - i < 4 ? n - i : 4;                                                                  \
            const float *s[4], *own[4];                                                                              \
            for (size_t r = 0; r < 4; r++) { /* rows that are not there stand for the last that is */                \
                size_t at = i + (r < m ? r : m - 1);                                                                 \
                s[r] = src + at * stride;                                                                            \
                own[r] = param ? param + at : NULL;                                                                  \
            }                                                                                                        \
            uint32_t *d = (uint32_t *)dst + i;                                                                       \
            for (size_t p = 0; p < k; p += 4 * (GROUP)) {                                                            \
                v4 q[4] = {LOAD(s[0] + p, k - p, own[0]), LOAD(s[1] + p, k - p, own[1]),                             \
                           LOAD(s[2] + p, k - p, own[2]), LOAD(s[3] + p, k - p, own[3])};                            \
                v4_transpose(q);                                                                                     \
                size_t left = (k - p + (GROUP) - 1) / (GROUP);                                                       \
                for (size_t j = 0; j < 4 && j < left; j++, d += w) {                                                 \
                    if (m == 4)                                                                                      \
                        v4_store(d, q[j]);                                                                           \
                    else                                                                                             \
                        memcpy(d, &q[j], m * sizeof *d);                                                             \
                }                                                                                                    \
            }                                                                                                        \
        }                                                                                                            \
    }
