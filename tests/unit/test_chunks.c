/* Chunks as chunk_text of f5-tts 1.1.20 cuts them; the last two groups are where ours differs on purpose. */
#include "test.h"

#include "base/utf8.h"
#include "text/chunks.h"

static void assert_chunks(const char *text, size_t max, const char *want)
{
    struct arena arena = {0};
    struct chunks c;
    assert_int_equal(chunks_split(text, strlen(text), max, &arena, &c, NULL), 0);
    struct buf got = BUF_INIT;
    for (size_t i = 0; i < c.count; i++) {
        assert_int_equal(buf_add_str(&got, i ? "|" : ""), 0);
        assert_int_equal(buf_add(&got, c.items[i].ptr, c.items[i].len), 0);
    }
    assert_string_equal(got.len ? got.ptr : "", want);
    buf_release(&got);
    arena_release(&arena);
}

static void sentences_are_packed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t max;
        const char *want;
    } cases[] = {
        {"", 20, ""},
        {"Hello.", 20, "Hello."},
        {"One. Two. Three.", 100, "One. Two. Three."},
        {"One. Two. Three.", 10, "One. Two.|Three."},
        {"One. Two. Three.", 9, "One. Two.|Three."},
        {"One. Two. Three.", 8, "One.|Two.|Three."},
        /* White space between sentences becomes one space; inside one it stays. */
        {"One.  \n Two  three!\tFour", 30, "One. Two  three! Four"},
        /* No cut without white space after ASCII punctuation. */
        {"3.14 or v1.2;x:y", 8, "3.14 or|v1.2;x:y"},
        {"你好。再见！谢谢，不用；是：吗？", 12, "你好。|再见！|谢谢，|不用；|是：吗？"},
        {"你好。再见！", 100, "你好。再见！"},
        {"你好。 再见", 100, "你好。 再见"},
        {"你好。 再见", 9, "你好。|再见"},
        {"。。。", 3, "。|。|。"},
        {"Hi. 你好。Bye now! 再见", 14, "Hi. 你好。|Bye now!|再见"},
        {"a,\xE3\x80\x80" "b", 100, "a, b"},      /* ideographic space */
        {"a, \x1C\xC2\x85 b", 100, "a, b"},       /* and other things that Python takes for space */
        {"a,\xE2\x80\x8B" "b", 4, "a,|\xE2\x80\x8B" "b"}, /* a zero-width space is none; 6 bytes: cut hard */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_chunks(cases[i].text, cases[i].max, cases[i].want);
}

static void long_sentences_are_cut(void **state)
{
    (void)state;
    assert_chunks("the quick brown fox jumps", 10, "the quick|brown fox|jumps");
    assert_chunks("the quick brown fox", 9, "the quick|brown fox");
    assert_chunks("abcdefghij", 4, "abcd|efgh|ij");
    assert_chunks("一二三四五", 7, "一二|三四|五");
    assert_chunks("   abcdef   ", 5, "abcde|f");
    assert_chunks("Hi. abcdefgh ij. K", 6, "Hi.|abcdef|gh ij.|K");
    assert_chunks("😀😀", 0, "😀|😀"); /* every character fits, however small the limit */
}

static void only_space_is_nothing(void **state)
{
    (void)state;
    assert_chunks(" \n\t ", 20, "");
    assert_chunks("\xE3\x80\x80\xC2\xA0", 20, "");
    assert_chunks("a. \n\n  ", 20, "a.");
}

/* Whatever goes in: valid, stripped, not empty, within the limit, and nothing but space lost. */
static void nothing_is_lost(void **state)
{
    (void)state;
    static const char *const parts[] = {"a", "word ", ". ", ", ", "你", "，", "。", " ", "😀", "\n", "é", "! "};
    uint32_t seed = 7;
    for (int round = 0; round < 2000; round++) {
        struct buf text = BUF_INIT;
        for (int i = 0; i < 40; i++) {
            seed = seed * 1664525u + 1013904223u;
            assert_int_equal(buf_add_str(&text, parts[(seed >> 16) % (sizeof parts / sizeof *parts)]), 0);
        }
        size_t max = 4 + (size_t)round % 60;
        struct arena arena = {0};
        struct chunks c;
        assert_int_equal(chunks_split(text.ptr, text.len, max, &arena, &c, NULL), 0);
        size_t at = 0;
        for (size_t i = 0; i < c.count; i++) {
            struct slice s = c.items[i];
            assert_true(s.len > 0 && s.len <= max);
            assert_int_equal(utf8_valid_prefix(s.ptr, s.len), s.len);
            assert_false(strchr(" \n", s.ptr[0]) || strchr(" \n", s.ptr[s.len - 1]));
            for (size_t k = 0; k < s.len; k++) {
                if (strchr(" \n", s.ptr[k]))
                    continue;
                while (at < text.len && strchr(" \n", text.ptr[at]))
                    at++;
                assert_true(at < text.len && s.ptr[k] == text.ptr[at]);
                at++;
            }
        }
        while (at < text.len && strchr(" \n", text.ptr[at]))
            at++;
        assert_int_equal(at, text.len);
        buf_release(&text);
        arena_release(&arena);
    }
}

