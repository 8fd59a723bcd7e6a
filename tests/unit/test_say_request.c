/* The fields of a request for speech: what is taken, what is refused and which field is blamed; base64, in which the
 * answer may come. */
#include "base/base64.h"
#include "server/say_request.h"
#include "test.h"

#include <stdio.h>

static json_t *parse(const char *text)
{
    json_error_t e;
    json_t *json = json_loads(text, 0, &e);
    if (!json)
        fail_msg("%s: %s", text, e.text);
    return json;
}

/* -------- refused -------- */

static const struct {
    enum say_api api;
    const char *body, *param, *code;
} bad[] = {
    {SAY_OPENAI, "{}", "input", "missing_required_parameter"},
    {SAY_OPENAI, "{\"input\":null}", "input", "missing_required_parameter"},
    {SAY_OPENAI, "{\"text\":\"hi\"}", "input", "missing_required_parameter"},
    {SAY_ORIGINAL, "{\"input\":\"hi\"}", "text", "missing_required_parameter"},
    {SAY_OPENAI, "{\"input\":5}", "input", "invalid_type"},
    {SAY_OPENAI, "{\"input\":[\"hi\"]}", "input", "invalid_type"},
    {SAY_OPENAI, "{\"input\":\" \\n\\t\"}", "input", "string_below_min_length"},
    {SAY_OPENAI, "{\"input\":\"hi\",\"speed\":0.24}", "speed", "out_of_range"},
    {SAY_OPENAI, "{\"input\":\"hi\",\"speed\":4.01}", "speed", "out_of_range"},
    {SAY_OPENAI, "{\"input\":\"hi\",\"speed\":\"1\"}", "speed", "invalid_type"},
    {SAY_OPENAI, "{\"input\":\"hi\",\"speed\":true}", "speed", "invalid_type"},
    {SAY_OPENAI, "{\"input\":\"hi\",\"response_format\":\"aac\"}", "response_format", "unsupported_format"},
    {SAY_OPENAI, "{\"input\":\"hi\",\"response_format\":\"mp\"}", "response_format", "invalid_value"},
    {SAY_OPENAI, "{\"input\":\"hi\",\"response_format\":\"mp3|opus\"}", "response_format", "invalid_value"},
    {SAY_OPENAI, "{\"input\":\"hi\",\"response_format\":\"\"}", "response_format", "invalid_value"},
    {SAY_OPENAI, "{\"input\":\"hi\",\"response_format\":1}", "response_format", "invalid_type"},
    {SAY_OPENAI, "{\"input\":\"hi\",\"stream_format\":\"wav\"}", "stream_format", "invalid_value"},
    {SAY_OPENAI, "{\"input\":\"hi\",\"stream_format\":\"sse\",\"stream\":false}", "stream", "invalid_value"},
    {SAY_OPENAI, "{\"input\":\"hi\",\"stream\":1}", "stream", "invalid_type"},
    {SAY_OPENAI, "{\"input\":\"hi\",\"voice\":7}", "voice", "invalid_type"},
    {SAY_OPENAI, "{\"input\":\"hi\",\"voice\":{}}", "voice", "invalid_type"},
    {SAY_OPENAI, "{\"input\":\"hi\",\"voice\":{\"id\":7}}", "voice", "invalid_type"},
    {SAY_OPENAI, "{\"input\":\"hi\",\"voice\":\"\"}", "voice", "string_below_min_length"},
    {SAY_ORIGINAL, "{\"text\":\"hi\",\"voice_id\":{\"id\":\"a\"}}", "voice_id", "invalid_type"},
    {SAY_ORIGINAL, "{\"text\":\"hi\",\"engine\":\"index_tts\"}", "engine", "invalid_value"},
    {SAY_ORIGINAL, "{\"text\":\"hi\",\"nfe_step\":0}", "nfe_step", "out_of_range"},
    {SAY_ORIGINAL, "{\"text\":\"hi\",\"nfe_step\":7.5}", "nfe_step", "invalid_type"},
    {SAY_ORIGINAL, "{\"text\":\"hi\",\"nfe_step\":257}", "nfe_step", "out_of_range"},
    {SAY_ORIGINAL, "{\"text\":\"hi\",\"seed\":-2}", "seed", "out_of_range"},
    {SAY_ORIGINAL, "{\"text\":\"hi\",\"seed\":9223372036854775807}", "seed", "out_of_range"},
    {SAY_ORIGINAL, "{\"text\":\"hi\",\"timeout_ms\":0}", "timeout_ms", "out_of_range"},
    {SAY_ORIGINAL, "{\"text\":\"hi\",\"priority\":\"Gift\"}", "priority", "invalid_value"},
    {SAY_ORIGINAL, "{\"text\":\"hi\",\"remove_silence\":\"no\"}", "remove_silence", "invalid_type"},
};

