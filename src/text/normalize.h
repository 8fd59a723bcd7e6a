/* Written text into words that can be spoken: numbers, dates, times, money, units, emoji, links,
 * runs of the same thing. In the language of the sentence: English or Chinese, by script. */
#ifndef ISHOW_TEXT_NORMALIZE_H
#define ISHOW_TEXT_NORMALIZE_H

#include "base/buf.h"
#include "base/error.h"

#define NORMALIZE_MAX_BYTES 262144 /* of one text; longer is E_LIMIT */

/* Appends the spoken form of valid UTF-8 text[0, len) to out. May append nothing (a line of emoji
 * that are dropped). E_FORMAT on invalid UTF-8 with the offset. */
int text_normalize(const char *text, size_t len, struct buf *out, struct error *err);

#endif
