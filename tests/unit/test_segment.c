/* Words as rjieba.cut finds them, and a lexicon that cannot do harm. */
#include "test.h"

#include "base/utf8.h"
#include "text/lexicon.h"
#include "text/segment.h"

#define MAX_CHARS 256

static size_t decode(const char *text, uint32_t cps[MAX_CHARS])
{
    size_t n = 0, len = strlen(text);
    for (size_t i = 0; i < len; n++) {
        assert_true(n < MAX_CHARS);
        i += utf8_decode(text + i, len - i, &cps[n]);
    }
    return n;
}

static void words_are_the_reference_s(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words; /* what rjieba 0.2.2 answers */
    } cases[] = {
        {"我来到北京清华大学", "我/来到/北京/清华大学"},
        {"南京市长江大桥", "南京市/长江大桥"},
        {"结婚的和尚未结婚的", "结婚/的/和/尚未/结婚/的"},
        /* Words that the dictionary lacks come from the model. */
        {"他来到了网易杭研大厦", "他/来到/了/网易/杭研/大厦"},
        {"我们中出了一个叛徒", "我们/中出/了/一个/叛徒"},
        {"李小福是创新办主任也是云计算方面的专家", "李小福/是/创新/办/主任/也/是/云/计算/方面/的/专家"},
        {"林志颖和施瓦辛格", "林志颖/和/施瓦辛格"},
        /* Characters that neither knows. */
        {"龘靐齉齾", "龘/靐/齉/齾"},
        {"丁丂七丄丅", "丁/丂/七/丄/丅"},
        {"鿖鿗龥", "鿖鿗/龥"},
        {"𠀀㐀好", "𠀀㐀/好"},
        {"㐀㐁#a", "㐀㐁#/a"},
        /* Letters, digits and the signs that join them. */
        {"今天用Python写了AI程序", "今天/用/Python/写/了/AI/程序"},
        {"T恤AT&T和C++", "T恤/AT&T/和/C++"},
        {"3.5%的人", "3.5%/的/人"},
        {"1.2.3-a_b%c..d", "1.2.3-a_b%/c/../d"},
        {"WES-5.4.5", "WES-5.4.5"},
        {"#上海#", "#/上海/#"},
        {"100万元", "100/万元"},
        {"abc-", "abc/-"},
        /* The rest is one word a character. */
        {"，。！", "，/。/！"},
        {"x\r\ny\n z", "x/\r\n/y/\n/ /z"},
        {"\r\r\n", "\r/\r\n"},
        {"", ""},
    };
    struct lexicon lx;
    assert_int_equal(lexicon_builtin(&lx, NULL), 0);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct arena arena = {0};
        uint32_t cps[MAX_CHARS], *ends;
        size_t n = decode(cases[k].text, cps), words;
        assert_int_equal(segment_words(&lx, cps, n, &arena, &ends, &words, NULL), 0);
        struct buf got = BUF_INIT;
        for (size_t w = 0, i = 0; w < words; w++) {
            assert_int_equal(buf_add_str(&got, w ? "/" : ""), 0);
            for (; i < ends[w]; i++) {
                char utf8[UTF8_MAX];
                assert_int_equal(buf_add(&got, utf8, utf8_encode(cps[i], utf8)), 0);
            }
        }
        assert_string_equal(got.len ? got.ptr : "", cases[k].words);
        buf_release(&got);
        arena_release(&arena);
    }
}

