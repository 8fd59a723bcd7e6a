/* What outlives the process: uploaded voices, overrides of voices, and what was said, in one folder.
 *
 *     state.db        voices and overrides; a change is on the disk before it is answered (synchronous=FULL)
 *     history.db      what was said; a power cut may take its last second but never tears it (synchronous=NORMAL)
 *     clips/HASH      sound of voices, named by its SHA-256
 *     damaged-TIME/   a database that could not be read, with the clips that it named
 *
 * They are two databases so that the one that is written all day cannot take the other down. Nothing here keeps the
 * server from serving: a damaged database is set aside and a fresh one begun, with a notice; history that cannot be
 * written (a full disk) is switched off with a notice and tried again HISTORY_RETRY seconds later.
 *
 * A store is used by one thread at a time: while the server runs, that is the store thread (store_thread.h). Errors
 * are E_IO when the disk is full or refuses, E_LIMIT when another process holds a lock for too long. */
#ifndef ISHOW_STORE_STORE_H
#define ISHOW_STORE_STORE_H

#include "base/error.h"

#include <stdint.h>

#define STORE_BUSY_MS 5000 /* how long a lock of another process is waited for */
#define HISTORY_RETRY 60.0 /* seconds */

struct store;

/* Called on the thread that uses the store, with one sentence for the log. */
typedef void (*store_notice_fn)(void *user, const char *text);

struct store_params {
    const char *dir;           /* made, for the owner alone, if it is not there */
    int64_t history_count;     /* generations kept; 0: no history */
    int64_t history_bytes;     /* their audio and text */
    store_notice_fn on_notice; /* NULL: nobody hears */
    void *user;
};

/* Opens state.db and removes clips that nothing names; history.db is opened when it is first needed, because
 * checking it takes as long as reading it. E_UNSUPPORTED for a state.db that a newer version has written: it is left
 * alone. */
int store_open(const struct store_params *params, struct store **ret, struct error *err);
void store_close(struct store *s); /* accepts NULL */

/* Milliseconds since 1970, as every time in the databases. */
int64_t store_now(void);

#endif
