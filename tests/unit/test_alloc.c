/* Memory runs out at every single allocation of a load and a synthesis, in turn: each time there is an error, and
 * nothing is left behind. */
#include "test.h"

#include "failing_heap.h"
#include "ishowtts.h"

#include <stdio.h>

static int hear(void *user, const float *x, size_t n)
{
    (void)x;
    *(size_t *)user += n;
    return 0;
}

struct trial {
    const char *model;   /* folder, or "builtin" */
    const char *weights; /* checkpoint within it, NULL for builtin */
    const char *text;
};

/* Open, make a voice, speak, close; the first error ends it. */
static int run(const struct trial *t, size_t *heard, ishow_error *err)
{
    char path[512], clip[512];
    ishow_engine *engine = NULL;
    ishow_voice *voice = NULL;
    ishow_open_params open;
    ishow_say_params say;
    ishow_open_params_init(&open);
    ishow_say_params_init(&say);
    snprintf(path, sizeof path, "%s/golden/%s/%s", getenv("ISHOW_TESTS"), t->model, t->weights ? t->weights : "");
    snprintf(clip, sizeof clip, "%s/golden/%s/ref.wav", getenv("ISHOW_TESTS"), t->model);
    open.model = t->weights ? path : t->model;
    open.threads = 1;
    say.nfe = 1;
    say.seed = 1;
    say.speed = 4;
    int rc = ishow_open(&open, &engine, err);
    if (!rc && t->weights)
        rc = ishow_voice_from_file(engine, clip, "Hello.", &voice, err);
    if (!rc)
        rc = ishow_say(engine, voice, t->text, &say, hear, heard, NULL, err);
    ishow_voice_free(voice);
    ishow_close(engine);
    return rc;
}

static void fail_each(const struct trial *t)
{
    ishow_error err;
    size_t heard = 0;
    assert_int_equal(run(t, &heard, &err), 0); /* what is opened once and kept for the process is opened here */
    heap.armed = 1;
    heap.fail_at = heap.calls = 0;
    heard = 0;
    assert_int_equal(run(t, &heard, &err), 0);
    assert_true(heard > 0);
    const size_t total = heap.calls;
    size_t refused = 0;
    assert_int_equal(heap.live, 0);
    for (size_t i = 1; i <= total; i++) {
        memset(&err, 0, sizeof err);
        heap.fail_at = i;
        heap.calls = heard = 0;
        int rc = run(t, &heard, &err);
        if (heap.live)
            fail_msg("failing allocation %zu of %zu leaves %zu behind (%s)", i, total, heap.live, err.text);
        if (rc && !err.text[0])
            fail_msg("failing allocation %zu of %zu gives code %d without words", i, total, rc);
        refused += rc != 0;
    }
    heap.fail_at = 0;
    heap.armed = 0;
    /* a few may do without: a smaller buffer, a hint that is left out */
    assert_true(refused * 100 >= total * 95);
    print_message("# %s: %zu allocations, %zu ended in an error\n", t->model, total, refused);
}

static void a_model_in_safetensors(void **state)
{
    (void)state;
    fail_each(&(struct trial){"english", "model.safetensors", "Thanks for 3 follows!"});
}

static void a_model_in_a_torch_file(void **state)
{
    (void)state;
    fail_each(&(struct trial){"qk_norm", "model.pt", "Thanks, \xE4\xBD\xA0\xE5\xA5\xBD!"});
}

static void the_built_in_voices(void **state)
{
    (void)state;
    fail_each(&(struct trial){"builtin", NULL, "Thanks for 3 follows!"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_in_safetensors),
        cmocka_unit_test(a_model_in_a_torch_file),
        cmocka_unit_test(the_built_in_voices),
    };
    return cmocka_run_group_tests_name("alloc", tests, NULL, NULL);
}
