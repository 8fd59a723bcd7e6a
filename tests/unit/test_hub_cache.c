/* A model that another tool fetched is found where that tool put it. */
#include "test.h"

#include "base/file.h"
#include "base/hub_cache.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static void put(const char *path, const char *text)
{
    char full[256], parent[256];
    snprintf(full, sizeof full, "%s/%s", dir, path);
    strcpy(parent, full);
    *strrchr(parent, '/') = '\0';
    assert_int_equal(dir_make(parent, NULL), 0);
    assert_int_equal(file_write(full, text, strlen(text), NULL), 0);
}

static void put_link(const char *path, const char *to)
{
    char full[256], parent[256];
    snprintf(full, sizeof full, "%s/%s", dir, path);
    strcpy(parent, full);
    *strrchr(parent, '/') = '\0';
    assert_int_equal(dir_make(parent, NULL), 0);
    assert_int_equal(symlink(to, full), 0);
}

static void set_mtime(const char *path, time_t t)
{
    char full[256];
    snprintf(full, sizeof full, "%s/%s", dir, path);
    struct timespec times[2] = {{t, 0}, {t, 0}};
    assert_int_equal(utimensat(AT_FDCWD, full, times, 0), 0);
}

static void clear_env(void)
{
    static const char *const names[] = {"HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    setenv("HOME", dir, 1);
}

static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/ishow-hub-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    clear_env();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char cmd[128];
    snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
    return system(cmd);
}

static void the_variables_are_honoured_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *cache;
    } steps[] = {
        {"HOME", "/h", "/h/.cache/huggingface/hub"},
        {"XDG_CACHE_HOME", "/x", "/x/huggingface/hub"},
        {"XDG_CACHE_HOME", "", "/h/.cache/huggingface/hub"},
        {"HF_HOME", "/hf", "/hf/hub"},
        {"HF_HOME", "~/hf", "/h/hf/hub"},
        {"HUGGINGFACE_HUB_CACHE", "/old", "/old"},
        {"HF_HUB_CACHE", "/new", "/new"},
        {"HF_HUB_CACHE", "~", "/h"},
        {"HF_HUB_CACHE", "~other/x", "~other/x"},
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        setenv(steps[i].name, steps[i].value, 1);
        char *cache;
        assert_int_equal(hub_cache_dir(&cache, NULL), 0);
        assert_string_equal(cache, steps[i].cache);
        free(cache);
    }
}

static void the_commit_of_main_comes_first(void **state)
{
    (void)state;
    const char *repo = ".cache/huggingface/hub/models--o--n";
    char path[256];
    struct error err;
    char *found = NULL;

    assert_null(hub_cached_file("o/n", "d/f.txt"));
    put(".cache/huggingface/hub/models--o--n/blobs/e1", "one");
    put_link(".cache/huggingface/hub/models--o--n/snapshots/c1/d/f.txt", "../../../blobs/e1");
    put_link(".cache/huggingface/hub/models--o--n/snapshots/c2/d/f.txt", "../../../blobs/e1");
    put_link(".cache/huggingface/hub/models--o--n/snapshots/c3/d/f.txt", "../../../blobs/gone");
    set_mtime(".cache/huggingface/hub/models--o--n/snapshots/c1", 1000);
    set_mtime(".cache/huggingface/hub/models--o--n/snapshots/c2", 2000);
    set_mtime(".cache/huggingface/hub/models--o--n/snapshots/c3", 3000);

    found = hub_cached_file("o/n", "d/f.txt"); /* no refs: the newest that is whole */
    assert_non_null(found);
    snprintf(path, sizeof path, "%s/%s/snapshots/c2/d/f.txt", dir, repo);
    assert_string_equal(found, path);
    free(found);

    put(".cache/huggingface/hub/models--o--n/refs/main", "c1\n");
    found = hub_cached_file("o/n", "d/f.txt");
    snprintf(path, sizeof path, "%s/%s/snapshots/c1/d/f.txt", dir, repo);
    assert_string_equal(found, path);
    free(found);

    put(".cache/huggingface/hub/models--o--n/refs/main", "c3");
    found = hub_cached_file("o/n", "d/f.txt"); /* main is only half fetched */
    snprintf(path, sizeof path, "%s/%s/snapshots/c2/d/f.txt", dir, repo);
    assert_string_equal(found, path);
    free(found);

    found = NULL;
    assert_int_equal(hub_locate("o/n", "d/f.txt", "main", &found, &err), E_NOTFOUND);
    assert_null(found);
    assert_int_equal(hub_locate("o/n", "d/f.txt", "c2", &found, &err), 0);
    free(found);
    put(".cache/huggingface/hub/models--o--n/refs/pr/1", "c1");
    assert_int_equal(hub_locate("o/n", "d/f.txt", "pr/1", &found, &err), 0);
    free(found);
}

static void names_stay_within_their_folder(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "/a", "a/", "a//b", "..", "a/../b", "./a", "a\nb", "a\\b"};
    struct error err;
    char *path = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(hub_check_name("file", bad[i], &err), E_ARG);
        assert_int_equal(hub_locate("o/n", bad[i], NULL, &path, &err), E_ARG);
        assert_int_equal(hub_locate("o/n", "f", bad[i], &path, &err), E_ARG);
    }
    assert_int_equal(hub_check_name("file", "a/..b/c..", &err), 0);
    char longer[HUB_NAME_MAX + 2];
    memset(longer, 'a', sizeof longer);
    longer[HUB_NAME_MAX + 1] = '\0';
    assert_int_equal(hub_check_name("file", longer, &err), E_ARG);
    assert_int_equal(hub_check_name("file", longer + 1, &err), 0);
    static const char *const bad_repos[] = {"n", "a/b/c", "/n", "o/", "../n"};
    for (size_t i = 0; i < sizeof bad_repos / sizeof *bad_repos; i++)
        assert_int_equal(hub_repo_dir("/c", bad_repos[i], &path, &err), E_ARG);
    assert_null(path);

    put(".cache/huggingface/hub/models--o--n/refs/main", "../../..");
    put(".cache/huggingface/hub/models--o--n/snapshots/c1/other", "");
    assert_int_equal(hub_locate("o/n", "hub", NULL, &path, &err), E_NOTFOUND);
    assert_null(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_variables_are_honoured_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(the_commit_of_main_comes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(names_stay_within_their_folder, setup, teardown),
    };
    return cmocka_run_group_tests_name("hub_cache", tests, NULL, NULL);
}
