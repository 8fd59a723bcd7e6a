/* The registry of voices: what is seen of configuration, uploads and overrides, which versions change when, and
 * names. */
#include "test.h"

#include "base/buf.h"
#include "base/file.h"
#include "failing_heap.h"
#include "server/voice_check.h"
#include "speech/voices.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static char clip_a[64], clip_b[64];

static int make_clips(void **state)
{
    (void)state;
    snprintf(clip_a, sizeof clip_a, "/tmp/ishow-voices-a-%d.wav", (int)getpid());
    snprintf(clip_b, sizeof clip_b, "/tmp/ishow-voices-b-%d.mp3", (int)getpid());
    return file_write(clip_a, "a", 1, NULL) || file_write(clip_b, "b", 1, NULL);
}

static int remove_clips(void **state)
{
    (void)state;
    unlink(clip_a);
    unlink(clip_b);
    return 0;
}

static struct voices *make(void)
{
    struct voices *v = NULL;
    assert_int_equal(voices_create(&v, NULL), 0);
    return v;
}

static void configure(struct voices *v, const char *ids, const char *text, const char *default_id)
{
    struct config_voice list[8] = {0};
    char copy[128], *rest = NULL;
    size_t n = 0;
    struct error err = {0};
    snprintf(copy, sizeof copy, "%s", ids);
    for (char *id = strtok_r(copy, " ", &rest); id; id = strtok_r(NULL, " ", &rest))
        list[n++] =
            (struct config_voice){.id = id, .reference_audio = clip_a, .reference_text = text, .language = "zh"};
    if (voices_configure(v, list, n, default_id, &err))
        fail_msg("%s", err.text);
}

static void put_upload(struct voices *v, const char *id, const char *label)
{
    const struct store_voice row = {
        .id = id, .label = label, .language = "", .text = "uploaded words", .type = "audio/wav", .created = 5};
    assert_int_equal(voices_put_upload(v, &row, "/clips/1", NULL), 0);
}

static void put_override(struct voices *v, const char *id, const char *text, const char *clip)
{
    const struct store_override row = {.voice = id, .text = text, .type = clip ? "audio/flac" : NULL, .updated = 7};
    assert_int_equal(voices_put_override(v, &row, clip, NULL), 0);
}

static void assert_ids(const struct voices *v, const char *expected)
{
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < voices_count(v); i++)
        assert_int_equal(buf_addf(&out, "%s%s", i ? " " : "", voices_at(v, i)->id), 0);
    assert_string_equal(out.ptr, expected);
    buf_release(&out);
}

static void test_the_list_is_sorted_and_has_the_builtin_voice(void **state)
{
    struct voices *v = make();
    (void)state;
    assert_ids(v, "builtin");
    assert_string_equal(voices_find(v, NULL)->engine, "builtin");
    configure(v, "walter demo", "words", "walter");
    put_upload(v, "café", "Label");
    put_upload(v, "ann", "Label");
    assert_ids(v, "ann builtin café demo walter");
    assert_string_equal(voices_find(v, "demo")->baseline.clip, clip_a);
    assert_string_equal(voices_find(v, "demo")->active.type, "audio/wav");
    assert_string_equal(voices_find(v, "demo")->label, "F5-TTS");
    assert_string_equal(voices_find(v, "ann")->label, "Label");
    assert_int_equal(voices_find(v, "ann")->kind, VOICE_UPLOADED);
    configure(v, "demo ann", "words", NULL); /* the configuration comes first */
    assert_ids(v, "ann builtin café demo");
    assert_int_equal(voices_find(v, "ann")->kind, VOICE_OF_CONFIG);
    configure(v, "demo", "words", NULL);
    assert_int_equal(voices_find(v, "ann")->kind, VOICE_UPLOADED);
    assert_int_equal(voices_drop_upload(v, "ann", NULL), 0);
    assert_int_equal(voices_drop_upload(v, "ann", NULL), 0);
    assert_ids(v, "builtin café demo");
    voices_free(v);
}