static void lexicon_is_whole(void **state)
{
    (void)state;
    struct slice file = lexicon_file();
    assert_true(file.len > 1000000 && file.len <= 8 << 20);
    uint64_t want, h = 0xCBF29CE484222325u;
    memcpy(&want, file.ptr + 16, sizeof want);
    for (size_t i = 24; i < file.len; i++)
        h = (h ^ (unsigned char)file.ptr[i]) * 0x100000001B3u;
    assert_true(h == want);

    /* Every index in it leads somewhere. */
    struct lexicon lx;
    assert_int_equal(lexicon_builtin(&lx, NULL), 0);
    const struct trie *tries[] = {&lx.words, &lx.phrases};
    for (int t = 0; t < 2; t++) {
        const struct trie *trie = tries[t];
        uint32_t nodes = trie->labels.count;
        assert_int_equal(trie->values.count, nodes);
        assert_int_equal(trie->bits.count, (nodes + 63) / 64);
        assert_int_equal(trie->ranks.count, trie->bits.count);
        assert_int_equal(lexicon_u32(&trie->starts, 0), 1);
        assert_int_equal(lexicon_u32(&trie->starts, trie->starts.count - 1), nodes);
        for (uint32_t i = 1; i < trie->starts.count; i++)
            assert_true(lexicon_u32(&trie->starts, i) > lexicon_u32(&trie->starts, i - 1));
        for (uint32_t i = 0; i < nodes; i++) {
            uint16_t v = trie_value(trie, i);
            assert_true(t == 0 ? v < lx.log_freq.count : v < 2 || v - 2u < lx.own_readings.count);
        }
    }
    for (uint32_t i = 0; i < lx.emit_rows.count; i++)
        assert_true(lexicon_u16(&lx.emit_rows, i) < lx.emit_values.count);
    for (uint32_t i = 0; i < lx.readings.count; i++)
        assert_true(lexicon_u16(&lx.readings, i) < lx.syllable_ends.count - 1);
    assert_int_equal(lx.emit_rows.count, (HMM_LAST - HMM_FIRST + 1) * HMM_STATES);
    assert_int_equal(lx.hmm_steps.count, (1 + HMM_STATES) * HMM_STATES);
}

/* A lexicon with its frame intact and anything at all inside is answered within its bounds (the
 * sanitisers watch); a damaged frame is refused. */
static void damaged_lexicon_is_harmless(void **state)
{
    (void)state;
    struct slice file = lexicon_file();
    unsigned char *copy = malloc(file.len);
    assert_non_null(copy);
    memcpy(copy, file.ptr, file.len);
    uint32_t seed = 1;
    for (size_t i = 24 + 8 * 32; i < file.len; i++)
        if ((seed = seed * 1664525u + 1013904223u) >> 30 == 0)
            copy[i] = (unsigned char)(seed >> 16);
    struct lexicon lx;
    assert_int_equal(lexicon_open(copy, file.len, &lx, NULL), 0);
    uint32_t cps[MAX_CHARS];
    size_t n = decode("小明硕士毕业于中国科学院计算所，后在日本京都大学深造T恤𠀀㐀好龘靐齉齾丁丂七丄丅", cps);
    for (int round = 0; round < 200; round++) {
        struct arena arena = {0};
        uint32_t *ends;
        size_t words;
        assert_int_equal(segment_words(&lx, cps, n, &arena, &ends, &words, NULL), 0);
        assert_true(words > 0 && words <= n);
        assert_int_equal(ends[words - 1], n);
        arena_release(&arena);
        cps[round % n] = HMM_FIRST + (uint32_t)round * 97;
    }

    struct error err;
    memcpy(copy, file.ptr, 1024);
    for (size_t size = 0; size < 200; size++)
        assert_int_equal(lexicon_open(copy, size, &lx, &err), E_FORMAT);
    assert_int_equal(lexicon_open(copy, file.len - 8, &lx, &err), E_FORMAT);
    memset(copy + 24, 0xFF, 4); /* the first section's offset */
    assert_int_equal(lexicon_open(copy, file.len, &lx, &err), E_FORMAT);
    copy[0] ^= 1;
    assert_int_equal(lexicon_open(copy, file.len, &lx, &err), E_FORMAT);
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_the_reference_s),
        cmocka_unit_test(lexicon_is_whole),
        cmocka_unit_test(damaged_lexicon_is_harmless),
    };
    return cmocka_run_group_tests_name("segment", tests, NULL, NULL);
}
