/* Safetensors: what is written comes back, every type reads as numbers, and no file can lie. */
#include "test.h"

#include "failing_heap.h"

#include "base/file.h"
#include "ckpt/tensor_set.h"

#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64], path[128];

static int make_dir(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/ishow-ckpt-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/a.safetensors", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

/* A file of this header and that many zero bytes of data. */
static void build(struct buf *b, const char *header, size_t data)
{
    uint64_t len = strlen(header);
    b->len = 0;
    assert_int_equal(buf_add(b, &len, sizeof len), 0);
    assert_int_equal(buf_add_str(b, header), 0);
    for (size_t i = 0; i < data; i++)
        assert_int_equal(buf_add_char(b, '\0'), 0);
}

static int parse(const struct buf *b, struct error *e)
{
    struct tensor_set set = {0};
    char *exact = malloc(b->len ? b->len : 1); /* so that a sanitizer sees a read past the end */
    assert_non_null(exact);
    memcpy(exact, b->ptr, b->len);
    int rc = safetensors_parse(exact, b->len, &set, e);
    tensor_set_release(&set);
    free(exact);
    return rc;
}

#define F32(shape, begin, end)                                                                               \
    "{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"

static void lying_headers_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data;
        int code;
        const char *says;
    } cases[] = {
        {"[]", 0, E_FORMAT, "does not begin with '{'"},
        {"{", 0, E_FORMAT, "no valid JSON"},
        {"{}x", 0, E_FORMAT, "no valid JSON"},
        {"{\"a\":1}", 0, E_FORMAT, "entry for a is no object"},
        {"{\"a\":{\"shape\":[],\"data_offsets\":[0,0]}}", 0, E_FORMAT, "a has no \"dtype\" string"},
        {"{\"a\":{\"dtype\":\"F31\",\"shape\":[],\"data_offsets\":[0,0]}}", 0, E_UNSUPPORTED,
         "unknown type F31"},
        {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,0]}}", 0, E_FORMAT, "a has no \"shape\" array"},
        {"{\"a\":" F32("[1]", 0, 4) ",\"a\":" F32("[1]", 4, 8) "}", 8, E_FORMAT, "two tensors are named a"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"shape\":[1],\"data_offsets\":[0,1]}}", 1, E_FORMAT,
         "has \"shape\" twice"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[]}}", 0, E_FORMAT, "a has no \"data_offsets\""},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[],}}", 0, E_FORMAT, "no valid JSON"},
        {"{\"a\":{\"x\":01}}", 0, E_FORMAT, "no valid JSON"},
        {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, E_FORMAT, "__metadata__\" is given twice"},
        {"{\"a\":" F32("[2]", 0, 4) "}", 4, E_FORMAT, "F32 of shape [2] does not fill its 4 bytes"},
        {"{\"a\":" F32("[1]", 0, 8) "}", 8, E_FORMAT, "does not fill its 8 bytes"},
        {"{\"a\":" F32("[-1]", 0, 4) "}", 4, E_FORMAT, "dimension 0 of its shape is no whole number"},
        {"{\"a\":" F32("[1,2.0]", 0, 8) "}", 8, E_FORMAT, "dimension 1 of its shape is no whole number"},
        {"{\"a\":" F32("[\"1\"]", 0, 4) "}", 4, E_FORMAT, "no whole number"},
        {"{\"a\":" F32("[18446744073709551617]", 0, 4) "}", 4, E_FORMAT, "no whole number"},
        {"{\"a\":" F32("[4294967296,4294967296]", 0, 0) "}", 0, E_LIMIT, "more than 2^63 elements"},
        {"{\"a\":" F32("[4611686018427387904]", 0, 0) "}", 0, E_FORMAT, "does not fill its 0 bytes"},
        {"{\"a\":" F32("[1,1,1,1,1,1,1,1,1]", 0, 4) "}", 4, E_LIMIT, "more than 8 dimensions"},
        {"{\"a\":" F32("[1]", 4, 0) "}", 4, E_FORMAT, "begin before end"},
        {"{\"a\":" F32("[1]", -4, 0) "}", 4, E_FORMAT, "begin before end"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4]}}", 4, E_FORMAT, "two whole numbers"},
        {"{\"a\":" F32("[1]", 9223372036854775804, 9223372036854775807) "}", 4, E_FORMAT, "cut short"},
        {"{\"a\":" F32("[2]", 0, 8) "}", 4, E_FORMAT, "ends at byte 8 of the data, which has 4"},
        {"{\"a\":" F32("[2]", 0, 8) ",\"b\":" F32("[2]", 4, 12) "}", 12, E_FORMAT, "tensors a and b overlap"},
        {"{\"a\":" F32("[1]", 0, 4) ",\"b\":" F32("[1]", 8, 12) "}", 12, E_FORMAT,
         "bytes 4 to 8 of the data belong to no tensor"},
        {"{\"a\":" F32("[1]", 0, 4) "}", 6, E_FORMAT, "the last 2 bytes"},
        {"{\"\":" F32("[1]", 0, 4) "}", 4, E_FORMAT, "empty name"},
        {"{\"\xff\":" F32("[1]", 0, 4) "}", 4, E_FORMAT, "not UTF-8"},
        {"{\"\\ud83d\":" F32("[1]", 0, 4) "}", 4, E_FORMAT, "no valid JSON"},
        {"{\"a\\nb\":" F32("[1]", 0, 4) "}", 4, E_FORMAT, "control character: a?b"},
        {"{\"a\\u0000b\":" F32("[1]", 0, 4) "}", 4, E_FORMAT, "control character: a?b"},
        {"{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":1}}}}}", 0, E_FORMAT, "nested deeper than 4 levels"},
        {"{\"__metadata__\":{\"a\":1}}", 0, E_FORMAT, "nothing but strings"},
        {"{\"__metadata__\":[]}", 0, E_FORMAT, "must be an object"},
    };
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error e = {0};
        build(&b, cases[i].header, cases[i].data);
        int rc = parse(&b, &e);
        if (rc != cases[i].code || !strstr(e.text, cases[i].says))
            fail_msg("%s: %d \"%s\"", cases[i].header, rc, e.text);
    }
    buf_release(&b);
}

