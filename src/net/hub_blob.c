/* See hub_blob.h. */
#include "net/hub_blob.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_SIZE 1048576
#define PROGRESS_MIN 65536 /* new bytes that make a failed attempt a useful one */
#define LOCK_POLL 0.2      /* seconds */

/* A download under way. */
struct fetch {
    const struct blob_job *job;
    struct digest *digest;
    int fd;            /* of the partial file, at its end */
    uint64_t have;     /* bytes in it, all of them in the digest */
    enum hub_stage stage;
    int checked_reply; /* the header of the current answer has been dealt with */
    int bad_range;     /* … and it answers another question than ours */
    int cancelled;
    struct error sink_err;
};

static int tell(struct fetch *f, const char *note)
{
    if (f->job->on_state(f->job->user, note ? HUB_NOTE : f->stage, f->have, note))
        f->cancelled = 1;
    return f->cancelled;
}

static int on_tick(void *user)
{
    return tell(user, NULL);
}

static int cancelled(struct error *err)
{
    return error_set(err, E_CANCELLED, "cancelled");
}

/* Adds the bytes of `fd`, from where it stands to its end, to the digest; f->have counts them. */
static int digest_file(struct fetch *f, int fd, const char *path, struct error *err)
{
    char *data = malloc(READ_SIZE);
    if (!data)
        return error_nomem(err);
    int rc = 0;
    while (!rc) {
        ssize_t n = read(fd, data, READ_SIZE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = error_errno(err, errno, "cannot read %s", path);
        if (n <= 0)
            break;
        f->have += (uint64_t)n;
        rc = digest_add(f->digest, data, (size_t)n, err);
        if (!rc && tell(f, NULL))
            rc = cancelled(err);
    }
    free(data);
    return rc;
}

static int start_over(struct fetch *f, struct error *err)
{
    const struct hub_meta *meta = f->job->meta;
    if (ftruncate(f->fd, 0) < 0 || lseek(f->fd, 0, SEEK_SET) < 0)
        return error_errno(err, errno, "cannot empty %s", f->job->entry->partial);
    f->have = 0;
    return digest_start(f->digest, meta->kind, meta->size, err);
}

static int full_disk(struct fetch *f, struct error *err)
{
    return error_set(err, E_IO,
                     "the disk is full: %s needs %" PRIu64 " more bytes; what has come is kept, and the next pull "
                     "goes on from there",
                     f->job->file, f->job->meta->size - f->have);
}

/* Looks at an answer before its first byte: does it begin where the partial file ends? */
static int check_reply(struct fetch *f, const struct http_reply *reply)
{
    struct error *err = &f->sink_err;
    const struct hub_meta *meta = f->job->meta;
    char *value = NULL;
    int rc = http_reply_header(reply, "Content-Encoding", &value, err);
    if (!rc && value && strcmp(value, "identity") != 0)
        rc = error_set(err, E_FORMAT, "%s comes compressed (%.40s) although it was asked for as it is", f->job->file,
                       value);
    free(value);
    value = NULL;
    if (rc)
        return rc;
    if (reply->status == 200) /* the whole file: the server knows no ranges */
        return f->have ? start_over(f, err) : 0;
    uint64_t first, last, total;
    rc = http_reply_header(reply, "Content-Range", &value, err);
    if (rc)
        return rc;
    int good = value && !http_content_range(value, &first, &last, &total) && first == f->have &&
               last < meta->size && (total == meta->size || total == UINT64_MAX);
    f->bad_range = !good;
    if (!good)
        rc = error_set(err, E_FORMAT, "%s: expected bytes %" PRIu64 "- of %" PRIu64 ", found \"%.60s\"", f->job->file,
                       f->have, meta->size, value ? value : "no Content-Range");
    free(value);
    return rc;
}

static int on_body(void *user, const struct http_reply *reply, const void *data, size_t len)
{
    struct fetch *f = user;
    struct error *err = &f->sink_err;
    int rc = f->checked_reply ? 0 : check_reply(f, reply);
    f->checked_reply = 1;
    if (rc)
        return rc;
    if (len > f->job->meta->size - f->have)
        return error_set(err, E_FORMAT, "%s: expected %" PRIu64 " bytes, and the server sends more", f->job->file,
                         f->job->meta->size);
    const char *p = data;
    while (len) {
        ssize_t n = write(f->fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == ENOSPC || errno == EDQUOT))
            return full_disk(f, err);
        if (n < 0)
            return error_errno(err, errno, "cannot write %s", f->job->entry->partial);
        rc = digest_add(f->digest, p, (size_t)n, err);
        if (rc)
            return rc;
        f->have += (uint64_t)n;
        p += n;
        len -= (size_t)n;
    }
    return tell(f, NULL) ? cancelled(err) : 0;
}

