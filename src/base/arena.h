/* Memory with the life of a request: many small allocations, one release.
 * Zero-initialise, allocate, release. Pointers stay valid until the release. */
#ifndef ISHOW_BASE_ARENA_H
#define ISHOW_BASE_ARENA_H

#include <stddef.h>

struct arena_block;
struct arena {
    struct arena_block *head;
};

/* Zeroed, aligned to 16 bytes; NULL when memory has run out. */
void *arena_alloc(struct arena *a, size_t size);

/* A '\0'-terminated copy of s[0, len); NULL when memory has run out. */
char *arena_strndup(struct arena *a, const char *s, size_t len);

void arena_release(struct arena *a);

#endif
