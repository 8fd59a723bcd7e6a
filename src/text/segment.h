/* Text into words, as rjieba.cut does (the jieba-rs segmenter, version 0.11, its HMM on). */
#ifndef ISHOW_TEXT_SEGMENT_H
#define ISHOW_TEXT_SEGMENT_H

#include "base/arena.h"
#include "base/error.h"
#include "text/lexicon.h"

#include <stddef.h>
#include <stdint.h>

/* Cuts cps[0, n) into words. ret_ends, in the arena, receives for each word the index after its last
 * character; *ret_count their number. Only E_NOMEM can happen. */
int segment_words(const struct lexicon *lx, const uint32_t *cps, size_t n, struct arena *arena,
                  uint32_t **ret_ends, size_t *ret_count, struct error *err);

#endif
