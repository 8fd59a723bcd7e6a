/* JSON as a safetensors header needs it, word by word: strings, whole numbers, and passing over the
 * rest. It allocates nothing but unescaped strings, from an arena, and so neither grows with what a
 * header holds nor falls over when memory runs out. RFC 8259; the text must be valid UTF-8. */
#ifndef ISHOW_CKPT_JSON_SCAN_H
#define ISHOW_CKPT_JSON_SCAN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

#define JSON_MAX_DEPTH 4 /* {name: {"shape": [ and one to spare */

struct json_scan {
    const char *text;
    size_t len, at;
    struct arena *arena;
    const char *what; /* "the safetensors header", for sentences */
    struct error *err;
};

/* The next byte that is no blank, not passed; -1 at the end. */
int scan_peek(struct json_scan *s);

/* Passes the byte c after blanks; anything else is E_FORMAT. */
int scan_expect(struct json_scan *s, char c);

/* In a list or an object after its opening: 1 when another item follows (then at it, the comma
 * passed), 0 when it is closed (the bracket passed), or an error. `first` for the first call. */
int scan_more(struct json_scan *s, char close, int first);

int scan_string(struct json_scan *s, struct slice *ret);

/* A number that is whole and >= 0: 0 and *ret. Any other value: 1, not passed. */
int scan_whole(struct json_scan *s, int64_t *ret);

/* Passes a value of any kind, of which the innermost lies at most JSON_MAX_DEPTH deep. */
int scan_skip(struct json_scan *s, int depth);

int scan_damaged(struct json_scan *s); /* E_FORMAT at the current byte */

#endif
