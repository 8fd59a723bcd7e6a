/* The store when memory runs out: each allocation of ours, and each of SQLite's, fails in turn. Every time the answer
 * is "out of memory" or the work was done, nothing is lost, and the store goes on. */
#include "test.h"

#include "failing_heap.h"
#include "store/store_history.h"
#include "store/store_voices.h"

#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s/ishow-fault-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static int skip_voice(void *user, const struct store_voice *v, struct error *err)
{
    (void)err;
    ++*(int *)user;
    return v->id ? 0 : E_INTERNAL;
}

static int skip_override(void *user, const struct store_override *o, struct error *err)
{
    (void)user;
    (void)err;
    return o->voice ? 0 : E_INTERNAL;
}

static int skip_generation(void *user, const struct store_generation *g, struct error *err)
{
    (void)err;
    if (user)
        *(int64_t *)user = g->id;
    return g->request ? 0 : E_INTERNAL;
}

static int use_voices(struct store *s, struct error *err)
{
    char hash[CLIP_HASH_MAX], *other = NULL;
    enum store_added added;
    int n = 0, rc = store_clip_put(s, "clip", 4, hash, err);
    struct store_voice v = {
        .id = "v", .label = "l", .language = "", .text = "t", .clip = hash, .type = "audio/wav", .consent = ""};
    struct store_override o = {.voice = "v", .text = "words", .clip = hash, .type = "audio/wav"};
    if (!rc)
        rc = store_voice_add(s, &v, &added, &other, err);
    if (!rc)
        free(other);
    if (!rc)
        rc = store_voices_each(s, skip_voice, skip_override, &n, err);
    if (!rc)
        rc = store_override_put(s, &o, 1, err);
    if (!rc) {
        store_override_release(&o);
        rc = store_voice_rename(s, "v", "m", err);
    }
    if (!rc)
        rc = store_voice_remove(s, "v", err);
    return rc ? rc : store_override_remove(s, "w", err);
}

static int use_history(struct store *s, struct error *err)
{
    const struct store_history_query q = {.limit = 5, .search = "EX"};
    const struct store_generation g = {.request = "g",
                                       .voice = "v",
                                       .engine = "f5",
                                       .text = "text",
                                       .params = "{}",
                                       .format = "wav",
                                       .audio = "sound",
                                       .audio_len = 5};
    struct store_history_totals t;
    struct buf sound = BUF_INIT;
    char format[16];
    int64_t n, id = 0;
    int rc = store_history_add(s, &g, err);
    if (!rc)
        rc = store_history_page(s, &q, skip_generation, &id, &t, err);
    if (!rc)
        rc = store_history_find(s, id, skip_generation, NULL, err);
    if (!rc)
        rc = store_history_audio(s, id, &sound, format, err);
    buf_release(&sound);
    if (!rc)
        rc = store_history_delete(s, id, err);
    return rc ? rc : store_history_clear(s, &n, err);
}

static int use_all(struct error *err)
{
    const struct store_params params = {.dir = folder, .history_count = 10, .history_bytes = 1 << 20};
    struct store *s = NULL;
    int rc = store_open(&params, &s, err);
    if (!rc)
        rc = use_voices(s, err);
    if (!rc)
        rc = use_history(s, err);
    store_close(s);
    return rc;
}

static void test_our_allocations(void **state)
{
    struct error err = {0};
    (void)state;
    assert_int_equal(use_all(&err), 0); /* with files that are there */
    heap_fail_each(use_all);
}

/* -------- SQLite's -------- */

static sqlite3_mem_methods usual;
static int countdown; /* the allocation that fails; 0: none */

static int fails(void)
{
    return countdown > 0 && --countdown == 0;
}

static void *failing_malloc(int n)
{
    return fails() ? NULL : usual.xMalloc(n);
}

static void *failing_realloc(void *p, int n)
{
    return fails() ? NULL : usual.xRealloc(p, n);
}

static void test_allocations_of_sqlite(void **state)
{
    int voices = 0;
    (void)state;
    for (int n = 1;; n++) {
        struct error err = {0};
        countdown = n;
        const int rc = use_all(&err);
        const int failed = countdown == 0;
        countdown = 0;
        if (rc && rc != E_NOMEM)
            fail_msg("allocation %d: %d, %s", n, rc, err.text);
        if (!failed) {
            assert_int_equal(rc, 0);
            assert_true(n > 500);
            break;
        }
        if (n % 50 == 0) { /* nothing has been torn on the way */
            const struct store_params params = {.dir = folder, .history_count = 10, .history_bytes = 1 << 20};
            struct store *s = NULL;
            assert_int_equal(store_open(&params, &s, NULL), 0);
            assert_int_equal(store_voices_each(s, skip_voice, skip_override, &voices, NULL), 0);
            assert_int_equal(store_history_find(s, 999999, skip_generation, NULL, NULL), E_NOTFOUND);
            store_close(s);
        }
    }
}

/* Before SQLite is used for the first time. */
static int count_allocations(void **state)
{
    (void)state;
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &usual) != SQLITE_OK)
        return -1;
    sqlite3_mem_methods failing = usual;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    /* without small blocks that are kept ready, every allocation is seen */
    return sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) || sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_our_allocations, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_allocations_of_sqlite, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, count_allocations, NULL);
}
