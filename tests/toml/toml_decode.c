/* TOML on stdin, toml-test's tagged JSON on stdout: the decoder that its runner asks for
 * (github.com/toml-lang/toml-test). What is no valid TOML gives a sentence on stderr and exit 1.
 * One argument, "1.0" or "1.1" (default), picks the version. */
#include "base/toml.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_string(struct slice s)
{
    putchar('"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < 0x20)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static void put_tagged(const char *type, const char *value)
{
    printf("{\"type\": \"%s\", \"value\": \"%s\"}", type, value);
}

static void put_datetime(const struct toml_datetime *d)
{
    char out[80];
    int n = 0, size = sizeof out, east = abs(d->offset_minutes);
    if (d->has_date)
        n += snprintf(out + n, (size_t)(size - n), "%04d-%02d-%02d", d->year, d->month, d->day);
    if (d->has_date && d->has_time)
        n += snprintf(out + n, (size_t)(size - n), "T");
    if (d->has_time)
        n += snprintf(out + n, (size_t)(size - n), "%02d:%02d:%02d", d->hour, d->minute, d->second);
    if (d->nanosecond)
        n += snprintf(out + n, (size_t)(size - n), ".%09d", d->nanosecond);
    if (d->has_offset && d->offset_minutes == 0)
        snprintf(out + n, (size_t)(size - n), "Z");
    else if (d->has_offset)
        snprintf(out + n, (size_t)(size - n), "%c%02d:%02d", d->offset_minutes < 0 ? '-' : '+', east / 60,
                 east % 60);
    put_tagged(d->has_offset  ? "datetime"
               : !d->has_time ? "date-local"
               : d->has_date  ? "datetime-local"
                              : "time-local",
               out);
}

static void put_value(const struct toml_value *v)
{
    char out[64];
    switch (v->kind) {
    case TOML_TABLE:
        putchar('{');
        for (const struct toml_entry *e = toml_first(v); e; e = e->next) {
            put_string(e->key);
            printf(": ");
            put_value(&e->value);
            if (e->next)
                printf(", ");
        }
        putchar('}');
        break;
    case TOML_ARRAY:
        putchar('[');
        for (size_t i = 0; i < toml_count(v); i++) {
            if (i)
                printf(", ");
            put_value(toml_item(v, i));
        }
        putchar(']');
        break;
    case TOML_STRING:
        printf("{\"type\": \"string\", \"value\": ");
        put_string(v->string);
        putchar('}');
        break;
    case TOML_INT:
        snprintf(out, sizeof out, "%lld", (long long)v->integer);
        put_tagged("integer", out);
        break;
    case TOML_FLOAT:
        snprintf(out, sizeof out, "%.17g", v->real);
        put_tagged("float", isnan(v->real) ? "nan" : out);
        break;
    case TOML_BOOL:
        put_tagged("bool", v->boolean ? "true" : "false");
        break;
    case TOML_DATETIME:
        put_datetime(v->datetime);
        break;
    }
}

int main(int argc, char **argv)
{
    struct error err;
    struct buf text = BUF_INIT;
    char chunk[4096];
    size_t n;
    while ((n = fread(chunk, 1, sizeof chunk, stdin)) > 0)
        if (buf_add(&text, chunk, n))
            return 2;
    struct toml_doc *doc;
    enum toml_version version = argc > 1 && strcmp(argv[1], "1.0") == 0 ? TOML_1_0 : TOML_1_1;
    struct slice s = buf_slice(&text);
    int rc = toml_parse(s.ptr, s.len, version, &doc, &err);
    buf_release(&text);
    if (rc) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    put_value(toml_root(doc));
    putchar('\n');
    toml_free(doc);
    return 0;
}
