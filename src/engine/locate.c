/* See locate.h. */
#include "engine/locate.h"

#include "base/file.h"
#include "base/hub_cache.h"
#include "base/known_models.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void model_files_release(struct model_files *f)
{
    free(f->checkpoint);
    free(f->vocab);
    free(f->vocos_config);
    free(f->vocos_weights);
    free(f->settings);
    *f = (struct model_files){0};
}

static int has_suffix(const char *name, const char *suffix)
{
    size_t n = strlen(name), m = strlen(suffix);
    return n > m && strcmp(name + n - m, suffix) == 0;
}

/* The last name with `suffix` in version order, hidden files aside; *best is malloc'd or NULL. */
static int highest_in_dir(const char *dir, const char *suffix, char **best, struct error *err)
{
    DIR *d = opendir(dir);
    if (!d)
        return error_errno(err, errno, "cannot open the folder %s", dir);
    *best = NULL;
    int rc = 0;
    for (struct dirent *e; !rc && (e = readdir(d));) {
        if (e->d_name[0] == '.' || !has_suffix(e->d_name, suffix) || strcmp(e->d_name, "expected.safetensors") == 0)
            continue;
        if (*best && strverscmp(e->d_name, *best) < 0)
            continue;
        free(*best);
        if (!(*best = strdup(e->d_name)))
            rc = error_nomem(err);
    }
    closedir(d);
    return rc;
}

int checkpoint_in_dir(const char *dir, char **ret, struct error *err)
{
    static const char *const kinds[][2] = {{"model.safetensors", ".safetensors"}, {"model.pt", ".pt"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char *path = path_join(dir, kinds[i][0]), *best = NULL;
        if (!path)
            return error_nomem(err);
        if (file_exists(path)) {
            *ret = path;
            return 0;
        }
        free(path);
        int rc = highest_in_dir(dir, kinds[i][1], &best, err);
        if (rc)
            return rc;
        if (best) {
            path = path_join(dir, best);
            free(best);
            if (!path)
                return error_nomem(err);
            *ret = path;
            return 0;
        }
    }
    return error_set(err, E_NOTFOUND, "%s holds no checkpoint: expected a .safetensors or a .pt file", dir);
}

static char *parent_dir(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
}

/* dir/name into *ret when it is there; otherwise *ret stays NULL. */
static int take_if_there(const char *dir, const char *name, char **ret, struct error *err)
{
    char *path = path_join(dir, name);
    if (!path)
        return error_nomem(err);
    if (file_exists(path))
        *ret = path;
    else
        free(path);
    return 0;
}

static int take(const char *path, char **ret, struct error *err)
{
    free(*ret);
    *ret = strdup(path);
    return *ret ? 0 : error_nomem(err);
}

/* Vocos from `dir` when both its files are there. */
static int take_vocos(const char *dir, struct model_files *f, struct error *err)
{
    int rc;
    if ((rc = take_if_there(dir, VOCOS_CONFIG_FILE, &f->vocos_config, err)) ||
        (rc = take_if_there(dir, VOCOS_WEIGHTS_FILE, &f->vocos_weights, err)))
        return rc;
    if (!f->vocos_config != !f->vocos_weights)
        return error_set(err, E_NOTFOUND, "%s holds only one of %s and %s", dir, VOCOS_CONFIG_FILE, VOCOS_WEIGHTS_FILE);
    return 0;
}

static int locate_vocos(const char *vocoder, const char *dir, struct model_files *f, struct error *err)
{
    int rc;
    if (vocoder) {
        if ((rc = take_vocos(vocoder, f, err)))
            return rc;
        return f->vocos_config ? 0
                               : error_set(err, E_NOTFOUND, "%s holds no vocoder: expected %s and %s", vocoder,
                                           VOCOS_CONFIG_FILE, VOCOS_WEIGHTS_FILE);
    }
    char *beside = path_join(dir, "vocos");
    if (!beside)
        return error_nomem(err);
    rc = take_vocos(beside, f, err);
    free(beside);
    if (rc || f->vocos_config)
        return rc;
    f->vocos_config = hub_cached_file(VOCOS_REPO, VOCOS_CONFIG_FILE);
    f->vocos_weights = hub_cached_file(VOCOS_REPO, VOCOS_WEIGHTS_FILE);
    if (f->vocos_config && f->vocos_weights)
        return 0;
    return error_set(err, E_NOTFOUND,
                     "no vocoder: %s/vocos is not there and none was fetched; run `ishowtts pull f5`", dir);
}

static int locate_beside(const char *vocab, const char *vocoder, struct model_files *f, struct error *err)
{
    char *dir = parent_dir(f->checkpoint);
    if (!dir)
        return error_nomem(err);
    int rc = vocab ? take(vocab, &f->vocab, err) : f->vocab ? 0 : take_if_there(dir, "vocab.txt", &f->vocab, err);
    if (!rc && !f->vocab)
        rc = error_set(err, E_NOTFOUND, "%s/vocab.txt is missing: the model's tokens, one a line", dir);
    if (!rc)
        rc = take_if_there(dir, "model.toml", &f->settings, err);
    if (!rc)
        rc = locate_vocos(vocoder, dir, f, err);
    free(dir);
    return rc;
}

static int locate_known(const struct known_model *m, struct model_files *f, struct error *err)
{
    f->checkpoint = hub_cached_file(m->repo, m->checkpoint);
    f->vocab = hub_cached_file(m->repo, m->vocab);
    if (f->checkpoint && f->vocab)
        return 0;
    return error_set(err, E_NOTFOUND, "%s is not installed; fetch it with `ishowtts pull %s`", m->title, m->name);
}

int model_locate(const char *model, const char *vocab, const char *vocoder, struct model_files *ret, struct error *err)
{
    struct model_files f = {0};
    int rc = 0;
    const struct known_model *known = model ? known_model_find(model) : NULL;
    if (!model) {
        const struct known_model *m = known_models;
        while (m->name && locate_known(m, &f, NULL)) {
            model_files_release(&f);
            m++;
        }
        if (!m->name)
            rc = error_set(err, E_NOTFOUND, "no model is installed; fetch one with `ishowtts pull %s`",
                           known_models[0].name);
    } else if (known && !dir_exists(model)) {
        rc = locate_known(known, &f, err);
    } else if (dir_exists(model)) {
        rc = checkpoint_in_dir(model, &f.checkpoint, err);
    } else if (file_exists(model)) {
        rc = take(model, &f.checkpoint, err);
    } else {
        rc = error_set(err, E_NOTFOUND,
                       "no model %s: expected \"%s\", \"%s\", \"builtin\", a folder or a checkpoint file", model,
                       known_models[0].name, known_models[1].name);
    }
    if (!rc)
        rc = locate_beside(vocab, vocoder, &f, err);
    if (rc) {
        model_files_release(&f);
        return rc;
    }
    *ret = f;
    return 0;
}
