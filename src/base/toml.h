/* TOML 1.0 and 1.1 (toml.io), parsed into a tree that remembers where everything stood, so that
 * whoever reads a setting can say "line 12, column 9" when its value makes no sense.
 *
 *     struct toml_doc *doc;
 *     if (toml_parse(text, len, TOML_1_1, &doc, err)) ...
 *     const struct toml_value *server = toml_get(toml_root(doc), "server"), *port = toml_get(server, "port");
 *     int64_t n = 8080;
 *     if (port && toml_int(port, &n, err)) ...
 *     toml_free(doc);
 *
 * The tree owns copies of everything; the text may go once it is parsed. */
#ifndef ISHOW_BASE_TOML_H
#define ISHOW_BASE_TOML_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

#define TOML_MAX_BYTES  (4u << 20)
#define TOML_MAX_DEPTH  128    /* tables and arrays inside each other; each part of a.b.c is a level */
#define TOML_MAX_VALUES 262144 /* keys and array items together */

enum toml_version { TOML_1_0, TOML_1_1 };

enum toml_kind { TOML_TABLE, TOML_ARRAY, TOML_STRING, TOML_INT, TOML_FLOAT, TOML_BOOL, TOML_DATETIME };

/* Date and time, either alone, or both with or without an offset from UTC. Always a real day. */
struct toml_datetime {
    int has_date, has_time, has_offset;
    int year, month, day;
    int hour, minute, second; /* 60 in a leap second */
    int nanosecond;           /* finer digits are cut off */
    int offset_minutes;       /* east of UTC */
};

struct toml_table;
struct toml_array;

struct toml_value {
    enum toml_kind kind;
    int line, column; /* where it begins, from 1; columns count characters */
    union {
        struct slice string; /* UTF-8, '\0' after the end; may hold U+0000 itself */
        int64_t integer;
        double real;
        int boolean;
        const struct toml_datetime *datetime;
        struct toml_table *table;
        struct toml_array *array;
    };
};

/* A key with its value; `next` goes in the order of the text. */
struct toml_entry {
    struct slice key; /* '\0' after the end; may be empty */
    int line, column;
    struct toml_value value;
    struct toml_entry *next;
    struct toml_entry *chain; /* of the index */
    const struct toml_table *owner;
    uint32_t hash;
};

struct toml_array {
    struct toml_value *items;
    size_t count, cap;
    int of_tables; /* made by [[headers]] */
};

struct toml_doc;

/* E_FORMAT with "line 3, column 7: ..." for what is no TOML of that version; E_LIMIT; E_NOMEM. */
int toml_parse(const char *text, size_t len, enum toml_version version, struct toml_doc **ret,
               struct error *err);
void toml_free(struct toml_doc *doc); /* accepts NULL */

const struct toml_value *toml_root(const struct toml_doc *doc); /* a table */

/* NULL when `table` is NULL or no table, or has no such key. */
const struct toml_value *toml_get(const struct toml_value *table, const char *key);
const struct toml_entry *toml_find(const struct toml_value *table, struct slice key);

/* The entries of a table, in the order of the text: for (e = toml_first(t); e; e = e->next). NULL
 * when it is empty or no table. */
const struct toml_entry *toml_first(const struct toml_value *table);
size_t toml_count(const struct toml_value *v); /* entries of a table, items of an array, otherwise 0 */
const struct toml_value *toml_item(const struct toml_value *array, size_t i); /* NULL past the end */

/* The value as a type; any other kind is E_FORMAT with place, kind expected and kind found. A float
 * may be written as a whole number. toml_text refuses U+0000: what it gives is a C string. */
int toml_int(const struct toml_value *v, int64_t *ret, struct error *err);
int toml_float(const struct toml_value *v, double *ret, struct error *err);
int toml_bool(const struct toml_value *v, int *ret, struct error *err);
int toml_text(const struct toml_value *v, const char **ret, struct error *err);

const char *toml_kind_name(enum toml_kind k); /* "a string", "a whole number" ... */

#endif
