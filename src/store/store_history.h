/* What was said, newest first, with how and how long, and its sound; bounded by count and by bytes, oldest out
 * first. */
#ifndef ISHOW_STORE_STORE_HISTORY_H
#define ISHOW_STORE_STORE_HISTORY_H

#include "base/buf.h"
#include "store/store.h"

#include <stddef.h>

#define HISTORY_PAGE_MAX   200 /* generations of one page */
#define HISTORY_SEARCH_MAX 200 /* characters */

struct store_generation {
    int64_t id;          /* given here; later ones are larger */
    const char *request; /* the id of its request, which clients may choose: not unique */
    int64_t time;        /* when it was asked for */
    const char *voice, *engine, *text;
    const char *params; /* JSON: everything that was asked for beside the text */
    double queue_seconds, first_audio_seconds, seconds, audio_seconds;
    const char *format; /* "wav", …; "" without sound */
    const void *audio;  /* only when it is added */
    size_t audio_len;
};

/* Adds it, whatever its `id`, and drops the oldest until the caps hold. One larger than all of history may be is
 * E_LIMIT. */
int store_history_add(struct store *s, const struct store_generation *g, struct error *err);

struct store_history_query {
    int limit;          /* 1..HISTORY_PAGE_MAX */
    int64_t before;     /* only those with a smaller id; 0: from the newest */
    const char *search; /* in the text, whatever the case of A to Z; NULL: all */
};

struct store_history_totals {
    int64_t count, bytes; /* of all of history */
    int more;             /* the query would find more after this page */
};

typedef int (*store_generation_fn)(void *user, const struct store_generation *g, struct error *err);

/* Calls `fn` for each of a page; strings live as long as the call. */
int store_history_page(struct store *s, const struct store_history_query *q, store_generation_fn fn, void *user,
                       struct store_history_totals *ret, struct error *err);

/* One of them; E_NOTFOUND. */
int store_history_find(struct store *s, int64_t id, store_generation_fn fn, void *user, struct error *err);

/* Appends its sound to `out`; ret_format [16] is "" when it was kept without. E_NOTFOUND. */
int store_history_audio(struct store *s, int64_t id, struct buf *out, char ret_format[16], struct error *err);

int store_history_delete(struct store *s, int64_t id, struct error *err);        /* E_NOTFOUND */
int store_history_clear(struct store *s, int64_t *ret_count, struct error *err); /* and gives the space back */

#endif
