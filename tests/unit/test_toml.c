/* TOML as a reader of settings uses it: values by key, places for complaints, limits. What is valid
 * and what it means is tested with cases, in tests/toml. */
#include "test.h"

#include "failing_heap.h"

#include "base/toml.h"

#include <locale.h>

static struct toml_doc *parse(const char *text)
{
    struct toml_doc *doc = NULL;
    struct error e;
    if (toml_parse(text, strlen(text), TOML_1_1, &doc, &e))
        fail_msg("%s", e.text);
    return doc;
}

static const char settings[] = "\xEF\xBB\xBFlisten = \"127.0.0.1:27121\"\n"
                               "nul = \"a\\u0000b\"\n"
                               "\n"
                               "[engine]\n"
                               "evaluations = 7\n"
                               "\tspeed.slow = 0.5\n"
                               "'好 key' = true\n"
                               "since = 2024-02-29T12:30:00.123456789123-08:30\n"
                               "[[voice]]\n"
                               "name = 'ann'\n"
                               "[[voice]]\n"
                               "tags = [ 'a',\n"
                               "    2 ]\n";

static void values_are_found_by_key(void **state)
{
    (void)state;
    struct toml_doc *doc = parse(settings);
    struct error e;
    const struct toml_value *root = toml_root(doc), *engine = toml_get(root, "engine");
    const char *text = NULL;
    int64_t n = 0;
    double d = 0;
    int b = 0;
    assert_int_equal(toml_text(toml_get(root, "listen"), &text, &e), 0);
    assert_string_equal(text, "127.0.0.1:27121");
    assert_int_equal(toml_int(toml_get(engine, "evaluations"), &n, &e), 0);
    assert_int_equal(n, 7);
    assert_int_equal(toml_float(toml_get(engine, "evaluations"), &d, &e), 0);
    assert_true(d == 7);
    assert_int_equal(toml_float(toml_get(toml_get(engine, "speed"), "slow"), &d, &e), 0);
    assert_true(d == 0.5);
    assert_int_equal(toml_bool(toml_get(engine, "好 key"), &b, &e), 0);
    assert_int_equal(b, 1);
    const struct toml_datetime *t = toml_get(engine, "since")->datetime;
    assert_true(t->has_date && t->has_time && t->has_offset);
    assert_int_equal(t->day, 29);
    assert_int_equal(t->minute, 30);
    assert_int_equal(t->nanosecond, 123456789);
    assert_int_equal(t->offset_minutes, -(8 * 60 + 30));
    const struct toml_value *voices = toml_get(root, "voice");
    assert_int_equal(toml_count(voices), 2);
    assert_non_null(toml_get(toml_item(voices, 0), "name"));
    assert_null(toml_get(toml_item(voices, 1), "name"));
    assert_null(toml_item(voices, 2));
    assert_null(toml_get(voices, "name"));
    assert_null(toml_get(NULL, "name"));
    assert_null(toml_get(root, "engin"));
    assert_null(toml_first(voices));
    assert_int_equal(toml_count(NULL), 0);
    static const char *const order[] = {"listen", "nul", "engine", "voice"};
    size_t i = 0;
    for (const struct toml_entry *entry = toml_first(root); entry; entry = entry->next)
        assert_string_equal(entry->key.ptr, order[i++]);
    assert_int_equal(i, 4);
    toml_free(doc);
    toml_free(NULL);
}

