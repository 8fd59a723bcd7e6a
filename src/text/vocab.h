/* vocab.txt: which number the model knows a token by. */
#ifndef ISHOW_TEXT_VOCAB_H
#define ISHOW_TEXT_VOCAB_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

#define VOCAB_MAX_LINES 1000000
#define VOCAB_MAX_BYTES (64u << 20) /* of the file; longer is E_LIMIT */

/* Line number = id, "\n" or "\r\n" after each (the last may go without), id 0 is the space and stands
 * for whatever is unknown. The last of several equal lines wins, as in the reference. E_FORMAT for an
 * empty file and for a line that is not UTF-8, E_LIMIT over the two limits above. */
struct vocab;
int vocab_open(const char *path, struct vocab **ret, struct error *err);
void vocab_free(struct vocab *v); /* accepts NULL */
int vocab_size(const struct vocab *v); /* lines, equal ones counted each */
int32_t vocab_id(const struct vocab *v, struct slice token); /* 0 if unknown */

#endif
