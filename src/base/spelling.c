/* See spelling.h. */
#include "base/spelling.h"

size_t edit_distance(const char *a, size_t n, const char *b, size_t m)
{
    size_t rows[3][SPELLING_MAX + 1], *before = rows[0], *last = rows[1], *now = rows[2];
    n = n < SPELLING_MAX ? n : SPELLING_MAX;
    m = m < SPELLING_MAX ? m : SPELLING_MAX;
    for (size_t j = 0; j <= m; j++)
        last[j] = j;
    for (size_t i = 1; i <= n; i++) {
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);
            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
        size_t *old = before;
        before = last;
        last = now;
        now = old;
    }
    return last[m];
}
