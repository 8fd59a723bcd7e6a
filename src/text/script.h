/* Which language a piece of text is in, as far as its script tells. */
#ifndef ISHOW_TEXT_SCRIPT_H
#define ISHOW_TEXT_SCRIPT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

struct script_run {
    struct slice text;
    char lang[8]; /* "en", "zh", "ja", "ko", "ru", "ar", "hi", … ; "en" for Latin and for nothing */
};
struct script_runs {
    struct script_run *items; /* in the arena */
    size_t count;
};

/* Splits valid UTF-8 into maximal runs of one language; digits, spaces and punctuation go with what
 * stands before them. Han beside kana is Japanese, otherwise Chinese. Runs with nothing to speak
 * (punctuation only) are joined to a neighbour; a text with nothing to speak gives no run. */
int script_split(const char *text, size_t len, struct arena *arena, struct script_runs *ret,
                 struct error *err);

#endif
