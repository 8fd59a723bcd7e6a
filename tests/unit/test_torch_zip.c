/* Torch zips: everything PyTorch writes comes out by its dotted name and with its values, and a zip
 * that contradicts itself is refused. The files of data/ckpt are made by tools/make_ckpt_fixtures.py. */
#include "test.h"

#include "failing_heap.h"

#include "base/file.h"
#include "ckpt/tensor_set.h"
#include "ckpt/zip_index.h"

#include <stdio.h>
#include <zlib.h>

static const char *data_path(const char *name)
{
    static char path[4096];
    const char *tests = getenv("ISHOW_TESTS");
    snprintf(path, sizeof path, "%s/unit/data/ckpt/%s", tests ? tests : "tests", name);
    return path;
}

static struct ckpt *open_file(const char *name)
{
    struct error e;
    struct ckpt *c = NULL;
    if (ckpt_open(data_path(name), &c, &e))
        fail_msg("%s", e.text);
    return c;
}

/* -------- what torch wrote -------- */

static const struct {
    const char *name;
    enum ckpt_dtype dtype;
    const char *shape;
    int dense;
    float values[24];
} state_tensors[] = {
    {"plain", CKPT_F32, "[3, 4]", 1, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
    {"transposed", CKPT_F32, "[4, 3]", 0, {0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11}},
    {"row", CKPT_F32, "[4]", 1, {4, 5, 6, 7}},
    {"column", CKPT_F32, "[3]", 0, {2, 6, 10}},
    {"window", CKPT_F32, "[2, 2]", 0, {5, 7, 9, 11}},
    {"permuted", CKPT_F32, "[4, 2, 3]", 0, {0, 4, 8,  12, 16, 20, 1, 5, 9,  13, 17, 21,
                                            2, 6, 10, 14, 18, 22, 3, 7, 11, 15, 19, 23}},
    {"scalar", CKPT_F32, "[]", 1, {3.5f}},
    {"empty", CKPT_F32, "[0, 4]", 0, {0}},
    {"parameter", CKPT_F32, "[2, 2]", 1, {0, 1, 2, 3}},
    {"f16", CKPT_F16, "[5]", 0, {0, 0.25f, 0.5f, 0.75f, 1}},
    {"bf16", CKPT_BF16, "[5]", 0, {0, 0.25f, 0.5f, 0.75f, 1}},
    {"f64", CKPT_F64, "[5]", 0, {0, 0.25f, 0.5f, 0.75f, 1}},
    {"i64", CKPT_I64, "[5]", 0, {-2, -1, 0, 1, 2}},
    {"i32", CKPT_I32, "[5]", 0, {-2, -1, 0, 1, 2}},
    {"u8", CKPT_U8, "[5]", 0, {0, 1, 2, 3, 4}},
    {"nested.x.y", CKPT_F32, "[2]", 1, {0, 1}},
};

static void every_protocol_reads_the_same(void **state)
{
    (void)state;
    static const char *const files[] = {"state-p2.pt", "state-p3.pt", "state-p4.pt", "state-p5.pt"};
    const size_t n = sizeof state_tensors / sizeof *state_tensors;
    for (size_t f = 0; f < 4; f++) {
        struct ckpt *c = open_file(files[f]);
        assert_int_equal(c->count, n + 1);
        assert_int_equal(ckpt_find(c, "bool")->dtype, CKPT_OTHER);
        for (size_t i = 0; i < n; i++) {
            char shape[CKPT_SHAPE_TEXT];
            float out[24] = {0};
            struct error e;
            const struct ckpt_tensor *t = ckpt_find(c, state_tensors[i].name);
            assert_non_null(t);
            assert_int_equal(t->dtype, state_tensors[i].dtype);
            ckpt_shape_text(t, shape);
            assert_string_equal(shape, state_tensors[i].shape);
            assert_int_equal(ckpt_read_f32(t, out, &e), 0);
            assert_memory_equal(out, state_tensors[i].values, sizeof out);
            if (state_tensors[i].dense)
                assert_memory_equal(ckpt_view_f32(t), out, (size_t)t->count * sizeof *out);
            else
                assert_null(ckpt_view_f32(t));
        }
        ckpt_close(c);
    }
}

static void training_checkpoints_are_flattened(void **state)
{
    (void)state;
    struct ckpt *c = open_file("training.pt");
    static const char *const names[] = {
        "model_state_dict.weight",
        "model_state_dict.bias",
        "ema_model_state_dict.initted",
        "ema_model_state_dict.step",
        "ema_model_state_dict.ema_model.weight",
        "optimizer_state_dict.state.0.exp_avg",
        "optimizer_state_dict.state.1.exp_avg_sq",
        "optimizer_state_dict.state.1.step",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!ckpt_find(c, names[i]))
            fail_msg("%s is missing", names[i]);
    for (size_t i = 1; i < c->count; i++)
        assert_true(strcmp(c->tensors[i - 1].name, c->tensors[i].name) < 0);
    ckpt_close(c);
}

static void what_is_no_plain_checkpoint_gets_a_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        int code;
        const char *says;
    } cases[] = {
        {"hostile.pt", E_FORMAT, "data.pkl asks for posix.system, which a checkpoint has no business with"},
        {"legacy.pt", E_UNSUPPORTED, "torch.save it again"},
        {"bare.pt", E_FORMAT, "holds a bare tensor, expected a dict of tensors"},
        {"module.pt", E_FORMAT, "asks for torch.nn.modules.linear.Linear, which is not read here"},
        {"complex.pt", E_FORMAT, "torch.ComplexFloatStorage"},
        {"expanded.pt", E_FORMAT, ".contiguous()"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error e;
        struct ckpt *c = NULL;
        assert_int_equal(ckpt_open(data_path(cases[i].file), &c, &e), cases[i].code);
        if (!strstr(e.text, cases[i].says) || !strstr(e.text, cases[i].file))
            fail_msg("%s: %s", cases[i].file, e.text);
    }
}

