/* Which language is what: each case is a text and the runs it must fall into, "lang:text|lang:text". */
#include "test.h"

#include "text/script.h"

static const char *const cases[][2] = {
    {"", ""},
    {" ...!?", ""},
    {"Hello, chat!", "en:Hello, chat!"},
    {"12345", "en:12345"},
    {"你好，主播。", "zh:你好，主播。"},
    {"今天 stream 好 nice 啊", "zh:今天 |en:stream |zh:好 |en:nice |zh:啊"},
    {"3天", "zh:3天"},
    {"\"你好\" hi", "zh:\"你好\" |en:hi"},
    {"日本語です", "ja:日本語です"},
    {"東京に行く。你好", "ja:東京に行く。|zh:你好"},
    {"你好。世界", "zh:你好。世界"},
    {"안녕하세요 chat", "ko:안녕하세요 |en:chat"},
    {"Привет, мир", "ru:Привет, мир"},
    {"مرحبا", "ar:مرحبا"},
    {"नमस्ते", "hi:नमस्ते"},
    {"Γειά σου", "el:Γειά σου"},
    {"שלום", "he:שלום"},
    {"สวัสดี", "th:สวัสดี"},
    {"naïve café", "en:naïve café"},
    {"e\xCC\x81t\xC3\xA9", "en:e\xCC\x81t\xC3\xA9"},
    {"ㄅㄆ", "zh:ㄅㄆ"},
    {"𒀀", "und:𒀀"},
};

static void texts_fall_into_runs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena = {0};
        struct script_runs runs;
        struct buf got = BUF_INIT;
        assert_int_equal(script_split(cases[i][0], strlen(cases[i][0]), &arena, &runs, NULL), 0);
        for (size_t r = 0; r < runs.count; r++)
            assert_int_equal(buf_addf(&got, "%s%s:%.*s", r ? "|" : "", runs.items[r].lang,
                                      (int)runs.items[r].text.len, runs.items[r].text.ptr),
                             0);
        assert_string_equal(got.ptr ? got.ptr : "", cases[i][1]);
        buf_release(&got);
        arena_release(&arena);
    }
}

static void bad_bytes_are_refused_with_their_place(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct script_runs runs;
    struct error err = {0};
    assert_int_equal(script_split("ok\xC0", 3, &arena, &runs, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "byte 2"));
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_fall_into_runs),
        cmocka_unit_test(bad_bytes_are_refused_with_their_place),
    };
    return cmocka_run_group_tests_name("script", tests, NULL, NULL);
}
