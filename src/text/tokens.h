/* From text to the model's tokens: jieba segmentation and pinyin.
 *
 * Follows F5-TTS convert_char_to_pinyin (1.1.x, rjieba + pypinyin TONE3 with tone sandhi): a token is
 * one character or one whole syllable such as "ni3". vocab.h turns it into the model's number. */
#ifndef ISHOW_TEXT_TOKENS_H
#define ISHOW_TEXT_TOKENS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "text/vocab.h"

#define TEXT_MAX_BYTES 65536 /* of one text given to tokens_split; longer is E_LIMIT */

struct tokens {
    struct slice *items; /* in the arena or in static memory; never into `text` */
    size_t count;
};

/* Splits valid UTF-8 into tokens. E_FORMAT with the byte offset on invalid UTF-8. */
int tokens_split(const char *text, size_t len, struct arena *arena, struct tokens *ret,
                 struct error *err);

#endif
