/* See packs.h. */
#include "engine/packs.h"

#include "base/file.h"
#include "base/xxh64.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEM_MAX 64 /* bytes of a checkpoint's name that its packs carry */

__attribute__((format(printf, 2, 3))) static void tell(const struct packs *p, const char *fmt, ...)
{
    char text[2 * ERROR_TEXT_MAX];
    va_list ap;
    if (!p->notice)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    p->notice(p->user, text);
}

/* -------- where -------- */

static int usual_dir(struct buf *out, struct error *err)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    struct passwd entry, *found = NULL;
    char text[4096];
    if (cache && cache[0] == '/')
        return buf_addf(out, "%s/ishowtts/packs", cache) ? error_nomem(err) : 0;
    if ((!home || !*home) && getpwuid_r(getuid(), &entry, text, sizeof text, &found) == 0 && found)
        home = found->pw_dir;
    if (!home || !*home)
        return error_set(err, E_NOTFOUND,
                         "this user has no home folder: set XDG_CACHE_HOME to a folder for packed weights");
    return buf_addf(out, "%s/.cache/ishowtts/packs", home) ? error_nomem(err) : 0;
}

/* Letters, digits, '.', '_' and '-' of a text, anything else as '-'. */
static int add_plain(struct buf *out, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const int plain = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
                          (s[i] >= '0' && s[i] <= '9') || s[i] == '.' || s[i] == '_' || s[i] == '-';
        if (buf_add_char(out, plain ? s[i] : '-'))
            return E_NOMEM;
    }
    return 0;
}

int packs_path(const struct packs *packs, const char *checkpoint, const char *suffix, char **ret, struct error *err)
{
    struct buf path = BUF_INIT;
    const char *slash = strrchr(checkpoint, '/'), *name = slash ? slash + 1 : checkpoint;
    const char *dot = strrchr(name, '.');
    size_t stem = dot ? (size_t)(dot - name) : strlen(name);
    stem = stem < STEM_MAX ? stem : STEM_MAX;
    char real[PATH_MAX];
    int rc = 0;
    if (!realpath(checkpoint, real))
        return error_errno(err, errno, "cannot find %s", checkpoint);
    if (packs->dir)
        rc = buf_add_str(&path, packs->dir) ? error_nomem(err) : 0;
    else
        rc = usual_dir(&path, err);
    if (!rc && (buf_add_char(&path, '/') || add_plain(&path, name, stem) ||
                buf_addf(&path, "-%016" PRIx64, xxh64(real, strlen(real), 0)) ||
                add_plain(&path, suffix, strlen(suffix))))
        rc = error_nomem(err);
    if (rc)
        buf_release(&path);
    else
        *ret = path.ptr;
    return rc;
}

/* -------- one conversion at a time -------- */

static int is_cancelled(const struct packs *p)
{
    return p->progress.fn && p->progress.fn(p->progress.user, 0, 0);
}

/* A locked folder: closing *ret_fd gives it free. A file system without locks is no reason to stop: packs are put in
 * place whole anyway. */
static int lock_folder(const struct packs *p, const char *dir, int *ret_fd, int *ret_waited, struct error *err)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, errno, "cannot open %s", dir);
    *ret_waited = 0;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
        *ret_waited = 1;
        tell(p, "waiting for another process that is converting weights");
        while (flock(fd, LOCK_EX) < 0 && errno == EINTR)
            if (is_cancelled(p)) {
                close(fd);
                return error_set(err, E_CANCELLED,
                                 "cancelled while waiting for another process that is converting weights");
            }
    }
    *ret_fd = fd;
    return 0;
}

/* What conversions left that were killed. Only with the folder locked: then nobody else is writing. */
static void sweep(const char *dir)
{
    DIR *d = opendir(dir);
    const struct dirent *entry;
    while (d && (entry = readdir(d)))
        if (entry->d_name[0] == '.' && strstr(entry->d_name, ".pack."))
            unlinkat(dirfd(d), entry->d_name, 0);
    if (d)
        closedir(d);
}

/* -------- making one -------- */

static int convert(const struct packs *p, const char *path, const struct packed_key *key, struct dev *dev,
                   const struct ckpt *ckpt, const struct f5_arch *arch, const struct precision_plan *plan,
                   struct error *err)
{
    struct packed_writer *w = NULL;
    int rc = packed_create(path, key, &w, err);
    if (rc)
        return rc;
    if ((rc = dit_pack(dev, ckpt, arch, plan, w, p->progress, err)) || (rc = ckpt_intact(ckpt, err))) {
        packed_abandon(w);
        return rc;
    }
    return packed_commit(w, err);
}

static int make(const struct packs *p, const char *path, const struct packed_key *key, struct dev *dev,
                const struct ckpt *ckpt, const struct f5_arch *arch, const struct precision_plan *plan,
                struct packed **ret, struct error *err)
{
    char *dir = strndup(path, (size_t)(strrchr(path, '/') - path));
    int fd = -1, waited = 0;
    int rc = dir ? dir_make(dir, err) : error_nomem(err);
    if (!rc)
        rc = lock_folder(p, dir, &fd, &waited, err);
    if (!rc && waited && packed_open(path, key, ret, NULL) == 0)
        goto done;
    if (!rc) {
        sweep(dir);
        rc = convert(p, path, key, dev, ckpt, arch, plan, err);
    }
    if (!rc)
        rc = packed_open(path, key, ret, err);
done:
    if (fd >= 0)
        close(fd);
    free(dir);
    return rc;
}

int packs_open(const struct packs *p, struct dev *dev, const struct ckpt *ckpt, const struct f5_arch *arch,
               const struct precision_plan *plan, struct packed **ret, struct error *err)
{
    struct packed_key key;
    struct error why;
    char suffix[PRECISION_TEXT + 8], text[PRECISION_TEXT];
    char *path = NULL;
    if (p->dir && !*p->dir)
        return 0;
    int rc = packed_key_of(ckpt->path, dev, plan, &key, err);
    if (rc || (!p->dir && key.source_size < PACKS_MIN_BYTES))
        return rc;
    precision_text(plan, text);
    snprintf(suffix, sizeof suffix, ".%s.pack", text);
    if (!(rc = packs_path(p, ckpt->path, suffix, &path, &why))) {
        rc = packed_open(path, &key, ret, &why);
        if (rc == E_FORMAT && !p->only_use)
            tell(p, "converting the weights again: %s is of no use (%s)", path, why.text);
        if (rc && rc != E_NOMEM)
            rc = p->only_use ? 0 : make(p, path, &key, dev, ckpt, arch, plan, ret, &why);
    }
    free(path);
    if (rc == E_IO || rc == E_NOTFOUND || rc == E_LIMIT) {
        tell(p, "the converted weights cannot be kept, so every start converts them: %s", why.text);
        return 0;
    }
    return rc ? error_set(err, rc, "%s", why.text) : 0;
}
