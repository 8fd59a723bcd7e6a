/* See toml_tree.h. Everything but the index lives in the document's arena; arrays double in place
 * of growing, so an item's address holds only once its array is complete. */
#include "base/toml_tree.h"

#include <stdlib.h>
#include <string.h>

static uint32_t hash_key(const struct toml_table *t, struct slice key)
{
    uint64_t h = 1469598103934665603u ^ (uintptr_t)t; /* FNV-1a */
    for (size_t i = 0; i < key.len; i++)
        h = (h ^ (unsigned char)key.ptr[i]) * 1099511628211u;
    return (uint32_t)(h ^ h >> 32);
}

struct toml_entry *toml_table_find(const struct toml_table *t, struct slice key)
{
    const struct toml_doc *doc = t->doc;
    if (doc->bucket_count == 0)
        return NULL;
    uint32_t h = hash_key(t, key);
    for (struct toml_entry *e = doc->buckets[h & (doc->bucket_count - 1)]; e; e = e->chain)
        if (e->hash == h && e->owner == t && slice_eq(e->key, key))
            return e;
    return NULL;
}

static int grow_index(struct toml_doc *doc)
{
    size_t count = doc->bucket_count ? doc->bucket_count * 2 : 64;
    struct toml_entry **buckets = calloc(count, sizeof *buckets);
    if (!buckets)
        return E_NOMEM;
    for (size_t i = 0; i < doc->bucket_count; i++)
        for (struct toml_entry *e = doc->buckets[i], *next; e; e = next) {
            next = e->chain;
            e->chain = buckets[e->hash & (count - 1)];
            buckets[e->hash & (count - 1)] = e;
        }
    free(doc->buckets);
    doc->buckets = buckets;
    doc->bucket_count = count;
    return 0;
}

static int count_value(struct toml_parser *p)
{
    if (p->doc->value_count++ == TOML_MAX_VALUES)
        return toml_fail(&p->scan, E_LIMIT, p->scan.at, "more than %d values", TOML_MAX_VALUES);
    return 0;
}

int toml_add_entry(struct toml_parser *p, struct toml_table *t, const struct toml_part *part,
                   struct toml_entry **ret)
{
    struct toml_doc *doc = p->doc;
    int rc = count_value(p);
    if (rc)
        return rc;
    if (doc->entry_count >= doc->bucket_count && grow_index(doc))
        return error_nomem(p->scan.err);
    struct toml_entry *e = arena_alloc(&doc->arena, sizeof *e);
    if (!e)
        return error_nomem(p->scan.err);
    e->key = part->key;
    e->line = part->line;
    e->column = part->column;
    e->owner = t;
    e->hash = hash_key(t, part->key);
    struct toml_entry **bucket = &doc->buckets[e->hash & (doc->bucket_count - 1)];
    e->chain = *bucket;
    *bucket = e;
    doc->entry_count++;
    if (t->last)
        t->last->next = e;
    else
        t->first = e;
    t->last = e;
    t->count++;
    *ret = e;
    return 0;
}

int toml_make_table(struct toml_parser *p, enum toml_table_state state, int depth, const struct toml_part *at,
                    struct toml_value *ret)
{
    if (depth > TOML_MAX_DEPTH)
        return toml_fail(&p->scan, E_LIMIT, p->scan.at, "nested deeper than %d levels", TOML_MAX_DEPTH);
    struct toml_table *t = arena_alloc(&p->doc->arena, sizeof *t);
    if (!t)
        return error_nomem(p->scan.err);
    t->doc = p->doc;
    t->state = state;
    t->depth = depth;
    *ret = (struct toml_value){.kind = TOML_TABLE, .line = at->line, .column = at->column, .table = t};
    return 0;
}

int toml_make_array(struct toml_parser *p, const struct toml_part *at, struct toml_value *ret)
{
    struct toml_array *a = arena_alloc(&p->doc->arena, sizeof *a);
    if (!a)
        return error_nomem(p->scan.err);
    *ret = (struct toml_value){.kind = TOML_ARRAY, .line = at->line, .column = at->column, .array = a};
    return 0;
}

int toml_array_push(struct toml_parser *p, struct toml_array *a, const struct toml_value *v)
{
    int rc = count_value(p);
    if (rc)
        return rc;
    if (a->count == a->cap) {
        size_t cap = a->cap ? a->cap * 2 : 4;
        struct toml_value *items = arena_alloc(&p->doc->arena, cap * sizeof *items);
        if (!items)
            return error_nomem(p->scan.err);
        if (a->count)
            memcpy(items, a->items, a->count * sizeof *items);
        a->items = items;
        a->cap = cap;
    }
    a->items[a->count++] = *v;
    return 0;
}

void toml_free(struct toml_doc *doc)
{
    if (!doc)
        return;
    free(doc->buckets);
    arena_release(&doc->arena);
    free(doc);
}

const struct toml_value *toml_root(const struct toml_doc *doc)
{
    return &doc->root;
}

const struct toml_entry *toml_find(const struct toml_value *table, struct slice key)
{
    return table && table->kind == TOML_TABLE ? toml_table_find(table->table, key) : NULL;
}

const struct toml_entry *toml_first(const struct toml_value *table)
{
    return table && table->kind == TOML_TABLE ? table->table->first : NULL;
}

size_t toml_count(const struct toml_value *v)
{
    if (!v)
        return 0;
    return v->kind == TOML_TABLE ? v->table->count : v->kind == TOML_ARRAY ? v->array->count : 0;
}
