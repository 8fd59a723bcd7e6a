/* What `ishowtts bench` rests on: its statistics, and models with random weights. */
#include "test.h"

#include "engine/bench.h"
#include "engine/bench_model.h"
#include "failing_heap.h"
#include "model/arch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NEAR 1e-12

static void statistics(void **state)
{
    (void)state;
    const double five[] = {1, 2, 3, 4, 10}, one[] = {7};
    assert_true(fabs(stats_mean(five, 5) - 4) < NEAR);
    assert_true(fabs(stats_quantile(five, 5, 0.5) - 3) < NEAR);
    assert_true(fabs(stats_quantile(five, 5, 0.95) - (4 + 0.8 * 6)) < NEAR);
    assert_true(fabs(stats_quantile(five, 5, 0) - 1) < NEAR);
    assert_true(fabs(stats_quantile(five, 5, 1) - 10) < NEAR);
    assert_true(fabs(stats_deviation(five, 5) - sqrt(12.5)) < NEAR);
    assert_true(fabs(stats_quantile(one, 1, 0.95) - 7) < NEAR);
    assert_true(stats_deviation(one, 1) == 0);
    assert_true(stats_mean(one, 0) == 0 && stats_quantile(one, 0, 0.5) == 0);
}

static void marks_share_out_all_of_the_time(void **state)
{
    (void)state;
    struct profile p;
    profile_start(&p);
    const double start = p.at;
    profile_mark(&p, PROFILE_HOST, 0);
    profile_mark(&p, PROFILE_FF, 5);
    profile_mark(&p, PROFILE_FF, 6);
    profile_frames(&p, 300);
    assert_true(p.stage[PROFILE_FF].ops == 11 && p.frames == 300);
    assert_true(fabs(p.stage[PROFILE_HOST].seconds + p.stage[PROFILE_FF].seconds - (p.at - start)) < 1e-9);
    profile_mark(NULL, PROFILE_FF, 1);
    profile_start(NULL);
    profile_frames(NULL, 1);
}

static void attention_costs_each_sequence_its_square(void **state)
{
    (void)state;
    const int start[] = {0, 10, 30};
    assert_true(ops_attention(start, 2, 3) == 2 * 2 * (10.0 * 10 + 20.0 * 20) * 3 * 64);
}

static int count_calls(void *user, int done, int total)
{
    assert_true(done <= total);
    ++*(int *)user;
    return 0;
}

static int stop(void *user, int done, int total)
{
    (void)user;
    (void)done;
    (void)total;
    return 1;
}

static void remove_model(const char *dir)
{
    static const char *const names[] = {"model.safetensors",       "vocab.txt", "vocos/config.yaml",
                                        "vocos/pytorch_model.bin", "vocos",     ""};
    char path[256];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        remove(path);
    }
}

/* The walk that writes the header and the one that writes the data must agree on every tensor, and the checkpoint's
 * reader holds the two against each other. */
static void random_weights_are_a_model(void **state)
{
    (void)state;
    char dir[] = "/tmp/ishow-test-bench-XXXXXX", path[256];
    struct error err = {0};
    struct ckpt *c = NULL;
    struct f5_arch a;
    int calls = 0;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(bench_model_write("tiny", dir, count_calls, &calls, &err), 0);
    assert_true(calls > 0);
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    assert_int_equal(ckpt_open(path, &c, &err), 0);
    assert_int_equal(arch_detect(c, &a, &err), 0);
    assert_int_equal(a.dim, 128);
    assert_int_equal(a.depth, 2);
    assert_int_equal(a.vocab, 2545);
    double sum = 0, squares = 0;
    const struct ckpt_tensor *t = ckpt_find(c, "ema_model.transformer.text_embed.text_embed.weight");
    const float *x = t ? ckpt_view_f32(t) : NULL;
    assert_non_null(x);
    for (int64_t i = 0; i < t->count; i++) {
        sum += x[i];
        squares += (double)x[i] * x[i];
    }
    assert_true(fabs(sum / (double)t->count) < 0.01);                 /* around 0 */
    assert_true(fabs(sqrt(squares / (double)t->count) - 0.5) < 0.01); /* of the deviation asked for */
    ckpt_close(c);
    snprintf(path, sizeof path, "%s/vocos/pytorch_model.bin", dir);
    assert_int_equal(ckpt_open(path, &c, &err), 0);
    ckpt_close(c);
    remove_model(dir);
}

static void cancelled_or_unknown_it_writes_no_model(void **state)
{
    (void)state;
    char dir[] = "/tmp/ishow-test-bench-XXXXXX", path[256];
    struct error err = {0};
    assert_non_null(mkdtemp(dir));
    assert_int_equal(bench_model_write("tiny", dir, stop, NULL, &err), E_CANCELLED);
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(bench_model_write("v9", dir, NULL, NULL, &err), E_ARG);
    assert_non_null(strstr(err.text, "v1-base"));
    assert_int_not_equal(bench_model_write("tiny", "/proc/self/no", NULL, NULL, &err), 0);
    assert_non_null(strstr(err.text, "/proc/self/no"));
    remove_model(dir);
}

static int write_and_remove(struct error *err)
{
    char dir[] = "/tmp/ishow-test-bench-XXXXXX";
    assert_non_null(mkdtemp(dir));
    int rc = bench_model_write("tiny", dir, NULL, NULL, err);
    remove_model(dir);
    return rc;
}

static void memory_may_run_out_anywhere(void **state)
{
    (void)state;
    heap_fail_each(write_and_remove);
}

static int stop_soon(void *user, const char *doing, double done)
{
    (void)doing;
    assert_true(done >= 0 && done <= 1);
    return ++*(int *)user > 3;
}

static void the_api_refuses_what_it_cannot_measure(void **state)
{
    (void)state;
    ishow_bench_params p;
    ishow_error err;
    char *json = NULL;
    int calls = 0;
    ishow_bench_params_init(&p);
    p.preset = "tiny";
    p.runs = 0;
    assert_int_equal(ishow_bench(&p, &json, &err), ISHOW_E_ARG);
    ishow_bench_params_init(&p);
    p.size = sizeof p + 8;
    assert_int_equal(ishow_bench(&p, &json, &err), ISHOW_E_ARG);
    ishow_bench_params_init(&p);
    assert_int_equal(ishow_bench(&p, NULL, &err), ISHOW_E_ARG);
    p.preset = "tiny";
    p.on_progress = stop_soon;
    p.progress_user = &calls;
    assert_int_equal(ishow_bench(&p, &json, &err), ISHOW_E_CANCELLED);
    assert_null(json);
    ishow_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statistics),
        cmocka_unit_test(marks_share_out_all_of_the_time),
        cmocka_unit_test(attention_costs_each_sequence_its_square),
        cmocka_unit_test(random_weights_are_a_model),
        cmocka_unit_test(cancelled_or_unknown_it_writes_no_model),
        cmocka_unit_test(memory_may_run_out_anywhere),
        cmocka_unit_test(the_api_refuses_what_it_cannot_measure),
    };
    return cmocka_run_group_tests_name("bench", tests, NULL, NULL);
}
