/* Long texts into pieces that the model can speak in one go. */
#ifndef ISHOW_TEXT_CHUNKS_H
#define ISHOW_TEXT_CHUNKS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#define CHUNKS_MAX_BYTES (1u << 20) /* of one text; longer is E_LIMIT */

/* What chunks_take leaves together: two seconds of English or Chinese. The model babbles on less, or is mute. */
#define CHUNKS_LEAST_BYTES 30

struct chunks {
    struct slice *items; /* in the arena; stripped of outer whitespace, none empty */
    size_t count;
};

/* F5-TTS chunk_text: splits valid UTF-8 after ;:,.!? + whitespace and after ；：，。！？, then packs
 * greedily into pieces of at most max_bytes UTF-8 bytes, sentences that end in an ASCII character
 * parted by a space. One difference: a sentence that is longer than max_bytes by itself, which
 * upstream passes whole, is cut at the last space, else at a character. A max_bytes under UTF8_MAX
 * counts as UTF8_MAX, so that every character fits. E_FORMAT with the byte offset on invalid UTF-8.
 * A text without anything but whitespace has no chunks. */
int chunks_split(const char *text, size_t len, size_t max_bytes, struct arena *arena,
                 struct chunks *ret, struct error *err);

/* Takes the next chunk off `rest`, valid UTF-8 without outer white space, for speech that is heard while it is made:
 * about `want` bytes of it, at most max_bytes. It is cut after punctuation as above, else at a space, else beside a
 * Chinese or Japanese character, always the last such place within `want`; where there is none, at the first one
 * behind. Neither the chunk nor what is left has less than CHUNKS_LEAST_BYTES, unless all of it has or max_bytes asks
 * for it. The chunk is a part of `rest`, stripped; `rest` is what is left, stripped, and empty after the last. */
struct slice chunks_take(struct slice *rest, size_t want, size_t max_bytes);

#endif
