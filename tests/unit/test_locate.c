/* From names and folders to a model's files. */
#include "test.h"

#include "base/file.h"
#include "engine/locate.h"

#include <stdio.h>
#include <unistd.h>

static char dir[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/ishow-locate-XXXXXX");
    return mkdtemp(dir) && !setenv("HF_HOME", dir, 1) && !unsetenv("HF_HUB_CACHE") ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char cmd[128];
    snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
    return system(cmd);
}

static char *in_dir(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void put(const char *name)
{
    struct error e;
    char path[512];
    strcpy(path, in_dir(name));
    *strrchr(path, '/') = '\0';
    assert_int_equal(dir_make(path, &e), 0);
    assert_int_equal(file_write(in_dir(name), "x", 1, &e), 0);
}

static void a_folder_needs_checkpoint_tokens_and_vocoder(void **state)
{
    (void)state;
    struct model_files f;
    struct error e;
    char model[256];
    strcpy(model, in_dir("m"));
    assert_int_equal(model_locate(model, NULL, NULL, &f, &e), E_NOTFOUND);
    assert_non_null(strstr(e.text, "no model"));
    assert_int_equal(dir_make(model, &e), 0);
    assert_int_equal(model_locate(model, NULL, NULL, &f, &e), E_NOTFOUND);
    assert_non_null(strstr(e.text, "no checkpoint"));
    put("m/model_9.pt");
    put("m/model_10.pt");
    assert_int_equal(model_locate(model, NULL, NULL, &f, &e), E_NOTFOUND);
    assert_non_null(strstr(e.text, "vocab.txt is missing"));
    put("m/vocab.txt");
    assert_int_equal(model_locate(model, NULL, NULL, &f, &e), E_NOTFOUND);
    assert_non_null(strstr(e.text, "ishowtts pull f5"));
    put("m/vocos/config.yaml");
    assert_int_equal(model_locate(model, NULL, NULL, &f, &e), E_NOTFOUND);
    assert_non_null(strstr(e.text, "only one of"));
    put("m/vocos/pytorch_model.bin");
    assert_int_equal(model_locate(model, NULL, NULL, &f, &e), 0);
    assert_string_equal(f.checkpoint, in_dir("m/model_10.pt")); /* the later one, by number */
    assert_null(f.settings);
    model_files_release(&f);
    put("m/model_2.safetensors");
    put("m/model.toml");
    put("other/vocab.txt");
    assert_int_equal(model_locate(model, in_dir("other/vocab.txt"), NULL, &f, &e), 0);
    assert_string_equal(f.checkpoint, in_dir("m/model_2.safetensors"));
    assert_string_equal(f.vocab, in_dir("other/vocab.txt"));
    assert_string_equal(f.settings, in_dir("m/model.toml"));
    model_files_release(&f);
}

static void names_are_found_in_the_hubs_cache(void **state)
{
    (void)state;
    struct model_files f;
    struct error e;
    assert_int_equal(model_locate(NULL, NULL, NULL, &f, &e), E_NOTFOUND);
    assert_int_equal(model_locate("f5", NULL, NULL, &f, &e), E_NOTFOUND);
    assert_non_null(strstr(e.text, "ishowtts pull f5"));
    put("hub/models--SWivid--F5-TTS/snapshots/abc/F5TTS_Base/model_1200000.safetensors");
    put("hub/models--SWivid--F5-TTS/snapshots/abc/F5TTS_Base/vocab.txt");
    put("hub/models--charactr--vocos-mel-24khz/snapshots/def/config.yaml");
    put("hub/models--charactr--vocos-mel-24khz/snapshots/def/pytorch_model.bin");
    assert_int_equal(model_locate(NULL, NULL, NULL, &f, &e), 0);
    assert_non_null(strstr(f.checkpoint, "F5TTS_Base/model_1200000.safetensors"));
    assert_non_null(strstr(f.vocos_weights, "snapshots/def/pytorch_model.bin"));
    model_files_release(&f);
    assert_int_equal(model_locate("f5", NULL, NULL, &f, &e), E_NOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_needs_checkpoint_tokens_and_vocoder),
        cmocka_unit_test(names_are_found_in_the_hubs_cache),
    };
    return cmocka_run_group_tests_name("locate", tests, set_up, tear_down);
}
