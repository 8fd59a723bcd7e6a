/* One file's places in the hub cache (base/hub_cache.h), and the steps that put it there: take the lock,
 * write the partial file, rename it to its checksum, link it into the snapshot, note the commit. */
#ifndef ISHOW_NET_HUB_STORE_H
#define ISHOW_NET_HUB_STORE_H

#include "base/hub_cache.h"

#include <stdint.h>

struct hub_entry {
    char *pointer; /* snapshots/<commit>/FILE */
    char *target;  /* what the pointer links to, "../../blobs/<etag>" */
    char *blob;    /* blobs/<etag> */
    char *partial; /* blobs/<etag>.incomplete: a prefix of the contents */
    char *lock;    /* .locks/<repository>/<etag>.lock */
};

/* Paths only; `file`, `commit` and `etag` have been checked. */
int hub_entry_init(struct hub_entry *e, const char *cache, const char *repo, const char *file, const char *commit,
                   const char *etag, struct error *err);
void hub_entry_release(struct hub_entry *e); /* accepts a zeroed one */

/* Bytes of the regular file that `path` leads to, or -1. */
int64_t hub_size_of(const char *path);

/* Tries to take the lock that other tools take too. *ret_fd is -1 while somebody else has it. The lock
 * goes with the descriptor, so a killed process leaves none behind. */
int hub_try_lock(const struct hub_entry *e, int *ret_fd, struct error *err);

/* Makes the pointer lead to the blob. Where the file system has no links, the blob becomes the file. */
int hub_link(const struct hub_entry *e, struct error *err);

/* Writes refs/<revision>; nothing to do when the revision is the commit. */
int hub_write_ref(const char *cache, const char *repo, const char *revision, const char *commit, struct error *err);

/* The folder that holds `path`, made if need be. */
int hub_make_parent(const char *path, struct error *err);

#endif
