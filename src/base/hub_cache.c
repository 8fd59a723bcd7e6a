/* See hub_cache.h. */
#include "base/hub_cache.h"

#include "base/buf.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const char *env(const char *name)
{
    const char *s = getenv(name);
    return s && *s ? s : NULL;
}

static int user_home(struct buf *out, struct error *err)
{
    const char *home = env("HOME");
    if (home)
        return buf_add_str(out, home) ? error_nomem(err) : 0;
    struct passwd entry, *found = NULL;
    char text[4096];
    if (getpwuid_r(getuid(), &entry, text, sizeof text, &found) || !found || !found->pw_dir[0])
        return error_set(err, E_NOTFOUND, "this user has no home folder: set HF_HOME to a folder for models");
    return buf_add_str(out, found->pw_dir) ? error_nomem(err) : 0;
}

/* Gives the text of `path` away, or frees it when `rc` says that something failed. */
static int take(struct buf *path, int rc, char **ret)
{
    if (rc)
        buf_release(path);
    else
        *ret = path->ptr;
    return rc;
}

/* A folder from a variable: a leading ~ is the home folder, as the other tools have it. */
static int expand(const char *value, const char *tail, char **ret, struct error *err)
{
    struct buf path = BUF_INIT;
    int rc = 0;
    if (value[0] == '~' && (value[1] == '/' || value[1] == '\0')) {
        rc = user_home(&path, err);
        value++;
    }
    if (!rc && (buf_add_str(&path, value) || buf_add_str(&path, tail)))
        rc = error_nomem(err);
    return take(&path, rc, ret);
}

int hub_home_dir(char **ret, struct error *err)
{
    const char *value = env("HF_HOME");
    if (value)
        return expand(value, "", ret, err);
    value = env("XDG_CACHE_HOME");
    if (value)
        return expand(value, "/huggingface", ret, err);
    return expand("~/.cache/huggingface", "", ret, err);
}

int hub_cache_dir(char **ret, struct error *err)
{
    const char *value = env("HF_HUB_CACHE");
    if (!value)
        value = env("HUGGINGFACE_HUB_CACHE");
    if (value)
        return expand(value, "", ret, err);
    char *home;
    int rc = hub_home_dir(&home, err);
    if (rc)
        return rc;
    char *path = path_join(home, "hub");
    free(home);
    if (!path)
        return error_nomem(err);
    *ret = path;
    return 0;
}

int hub_check_name(const char *what, const char *name, struct error *err)
{
    size_t len = strlen(name);
    if (len == 0 || len > HUB_NAME_MAX)
        return error_set(err, E_ARG, "%s: expected 1 to %d bytes, found %zu", what, HUB_NAME_MAX, len);
    for (const char *p = name;; p++) {
        size_t n = strcspn(p, "/");
        if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
            return error_set(err, E_ARG, "%s: \"%s\" leads out of its folder", what, name);
        for (size_t i = 0; i < n; i++)
            if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f || p[i] == '\\')
                return error_set(err, E_ARG, "%s has a control character or a backslash", what);
        p += n;
        if (*p == '\0')
            return 0;
    }
}

int hub_repo_dir(const char *cache, const char *repo, char **ret, struct error *err)
{
    int rc = hub_check_name("repository", repo, err);
    if (rc)
        return rc;
    const char *slash = strchr(repo, '/');
    if (!slash || strchr(slash + 1, '/'))
        return error_set(err, E_ARG, "repository: expected OWNER/NAME, found \"%s\"", repo);
    struct buf path = BUF_INIT;
    if (buf_addf(&path, "%s/models--%.*s--%s", cache, (int)(slash - repo), repo, slash + 1))
        rc = error_nomem(err);
    return take(&path, rc, ret);
}

/* repo_dir/snapshots/commit/file, if it is there. */
static int locate_in(const char *repo_dir, const char *commit, const char *file, char **ret, struct error *err)
{
    struct buf path = BUF_INIT;
    int rc = 0;
    if (buf_addf(&path, "%s/snapshots/%s/%s", repo_dir, commit, file))
        rc = error_nomem(err);
    else if (!file_exists(path.ptr))
        rc = error_set(err, E_NOTFOUND, "%s is not there", path.ptr);
    return take(&path, rc, ret);
}

