/* See voice_config.h. Nothing but the file is read, so that whoever may read it, but not the tokens that it names, can
 * speak in its voices. */
#include "cli/voice_config.h"

#include "base/file.h"
#include "base/toml.h"

#include <stdlib.h>

static int find_in(const struct config *c, const char *id, const struct config_voice **ret, struct error *err)
{
    const struct config_voice *v = config_find_voice(c, id);
    struct buf known = BUF_INIT;
    if (v && !v->reference_text)
        return error_set(err, E_FORMAT, "%s: line %d: the voice \"%s\" has no reference_text", c->path, v->line, id);
    if (v) {
        *ret = v;
        return 0;
    }
    for (size_t i = 0; i < c->f5.voice_count; i++)
        if (buf_addf(&known, "%s%s", i ? ", " : "", c->f5.voices[i].id)) {
            buf_release(&known);
            return error_nomem(err);
        }
    int rc = error_set(err, E_NOTFOUND, "%s: no voice \"%s\" among [[f5.voices]]: %s", c->path, id,
                       known.len ? known.ptr : "none");
    buf_release(&known);
    return rc;
}

int config_voice_find(const char *given, const char *id, struct config **ret_config, const struct config_voice **ret,
                      struct error *err)
{
    char *standard = given ? NULL : config_default_path();
    const char *path = given ? given : standard;
    struct buf text = BUF_INIT;
    struct config *c = NULL;
    if (!path)
        return error_set(err, E_NOTFOUND, "no configuration: neither HOME nor XDG_CONFIG_HOME is set");
    int rc = file_read(path, TOML_MAX_BYTES, &text, err);
    if (!rc)
        rc = config_parse(text.len ? text.ptr : "", text.len, path, NULL, NULL, &c, NULL, NULL, err);
    if (!rc)
        rc = find_in(c, id, ret, err);
    if (!rc)
        *ret_config = c;
    else
        config_free(c);
    buf_release(&text);
    free(standard);
    return rc;
}
