/* See hub.h. Four steps: ask about every file, see that there is room, fetch what is missing, and only
 * then move the refs. */
#include "net/hub.h"

#include "net/hub_blob.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct item {
    const struct hub_file *file;
    const char *revision;
    struct hub_meta meta; /* commit "": the hub was not asked */
    struct hub_entry entry;
    char *path;   /* of a file that is here already, or NULL */
    uint64_t had; /* bytes of it that lay here before, in a partial file */
    int fetched;
};

struct pull {
    const struct hub_options *options;
    struct hub_remote remote;
    char *cache;
    struct item *items;
    size_t count, at;            /* at: the file being worked on */
    uint64_t before, all_size;   /* bytes of the missing files: done before `at`, and in all */
};

static int report(struct pull *p, enum hub_stage stage, uint64_t have, const char *note)
{
    const struct item *it = &p->items[p->at];
    struct hub_progress now = {.stage = stage,
                               .file = it->file,
                               .index = p->at,
                               .count = p->count,
                               .have = have,
                               .size = it->meta.commit[0] ? it->meta.size : 0,
                               .all_have = p->before + have,
                               .all_size = p->all_size,
                               .note = note};
    return p->options->on_progress ? p->options->on_progress(p->options->user, &now) : 0;
}

static int on_state(void *user, enum hub_stage stage, uint64_t have, const char *note)
{
    return report(user, stage, have, note);
}

static int on_tick(void *user)
{
    return report(user, HUB_LOOK, 0, NULL);
}

static struct blob_job job_of(struct pull *p, const struct item *it)
{
    return (struct blob_job){.remote = &p->remote,
                             .repo = it->file->repo,
                             .file = it->file->file,
                             .meta = &it->meta,
                             .entry = &it->entry,
                             .on_state = on_state,
                             .user = p};
}

static int take_cached(struct item *it, struct error *err)
{
    int rc = hub_locate(it->file->repo, it->file->file, it->revision, &it->path, err);
    if (!rc) {
        int64_t size = hub_size_of(it->path);
        it->meta.size = size < 0 ? 0 : (uint64_t)size;
    }
    return rc;
}

/* Asks the hub, again if need be; makes do with the cache when it does not answer as it should. */
static int look(struct pull *p, struct item *it, struct error *err)
{
    struct blob_job job = job_of(p, it);
    struct hub_again again = {0};
    for (int tries = 1;; tries++) {
        if (report(p, HUB_LOOK, 0, NULL))
            return error_set(err, E_CANCELLED, "cancelled");
        int rc = hub_remote_look(&p->remote, it->file->repo, it->file->file, it->revision, &it->meta, &again, err);
        if (!rc)
            return 0;
        struct error missing;
        if (rc != E_NOMEM && rc != E_CANCELLED && !p->options->check && !take_cached(it, &missing)) {
            char note[ERROR_TEXT_MAX + 64];
            snprintf(note, sizeof note, "%s; what is here already will do", err->text);
            return report(p, HUB_NOTE, 0, note) ? error_set(err, E_CANCELLED, "cancelled") : 0;
        }
        rc = blob_backoff(&job, again, tries, 0, err);
        if (rc)
            return rc;
    }
}

/* Checks a file that is here; a damaged one is removed, so that it is fetched again. */
static int recheck(struct pull *p, struct item *it, struct error *err)
{
    struct blob_job job = job_of(p, it);
    struct error bad;
    int rc = blob_check(&job, it->entry.pointer, &bad);
    if (!rc)
        return 0;
    if (rc != E_FORMAT) {
        *err = bad;
        return rc;
    }
    if (report(p, HUB_NOTE, 0, bad.text))
        return error_set(err, E_CANCELLED, "cancelled");
    unlink(it->entry.blob);
    unlink(it->entry.pointer);
    return 0;
}

static int is_here(const struct item *it)
{
    return hub_size_of(it->entry.pointer) == (int64_t)it->meta.size;
}

static int keep_pointer(struct item *it, struct error *err)
{
    it->path = strdup(it->entry.pointer);
    return it->path ? 0 : error_nomem(err);
}

static int prepare(struct pull *p, struct item *it, struct error *err)
{
    int rc = 0;
    if (hub_is_offline()) {
        rc = take_cached(it, err);
        return rc == E_NOTFOUND ? error_set(err, rc, "HF_HUB_OFFLINE is set, and %s of %s is not in %s", it->file->file,
                                            it->file->repo, p->cache)
                                : rc;
    }
    /* A commit never changes: no need to ask. */
    if (digest_kind_of(it->revision) == DIGEST_GIT_BLOB && !p->options->check && !take_cached(it, err))
        return 0;
    rc = look(p, it, err);
    if (rc || it->path)
        return rc;
    rc = hub_entry_init(&it->entry, p->cache, it->file->repo, it->file->file, it->meta.commit, it->meta.etag, err);
    if (!rc && is_here(it) && p->options->check)
        rc = recheck(p, it, err);
    if (!rc && is_here(it))
        return keep_pointer(it, err);
    if (rc)
        return rc;
    p->all_size += it->meta.size;
    int64_t part = hub_size_of(it->entry.blob);
    if (part != (int64_t)it->meta.size) {
        if (part >= 0)
            unlink(it->entry.blob); /* cut short by something: a blob is whole or it is none */
        part = hub_size_of(it->entry.partial);
    }
    it->had = part < 0 || (uint64_t)part > it->meta.size ? 0 : (uint64_t)part;
    return 0;
}