static void places_are_kept(void **state)
{
    (void)state;
    struct toml_doc *doc = parse(settings);
    const struct toml_value *root = toml_root(doc), *engine = toml_get(root, "engine");
    const struct toml_entry *entry = toml_find(engine, slice_str("好 key"));
    const struct {
        int line, column, want_line, want_column;
    } cases[] = {
        {toml_get(root, "listen")->line, toml_get(root, "listen")->column, 1, 10},
        {engine->line, engine->column, 4, 2},
        {toml_get(engine, "speed")->line, toml_get(engine, "speed")->column, 6, 2},
        {toml_get(toml_get(engine, "speed"), "slow")->line,
         toml_get(toml_get(engine, "speed"), "slow")->column, 6, 15},
        {entry->line, entry->column, 7, 1},
        {entry->value.line, entry->value.column, 7, 11}, /* counted in characters, not bytes */
        {toml_item(toml_get(root, "voice"), 1)->line, toml_item(toml_get(root, "voice"), 1)->column, 11, 3},
        {toml_item(toml_get(toml_item(toml_get(root, "voice"), 1), "tags"), 1)->line,
         toml_item(toml_get(toml_item(toml_get(root, "voice"), 1), "tags"), 1)->column, 13, 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (cases[i].line != cases[i].want_line || cases[i].column != cases[i].want_column)
            fail_msg("case %zu: %d:%d", i, cases[i].line, cases[i].column);
    toml_free(doc);
}

static void wrong_kinds_are_named(void **state)
{
    (void)state;
    struct toml_doc *doc = parse(settings);
    const struct toml_value *root = toml_root(doc), *engine = toml_get(root, "engine");
    struct error e;
    int64_t n = 42;
    double d = 42;
    int b = 42;
    const char *text = NULL;
    assert_int_equal(toml_int(toml_get(root, "listen"), &n, &e), E_FORMAT);
    assert_string_equal(e.text, "line 1, column 10: expected a whole number, found a string");
    assert_int_equal(toml_int(toml_get(toml_get(engine, "speed"), "slow"), &n, &e), E_FORMAT);
    assert_int_equal(toml_float(engine, &d, &e), E_FORMAT);
    assert_string_equal(e.text, "line 4, column 2: expected a number, found a table");
    assert_int_equal(toml_bool(toml_get(engine, "evaluations"), &b, &e), E_FORMAT);
    assert_int_equal(toml_text(toml_get(root, "voice"), &text, &e), E_FORMAT);
    assert_non_null(strstr(e.text, "expected a string, found an array"));
    assert_int_equal(toml_text(toml_get(root, "nul"), &text, &e), E_FORMAT);
    assert_non_null(strstr(e.text, "line 2, column 7: the text holds a NUL"));
    assert_true(n == 42 && d == 42 && b == 42 && !text);
    toml_free(doc);
}

static void expect_error(const struct buf *b, int code, const char *says)
{
    struct toml_doc *doc = NULL;
    struct error e = {0};
    int rc = toml_parse(b->ptr, b->len, TOML_1_1, &doc, &e);
    if (rc != code || !strstr(e.text, says) || doc)
        fail_msg("expected %d \"%s\", found %d \"%s\"", code, says, rc, e.text);
}

static void repeat(struct buf *b, const char *unit, int times)
{
    for (int i = 0; i < times; i++)
        assert_int_equal(buf_add_str(b, unit), 0);
}

static void growth_has_limits(void **state)
{
    (void)state;
    static const struct {
        const char *before, *unit;
        int times;
        const char *says;
    } cases[] = {
        {"a = ", "[", TOML_MAX_DEPTH + 2, "line 1, column 133: nested deeper than 128 levels"},
        {"a = ", "{a=", TOML_MAX_DEPTH + 2, "nested deeper than 128 levels"},
        {"a", ".a", TOML_MAX_DEPTH, "a key of more than 128 parts"},
        {"[a", ".a", TOML_MAX_DEPTH, "a key of more than 128 parts"},
        {"a = ", "1", 1025, "a number of more than 1024 characters"},
        {"a = [", "0,", TOML_MAX_VALUES, "more than 262144 values"},
        {"", "#\n", TOML_MAX_BYTES / 2 + 1, "4194306 bytes of TOML, the limit is 4194304"},
    };
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        b.len = 0;
        repeat(&b, cases[i].before, 1);
        repeat(&b, cases[i].unit, cases[i].times);
        expect_error(&b, E_LIMIT, cases[i].says);
    }
    b.len = 0; /* many keys in one table are found as quickly as few */
    for (int i = 0; i < 100000; i++)
        assert_int_equal(buf_addf(&b, "k%d = %d\n", i, i), 0);
    struct toml_doc *doc;
    struct error e;
    assert_int_equal(toml_parse(b.ptr, b.len, TOML_1_0, &doc, &e), 0);
    assert_int_equal(toml_count(toml_root(doc)), 100000);
    assert_int_equal(toml_get(toml_root(doc), "k77777")->integer, 77777);
    toml_free(doc);
    buf_release(&b);
}

static void keys_in_complaints_stay_on_their_line(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    repeat(&b, "\"a\\nb\" = 1\n\"a\\nb\" = 2\n", 1);
    expect_error(&b, E_FORMAT, "line 2, column 1: this key is given twice");
    b.len = 0;
    repeat(&b, "[", 1);
    repeat(&b, "好", 1); /* no bare key */
    expect_error(&b, E_FORMAT, "line 1, column 2: expected a key");
    b.len = 0;
    repeat(&b, "a = 1 # 好\nb = \"好\" x\n", 1);
    expect_error(&b, E_FORMAT, "line 2, column 9: expected the end of the line");
    buf_release(&b);
}

static void numbers_ignore_the_locale(void **state)
{
    (void)state;
    /* whichever of these the machine has writes 1,5 */
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8"))
        setlocale(LC_NUMERIC, "fr_FR.UTF-8");
    struct toml_doc *doc = parse("a = 1.5\nb = 1_0.2_5e+0_1\n");
    setlocale(LC_NUMERIC, "C");
    assert_true(toml_get(toml_root(doc), "a")->real == 1.5);
    assert_true(toml_get(toml_root(doc), "b")->real == 102.5);
    toml_free(doc);
}

static void memory_may_run_out_anywhere(void **state)
{
    (void)state;
    struct error e;
    struct buf b = BUF_INIT;
    repeat(&b, settings, 1);
    for (int i = 0; i < 1000; i++) /* so that arrays, index and arena have to grow */
        assert_int_equal(buf_addf(&b, "k%d = [ %d, \"%d\", {} ]\n", i, i, i), 0);
    int rc = E_NOMEM;
    heap.armed = 1;
    for (heap.fail_at = 1; rc; heap.fail_at++) {
        struct toml_doc *doc = NULL;
        heap.calls = 0;
        rc = toml_parse(b.ptr, b.len, TOML_1_1, &doc, &e);
        assert_true(rc == 0 || (rc == E_NOMEM && e.code == E_NOMEM && !doc));
        toml_free(doc);
        assert_int_equal(heap.live, 0);
    }
    assert_true(heap.calls > 5);
    heap = (struct failing_heap){0};
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_found_by_key),
        cmocka_unit_test(places_are_kept),
        cmocka_unit_test(wrong_kinds_are_named),
        cmocka_unit_test(growth_has_limits),
        cmocka_unit_test(keys_in_complaints_stay_on_their_line),
        cmocka_unit_test(numbers_ignore_the_locale),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests_name("toml", tests, NULL, NULL);
}
