/* See store_clips.h. A file's time of change is when its grace begins: it is set when the clip is written, written
 * again, or dropped, so that a sweep needs to know nothing but the folder and the rows. */
#include "store/store_clips.h"

#include "base/clock.h"
#include "base/file.h"
#include "store/store_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int hash_of(const void *bytes, size_t len, char ret[CLIP_HASH_MAX], struct error *err)
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (EVP_Digest(bytes, len, raw, &n, EVP_sha256(), NULL) != 1 || n * 2 + 1 != CLIP_HASH_MAX)
        return error_set(err, E_INTERNAL, "OpenSSL refuses to compute a checksum");
    for (unsigned i = 0; i < n; i++)
        snprintf(ret + 2 * i, 3, "%02x", raw[i]);
    return 0;
}

char *store_clip_path(const struct store *s, const char *hash)
{
    return path_join(s->clips, hash);
}

/* A new name is on the disk when its folder is. */
static int sync_dir(const char *dir, struct error *err)
{
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = 0;
    if (fd < 0 || fsync(fd) < 0)
        rc = error_errno(err, errno, "cannot write the folder %s", dir);
    if (fd >= 0)
        close(fd);
    return rc;
}

int store_clip_put(struct store *s, const void *bytes, size_t len, char ret_hash[CLIP_HASH_MAX], struct error *err)
{
    char hash[CLIP_HASH_MAX];
    struct stat st;
    int rc = hash_of(bytes, len, hash, err);
    if (rc)
        return rc;
    char *path = store_clip_path(s, hash);
    if (!path)
        return error_nomem(err);
    /* of the same name and size, it is the same; its grace begins anew in case that no row names it */
    if (stat(path, &st) < 0 || st.st_size != (off_t)len || utimensat(AT_FDCWD, path, NULL, 0) < 0) {
        rc = file_write(path, bytes, len, err);
        if (!rc)
            rc = sync_dir(s->clips, err);
    }
    free(path);
    if (!rc) {
        memcpy(ret_hash, hash, sizeof hash);
        s->sweep_at = clock_seconds() + CLIP_GRACE; /* the row that is to name it may fail */
    }
    return rc == E_NOTFOUND ? E_IO : rc; /* the folder has gone */
}

void store_clip_dropped(struct store *s, const char *hash)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", s->clips, hash) < (int)sizeof path)
        utimensat(AT_FDCWD, path, NULL, 0);
    s->sweep_at = clock_seconds() + CLIP_GRACE;
}

double store_sweep_due(const struct store *s)
{
    return s->sweep_at;
}

static int is_named(struct store *s, const char *hash, int *ret, struct error *err)
{
    struct query q;
    int rc = query_begin(&q, s->state, err,
                         "SELECT EXISTS (SELECT 1 FROM voice WHERE clip = ?1) OR"
                         " EXISTS (SELECT 1 FROM override WHERE clip = ?1)",
                         "t", hash);
    if (!rc && (rc = query_row(&q, err)) == 1) {
        *ret = (int)query_int(&q, 0);
        rc = 0;
    }
    query_end(&q);
    return rc;
}

static int sweep_one(struct store *s, int dir, const char *name, time_t now, struct error *err)
{
    struct stat st;
    int named = 0, rc = 0;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
        return 0;
    if (name[0] != '.' && (rc = is_named(s, name, &named, err)))
        return rc;
    if (named)
        return 0;
    /* a clock that was set back must not keep it for ever */
    if (st.st_mtime <= now && st.st_mtime > now - CLIP_GRACE) {
        const double due = clock_seconds() + (double)(st.st_mtime + CLIP_GRACE - now) + 1;
        if (s->sweep_at == 0 || s->sweep_at > due)
            s->sweep_at = due;
    } else if (unlinkat(dir, name, 0) < 0 && errno != ENOENT) {
        return error_errno(err, errno, "cannot remove %s/%s", s->clips, name);
    }
    return 0;
}

int store_sweep(struct store *s, struct error *err)
{
    s->sweep_at = 0;
    DIR *dir = opendir(s->clips);
    if (!dir)
        return error_errno(err, errno, "cannot read the folder %s", s->clips);
    const time_t now = time(NULL);
    int rc = 0;
    for (const struct dirent *e; !rc && (e = readdir(dir));)
        rc = sweep_one(s, dirfd(dir), e->d_name, now, err);
    closedir(dir);
    return rc;
}