/* -------- zips made here -------- */

struct item {
    const char *name;
    const char *data;
    size_t len;
};

static void put(struct buf *b, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        assert_int_equal(buf_add_char(b, i < 8 ? (char)(v >> 8 * i) : 0), 0);
}

#define CENTRAL_CRC     16
#define CENTRAL_FLAGS   8
#define CENTRAL_METHOD  10
#define CENTRAL_PACKED  20
#define CENTRAL_SIZE_AT 24
#define CENTRAL_OFFSET  42

/* Returns where the directory begins; the end record is the last 22 bytes. */
static size_t build_zip(struct buf *b, const struct item *items, size_t n)
{
    size_t at[8], directory;
    b->len = 0;
    for (size_t i = 0; i < n; i++) {
        at[i] = b->len;
        put(b, 0x04034b50, 4);
        put(b, 0, 2 + 2 + 2 + 2 + 2);
        put(b, crc32(0, (const Bytef *)items[i].data, (uInt)items[i].len), 4);
        put(b, items[i].len, 4);
        put(b, items[i].len, 4);
        put(b, strlen(items[i].name), 2);
        put(b, 0, 2);
        assert_int_equal(buf_add_str(b, items[i].name), 0);
        assert_int_equal(buf_add(b, items[i].data, items[i].len), 0);
    }
    directory = b->len;
    for (size_t i = 0; i < n; i++) {
        put(b, 0x02014b50, 4);
        put(b, 0, 12);
        put(b, crc32(0, (const Bytef *)items[i].data, (uInt)items[i].len), 4);
        put(b, items[i].len, 4);
        put(b, items[i].len, 4);
        put(b, strlen(items[i].name), 2);
        put(b, 0, 12);
        put(b, at[i], 4);
        assert_int_equal(buf_add_str(b, items[i].name), 0);
    }
    size_t size = b->len - directory;
    put(b, 0x06054b50, 4);
    put(b, 0, 4);
    put(b, n, 2);
    put(b, n, 2);
    put(b, size, 4);
    put(b, directory, 4);
    put(b, 0, 2);
    return directory;
}

/* {"a": tensor [2] of storage "0", 2 floats} */
#define PICKLE                                                                                               \
    "\x80\x02}X\x01\x00\x00\x00"                                                                             \
    "actorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n"                   \
    "X\x01\x00\x00\x00"                                                                                      \
    "0X\x03\x00\x00\x00"                                                                                     \
    "cpuK\x02tQK\x00K\x02\x85K\x01\x85\x89NtRs."

static const struct item plain[] = {
    {"m/data.pkl", PICKLE, sizeof PICKLE - 1},
    {"m/data/0", "\0\0\x80\x3f\0\0\0\x40", 8},
    {"m/byteorder", "little", 6},
};

static int parse(const struct buf *b, struct error *e)
{
    struct tensor_set set = {0};
    char *exact = malloc(b->len ? b->len : 1); /* so that a sanitizer sees a read past the end */
    assert_non_null(exact);
    memcpy(exact, b->ptr, b->len);
    int rc = torch_zip_parse(exact, b->len, &set, e);
    if (!rc) {
        float out[2];
        assert_int_equal(set.count, 1);
        assert_int_equal(ckpt_read_f32(&set.items[0], out, e), 0);
        assert_true(out[0] == 1 && out[1] == 2);
    }
    tensor_set_release(&set);
    free(exact);
    return rc;
}

