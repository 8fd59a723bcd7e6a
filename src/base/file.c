/* See file.h. */
#include "base/file.h"

#include "base/map_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int file_read(const char *path, size_t max, struct buf *out, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, errno, "cannot open %s", path);
    size_t start = out->len;
    int rc = 0;
    for (;;) {
        if (out->len - start > max) {
            rc = error_set(err, E_LIMIT, "%s is larger than %zu bytes", path, max);
            break;
        }
        if (buf_reserve(out, 65536)) {
            rc = error_nomem(err);
            break;
        }
        ssize_t n = read(fd, out->ptr + out->len, 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            rc = error_errno(err, errno, "cannot read %s", path);
            break;
        }
        out->len += (size_t)n;
        out->ptr[out->len] = '\0';
        if (n == 0)
            break;
    }
    close(fd);
    if (rc)
        out->len = start;
    return rc;
}

int file_map(const char *path, struct file_map *ret, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, errno, "cannot open %s", path);
    struct stat st;
    int rc = 0;
    if (fstat(fd, &st) < 0) {
        rc = error_errno(err, errno, "cannot stat %s", path);
    } else if (!S_ISREG(st.st_mode)) {
        rc = error_set(err, E_FORMAT, "%s is not a regular file", path);
    } else if (st.st_size == 0) {
        *ret = (struct file_map){"", 0};
    } else {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED)
            rc = error_errno(err, errno, "cannot map %s", path);
        else
            *ret = (struct file_map){p, (size_t)st.st_size};
        if (!rc)
            map_guard_add(p, (size_t)st.st_size);
    }
    close(fd);
    return rc;
}

void file_unmap(struct file_map *m)
{
    if (m->len) {
        map_guard_remove(m->ptr);
        munmap((void *)m->ptr, m->len);
    }
    *m = (struct file_map){NULL, 0};
}

int file_map_lost(const struct file_map *m)
{
    return m->len && map_guard_lost(m->ptr);
}

static void atomic_reset(struct atomic_file *f)
{
    free(f->temp);
    free(f->target);
    *f = (struct atomic_file){-1, NULL, NULL};
}

int atomic_open(struct atomic_file *f, const char *path, struct error *err)
{
    *f = (struct atomic_file){-1, NULL, NULL};
    struct stat st;
    f->target = strdup(path);
    if (!f->target)
        return error_nomem(err);
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        f->fd = S_ISDIR(st.st_mode) ? (errno = EISDIR, -1) : open(path, O_WRONLY | O_CLOEXEC);
    } else if (stat(path, &st) == 0 && access(path, W_OK) < 0) {
        f->fd = -1; /* the name could be replaced, but its owner asked for it to be left alone */
    } else {
        const char *slash = strrchr(path, '/');
        size_t dir = slash ? (size_t)(slash - path) + 1 : 0;
        size_t size = strlen(path) + sizeof "..XXXXXX";
        f->temp = malloc(size);
        if (!f->temp) {
            atomic_reset(f);
            return error_nomem(err);
        }
        snprintf(f->temp, size, "%.*s.%s.XXXXXX", (int)dir, path, path + dir);
        f->fd = mkostemp(f->temp, O_CLOEXEC);
        if (f->fd >= 0) {
            mode_t mask = umask(0);
            umask(mask);
            fchmod(f->fd, 0666 & ~mask);
        }
    }
    if (f->fd < 0) {
        int rc = error_errno(err, errno, "cannot write %s", path);
        atomic_reset(f);
        return rc;
    }
    return 0;
}

int atomic_commit(struct atomic_file *f, struct error *err)
{
    int rc = 0;
    if (f->temp && fsync(f->fd) < 0)
        rc = error_errno(err, errno, "cannot write %s", f->target);
    if (close(f->fd) < 0 && !rc)
        rc = error_errno(err, errno, "cannot write %s", f->target);
    if (f->temp) {
        if (!rc && rename(f->temp, f->target) < 0)
            rc = error_errno(err, errno, "cannot write %s", f->target);
        if (rc)
            unlink(f->temp);
    }
    atomic_reset(f);
    return rc;
}

void atomic_abandon(struct atomic_file *f)
{
    if (!f->target)
        return;
    close(f->fd);
    if (f->temp)
        unlink(f->temp);
    atomic_reset(f);
}

int fd_write_all(int fd, const void *data, size_t len, const char *name, struct error *err)
{
    const char *p = data;
    while (len) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(err, errno, "cannot write %s", name);
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

int file_write(const char *path, const void *data, size_t len, struct error *err)
{
    struct atomic_file f;
    int rc = atomic_open(&f, path, err);
    if (rc)
        return rc;
    rc = fd_write_all(f.fd, data, len, path, err);
    if (rc) {
        atomic_abandon(&f);
        return rc;
    }
    return atomic_commit(&f, err);
}

int file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

int dir_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int dir_make(const char *path, struct error *err)
{
    char *p = strdup(path);
    if (!p)
        return error_nomem(err);
    int rc = 0;
    for (char *s = p + 1; !rc; s++) {
        if (*s != '/' && *s != '\0')
            continue;
        char c = *s;
        *s = '\0';
        if (mkdir(p, 0777) < 0 && errno != EEXIST)
            rc = error_errno(err, errno, "cannot make the folder %s", p);
        *s = c;
        if (c == '\0')
            break;
    }
    if (!rc && !dir_exists(path))
        rc = error_set(err, E_IO, "cannot make the folder %s: a file of that name is there", path);
    free(p);
    return rc;
}

char *path_join(const char *dir, const char *name)
{
    size_t n = strlen(dir), m = strlen(name);
    char *p = malloc(n + m + 2);
    if (!p)
        return NULL;
    memcpy(p, dir, n);
    size_t at = n;
    if (n && dir[n - 1] != '/')
        p[at++] = '/';
    memcpy(p + at, name, m + 1);
    return p;
}
