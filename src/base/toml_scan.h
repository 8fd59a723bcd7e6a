/* The words of TOML: line ends, comments, strings, numbers, dates. Internal to toml.c and toml_scan.c. */
#ifndef ISHOW_BASE_TOML_SCAN_H
#define ISHOW_BASE_TOML_SCAN_H

#include "base/arena.h"
#include "base/toml.h"

struct toml_scan {
    const char *text; /* valid UTF-8 */
    size_t len, at;
    int line;          /* of `at`, from 1 */
    size_t line_start; /* its first byte */
    size_t counted_at; /* up to here toml_column has counted ... */
    int counted;       /* ... so many characters from the line's start */
    enum toml_version version;
    struct arena *arena;
    struct error *err;
};

/* "line L, column C: ..." for the place `at`, which must be on the current line. Returns `code`. */
__attribute__((format(printf, 4, 5))) int toml_fail(struct toml_scan *s, int code, size_t at, const char *fmt,
                                                    ...);

/* Of the byte `at` on the current line. Quick when asked for ever later places, however long the line. */
int toml_column(struct toml_scan *s, size_t at);

static inline int toml_peek(const struct toml_scan *s, size_t ahead)
{
    return s->at + ahead < s->len ? (unsigned char)s->text[s->at + ahead] : -1;
}

void toml_skip_blanks(struct toml_scan *s); /* spaces and tabs */

/* Each returns 1 when there was one and it is passed, 0 when not, or an error. */
int toml_skip_newline(struct toml_scan *s);
int toml_skip_comment(struct toml_scan *s); /* up to the end of its line */

/* Blanks, comments and newlines, as many as there are. */
int toml_skip_lines(struct toml_scan *s);

/* At a quote: "basic", 'literal' and, if `multiline`, their triple forms. */
int toml_scan_string(struct toml_scan *s, int multiline, struct slice *ret);

/* At anything else that is a value without parts: true, false, numbers, dates, times. */
int toml_scan_plain(struct toml_scan *s, struct toml_value *ret);

#endif
