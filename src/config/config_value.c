/* One value of the configuration: is it of the right type and within its limits? See config_read.h. */
#include "config/config_read.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 40 /* bytes of a text that a message repeats */

const char *config_rebase(struct arena *arena, const char *folder, const char *name)
{
    size_t n = strlen(folder), m = strlen(name);
    if (name[0] == '/' || n == 0)
        return arena_strndup(arena, name, m);
    char *path = arena_alloc(arena, n + m + 2);
    if (path)
        snprintf(path, n + m + 2, "%s%s%s", folder, folder[n - 1] == '/' ? "" : "/", name);
    return path;
}

/* What stands there, for a message: a number where one belongs, a text where it is to name a choice, else the kind.
 * What is secret is neither. */
static void show_found(const struct config_key *key, const struct toml_value *v, char ret[SHOWN_MAX + 16])
{
    size_t size = SHOWN_MAX + 16;
    if (v->kind == TOML_INT && key->most > key->least)
        snprintf(ret, size, "%lld", (long long)v->integer);
    else if (v->kind == TOML_FLOAT && key->most > key->least)
        snprintf(ret, size, "%g%s", v->real, rint(v->real) == v->real && fabs(v->real) < 1e5 ? ".0" : "");
    else if (v->kind == TOML_STRING && key->choices && v->string.len <= SHOWN_MAX)
        snprintf(ret, size, "\"%s\"", v->string.ptr);
    else
        snprintf(ret, size, "%s", toml_kind_name(v->kind));
}

static void show_range(const struct config_key *key, char *ret, size_t size)
{
    snprintf(ret, size, "%s from %.15g to %.15g%s%s", key->type == CONFIG_REAL ? "a number" : "a whole number",
             key->least, key->most, key->unit ? " " : "", key->unit ? key->unit : "");
}

static int expected(struct config_reader *r, const struct config_key *key, const struct toml_value *v, const char *what)
{
    char found[SHOWN_MAX + 16];
    show_found(key, v, found);
    return config_fail(r, v->line, v->column, "%s: expected %s, found %s", key->path, what, found);
}

static int read_number(struct config_reader *r, const struct config_key *key, void *at, const struct toml_value *v)
{
    char range[160];
    double x = v->kind == TOML_INT ? (double)v->integer : v->kind == TOML_FLOAT ? v->real : NAN;
    show_range(key, range, sizeof range);
    if (!(x >= key->least && x <= key->most) || (key->type != CONFIG_REAL && v->kind != TOML_INT))
        return expected(r, key, v, range);
    if (key->type == CONFIG_REAL)
        *(double *)at = x;
    else if (key->type == CONFIG_INT)
        *(int *)at = (int)v->integer;
    else
        *(int64_t *)at = v->integer;
    return 0;
}

/* The index of text in "a|b|c", or -1. */
static int choice_of(const char *choices, const char *text)
{
    size_t n = strlen(text);
    int i = 0;
    for (const char *c = choices; *c && n; i++) {
        size_t m = strcspn(c, "|");
        if (n == m && strncmp(c, text, n) == 0)
            return i;
        c += m + (c[m] == '|');
    }
    return -1;
}

static int wrong_choice(struct config_reader *r, const struct config_key *key, const struct toml_value *v)
{
    char list[200];
    size_t n = 0;
    for (const char *c = key->choices; *c && n + 4 < sizeof list; c++) {
        if (*c == '|')
            n += (size_t)snprintf(list + n, sizeof list - n, ", ");
        else
            list[n++] = *c;
    }
    list[n] = '\0';
    char what[256];
    snprintf(what, sizeof what, "one of %s", list);
    return expected(r, key, v, what);
}

/* A text without a NUL and within the limit; what it points to is the document's. */
static int check_text(struct config_reader *r, const struct config_key *key, const struct toml_value *v,
                      const char **ret)
{
    if (v->kind != TOML_STRING)
        return expected(r, key, v, toml_kind_name(TOML_STRING));
    if (memchr(v->string.ptr, '\0', v->string.len))
        return config_fail(r, v->line, v->column, "%s: the text holds a NUL character", key->path);
    if (v->string.len > CONFIG_TEXT_MAX)
        return config_fail(r, v->line, v->column, "%s: expected at most %d bytes, found %zu", key->path,
                           CONFIG_TEXT_MAX, v->string.len);
    *ret = v->string.ptr;
    return 0;
}

static int has_ending(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);
    return n > m && strcmp(name + n - m, ending) == 0;
}

