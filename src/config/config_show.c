/* A configuration back into words: all that is in force, and what of a new one has to wait. See config.h. */
#include "config/config_schema.h"

#include <stdio.h>
#include <string.h>

static int add_string(struct buf *out, const char *s)
{
    int rc = buf_add_char(out, '"');
    for (; *s && !rc; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            rc = buf_addf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            rc = buf_addf(out, "\\u%04x", c);
        else
            rc = buf_add_char(out, *s);
    }
    return rc ? rc : buf_add_char(out, '"');
}

static int add_texts(struct buf *out, const struct config_texts *list)
{
    int rc = buf_add_char(out, '[');
    for (size_t i = 0; i < list->count && !rc; i++)
        if (!i || !(rc = buf_add_str(out, ", ")))
            rc = add_string(out, list->items[i]);
    return rc ? rc : buf_add_char(out, ']');
}

static int add_choice(struct buf *out, const char *choices, int which)
{
    while (which-- > 0)
        choices += strcspn(choices, "|") + 1;
    return buf_addf(out, "\"%.*s\"", (int)strcspn(choices, "|"), choices);
}

static int add_value(struct buf *out, const struct config_key *key, const void *at)
{
    switch (key->type) {
    case CONFIG_BOOL:
        return buf_add_str(out, *(const int *)at ? "true" : "false");
    case CONFIG_INT:
        return buf_addf(out, "%d", *(const int *)at);
    case CONFIG_BYTES:
        return buf_addf(out, "%lld", (long long)*(const int64_t *)at);
    case CONFIG_REAL:
        return buf_addf(out, "%.15g", *(const double *)at);
    case CONFIG_CHOICE:
        return add_choice(out, key->choices, *(const int *)at);
    case CONFIG_TEXTS:
        return add_texts(out, at);
    default:
        return add_string(out, *(const char *const *)at);
    }
}

static int is_text(const struct config_key *key)
{
    return key->type == CONFIG_TEXT || key->type == CONFIG_PATH || key->type == CONFIG_MODEL;
}

/* "name = value", or nothing for what is not there. */
static int add_key(struct buf *out, const struct config_key *key, const void *base)
{
    const void *at = (const char *)base + key->offset;
    const char *dot = strrchr(key->path, '.'), *name = dot ? dot + 1 : key->path;
    int rc;
    if (key->type == CONFIG_OTHER || key->type == CONFIG_FOREIGN || key->type == CONFIG_TABLES)
        return 0;
    if (is_text(key) && !*(const char *const *)at)
        return 0;
    if (key->flags & CONFIG_SECRET)
        return buf_addf(out, "# %s is set\n", name);
    if ((rc = buf_addf(out, "%s = ", name)) || (rc = add_value(out, key, at)))
        return rc;
    return buf_add_char(out, '\n');
}

/* All [[key]]; an empty list only where the default is another. */
static int add_tables(struct buf *out, const struct config_key *key, const struct config *c)
{
    const char *items;
    size_t count, n = strlen(key->path);
    memcpy(&items, (const char *)c + key->offset, sizeof items);
    memcpy(&count, (const char *)c + key->count_offset, sizeof count);
    int rc = 0;
    for (size_t i = 0; i < count && !rc; i++) {
        rc = buf_addf(out, "\n[[%s]]\n", key->path);
        for (size_t j = 0; j < config_key_count && !rc; j++)
            if (strncmp(config_keys[j].path, key->path, n) == 0 && config_keys[j].path[n] == '[')
                rc = add_key(out, &config_keys[j], items + i * key->item_size);
    }
    return rc;
}

static int is_empty(const struct config_key *key, const struct config *c)
{
    size_t count;
    memcpy(&count, (const char *)c + key->count_offset, sizeof count);
    return count == 0;
}

/* A section's own keys come first, then its lists of tables, which would end it. */
static int add_section(struct buf *out, const struct config *c, const char *section, size_t n)
{
    int rc = n ? buf_addf(out, "\n[%.*s]\n", (int)n, section) : 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < config_key_count && !rc; i++) {
            const struct config_key *key = &config_keys[i];
            const char *dot = strrchr(key->path, '.');
            size_t m = dot ? (size_t)(dot - key->path) : 0;
            if (m != n || strncmp(key->path, section, n) != 0)
                continue;
            if (pass)
                rc = key->type == CONFIG_TABLES ? add_tables(out, key, c) : 0;
            else if (key->type == CONFIG_TABLES && key->standard && is_empty(key, c))
                rc = buf_addf(out, "%s = []\n", key->path + n + (n > 0));
            else
                rc = add_key(out, key, c);
        }
    return rc;
}

int config_describe(const struct config *c, struct buf *out)
{
    const char *last = "";
    size_t last_length = 0;
    int rc = add_section(out, c, "", 0);
    for (size_t i = 0; i < config_key_count && !rc; i++) {
        const char *path = config_keys[i].path, *dot = strrchr(path, '.');
        size_t n = dot ? (size_t)(dot - path) : 0;
        if (!n || strchr(path, '[') || (n == last_length && strncmp(path, last, n) == 0))
            continue;
        last = path;
        last_length = n;
        rc = add_section(out, c, path, n);
    }
    return rc;
}

static int same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static int same_value(const struct config_key *key, const struct config *a, const struct config *b)
{
    const void *x = (const char *)a + key->offset, *y = (const char *)b + key->offset;
    const struct config_texts *s = x, *t = y;
    switch (key->type) {
    case CONFIG_BOOL:
    case CONFIG_INT:
    case CONFIG_CHOICE:
        return *(const int *)x == *(const int *)y;
    case CONFIG_REAL:
        return *(const double *)x == *(const double *)y;
    case CONFIG_TEXT:
    case CONFIG_PATH:
    case CONFIG_MODEL:
        return same_text(*(const char *const *)x, *(const char *const *)y);
    case CONFIG_TEXTS:
        for (size_t i = 0; s->count == t->count && i < s->count; i++)
            if (strcmp(s->items[i], t->items[i]) != 0)
                return 0;
        return s->count == t->count;
    default:
        return 1; /* no other type has the flag */
    }
}

void config_need_restart(const struct config *old, const struct config *fresh, void (*fn)(void *user, const char *key),
                         void *user)
{
    for (size_t i = 0; i < config_key_count; i++)
        if ((config_keys[i].flags & CONFIG_AT_START) && !same_value(&config_keys[i], old, fresh))
            fn(user, config_keys[i].path);
}