static void test_names_lead_to_voices(void **state)
{
    struct voices *v = make();
    (void)state;
    configure(v, "demo other", "words", "demo");
    assert_string_equal(voices_find(v, "")->id, "demo");
    assert_string_equal(voices_find(v, NULL)->id, "demo");
    assert_string_equal(voices_find(v, "alloy")->id, "demo");
    assert_string_equal(voices_find(v, "shimmer")->id, "demo");
    assert_string_equal(voices_find(v, "builtin")->id, "builtin");
    assert_null(voices_find(v, "Alloy"));
    assert_null(voices_find(v, "none"));
    assert_null(voices_find(v, "\xff/../"));
    put_upload(v, "alloy", "mine");
    assert_string_equal(voices_find(v, "alloy")->id, "alloy");
    configure(v, "other", "words", "demo"); /* a default that is gone */
    assert_string_equal(voices_default(v), "builtin");
    assert_string_equal(voices_find(v, "nova")->id, "builtin");
    voices_free(v);
}

static void test_overrides_lie_over_what_there_is(void **state)
{
    struct voices *v = make();
    (void)state;
    configure(v, "demo", "words", NULL);
    put_override(v, "demo", "other words", NULL);
    const struct voice *d = voices_find(v, "demo");
    assert_string_equal(d->active.text, "other words");
    assert_string_equal(d->active.clip, clip_a);
    assert_string_equal(d->baseline.text, "words");
    assert_null(d->override.clip);
    assert_int_equal(d->updated, 7);
    put_override(v, "demo", "other words", "/clips/2");
    d = voices_find(v, "demo");
    assert_string_equal(d->active.clip, "/clips/2");
    assert_string_equal(d->active.type, "audio/flac");
    assert_string_equal(d->baseline.type, "audio/wav");
    put_override(v, "later", "words of later", NULL); /* of a voice that is not configured now */
    put_override(v, "builtin", "nothing to do with it", NULL);
    assert_null(voices_find(v, "builtin")->active.text);
    configure(v, "demo later", "words", NULL);
    assert_string_equal(voices_find(v, "later")->active.text, "words of later");
    assert_string_equal(voices_find(v, "demo")->active.text, "other words");
    assert_int_equal(voices_drop_override(v, "demo", NULL), 0);
    d = voices_find(v, "demo");
    assert_string_equal(d->active.text, "words");
    assert_string_equal(d->active.clip, clip_a);
    assert_int_equal(d->updated, 0);
    voices_free(v);
}

static uint64_t version(struct voices *v, const char *id)
{
    return voices_find(v, id)->version;
}

static void test_versions_change_with_words_and_clip_alone(void **state)
{
    struct voices *v = make();
    (void)state;
    configure(v, "demo other", "words", NULL);
    put_upload(v, "up", "Old");
    const uint64_t demo = version(v, "demo"), other = version(v, "other"), up = version(v, "up");
    struct voice *before = voices_find(v, "demo");
    assert_true(demo != other && other != up && demo != up);
    put_upload(v, "up", "New");
    assert_string_equal(voices_find(v, "up")->label, "New");
    assert_true(version(v, "up") == up);
    configure(v, "demo other", "words", "other");
    assert_ptr_equal(voices_find(v, "demo"), before); /* nothing has changed: the same snapshot */
    put_override(v, "demo", "words", NULL);           /* the same words */
    assert_true(version(v, "demo") == demo);
    put_override(v, "demo", "new words", NULL);
    const uint64_t second = version(v, "demo");
    assert_true(second != demo);
    assert_true(version(v, "other") == other);
    put_override(v, "demo", "new words", "/clips/3");
    assert_true(version(v, "demo") != second);
    configure(v, "demo other", "newer words", "other");
    assert_true(version(v, "other") != other);
    const uint64_t third = version(v, "other"), overridden = version(v, "demo");
    assert_int_equal(file_write(clip_a, "aa", 2, NULL), 0); /* the clip is another now */
    configure(v, "demo other", "newer words", "other");
    assert_true(version(v, "other") != third);
    assert_true(version(v, "demo") == overridden); /* it does not sound in this one */
    voices_free(v);
}

