/* A mapped file that shrinks: the program lives, and knows. What must end a process is tried in a child. */
#include "test.h"

#include "base/file.h"
#include "base/map_guard.h"
#include "ishowtts.h"

#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES 8

static char dir[64], path[128];
static size_t page;

static int set_up(void **state)
{
    (void)state;
    page = (size_t)sysconf(_SC_PAGESIZE);
    strcpy(dir, "/tmp/ishow-guard-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/file", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char cmd[128];
    snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
    return system(cmd);
}

static void write_pages(const char *name)
{
    char *bytes = malloc(PAGES * page);
    memset(bytes, 'x', PAGES * page);
    assert_int_equal(file_write(name, bytes, PAGES * page, NULL), 0);
    free(bytes);
}

static int look(const struct file_map *m, size_t at)
{
    return ((const volatile char *)m->ptr)[at];
}

static void what_is_lost_reads_as_zeros(void **state)
{
    (void)state;
    struct file_map map, other;
    char second[sizeof path + 8];
    snprintf(second, sizeof second, "%s2", path);
    write_pages(path);
    write_pages(second);
    assert_int_equal(map_guard_install(NULL), 0);
    assert_int_equal(file_map(path, &map, NULL), 0);
    assert_int_equal(file_map(second, &other, NULL), 0);
    assert_int_equal(look(&map, PAGES * page - 1), 'x');
    assert_int_equal(truncate(path, (off_t)(2 * page)), 0);
    assert_int_equal(file_map_lost(&map), 0); /* nobody has looked yet */
    assert_int_equal(look(&map, 2 * page - 1), 'x');
    assert_int_equal(file_map_lost(&map), 0);
    assert_int_equal(look(&map, 5 * page + 7), 0);
    assert_int_equal(file_map_lost(&map), 1);
    for (size_t i = 0; i < PAGES; i++)
        assert_int_equal(look(&map, i * page), i < 2 ? 'x' : 0);
    assert_int_equal(look(&other, PAGES * page - 1), 'x');
    assert_int_equal(file_map_lost(&other), 0);
    file_unmap(&map);
    assert_int_equal(file_map_lost(&map), 0);

    write_pages(path); /* the next map of the name is whole again, wherever it lies */
    assert_int_equal(file_map(path, &map, NULL), 0);
    assert_int_equal(file_map_lost(&map), 0);
    assert_int_equal(look(&map, 5 * page), 'x');
    file_unmap(&map);
    file_unmap(&other);
}

static void too_many_maps_are_no_error(void **state)
{
    (void)state;
    static struct file_map maps[MAP_GUARD_MAX + 10];
    write_pages(path);
    for (size_t i = 0; i < MAP_GUARD_MAX + 10; i++)
        assert_int_equal(file_map(path, &maps[i], NULL), 0);
    for (size_t i = 0; i < MAP_GUARD_MAX + 10; i++) {
        assert_int_equal(file_map_lost(&maps[i]), 0);
        file_unmap(&maps[i]);
    }
}

/* -------- what is not a guarded map's -------- */

static void fault_elsewhere(void)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    const volatile char *p = mmap(NULL, PAGES * page, PROT_READ, MAP_PRIVATE, fd, 0);
    if (fd >= 0 && p != MAP_FAILED && truncate(path, 0) == 0)
        (void)p[page];
}

static void sent_by_somebody(void)
{
    kill(getpid(), SIGBUS);
}

static void another_sigbus_ends_the_process(void **state)
{
    (void)state;
    void (*const deaths[])(void) = {fault_elsewhere, sent_by_somebody};
    for (size_t i = 0; i < sizeof deaths / sizeof *deaths; i++) {
        int status;
        write_pages(path);
        fflush(NULL);
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            signal(SIGBUS, SIG_DFL); /* not a sanitizer's */
            map_guard_install(NULL);
            deaths[i]();
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
    }
}

/* -------- a model -------- */

static int hear(void *user, const float *x, size_t n)
{
    (void)x;
    *(size_t *)user += n;
    return 0;
}

static void a_truncated_pack_is_an_error_in_words(void **state)
{
    (void)state;
    char model[512], ref[600], pattern[128];
    ishow_engine *engine;
    ishow_voice *voice;
    ishow_error err;
    ishow_open_params p;
    size_t heard = 0;
    glob_t packs;
    snprintf(model, sizeof model, "%s/golden/english", getenv("ISHOW_TESTS"));
    snprintf(ref, sizeof ref, "%s/ref.wav", model);
    snprintf(pattern, sizeof pattern, "%s/*.pack", dir);
    ishow_open_params_init(&p);
    p.model = model;
    p.cache = dir;
    p.precision = "f32";
    p.threads = 2;
    assert_int_equal(map_guard_install(NULL), 0);
    assert_int_equal(ishow_open(&p, &engine, &err), 0);
    assert_int_equal(ishow_voice_from_file(engine, ref, "Hello.", &voice, &err), 0);
    assert_int_equal(ishow_say(engine, voice, "Thanks, chat!", NULL, hear, &heard, NULL, &err), 0);
    assert_true(heard > 0);

    assert_int_equal(glob(pattern, 0, NULL, &packs), 0);
    assert_int_equal(packs.gl_pathc, 1);
    assert_int_equal(truncate(packs.gl_pathv[0], (off_t)page), 0);
    globfree(&packs);
    heard = 0;
    for (int i = 0; i < 2; i++) { /* and it stays so */
        assert_int_equal(ishow_say(engine, voice, "Thanks, chat!", NULL, hear, &heard, NULL, &err), ISHOW_E_IO);
        assert_non_null(strstr(err.text, ".pack was truncated while it was in use"));
    }
    assert_int_equal(heard, 0);
    ishow_voice_free(voice);
    ishow_close(engine);

    assert_int_equal(ishow_open(&p, &engine, &err), 0);
    assert_int_equal(ishow_voice_from_file(engine, ref, "Hello.", &voice, &err), 0);
    assert_int_equal(ishow_say(engine, voice, "Thanks, chat!", NULL, hear, &heard, NULL, &err), 0);
    assert_true(heard > 0);
    ishow_voice_free(voice);
    ishow_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_lost_reads_as_zeros),
        cmocka_unit_test(too_many_maps_are_no_error),
        cmocka_unit_test(another_sigbus_ends_the_process),
        cmocka_unit_test(a_truncated_pack_is_an_error_in_words),
    };
    return cmocka_run_group_tests_name("map_guard", tests, set_up, tear_down);
}
