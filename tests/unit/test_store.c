/* The store: what it keeps, in which order, how much of it. */
#include "test.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "store/store_notes.h"
#include "store_folder.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

/* -------- voices -------- */

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

/* -------- notes -------- */

static int print_note(void *user, const char *key, const char *value, struct error *err)
{
    return buf_addf(user, "%s=%s ", key, value) ? error_nomem(err) : 0;
}

static void assert_notes(struct store *s, const char *kind, const char *expected)
{
    struct buf out = BUF_INIT;
    struct error err = {0};
    assert_int_equal(buf_add_str(&out, ""), 0);
    if (store_notes_each(s, kind, print_note, &out, &err))
        fail_msg("%s", err.text);
    assert_string_equal(out.ptr, expected);
    buf_release(&out);
}

static void put_note(struct store *s, const char *kind, const char *key, const char *value)
{
    struct error err = {0};
    if (store_note_put(s, kind, key, value, &err))
        fail_msg("%s", err.text);
}

static void test_notes_keep_their_order_and_survive_closing(void **state)
{
    (void)state;
    struct store *s = open_here();
    put_note(s, "paid", "z", "{\"n\":1}");
    put_note(s, "paid", "a", "2");
    put_note(s, "rules", "a", "of another kind");
    put_note(s, "paid", "m", "3");
    put_note(s, "paid", "z", "changed, in its old place");
    put_note(s, "paid", "m", NULL);
    put_note(s, "paid", "never there", NULL);
    assert_notes(s, "paid", "z=changed, in its old place a=2 ");
    store_close(s);
    s = open_here();
    assert_notes(s, "paid", "z=changed, in its old place a=2 ");
    assert_notes(s, "rules", "a=of another kind ");
    assert_notes(s, "nothing", "");
    store_close(s);
}

static void test_notes_have_a_limit_that_none_in_its_place_meets(void **state)
{
    (void)state;
    struct error err;
    char fill[256];
    sqlite3 *db;
    store_close(open_here());
    assert_int_equal(sqlite3_open(in_folder("state.db"), &db), SQLITE_OK);
    snprintf(fill, sizeof fill,
             "INSERT INTO note (kind, key, value) WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n "
             "WHERE i < %d) SELECT 'paid', i, '' FROM n",
             STORE_NOTES_MAX);
    assert_int_equal(sqlite3_exec(db, fill, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    struct store *s = open_here();
    assert_int_equal(store_note_put(s, "paid", "one more", "", &err), E_LIMIT);
    put_note(s, "paid", "7", "again");
    put_note(s, "paid", "8", NULL);
    put_note(s, "paid", "one more", "");
    store_close(s);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(test_voices_survive_closing),
        TEST(test_notes_have_a_limit_that_none_in_its_place_meets),
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
        TEST(test_notes_keep_their_order_and_survive_closing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