static void expect(const struct buf *b, int code, const char *says)
{
    struct error e = {0};
    int rc = parse(b, &e);
    if (rc != code || !strstr(e.text, says))
        fail_msg("expected %d \"%s\", found %d \"%s\"", code, says, rc, e.text);
}

static void entries_belong_together(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    struct error e;
    struct item items[4];
    build_zip(&b, plain, 3);
    assert_int_equal(parse(&b, &e), 0);
    build_zip(&b, plain, 2); /* files of before torch 2.1 do not say their byte order */
    assert_int_equal(parse(&b, &e), 0);

    memcpy(items, plain, sizeof plain);
    items[2] = (struct item){"m/byteorder", "big", 3};
    build_zip(&b, items, 3);
    expect(&b, E_UNSUPPORTED, "big-endian");
    items[2].data = "odd";
    build_zip(&b, items, 3);
    expect(&b, E_FORMAT, "byteorder is \"odd\"");
    build_zip(&b, plain + 1, 2);
    expect(&b, E_FORMAT, "holds no data.pkl");
    build_zip(&b, plain, 1);
    expect(&b, E_FORMAT, "tensor a: the zip has no entry data/0");
    items[2] = (struct item){"n/data.pkl", PICKLE, sizeof PICKLE - 1};
    build_zip(&b, items, 3);
    expect(&b, E_FORMAT, "more than one data.pkl");
    items[2] = plain[1];
    build_zip(&b, items, 3);
    expect(&b, E_FORMAT, "two zip entries are named m/data/0");
    items[1].len = 7;
    build_zip(&b, items, 2);
    expect(&b, E_FORMAT, "data/0 has 7 bytes, data.pkl says 8");
    items[0] = (struct item){"data.pkl", PICKLE, sizeof PICKLE - 1};
    items[1] = (struct item){"data/0", plain[1].data, 8};
    build_zip(&b, items, 2);
    assert_int_equal(parse(&b, &e), 0);
    build_zip(&b, NULL, 0);
    expect(&b, E_FORMAT, "holds no data.pkl");
    buf_release(&b);
}

static void dicts_flatten_within_limits(void **state)
{
    (void)state;
    struct buf b = BUF_INIT, pickle = BUF_INIT;
    struct item items[2] = {plain[0], plain[1]};
    static const char tensor[] = PICKLE;
    const char *body = tensor + 3 + 6, *stop = tensor + sizeof tensor - 3; /* the value alone */
    size_t body_len = (size_t)(stop - body);
    static const struct {
        const char *before, *after;
        size_t before_len;
        const char *says;
    } cases[] = {
#define CASE(before, after, says) {before, after, sizeof(before) - 1, says}
        CASE("}\x8c\x01"
             "a}\x8c\x01"
             "b",
             "ss.", NULL),
        CASE("}J\xff\xff\xff\xff", "s.", NULL),
        CASE("}\x8c\x00", "s.", "empty key"),
        CASE("}\x8c\x01\xff", "s.", "not UTF-8"),
        CASE("}\x8c\x01\n", "s.", "control character"),
        CASE("}N", "s.", "neither text nor number"),
        CASE("}(\x8c\x01"
             "a",
             "q\x01\x8c\x01"
             "ah\x01u.",
             "two tensors are named a"),
        CASE("}(\x8c\x03"
             "a.b",
             "q\x01\x8c\x01"
             "a}\x8c\x01"
             "bh\x01su.",
             "two tensors are named a.b"),
        CASE("}q\x00\x8c\x01"
             "ah\x00s\x8c\x01"
             "b",
             "s.", "nests dicts deeper than 32 levels"),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pickle.len = 0;
        assert_int_equal(buf_add(&pickle, cases[i].before, cases[i].before_len), 0);
        assert_int_equal(buf_add(&pickle, body, body_len), 0);
        assert_int_equal(buf_add_str(&pickle, cases[i].after), 0);
        items[0].data = pickle.ptr;
        items[0].len = pickle.len;
        build_zip(&b, items, 2);
        struct error e = {0};
        int rc = parse(&b, &e);
        if (cases[i].says ? rc == 0 || !strstr(e.text, cases[i].says) : rc != 0)
            fail_msg("case %zu: %d %s", i, rc, e.text);
    }

    /* thirty dicts, each holding the one before twice: small in the file, 2^30 names when unfolded */
    pickle.len = 0;
    assert_int_equal(buf_add_str(&pickle, "}\x8c\x01xK\x01s\x94"), 0);
    for (int i = 0; i < 30; i++) {
        char step[32];
        int n = snprintf(step, sizeof step,
                         "0}(\x8c\x01"
                         "ah%c\x8c\x01"
                         "bh%cu\x94",
                         i, i);
        assert_int_equal(buf_add(&pickle, step, (size_t)n), 0);
    }
    assert_int_equal(buf_add_str(&pickle, "."), 0);
    items[0].data = pickle.ptr;
    items[0].len = pickle.len;
    build_zip(&b, items, 2);
    expect(&b, E_LIMIT, "holds more than 5242880 values");
    buf_release(&pickle);
    buf_release(&b);
}

