/* Chinese characters into syllables with tone digits ("ni3"), as pypinyin reads them. */
#ifndef ISHOW_TEXT_PINYIN_H
#define ISHOW_TEXT_PINYIN_H

#include "base/buf.h"
#include "text/lexicon.h"

#include <stddef.h>
#include <stdint.h>

/* lazy_pinyin(word, style=TONE3, tone_sandhi=True) for one word of the segmenter: ret[i] is the
 * syllable of cps[i], in static memory, or empty where the character has none and stands for itself
 * (where pypinyin leaves several such characters joined, each stands for itself all the same). */
void pinyin_read(const struct lexicon *lx, const uint32_t *cps, size_t n, struct slice *ret);

#endif
