/* Growable bytes, and borrowed slices of bytes.
 *
 * A `struct buf` starts as BUF_INIT (or zeroed), owns its memory, and keeps a '\0' after its last
 * byte so that text in it can be handed to C functions. A `struct slice` owns nothing. */
#ifndef ISHOW_BASE_BUF_H
#define ISHOW_BASE_BUF_H

#include <stddef.h>

struct slice {
    const char *ptr;
    size_t len;
};

#define SLICE_LIT(s) ((struct slice){(s), sizeof(s) - 1})
struct slice slice_str(const char *s);
int slice_eq(struct slice a, struct slice b);
int slice_eq_str(struct slice a, const char *s);

struct buf {
    char *ptr;
    size_t len;
    size_t cap;
};

#define BUF_INIT {NULL, 0, 0}

void buf_release(struct buf *b); /* frees; the buffer is empty and usable again */

/* Each returns 0 or E_NOMEM; on failure the buffer is as it was. */
int buf_reserve(struct buf *b, size_t extra); /* room for `extra` more bytes and a '\0' */
int buf_add(struct buf *b, const void *data, size_t len);
int buf_add_str(struct buf *b, const char *s);
int buf_add_char(struct buf *b, char c);
__attribute__((format(printf, 2, 3))) int buf_addf(struct buf *b, const char *fmt, ...);

struct slice buf_slice(const struct buf *b);

/* array_grow: for `T *items; size_t n, cap;`, makes room for one more. 0 or E_NOMEM. */
#define ARRAY_GROW(items, n, cap) array_grow((void **)&(items), (n), &(cap), sizeof *(items))
int array_grow(void **items, size_t n, size_t *cap, size_t item_size);

#endif
