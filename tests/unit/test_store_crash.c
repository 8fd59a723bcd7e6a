/* The store survives damage, other processes, a full disk and a kill. */
#include "test.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "store_folder.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* -------- damage -------- */

static void overwrite(const char *name, off_t at, const char *with)
{
    const int fd = open(in_folder(name), O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, with, strlen(with), at), (ssize_t)strlen(with));
    close(fd);
}

static void test_damaged_state_is_set_aside_with_its_clips(void **state)
{
    static const struct {
        const char *what;
        off_t at;
    } damages[] = {{"no database at all, though it once was one", 0}, {"\xff\xff\xff\xff\xff\xff\xff\xff", 4096}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char aside[NAME_MAX + 16], *id;
        struct store *s = open_here();
        add_voice(s, "v", "clip", &id);
        for (int k = 0; k < 50; k++) {
            char name[16], words[600];
            snprintf(name, sizeof name, "o%d", k);
            memset(words, 'w', sizeof words - 1);
            words[sizeof words - 1] = '\0';
            put_override(s, name, words, NULL);
        }
        store_close(s);
        notices[0] = '\0';
        overwrite("state.db", damages[i].at, damages[i].what);
        s = open_here();
        assert_voices(s, "");
        assert_int_equal(count_files("clips"), 0);
        assert_int_equal(find_damaged(), 1);
        assert_non_null(strstr(notices, damaged));
        assert_non_null(strstr(notices, "state.db"));
        snprintf(aside, sizeof aside, "%s/clips", damaged);
        assert_int_equal(count_files(aside), 1);
        assert_int_equal(add_voice(s, "w", "clip", &id), STORE_ADDED);
        store_close(s);
        remove_folder(NULL);
        make_folder(NULL);
    }
}

static void test_damaged_history_leaves_voices_alone(void **state)
{
    struct store *s = open_here();
    char *id;
    (void)state;
    add_voice(s, "v", "clip", &id);
    for (int i = 0; i < 20; i++)
        say(s, i, "text", 5000);
    store_close(s);
    assert_int_equal(truncate(in_folder("history.db"), 3 * 4096 + 77), 0);
    s = open_here();
    assert_string_equal(notices, "");
    say(s, 100, "after", 10);
    assert_page(s, 10, 0, NULL, "id-100 ");
    assert_int_equal(find_damaged(), 1);
    assert_non_null(strstr(notices, "history.db"));
    assert_int_equal(count_files("clips"), 1);
    store_close(s);
}