int blob_backoff(const struct blob_job *job, struct hub_again again, int tries, uint64_t have, struct error *err)
{
    if (!again.worthwhile || tries >= HUB_TRIES_MAX)
        return err->code;
    if (again.seconds > HUB_RETRY_AFTER_MAX)
        return error_set(err, E_IO, "%s asks to wait %d minutes: try again then", job->remote->host,
                         (again.seconds + 59) / 60);
    double wait = 0.5 * (double)(1 << (tries - 1));
    if (wait < again.seconds)
        wait = again.seconds;
    char note[ERROR_TEXT_MAX + 64];
    snprintf(note, sizeof note, "%s; trying again in %.*f s", err->text, wait < 1, wait);
    if (job->on_state(job->user, HUB_NOTE, have, note))
        return cancelled(err);
    struct error stopped;
    int rc = http_sleep(wait, job->remote->on_tick, job->remote->user, &stopped);
    return rc ? cancelled(err) : 0;
}

/* One request. When it fails, *again says whether another may do better. */
static int attempt(struct fetch *f, struct hub_again *again, struct error *err)
{
    const struct blob_job *job = f->job;
    struct http_reply reply = {0};
    f->checked_reply = f->bad_range = 0;
    f->sink_err = (struct error){0};
    uint64_t from = f->have;
    int rc = hub_remote_get(job->remote, job->repo, job->file, job->meta->commit, from, on_body, &reply, again, err);
    if (rc && f->sink_err.code) {
        *err = f->sink_err;
        rc = err->code;
        *again = (struct hub_again){0};
    }
    if (rc && from && (reply.status == 416 || f->bad_range)) {
        /* Our range made no sense to the server, or its answer none to us: without a range, then. */
        struct error worse;
        again->worthwhile = 1;
        if (start_over(f, &worse)) {
            *err = worse;
            rc = err->code;
            *again = (struct hub_again){0};
        }
    } else if (!rc && f->have < job->meta->size) {
        rc = error_set(err, E_IO, "%s: expected %" PRIu64 " bytes, found %" PRIu64, job->file, job->meta->size,
                       f->have);
        again->worthwhile = 1;
    }
    http_reply_release(&reply);
    return rc;
}