static int is_path(const struct config_key *key, const char *text)
{
    return key->type == CONFIG_PATH || (key->type == CONFIG_MODEL && (strchr(text, '/') || has_ending(text, ".pt") ||
                                                                      has_ending(text, ".safetensors")));
}

/* An empty text is as none, so that an environment can take back what a file gives, unless there must be one. */
static int read_text(struct config_reader *r, const struct config_key *key, const char **at, const struct toml_value *v)
{
    const char *text;
    int rc = check_text(r, key, v, &text);
    if (rc)
        return rc;
    if (key->choices && choice_of(key->choices, text) < 0)
        return wrong_choice(r, key, v);
    if (!*text && key->standard)
        return expected(r, key, v, "a text that is not empty");
    const char *copy = NULL;
    if (*text && !(copy = is_path(key, text) ? config_rebase(r->arena, r->folder, text)
                                             : arena_strndup(r->arena, text, strlen(text))))
        return error_nomem(r->err);
    *at = copy;
    return 0;
}

static int read_texts(struct config_reader *r, const struct config_key *key, struct config_texts *at,
                      const struct toml_value *v)
{
    if (v->kind != TOML_ARRAY)
        return expected(r, key, v, "a list of strings");
    size_t n = toml_count(v);
    if (n > CONFIG_LIST_MAX)
        return config_fail(r, v->line, v->column, "%s: expected at most %d items, found %zu", key->path,
                           CONFIG_LIST_MAX, n);
    const char **items = arena_alloc(r->arena, (n ? n : 1) * sizeof *items);
    if (!items)
        return error_nomem(r->err);
    for (size_t i = 0; i < n; i++) {
        const char *text;
        int rc = check_text(r, key, toml_item(v, i), &text);
        if (rc)
            return rc;
        if (!(items[i] = arena_strndup(r->arena, text, strlen(text))))
            return error_nomem(r->err);
    }
    *at = (struct config_texts){items, n};
    return 0;
}

static int read_tables(struct config_reader *r, const struct config_key *key, void *base, const struct toml_value *v)
{
    if (v->kind != TOML_ARRAY)
        return expected(r, key, v, "a list of tables");
    size_t n = toml_count(v);
    if (n > CONFIG_TABLES_MAX)
        return config_fail(r, v->line, v->column, "%s: expected at most %d tables, found %zu", key->path,
                           CONFIG_TABLES_MAX, n);
    char section[CONFIG_PATH_LENGTH];
    snprintf(section, sizeof section, "%s[]", key->path);
    char *items = arena_alloc(r->arena, n ? n * key->item_size : 1);
    if (!items)
        return error_nomem(r->err);
    for (size_t i = 0; i < n; i++) {
        const struct toml_value *item = toml_item(v, i);
        if (item->kind != TOML_TABLE)
            return expected(r, key, item, "a table");
        int rc = config_read_table(r, section, items + i * key->item_size, item);
        if (rc)
            return rc;
    }
    void *list = items;
    memcpy((char *)base + key->offset, &list, sizeof list);
    memcpy((char *)base + key->count_offset, &n, sizeof n);
    return 0;
}

int config_read_value(struct config_reader *r, const struct config_key *key, void *base, const struct toml_value *v)
{
    void *at = (char *)base + key->offset;
    const char *text;
    int rc, choice;
    switch (key->type) {
    case CONFIG_BOOL:
        if (v->kind != TOML_BOOL)
            return expected(r, key, v, toml_kind_name(TOML_BOOL));
        *(int *)at = v->boolean;
        return 0;
    case CONFIG_INT:
    case CONFIG_BYTES:
    case CONFIG_REAL:
        return read_number(r, key, at, v);
    case CONFIG_CHOICE:
        if ((rc = check_text(r, key, v, &text)))
            return rc;
        if ((choice = choice_of(key->choices, text)) < 0)
            return wrong_choice(r, key, v);
        *(int *)at = choice;
        return 0;
    case CONFIG_TEXT:
    case CONFIG_PATH:
    case CONFIG_MODEL:
        return read_text(r, key, at, v);
    case CONFIG_TEXTS:
        return read_texts(r, key, at, v);
    case CONFIG_TABLES:
        return read_tables(r, key, base, v);
    case CONFIG_OTHER:
        return 0;
    case CONFIG_FOREIGN:
        config_warn(r, v->line, v->column, "%s: this program does not have that engine; its voices are left out",
                    key->path);
        return 0;
    }
    return 0;
}
