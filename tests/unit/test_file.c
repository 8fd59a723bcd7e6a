/* Files appear whole or not at all. */
#include "test.h"

#include "base/file.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/ishow-file-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    char cmd[128];
    snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
    return system(cmd);
}

static void abandoned_leaves_the_old(void **state)
{
    (void)state;
    char *p = path_join(dir, "a.txt");
    struct error e;
    assert_int_equal(file_write(p, "old", 3, &e), 0);
    struct atomic_file f;
    assert_int_equal(atomic_open(&f, p, &e), 0);
    assert_int_equal(fd_write_all(f.fd, "new!", 4, p, &e), 0);
    atomic_abandon(&f);
    atomic_abandon(&f);
    struct buf b = BUF_INIT;
    assert_int_equal(file_read(p, 100, &b, &e), 0);
    assert_string_equal(b.ptr, "old");
    assert_int_equal(file_read(p, 2, &b, &e), E_LIMIT);
    assert_int_equal(b.len, 3);
    buf_release(&b);
    free(p);
}

static void missing_and_odd_targets(void **state)
{
    (void)state;
    struct error e;
    struct buf b = BUF_INIT;
    struct file_map m;
    assert_int_equal(file_read("/nonexistent/x", 10, &b, &e), E_NOTFOUND);
    assert_int_equal(file_map("/tmp", &m, &e), E_FORMAT);
    assert_int_equal(file_write("/nonexistent/x", "a", 1, &e), E_NOTFOUND);
    assert_int_equal(file_write(dir, "a", 1, &e), E_IO);
    assert_non_null(strstr(e.text, dir));
    assert_int_equal(file_write("/dev/null", "a", 1, &e), 0);
    assert_int_equal(file_write("/dev/full", "a", 1, &e), E_IO);
    buf_release(&b);
}

static void folders_are_made_with_parents(void **state)
{
    (void)state;
    struct error e;
    char *p = path_join(dir, "x/y/z");
    assert_int_equal(dir_make(p, &e), 0);
    assert_int_equal(dir_make(p, &e), 0);
    assert_true(dir_exists(p));
    char *f = path_join(p, "file");
    assert_int_equal(file_write(f, "", 0, &e), 0);
    assert_int_equal(dir_make(f, &e), E_IO);
    struct file_map m;
    assert_int_equal(file_map(f, &m, &e), 0);
    assert_int_equal(m.len, 0);
    file_unmap(&m);
    free(f);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(abandoned_leaves_the_old),
        cmocka_unit_test(missing_and_odd_targets),
        cmocka_unit_test(folders_are_made_with_parents),
    };
    return cmocka_run_group_tests_name("file", tests, make_dir, remove_dir);
}
