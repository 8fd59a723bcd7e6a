/* The unpickler as a stack machine: what it builds, what it refuses, and in which words. */
#include "test.h"

#include "base/buf.h"
#include "ckpt/unpickle.h"

#define CODE(s) s, sizeof(s) - 1

static int run(const char *code, size_t len, struct arena *arena, struct pickle_value *v, struct error *e)
{
    char *exact = malloc(len ? len : 1); /* so that a sanitizer sees a read past the end */
    assert_non_null(exact);
    memcpy(exact, code, len);
    int rc = unpickle(exact, len, arena, v, e);
    free(exact);
    return rc;
}

static void values_are_built(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        size_t len;
        enum pickle_kind kind;
        int64_t number; /* or the count of a container's values */
    } cases[] = {
        {CODE("\x80\x02K\x07."), PICKLE_INT, 7},
        {CODE("M\x01\x02."), PICKLE_INT, 513},
        {CODE("J\xfe\xff\xff\xff."), PICKLE_INT, -2},
        {CODE("\x8a\x00."), PICKLE_INT, 0},
        {CODE("\x8a\x02\x00\xff."), PICKLE_INT, -256},
        {CODE("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f."), PICKLE_INT, INT64_MAX},
        {CODE("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01."), PICKLE_OTHER, 0},
        {CODE("\x8b\x01\x00\x00\x00\x05."), PICKLE_INT, 5},
        {CODE("G\x3f\xf0\x00\x00\x00\x00\x00\x00."), PICKLE_OTHER, 0},
        {CODE("N."), PICKLE_OTHER, 0},
        {CODE("X\x01\x00\x00\x00x."), PICKLE_TEXT, 0},
        {CODE("\x8c\x01x."), PICKLE_TEXT, 0},
        {CODE("C\x01x."), PICKLE_OTHER, 0},
        {CODE("\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00)."), PICKLE_TUPLE, 0},
        {CODE("K\x01K\x02K\x03\x87."), PICKLE_TUPLE, 3},
        {CODE("(K\x01K\x02K\x03K\x04t."), PICKLE_TUPLE, 4},
        {CODE("](K\x01K\x02"
              "e."),
         PICKLE_LIST, 2},
        {CODE("]K\x01"
              "a."),
         PICKLE_LIST, 1},
        {CODE("}(K\x01K\x02K\x03K\x04u."), PICKLE_DICT, 4},
        {CODE("}K\x01K\x02s."), PICKLE_DICT, 2},
        {CODE("(K\x01K\x02"
              "d."),
         PICKLE_DICT, 2},
        {CODE("}q\x00h\x00h\x00\x86"
              "0K\x01h\x00s."),
         PICKLE_DICT, 2}, /* contains itself */
        {CODE("(K\x01K\x02"
              "10K\x05."),
         PICKLE_NOTHING, 0}, /* POP_MARK, then nothing to pop */
        {CODE("K\x05(K\x01K\x02"
              "1."),
         PICKLE_INT, 5},
        {CODE("K\x05(0."), PICKLE_INT, 5}, /* POP takes a mark */
        {CODE("K\x05"
              "20."),
         PICKLE_INT, 5},
        {CODE("K\x05\x94\x30h\x00."), PICKLE_INT, 5},
        {CODE("ccollections\nOrderedDict\n)R}b."), PICKLE_DICT, 0},
        {CODE("ccollections\nOrderedDict\n](]K\x01"
              "aK\x02"
              "ae\x85R."),
         PICKLE_DICT, 2},
        {CODE("ccollections\nOrderedDict\n](]K\x01"
              "ae\x85R."),
         PICKLE_NOTHING, 0},
        {CODE("ccollections\nOrderedDict\n](K\x01K\x02\x86K\x03K\x04\x86"
              "e\x85R."),
         PICKLE_DICT, 4},
        {CODE("ccollections\nCounter\n}K\x01K\x02s\x85R."), PICKLE_DICT, 2},
        {CODE("\x8c\x05torch\x8c\x06"
              "device\x93\x8c\x03"
              "cpu\x85R."),
         PICKLE_OTHER, 0},
        {CODE("ctorch\nSize\nK\x01K\x02\x86\x85R."), PICKLE_TUPLE, 2},
        {CODE("ctorch\nbfloat16\n."), PICKLE_GLOBAL, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena = {0};
        struct pickle_value v = {0};
        struct error e = {0};
        int rc = run(cases[i].code, cases[i].len, &arena, &v, &e);
        if (cases[i].kind == PICKLE_NOTHING ? rc != E_FORMAT : rc || v.kind != cases[i].kind)
            fail_msg("case %zu: %d, kind %d, %s", i, rc, v.kind, e.text);
        if (v.kind == PICKLE_INT)
            assert_int_equal(v.number, cases[i].number);
        else if (v.kind >= PICKLE_TUPLE && v.kind <= PICKLE_DICT)
            assert_int_equal(v.list->count, cases[i].number);
        arena_release(&arena);
    }
}

