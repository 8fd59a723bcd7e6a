/* The store: what it keeps, in which order, how much of it; and that it survives damage, a full disk and a kill. */
#include "test.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "store/store_history.h"
#include "store/store_voices.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* -------- a folder for each test -------- */

static char folder[64];
static char notices[4096]; /* one a line */

static int make_folder(void **state)
{
    (void)state;
    /* in memory where that is offered: the tests write thousands of times, and no test can pull the plug */
    snprintf(folder, sizeof folder, "%s/ishow-store-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    notices[0] = '\0';
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static void on_notice(void *user, const char *text)
{
    (void)user;
    const size_t used = strlen(notices);
    snprintf(notices + used, sizeof notices - used, "%s\n", text);
}

static const char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static struct store *open_with(int64_t count, int64_t bytes)
{
    const struct store_params params = {
        .dir = folder, .history_count = count, .history_bytes = bytes, .on_notice = on_notice};
    struct error err = {0};
    struct store *s = NULL;
    if (store_open(&params, &s, &err))
        fail_msg("%s", err.text);
    return s;
}

static struct store *open_here(void)
{
    return open_with(100, 1 << 20);
}

static int count_files(const char *name)
{
    int n = 0;
    DIR *dir = opendir(in_folder(name));
    assert_non_null(dir);
    for (const struct dirent *e; (e = readdir(dir));)
        n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
    closedir(dir);
    return n;
}

/* Counts the folders damaged-…; the last one's name is in `damaged`. */
static char damaged[NAME_MAX + 1];

static int find_damaged(void)
{
    int found = 0;
    DIR *dir = opendir(folder);
    for (const struct dirent *e; (e = readdir(dir));)
        if (strncmp(e->d_name, "damaged-", 8) == 0) {
            strcpy(damaged, e->d_name);
            found++;
        }
    closedir(dir);
    return found;
}

/* -------- voices -------- */

static enum store_added add_voice(struct store *s, const char *id, const char *clip, char **ret_id)
{
    struct error err = {0};
    char hash[CLIP_HASH_MAX];
    enum store_added added;
    if (store_clip_put(s, clip, strlen(clip), hash, &err))
        fail_msg("%s", err.text);
    struct store_voice v = {.id = id,
                            .label = "Label",
                            .language = "en",
                            .text = "Some words.",
                            .clip = hash,
                            .type = "audio/wav",
                            .consent = "mine"};
    if (store_voice_add(s, &v, &added, ret_id, &err))
        fail_msg("%s", err.text);
    return added;
}

/* All that is there, as text. */
static int print_voice(void *user, const struct store_voice *v, struct error *err)
{
    return buf_addf(user, "%s %s %s %s %.6s %s %s\n", v->id, v->label, v->language, v->text, v->clip, v->type,
                    v->consent)
               ? error_nomem(err)
               : 0;
}

static int print_override(void *user, const struct store_override *o, struct error *err)
{
    return buf_addf(user, "over %s %s %.6s %s\n", o->voice, o->text ? o->text : "-", o->clip ? o->clip : "-",
                    o->type ? o->type : "-")
               ? error_nomem(err)
               : 0;
}

static void assert_voices(struct store *s, const char *expected)
{
    struct buf out = BUF_INIT;
    struct error err = {0};
    assert_int_equal(buf_add_str(&out, ""), 0);
    if (store_voices_each(s, print_voice, print_override, &out, &err))
        fail_msg("%s", err.text);
    assert_string_equal(out.ptr, expected);
    buf_release(&out);
}

static void put_override(struct store *s, const char *id, const char *text, const char *clip)
{
    struct error err = {0};
    char hash[CLIP_HASH_MAX];
    struct store_override o = {.voice = id, .text = text};
    if (clip) {
        assert_int_equal(store_clip_put(s, clip, strlen(clip), hash, &err), 0);
        o.clip = hash;
        o.type = "audio/wav";
    }
    if (store_override_put(s, &o, 0, &err))
        fail_msg("%s", err.text);
    assert_string_equal(o.voice, id);
    assert_true(o.updated > 0);
    store_override_release(&o);
}

static void test_voices_survive_closing(void **state)
{
    struct store *s = open_here();
    struct stat st;
    char *id;
    (void)state;
    assert_int_equal(add_voice(s, "b", "clip one", &id), STORE_ADDED);
    assert_null(id);
    assert_int_equal(add_voice(s, "小明", "clip two", &id), STORE_ADDED);
    put_override(s, "b", "Other words.", NULL);
    put_override(s, "configured", NULL, "clip three");
    put_override(s, "b", NULL, "clip four"); /* the words stay */
    struct buf now = BUF_INIT;
    assert_int_equal(store_voices_each(s, print_voice, print_override, &now, NULL), 0);
    store_close(s);
    s = open_here();
    assert_voices(s, now.ptr);
    assert_non_null(strstr(now.ptr, "over b Other words. "));
    assert_non_null(strstr(now.ptr, "over configured - "));
    assert_int_equal(count_files("clips"), 4);
    assert_int_equal(stat(in_folder("state.db"), &st), 0);
    buf_release(&now);
    store_close(s);
    assert_string_equal(notices, "");
}

static void test_same_clip_is_one_voice(void **state)
{
    struct store *s = open_here();
    char *id;
    (void)state;
    assert_int_equal(add_voice(s, "first", "the clip", &id), STORE_ADDED);
    assert_int_equal(add_voice(s, "second", "the clip", &id), STORE_SAME_CLIP);
    assert_string_equal(id, "first");
    free(id);
    assert_int_equal(add_voice(s, "first", "another clip", &id), STORE_ID_TAKEN);
    assert_null(id);
    store_close(s);
}

static void test_uploads_have_a_limit(void **state)
{
    struct store *s = open_here();
    char name[32], *id;
    (void)state;
    for (int i = 0; i < STORE_VOICES_MAX; i++) {
        snprintf(name, sizeof name, "voice-%d", i);
        struct store_voice v = {
            .id = name, .label = "", .language = "", .text = "", .clip = name, .type = "", .consent = ""};
        enum store_added added;
        assert_int_equal(store_voice_add(s, &v, &added, &id, NULL), 0);
        assert_int_equal(added, STORE_ADDED);
    }
    assert_int_equal(add_voice(s, "one-more", "clip", &id), STORE_TOO_MANY);
    store_close(s);
}

static void test_rename_and_remove(void **state)
{
    struct store *s = open_here();
    struct error err = {0};
    char *id;
    (void)state;
    add_voice(s, "v", "clip", &id);
    put_override(s, "v", "Words laid over.", "another");
    assert_int_equal(store_voice_rename(s, "v", "New", &err), 0);
    assert_int_equal(store_voice_rename(s, "w", "New", &err), E_NOTFOUND);
    assert_string_equal(err.text, "no uploaded voice \"w\"");
    assert_int_equal(store_voice_remove(s, "w", &err), E_NOTFOUND);
    assert_int_equal(store_voice_remove(s, "v", &err), 0);
    assert_voices(s, "");
    struct store_override o = {.voice = "v", .text = "x"};
    assert_int_equal(store_override_put(s, &o, 1, &err), E_NOTFOUND);
    put_override(s, "c", "x", NULL);
    assert_int_equal(store_override_remove(s, "c", &err), 0);
    assert_int_equal(store_override_remove(s, "c", &err), 0);
    assert_voices(s, "");
    store_close(s);
}

/* -------- clips -------- */

static void age(const char *hash)
{
    char name[128];
    snprintf(name, sizeof name, "clips/%s", hash);
    const struct timespec old[2] = {{.tv_sec = time(NULL) - CLIP_GRACE - 5}, {.tv_sec = time(NULL) - CLIP_GRACE - 5}};
    assert_int_equal(utimensat(AT_FDCWD, in_folder(name), old, 0), 0);
}

static void test_orphans_go_when_their_grace_is_over(void **state)
{
    struct store *s = open_here();
    char lost[CLIP_HASH_MAX], fresh[CLIP_HASH_MAX], used[CLIP_HASH_MAX], *id;
    (void)state;
    add_voice(s, "v", "used", &id);
    assert_int_equal(store_clip_put(s, "used", 4, used, NULL), 0);
    assert_int_equal(store_clip_put(s, "lost", 4, lost, NULL), 0);
    assert_int_equal(store_clip_put(s, "fresh", 5, fresh, NULL), 0);
    assert_int_equal(file_write(in_folder("clips/.half.abcdef"), "x", 1, NULL), 0);
    age(used);
    age(lost);
    age(".half.abcdef");
    store_close(s);
    s = open_here();
    assert_int_equal(count_files("clips"), 2);
    assert_true(store_sweep_due(s) > clock_seconds()); /* the fresh one's turn comes */
    char *path = store_clip_path(s, used);
    assert_true(file_exists(path));
    free(path);
    age(fresh);
    assert_int_equal(store_sweep(s, NULL), 0);
    assert_int_equal(count_files("clips"), 1);
    assert_true(store_sweep_due(s) == 0);
    store_close(s);
}

static void test_dropped_clip_stays_for_its_grace(void **state)
{
    struct store *s = open_here();
    char *id, hash[CLIP_HASH_MAX];
    (void)state;
    add_voice(s, "v", "clip", &id);
    assert_int_equal(store_clip_put(s, "clip", 4, hash, NULL), 0);
    age(hash);
    assert_int_equal(store_voice_remove(s, "v", NULL), 0);
    assert_int_equal(store_sweep(s, NULL), 0);
    assert_int_equal(count_files("clips"), 1);
    age(hash);
    assert_int_equal(store_sweep(s, NULL), 0);
    assert_int_equal(count_files("clips"), 0);
    store_close(s);
}

/* -------- history -------- */

static struct store_generation sample(const char *id, const char *text, const void *audio, size_t len)
{
    return (struct store_generation){.request = id,
                                     .time = 1700000000123,
                                     .voice = "v",
                                     .engine = "f5",
                                     .text = text,
                                     .params = "{\"nfe\":7}",
                                     .queue_seconds = 0.25,
                                     .first_audio_seconds = 0.5,
                                     .seconds = 1.5,
                                     .audio_seconds = 3,
                                     .format = len ? "wav" : "",
                                     .audio = audio,
                                     .audio_len = len};
}

static void say(struct store *s, int i, const char *text, size_t audio)
{
    static char sound[1 << 20];
    char id[32];
    struct error err = {0};
    snprintf(id, sizeof id, "id-%d", i);
    memset(sound, i, audio);
    const struct store_generation g = sample(id, text, sound, audio);
    if (store_history_add(s, &g, &err))
        fail_msg("%s", err.text);
}

static int print_generation(void *user, const struct store_generation *g, struct error *err)
{
    return buf_addf(user, "%s ", g->request) ? error_nomem(err) : 0;
}

/* The number of the newest generation of that request. */
struct wanted {
    const char *request;
    int64_t id;
};

static int match(void *user, const struct store_generation *g, struct error *err)
{
    struct wanted *w = user;
    (void)err;
    if (!w->id && strcmp(g->request, w->request) == 0)
        w->id = g->id;
    return 0;
}

static int64_t number_of(struct store *s, const char *request)
{
    const struct store_history_query q = {.limit = HISTORY_PAGE_MAX};
    struct store_history_totals t;
    struct wanted w = {.request = request};
    assert_int_equal(store_history_page(s, &q, match, &w, &t, NULL), 0);
    return w.id;
}

static struct store_history_totals assert_page(struct store *s, int limit, int64_t before, const char *search,
                                               const char *expected)
{
    const struct store_history_query q = {.limit = limit, .before = before, .search = search};
    struct store_history_totals t = {0};
    struct buf out = BUF_INIT;
    struct error err = {0};
    assert_int_equal(buf_add_str(&out, ""), 0);
    if (store_history_page(s, &q, print_generation, &out, &t, &err))
        fail_msg("%s", err.text);
    assert_string_equal(out.ptr, expected);
    buf_release(&out);
    return t;
}

static void test_pages_go_back_in_time(void **state)
{
    struct store *s = open_here();
    int64_t id;
    (void)state;
    assert_int_equal(assert_page(s, 10, 0, NULL, "").count, 0);
    for (int i = 0; i < 7; i++)
        say(s, i, i % 2 ? "Odd 100% of_it" : "even 你好", 10);
    assert_int_equal(assert_page(s, 3, 0, NULL, "id-6 id-5 id-4 ").more, 1);
    id = number_of(s, "id-4");
    say(s, 7, "comes in between", 10); /* a page that was begun is not disturbed */
    assert_int_equal(assert_page(s, 3, id, NULL, "id-3 id-2 id-1 ").more, 1);
    id = number_of(s, "id-1");
    assert_int_equal(assert_page(s, 3, id, NULL, "id-0 ").more, 0);
    assert_int_equal(assert_page(s, 7, id + 100, "oDD", "id-5 id-3 id-1 ").more, 0);
    assert_page(s, 7, 0, "你", "id-6 id-4 id-2 id-0 ");
    assert_page(s, 7, 0, "100% of_", "id-5 id-3 id-1 ");
    assert_page(s, 7, 0, "0%_", "");
    assert_page(s, 7, 0, "\\", "");
    assert_int_equal(assert_page(s, 1, 0, "'; DROP TABLE generation", "").count, 8);
    store_close(s);
}

static int check_sample(void *user, const struct store_generation *g, struct error *err)
{
    (void)user;
    (void)err;
    assert_string_equal(g->request, "one");
    assert_int_equal(g->time, 1700000000123);
    assert_string_equal(g->voice, "v");
    assert_string_equal(g->engine, "f5");
    assert_string_equal(g->text, "Hello");
    assert_string_equal(g->params, "{\"nfe\":7}");
    assert_true(g->queue_seconds == 0.25 && g->first_audio_seconds == 0.5 && g->seconds == 1.5 &&
                g->audio_seconds == 3);
    assert_string_equal(g->format, "wav");
    assert_int_equal(g->audio_len, 5);
    return 0;
}

static void test_generation_comes_back_as_it_was(void **state)
{
    struct store *s = open_here();
    struct buf audio = BUF_INIT;
    struct error err = {0};
    char format[16];
    int64_t n = 0;
    (void)state;
    const struct store_generation with = sample("one", "Hello", "a\0b\xff\n", 5), without = sample("two", "", NULL, 0);
    assert_int_equal(store_history_add(s, &with, &err), 0);
    assert_int_equal(store_history_add(s, &without, &err), 0);
    const int64_t one = number_of(s, "one"), two = number_of(s, "two");
    assert_true(one > 0 && two > one);
    assert_int_equal(store_history_find(s, one, check_sample, NULL, &err), 0);
    assert_int_equal(store_history_audio(s, one, &audio, format, &err), 0);
    assert_int_equal(audio.len, 5);
    assert_memory_equal(audio.ptr, "a\0b\xff\n", 5);
    assert_string_equal(format, "wav");
    assert_int_equal(store_history_audio(s, two, &audio, format, &err), 0);
    assert_string_equal(format, "");
    assert_int_equal(audio.len, 5);
    assert_int_equal(store_history_audio(s, 77, &audio, format, &err), E_NOTFOUND);
    assert_int_equal(store_history_find(s, 77, check_sample, NULL, &err), E_NOTFOUND);
    assert_int_equal(store_history_delete(s, 77, &err), E_NOTFOUND);
    assert_string_equal(err.text, "no generation 77 in the history");
    assert_int_equal(store_history_delete(s, one, &err), 0);
    assert_int_equal(store_history_audio(s, one, &audio, format, &err), E_NOTFOUND);
    assert_int_equal(store_history_clear(s, &n, &err), 0);
    assert_int_equal(n, 1);
    assert_page(s, 10, 0, NULL, "");
    buf_release(&audio);
    store_close(s);
}

static void test_a_request_id_may_come_again(void **state)
{
    struct store *s = open_here();
    struct buf audio = BUF_INIT;
    char format[16];
    (void)state;
    say(s, 1, "first", 100);
    say(s, 2, "between", 100);
    say(s, 1, "second", 50);
    assert_int_equal(assert_page(s, 10, 0, NULL, "id-1 id-2 id-1 ").count, 3);
    assert_int_equal(store_history_audio(s, number_of(s, "id-1"), &audio, format, NULL), 0);
    assert_int_equal(audio.len, 50);
    buf_release(&audio);
    store_close(s);
}

static void test_oldest_go_by_count(void **state)
{
    struct store *s = open_with(3, 1 << 20);
    (void)state;
    for (int i = 0; i < 6; i++)
        say(s, i, "text", 10);
    assert_int_equal(assert_page(s, 10, 0, NULL, "id-5 id-4 id-3 ").count, 3);
    store_close(s);
    s = open_with(1, 1 << 20); /* a smaller cap counts from the next one on */
    say(s, 6, "text", 10);
    assert_page(s, 10, 0, NULL, "id-6 ");
    store_close(s);
    s = open_with(0, 1 << 20);
    say(s, 7, "text", 10);
    assert_page(s, 10, 0, NULL, "id-6 ");
    store_close(s);
}

static void test_oldest_go_by_bytes(void **state)
{
    struct store *s = open_with(100, 1000);
    struct error err = {0};
    (void)state;
    for (int i = 0; i < 6; i++)
        say(s, i, "text", 300);
    const struct store_history_totals t = assert_page(s, 10, 0, NULL, "id-5 id-4 id-3 ");
    assert_int_equal(t.bytes, 3 * (300 + 4 + 9));
    const struct store_generation g = sample("large", "text", notices, 1000);
    assert_int_equal(store_history_add(s, &g, &err), E_LIMIT);
    assert_string_equal(err.text, "large takes 1013 bytes, all of history may take 1000");
    assert_page(s, 10, 0, NULL, "id-5 id-4 id-3 ");
    store_close(s);
}

static void test_space_is_used_again_and_given_back(void **state)
{
    struct store *s = open_with(1000, 1 << 20);
    struct stat full, after;
    int64_t n;
    (void)state;
    for (int i = 0; i < 100; i++)
        say(s, i, "text", 100000);
    store_close(s);
    assert_int_equal(stat(in_folder("history.db"), &full), 0);
    assert_true(full.st_size < 3 << 20);
    s = open_here();
    assert_int_equal(store_history_clear(s, &n, NULL), 0);
    assert_int_equal(n, 10);
    assert_int_equal(stat(in_folder("history.db"), &after), 0);
    assert_true(after.st_size < 100000);
    store_close(s);
}

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
        TEST(test_voices_survive_closing),
        TEST(test_same_clip_is_one_voice),
        TEST(test_uploads_have_a_limit),
        TEST(test_rename_and_remove),
        TEST(test_orphans_go_when_their_grace_is_over),
        TEST(test_dropped_clip_stays_for_its_grace),
        TEST(test_pages_go_back_in_time),
        TEST(test_generation_comes_back_as_it_was),
        TEST(test_a_request_id_may_come_again),
        TEST(test_oldest_go_by_count),
        TEST(test_oldest_go_by_bytes),
        TEST(test_space_is_used_again_and_given_back),
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
