/* See store.h. */
#include "store/store.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "store/store_clips.h"
#include "store/store_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

int64_t store_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void store_notice(struct store *s, const char *fmt, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list ap;
    if (!s->on_notice)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    s->on_notice(s->user, text);
}

/* -------- what is damaged is set aside -------- */

/* A new folder dir/damaged-20261120T120301Z, with "-2" and so on when two are begun in one second. */
static int make_aside(const char *dir, char **ret, struct error *err)
{
    char stamp[32];
    struct tm tm;
    const time_t now = time(NULL);
    gmtime_r(&now, &tm);
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm);
    for (int i = 1; i < 100; i++) {
        struct buf path = BUF_INIT;
        if (buf_addf(&path, "%s/damaged-%s", dir, stamp) || (i > 1 && buf_addf(&path, "-%d", i))) {
            buf_release(&path);
            return error_nomem(err);
        }
        if (mkdir(path.ptr, 0700) == 0) {
            *ret = path.ptr;
            return 0;
        }
        const int errnum = errno;
        if (errnum != EEXIST)
            error_errno(err, errnum, "cannot make the folder %s", path.ptr);
        buf_release(&path);
        if (errnum != EEXIST)
            return E_IO;
    }
    return error_set(err, E_IO, "%s has too many folders damaged-%s", dir, stamp);
}

/* A file that is not there needs no moving. */
static int move_one(const char *dir, const char *to, const char *name, const char *suffix, struct error *err)
{
    struct buf from = BUF_INIT, into = BUF_INIT;
    int rc = 0;
    if (buf_addf(&from, "%s/%s%s", dir, name, suffix) || buf_addf(&into, "%s/%s%s", to, name, suffix))
        rc = error_nomem(err);
    else if (rename(from.ptr, into.ptr) < 0 && errno != ENOENT)
        rc = error_errno(err, errno, "cannot move %s to %s", from.ptr, into.ptr);
    buf_release(&from);
    buf_release(&into);
    return rc;
}

static int set_aside(struct store *s, const char *name, const char *with, const char *why, struct error *err)
{
    static const char *const parts[] = {"", "-wal", "-shm", "-journal"};
    char *to = NULL;
    int rc = make_aside(s->dir, &to, err);
    for (size_t i = 0; !rc && i < sizeof parts / sizeof *parts; i++)
        rc = move_one(s->dir, to, name, parts[i], err);
    if (!rc && with)
        rc = move_one(s->dir, to, with, "", err);
    if (!rc)
        store_notice(s, "%s; it has been moved to %s and a fresh one is begun", why, to);
    free(to);
    return rc;
}

int store_open_database(struct store *s, const char *name, const char *with, const struct schema *schema, sqlite3 **ret,
                        struct error *err)
{
    struct error why = {0};
    char *path = path_join(s->dir, name);
    if (!path)
        return error_nomem(err);
    int rc = database_open(path, schema, ret, &why);
    if (rc == E_FORMAT) {
        rc = set_aside(s, name, with, why.text, err);
        if (!rc)
            rc = database_open(path, schema, ret, err);
    } else if (rc) {
        error_set(err, rc, "%s", why.text);
    }
    free(path);
    return rc;
}

/* -------- opening -------- */

static const char *const state_steps[] = {
    /* clip: SHA-256 of a file in clips/; type: its media type; consent: what the uploader said about the speaker's;
     * times in milliseconds since 1970. One clip is one voice. */
    "CREATE TABLE voice (id TEXT PRIMARY KEY, label TEXT NOT NULL, language TEXT NOT NULL, text TEXT NOT NULL,"
    " clip TEXT NOT NULL UNIQUE, type TEXT NOT NULL, consent TEXT NOT NULL, created INTEGER NOT NULL,"
    " updated INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE override (voice TEXT PRIMARY KEY, text TEXT, clip TEXT, type TEXT, updated INTEGER NOT NULL,"
    " CHECK (text IS NOT NULL OR clip IS NOT NULL), CHECK ((clip IS NULL) = (type IS NULL))) STRICT, WITHOUT ROWID;",
    /* value: JSON, see store_notes.h */
    "CREATE TABLE note (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,"
    " UNIQUE (kind, key)) STRICT;",
};

static const struct schema state_schema = {
    state_steps,
    sizeof state_steps / sizeof *state_steps,
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA trusted_schema=OFF;",
    /* on a full disk there is no room for the index of the log, which processes share; in memory there is, for one */
    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA trusted_schema=OFF;",
};

/* The folder is for its owner alone: voices and what was said are nobody else's business. */
static int make_dir(const char *dir, struct error *err)
{
    if (dir_exists(dir))
        return 0;
    int rc = dir_make(dir, err);
    if (!rc && chmod(dir, 0700) < 0)
        rc = error_errno(err, errno, "cannot close the folder %s to others", dir);
    return rc;
}

int store_open(const struct store_params *params, struct store **ret, struct error *err)
{
    int rc;
    struct store *s = calloc(1, sizeof *s);
    if (!s)
        return error_nomem(err);
    s->history_count = params->history_count;
    s->history_bytes = params->history_bytes;
    s->on_notice = params->on_notice;
    s->user = params->user;
    s->dir = strdup(params->dir);
    s->clips = s->dir ? path_join(s->dir, "clips") : NULL;
    if (!s->clips) {
        rc = error_nomem(err);
        goto fail;
    }
    if ((rc = make_dir(s->dir, err)) ||
        (rc = store_open_database(s, "state.db", "clips", &state_schema, &s->state, err)) ||
        (rc = dir_make(s->clips, err)))
        goto fail;
    struct error swept;
    if (store_sweep(s, &swept))
        store_notice(s, "clips that nothing names could not be removed: %s", swept.text);
    *ret = s;
    return 0;
fail:
    store_close(s);
    return rc;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    sqlite3_close(s->history);
    sqlite3_close(s->state);
    free(s->clips);
    free(s->dir);
    free(s);
}
