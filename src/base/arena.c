/* See arena.h. A chain of blocks, each twice as large as the one before: a chat keeps hundreds of arenas with a few
 * hundred bytes each, a model has one with megabytes. A block is at least as large as what is asked for. */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_FIRST 1024 /* bytes */
#define BLOCK_MOST  65536
#define ARENA_ALIGN 16

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    _Alignas(ARENA_ALIGN) char data[];
};

void *arena_alloc(struct arena *a, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    struct arena_block *b = a->head;
    if (!b || b->size - b->used < size) {
        const size_t usual = !b ? BLOCK_FIRST : b->size < BLOCK_MOST / 2 ? 2 * b->size : BLOCK_MOST;
        const size_t want = size > usual ? size : usual;
        b = malloc(sizeof *b + want);
        if (!b)
            return NULL;
        b->next = a->head;
        b->used = 0;
        b->size = want;
        a->head = b;
    }
    void *p = b->data + b->used;
    b->used += size;
    memset(p, 0, size);
    return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
    if (len == SIZE_MAX)
        return NULL;
    char *p = arena_alloc(a, len + 1);
    if (p && len)
        memcpy(p, s, len);
    return p;
}

void arena_release(struct arena *a)
{
    while (a->head) {
        struct arena_block *next = a->head->next;
        free(a->head);
        a->head = next;
    }
}