/* ("storage", torch.FloatStorage, "0", "cpu", 6) as a storage, then what follows */
#define STORAGE                                                                                              \
    "(\x8c\x07storagectorch\nFloatStorage\n\x8c\x01"                                                         \
    "0\x8c\x03"                                                                                              \
    "cpuK\x06tQ"
#define REBUILD "ctorch._utils\n_rebuild_tensor_v2\n("
#define REST                                                                                                 \
    "\x89"                                                                                                   \
    "Nt"                                                                                                     \
    "R."

static void tensors_stay_in_their_storage(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        size_t len;
        const char *says; /* NULL: a tensor comes out */
    } cases[] = {
        {CODE(REBUILD STORAGE "K\x00K\x02K\x03\x86K\x03K\x01\x86" REST), NULL},
        {CODE(REBUILD STORAGE "K\x00K\x03K\x02\x86K\x01K\x03\x86" REST), NULL},
        {CODE(REBUILD STORAGE "K\x05))" REST), NULL},
        {CODE(REBUILD STORAGE "K\x06K\x00\x85K\x01\x85" REST), NULL},
        {CODE(REBUILD STORAGE "K\x06))" REST), "reaches past the 6 elements of storage 0"},
        {CODE(REBUILD STORAGE "K\x07K\x00\x85K\x01\x85" REST), "reaches past"},
        {CODE(REBUILD STORAGE "K\x01K\x02K\x03\x86K\x03K\x01\x86" REST), "reaches past"},
        {CODE(REBUILD STORAGE "K\x00K\x02\x85K\x06\x85" REST), "reaches past"},
        {CODE(REBUILD STORAGE "K\x00K\x02\x85\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85" REST),
         "reaches past"},
        {CODE(REBUILD STORAGE "K\x00K\x03\x85\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85" REST),
         "reaches past"},
        {CODE(REBUILD STORAGE "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fK\x02\x85K\x01\x85" REST),
         "reaches past"},
        {CODE(REBUILD STORAGE "J\xff\xff\xff\xffK\x02\x85K\x01\x85" REST),
         "something other than storage, offset"},
        {CODE(REBUILD STORAGE "K\x00J\xff\xff\xff\xff\x85K\x01\x85" REST), "no two lists"},
        {CODE(REBUILD STORAGE "K\x00K\x02\x85J\xff\xff\xff\xff\x85" REST), "no two lists"},
        {CODE(REBUILD STORAGE "K\x00K\x02\x85)" REST), "no two lists"},
        {CODE(REBUILD STORAGE "K\x00(K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01t("
                              "K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01K\x01t" REST),
         "no two lists of at most 8"},
        {CODE(REBUILD STORAGE "K\x00\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x40K\x04\x86K\x00K\x00\x86" REST),
         "reaches past"},
        {CODE(REBUILD STORAGE "K\x00K\x07\x85K\x00\x85" REST), ".contiguous()"},
        {CODE(REBUILD "K\x00K\x00))" REST), "something other than storage"},
        {CODE("ctorch._utils\n_rebuild_parameter\nK\x01\x85R."), "something that is no tensor"},
        {CODE("K\x01Q."), "names a storage by something other than"},
        {CODE("(\x8c\x07storagectorch\nSize\n\x8c\x01"
              "0\x8c\x03"
              "cpuK\x06tQ."),
         "names a storage by something other"},
        {CODE("(\x8c\x07storagectorch\nFloatStorage\n\x8c\x01"
              "0\x8c\x03"
              "cpuJ\xff\xff\xff\xfftQ."),
         "impossible count of -1"},
        {CODE("(\x8c\x07storagectorch\nDoubleStorage\n\x8c\x01"
              "0\x8c\x03"
              "cpu\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7ftQ."),
         "impossible count"},
        {CODE("ctorch\nFloatStorage\n)R."), "torch.FloatStorage, which cannot be called"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena = {0};
        struct pickle_value v = {0};
        struct error e = {0};
        int rc = run(cases[i].code, cases[i].len, &arena, &v, &e);
        if (cases[i].says ? rc != E_FORMAT || !strstr(e.text, cases[i].says) : rc || v.kind != PICKLE_TENSOR)
            fail_msg("case %zu: %d \"%s\"", i, rc, e.text);
        arena_release(&arena);
    }
}