static void set(struct buf *b, size_t at, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        b->ptr[at + (size_t)i] = (char)(v >> 8 * i);
}

static void lying_directories_are_refused(void **state)
{
    (void)state;
    /* each changes one field, of the first directory entry or counted back from the end */
    static const struct {
        int from_end;
        size_t at;
        uint64_t value;
        int bytes;
        int code;
        const char *says;
    } cases[] = {
        {0, 0, 0, 4, E_FORMAT, "directory is damaged"},
        {0, CENTRAL_FLAGS, 1, 2, E_UNSUPPORTED, "is encrypted"},
        {0, CENTRAL_METHOD, 8, 2, E_UNSUPPORTED, "m/data.pkl is compressed, which torch.save never does"},
        {0, CENTRAL_CRC, 0, 4, E_FORMAT, "m/data.pkl is damaged: its checksum"},
        {0, CENTRAL_PACKED, 1, 4, E_FORMAT, "two different sizes"},
        {0, CENTRAL_OFFSET, 1, 4, E_FORMAT, "no local header at byte 1"},
        {0, CENTRAL_OFFSET, 0xFFFFFFF0, 4, E_FORMAT, "no local header"},
        {0, CENTRAL_OFFSET, 0xFFFFFFFF, 4, E_FORMAT, "damaged zip64 field"},
        {0, 28, 0, 2, E_FORMAT, "name has 0 bytes"},
        {0, 28, 0xFFFF, 2, E_FORMAT, "cut short"},
        {0, 30, 0xFFFF, 2, E_FORMAT, "cut short"},
        {0, 46, 'x', 1, E_FORMAT, "local header disagrees"},
        {1, 22, 0, 4, E_FORMAT, "no end record"},
        {1, 2, 1, 2, E_FORMAT, "no end record"},
        {1, 18, 1, 2, E_UNSUPPORTED, "several parts"},
        {1, 12, 4, 2, E_UNSUPPORTED, "several parts"},
        {1, 6, 0, 4, E_FORMAT, "does not end at its end record"},
        {1, 6, 0xFFFFFFFF, 4, E_FORMAT, "does not end at its end record"},
        {1, 10, 1, 4, E_FORMAT, "does not end at its end record"},
    };
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t directory = build_zip(&b, plain, 3);
        set(&b, cases[i].from_end ? b.len - cases[i].at : directory + cases[i].at, cases[i].value,
            cases[i].bytes);
        expect(&b, cases[i].code, cases[i].says);
    }

    size_t directory = build_zip(&b, plain, 3); /* two entries over the same bytes */
    size_t second = directory + 46 + strlen(plain[0].name);
    uint64_t first_at = 0;
    memcpy(b.ptr + directory + CENTRAL_OFFSET, b.ptr + second + CENTRAL_OFFSET, 4);
    set(&b, directory + CENTRAL_OFFSET, first_at, 4);
    set(&b, directory + CENTRAL_PACKED, sizeof PICKLE + 20, 4);
    set(&b, directory + CENTRAL_SIZE_AT, sizeof PICKLE + 20, 4);
    set(&b, 22, sizeof PICKLE + 20, 4);
    expect(&b, E_FORMAT, "zip entries m/data.pkl and m/data/0 overlap");

    directory = build_zip(&b, plain, 3); /* bytes past the directory */
    set(&b, directory + CENTRAL_PACKED, 1u << 30, 4);
    set(&b, directory + CENTRAL_SIZE_AT, 1u << 30, 4);
    expect(&b, E_FORMAT, "run past the end of the data");

    build_zip(&b, plain, 3); /* fewer, and more, entries than there are */
    set(&b, b.len - 14, 2, 2);
    set(&b, b.len - 12, 2, 2);
    expect(&b, E_FORMAT, "more than its 2 entries");
    set(&b, b.len - 14, 4, 2);
    set(&b, b.len - 12, 4, 2);
    expect(&b, E_FORMAT, "no room for its 4 entries");

    build_zip(&b, plain, 3); /* cut anywhere: a sentence, and nothing read past the end */
    for (size_t len = b.len; len-- > 0;) {
        struct error e;
        b.len = len;
        assert_int_equal(parse(&b, &e), E_FORMAT);
    }
    buf_release(&b);
}

