/* Questions to a parsed TOML tree: see the second half of toml.h. */
#include "base/toml.h"

#include <string.h>

const struct toml_value *toml_get(const struct toml_value *table, const char *key)
{
    const struct toml_entry *e = toml_find(table, slice_str(key));
    return e ? &e->value : NULL;
}

const struct toml_value *toml_item(const struct toml_value *array, size_t i)
{
    return array && array->kind == TOML_ARRAY && i < array->array->count ? &array->array->items[i] : NULL;
}

const char *toml_kind_name(enum toml_kind k)
{
    static const char *const names[] = {
        [TOML_TABLE] = "a table",           [TOML_ARRAY] = "an array", [TOML_STRING] = "a string",
        [TOML_INT] = "a whole number",      [TOML_FLOAT] = "a number", [TOML_BOOL] = "true or false",
        [TOML_DATETIME] = "a date or time",
    };
    return names[k];
}

static int wrong_kind(const struct toml_value *v, enum toml_kind want, struct error *err)
{
    return error_set(err, E_FORMAT, "line %d, column %d: expected %s, found %s", v->line, v->column,
                     toml_kind_name(want), toml_kind_name(v->kind));
}

int toml_int(const struct toml_value *v, int64_t *ret, struct error *err)
{
    if (v->kind != TOML_INT)
        return wrong_kind(v, TOML_INT, err);
    *ret = v->integer;
    return 0;
}

int toml_float(const struct toml_value *v, double *ret, struct error *err)
{
    if (v->kind == TOML_INT)
        *ret = (double)v->integer;
    else if (v->kind == TOML_FLOAT)
        *ret = v->real;
    else
        return wrong_kind(v, TOML_FLOAT, err);
    return 0;
}

int toml_bool(const struct toml_value *v, int *ret, struct error *err)
{
    if (v->kind != TOML_BOOL)
        return wrong_kind(v, TOML_BOOL, err);
    *ret = v->boolean;
    return 0;
}

int toml_text(const struct toml_value *v, const char **ret, struct error *err)
{
    if (v->kind != TOML_STRING)
        return wrong_kind(v, TOML_STRING, err);
    if (memchr(v->string.ptr, '\0', v->string.len))
        return error_set(err, E_FORMAT, "line %d, column %d: the text holds a NUL character", v->line,
                         v->column);
    *ret = v->string.ptr;
    return 0;
}
