/* See lexicon.h. All loads go through memcpy of a fixed size, behind a check of the index. */
#include "text/lexicon.h"

#include <string.h>

#define LEXICON_MAGIC "ISHOWLX1"
#define LEXICON_SECTIONS 19
#define LEXICON_HEADER 24

uint16_t lexicon_u16(const struct lexicon_table *t, size_t i)
{
    uint16_t v = 0;
    if (i < t->count)
        memcpy(&v, t->ptr + i * sizeof v, sizeof v);
    return v;
}

uint32_t lexicon_u32(const struct lexicon_table *t, size_t i)
{
    uint32_t v = 0;
    if (i < t->count)
        memcpy(&v, t->ptr + i * sizeof v, sizeof v);
    return v;
}

static uint64_t table_u64(const struct lexicon_table *t, size_t i)
{
    uint64_t v = 0;
    if (i < t->count)
        memcpy(&v, t->ptr + i * sizeof v, sizeof v);
    return v;
}

double lexicon_f64(const struct lexicon_table *t, size_t i)
{
    double v = 0;
    if (i < t->count)
        memcpy(&v, t->ptr + i * sizeof v, sizeof v);
    return v;
}

struct slice lexicon_syllable(const struct lexicon *lx, uint16_t id)
{
    size_t begin = lexicon_u16(&lx->syllable_ends, id), end = lexicon_u16(&lx->syllable_ends, (size_t)id + 1);
    if (id == 0 || begin >= end || end > lx->syllable_text.count)
        return (struct slice){"", 0};
    return (struct slice){(const char *)lx->syllable_text.ptr + begin, end - begin};
}

uint16_t trie_value(const struct trie *t, uint32_t node)
{
    return lexicon_u16(&t->values, node);
}

uint32_t trie_child(const struct trie *t, uint32_t node, uint32_t cp)
{
    uint64_t bits = table_u64(&t->bits, node / 64), bit = (uint64_t)1 << node % 64;
    if (!(bits & bit))
        return 0;
    uint32_t group = lexicon_u32(&t->ranks, node / 64) + (uint32_t)__builtin_popcountll(bits & (bit - 1));
    uint32_t lo = lexicon_u32(&t->starts, group), hi = lexicon_u32(&t->starts, (size_t)group + 1);
    uint32_t end = hi;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (lexicon_u16(&t->labels, mid) < cp)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < end && lexicon_u16(&t->labels, lo) == cp ? lo : 0;
}

/* Takes the next section for a table of `item` bytes an entry. 0 if it is where it may be. */
static int section_take(const unsigned char *file, size_t size, int index, size_t item,
                        struct lexicon_table *ret)
{
    uint32_t place[2];
    memcpy(place, file + LEXICON_HEADER + 8 * index, sizeof place);
    if (place[0] > size || place[1] > size - place[0] || place[1] % item != 0)
        return E_FORMAT;
    *ret = (struct lexicon_table){file + place[0], (uint32_t)(place[1] / item)};
    return 0;
}

int lexicon_open(const void *data, size_t size, struct lexicon *ret, struct error *err)
{
    const unsigned char *file = data;
    uint32_t sections = 0;
    if (size < LEXICON_HEADER + 8 * LEXICON_SECTIONS || memcmp(file, LEXICON_MAGIC, 8) != 0)
        return error_set(err, E_FORMAT, "lexicon: %zu bytes that do not begin as a lexicon does", size);
    memcpy(&sections, file + 8, sizeof sections);
    if (sections != LEXICON_SECTIONS)
        return error_set(err, E_FORMAT, "lexicon: %u sections, expected %d", sections, LEXICON_SECTIONS);

    struct lexicon lx;
    const struct {
        struct lexicon_table *table;
        size_t item;
    } layout[LEXICON_SECTIONS] = {
        {&lx.words.labels, 2},    {&lx.words.values, 2},    {&lx.words.bits, 8},
        {&lx.words.ranks, 4},     {&lx.words.starts, 4},    {&lx.phrases.labels, 2},
        {&lx.phrases.values, 2},  {&lx.phrases.bits, 8},    {&lx.phrases.ranks, 4},
        {&lx.phrases.starts, 4},  {&lx.log_freq, 8},        {&lx.emit_rows, 2},
        {&lx.emit_values, 8},     {&lx.hmm_steps, 8},       {&lx.readings, 2},
        {&lx.astral_readings, 4}, {&lx.own_readings, 2},    {&lx.syllable_ends, 2},
        {&lx.syllable_text, 1},
    };
    for (int i = 0; i < LEXICON_SECTIONS; i++)
        if (section_take(file, size, i, layout[i].item, layout[i].table) < 0)
            return error_set(err, E_FORMAT, "lexicon: section %d does not fit into the %zu bytes", i, size);
    *ret = lx;
    return 0;
}

int lexicon_builtin(struct lexicon *ret, struct error *err)
{
    struct slice file = lexicon_file();
    return lexicon_open(file.ptr, file.len, ret, err);
}