static void lengths_are_checked_first(void **state)
{
    (void)state;
    struct error e;
    struct buf b = BUF_INIT;
    build(&b, "{}", 0);
    assert_int_equal(parse(&b, &e), 0);
    b.len = 7;
    assert_int_equal(parse(&b, &e), E_FORMAT);
    assert_non_null(strstr(e.text, "at least 8 bytes, this one 7"));
    b.len = 9;
    assert_int_equal(parse(&b, &e), E_FORMAT);
    assert_non_null(strstr(e.text, "claims 2 bytes, but only 1 follow"));
    memset(b.ptr, 0xFF, 8);
    assert_int_equal(parse(&b, &e), E_LIMIT);
    assert_non_null(strstr(e.text, "claims 18446744073709551615 bytes"));
    buf_release(&b);
}

static void too_much_is_refused_before_it_is_read(void **state)
{
    (void)state;
    struct error e;
    struct buf h = BUF_INIT, b = BUF_INIT;
    buf_add_char(&h, '{');
    for (int i = 0; i < CKPT_MAX_TENSORS + 1; i++)
        buf_addf(&h, "%s\"%d\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}", i ? "," : "", i);
    buf_add_char(&h, '}');
    build(&b, h.ptr, 0);
    assert_int_equal(parse(&b, &e), E_LIMIT);
    assert_non_null(strstr(e.text, "more than 65536 tensors"));

    h.len = 0;
    buf_add_str(&h, "{\"");
    for (int i = 0; i < CKPT_MAX_NAME + 1; i++)
        buf_add_char(&h, 'x');
    buf_add_str(&h, "\":" F32("[]", 0, 4) "}");
    build(&b, h.ptr, 4);
    assert_int_equal(parse(&b, &e), E_LIMIT);
    assert_non_null(strstr(e.text, "513 bytes, the limit is 512"));
    buf_release(&h);
    buf_release(&b);
}

