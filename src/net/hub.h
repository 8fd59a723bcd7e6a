/* Fetching models from the Hugging Face hub into the cache that its tools share (base/hub_cache.h).
 *
 * Interrupted downloads are resumed, every byte is checked against the hub's own figure, files appear
 * under their name whole or not at all, and refs/<revision> moves only when all files of a repository are
 * there. A run next to another (of this program, or of Python's huggingface_hub) waits for it. */
#ifndef ISHOW_NET_HUB_H
#define ISHOW_NET_HUB_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define HUB_FILES_MAX 64
#define HUB_TRIES_MAX 5                    /* failures in a row without a new byte */
#define HUB_RETRY_AFTER_MAX 120            /* seconds that a server may make us wait */
#define HUB_SPACE_MARGIN ((uint64_t)16 << 20) /* bytes to leave free */

struct hub_file {
    const char *repo;     /* "SWivid/F5-TTS" */
    const char *file;     /* path in it */
    const char *revision; /* branch, tag or commit; NULL: "main" */
};

enum hub_stage {
    HUB_LOOK,  /* asking about a file */
    HUB_WAIT,  /* another process is fetching it */
    HUB_CHECK, /* reading what is here already */
    HUB_FETCH, /* bytes are coming */
    HUB_NOTE,  /* something worth telling: `note` */
    HUB_HAVE,  /* the file is here, and was before */
    HUB_DONE   /* the file has come and is right */
};

struct hub_progress {
    enum hub_stage stage;
    const struct hub_file *file;
    size_t index, count;        /* of the files */
    uint64_t have, size;        /* bytes of this file; size 0: not yet known */
    uint64_t all_have, all_size; /* of all files that are not here yet */
    const char *note;           /* a sentence, or NULL */
};

/* Called about once a second or more often; non-zero cancels: hub_pull returns E_CANCELLED, and what has
 * come is kept for the next run. */
typedef int (*hub_progress_fn)(void *user, const struct hub_progress *p);

struct hub_options {
    int check;                   /* read files that are here already and compare their checksums */
    hub_progress_fn on_progress; /* may be NULL */
    void *user;
};

struct hub_result {
    char *path;    /* in the snapshot; owned */
    uint64_t size; /* bytes */
    int fetched;   /* bytes had to come */
};

/* Sees to it that all `n` files are in the cache; results [n] are filled on success. Without a
 * network, or with HF_HUB_OFFLINE set, what is in the cache already will do. */
int hub_pull(const struct hub_file *files, size_t n, const struct hub_options *options, struct hub_result *results,
             struct error *err);
void hub_results_release(struct hub_result *results, size_t n);

#endif
