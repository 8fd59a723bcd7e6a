/* Where the tools of the Hugging Face hub keep what they have fetched, so that a model fetched by any of
 * them is found by all. Paths only: nothing here touches the network (net/hub.h does).
 *
 *     <cache>/models--OWNER--NAME/refs/main               the commit that `main` was at last time
 *                                /blobs/<etag>            contents, under their checksum
 *                                /snapshots/<commit>/FILE a symbolic link into blobs/
 *     <cache>/.locks/models--OWNER--NAME/<etag>.lock      flock(2)ed while a blob is being fetched
 *
 * <cache> is $HF_HUB_CACHE, else $HUGGINGFACE_HUB_CACHE, else <home>/hub, where <home> is $HF_HOME, else
 * $XDG_CACHE_HOME/huggingface, else ~/.cache/huggingface (as in huggingface_hub's constants.py). An empty
 * variable counts as unset. A blob appears under its name only when it is complete, so a snapshot's link
 * that leads somewhere leads to a whole file. */
#ifndef ISHOW_BASE_HUB_CACHE_H
#define ISHOW_BASE_HUB_CACHE_H

#include "base/error.h"

#include <stdint.h>

#define HUB_NAME_MAX 200 /* bytes of a repository, a revision, an etag or a file's name */

/* Each leaves a malloc'd path in `ret`; the caller frees it. E_NOTFOUND: this user has no home folder. */
int hub_home_dir(char **ret, struct error *err);
int hub_cache_dir(char **ret, struct error *err);

/* "<cache>/models--OWNER--NAME" for "OWNER/NAME"; E_ARG when that is no repository's name. */
int hub_repo_dir(const char *cache, const char *repo, char **ret, struct error *err);

/* 0 when `name` is a relative path of plain components ("a/b.txt"; none empty, "." or "..", no control
 * character), of at most HUB_NAME_MAX bytes; else E_ARG. `what` names it in the sentence. */
int hub_check_name(const char *what, const char *name, struct error *err);

/* Finds `file` of `repo` as it was at `revision` (a branch, a tag or a commit): a malloc'd path in `ret`,
 * or E_NOTFOUND. With `revision` NULL: what refs/main names, else the newest snapshot that has the file. */
int hub_locate(const char *repo, const char *file, const char *revision, char **ret, struct error *err);

/* hub_locate with revision NULL, for those who do not mind why: a malloc'd path, or NULL. */
char *hub_cached_file(const char *repo, const char *file);

/* Bytes that this user may still write below `path`, which need not exist yet. */
int hub_free_bytes(const char *path, uint64_t *ret, struct error *err);

#endif