static void test_a_snapshot_outlives_everything(void **state)
{
    struct voices *v = make();
    (void)state;
    put_upload(v, "up", "Label");
    struct voice *mine = voice_ref(voices_find(v, "up"));
    assert_int_equal(voices_drop_upload(v, "up", NULL), 0);
    voices_free(v);
    assert_string_equal(mine->id, "up");
    assert_string_equal(mine->active.text, "uploaded words");
    voice_unref(mine);
    voice_unref(NULL);
    assert_null(voice_ref(NULL));
}

static void *use_snapshot(void *arg)
{
    struct voice *v = arg;
    for (int i = 0; i < 10000; i++) {
        voice_ref(v);
        voice_unref(v);
    }
    voice_unref(v);
    return NULL;
}

static void test_snapshots_go_between_threads(void **state)
{
    struct voices *v = make();
    pthread_t threads[3];
    (void)state;
    put_upload(v, "up", "0");
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_snapshot, voice_ref(voices_find(v, "up"))), 0);
    for (int i = 0; i < 100; i++) {
        char label[16];
        snprintf(label, sizeof label, "%d", i);
        put_upload(v, "up", label);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    voices_free(v);
}

static void test_a_bad_configuration_changes_nothing(void **state)
{
    struct voices *v = make();
    struct error err = {0};
    const struct config_voice twice[] = {{.id = "x", .reference_audio = clip_a},
                                         {.id = "x", .reference_audio = clip_a}};
    const struct config_voice taken[] = {{.id = "builtin", .reference_audio = clip_a}};
    (void)state;
    configure(v, "demo", "words", "demo");
    assert_int_equal(voices_configure(v, twice, 2, "x", &err), E_ARG);
    assert_string_equal(err.text, "there are two voices \"x\"");
    assert_int_equal(voices_configure(v, taken, 1, NULL, &err), E_ARG);
    assert_ids(v, "builtin demo");
    assert_string_equal(voices_default(v), "demo");
    voices_free(v);
}

static void test_a_clip_that_is_missing_is_none(void **state)
{
    struct voices *v = make();
    const struct config_voice c[] = {{.id = "x", .reference_audio = "/nowhere/x.wav", .reference_text = "words"},
                                     {.id = "y", .reference_audio = clip_b}};
    (void)state;
    assert_int_equal(voices_configure(v, c, 2, NULL, NULL), 0);
    assert_null(voices_find(v, "x")->active.clip);
    assert_string_equal(voices_find(v, "x")->active.text, "words");
    assert_string_equal(voices_find(v, "y")->active.type, "audio/mpeg");
    assert_null(voices_find(v, "y")->active.text);
    voices_free(v);
}

static int use_all(struct error *err)
{
    struct voices *v = NULL;
    const struct config_voice c[] = {{.id = "x", .reference_audio = clip_a, .reference_text = "words"}};
    const struct store_voice up = {.id = "up", .label = "l", .language = "", .text = "t", .type = "audio/wav"};
    const struct store_override over = {.voice = "x", .text = "t"};
    int rc = voices_create(&v, err);
    if (rc)
        return rc;
    if (!(rc = voices_put_upload(v, &up, "/c", err)) && !(rc = voices_put_override(v, &over, NULL, err)))
        rc = voices_configure(v, c, 1, "x", err);
    if (rc) /* what is seen is whole */
        for (size_t i = 0; i < voices_count(v); i++)
            assert_non_null(voices_find(v, voices_at(v, i)->id));
    if (!rc)
        rc = voices_drop_override(v, "x", err);
    if (!rc)
        rc = voices_drop_upload(v, "up", err);
    voices_free(v);
    return rc;
}

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    heap_fail_each(use_all);
}

/* -------- names -------- */

