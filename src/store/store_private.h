/* What the files of this room share about a store. */
#ifndef ISHOW_STORE_STORE_PRIVATE_H
#define ISHOW_STORE_STORE_PRIVATE_H

#include "store/database.h"
#include "store/store.h"

struct store {
    char *dir, *clips; /* owned */
    int64_t history_count, history_bytes;
    store_notice_fn on_notice;
    void *user;
    sqlite3 *state;
    sqlite3 *history;     /* NULL: not open yet, or switched off */
    double history_retry; /* clock_seconds() before which history stays off; 0: never tried */
    int history_off;      /* its notice has been given */
    double sweep_at;      /* when clips may be removed, clock_seconds(); 0: none is waiting */
};

__attribute__((format(printf, 2, 3))) void store_notice(struct store *s, const char *fmt, ...);

/* Opens dir/name; one that is damaged is moved into a folder of its own, together with dir/`with` (NULL: nothing), and
 * a fresh one is begun. */
int store_open_database(struct store *s, const char *name, const char *with, const struct schema *schema, sqlite3 **ret,
                        struct error *err);

#endif