static void human_size(uint64_t bytes, char out[32])
{
    if (bytes < 1000000)
        snprintf(out, 32, "%.1f kB", (double)bytes / 1e3);
    else if (bytes < 1000000000)
        snprintf(out, 32, "%.0f MB", (double)bytes / 1e6);
    else
        snprintf(out, 32, "%.2f GB", (double)bytes / 1e9);
}

static int check_space(struct pull *p, struct error *err)
{
    uint64_t need = 0, room;
    for (size_t i = 0; i < p->count; i++)
        if (!p->items[i].path)
            need += p->items[i].meta.size - p->items[i].had;
    if (need == 0)
        return 0;
    int rc = hub_free_bytes(p->cache, &room, err);
    if (rc || room >= need + HUB_SPACE_MARGIN)
        return rc;
    char needed[32], found[32];
    human_size(need + HUB_SPACE_MARGIN, needed);
    human_size(room, found);
    return error_set(err, E_IO,
                     "not enough room in %s: expected %s free, found %s; make room, or set HF_HOME to a folder on a "
                     "larger disk",
                     p->cache, needed, found);
}

static int fetch(struct pull *p, struct item *it, struct error *err)
{
    struct blob_job job = job_of(p, it);
    int rc = blob_fetch(&job, &it->fetched, err);
    if (!rc)
        rc = hub_link(&it->entry, err);
    if (!rc)
        rc = keep_pointer(it, err);
    if (!rc)
        p->before += it->meta.size;
    return rc;
}

/* A cache that nobody may write to is fine as long as all files are in it. */
static int write_refs(struct pull *p, struct error *err)
{
    int fetched = 0;
    for (size_t i = 0; i < p->count; i++)
        fetched |= p->items[i].fetched;
    for (size_t i = 0; i < p->count; i++) {
        const struct item *it = &p->items[i];
        if (!it->meta.commit[0])
            continue;
        int rc = hub_write_ref(p->cache, it->file->repo, it->revision, it->meta.commit, err);
        if (rc && (fetched || rc == E_NOMEM))
            return rc;
    }
    return 0;
}

static int run(struct pull *p, struct error *err)
{
    int rc = 0;
    for (p->at = 0; p->at < p->count && !rc; p->at++)
        rc = prepare(p, &p->items[p->at], err);
    if (!rc)
        rc = check_space(p, err);
    for (p->at = 0; p->at < p->count && !rc; p->at++) {
        struct item *it = &p->items[p->at];
        int here = it->path != NULL;
        if (!here)
            rc = fetch(p, it, err);
        if (!rc && report(p, here ? HUB_HAVE : HUB_DONE, here ? 0 : it->meta.size, NULL))
            rc = error_set(err, E_CANCELLED, "cancelled");
    }
    return rc ? rc : write_refs(p, err);
}

static int check_files(const struct hub_file *files, size_t n, struct error *err)
{
    if (n == 0 || n > HUB_FILES_MAX)
        return error_set(err, E_ARG, "expected 1 to %d files, found %zu", HUB_FILES_MAX, n);
    int rc = 0;
    for (size_t i = 0; i < n && !rc; i++) {
        char *dir = NULL;
        rc = hub_repo_dir("", files[i].repo, &dir, err);
        free(dir);
        if (!rc)
            rc = hub_check_name("file", files[i].file, err);
        if (!rc && files[i].revision)
            rc = hub_check_name("revision", files[i].revision, err);
    }
    return rc;
}

int hub_pull(const struct hub_file *files, size_t n, const struct hub_options *options, struct hub_result *results,
             struct error *err)
{
    struct error unread;
    if (!err)
        err = &unread;
    struct pull p = {.options = options, .count = n};
    int rc = check_files(files, n, err);
    if (!rc)
        rc = hub_cache_dir(&p.cache, err);
    if (!rc)
        rc = hub_remote_open(&p.remote, on_tick, &p, err);
    if (!rc && !(p.items = calloc(n, sizeof *p.items)))
        rc = error_nomem(err);
    if (rc)
        goto out;
    for (size_t i = 0; i < n; i++) {
        p.items[i].file = &files[i];
        p.items[i].revision = files[i].revision ? files[i].revision : "main";
    }
    rc = run(&p, err);
    for (size_t i = 0; i < n; i++) {
        struct item *it = &p.items[i];
        if (!rc)
            results[i] = (struct hub_result){it->path, it->meta.size, it->fetched};
        else
            free(it->path);
        hub_entry_release(&it->entry);
    }
out:
    free(p.items);
    hub_remote_close(&p.remote);
    free(p.cache);
    return rc;
}

void hub_results_release(struct hub_result *results, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(results[i].path);
    memset(results, 0, n * sizeof *results);
}
