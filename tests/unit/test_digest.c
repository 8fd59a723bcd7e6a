/* Checksums equal those that the hub and git give. */
#include "test.h"

#include "net/digest.h"

static const struct {
    enum digest_kind kind;
    const char *text, *hex;
} known[] = {
    /* FIPS 180-4's examples; `git hash-object` of the same bytes */
    {DIGEST_SHA256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {DIGEST_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {DIGEST_SHA256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {DIGEST_GIT_BLOB, "", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"},
    {DIGEST_GIT_BLOB, "hello\n", "ce013625030ba8dba906f756967f9e9ca394464a"},
};

static void known_answers(void **state)
{
    (void)state;
    struct digest *d;
    char hex[DIGEST_HEX_MAX];
    assert_int_equal(digest_create(&d, NULL), 0);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t n = strlen(known[i].text);
        for (size_t cut = 0; cut <= n; cut++) { /* in whatever pieces, one context after another */
            assert_int_equal(digest_start(d, known[i].kind, n, NULL), 0);
            assert_int_equal(digest_add(d, known[i].text, cut, NULL), 0);
            assert_int_equal(digest_add(d, known[i].text + cut, n - cut, NULL), 0);
            assert_int_equal(digest_finish(d, hex, NULL), 0);
            assert_string_equal(hex, known[i].hex);
        }
        assert_int_equal(digest_kind_of(known[i].hex), known[i].kind);
    }
    digest_free(d);
    digest_free(NULL);
}

static void other_names_are_no_checksums(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "d41d8cd98f00b204e9800998ecf8427e",                                  /* MD5 */
        "E69DE29BB2D1D6434B8B29AE775AD8C2E48C5391",                          /* capitals: another file name */
        "e69de29bb2d1d6434b8b29ae775ad8c2e48c539/",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad0",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(digest_kind_of(bad[i]), DIGEST_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(other_names_are_no_checksums),
    };
    return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