static void every_type_reads_as_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        size_t size;
        uint64_t bits;
        float value;
    } cases[] = {
        {"F32", 4, 0x3FC00000, 1.5f}, {"F16", 2, 0x3E00, 1.5f},      {"F16", 2, 0x8001, -0x1p-24f},
        {"F16", 2, 0x7BFF, 65504},    {"F16", 2, 0xFC00, -INFINITY}, {"F16", 2, 0x03FF, 0x3FFp-24f},
        {"F16", 2, 0x0400, 0x1p-14f}, {"BF16", 2, 0xBFC0, -1.5f},    {"F64", 8, 0xBFF8000000000000, -1.5f},
        {"I64", 8, (uint64_t)-3, -3}, {"I32", 4, 0xFFFFFFFE, -2},    {"U8", 1, 0xFF, 255},
    };
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char header[128];
        struct tensor_set set = {0};
        struct error e;
        float v = 0;
        snprintf(header, sizeof header, "{\"a\":{\"dtype\":\"%s\",\"shape\":[1],\"data_offsets\":[0,%zu]}}",
                 cases[i].type, cases[i].size);
        build(&b, header, cases[i].size);
        memcpy(b.ptr + b.len - cases[i].size, &cases[i].bits, cases[i].size);
        assert_int_equal(safetensors_parse(b.ptr, b.len, &set, &e), 0);
        assert_string_equal(ckpt_dtype_name(set.items[0].dtype), cases[i].type);
        assert_int_equal(ckpt_read_f32(&set.items[0], &v, &e), 0);
        if (v != cases[i].value)
            fail_msg("%s: expected %g, found %g", cases[i].type, (double)cases[i].value, (double)v);
        tensor_set_release(&set);
    }
    struct tensor_set set = {0};
    struct error e;
    float v;
    build(&b, "{\"a\":{\"dtype\":\"BOOL\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1);
    assert_int_equal(safetensors_parse(b.ptr, b.len, &set, &e), 0);
    assert_int_equal(ckpt_read_f32(&set.items[0], &v, &e), E_UNSUPPORTED);
    assert_null(ckpt_view_f32(&set.items[0]));
    tensor_set_release(&set);
    buf_release(&b);
}

static const float values[6] = {0, 1, -2, 3.5f, 4, 5};
static const int32_t whole[2] = {7, -8};
static const struct ckpt_out two[] = {
    {"z.\"quoted\" \\ \xc3\xa9", CKPT_F32, 2, {2, 3}, values},
    {"a", CKPT_I32, 1, {2}, whole},
    {"none", CKPT_F32, 2, {0, 9}, NULL},
    {"one", CKPT_F32, 0, {0}, values + 3},
};

static void what_is_written_comes_back(void **state)
{
    (void)state;
    struct error e;
    struct ckpt *c;
    assert_int_equal(safetensors_write(path, two, 4, &e), 0);
    assert_int_equal(ckpt_open(path, &c, &e), 0);
    assert_int_equal(c->count, 4);
    assert_string_equal(c->tensors[0].name, "a");
    const struct ckpt_tensor *t = ckpt_find(c, two[0].name);
    char shape[CKPT_SHAPE_TEXT];
    ckpt_shape_text(t, shape);
    assert_string_equal(shape, "[2, 3]");
    assert_int_equal(t->stride[0], 3);
    assert_memory_equal(ckpt_view_f32(t), values, sizeof values);
    float out[6] = {0};
    assert_int_equal(ckpt_read_f32(ckpt_find(c, "a"), out, &e), 0);
    assert_true(out[0] == 7 && out[1] == -8);
    assert_int_equal(ckpt_find(c, "none")->count, 0);
    assert_int_equal(ckpt_read_f32(ckpt_find(c, "none"), NULL, &e), 0);
    assert_int_equal(ckpt_find(c, "one")->count, 1);
    assert_int_equal(ckpt_read_f32(ckpt_find(c, "one"), out, &e), 0);
    assert_true(out[0] == 3.5f);
    assert_null(ckpt_find(c, "b"));
    ckpt_close(c);
    ckpt_close(NULL);
    assert_int_equal(safetensors_write(path, NULL, 0, &e), 0);
    assert_int_equal(ckpt_open(path, &c, &e), 0);
    assert_null(ckpt_find(c, "a"));
    ckpt_close(c);
}

static void names_may_be_escaped(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    struct tensor_set set = {0};
    struct error e;
    build(&b,
          "{ \"\\u00e9\\ud83d\\ude00\\/\" : { \"later\" : [ 1.5e-3 , { } , null ] , \"shape\" : [ 1 ] ,\r\n"
          "\t\"data_offsets\" : [ 0 , 1 ] , \"dtype\" : \"\\u0055\\u0038\" } , \"__metadata__\" : { \"a\" : "
          "\"b\" } }   ",
          1);
    if (safetensors_parse(b.ptr, b.len, &set, &e))
        fail_msg("%s", e.text);
    assert_int_equal(set.count, 1);
    assert_string_equal(set.items[0].name, "\u00e9\U0001F600/");
    tensor_set_release(&set);
    buf_release(&b);
}

