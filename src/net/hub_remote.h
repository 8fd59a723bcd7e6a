/* The Hugging Face hub from afar: what it says of a file, and the file's bytes.
 *
 * A file's address is {endpoint}/{repo}/resolve/{revision}/{file}. The hub answers a HEAD with the commit
 * (X-Repo-Commit), the contents' checksum (X-Linked-Etag for large files, else ETag) and their size
 * (X-Linked-Size, else Content-Length); a large file's answer redirects to a delivery network with a signed,
 * short-lived address, so every GET starts at the hub again. The token goes to the endpoint's own origin
 * and nowhere else.
 *
 * Honoured: HF_ENDPOINT, HF_TOKEN, HUGGING_FACE_HUB_TOKEN, HF_TOKEN_PATH (else the file `token` in
 * hub_home_dir), HF_HUB_DISABLE_IMPLICIT_TOKEN, HF_HUB_ETAG_TIMEOUT, HF_HUB_DOWNLOAD_TIMEOUT. */
#ifndef ISHOW_NET_HUB_REMOTE_H
#define ISHOW_NET_HUB_REMOTE_H

#include "base/hub_cache.h"
#include "net/digest.h"
#include "net/http_fetch.h"

#define HUB_FILE_MAX ((uint64_t)1 << 36) /* bytes of one file, 64 GiB */
#define HUB_REDIRECTS_MAX 8

struct hub_remote {
    struct http *http;
    char *endpoint; /* without a slash at its end */
    char *token;    /* or NULL */
    int withheld;   /* there is a token, but the endpoint is plain http */
    char host[256]; /* of the endpoint */
    int look_seconds, stall_seconds;
    http_tick_fn on_tick;
    void *user; /* of on_tick */
};

int hub_remote_open(struct hub_remote *r, http_tick_fn on_tick, void *user, struct error *err);
void hub_remote_close(struct hub_remote *r); /* accepts a zeroed one */

struct hub_meta {
    char commit[DIGEST_HEX_MAX];
    char etag[DIGEST_HEX_MAX];
    enum digest_kind kind; /* what etag is; never DIGEST_NONE */
    uint64_t size;
};

/* Whether, and after how long, a failed request deserves another. */
struct hub_again {
    int worthwhile;
    int seconds; /* that the server asked for, or 0 */
};

/* Asks about a file. */
int hub_remote_look(struct hub_remote *r, const char *repo, const char *file, const char *revision,
                    struct hub_meta *ret, struct hub_again *again, struct error *err);

/* Gets a file from byte `from` on; `reply` is zeroed by the caller and released by him. A body arrives
 * only with status 200 (from the start, whatever was asked) or 206. */
int hub_remote_get(struct hub_remote *r, const char *repo, const char *file, const char *revision, uint64_t from,
                   http_body_fn on_body, struct http_reply *reply, struct hub_again *again,
                   struct error *err);

/* Reads a checksum out of an ETag header: W/ and quotes taken off. 0, or E_FORMAT. */
int hub_etag(const char *header, char etag[DIGEST_HEX_MAX]);

/* HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) is set: nothing may be asked. */
int hub_is_offline(void);

#endif