static void bad_text_is_refused(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct chunks c;
    struct error err = {0};
    assert_int_equal(chunks_split("abc\xFF", 4, 20, &arena, &c, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "byte 3"));
    char *longest = malloc(CHUNKS_MAX_BYTES + 1);
    assert_non_null(longest);
    memset(longest, 'a', CHUNKS_MAX_BYTES + 1);
    assert_int_equal(chunks_split(longest, CHUNKS_MAX_BYTES + 1, 20, &arena, &c, &err), E_LIMIT);
    assert_int_equal(chunks_split(longest, CHUNKS_MAX_BYTES, 4, &arena, &c, &err), 0);
    assert_int_equal(c.count, CHUNKS_MAX_BYTES / 4);
    free(longest);
    arena_release(&arena);
}

static void assert_takes(const char *text, size_t want, size_t max, const char *joined)
{
    struct slice rest = slice_str(text);
    struct buf got = BUF_INIT;
    while (rest.len) {
        const struct slice s = chunks_take(&rest, want, max);
        assert_int_equal(buf_addf(&got, "%s%.*s", got.len ? "|" : "", (int)s.len, s.ptr), 0);
    }
    assert_string_equal(got.ptr, joined);
    buf_release(&got);
}

static void a_chunk_is_taken_at_punctuation_then_at_a_space(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t want, max;
        const char *joined;
    } cases[] = {
        {"Hello chat.", 1, 300, "Hello chat."}, /* all of it is short */
        {"Hello chat, thanks for the follow, and welcome to the stream! We try the last boss again now.", 40, 300,
         "Hello chat, thanks for the follow,|and welcome to the stream! We try the last boss again now."},
        {"Hello chat, thanks for the follow, and welcome to the stream! We try the last boss again now.", 70, 300,
         "Hello chat, thanks for the follow, and welcome to the stream!|We try the last boss again now."},
        /* what would be left is too short: a little more is taken, or less */
        {"Hello chat, thanks for the follow, and welcome. Bye.", 48, 300,
         "Hello chat, thanks for the follow, and welcome. Bye."},
        {"Hello chat, thanks for the follow. Welcome to the stream. Bye to all.", 58, 60,
         "Hello chat, thanks for the follow.|Welcome to the stream. Bye to all."},
        {"no punctuation in this one at all but spaces between the words of it", 35, 300,
         "no punctuation in this one at all|but spaces between the words of it"},
        {"anunusuallylongwordwithoutanyspaceinit and others that are a bit shorter", 31, 300,
         "anunusuallylongwordwithoutanyspaceinit|and others that are a bit shorter"},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 30, 40,
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
        {"大家好，欢迎来到我的直播间。今天我们一起打最后一关，希望这一次可以成功。", 45, 300,
         "大家好，欢迎来到我的直播间。|今天我们一起打最后一关，|希望这一次可以成功。"},
        {"大家好欢迎来到我的直播间今天我们一起打最后一关", 36, 300, "大家好欢迎来到我的直播间|今天我们一起打最后一关"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_takes(cases[i].text, cases[i].want, cases[i].max, cases[i].joined);
}

/* Whatever the text and the limits: valid, stripped, long enough, within the limit, and nothing but space lost. */
static void nothing_is_lost_in_taking(void **state)
{
    (void)state;
    static const char *const parts[] = {"a", "word ", ". ", ", ", "你", "，", "。", " ", "😀", "é", "! ", "longer words "};
    uint32_t seed = 11;
    for (int round = 0; round < 3000; round++) {
        struct buf text = BUF_INIT;
        assert_int_equal(buf_add_char(&text, 'x'), 0);
        for (int i = 0; i < 80; i++) {
            seed = seed * 1664525u + 1013904223u;
            assert_int_equal(buf_add_str(&text, parts[(seed >> 16) % (sizeof parts / sizeof *parts)]), 0);
        }
        assert_int_equal(buf_add_char(&text, 'x'), 0);
        const size_t max = 2 + (size_t)round % 200;
        const size_t least = max < CHUNKS_LEAST_BYTES ? 1 : CHUNKS_LEAST_BYTES - UTF8_MAX;
        struct slice rest = buf_slice(&text);
        size_t at = 0;
        while (rest.len) {
            const struct slice s = chunks_take(&rest, (size_t)round % 90, max);
            assert_true(s.len > 0 && s.len <= (max < UTF8_MAX ? UTF8_MAX : max));
            assert_true(s.len >= least || max < 3 * CHUNKS_LEAST_BYTES || !rest.len);
            assert_int_equal(utf8_valid_prefix(s.ptr, s.len), s.len);
            assert_false(s.ptr[0] == ' ' || s.ptr[s.len - 1] == ' ');
            while (text.ptr[at] == ' ')
                at++;
            assert_ptr_equal(s.ptr, text.ptr + at);
            at += s.len;
        }
        assert_int_equal(at, text.len);
        buf_release(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentences_are_packed),
        cmocka_unit_test(long_sentences_are_cut),
        cmocka_unit_test(only_space_is_nothing),
        cmocka_unit_test(nothing_is_lost),
        cmocka_unit_test(bad_text_is_refused),
        cmocka_unit_test(a_chunk_is_taken_at_punctuation_then_at_a_space),
        cmocka_unit_test(nothing_is_lost_in_taking),
    };
    return cmocka_run_group_tests_name("chunks", tests, NULL, NULL);
}