static void hostile_pickles_get_a_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        size_t len;
        int error;
        const char *says;
    } cases[] = {
        {CODE("cposix\nsystem\n\x8c\x02ls\x85R."), E_FORMAT,
         "data.pkl asks for posix.system, which a checkpoint has no business with"},
        {CODE("\x8c\x08"
              "builtins\x8c\x04"
              "eval\x93."),
         E_FORMAT, "asks for builtins.eval, which a checkpoint has no"},
        {CODE("cnumpy\nload\n."), E_FORMAT, "asks for numpy.load, which is not read here"},
        {CODE("ctorch.storage\n_load_from_bytes\n."), E_FORMAT,
         "asks for torch.storage._load_from_bytes, which is not read"},
        {CODE("ctorch.storage\nUntypedStorage\n."), E_FORMAT, "asks for torch.storage.UntypedStorage"},
        {CODE("c__torch__.m\nNet\n."), E_FORMAT, "a TorchScript program"},
        {CODE("ca\x1b[2Jb\nc\xff\n."), E_FORMAT, "asks for a?[2Jb.c?, which"},
        {CODE("i"), E_FORMAT, "opcode 0x69 at byte 0"},
        {CODE("(ios\nsystem\n."), E_FORMAT, "opcode 0x69"},
        {CODE("\x80\x01."), E_UNSUPPORTED, "protocol 1, expected 2 to 5"},
        {CODE("\x80\x06."), E_UNSUPPORTED, "protocol 6"},
        {CODE("\x82\x01."), E_FORMAT, "opcode 0x82"},
        {CODE(")\x81."), E_FORMAT, "opcode 0x81"},
        {CODE(""), E_FORMAT, "ends before its STOP"},
        {CODE("K"), E_FORMAT, "ends in the middle of a value"},
        {CODE("X\xff\xff\xff\xffx."), E_FORMAT, "ends in the middle of a value"},
        {CODE("\x8d\xff\xff\xff\xff\xff\xff\xff\xffx."), E_FORMAT, "ends in the middle of a value"},
        {CODE("\x8b\xff\xff\xff\xffx."), E_FORMAT, "ends in the middle of a value"},
        {CODE("cposix"), E_FORMAT, "ends in the middle of a name"},
        {CODE("cposix\nsystem"), E_FORMAT, "ends in the middle of a name"},
        {CODE("."), E_FORMAT, "stops with 0 values"},
        {CODE("K\x01K\x01."), E_FORMAT, "stops with 2 values"},
        {CODE("K\x01("), E_FORMAT, "ends before its STOP"},
        {CODE("K\x01(."), E_FORMAT, "stops with 1 values"},
        {CODE("K\x01.N"), E_FORMAT, "goes on after its STOP"},
        {CODE("0."), E_FORMAT, "nothing is left to take"},
        {CODE("2."), E_FORMAT, "nothing is there to be doubled"},
        {CODE("K\x01(\x85."), E_FORMAT, "nothing is left to take"}, /* from below the mark */
        {CODE("](s."), E_FORMAT, "nothing is left to take"},
        {CODE("t."), E_FORMAT, "ends that never began"},
        {CODE("}(K\x01u."), E_FORMAT, "does not take them"},
        {CODE("(K\x01"
              "d."),
         E_FORMAT, "a key without a value"},
        {CODE("K\x01K\x01"
              "a."),
         E_FORMAT, "does not take them"},
        {CODE("K\x01}b."), E_FORMAT, "attributes are set on"},
        {CODE("K\x01)R."), E_FORMAT, "wrong kind"},
        {CODE("ctorch\nSize\n]R."), E_FORMAT, "wrong kind"},
        {CODE("K\x01K\x02\x93."), E_FORMAT, "wrong kind"},
        {CODE("h\x05."), E_FORMAT, "never remembered"},
        {CODE("j\xff\xff\xff\xff."), E_FORMAT, "never remembered"},
        {CODE("q\x00."), E_FORMAT, "nothing is there to be remembered"},
        {CODE("Nr\xff\xff\xff\xff."), E_LIMIT, "remembers more than"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena = {0};
        struct pickle_value v = {0};
        struct error e = {0};
        int rc = run(cases[i].code, cases[i].len, &arena, &v, &e);
        if (rc != cases[i].error || !strstr(e.text, cases[i].says))
            fail_msg("case %zu: %d \"%s\"", i, rc, e.text);
        arena_release(&arena);
    }
}

/* `unit` over and over until a limit says so. */
static void expect_limit(const char *unit, size_t times, const char *says)
{
    struct buf b = BUF_INIT;
    struct arena arena = {0};
    struct pickle_value v = {0};
    struct error e = {0};
    for (size_t i = 0; i < times; i++)
        assert_int_equal(buf_add_str(&b, unit), 0);
    int rc = unpickle(b.ptr, b.len, &arena, &v, &e);
    if (rc != E_LIMIT || !strstr(e.text, says))
        fail_msg("%s: %d \"%s\"", unit, rc, e.text);
    arena_release(&arena);
    buf_release(&b);
}

static void growth_has_limits(void **state)
{
    (void)state;
    expect_limit("N", PICKLE_MAX_STACK + 1, "stacks more than 65536 values");
    expect_limit("(", PICKLE_MAX_MARKS + 1, "nests more than 256 containers");
    expect_limit("}0", PICKLE_MAX_OPS / 2 + 1, "takes more than 5242880 steps");
    expect_limit("N\x94"
                 "0",
                 PICKLE_MAX_MEMO + 1, "remembers more than 1048576 values");
    expect_limit("cxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                 "xxxxxxxxxxxx"
                 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                 "xxxxxxxxxxxxx"
                 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\ny\n",
                 1, "a name of more than 256 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_built),
        cmocka_unit_test(tensors_stay_in_their_storage),
        cmocka_unit_test(hostile_pickles_get_a_sentence),
        cmocka_unit_test(growth_has_limits),
    };
    return cmocka_run_group_tests_name("unpickle", tests, NULL, NULL);
}
