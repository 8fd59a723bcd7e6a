/* See toml.h. Recursive descent over toml_scan.h's words.
 *
 * A table remembers how it came to be, because that decides who may still add to it: a header may
 * define a table once, also one that deeper headers have implied; dotted keys may go on adding to
 * what dotted keys made, never to what a header did; inline tables and their arrays are closed. */
#include "base/toml.h"

#include "base/toml_tree.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

/* -------- keys -------- */

static int is_bare(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static struct toml_part place_of(struct toml_scan *s)
{
    return (struct toml_part){.line = s->line, .column = toml_column(s, s->at)};
}

static int scan_part(struct toml_scan *s, struct toml_part *ret)
{
    int c = toml_peek(s, 0);
    *ret = place_of(s);
    if (c == '"' || c == '\'')
        return toml_scan_string(s, 0, &ret->key);
    size_t n = 0;
    while (is_bare(toml_peek(s, n)))
        n++;
    if (n == 0)
        return toml_fail(s, E_FORMAT, s->at,
                         "expected a key of letters, digits, '_' and '-', or a quoted one");
    const char *key = arena_strndup(s->arena, s->text + s->at, n);
    if (!key)
        return error_nomem(s->err);
    ret->key = (struct slice){key, n};
    s->at += n;
    return 0;
}

/* part . part . part, with the blanks around them. */
static int scan_path(struct toml_scan *s, struct toml_part parts[TOML_MAX_DEPTH], size_t *ret_n)
{
    size_t n = 0;
    for (;;) {
        if (n == TOML_MAX_DEPTH)
            return toml_fail(s, E_LIMIT, s->at, "a key of more than %d parts", TOML_MAX_DEPTH);
        toml_skip_blanks(s);
        int rc = scan_part(s, &parts[n++]);
        if (rc)
            return rc;
        toml_skip_blanks(s);
        if (toml_peek(s, 0) != '.')
            break;
        s->at++;
    }
    *ret_n = n;
    return 0;
}

static int part_fail(struct toml_parser *p, const struct toml_part *part, const char *what)
{
    int n = (int)utf8_floor(part->key.ptr, part->key.len < 60 ? part->key.len : 60);
    for (int i = 0; i < n; i++)
        if ((unsigned char)part->key.ptr[i] < 0x20) /* escapes can put a newline into a key */
            return error_set(p->scan.err, E_FORMAT, "line %d, column %d: this key %s", part->line,
                             part->column, what);
    return error_set(p->scan.err, E_FORMAT, "line %d, column %d: key \"%.*s\" %s", part->line, part->column,
                     n, part->key.ptr, what);
}

/* From `t` down through the parts of a dotted key but the last; tables that are missing are made. */
static int enter_dotted(struct toml_parser *p, struct toml_table **t, const struct toml_part *parts, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++) {
        struct toml_entry *e = toml_table_find(*t, parts[i].key);
        if (!e) {
            int rc = toml_add_entry(p, *t, &parts[i], &e);
            if (!rc)
                rc = toml_make_table(p, DOTTED, (*t)->depth + 1, &parts[i], &e->value);
            if (rc)
                return rc;
        }
        if (e->value.kind != TOML_TABLE)
            return part_fail(p, &parts[i], "has a value already, which is no table");
        *t = e->value.table;
        if ((*t)->state == DEFINED)
            return part_fail(p, &parts[i], "is a table with a [header]; dotted keys cannot add to it");
        if ((*t)->state == INLINE)
            return part_fail(p, &parts[i], "is an inline table; nothing can be added to it");
        (*t)->state = DOTTED;
    }
    return 0;
}

/* -------- values -------- */

static int scan_value(struct toml_parser *p, int depth, struct toml_value *ret);

/* key = value, up to the end of the value. */
static int scan_pair(struct toml_parser *p, struct toml_table *t)
{
    struct toml_part parts[TOML_MAX_DEPTH];
    struct toml_entry *e = NULL;
    size_t n = 0;
    int rc = scan_path(&p->scan, parts, &n);
    if (rc)
        return rc;
    if (toml_peek(&p->scan, 0) != '=')
        return toml_fail(&p->scan, E_FORMAT, p->scan.at, "expected '=' after the key");
    p->scan.at++;
    rc = enter_dotted(p, &t, parts, n);
    if (rc)
        return rc;
    if (toml_table_find(t, parts[n - 1].key))
        return part_fail(p, &parts[n - 1], "is given twice");
    rc = toml_add_entry(p, t, &parts[n - 1], &e);
    if (rc)
        return rc;
    toml_skip_blanks(&p->scan);
    return scan_value(p, t->depth + 1, &e->value);
}

