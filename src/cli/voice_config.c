/* See voice_config.h. The file is the one the server reads; here only its voices matter. */
#include "cli/voice_config.h"

#include "base/file.h"
#include "base/toml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *default_path(void)
{
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    char *dir = xdg && *xdg ? path_join(xdg, "ishowtts") : home && *home ? path_join(home, ".config/ishowtts") : NULL;
    char *path = dir ? path_join(dir, "ishowtts.toml") : NULL;
    free(dir);
    return path;
}

/* `name` as seen from the folder that `config` lies in. */
static char *rebase(const char *config, const char *name)
{
    const char *slash = strrchr(config, '/');
    if (name[0] == '/' || !slash)
        return strdup(name);
    char *dir = strndup(config, (size_t)(slash - config) + 1);
    char *path = dir ? path_join(dir, name) : NULL;
    free(dir);
    return path;
}

static int need_text(const struct toml_value *voice, const char *id, const char *key, const char **ret,
                     struct error *err)
{
    const struct toml_value *v = toml_get(voice, key);
    if (!v)
        return error_set(err, E_FORMAT, "line %d: the voice \"%s\" has no %s", voice->line, id, key);
    return toml_text(v, ret, err);
}

static int take_voice(const char *path, const struct toml_value *voice, const char *id, struct config_voice *ret,
                      struct error *err)
{
    const char *audio, *text;
    int rc;
    if ((rc = need_text(voice, id, "reference_audio", &audio, err)) ||
        (rc = need_text(voice, id, "reference_text", &text, err)))
        return rc;
    ret->reference_audio = rebase(path, audio);
    ret->reference_text = strdup(text);
    if (ret->reference_audio && ret->reference_text)
        return 0;
    config_voice_release(ret);
    return error_nomem(err);
}

static int find_in(const char *path, const struct toml_value *root, const char *id, struct config_voice *ret,
                   struct error *err)
{
    const struct toml_value *voices = toml_get(toml_get(root, "f5"), "voices");
    struct buf known = BUF_INIT;
    int rc = 0, found = 0;
    for (size_t i = 0; i < toml_count(voices) && !rc && !found; i++) {
        const struct toml_value *voice = toml_item(voices, i), *name = toml_get(voice, "id");
        const char *text;
        if (!name)
            continue;
        if ((rc = toml_text(name, &text, err)))
            break;
        if (strcmp(text, id) == 0) {
            found = 1;
            rc = take_voice(path, voice, id, ret, err);
        } else if (buf_addf(&known, "%s%s", known.len ? ", " : "", text)) {
            rc = error_nomem(err);
        }
    }
    if (!rc && !found)
        rc = error_set(err, E_NOTFOUND, "no voice \"%s\" among [[f5.voices]]: %s", id, known.len ? known.ptr : "none");
    buf_release(&known);
    return rc;
}

int config_voice_find(const char *given, const char *id, struct config_voice *ret, struct error *err)
{
    char *path = given ? strdup(given) : default_path();
    struct buf text = BUF_INIT;
    struct toml_doc *doc = NULL;
    if (!path)
        return error_set(err, E_NOTFOUND, "no configuration: neither HOME nor XDG_CONFIG_HOME is set");
    int rc = file_read(path, TOML_MAX_BYTES, &text, err);
    if (!rc) {
        rc = toml_parse(text.ptr, text.len, TOML_1_1, &doc, err);
        if (!rc)
            rc = find_in(path, toml_root(doc), id, ret, err);
        if (rc)
            error_prefix(err, "%s", path);
    }
    toml_free(doc);
    buf_release(&text);
    free(path);
    return rc;
}

void config_voice_release(struct config_voice *v)
{
    free(v->reference_audio);
    free(v->reference_text);
    *v = (struct config_voice){0};
}