/* The same figures in zip64 records, as files over 4 GB have them. */
static void zip64_is_read(void **state)
{
    (void)state;
    struct buf b = BUF_INIT, z = BUF_INIT;
    struct error e;
    size_t directory = build_zip(&b, plain, 1), end = b.len - 22, entry_end = end, size;
    assert_int_equal(buf_add(&z, b.ptr, entry_end), 0);
    set(&z, directory + CENTRAL_PACKED, 0xFFFFFFFF, 4);
    set(&z, directory + CENTRAL_SIZE_AT, 0xFFFFFFFF, 4);
    set(&z, directory + CENTRAL_OFFSET, 0xFFFFFFFF, 4);
    set(&z, directory + 30, 28, 2);
    put(&z, 1, 2);
    put(&z, 24, 2);
    put(&z, sizeof PICKLE - 1, 8);
    put(&z, sizeof PICKLE - 1, 8);
    put(&z, 0, 8);
    size = z.len - directory;
    size_t end64 = z.len;
    put(&z, 0x06064b50, 4);
    put(&z, 44, 8);
    put(&z, 0, 4 + 4 + 4);
    put(&z, 1, 8);
    put(&z, 1, 8);
    put(&z, size, 8);
    put(&z, directory, 8);
    put(&z, 0x07064b50, 4);
    put(&z, 0, 4);
    put(&z, end64, 8);
    put(&z, 1, 4);
    put(&z, 0x06054b50, 4);
    put(&z, 0, 4);
    put(&z, 0xFFFF, 2);
    put(&z, 0xFFFF, 2);
    put(&z, 0xFFFFFFFF, 4);
    put(&z, 0xFFFFFFFF, 4);
    put(&z, 0, 2);

    struct zip_index index;
    assert_int_equal(zip_index_parse(z.ptr, z.len, &index, &e), 0);
    assert_int_equal(index.count, 1);
    const struct zip_entry *found = zip_find(&index, slice_str("m/data.pkl"));
    assert_non_null(found);
    assert_int_equal(found->data.len, sizeof PICKLE - 1);
    assert_int_equal(zip_check_crc(found, &e), 0);
    assert_null(zip_find(&index, slice_str("m/data.pk")));
    zip_index_release(&index);

    set(&z, end64 + 56 + 8, UINT64_MAX, 8);
    assert_int_equal(zip_index_parse(z.ptr, z.len, &index, &e), E_FORMAT);
    assert_non_null(strstr(e.text, "zip64 locator"));
    set(&z, end64 + 56 + 8, end64, 8);
    set(&z, end64 + 24, 1ull << 40, 8);
    set(&z, end64 + 32, 1ull << 40, 8);
    assert_int_equal(zip_index_parse(z.ptr, z.len, &index, &e), E_LIMIT);
    buf_release(&z);
    buf_release(&b);
}

static void memory_may_run_out_anywhere(void **state)
{
    (void)state;
    struct error e;
    int rc = E_NOMEM;
    heap.armed = 1;
    for (heap.fail_at = 1; rc; heap.fail_at++) {
        struct ckpt *c = NULL;
        heap.calls = 0;
        rc = ckpt_open(data_path("state-p2.pt"), &c, &e);
        assert_true(rc == 0 || (rc == E_NOMEM && e.code == E_NOMEM && !c));
        ckpt_close(c);
        assert_int_equal(heap.live, 0);
    }
    assert_true(heap.calls > 8);
    heap = (struct failing_heap){0};
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_protocol_reads_the_same),
        cmocka_unit_test(training_checkpoints_are_flattened),
        cmocka_unit_test(what_is_no_plain_checkpoint_gets_a_sentence),
        cmocka_unit_test(entries_belong_together),
        cmocka_unit_test(dicts_flatten_within_limits),
        cmocka_unit_test(lying_directories_are_refused),
        cmocka_unit_test(zip64_is_read),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests_name("torch_zip", tests, NULL, NULL);
}
