/* Tables, the environment and the command line, key by key. See config_read.h; config_value.c reads a single value. */
#include "config/config_read.h"

#include "base/utf8.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLE_PREFIX "ISHOWTTS__"

/* -------- messages -------- */

static void place(const struct config_reader *r, int line, int column, char ret[ERROR_TEXT_MAX])
{
    if (r->origin)
        snprintf(ret, ERROR_TEXT_MAX, "%s", r->origin);
    else if (line)
        snprintf(ret, ERROR_TEXT_MAX, "%s: line %d, column %d", r->file, line, column);
    else
        snprintf(ret, ERROR_TEXT_MAX, "%s", r->file);
}

int config_fail(struct config_reader *r, int line, int column, const char *fmt, ...)
{
    char where[ERROR_TEXT_MAX], what[ERROR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    place(r, line, column, where);
    return error_set(r->err, E_FORMAT, "%s: %s", where, what);
}

void config_warn(struct config_reader *r, int line, int column, const char *fmt, ...)
{
    char where[ERROR_TEXT_MAX], what[ERROR_TEXT_MAX];
    struct error sentence; /* cuts at a character */
    if (!r->on_warning || ++r->warnings > CONFIG_WARNINGS_MAX)
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    place(r, line, column, where);
    error_set(&sentence, E_FORMAT, "%s: %s", where, what);
    r->on_warning(r->user, sentence.text);
}

int config_given(const struct config_reader *r, const char *path)
{
    const struct config_key *key = config_key_find(path);
    return key && r->given[key - config_keys];
}

/* -------- tables -------- */

static void warn_unknown(struct config_reader *r, const char *section, const char *name, int line, int column)
{
    char near[CONFIG_PATH_LENGTH];
    int shown = (int)strnlen(name, CONFIG_PATH_LENGTH);
    if (config_suggest(section, name, near))
        config_warn(r, line, column, "unknown key '%.*s'; did you mean '%s'?", shown, name, near);
    else
        config_warn(r, line, column, "unknown key '%.*s'; it has no effect", shown, name);
}

/* "section.name" into ret; 0 when that can be no key of ours. */
static int join_path(const char *section, struct slice name, char ret[CONFIG_PATH_LENGTH])
{
    if (name.len == 0 || memchr(name.ptr, '.', name.len) || memchr(name.ptr, '[', name.len) ||
        memchr(name.ptr, '\0', name.len))
        return 0;
    return snprintf(ret, CONFIG_PATH_LENGTH, "%s%s%s", section, *section ? "." : "", name.ptr) < CONFIG_PATH_LENGTH;
}

static int read_entry(struct config_reader *r, const char *section, void *base, const struct toml_entry *e)
{
    char path[CONFIG_PATH_LENGTH];
    int known = join_path(section, e->key, path);
    const struct config_key *key = known ? config_key_find(path) : NULL;
    if (key) {
        r->given[key - config_keys] = 1;
        return config_read_value(r, key, base, &e->value);
    }
    if (!known || !config_is_section(path)) {
        warn_unknown(r, section, e->key.ptr, e->line, e->column);
        return 0;
    }
    if (e->value.kind != TOML_TABLE)
        return config_fail(r, e->value.line, e->value.column, "%s: expected a table, found %s", path,
                           toml_kind_name(e->value.kind));
    return config_read_table(r, path, base, &e->value);
}

/* The defaults of a section and of those within it, but not of the items of lists within it. */
static int read_defaults(struct config_reader *r, const char *section, void *base)
{
    size_t n = strlen(section);
    int rc = 0;
    for (size_t i = 0; i < config_key_count && !rc; i++) {
        const struct config_key *key = &config_keys[i];
        struct toml_doc *doc = NULL;
        char text[160];
        if (!key->standard || strncmp(key->path, section, n) != 0 || strchr(key->path + n, '['))
            continue;
        int len = snprintf(text, sizeof text, "v = %s", key->standard);
        if (!(rc = toml_parse(text, (size_t)len, TOML_1_0, &doc, r->err)))
            rc = config_read_value(r, key, base, toml_get(toml_root(doc), "v"));
        toml_free(doc);
    }
    return rc;
}

int config_read_defaults(struct config_reader *r)
{
    return read_defaults(r, "", r->config);
}

int config_read_table(struct config_reader *r, const char *section, void *base, const struct toml_value *table)
{
    int rc = 0;
    if (strcmp(section, "f5.voices[]") == 0)
        ((struct config_voice *)base)->line = table->line;
    if (strchr(section, '['))
        rc = read_defaults(r, section, base);
    for (const struct toml_entry *e = toml_first(table); e && !rc; e = e->next)
        rc = read_entry(r, section, base, e);
    return rc;
}

int config_read_file(struct config_reader *r, const struct toml_value *root)
{
    r->origin = NULL;
    return config_read_table(r, "", r->config, root);
}

/* -------- one value from outside the file -------- */

/* "a,b" as a list. */
static int read_commas(struct config_reader *r, const struct config_key *key, const char *text)
{
    struct toml_value items[64];
    size_t n = 0;
    struct buf copy = BUF_INIT;
    if (buf_reserve(&copy, strlen(text)) || buf_add_str(&copy, text))
        return error_nomem(r->err);
    char *save = NULL;
    for (char *s = strtok_r(copy.ptr, ",", &save); s && n < 64; s = strtok_r(NULL, ",", &save)) {
        while (*s == ' ')
            s++;
        items[n++] = (struct toml_value){.kind = TOML_STRING, .string = slice_str(s)};
    }
    struct toml_array array = {.items = items, .count = n};
    struct toml_value list = {.kind = TOML_ARRAY, .array = &array};
    int rc = config_read_value(r, key, r->config, &list);
    buf_release(&copy);
    return rc;
}

/* The text as a TOML value: "7", "true", "['a']"; *ret stays NULL when it is none. The caller frees *ret_doc. */
static int as_toml(const char *text, struct toml_doc **ret_doc, const struct toml_value **ret, struct error *err)
{
    struct buf line = BUF_INIT;
    if (buf_addf(&line, "v = %s", text))
        return error_nomem(err);
    int rc = toml_parse(line.ptr, line.len, TOML_1_1, ret_doc, err);
    buf_release(&line);
    if (!rc && toml_count(toml_root(*ret_doc)) == 1)
        *ret = toml_get(toml_root(*ret_doc), "v");
    return rc == E_NOMEM ? rc : 0;
}

/* The list of tables, or the engine that is not here, in whose midst `path` stands; NULL when it does in none. */
static const struct config_key *within(const char *path)
{
    for (size_t i = 0; i < config_key_count; i++) {
        size_t n = strlen(config_keys[i].path);
        int closed = config_keys[i].type == CONFIG_TABLES || config_keys[i].type == CONFIG_FOREIGN;
        if (closed && strncmp(config_keys[i].path, path, n) == 0 && (path[n] == '.' || path[n] == '\0'))
            return &config_keys[i];
    }
    return NULL;
}

static int read_outside(struct config_reader *r, const char *path, const char *text)
{
    const struct config_key *key = config_key_find(path), *closed = within(path);
    if (closed && closed->type == CONFIG_FOREIGN)
        return 0;
    if (closed)
        return config_fail(r, 0, 0, "%s is a list of tables, which can stand only in the file", closed->path);
    if (!key) {
        const char *dot = strrchr(path, '.');
        char section[2 * CONFIG_PATH_LENGTH];
        snprintf(section, sizeof section, "%.*s", dot ? (int)(dot - path) : 0, path);
        warn_unknown(r, section, dot ? dot + 1 : path, 0, 0);
        return 0;
    }
    if (utf8_valid_prefix(text, strlen(text)) != strlen(text)) /* a file has been looked at as a whole */
        return config_fail(r, 0, 0, "%s: expected UTF-8", key->path);
    r->given[key - config_keys] = 1;
    struct toml_value plain = {.kind = TOML_STRING, .string = slice_str(text)};
    if (key->type == CONFIG_TEXT || key->type == CONFIG_PATH || key->type == CONFIG_MODEL || key->type == CONFIG_CHOICE)
        return config_read_value(r, key, r->config, &plain);
    struct toml_doc *doc = NULL;
    const struct toml_value *v = NULL;
    int rc = as_toml(text, &doc, &v, r->err);
    if (!rc)
        rc = key->type == CONFIG_TEXTS && (!v || v->kind != TOML_ARRAY)
                 ? read_commas(r, key, text)
                 : config_read_value(r, key, r->config, v ? v : &plain);
    toml_free(doc);
    return rc;
}

/* ISHOWTTS__F5__default_nfe_step=7 sets f5.default_nfe_step. */
int config_read_environment(struct config_reader *r, char *const *env)
{
    int rc = 0;
    for (size_t i = 0; env && env[i] && !rc; i++) {
        const char *name = env[i], *equals = strchr(name, '=');
        char variable[2 * CONFIG_PATH_LENGTH], path[2 * CONFIG_PATH_LENGTH];
        size_t prefix = sizeof VARIABLE_PREFIX - 1, n = 0;
        if (strncmp(name, VARIABLE_PREFIX, prefix) != 0 || !equals || (size_t)(equals - name) >= sizeof variable)
            continue;
        snprintf(variable, sizeof variable, "%.*s", (int)(equals - name), name);
        for (const char *c = variable + prefix; *c; c++) {
            int cut = c[0] == '_' && c[1] == '_' && n > 0;
            path[n++] = cut ? '.' : (char)tolower((unsigned char)*c);
            c += cut;
        }
        path[n] = '\0';
        r->origin = variable;
        rc = read_outside(r, path, equals + 1);
    }
    r->origin = NULL;
    return rc;
}

int config_read_settings(struct config_reader *r, const struct config_setting *settings)
{
    int rc = 0;
    for (; settings && settings->key && !rc; settings++) {
        r->origin = settings->origin;
        rc = read_outside(r, settings->key, settings->value);
    }
    r->origin = NULL;
    return rc;
}
