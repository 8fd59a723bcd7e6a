/* Changes of voices from the first check to what everybody sees, and history on its way to the store; with a real store
 * and its thread, and with a mailbox for a loop. */
#include "test.h"

#include "base/buf.h"
#include "base/file.h"
#include "server/history.h"
#include "server/voice_change.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static char folder[64];
static struct voices *voices;
static struct store_thread *thread;

/* The one message of the thread that may be under way. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    void (*fn)(void *arg);
    void *arg;
} box = {.lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER};

static int post(void *user, void (*fn)(void *arg), void *arg)
{
    (void)user;
    pthread_mutex_lock(&box.lock);
    assert_null(box.fn);
    box.fn = fn;
    box.arg = arg;
    pthread_cond_signal(&box.filled);
    pthread_mutex_unlock(&box.lock);
    return 0;
}

/* Runs the message; with `wait` as soon as there is one. */
static void run_box(int wait)
{
    pthread_mutex_lock(&box.lock);
    while (wait && !box.fn)
        pthread_cond_wait(&box.filled, &box.lock);
    void (*fn)(void *arg) = box.fn;
    box.fn = NULL;
    pthread_mutex_unlock(&box.lock);
    if (fn)
        fn(box.arg);
}

static int load_voice(void *user, const struct store_voice *v, struct error *err)
{
    char *path = store_clip_path(user, v->clip);
    const int rc = voices_put_upload(voices, v, path, err);
    free(path);
    return rc;
}

static int load_override(void *user, const struct store_override *o, struct error *err)
{
    char *path = o->clip ? store_clip_path(user, o->clip) : NULL;
    const int rc = voices_put_override(voices, o, path, err);
    free(path);
    return rc;
}

/* -------- a clip: `seconds` of a voice-like sound with silence after it -------- */

static void put_le(char *at, uint32_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (char)(v >> (8 * i));
}

static struct buf make_clip(double seconds, int pitch)
{
    const int n = (int)(seconds * 24000), tail = 6000;
    struct buf b = BUF_INIT;
    assert_int_equal(buf_reserve(&b, 44 + 2 * (size_t)n), 0);
    memcpy(b.ptr, "RIFF____WAVEfmt \20\0\0\0\1\0\1\0", 24);
    put_le(b.ptr + 4, 36 + 2 * (uint32_t)n, 4);
    put_le(b.ptr + 24, 24000, 4);
    put_le(b.ptr + 28, 48000, 4);
    put_le(b.ptr + 32, 2 | 16 << 16, 4);
    memcpy(b.ptr + 36, "data", 4);
    put_le(b.ptr + 40, 2 * (uint32_t)n, 4);
    for (int i = 0; i < n; i++) {
        double x = 0;
        for (int k = 1; k < 12; k++)
            x += sin(2 * M_PI * pitch * k * i / 24000.) / k;
        x *= i < n - tail ? 0.2 * (0.6 + 0.4 * sin(2 * M_PI * 4 * i / 24000.)) : 0;
        put_le(b.ptr + 44 + 2 * i, (uint32_t)(int)(x * 32767), 2);
    }
    b.len = 44 + 2 * (size_t)n;
    return b;
}

static struct buf clip_one, clip_two;
static char configured[128];

/* -------- a server's data -------- */

static void open_all(int with_store)
{
    const struct store_params params = {.dir = folder, .history_count = 10, .history_bytes = 1 << 20};
    const struct config_voice list[] = {
        {.id = "demo", .reference_audio = configured, .reference_text = "Words of the demo."}};
    struct store *store = NULL;
    struct error err = {0};
    if (voices_create(&voices, &err) || (with_store && store_open(&params, &store, &err)) ||
        (store && store_voices_each(store, load_voice, load_override, store, &err)) ||
        store_thread_create(store, post, NULL, &thread, &err) || voices_configure(voices, list, 1, "demo", &err))
        fail_msg("%s", err.text);
}

static void close_all(void)
{
    store_thread_free(thread);
    run_box(0);
    voices_free(voices);
}

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s/ishow-change-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(folder))
        return -1;
    snprintf(configured, sizeof configured, "%s/demo.wav", folder);
    clip_one = make_clip(3, 120);
    clip_two = make_clip(3, 150);
    if (file_write(configured, clip_one.ptr, clip_one.len, NULL))
        return -1;
    open_all(1);
    return 0;
}

