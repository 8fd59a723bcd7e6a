/* Precision: what a plan means, and how far from f32 each comes out on the golden models. */
#include "test.h"

#include "engine/distance.h"
#include "model/sampler.h"

#include <math.h>
#include <stdio.h>

static struct dev *dev;

static char *golden(const char *name)
{
    static char path[2][512];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/golden/%s", getenv("ISHOW_TESTS"), name);
    return path[turn];
}

static int set_up(void **state)
{
    (void)state;
    return dev_open_cpu(2, &dev, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    dev_close(dev);
    return 0;
}

/* -------- plans -------- */

static void plans_read_and_write_alike(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"f32", "f32"},
        {"bf16", "bf16"},
        {"int8", PRECISION_INT8},
        {"int8:none", "int8:none"},
        {"int8:down", "int8:down"},
        {"int8:last2,down,first10,qkv", "int8:qkv,down,first10,last2"},
        {"int8:out,up,out", "int8:out,up"},
    };
    struct precision_plan p;
    char text[PRECISION_TEXT];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (precision_parse(cases[i][0], dev, &p, NULL) == E_UNSUPPORTED)
            continue; /* the CPU has no kernels for it */
        precision_text(&p, text);
        assert_string_equal(text, cases[i][1]);
    }
}

static void what_is_no_plan_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {"",           "auto",        "int4",       "int8:",     "int8:first", "int8:first1,",
                                        "int8:,down", "int8:first-1", "int8:firstx", "int8:side", "bf16:down",  "int8:first1000"};
    struct precision_plan p;
    struct error e;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (precision_parse(cases[i], dev, &p, &e) != E_ARG)
            fail_msg("\"%s\" is taken for a precision", cases[i]);
        assert_non_null(strstr(e.text, "int8:KEEP"));
    }
}

static void a_mixture_keeps_what_it_names(void **state)
{
    (void)state;
    const struct precision_plan p = {
        .base = DEV_INT8, .kept = DEV_BF16, .keep = 1u << LAYER_DOWN, .first = 1, .last = 2};
    for (int block = 0; block < 6; block++) {
        const int edge = block < 1 || block >= 4;
        assert_int_equal(precision_of(&p, LAYER_QKV, block, 6), edge ? DEV_BF16 : DEV_INT8);
        assert_int_equal(precision_of(&p, LAYER_UP, block, 6), edge ? DEV_BF16 : DEV_INT8);
        assert_int_equal(precision_of(&p, LAYER_DOWN, block, 6), DEV_BF16);
    }
    assert_int_equal(precision_of(&p, LAYER_TEXT, 0, 0), DEV_BF16);
    const struct precision_plan f32 = {.base = DEV_F32}, bf16 = {.base = DEV_BF16};
    assert_int_equal(precision_of(&f32, LAYER_OUT, 3, 6), DEV_F32);
    assert_int_equal(precision_of(&bf16, LAYER_TEXT, 0, 0), DEV_BF16);
}

/* -------- distance from f32 -------- */

static float *read_tensor(const struct ckpt *c, const char *name, int64_t *ret_rows)
{
    struct error e;
    const struct ckpt_tensor *t = ckpt_find(c, name);
    assert_non_null(t);
    float *x = malloc(sizeof *x * (size_t)t->count);
    assert_int_equal(ckpt_read_f32(t, x, &e), 0);
    *ret_rows = t->shape[0];
    return x;
}

/* The mel that a model makes of the english case's request at 7 evaluations; *ret_count values. */
static float *run(const char *weights, const char *precision, size_t *ret_count)
{
    struct error e;
    struct ckpt *model, *expected;
    struct f5_arch a;
    struct precision_plan plan;
    struct dit *m;
    struct sampler *s;
    int64_t n, ref, frames;
    assert_int_equal(ckpt_open(golden(weights), &model, &e), 0);
    assert_int_equal(ckpt_open(golden("english/expected.safetensors"), &expected, &e), 0);
    assert_int_equal(arch_detect(model, &a, &e), 0);
    float *tokens = read_tensor(expected, "tokens", &n);
    float *ref_mel = read_tensor(expected, "ref_mel", &ref), *noise = read_tensor(expected, "noise", &frames);
    int32_t *ids = malloc(sizeof *ids * (size_t)n);
    for (int64_t i = 0; i < n; i++)
        ids[i] = (int32_t)tokens[i] % a.vocab;
    *ret_count = (size_t)frames * 100;
    float *mel = malloc(sizeof *mel * *ret_count);
    const struct sample_request r = {ids, (size_t)n, ref_mel, (int)ref, (int)frames, noise, mel};
    const struct sampler_params p = {.nfe = 7, .cfg = 2, .sway = -1};
    assert_int_equal(precision_parse(precision, dev, &plan, &e), 0);
    assert_int_equal(dit_create_at(dev, model, &a, &plan, (struct weights_progress){0}, &m, &e), 0);
    assert_int_equal(sampler_create(m, &s, &e), 0);
    assert_int_equal(sampler_run(s, &r, 1, &p, &e), 0);
    /* the clip's frames are put back unchanged; what counts is the rest */
    *ret_count -= (size_t)ref * 100;
    memmove(mel, mel + ref * 100, sizeof *mel * *ret_count);
    sampler_free(s);
    dit_free(m);
    ckpt_close(model);
    ckpt_close(expected);
    free(tokens);
    free(ref_mel);
    free(noise);
    free(ids);
    return mel;
}

static void each_precision_stays_near_f32(void **state)
{
    (void)state;
    static const char *const cases[] = {"english/model.safetensors", "two_heads/model.pt", "qk_norm/model.pt"};
    static const struct {
        const char *precision;
        double least, most; /* of the mel's NMSE: it is another precision, and a good one */
    } bounds[] = {{"bf16", 1e-9, 1e-4}, {"int8", 0, 1e-3}, {"int8:none", 1e-7, 1e-3}, {"int8:down", 1e-7, 1e-3}};
    struct precision_plan plan;
    size_t n, same;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        float *want = run(cases[c], "f32", &n);
        for (size_t b = 0; b < sizeof bounds / sizeof *bounds; b++) {
            if (precision_parse(bounds[b].precision, dev, &plan, NULL) == E_UNSUPPORTED)
                continue;
            struct distance d = {0};
            float *got = run(cases[c], bounds[b].precision, &same);
            assert_int_equal(same, n);
            distance_add(&d, got, want, n);
            free(got);
            const double nmse = distance_nmse(&d);
            print_message("# %s %s: %.2e\n", cases[c], bounds[b].precision, nmse);
            assert_true(nmse >= bounds[b].least && nmse <= bounds[b].most);
        }
        free(want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_read_and_write_alike),
        cmocka_unit_test(what_is_no_plan_is_refused),
        cmocka_unit_test(a_mixture_keeps_what_it_names),
        cmocka_unit_test(each_precision_stays_near_f32),
    };
    return cmocka_run_group_tests_name("precision", tests, set_up, tear_down);
}
