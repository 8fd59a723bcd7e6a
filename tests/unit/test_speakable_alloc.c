/* Each allocation on the way from written text to the built-in voice fails in turn: E_NOMEM, no leak. */
#include "test.h"

#include "failing_heap.h"

#include "engine/builtin.h"
#include "engine/voice_flite.h"
#include "text/normalize.h"
#include "text/script.h"

static const char text[] = "Since 1999 I have 1½ kg, $3.50 \xE2\x9D\xA4 https://a.com and 哈哈哈哈 3个苹果！";

static int try_normalize(struct error *err)
{
    struct buf out = BUF_INIT;
    int r = text_normalize(text, sizeof text - 1, &out, err);
    assert_int_equal(r == 0, out.len > 0);
    buf_release(&out);
    return r;
}

static int try_script(struct error *err)
{
    struct arena arena = {0};
    struct script_runs runs = {NULL, 42};
    int r = script_split(text, sizeof text - 1, &arena, &runs, err);
    assert_int_equal(r == 0, runs.count != 42);
    arena_release(&arena);
    return r;
}

static int try_plain_text(struct error *err)
{
    struct buf out = BUF_INIT;
    int r = flite_plain_text(text, sizeof text - 1, &out);
    buf_release(&out);
    return r ? error_nomem(err) : 0;
}

static int ignore(void *user, const float *samples, size_t n)
{
    (void)user;
    (void)samples;
    (void)n;
    return 0;
}

static int try_say(struct error *err)
{
    struct buf voices = BUF_INIT;
    const struct builtin_listener to = {.audio = ignore};
    int r = builtin_say("Hi. 你好", strlen("Hi. 你好"), 8, &to, &voices, err);
    buf_release(&voices);
    return r;
}

static void each_allocation_fails_in_turn(void **state)
{
    (void)state;
    static int (*const tries[])(struct error *) = {try_normalize, try_script, try_plain_text, try_say};
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++)
        heap_fail_each(tries[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_fails_in_turn),
    };
    return cmocka_run_group_tests_name("speakable_alloc", tests, NULL, NULL);
}
