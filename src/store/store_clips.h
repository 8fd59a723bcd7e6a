/* Clips of voices as files named by their SHA-256, so that the same clip twice is one file. */
#ifndef ISHOW_STORE_STORE_CLIPS_H
#define ISHOW_STORE_STORE_CLIPS_H

#include "store/store.h"

#include <stddef.h>

#define CLIP_HASH_MAX 65 /* 64 hex digits and a '\0' */
#define CLIP_GRACE                                                                                                     \
    900 /* seconds that a clip stays after the last row that named it has gone: speech that was asked
                             for before may still be waiting for it */

/* Writes the clip, whole and on the disk when this returns, or not at all. */
int store_clip_put(struct store *s, const void *bytes, size_t len, char ret_hash[CLIP_HASH_MAX], struct error *err);

/* The path of a clip, to be freed; NULL when memory has run out. From any thread. */
char *store_clip_path(const struct store *s, const char *hash);

/* Begins the grace of a clip that a row has just stopped naming. */
void store_clip_dropped(struct store *s, const char *hash);

/* Removes the clips that no row names and whose grace is over, and what a killed process left half written. Done
 * when a store is opened; later it is due when store_sweep_due gives a time (clock_seconds(); 0: never). */
int store_sweep(struct store *s, struct error *err);
double store_sweep_due(const struct store *s);

#endif
