/* The bytes of one file: fetched, resumed, checked, and only then given their name.
 *
 * What has come is kept in the partial file whatever happens, and the next attempt, or the next run, goes
 * on behind it. The checksum runs over the partial file first and then over the bytes as they come, so
 * nothing is read twice. No If-Range is needed: the name in the cache is the checksum of the contents. */
#ifndef ISHOW_NET_HUB_BLOB_H
#define ISHOW_NET_HUB_BLOB_H

#include "net/hub.h"
#include "net/hub_remote.h"
#include "net/hub_store.h"

struct blob_job {
    struct hub_remote *remote; /* its tick is borrowed while a blob is fetched */
    const char *repo, *file;
    const struct hub_meta *meta;
    const struct hub_entry *entry;
    /* Told what goes on and how many bytes are here; non-zero cancels. */
    int (*on_state)(void *user, enum hub_stage stage, uint64_t have, const char *note);
    void *user;
};

/* entry->blob exists and is right when this returns 0; *ret_fetched tells whether bytes had to come. */
int blob_fetch(const struct blob_job *job, int *ret_fetched, struct error *err);

/* E_FORMAT when the contents of `path` are not what job->meta says. */
int blob_check(const struct blob_job *job, const char *path, struct error *err);

/* Waits before another attempt: 0 when it is worth one. `tries` counts the failures in a row, `err` holds
 * the last one's sentence and keeps it when there is to be no other. */
int blob_backoff(const struct blob_job *job, struct hub_again again, int tries, uint64_t have, struct error *err);

#endif
