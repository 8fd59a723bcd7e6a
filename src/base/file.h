/* Files: whole reads with a limit, maps, and writes that either replace the target or leave it. */
#ifndef ISHOW_BASE_FILE_H
#define ISHOW_BASE_FILE_H

#include "base/buf.h"
#include "base/error.h"

/* Appends the whole of a regular file (or what a pipe gives until its end) to `out`; more than
 * `max` bytes is E_LIMIT. */
int file_read(const char *path, size_t max, struct buf *out, struct error *err);

/* A read-only private mapping. Zero-length files give ptr "" and len 0. What becomes of it when the file is truncated
 * meanwhile: map_guard.h. */
struct file_map {
    const char *ptr;
    size_t len;
};
int file_map(const char *path, struct file_map *ret, struct error *err);
void file_unmap(struct file_map *m); /* accepts a zeroed one */
int file_map_lost(const struct file_map *m); /* 1: the file was truncated, and zeros stand for what is gone */

/* A file that appears under its name whole or not at all: written beside the target as a hidden
 * temporary file, synced, then renamed over it. Zero-initialise, open, write to `fd` by any means,
 * then commit or abandon. When the target exists and is no regular file (a device, a pipe) it is
 * opened and written directly. */
struct atomic_file {
    int fd;
    char *target; /* owned */
    char *temp;   /* owned; NULL when written directly */
};
int atomic_open(struct atomic_file *f, const char *path, struct error *err);
int atomic_commit(struct atomic_file *f, struct error *err); /* closes in either case */
void atomic_abandon(struct atomic_file *f);                  /* target untouched; accepts a zeroed one */

/* write(2) until all is out; EINTR retried. */
int fd_write_all(int fd, const void *data, size_t len, const char *name, struct error *err);

int file_write(const char *path, const void *data, size_t len, struct error *err); /* atomically */

int file_exists(const char *path);             /* 1 for anything stat(2) finds that is no directory */
int dir_exists(const char *path);
int dir_make(const char *path, struct error *err); /* with its parents; fine if there */

/* "dir/name" in fresh memory (free it); NULL when memory has run out. */
char *path_join(const char *dir, const char *name);

#endif
