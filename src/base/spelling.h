/* How far apart two words are, for "did you mean". */
#ifndef ISHOW_BASE_SPELLING_H
#define ISHOW_BASE_SPELLING_H

#include <stddef.h>

#define SPELLING_MAX 128 /* bytes of a word that are looked at */

/* How many letters have to be changed, added, taken or exchanged with their neighbour to make b[0, m) of a[0, n)
 * (optimal string alignment). */
size_t edit_distance(const char *a, size_t n, const char *b, size_t m);

#endif
