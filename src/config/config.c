/* See config.h. A configuration lies in one arena with its strings, behind a count of references. */
#include "config/config.h"

#include "base/file.h"
#include "config/config_check.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct config_box {
    struct config config; /* first: what callers see */
    struct arena arena;
    atomic_int refs;
};

struct config *config_ref(struct config *c)
{
    atomic_fetch_add_explicit(&((struct config_box *)c)->refs, 1, memory_order_relaxed);
    return c;
}

void config_free(struct config *c)
{
    struct config_box *box = (struct config_box *)c;
    if (!c || atomic_fetch_sub_explicit(&box->refs, 1, memory_order_acq_rel) != 1)
        return;
    arena_release(&box->arena);
    free(box);
}

char *config_default_path(void)
{
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (xdg && *xdg)
        return path_join(xdg, "ishowtts/ishowtts.toml");
    return home && *home ? path_join(home, ".config/ishowtts/ishowtts.toml") : NULL;
}

/* Starts a reader whose configuration is ret_box's, with one reference. */
static int reader_start(struct config_reader *r, const char *path, config_warning_fn on_warning, void *user,
                        struct error *err)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    struct config_box *box = calloc(1, sizeof *box);
    if (!box)
        return error_nomem(err);
    atomic_init(&box->refs, 1);
    *r = (struct config_reader){.config = &box->config,
                                .arena = &box->arena,
                                .file = path ? path : "the configuration",
                                .on_warning = on_warning,
                                .user = user,
                                .err = err};
    r->given = arena_alloc(&box->arena, config_key_count);
    r->folder = arena_strndup(&box->arena, slash ? path : "", slash ? (size_t)(slash - path) + 1 : 0);
    if (r->given && r->folder && (!path || (box->config.path = arena_strndup(&box->arena, path, strlen(path)))))
        return 0;
    config_free(&box->config);
    return error_nomem(err);
}

static int read_all(struct config_reader *r, const char *text, size_t len, char *const *env,
                    const struct config_setting *settings)
{
    struct toml_doc *doc = NULL;
    int rc = toml_parse(text, len, TOML_1_1, &doc, r->err);
    if (rc)
        error_prefix(r->err, "%s", r->file);
    if (!rc && !(rc = config_read_defaults(r)) && !(rc = config_read_file(r, toml_root(doc))) &&
        !(rc = config_read_environment(r, env)) && !(rc = config_read_settings(r, settings)))
        rc = config_finish(r);
    toml_free(doc);
    return rc;
}

/* Gives the configuration to the caller, or frees it. */
static int reader_end(struct config_reader *r, int rc, struct config **ret)
{
    if (rc) {
        config_free(r->config);
        return rc;
    }
    if (r->warnings > CONFIG_WARNINGS_MAX) {
        size_t more = r->warnings - CONFIG_WARNINGS_MAX;
        r->warnings = 0;
        config_warn(r, 0, 0, "and %zu warnings more", more);
    }
    *ret = r->config;
    return 0;
}

int config_parse(const char *text, size_t len, const char *path, char *const *env,
                 const struct config_setting *settings, struct config **ret, config_warning_fn on_warning, void *user,
                 struct error *err)
{
    struct config_reader r;
    int rc = reader_start(&r, path, on_warning, user, err);
    return rc ? rc : reader_end(&r, read_all(&r, text, len, env, settings), ret);
}

int config_load(const char *path, const struct config_setting *settings, struct config **ret,
                config_warning_fn on_warning, void *user, struct error *err)
{
    char *standard = path ? NULL : config_default_path();
    struct buf text = BUF_INIT;
    const char *file = path ? path : standard;
    struct config_reader r;
    int rc = file ? file_read(file, TOML_MAX_BYTES, &text, err) : 0;
    if (rc == E_NOTFOUND && !path) {
        rc = 0;
        file = NULL;
    }
    if (!rc)
        rc = reader_start(&r, file, on_warning, user, err);
    if (!rc) {
        rc = read_all(&r, text.len ? text.ptr : "", text.len, environ, settings);
        if (!rc && !(rc = config_read_token_files(&r)))
            rc = config_check_files(&r);
        rc = reader_end(&r, rc, ret);
    }
    buf_release(&text);
    free(standard);
    return rc;
}