/* The commit in refs/<revision>, appended to `out`. */
static int read_ref(const char *repo_dir, const char *revision, struct buf *out, struct error *err)
{
    struct buf path = BUF_INIT;
    if (buf_addf(&path, "%s/refs/%s", repo_dir, revision))
        return error_nomem(err);
    int rc = file_read(path.ptr, HUB_NAME_MAX, out, err);
    buf_release(&path);
    if (rc)
        return rc;
    while (out->len && strchr(" \r\n", out->ptr[out->len - 1]))
        out->ptr[--out->len] = '\0';
    if (memchr(out->ptr, '/', out->len))
        return error_set(err, E_FORMAT, "refs/%s of %s holds no commit", revision, repo_dir);
    return hub_check_name("commit", out->ptr, err);
}

/* The newest snapshot with the file, by the time its folder was last added to. */
static int locate_newest(const char *repo_dir, const char *file, char **ret, struct error *err)
{
    struct buf path = BUF_INIT;
    if (buf_addf(&path, "%s/snapshots", repo_dir))
        return error_nomem(err);
    DIR *d = opendir(path.ptr);
    int rc = d ? E_NOTFOUND : error_errno(err, errno, "cannot open %s", path.ptr);
    struct timespec best = {0, 0};
    char *found = NULL;
    struct dirent *entry;
    while (d && rc == E_NOTFOUND && (entry = readdir(d))) {
        if (entry->d_name[0] == '.')
            continue;
        struct stat st;
        if (fstatat(dirfd(d), entry->d_name, &st, 0) < 0 || !S_ISDIR(st.st_mode))
            continue;
        if (found && (st.st_mtim.tv_sec < best.tv_sec ||
                      (st.st_mtim.tv_sec == best.tv_sec && st.st_mtim.tv_nsec <= best.tv_nsec)))
            continue;
        char *candidate;
        rc = locate_in(repo_dir, entry->d_name, file, &candidate, err);
        if (rc)
            continue;
        free(found);
        found = candidate;
        best = st.st_mtim;
        rc = E_NOTFOUND;
    }
    if (d)
        closedir(d);
    buf_release(&path);
    if (rc != E_NOTFOUND || !found) {
        free(found);
        return rc == E_NOTFOUND ? error_set(err, rc, "no snapshot in %s has %s", repo_dir, file) : rc;
    }
    *ret = found;
    return 0;
}

int hub_locate(const char *repo, const char *file, const char *revision, char **ret, struct error *err)
{
    char *cache = NULL, *dir = NULL;
    struct buf commit = BUF_INIT;
    int rc = hub_check_name("file", file, err);
    if (!rc && revision)
        rc = hub_check_name("revision", revision, err);
    if (!rc)
        rc = hub_cache_dir(&cache, err);
    if (!rc)
        rc = hub_repo_dir(cache, repo, &dir, err);
    if (rc)
        goto out;
    rc = read_ref(dir, revision ? revision : "main", &commit, err);
    if (!rc)
        rc = locate_in(dir, commit.ptr, file, ret, err);
    else if (rc != E_NOMEM && revision && !strchr(revision, '/'))
        rc = locate_in(dir, revision, file, ret, err);
    if (rc && rc != E_NOMEM && !revision)
        rc = locate_newest(dir, file, ret, err);
    if (rc && rc != E_NOMEM)
        rc = error_set(err, E_NOTFOUND, "%s of %s is not in %s", file, repo, cache);
out:
    buf_release(&commit);
    free(dir);
    free(cache);
    return rc;
}

char *hub_cached_file(const char *repo, const char *file)
{
    char *path = NULL;
    return hub_locate(repo, file, NULL, &path, NULL) ? NULL : path;
}

int hub_free_bytes(const char *path, uint64_t *ret, struct error *err)
{
    char *p = strdup(path);
    if (!p)
        return error_nomem(err);
    struct statvfs st;
    int bad;
    while ((bad = statvfs(p, &st)) < 0 && errno == ENOENT) {
        char *slash = strrchr(p, '/');
        if (!slash || p[1] == '\0') {
            strcpy(p, slash ? "/" : ".");
            bad = statvfs(p, &st);
            break;
        }
        slash[slash == p] = '\0';
    }
    int rc = bad < 0 ? error_errno(err, errno, "cannot tell the free space of %s", path) : 0;
    free(p);
    if (!rc)
        *ret = (uint64_t)st.f_bavail * st.f_frsize;
    return rc;
}
