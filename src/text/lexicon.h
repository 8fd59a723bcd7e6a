/* The lexicon: jieba's words with their frequencies, its HMM, and pypinyin's readings, in one read-only
 * file that tools/make_lexicon.py builds and the program carries inside itself (LEXICON.md: origin and
 * licences).
 *
 * File, little-endian: magic "ISHOWLX1", u32 number of sections, u32 0, u64 FNV-1a of what follows,
 * then {u32 offset, u32 bytes} a section, then the sections in the order of the fields below, each
 * aligned to 8. Opening looks at the frame only; every reader keeps within the sections whatever they
 * hold, so a damaged lexicon gives wrong words, never a wrong access. */
#ifndef ISHOW_TEXT_LEXICON_H
#define ISHOW_TEXT_LEXICON_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

#define HMM_FIRST 0x4E00u
#define HMM_LAST 0x9FD5u
enum hmm_state { HMM_BEGIN, HMM_END, HMM_MIDDLE, HMM_SINGLE, HMM_STATES };

/* A table in the file: `count` entries of the type that the reader asks for. */
struct lexicon_table {
    const unsigned char *ptr;
    uint32_t count;
};

/* Characters of the Basic Multilingual Plane to a value per word. Nodes are numbered level by level,
 * the root 0, so that the children of one node lie side by side, sorted by label. Node i has children
 * if bit i is set; with g set bits before it they are nodes starts[g] to starts[g + 1] - 1. */
struct trie {
    struct lexicon_table labels; /* u16: the character that leads here */
    struct lexicon_table values; /* u16: 0 where no word ends */
    struct lexicon_table bits;   /* u64 */
    struct lexicon_table ranks;  /* u32: set bits before this word of `bits` */
    struct lexicon_table starts; /* u32 */
};

struct lexicon {
    struct trie words;           /* value: index into log_freq */
    struct trie phrases;         /* value: 1 = each character as in `readings`; 2 + i = own_readings from i */
    struct lexicon_table log_freq;      /* f64: ln(frequency / total); [0] for a character without */
    struct lexicon_table emit_rows;     /* u16 [HMM_LAST - HMM_FIRST + 1, HMM_STATES] into emit_values */
    struct lexicon_table emit_values;   /* f64: ln P(character | state) */
    struct lexicon_table hmm_steps;     /* f64 [1 + HMM_STATES, HMM_STATES]: ln P(first), ln P(to | from) */
    struct lexicon_table readings;      /* u16: syllable of each character, see pinyin.c for the order */
    struct lexicon_table astral_readings; /* u32: (character - 0x20000) << 16 | syllable, ascending */
    struct lexicon_table own_readings;  /* u16: syllables of phrases */
    struct lexicon_table syllable_ends; /* u16: offsets into syllable_text, one more than syllables */
    struct lexicon_table syllable_text; /* bytes; syllable 0 is empty and means "none" */
};

/* The lexicon in file[0, size), which must stay. E_FORMAT if the frame is not as described. */
int lexicon_open(const void *file, size_t size, struct lexicon *ret, struct error *err);

/* The one that is built in. */
int lexicon_builtin(struct lexicon *ret, struct error *err);

/* The built-in file itself. */
struct slice lexicon_file(void);

uint16_t lexicon_u16(const struct lexicon_table *t, size_t i); /* 0 past the end, as the next two */
uint32_t lexicon_u32(const struct lexicon_table *t, size_t i);
double lexicon_f64(const struct lexicon_table *t, size_t i);
struct slice lexicon_syllable(const struct lexicon *lx, uint16_t id); /* static; empty for none */

/* The child of `node` for this character, 0 if there is none. */
uint32_t trie_child(const struct trie *t, uint32_t node, uint32_t cp);
uint16_t trie_value(const struct trie *t, uint32_t node);

#endif