static void bad_fields_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct say_request q;
        struct say_fault fault = {0};
        if (!say_request_read(&q, bad[i].api, parse(bad[i].body), &fault))
            fail_msg("%s is taken", bad[i].body);
        assert_null(q.fields);
        assert_string_equal(fault.param, bad[i].param);
        assert_string_equal(fault.code, bad[i].code);
        assert_non_null(strstr(fault.text, bad[i].param));
    }
}

static void texts_end_at_their_limit(void **state)
{
    (void)state;
    for (int over = 0; over <= 1; over++) {
        struct buf text = BUF_INIT;
        struct say_request q;
        struct say_fault fault;
        for (int i = 0; i < SAY_TEXT_MAX + over; i++)
            assert_int_equal(buf_add_str(&text, "好"), 0); /* characters count, not bytes */
        const int rc = say_request_read(&q, SAY_OPENAI, json_pack("{s:s}", "input", text.ptr), &fault);
        assert_int_equal(rc, over ? -1 : 0);
        if (over)
            assert_string_equal(fault.code, "string_above_max_length");
        else
            say_request_release(&q);
        buf_release(&text);
    }
}

/* -------- taken -------- */

static void fields_become_parameters(void **state)
{
    struct say_request q;
    struct say_fault fault;
    ishow_say_params p, usual;
    (void)state;
    ishow_say_params_init(&usual);
    assert_int_equal(say_request_read(&q, SAY_ORIGINAL,
                                      parse("{\"text\":\"hi\",\"voice_id\":\"mira\",\"speed\":1.5,\"target_rms\":0.2,"
                                            "\"cross_fade_duration\":0.5,\"sway_sampling_coef\":-0.5,"
                                            "\"cfg_strength\":0,\"nfe_step\":16.0,\"fix_duration\":5,"
                                            "\"remove_silence\":true,\"seed\":9007199254740991,\"timeout_ms\":1500,"
                                            "\"priority\":\"urgent\",\"format\":\"flac\",\"engine\":\"f5\","
                                            "\"shimmy_model\":\"\",\"stream\":true}"),
                                      &fault),
                     0);
    say_request_params(&q, 7, &p);
    assert_string_equal(q.text, "hi");
    assert_string_equal(q.voice, "mira");
    assert_string_equal(q.format, "flac");
    assert_string_equal(q.engine, "f5");
    assert_true(p.speed == 1.5 && p.target_rms == 0.2 && p.cross_fade == 0.5 && p.sway == -0.5 && p.cfg_strength == 0);
    assert_true(p.nfe == 16 && p.fix_duration == 5 && p.remove_silence == 1 && p.seed == 9007199254740991u);
    assert_true(q.timeout_ms == 1500 && q.stream == 1 && say_request_priority(&q) == JOB_URGENT);
    assert_string_equal(q.ignored, "");
    say_request_release(&q);

    assert_int_equal(say_request_read(&q, SAY_ORIGINAL, parse("{\"text\":\"hi\",\"speed\":null,\"seed\":-1}"), &fault),
                     0);
    say_request_params(&q, 9, &p);
    usual.nfe = 9;
    assert_memory_equal(&p, &usual, sizeof p);
    assert_true(q.stream == SAY_ABSENT && q.timeout_ms == SAY_ABSENT && say_request_priority(&q) == JOB_NORMAL);
    say_request_release(&q);
}

