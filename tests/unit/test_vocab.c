/* vocab.txt: ids are line numbers, whatever the line ends look like. */
#include "test.h"

#include "base/file.h"
#include "text/vocab.h"

#include <stdio.h>
#include <unistd.h>

static char path[] = "/tmp/ishow-vocab-XXXXXX";

static int make_path(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int drop_path(void **state)
{
    (void)state;
    return unlink(path);
}

static struct vocab *open_text(const char *text, size_t len)
{
    struct error err = {0};
    struct vocab *v = NULL;
    assert_int_equal(file_write(path, text, len, &err), 0);
    if (vocab_open(path, &v, &err) < 0)
        fail_msg("%s", err.text);
    return v;
}

static int32_t id(const struct vocab *v, const char *token)
{
    return vocab_id(v, slice_str(token));
}

static void line_number_is_id(void **state)
{
    (void)state;
    static const char *const forms[] = {" \n!\nni3\n你\n", " \r\n!\r\nni3\r\n你\r\n", " \n!\nni3\n你"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct vocab *v = open_text(forms[i], strlen(forms[i]));
        assert_int_equal(vocab_size(v), 4);
        assert_int_equal(id(v, " "), 0);
        assert_int_equal(id(v, "!"), 1);
        assert_int_equal(id(v, "ni3"), 2);
        assert_int_equal(id(v, "你"), 3);
        assert_int_equal(id(v, "ni"), 0);
        assert_int_equal(id(v, "ni33"), 0);
        assert_int_equal(id(v, ""), 0);
        vocab_free(v);
    }
}

static void last_of_equal_lines_wins(void **state)
{
    (void)state;
    struct vocab *v = open_text(" \na\nb\na\n\n", 9);
    assert_int_equal(vocab_size(v), 5);
    assert_int_equal(id(v, "a"), 3);
    assert_int_equal(id(v, "b"), 2);
    assert_int_equal(id(v, ""), 4);
    vocab_free(v);
}

static void every_line_of_many_is_found(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    for (int i = 0; i < 20000; i++)
        assert_int_equal(buf_addf(&b, "t%d\n", i), 0);
    struct vocab *v = open_text(b.ptr, b.len);
    assert_int_equal(vocab_size(v), 20000);
    char token[16];
    for (int i = 0; i < 20000; i++) {
        snprintf(token, sizeof token, "t%d", i);
        assert_int_equal(id(v, token), i);
    }
    vocab_free(v);
    buf_release(&b);
}

static void bad_files_are_named(void **state)
{
    (void)state;
    struct error err = {0};
    struct vocab *v = NULL;
    assert_int_equal(vocab_open("/nowhere/vocab.txt", &v, &err), E_NOTFOUND);
    assert_int_equal(file_write(path, "", 0, &err), 0);
    assert_int_equal(vocab_open(path, &v, &err), E_FORMAT);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(file_write(path, " \nok\n\xFFzz\n", 9, &err), 0);
    assert_int_equal(vocab_open(path, &v, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "line 3"));

    size_t lines = VOCAB_MAX_LINES + 1;
    char *many = malloc(lines);
    assert_non_null(many);
    memset(many, '\n', lines);
    assert_int_equal(file_write(path, many, lines, &err), 0);
    free(many);
    assert_int_equal(vocab_open(path, &v, &err), E_LIMIT);
    assert_null(v);
    vocab_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_number_is_id),
        cmocka_unit_test(last_of_equal_lines_wins),
        cmocka_unit_test(every_line_of_many_is_found),
        cmocka_unit_test(bad_files_are_named),
    };
    return cmocka_run_group_tests_name("vocab", tests, make_path, drop_path);
}