static void test_ids(void **state)
{
    static const char *const good[] = {"a",      "Walter-2_x.y",
                                       "小明",   "ひらがなカタカナー",
                                       "한국어", "-",
                                       "a..b",   "0123456789012345678901234567890123456789012345678901234567890123"};
    static const struct {
        const char *id, *says;
    } bad[] = {
        {"", "empty"},
        {"..", "dot"},
        {".hidden", "dot"},
        {"a/b", "character 2"},
        {"a b", "character 2"},
        {"a\"b", "character 2"},
        {"a\nb", "character 2"},
        {"a%2f", "character 2"},
        {"小/明", "character 2"},
        {"\xff", "character 1"},
        {"a\xc0\xaf", "character 2"},
        {"é", "character 1"},
        {"a\xe2\x80\xae", "character 2"}, /* writes backwards */
        {"builtin", "needs no model"},
        {"BUILTIN", "needs no model"},
        {"01234567890123456789012345678901234567890123456789012345678901234", "65 characters"},
    };
    struct error err;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (voice_id_check(good[i], &err))
            fail_msg("%s: %s", good[i], err.text);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(voice_id_check(bad[i].id, &err), E_ARG);
        if (!strstr(err.text, bad[i].says))
            fail_msg("%s: %s", bad[i].id, err.text);
    }
}

static void test_an_id_from_a_name(void **state)
{
    static const char *const pairs[][2] = {
        {"Walter", "Walter"},
        {"My new voice!", "My-new-voice"},
        {"  a  b  ", "a-b"},
        {"../../etc/passwd", "etc-passwd"},
        {"小明 的声音", "小明-的声音"},
        {"☃", ""},
        {"", ""},
        {"--x--", "x"},
        {"Builtin", ""},
        {"caf\xc3\xa9", "caf"},
        {"a\xff\xfe"
         "b",
         "a-b"},
        {".x", "x"},
    };
    char id[VOICE_ID_BYTES + 1], name[1000];
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        voice_id_from(pairs[i][0], id);
        assert_string_equal(id, pairs[i][1]);
    }
    for (size_t i = 0; i + 4 < sizeof name; i += 3)
        memcpy(name + i, "明明", 4);
    name[996] = '\0';
    voice_id_from(name, id);
    assert_int_equal(strlen(id), VOICE_ID_MAX * 3);
    assert_int_equal(voice_id_check(id, NULL), 0);
}

static void test_media_types(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *type;
    } clips[] = {
        {"RIFF\x10\0\0\0WAVEfmt ", 16, "audio/wav"},
        {"fLaC\0\0\0\x22", 8, "audio/flac"},
        {"OggS\0\2\0\0", 8, "audio/ogg"},
        {"ID3\4\0\0\0\0", 8, "audio/mpeg"},
        {"\xff\xfb\x90\x64", 4, "audio/mpeg"},
        {"FORM\0\0\0\0AIFF", 12, "audio/aiff"},
        {"RIFF\x10\0\0\0AVI ", 12, NULL},
        {"\xff\xff\xff\xff", 4, NULL},
        {"\xff\xfb", 2, NULL},
        {"<html>", 6, NULL},
        {"", 0, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof clips / sizeof *clips; i++) {
        const char *type = voice_clip_type((struct slice){clips[i].bytes, clips[i].len});
        assert_string_equal(type ? type : "none", clips[i].type ? clips[i].type : "none");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_list_is_sorted_and_has_the_builtin_voice),
        cmocka_unit_test(test_names_lead_to_voices),
        cmocka_unit_test(test_overrides_lie_over_what_there_is),
        cmocka_unit_test(test_versions_change_with_words_and_clip_alone),
        cmocka_unit_test(test_a_snapshot_outlives_everything),
        cmocka_unit_test(test_snapshots_go_between_threads),
        cmocka_unit_test(test_a_bad_configuration_changes_nothing),
        cmocka_unit_test(test_a_clip_that_is_missing_is_none),
        cmocka_unit_test(test_each_allocation_may_fail),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_an_id_from_a_name),
        cmocka_unit_test(test_media_types),
    };
    return cmocka_run_group_tests(tests, make_clips, remove_clips);
}