static void a_voice_may_be_an_object(void **state)
{
    struct say_request q;
    struct say_fault fault;
    (void)state;
    assert_int_equal(say_request_read(&q, SAY_OPENAI, parse("{\"input\":\"hi\",\"voice\":{\"id\":\"mira\"}}"), &fault),
                     0);
    assert_string_equal(q.voice, "mira");
    say_request_release(&q);
}

static void unknown_fields_are_remembered(void **state)
{
    struct say_request q;
    struct say_fault fault;
    (void)state;
    assert_int_equal(
        say_request_read(&q, SAY_OPENAI,
                         parse("{\"input\":\"hi\",\"nfe_steps\":3,\"a b\":1,\"x\\r\\ny\":2,\"\":3,\"user\":\"u\"}"),
                         &fault),
        0);
    assert_string_equal(q.ignored, "nfe_steps, user");
    say_request_release(&q);

    json_t *many = json_pack("{s:s}", "input", "hi");
    for (int i = 0; i < 100; i++) {
        char name[32];
        snprintf(name, sizeof name, "field_number_%d", i);
        json_object_set_new(many, name, json_null());
    }
    assert_int_equal(say_request_read(&q, SAY_OPENAI, many, &fault), 0);
    assert_true(strlen(q.ignored) < SAY_IGNORED_MAX && strncmp(q.ignored, "field_number_0, ", 16) == 0);
    say_request_release(&q);
}

/* -------- out of a query -------- */

static const char *from_pairs(const void *user, const char *name)
{
    for (const char *const *pair = user; *pair; pair += 2)
        if (strcmp(pair[0], name) == 0)
            return pair[1];
    return NULL;
}

static void queries_become_fields(void **state)
{
    const char *good[] = {"text",           "1.5",  "speed",  "1.5",   "nfe_step", "4",
                          "remove_silence", "true", "stream", "false", NULL};
    const char *const wrong[][3] = {{"speed", "fast", NULL}, {"speed", "", NULL}, {"speed", "1e999", NULL},
                                    {"speed", "0x1p2", NULL}, {"speed", "nan", NULL}, {"remove_silence", "yes", NULL},
                                    {"text", "\xff", NULL}, {"voice_id", "a\x80", NULL}};
    struct say_request q;
    struct say_fault fault;
    (void)state;
    json_t *fields = say_fields_from_query(SAY_ORIGINAL, from_pairs, good, &fault);
    assert_non_null(fields);
    assert_int_equal(say_request_read(&q, SAY_ORIGINAL, fields, &fault), 0);
    assert_string_equal(q.text, "1.5");
    assert_true(q.speed == 1.5 && q.nfe == 4 && q.remove_silence == 1 && q.stream == 0);
    say_request_release(&q);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_null(say_fields_from_query(SAY_ORIGINAL, from_pairs, wrong[i], &fault));
        assert_string_equal(fault.param, wrong[i][0]);
    }
}

/* -------- base64 -------- */

static void base64_is_rfc_4648s(void **state)
{
    static const char *const cases[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"},
                                           {"\xfb\xff\xfe", "+//+"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b = BUF_INIT;
        assert_int_equal(buf_add_str(&b, "> "), 0);
        assert_int_equal(base64_add(&b, cases[i][0], strlen(cases[i][0])), 0);
        assert_string_equal(b.ptr + 2, cases[i][1]);
        assert_int_equal(b.len, 2 + strlen(cases[i][1]));
        buf_release(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_fields_are_named),
        cmocka_unit_test(texts_end_at_their_limit),
        cmocka_unit_test(fields_become_parameters),
        cmocka_unit_test(a_voice_may_be_an_object),
        cmocka_unit_test(unknown_fields_are_remembered),
        cmocka_unit_test(queries_become_fields),
        cmocka_unit_test(base64_is_rfc_4648s),
    };
    return cmocka_run_group_tests_name("say_request", tests, NULL, NULL);
}
