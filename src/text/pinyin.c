/* See pinyin.h. Runs of readable characters are cut into the longest phrases that the lexicon has, from
 * the left; a phrase has its own readings, a character on its own the first of its readings. Tone sandhi
 * is already in the lexicon, because pypinyin applies it within one phrase and never across. */
#include "text/pinyin.h"

/* Readable characters; those below 0x10000 in the order of lexicon.readings (tools/make_lexicon.py has
 * the same list). */
static const struct {
    uint32_t first, last;
} reading_ranges[] = {
    {0x3007, 0x3007},   {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xE815, 0xE864},   {0xF900, 0xFAFF},
    {0x20000, 0x2A6DF}, {0x2A703, 0x2B73F}, {0x2B740, 0x2B81D}, {0x2B825, 0x2BF6E}, {0x2C029, 0x2CE93},
    {0x2D016, 0x2D016}, {0x2D11B, 0x2EBD9}, {0x2F80A, 0x2FA1F},
};

/* Place of a character among the readable ones; -1 if it is none of them. */
static int32_t reading_place(uint32_t cp)
{
    uint32_t before = 0;
    for (size_t i = 0; i < sizeof reading_ranges / sizeof *reading_ranges; i++) {
        if (cp >= reading_ranges[i].first && cp <= reading_ranges[i].last)
            return (int32_t)(before + cp - reading_ranges[i].first);
        before += reading_ranges[i].last - reading_ranges[i].first + 1;
    }
    return -1;
}

static struct slice char_reading(const struct lexicon *lx, uint32_t cp)
{
    int32_t place = reading_place(cp);
    if (place < 0)
        return (struct slice){"", 0};
    if (cp < 0x10000)
        return lexicon_syllable(lx, lexicon_u16(&lx->readings, (size_t)place));
    size_t lo = 0, hi = lx->astral_readings.count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (lexicon_u32(&lx->astral_readings, mid) >> 16 < cp - 0x20000)
            lo = mid + 1;
        else
            hi = mid;
    }
    uint32_t entry = lexicon_u32(&lx->astral_readings, lo);
    return lexicon_syllable(lx, entry >> 16 == cp - 0x20000 ? (uint16_t)entry : 0);
}

static void phrase_read(const struct lexicon *lx, const uint32_t *cps, size_t n, uint16_t value,
                        struct slice *ret)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = value < 2 ? char_reading(lx, cps[i])
                           : lexicon_syllable(lx, lexicon_u16(&lx->own_readings, value - 2u + i));
}

/* A run of readable characters. When what is left of it begins a phrase but ends before any phrase does,
 * pypinyin gives up on the rest and reads it character by character. */
static void run_read(const struct lexicon *lx, const uint32_t *cps, size_t n, struct slice *ret)
{
    for (size_t i = 0; i < n;) {
        uint32_t node = 0;
        uint16_t value = 0, v;
        size_t j = i, end = i;
        for (; j < n && (node = trie_child(&lx->phrases, node, cps[j])); j++)
            if ((v = trie_value(&lx->phrases, node)) != 0) {
                value = v;
                end = j + 1;
            }
        if (end == i)
            end = j == n ? n : i + 1;
        phrase_read(lx, cps + i, end - i, value, ret + i);
        i = end;
    }
}

void pinyin_read(const struct lexicon *lx, const uint32_t *cps, size_t n, struct slice *ret)
{
    for (size_t i = 0; i < n;) {
        size_t j = i;
        while (j < n && reading_place(cps[j]) >= 0)
            j++;
        run_read(lx, cps + i, j - i, ret + i);
        if (j == i)
            ret[j++] = (struct slice){"", 0};
        i = j;
    }
}