static int scan_array(struct toml_parser *p, int depth, struct toml_value *ret)
{
    struct toml_scan *s = &p->scan;
    struct toml_part at = place_of(s);
    int rc = toml_make_array(p, &at, ret);
    if (rc)
        return rc;
    s->at++;
    for (;;) {
        struct toml_value item = {0};
        rc = toml_skip_lines(s);
        if (rc)
            return rc;
        if (toml_peek(s, 0) == ']')
            break;
        rc = scan_value(p, depth + 1, &item);
        if (!rc)
            rc = toml_array_push(p, ret->array, &item);
        if (!rc)
            rc = toml_skip_lines(s);
        if (rc)
            return rc;
        if (toml_peek(s, 0) == ',')
            s->at++;
        else if (toml_peek(s, 0) != ']')
            return toml_fail(s, E_FORMAT, s->at, "expected ',' or ']' in the array of line %d", at.line);
    }
    s->at++;
    return 0;
}

/* What may stand between the parts of an inline table: since 1.1 also newlines and comments. */
static int skip_inline(struct toml_scan *s)
{
    if (s->version >= TOML_1_1)
        return toml_skip_lines(s);
    toml_skip_blanks(s);
    return 0;
}

static int scan_inline_table(struct toml_parser *p, int depth, struct toml_value *ret)
{
    struct toml_scan *s = &p->scan;
    struct toml_part at = place_of(s);
    int rc = toml_make_table(p, DEFINED, depth, &at, ret);
    if (rc)
        return rc;
    s->at++;
    rc = skip_inline(s);
    if (rc)
        return rc;
    for (int first = 1; toml_peek(s, 0) != '}' || (!first && s->version < TOML_1_1); first = 0) {
        rc = scan_pair(p, ret->table);
        if (!rc)
            rc = skip_inline(s);
        if (rc)
            return rc;
        if (toml_peek(s, 0) == '}')
            break;
        if (toml_peek(s, 0) != ',')
            return toml_fail(s, E_FORMAT, s->at, "expected ',' or '}' in the inline table of line %d",
                             at.line);
        s->at++;
        rc = skip_inline(s);
        if (rc)
            return rc;
    }
    s->at++;
    ret->table->state = INLINE;
    return 0;
}

static int scan_value(struct toml_parser *p, int depth, struct toml_value *ret)
{
    struct toml_scan *s = &p->scan;
    if (depth > TOML_MAX_DEPTH)
        return toml_fail(s, E_LIMIT, s->at, "nested deeper than %d levels", TOML_MAX_DEPTH);
    int c = toml_peek(s, 0);
    if (c == '[')
        return scan_array(p, depth, ret);
    if (c == '{')
        return scan_inline_table(p, depth, ret);
    struct toml_part at = place_of(s);
    ret->line = at.line;
    ret->column = at.column;
    if (c != '"' && c != '\'')
        return toml_scan_plain(s, ret);
    ret->kind = TOML_STRING;
    return toml_scan_string(s, 1, &ret->string);
}

/* -------- headers -------- */

/* The table that a header's parts but the last lead to; in an array of tables, its latest one. */
static int enter_header(struct toml_parser *p, struct toml_table **t, const struct toml_part *parts, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++) {
        struct toml_entry *e = toml_table_find(*t, parts[i].key);
        if (!e) {
            int rc = toml_add_entry(p, *t, &parts[i], &e);
            if (!rc)
                rc = toml_make_table(p, IMPLIED, (*t)->depth + 1, &parts[i], &e->value);
            if (rc)
                return rc;
        }
        struct toml_value v = e->value;
        if (v.kind == TOML_ARRAY && v.array->of_tables)
            v = v.array->items[v.array->count - 1];
        if (v.kind != TOML_TABLE)
            return part_fail(p, &parts[i], "has a value already, which is no table");
        if (v.table->state == INLINE)
            return part_fail(p, &parts[i], "is an inline table; nothing can be added to it");
        *t = v.table;
    }
    return 0;
}

