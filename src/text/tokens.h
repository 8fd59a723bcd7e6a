/* From text to the model's token ids: jieba segmentation, pinyin, vocabulary.
 *
 * Follows F5-TTS convert_char_to_pinyin (1.1.x, rjieba + pypinyin TONE3 with tone sandhi): a token is
 * one character or one whole syllable such as "ni3". */
#ifndef ISHOW_TEXT_TOKENS_H
#define ISHOW_TEXT_TOKENS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

#define VOCAB_MAX_LINES 1000000
#define TEXT_MAX_BYTES 65536 /* of one text given to tokens_split; longer is E_LIMIT */

/* vocab.txt: line number = id, "\n" or "\r\n" after each, id 0 is the space and stands for whatever is
 * unknown. The last of several equal lines wins, as in the reference. */
struct vocab;
int vocab_open(const char *path, struct vocab **ret, struct error *err);
void vocab_free(struct vocab *v); /* accepts NULL */
int vocab_size(const struct vocab *v);
int32_t vocab_id(const struct vocab *v, struct slice token); /* 0 if unknown */

struct tokens {
    struct slice *items; /* in the arena or in static memory */
    size_t count;
};

/* Splits valid UTF-8 into tokens. E_FORMAT with the byte offset on invalid UTF-8. */
int tokens_split(const char *text, size_t len, struct arena *arena, struct tokens *ret,
                 struct error *err);

#endif