/* Attempts until all bytes are here. */
static int fetch_all(struct fetch *f, int *ret_fetched, struct error *err)
{
    uint64_t best = f->have;
    int tries = 0;
    f->stage = HUB_FETCH;
    while (f->have < f->job->meta->size) {
        struct hub_again again;
        *ret_fetched = 1;
        int rc = attempt(f, &again, err);
        if (!rc)
            continue;
        if (f->have >= best + PROGRESS_MIN) {
            best = f->have;
            tries = 0;
        }
        rc = blob_backoff(f->job, again, ++tries, f->have, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* The bytes in the partial file, if they can be the beginning of the contents. */
static int take_partial(struct fetch *f, struct error *err)
{
    struct stat st;
    if (fstat(f->fd, &st) < 0)
        return error_errno(err, errno, "cannot stat %s", f->job->entry->partial);
    if (st.st_size == 0 || (uint64_t)st.st_size > f->job->meta->size)
        return start_over(f, err);
    int rc = digest_start(f->digest, f->job->meta->kind, f->job->meta->size, err);
    f->stage = HUB_CHECK;
    return rc ? rc : digest_file(f, f->fd, f->job->entry->partial, err);
}

static int fetch_checked(struct fetch *f, int *ret_fetched, struct error *err)
{
    const struct blob_job *job = f->job;
    int rc = take_partial(f, err);
    int old = f->have > 0;
    for (;;) {
        char hex[DIGEST_HEX_MAX];
        if (!rc)
            rc = fetch_all(f, ret_fetched, err);
        if (!rc)
            rc = digest_finish(f->digest, hex, err);
        if (rc || strcmp(hex, job->meta->etag) == 0)
            return rc;
        if (!old) {
            unlink(job->entry->partial);
            return error_set(err, E_FORMAT,
                             "%s is damaged: expected checksum %.12s…, found %.12s…; what came was deleted, "
                             "pull again",
                             job->file, job->meta->etag, hex);
        }
        /* The bytes of an earlier run may be to blame (a crash, another program): once more without. */
        old = 0;
        if (tell(f, "the partial download from before is damaged: starting over"))
            return cancelled(err);
        rc = start_over(f, err);
    }
}

static int finish_file(const struct fetch *f, struct error *err)
{
    const struct hub_entry *e = f->job->entry;
    if (fsync(f->fd) < 0 || rename(e->partial, e->blob) < 0)
        return error_errno(err, errno, "cannot write %s", e->blob);
    return 0;
}

static int wait_for_lock(struct fetch *f, int *ret_fd, struct error *err)
{
    f->stage = HUB_WAIT;
    for (;;) {
        int rc = hub_try_lock(f->job->entry, ret_fd, err);
        if (rc || *ret_fd >= 0)
            return rc;
        rc = http_sleep(LOCK_POLL, on_tick, f, err);
        if (rc)
            return rc;
    }
}

int blob_fetch(const struct blob_job *job, int *ret_fetched, struct error *err)
{
    struct fetch f = {.job = job, .fd = -1};
    http_tick_fn outer_tick = job->remote->on_tick;
    void *outer_user = job->remote->user;
    int lock = -1, fetched = 0;
    job->remote->on_tick = on_tick;
    job->remote->user = &f;
    int rc = wait_for_lock(&f, &lock, err);
    if (rc || hub_size_of(job->entry->blob) == (int64_t)job->meta->size)
        goto out;
    rc = hub_make_parent(job->entry->blob, err);
    if (!rc)
        rc = digest_create(&f.digest, err);
    if (rc)
        goto out;
    f.fd = open(job->entry->partial, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (f.fd < 0)
        rc = error_errno(err, errno, "cannot write %s", job->entry->partial);
    if (!rc)
        rc = fetch_checked(&f, &fetched, err);
    if (!rc)
        rc = finish_file(&f, err);
out:
    if (!rc)
        *ret_fetched = fetched;
    digest_free(f.digest);
    if (f.fd >= 0)
        close(f.fd);
    if (lock >= 0)
        close(lock);
    job->remote->on_tick = outer_tick;
    job->remote->user = outer_user;
    return rc;
}

int blob_check(const struct blob_job *job, const char *path, struct error *err)
{
    struct fetch f = {.job = job, .stage = HUB_CHECK};
    char hex[DIGEST_HEX_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, errno, "cannot open %s", path);
    int rc = digest_create(&f.digest, err);
    if (!rc)
        rc = digest_start(f.digest, job->meta->kind, job->meta->size, err);
    if (!rc)
        rc = digest_file(&f, fd, path, err);
    if (!rc)
        rc = digest_finish(f.digest, hex, err);
    if (!rc && strcmp(hex, job->meta->etag) != 0)
        rc = error_set(err, E_FORMAT, "%s is damaged: expected checksum %.12s…, found %.12s…", path,
                       job->meta->etag, hex);
    digest_free(f.digest);
    close(fd);
    return rc;
}
