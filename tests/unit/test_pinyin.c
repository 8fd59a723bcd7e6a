/* Readings of single words as pypinyin gives them: polyphones by phrase, and the three sandhi rules. */
#include "test.h"

#include "base/utf8.h"
#include "text/pinyin.h"

#define MAX_CHARS 32

static void readings_are_the_reference_s(void **state)
{
    (void)state;
    static const struct {
        const char *word, *readings; /* pypinyin 0.55.0; "-" where a character stands for itself */
    } cases[] = {
        {"银行", "yin2 hang2"},
        {"行长", "hang2 zhang3"},
        {"重庆", "chong2 qing4"},
        {"了", "le"},
        {"女儿", "nv3 er2"},
        {"略", "lve4"},
        {"嗯", "n2"},
        {"那些", "na4 xie1"},
        /* Third tones: by the run that a phrase ends in. */
        {"你好", "ni2 hao3"},
        {"展览馆", "zhan3 lan3 guan3"},
        {"总统府", "zong3 tong3 fu3"},
        {"水果", "shui3 guo3"},
        {"五百把", "wu3 bai3 ba3"},
        {"老保管", "lao3 bao3 guan3"},
        /* 不 and 一: by what follows in the phrase. */
        {"不", "bu4"},
        {"不是", "bu2 shi4"},
        {"不好", "bu4 hao3"},
        {"差不多", "cha4 bu duo1"},
        {"不三不四", "bu4 san1 bu2 si4"},
        {"一", "yi1"},
        {"一定", "yi2 ding4"},
        {"一起", "yi4 qi3"},
        {"一一", "yi1 yi1"},
        {"看一看", "kan4 yi1 kan4"},
        {"一心一意", "yi4 xin1 yi2 yi4"},
        /* 不避 is a phrase; after 忠 alone the match runs into the end and is given up. */
        {"忠不避", "zhong1 bu4 bi4"},
        {"忠不避了", "zhong1 bu2 bi4 le"},
        {"〇", "ling2"},
        {"㐀", "qiu1"},
        {"\uFA18", "li3"},
        {"\uF900", "-"},
        {"𠀁好", "qi1 hao3"},
        {"兙", "-"},
        {"ㄅ", "-"},
        {"，你，好", "- ni3 - hao3"},
        {"", ""},
    };
    struct lexicon lx;
    assert_int_equal(lexicon_builtin(&lx, NULL), 0);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        uint32_t cps[MAX_CHARS];
        struct slice ret[MAX_CHARS];
        size_t n = 0, len = strlen(cases[k].word);
        for (size_t i = 0; i < len; n++)
            i += utf8_decode(cases[k].word + i, len - i, &cps[n]);
        pinyin_read(&lx, cps, n, ret);
        struct buf got = BUF_INIT;
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(buf_add_str(&got, i ? " " : ""), 0);
            assert_int_equal(buf_add(&got, ret[i].len ? ret[i].ptr : "-", ret[i].len ? ret[i].len : 1), 0);
        }
        assert_string_equal(got.len ? got.ptr : "", cases[k].readings);
        buf_release(&got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readings_are_the_reference_s),
    };
    return cmocka_run_group_tests_name("pinyin", tests, NULL, NULL);
}
