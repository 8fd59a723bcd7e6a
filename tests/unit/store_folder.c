/* See store_folder.h. */
#include "store_folder.h"

#include "test.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

/* -------- a folder for each test -------- */

char folder[64];
char notices[4096];

int make_folder(void **state)
{
    (void)state;
    /* in memory where that is offered: the tests write thousands of times, and no test can pull the plug */
    snprintf(folder, sizeof folder, "%s/ishow-store-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    notices[0] = '\0';
    return mkdtemp(folder) ? 0 : -1;
}

int remove_folder(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

void on_notice(void *user, const char *text)
{
    (void)user;
    const size_t used = strlen(notices);
    snprintf(notices + used, sizeof notices - used, "%s\n", text);
}

const char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

struct store *open_with(int64_t count, int64_t bytes)
{
    const struct store_params params = {
        .dir = folder, .history_count = count, .history_bytes = bytes, .on_notice = on_notice};
    struct error err = {0};
    struct store *s = NULL;
    if (store_open(&params, &s, &err))
        fail_msg("%s", err.text);
    return s;
}

struct store *open_here(void)
{
    return open_with(100, 1 << 20);
}

int count_files(const char *name)
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
char damaged[NAME_MAX + 1];

int find_damaged(void)
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

enum store_added add_voice(struct store *s, const char *id, const char *clip, char **ret_id)
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
int print_voice(void *user, const struct store_voice *v, struct error *err)
{
    return buf_addf(user, "%s %s %s %s %.6s %s %s\n", v->id, v->label, v->language, v->text, v->clip, v->type,
                    v->consent)
               ? error_nomem(err)
               : 0;
}

int print_override(void *user, const struct store_override *o, struct error *err)
{
    return buf_addf(user, "over %s %s %.6s %s\n", o->voice, o->text ? o->text : "-", o->clip ? o->clip : "-",
                    o->type ? o->type : "-")
               ? error_nomem(err)
               : 0;
}

void assert_voices(struct store *s, const char *expected)
{
    struct buf out = BUF_INIT;
    struct error err = {0};
    assert_int_equal(buf_add_str(&out, ""), 0);
    if (store_voices_each(s, print_voice, print_override, &out, &err))
        fail_msg("%s", err.text);
    assert_string_equal(out.ptr, expected);
    buf_release(&out);
}

void put_override(struct store *s, const char *id, const char *text, const char *clip)
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
/* -------- history -------- */

struct store_generation sample(const char *id, const char *text, const void *audio, size_t len)
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

void say(struct store *s, int i, const char *text, size_t audio)
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

int print_generation(void *user, const struct store_generation *g, struct error *err)
{
    return buf_addf(user, "%s ", g->request) ? error_nomem(err) : 0;
}

/* The number of the newest generation of that request. */
struct wanted {
    const char *request;
    int64_t id;
};

int match(void *user, const struct store_generation *g, struct error *err)
{
    struct wanted *w = user;
    (void)err;
    if (!w->id && strcmp(g->request, w->request) == 0)
        w->id = g->id;
    return 0;
}

int64_t number_of(struct store *s, const char *request)
{
    const struct store_history_query q = {.limit = HISTORY_PAGE_MAX};
    struct store_history_totals t;
    struct wanted w = {.request = request};
    assert_int_equal(store_history_page(s, &q, match, &w, &t, NULL), 0);
    return w.id;
}

struct store_history_totals assert_page(struct store *s, int limit, int64_t before, const char *search,
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