/* [table] */
static int open_table(struct toml_parser *p, struct toml_table **t, const struct toml_part *part)
{
    struct toml_entry *e = toml_table_find(*t, part->key);
    if (!e) {
        int rc = toml_add_entry(p, *t, part, &e);
        if (!rc)
            rc = toml_make_table(p, DEFINED, (*t)->depth + 1, part, &e->value);
        if (!rc)
            *t = e->value.table;
        return rc;
    }
    if (e->value.kind != TOML_TABLE)
        return part_fail(p, part, "has a value already, which is no table");
    if (e->value.table->state != IMPLIED)
        return part_fail(p, part, "is a table already");
    *t = e->value.table;
    (*t)->state = DEFINED;
    e->line = e->value.line = part->line; /* where a reader would look for it */
    e->column = e->value.column = part->column;
    return 0;
}

/* [[array of tables]] */
static int open_item(struct toml_parser *p, struct toml_table **t, const struct toml_part *part)
{
    int rc;
    struct toml_value item = {0};
    struct toml_entry *e = toml_table_find(*t, part->key);
    if (!e) {
        rc = toml_add_entry(p, *t, part, &e);
        if (!rc)
            rc = toml_make_array(p, part, &e->value);
        if (rc)
            return rc;
        e->value.array->of_tables = 1;
    }
    if (e->value.kind != TOML_ARRAY || !e->value.array->of_tables)
        return part_fail(p, part, "is no array of tables");
    rc = toml_make_table(p, DEFINED, (*t)->depth + 1, part, &item);
    if (!rc)
        rc = toml_array_push(p, e->value.array, &item);
    if (!rc)
        *t = item.table;
    return rc;
}

static int scan_header(struct toml_parser *p, struct toml_table **current)
{
    struct toml_scan *s = &p->scan;
    struct toml_part parts[TOML_MAX_DEPTH];
    size_t n = 0, brackets = toml_peek(s, 1) == '[' ? 2 : 1;
    s->at += brackets;
    int rc = scan_path(s, parts, &n);
    if (rc)
        return rc;
    for (size_t i = 0; i < brackets; i++, s->at++)
        if (toml_peek(s, 0) != ']')
            return toml_fail(s, E_FORMAT, s->at, "expected %s after the table's name",
                             brackets == 2 ? "]]" : "]");
    struct toml_table *t = p->doc->root.table;
    rc = enter_header(p, &t, parts, n);
    if (!rc)
        rc = brackets == 2 ? open_item(p, &t, &parts[n - 1]) : open_table(p, &t, &parts[n - 1]);
    if (!rc)
        *current = t;
    return rc;
}

static int scan_document(struct toml_parser *p)
{
    struct toml_scan *s = &p->scan;
    struct toml_part start = {.line = 1, .column = 1};
    int rc = toml_make_table(p, DEFINED, 0, &start, &p->doc->root);
    if (rc)
        return rc;
    struct toml_table *t = p->doc->root.table;
    if (s->len >= 3 && memcmp(s->text, "\xEF\xBB\xBF", 3) == 0)
        s->at = s->line_start = 3;
    for (;;) {
        rc = toml_skip_lines(s);
        if (rc || s->at == s->len)
            return rc;
        rc = toml_peek(s, 0) == '[' ? scan_header(p, &t) : scan_pair(p, t);
        if (rc)
            return rc;
        toml_skip_blanks(s);
        rc = toml_skip_comment(s);
        if (rc >= 0)
            rc = toml_skip_newline(s);
        if (rc < 0)
            return rc;
        if (rc == 0 && s->at != s->len)
            return toml_fail(s, E_FORMAT, s->at, "expected the end of the line");
    }
}

int toml_parse(const char *text, size_t len, enum toml_version version, struct toml_doc **ret,
               struct error *err)
{
    if (len > TOML_MAX_BYTES)
        return error_set(err, E_LIMIT, "%zu bytes of TOML, the limit is %u", len, TOML_MAX_BYTES);
    struct toml_doc *doc = calloc(1, sizeof *doc);
    if (!doc)
        return error_nomem(err);
    size_t valid = utf8_valid_prefix(text, len);
    struct toml_parser p = {
        .doc = doc,
        .scan = {.text = text, .len = len, .line = 1, .version = version, .arena = &doc->arena, .err = err}};
    int rc;
    if (valid < len) {
        for (size_t i = 0; i < valid; i++)
            if (text[i] == '\n') {
                p.scan.line++;
                p.scan.line_start = i + 1;
            }
        rc = toml_fail(&p.scan, E_FORMAT, valid, "this is not UTF-8");
    } else {
        rc = scan_document(&p);
    }
    if (rc) {
        toml_free(doc);
        return rc;
    }
    *ret = doc;
    return 0;
}