static void what_cannot_be_written_leaves_the_file(void **state)
{
    (void)state;
    static const struct {
        struct ckpt_out tensors[2];
        size_t count;
        const char *says;
    } cases[] = {
        {{{"a", CKPT_F16, 0, {0}, values}}, 1, "only F32 and I32 are written, not F16"},
        {{{"a", CKPT_F32, 1, {-1}, values}}, 1, "no such shape"},
        {{{"a", CKPT_F32, 9, {1}, values}}, 1, "no such shape"},
        {{{"a", CKPT_F32, 2, {1LL << 40, 1LL << 40}, values}}, 1, "no such shape"},
        {{{"", CKPT_F32, 0, {0}, values}}, 1, "empty name"},
        {{{"\xff", CKPT_F32, 0, {0}, values}}, 1, "not UTF-8"},
        {{{"__metadata__", CKPT_F32, 0, {0}, values}}, 1, "__metadata__"},
        {{{"a", CKPT_F32, 0, {0}, values}, {"a", CKPT_F32, 0, {0}, values}}, 2, "two tensors are named a"},
    };
    struct error e;
    struct stat before, after;
    assert_int_equal(safetensors_write(path, two, 4, &e), 0);
    assert_int_equal(stat(path, &before), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(safetensors_write(path, cases[i].tensors, cases[i].count, &e), E_ARG);
        assert_non_null(strstr(e.text, cases[i].says));
    }
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(safetensors_write("/nonexistent/x", two, 4, &e), E_NOTFOUND);
    assert_int_equal(safetensors_write("/dev/full", two, 4, &e), E_IO);
}

static void files_of_other_kinds_get_a_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        const char *says;
    } cases[] = {
        {"", "the file is empty"},
        {"<!DOCTYPE html>", "neither"},
        {"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"},
        {"PK\003\004", "no end record"},
    };
    struct error e;
    struct ckpt *c = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(file_write(path, cases[i].content, strlen(cases[i].content), &e), 0);
        assert_int_equal(ckpt_open(path, &c, &e), E_FORMAT);
        assert_non_null(strstr(e.text, cases[i].says));
        assert_ptr_equal(strstr(e.text, path), e.text);
        assert_null(c);
    }
    assert_int_equal(ckpt_open("/nonexistent/x", &c, &e), E_NOTFOUND);
    assert_int_equal(ckpt_open(dir, &c, &e), E_FORMAT);
}

static void memory_may_run_out_anywhere(void **state)
{
    (void)state;
    struct error e;
    int rc = E_NOMEM;
    heap.armed = 1;
    for (heap.fail_at = 1; rc; heap.fail_at++) {
        heap.calls = 0;
        rc = safetensors_write(path, two, 4, &e);
        assert_true(rc == 0 || (rc == E_NOMEM && e.code == E_NOMEM));
        assert_int_equal(heap.live, 0);
    }
    assert_true(heap.calls > 3);
    rc = E_NOMEM;
    for (heap.fail_at = 1; rc; heap.fail_at++) {
        struct ckpt *c = NULL;
        heap.calls = 0;
        rc = ckpt_open(path, &c, &e);
        assert_true(rc == 0 || (rc == E_NOMEM && e.code == E_NOMEM && !c));
        ckpt_close(c);
        assert_int_equal(heap.live, 0);
    }
    assert_true(heap.calls > 5);
    heap = (struct failing_heap){0};
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lying_headers_are_refused),
        cmocka_unit_test(lengths_are_checked_first),
        cmocka_unit_test(too_much_is_refused_before_it_is_read),
        cmocka_unit_test(every_type_reads_as_numbers),
        cmocka_unit_test(what_is_written_comes_back),
        cmocka_unit_test(names_may_be_escaped),
        cmocka_unit_test(what_cannot_be_written_leaves_the_file),
        cmocka_unit_test(files_of_other_kinds_get_a_sentence),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests_name("safetensors", tests, make_dir, remove_dir);
}