static void run_sql(const char *name, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(in_folder(name), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void test_a_newer_database_is_left_alone(void **state)
{
    const struct store_params params = {
        .dir = folder, .history_count = 10, .history_bytes = 1000, .on_notice = on_notice};
    struct error err = {0};
    struct store *s = NULL;
    (void)state;
    store_close(open_here());
    run_sql("state.db", "PRAGMA user_version = 99");
    assert_int_equal(store_open(&params, &s, &err), E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "version 99, written by a newer program"));
    assert_null(s);
    assert_int_equal(find_damaged(), 0);
}

static void test_a_folder_that_cannot_be(void **state)
{
    char *dir = path_join(folder, "file/folder");
    const struct store_params params = {.dir = dir, .history_count = 10, .history_bytes = 1000};
    struct error err = {0};
    struct store *s = NULL;
    (void)state;
    assert_int_equal(file_write(in_folder("file"), "x", 1, NULL), 0);
    assert_int_equal(store_open(&params, &s, &err), E_IO);
    assert_non_null(strstr(err.text, folder));
    assert_null(s);
    free(dir);
}

static void test_the_folder_is_the_owners_alone(void **state)
{
    struct stat st;
    (void)state;
    rmdir(folder);
    store_close(open_here());
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

/* -------- two processes -------- */

static void test_another_process_may_have_it_open(void **state)
{
    struct store *a = open_here(), *b = open_here();
    char *id;
    (void)state;
    assert_int_equal(add_voice(a, "from-a", "clip a", &id), STORE_ADDED);
    assert_int_equal(add_voice(b, "from-b", "clip b", &id), STORE_ADDED);
    assert_int_equal(add_voice(b, "again", "clip a", &id), STORE_SAME_CLIP);
    free(id);
    for (int i = 0; i < 20; i++)
        say(i % 2 ? a : b, i, "text", 100);
    assert_int_equal(assert_page(a, 1, 0, NULL, "id-19 ").count, 20);
    store_close(a);
    store_close(b);
}

/* -------- a full disk -------- */

/* In a child whose files may not grow: writing gives EFBIG. Exits with the number of the line that went wrong. */
#define CHILD_ASSERT(c)                                                                                                \
    do {                                                                                                               \
        if (!(c))                                                                                                      \
            _exit(__LINE__ & 0xff);                                                                                    \
    } while (0)

static int in_child(void (*work)(void))
{
    int status;
    const pid_t pid = fork();
    if (pid == 0) {
        work();
        _exit(0);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void limit_files(rlim_t bytes)
{
    const struct rlimit limit = {bytes, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void write_on_full_disk(void)
{
    static char sound[100000];
    struct error err = {0};
    char hash[CLIP_HASH_MAX];
    struct store_history_totals t;
    const struct store_history_query q = {.limit = 10};
    struct buf out = BUF_INIT;
    int rc = 0;
    const struct store_params params = {
        .dir = folder, .history_count = 10, .history_bytes = 1 << 20, .on_notice = on_notice};
    struct store *s = NULL;
    CHILD_ASSERT(store_open(&params, &s, &err) == 0);
    const struct store_generation g = sample("x", "text", sound, sizeof sound);
    limit_files(200000);
    CHILD_ASSERT(store_clip_put(s, sound, sizeof sound, hash, &err) == 0);
    limit_files(50000);
    CHILD_ASSERT(store_clip_put(s, sound, sizeof sound - 1, hash, &err) == E_IO);
    CHILD_ASSERT(strstr(err.text, "File too large"));
    for (int i = 0; i < 100 && !rc; i++)
        rc = store_history_add(s, &g, &err);
    CHILD_ASSERT(rc == E_IO);
    CHILD_ASSERT(strstr(notices, "history is off, and tried again every 60 s: history.db"));
    CHILD_ASSERT(store_history_add(s, &g, &err) == E_IO); /* at once, without trying */
    CHILD_ASSERT(strstr(err.text, "history is off"));
    CHILD_ASSERT(store_history_page(s, &q, print_generation, &out, &t, &err) == E_IO);
    struct store_override o = {.voice = "v"};
    char words[2001];
    memset(words, 'x', 2000);
    words[2000] = '\0';
    rc = 0;
    for (int i = 0; i < 200 && !rc; i++) {
        char id[16];
        snprintf(id, sizeof id, "v%d", i);
        o = (struct store_override){.voice = id, .text = words};
        rc = store_override_put(s, &o, 0, &err);
        if (!rc)
            store_override_release(&o);
    }
    CHILD_ASSERT(rc == E_IO);
    limit_files(RLIM_INFINITY);
    o = (struct store_override){.voice = "last", .text = "there is room again"};
    CHILD_ASSERT(store_override_put(s, &o, 0, &err) == 0);
    _exit(0); /* as a kill would */
}

static void test_a_full_disk_is_an_error_and_nothing_worse(void **state)
{
    struct buf out = BUF_INIT;
    (void)state;
    assert_int_equal(in_child(write_on_full_disk), 0);
    struct store *s = open_here();
    assert_string_equal(notices, "");
    assert_int_equal(store_voices_each(s, print_voice, print_override, &out, NULL), 0);
    assert_non_null(strstr(out.ptr, "over last there is room again"));
    assert_non_null(strstr(out.ptr, "over v0 xxxx"));
    say(s, 1, "history is on", 1000);
    assert_page(s, 1, 0, "history is on", "id-1 ");
    buf_release(&out);
    store_close(s);
}

static void start_on_full_disk(void)
{
    struct error err = {0};
    struct buf out = BUF_INIT;
    struct store *s = NULL;
    const struct store_params params = {
        .dir = folder, .history_count = 10, .history_bytes = 1 << 20, .on_notice = on_notice};
    struct store_override o = {.voice = "demo", .text = "newer words"};
    limit_files(4000);
    CHILD_ASSERT(store_open(&params, &s, &err) == 0);
    CHILD_ASSERT(store_voices_each(s, print_voice, print_override, &out, &err) == 0);
    CHILD_ASSERT(strstr(out.ptr, "over demo other words"));
    CHILD_ASSERT(store_override_put(s, &o, 0, &err) == E_IO);
    limit_files(RLIM_INFINITY);
    o = (struct store_override){.voice = "demo", .text = "newest words"};
    CHILD_ASSERT(store_override_put(s, &o, 0, &err) == 0);
    _exit(0);
}

static void test_a_start_on_a_full_disk_knows_its_voices(void **state)
{
    struct buf out = BUF_INIT;
    struct store *s = open_here();
    (void)state;
    put_override(s, "demo", "other words", NULL);
    store_close(s);
    assert_int_equal(in_child(start_on_full_disk), 0);
    s = open_here();
    assert_int_equal(store_voices_each(s, print_voice, print_override, &out, NULL), 0);
    assert_non_null(strstr(out.ptr, "over demo newest words"));
    buf_release(&out);
    store_close(s);
    assert_string_equal(notices, "");
}

/* -------- kill -9 -------- */

#define KILLS 12

static int acknowledge; /* a pipe's end: a number for every override that was answered */

static void write_until_killed(void)
{
    const struct store_params params = {.dir = folder, .history_count = 30, .history_bytes = 1 << 20};
    struct store *s = NULL;
    CHILD_ASSERT(store_open(&params, &s, NULL) == 0);
    for (int i = 0;; i++) {
        static char sound[30000];
        char text[32], hash[CLIP_HASH_MAX], id[32];
        snprintf(text, sizeof text, "%d", i);
        snprintf(id, sizeof id, "%d-%d", (int)getpid(), i);
        memset(sound, i, sizeof sound);
        const struct store_generation g = sample(id, text, sound, sizeof sound);
        CHILD_ASSERT(store_history_add(s, &g, NULL) == 0);
        CHILD_ASSERT(store_clip_put(s, text, strlen(text), hash, NULL) == 0);
        struct store_override o = {.voice = "v", .text = text, .clip = hash, .type = "audio/wav"};
        CHILD_ASSERT(store_override_put(s, &o, 0, NULL) == 0);
        store_override_release(&o);
        CHILD_ASSERT(write(acknowledge, &i, sizeof i) == sizeof i);
    }
}

static struct store *checked;
static int last_text;

static int check_override(void *user, const struct store_override *o, struct error *err)
{
    struct buf clip = BUF_INIT;
    (void)user;
    (void)err;
    char *path = store_clip_path(checked, o->clip);
    assert_int_equal(file_read(path, 100, &clip, NULL), 0);
    assert_string_equal(clip.ptr, o->text); /* both are of one change */
    last_text = atoi(o->text);
    free(path);
    buf_release(&clip);
    return 0;
}

static int no_voice(void *user, const struct store_voice *v, struct error *err)
{
    (void)user;
    (void)v;
    return error_set(err, E_INTERNAL, "a voice");
}

static int check_sound(void *user, const struct store_generation *g, struct error *err)
{
    (void)err;
    assert_int_equal(g->audio_len, 30000);
    return buf_addf(user, "%lld ", (long long)g->id) ? E_NOMEM : 0;
}

static void check_all_sounds(struct store *s)
{
    const struct store_history_query q = {.limit = 100};
    struct store_history_totals t;
    struct buf ids = BUF_INIT;
    char format[16], *rest = NULL;
    assert_int_equal(store_history_page(s, &q, check_sound, &ids, &t, NULL), 0);
    assert_true(t.count <= 30);
    for (char *id = strtok_r(ids.ptr, " ", &rest); id; id = strtok_r(NULL, " ", &rest)) {
        struct buf sound = BUF_INIT;
        assert_int_equal(store_history_audio(s, atoll(id), &sound, format, NULL), 0);
        assert_int_equal(sound.len, 30000);
        assert_true(sound.ptr[0] == sound.ptr[29999]);
        buf_release(&sound);
    }
    buf_release(&ids);
}

static void test_a_kill_tears_nothing(void **state)
{
    (void)state;
    for (int round = 0; round < KILLS; round++) {
        int fds[2], n = -1, next;
        assert_int_equal(pipe(fds), 0);
        acknowledge = fds[1];
        const pid_t pid = fork();
        if (pid == 0)
            write_until_killed();
        close(fds[1]);
        for (int i = 0; i < 5 + 3 * round; i++)
            assert_int_equal(read(fds[0], &n, sizeof n), (ssize_t)sizeof n);
        for (int i = 0; i < round * 1000; i++)
            getppid(); /* somewhere in the middle of the next */
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &next, 0), pid);
        while (read(fds[0], &next, sizeof next) == sizeof next)
            n = next;
        close(fds[0]);
        checked = open_here();
        assert_int_equal(store_voices_each(checked, no_voice, check_override, NULL, NULL), 0);
        assert_true(last_text == n || last_text == n + 1); /* what was answered is there */
        check_all_sounds(checked);
        store_close(checked);
        assert_string_equal(notices, "");
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(test_damaged_state_is_set_aside_with_its_clips),
        TEST(test_damaged_history_leaves_voices_alone),
        TEST(test_a_newer_database_is_left_alone),
        TEST(test_a_folder_that_cannot_be),
        TEST(test_the_folder_is_the_owners_alone),
        TEST(test_another_process_may_have_it_open),
        TEST(test_a_full_disk_is_an_error_and_nothing_worse),
        TEST(test_a_start_on_a_full_disk_knows_its_voices),
        TEST(test_a_kill_tears_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
