/* The tree that toml.c fills: tables, arrays, and the index over (table, key). Internal to the parser. */
#ifndef ISHOW_BASE_TOML_TREE_H
#define ISHOW_BASE_TOML_TREE_H

#include "base/toml_scan.h"

enum toml_table_state {
    IMPLIED, /* by a deeper [header] */
    DEFINED, /* by its own [header], or the root */
    DOTTED,  /* by a dotted key */
    INLINE,
};

struct toml_table {
    const struct toml_doc *doc;
    struct toml_entry *first, *last;
    size_t count;
    enum toml_table_state state;
    int depth;
};

struct toml_doc {
    struct arena arena;
    struct toml_value root;
    struct toml_entry **buckets; /* a power of two of them, or none */
    size_t bucket_count, entry_count;
    size_t value_count;
};

struct toml_part { /* of a dotted key */
    struct slice key;
    int line, column;
};

struct toml_parser {
    struct toml_scan scan;
    struct toml_doc *doc;
};

/* NULL when the table has no such key. */
struct toml_entry *toml_table_find(const struct toml_table *t, struct slice key);

/* A new entry at the end of `t`, which has no such key yet; its value is still to be filled in. */
int toml_add_entry(struct toml_parser *p, struct toml_table *t, const struct toml_part *part,
                   struct toml_entry **ret);

int toml_make_table(struct toml_parser *p, enum toml_table_state state, int depth, const struct toml_part *at,
                    struct toml_value *ret);
int toml_make_array(struct toml_parser *p, const struct toml_part *at, struct toml_value *ret);
int toml_array_push(struct toml_parser *p, struct toml_array *a, const struct toml_value *v);

#endif
