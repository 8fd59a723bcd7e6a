/* See hub_store.h. */
#include "net/hub_store.h"

#include "base/buf.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int hub_entry_init(struct hub_entry *e, const char *cache, const char *repo, const char *file, const char *commit,
                   const char *etag, struct error *err)
{
    *e = (struct hub_entry){0};
    struct buf text[5] = {BUF_INIT, BUF_INIT, BUF_INIT, BUF_INIT, BUF_INIT};
    char **const field[5] = {&e->pointer, &e->target, &e->blob, &e->partial, &e->lock};
    char *dir = NULL;
    int rc = hub_repo_dir(cache, repo, &dir, err);
    if (rc)
        return rc;
    const char *name = strrchr(dir, '/') + 1;
    rc = buf_addf(&text[0], "%s/snapshots/%s/%s", dir, commit, file);
    for (const char *s = file; s && !rc; s = strchr(s + 1, '/'))
        rc = buf_add_str(&text[1], "../");
    if (rc || buf_addf(&text[1], "../blobs/%s", etag) || buf_addf(&text[2], "%s/blobs/%s", dir, etag) ||
        buf_addf(&text[3], "%s/blobs/%s.incomplete", dir, etag) ||
        buf_addf(&text[4], "%s/.locks/%s/%s.lock", cache, name, etag))
        rc = error_nomem(err);
    free(dir);
    for (int i = 0; i < 5; i++) {
        if (rc)
            buf_release(&text[i]);
        else
            *field[i] = text[i].ptr;
    }
    return rc;
}

void hub_entry_release(struct hub_entry *e)
{
    free(e->pointer);
    free(e->target);
    free(e->blob);
    free(e->partial);
    free(e->lock);
    *e = (struct hub_entry){0};
}

int64_t hub_size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? st.st_size : -1;
}

int hub_make_parent(const char *path, struct error *err)
{
    char *dir = strdup(path);
    if (!dir)
        return error_nomem(err);
    *strrchr(dir, '/') = '\0';
    int rc = dir_make(dir, err);
    free(dir);
    return rc;
}

int hub_try_lock(const struct hub_entry *e, int *ret_fd, struct error *err)
{
    int rc = hub_make_parent(e->lock, err);
    if (rc)
        return rc;
    int fd = open(e->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0664);
    if (fd < 0)
        return error_errno(err, errno, "cannot open %s", e->lock);
    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EINTR)
            continue;
        rc = errno == EWOULDBLOCK ? 0 : error_errno(err, errno, "cannot lock %s", e->lock);
        close(fd);
        *ret_fd = -1;
        return rc;
    }
    /* Some tools remove the file when they let go: then this lock is on a file that nobody else sees. */
    struct stat held, named;
    if (fstat(fd, &held) < 0 || stat(e->lock, &named) < 0 || held.st_ino != named.st_ino ||
        held.st_dev != named.st_dev) {
        close(fd);
        fd = -1;
    }
    *ret_fd = fd;
    return 0;
}

int hub_link(const struct hub_entry *e, struct error *err)
{
    int rc = hub_make_parent(e->pointer, err);
    if (rc)
        return rc;
    char now[PATH_MAX];
    ssize_t n = readlink(e->pointer, now, sizeof now);
    if (n == (ssize_t)strlen(e->target) && memcmp(now, e->target, (size_t)n) == 0)
        return 0;
    if (unlink(e->pointer) < 0 && errno != ENOENT)
        return error_errno(err, errno, "cannot replace %s", e->pointer);
    if (symlink(e->target, e->pointer) == 0 || errno == EEXIST)
        return 0;
    if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
        return error_errno(err, errno, "cannot link %s", e->pointer);
    return rename(e->blob, e->pointer) == 0 ? 0 : error_errno(err, errno, "cannot write %s", e->pointer);
}

int hub_write_ref(const char *cache, const char *repo, const char *revision, const char *commit, struct error *err)
{
    if (strcmp(revision, commit) == 0)
        return 0;
    char *dir = NULL;
    struct buf path = BUF_INIT, old = BUF_INIT;
    int rc = hub_repo_dir(cache, repo, &dir, err);
    if (!rc && buf_addf(&path, "%s/refs/%s", dir, revision))
        rc = error_nomem(err);
    free(dir);
    int same = !rc && !file_read(path.ptr, HUB_NAME_MAX, &old, NULL) && strcmp(old.ptr, commit) == 0;
    if (!rc && !same)
        rc = hub_make_parent(path.ptr, err);
    if (!rc && !same)
        rc = file_write(path.ptr, commit, strlen(commit), err);
    buf_release(&path);
    buf_release(&old);
    return rc;
}
