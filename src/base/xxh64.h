/* XXH64 (Collet, the xxHash specification 0.1.1): a checksum at the speed of memory, against accidents and not
 * against attackers. */
#ifndef ISHOW_BASE_XXH64_H
#define ISHOW_BASE_XXH64_H

#include <stddef.h>
#include <stdint.h>

uint64_t xxh64(const void *data, size_t len, uint64_t seed);

#endif
