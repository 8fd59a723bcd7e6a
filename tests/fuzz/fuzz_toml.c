/* TOML from strangers, as both versions: every value has a place, texts are UTF-8, and what is TOML
 * 1.0 is TOML 1.1. */
#include "base/toml.h"
#include "base/utf8.h"

#include <stdlib.h>

#define INPUT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct slice s)
{
    if (s.ptr[s.len] != '\0' || utf8_valid_prefix(s.ptr, s.len) != s.len)
        abort();
}

static void walk(const struct toml_value *v)
{
    if (v->line < 1 || v->column < 1)
        abort();
    if (v->kind == TOML_STRING)
        check_text(v->string);
    for (size_t i = 0; v->kind == TOML_ARRAY && i < toml_count(v); i++)
        walk(toml_item(v, i));
    size_t n = 0;
    for (const struct toml_entry *e = toml_first(v); e; e = e->next, n++) {
        check_text(e->key);
        if (toml_find(v, e->key) != e || e->line < 1 || e->column < 1)
            abort();
        walk(&e->value);
    }
    if (v->kind == TOML_TABLE && n != toml_count(v))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err;
    if (size > INPUT_MAX)
        return 0;
    int sound[2];
    for (int i = 0; i < 2; i++) {
        struct toml_doc *doc = NULL;
        sound[i] = !toml_parse((const char *)data, size, i ? TOML_1_1 : TOML_1_0, &doc, &err);
        if (sound[i])
            walk(toml_root(doc));
        toml_free(doc);
    }
    if (sound[0] && !sound[1])
        abort();
    return 0;
}