static int teardown(void **state)
{
    char command[128];
    (void)state;
    close_all();
    buf_release(&clip_one);
    buf_release(&clip_two);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* -------- changes -------- */

static struct {
    int status, told, checks;
    char param[32], code[32], message[ERROR_TEXT_MAX], id[VOICE_ID_BYTES + 1];
} last;

static void on_outcome(void *user, const struct voice_outcome *o)
{
    (void)user;
    last.status = o->status;
    last.told++;
    last.checks = o->checks != NULL;
    snprintf(last.param, sizeof last.param, "%s", o->param ? o->param : "");
    snprintf(last.code, sizeof last.code, "%s", o->code ? o->code : "");
    snprintf(last.message, sizeof last.message, "%s", o->message);
    snprintf(last.id, sizeof last.id, "%s", o->voice ? o->voice->id : "");
}

static void change(const struct voice_change *c, int status)
{
    last.told = 0;
    voice_change_begin(voices, thread, c, on_outcome, NULL);
    while (!last.told)
        run_box(1);
    assert_int_equal(last.told, 1);
    if (last.status != status)
        fail_msg("%d, expected %d: %s", last.status, status, last.message);
    assert_int_equal(*last.message == '\0', status < 300);
}

static struct voice_change upload_of(const char *id, const char *label, const struct buf *clip)
{
    return (struct voice_change){.kind = VOICE_ADD,
                                 .id = id,
                                 .label = label,
                                 .text = "These are the words of it.",
                                 .language = "en",
                                 .clip = buf_slice(clip)};
}

static void test_an_upload_is_a_voice(void **state)
{
    struct voice_change c = upload_of(NULL, "My voice", &clip_one);
    (void)state;
    change(&c, 201);
    assert_string_equal(last.id, "My-voice");
    assert_int_equal(last.checks, 1);
    struct voice *v = voices_find(voices, "My-voice");
    assert_string_equal(v->label, "My voice");
    assert_string_equal(v->active.text, "These are the words of it.");
    assert_string_equal(v->active.type, "audio/wav");
    assert_true(file_exists(v->active.clip));
    assert_true(v->created > 0);
    change(&c, 200); /* the same clip is the same voice */
    assert_string_equal(last.id, "My-voice");
    c.id = "other";
    change(&c, 200);
    assert_string_equal(last.id, "My-voice");
    c.text = "But these are other words.";
    change(&c, 409);
    assert_string_equal(last.code, "clip_exists");
    c = upload_of(NULL, "My voice", &clip_two);
    change(&c, 201);
    assert_string_equal(last.id, "My-voice-2");
    assert_int_equal(voices_count(voices), 4);
    close_all();
    open_all(1);
    assert_string_equal(voices_find(voices, "My-voice-2")->label, "My voice");
    assert_int_equal(voices_count(voices), 4);
}

static void test_what_is_wrong_with_an_upload_is_said(void **state)
{
    struct buf large = BUF_INIT;
    struct voice_change c;
    char text[VOICE_TEXT_MAX + 2];
    (void)state;
    c = upload_of("x", NULL, &clip_one);
    c.text = NULL;
    change(&c, 400);
    assert_string_equal(last.param, "text");
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    c.text = text;
    change(&c, 400);
    c = upload_of(NULL, NULL, &clip_one);
    change(&c, 400);
    assert_string_equal(last.param, "name");
    c = upload_of("../x", "name", &clip_one);
    change(&c, 400);
    assert_string_equal(last.param, "id");
    c = upload_of("x", "na\xffme", &clip_one);
    change(&c, 400);
    assert_string_equal(last.param, "name");
    c = upload_of("demo", NULL, &clip_one);
    change(&c, 409);
    c = upload_of("x", NULL, &large);
    change(&c, 400);
    assert_string_equal(last.param, "audio");
    assert_int_equal(buf_add_str(&large, "<html>this is no sound</html>"), 0);
    c = upload_of("x", NULL, &large);
    change(&c, 422);
    assert_string_equal(last.param, "audio");
    assert_string_equal(last.code, "bad_clip");
    assert_int_equal(buf_reserve(&large, VOICE_CLIP_BYTES + 1), 0);
    memset(large.ptr, 0, VOICE_CLIP_BYTES + 1);
    large.len = VOICE_CLIP_BYTES + 1;
    c = upload_of("x", NULL, &large);
    change(&c, 413);
    buf_release(&large);
    assert_int_equal(voices_count(voices), 2);
}

static void test_overrides_and_back(void **state)
{
    (void)state;
    change(&(struct voice_change){.kind = VOICE_OVERRIDE, .id = "demo", .text = "Other words for it."}, 200);
    const struct voice *v = voices_find(voices, "demo");
    assert_string_equal(v->active.text, "Other words for it.");
    assert_string_equal(v->active.clip, configured);
    change(&(struct voice_change){.kind = VOICE_OVERRIDE, .id = "demo", .text = " \n", .clip = buf_slice(&clip_two)},
           200);
    v = voices_find(voices, "demo");
    assert_string_equal(v->active.text, "Other words for it.");
    assert_non_null(strstr(v->active.clip, "/clips/"));
    close_all();
    open_all(1);
    v = voices_find(voices, "demo");
    assert_string_equal(v->active.text, "Other words for it.");
    assert_true(file_exists(v->active.clip));
    assert_true(v->updated > 0);
    change(&(struct voice_change){.kind = VOICE_RESET, .id = "demo"}, 200);
    change(&(struct voice_change){.kind = VOICE_RESET, .id = "demo"}, 200);
    v = voices_find(voices, "demo");
    assert_string_equal(v->active.text, "Words of the demo.");
    assert_string_equal(v->active.clip, configured);
    change(&(struct voice_change){.kind = VOICE_OVERRIDE, .id = "demo"}, 400);
    change(&(struct voice_change){.kind = VOICE_OVERRIDE, .id = "builtin", .text = "x"}, 409);
    assert_string_equal(last.code, "voice_fixed");
    change(&(struct voice_change){.kind = VOICE_OVERRIDE, .id = "none", .text = "x"}, 404);
    assert_string_equal(last.code, "voice_not_found");
    change(&(struct voice_change){.kind = VOICE_OVERRIDE, .id = "alloy", .text = "x"}, 404);
    change(&(struct voice_change){.kind = VOICE_OVERRIDE, .id = " ", .text = "x"}, 404);
}

static void test_rename_and_remove(void **state)
{
    struct voice_change c = upload_of("mine", "Old", &clip_two);
    (void)state;
    change(&c, 201);
    const uint64_t version = voices_find(voices, "mine")->version;
    change(&(struct voice_change){.kind = VOICE_RENAME, .id = "mine", .label = "New"}, 200);
    assert_string_equal(voices_find(voices, "mine")->label, "New");
    assert_true(voices_find(voices, "mine")->version == version);
    change(&(struct voice_change){.kind = VOICE_RENAME, .id = "mine", .label = ""}, 400);
    change(&(struct voice_change){.kind = VOICE_RENAME, .id = "demo", .label = "x"}, 409);
    change(&(struct voice_change){.kind = VOICE_REMOVE, .id = "demo"}, 409);
    change(&(struct voice_change){.kind = VOICE_OVERRIDE, .id = "mine", .text = "Laid over the words."}, 200);
    struct voice *held = voice_ref(voices_find(voices, "mine"));
    change(&(struct voice_change){.kind = VOICE_REMOVE, .id = "mine"}, 200);
    assert_null(voices_find(voices, "mine"));
    assert_true(file_exists(held->active.clip)); /* for what was asked before */
    voice_unref(held);
    change(&(struct voice_change){.kind = VOICE_REMOVE, .id = "mine"}, 404);
    change(&c, 201); /* again, and nothing of the old one is left */
    assert_string_equal(voices_find(voices, "mine")->active.text, "These are the words of it.");
    assert_string_equal(voices_find(voices, "mine")->label, "Old");
}

static void count_outcome(void *user, const struct voice_outcome *o)
{
    int *counts = user;
    counts[o->status >= 300]++;
}

static void test_words_for_a_clip_that_cannot_be_read(void **state)
{
    (void)state;
    assert_int_equal(file_write(configured, "no sound", 8, NULL), 0);
    change(&(struct voice_change){.kind = VOICE_OVERRIDE, .id = "demo", .text = "Other words."}, 200);
    assert_int_equal(last.checks, 0);
    unlink(configured);
    change(&(struct voice_change){.kind = VOICE_OVERRIDE, .id = "demo", .text = "More words."}, 200);
    assert_string_equal(voices_find(voices, "demo")->active.text, "More words.");
}

static void test_a_voice_that_goes_meanwhile(void **state)
{
    (void)state;
    last.told = 0;
    voice_change_begin(
        voices, thread,
        &(struct voice_change){.kind = VOICE_OVERRIDE, .id = "demo", .text = "These are new words for it."}, on_outcome,
        NULL);
    assert_int_equal(voices_configure(voices, NULL, 0, NULL, NULL), 0);
    while (!last.told)
        run_box(1);
    assert_int_equal(last.status, 404);
    assert_string_equal(last.code, "voice_not_found");
}

static void test_changes_that_meet(void **state)
{
    int counts[2] = {0};
    const struct voice_change a = upload_of("same", "A", &clip_one), b = upload_of("same", "B", &clip_two),
                              remove = {.kind = VOICE_REMOVE, .id = "same"};
    (void)state;
    voice_change_begin(voices, thread, &a, count_outcome, counts);
    voice_change_begin(voices, thread, &b, count_outcome, counts);
    voice_change_begin(voices, thread, &remove, count_outcome, counts); /* not seen yet: 404 */
    while (counts[0] + counts[1] < 3)
        run_box(1);
    assert_int_equal(counts[0], 1);
    assert_string_equal(voices_find(voices, "same")->label, "A");
}

static void test_a_change_under_way_at_the_end_is_made(void **state)
{
    int counts[2] = {0};
    const struct voice_change c = upload_of("late", "L", &clip_one);
    (void)state;
    voice_change_begin(voices, thread, &c, count_outcome, counts);
    close_all();
    assert_int_equal(counts[0], 1);
    open_all(1);
    assert_non_null(voices_find(voices, "late"));
}

static void test_without_a_folder_changes_are_refused(void **state)
{
    struct voice_change c = upload_of("x", NULL, &clip_one);
    (void)state;
    close_all();
    open_all(0);
    change(&c, 507);
    assert_string_equal(last.code, "not_stored");
    assert_string_equal(voices_find(voices, NULL)->id, "demo");
}

/* -------- history -------- */

static void test_history_never_waits(void **state)
{
    struct history *h = NULL;
    struct log *log = NULL;
    struct buf text = BUF_INIT;
    char log_file[128];
    const struct store_generation g = {
        .request = "g", .voice = "v", .engine = "f5", .text = "text", .params = "{}", .format = ""};
    (void)state;
    snprintf(log_file, sizeof log_file, "%s/log", folder);
    const int fd = open(log_file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close_all();
    open_all(0); /* nothing can be kept */
    assert_int_equal(log_create(fd, LOG_TEXT, LOG_INFO, &log, NULL), 0);
    assert_int_equal(history_create(thread, log, &h, NULL), 0);
    history_add(h, &g);
    for (int i = 0; i < 2 * STORE_QUEUE_MAX; i++)
        history_add(h, &g);
    history_set_enabled(h, 0);
    history_add(h, &g);
    assert_false(history_enabled(h));
    store_thread_free(thread);
    thread = NULL;
    assert_int_equal(history_dropped(h), 2 * STORE_QUEUE_MAX + 1);
    history_free(h);
    log_free(log);
    close(fd);
    assert_int_equal(file_read(log_file, 1 << 16, &text, NULL), 0);
    assert_non_null(strstr(text.ptr, "history_dropped"));
    assert_null(strchr(strchr(text.ptr, '\n') + 1, '\n')); /* one line, however many */
    buf_release(&text);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_an_upload_is_a_voice),
        TEST(test_what_is_wrong_with_an_upload_is_said),
        TEST(test_overrides_and_back),
        TEST(test_rename_and_remove),
        TEST(test_words_for_a_clip_that_cannot_be_read),
        TEST(test_a_voice_that_goes_meanwhile),
        TEST(test_changes_that_meet),
        TEST(test_a_change_under_way_at_the_end_is_made),
        TEST(test_without_a_folder_changes_are_refused),
        TEST(test_history_never_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
