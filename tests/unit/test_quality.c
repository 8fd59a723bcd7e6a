/* What `ishowtts quality` measures and remembers: distances, verdicts, words, pictures. */
#include "test.h"

#include "audio/spectrum.h"
#include "base/file.h"
#include "cli/quality_report.h"
#include "cli/recogniser.h"
#include "engine/distance.h"
#include "engine/verdict.h"

#include <math.h>
#include <unistd.h>

static char dir[64], checkpoint[128];
static struct dev *dev;

static int set_up(void **state)
{
    (void)state;
    struct error e;
    strcpy(dir, "/tmp/ishow-quality-XXXXXX");
    if (!mkdtemp(dir) || dev_open_cpu(1, &dev, &e))
        return -1;
    snprintf(checkpoint, sizeof checkpoint, "%s/model.safetensors", dir);
    return file_write(checkpoint, "weights", 7, &e);
}

static int tear_down(void **state)
{
    (void)state;
    char cmd[128];
    dev_close(dev);
    snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
    return system(cmd);
}

/* -------- distances -------- */

static void distances_are_what_they_say(void **state)
{
    (void)state;
    static const float a[] = {1, 2, 3, 5}, b[] = {1, 2, 3, 4};
    struct distance d = {0};
    distance_add(&d, b, b, 4);
    assert_true(distance_nmse(&d) == 0 && isinf(distance_snr(&d)));
    distance_add(&d, a, b, 4);
    assert_true(fabs(distance_nmse(&d) - 1.0 / 60) < 1e-12); /* over both: 1 of 30 + 30 */
    assert_true(fabs(distance_snr(&d) - 10 * log10(60)) < 1e-12);
    const float bad[] = {NAN, 0, 0, 0};
    distance_add(&d, bad, b, 4);
    assert_true(isnan(distance_nmse(&d)));
}

static void a_wave_ten_times_as_loud_is_20_db_away(void **state)
{
    (void)state;
    enum { N = 12000 };
    static float a[N], b[N];
    struct error e;
    double lsd;
    uint32_t x = 1;
    for (int i = 0; i < N; i++) {
        x = x * 1664525u + 1013904223u;
        b[i] = 0.05f * ((float)(x >> 8) / (1 << 23) - 1);
        a[i] = 10 * b[i];
    }
    assert_int_equal(distance_log_spectral(a, b, N, &lsd, &e), 0);
    assert_true(fabs(lsd - 20) < 0.01);
    assert_int_equal(distance_log_spectral(b, b, N, &lsd, &e), 0);
    assert_true(lsd == 0);
}

/* -------- verdicts -------- */

static void remember(const char *precision, double nmse)
{
    const struct packs packs = {.dir = dir};
    struct precision_plan plan;
    struct verdict v = {.nmse = nmse, .nfe = 7};
    assert_int_equal(precision_parse(precision, dev, &plan, NULL), 0);
    assert_int_equal(packed_key_of(checkpoint, dev, &plan, &v.key, NULL), 0);
    assert_int_equal(verdict_remember(&packs, checkpoint, &v, NULL), 0);
}

static void auto_takes(const char *precision)
{
    const struct packs packs = {.dir = dir};
    char chosen[PRECISION_TEXT];
    assert_int_equal(verdict_choose(&packs, checkpoint, dev, chosen, NULL), 0);
    assert_string_equal(chosen, precision);
}

static void auto_takes_the_fastest_that_was_measured_good(void **state)
{
    (void)state;
    const int bf16 = dev_supports(dev, DEV_BF16), int8 = dev_supports(dev, DEV_INT8);
    const char *unmeasured = bf16 ? "bf16" : "f32";
    struct error e;
    auto_takes(unmeasured);
    if (bf16) {
        remember("bf16", 2e-3);
        auto_takes("f32");
        remember("bf16", NAN); /* no number is not a good one */
        auto_takes("f32");
        remember("bf16", 3e-5);
    }
    auto_takes(unmeasured);
    if (int8) {
        remember("int8", 1.1e-3);
        auto_takes(unmeasured);
        remember("int8:out,down", 0.9e-3);
        auto_takes("int8:out,down");
        remember("int8", 0.8e-3);
        auto_takes(PRECISION_INT8);
    }
    /* another checkpoint under the same name has not been measured */
    assert_int_equal(file_write(checkpoint, "others!", 7, &e), 0);
    auto_takes(unmeasured);
}

static void a_damaged_memory_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "{", "[]", "{\"checkpoint\": 7}", "{\"checkpoint\": \"x\", \"precisions\": 1}"};
    const struct packs packs = {.dir = dir};
    struct error e;
    char *path;
    assert_int_equal(packs_path(&packs, checkpoint, ".quality.json", &path, &e), 0);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(file_write(path, texts[i], strlen(texts[i]), &e), 0);
        auto_takes(dev_supports(dev, DEV_BF16) ? "bf16" : "f32");
    }
    remember("f32", 0); /* replaces it */
    auto_takes(dev_supports(dev, DEV_BF16) ? "bf16" : "f32");
    free(path);
}

/* -------- words -------- */

static void words_are_counted_as_listeners_do(void **state)
{
    (void)state;
    static const struct {
        const char *text, *heard;
        double rate;
    } cases[] = {
        {"Hello chat, thanks!", "hello chat thanks", 0},
        {"Hello chat, thanks!", "", 1},
        {"Hello chat, thanks!", "hello that thanks", 1.0 / 3},
        {"Hello chat, thanks!", "hello thanks", 1.0 / 3},
        {"Hello chat, thanks!", "oh hello chat and thanks", 2.0 / 3},
        {"It's the boss", "it's a moss again you know", 5.0 / 3},
        {"a b c d", "b c d", 0.25},
    };
    double rate;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(word_error_rate(cases[i].text, cases[i].heard, &rate), 0);
        assert_true(fabs(rate - cases[i].rate) < 1e-12);
    }
    assert_int_equal(word_error_rate("123 ...", "hello", &rate), 0);
    assert_true(isnan(rate));
}

/* -------- the report -------- */

static unsigned at32(const struct buf *b, size_t at)
{
    const unsigned char *p = (const unsigned char *)b->ptr + at;
    return p[0] | p[1] << 8 | p[2] << 16 | (unsigned)p[3] << 24;
}

static void a_picture_is_a_bmp_with_low_bands_at_the_bottom(void **state)
{
    (void)state;
    enum { FRAMES = 5, BANDS = 3 };
    float mel[FRAMES * BANDS];
    struct buf b = BUF_INIT;
    for (int i = 0; i < FRAMES * BANDS; i++)
        mel[i] = i % BANDS == 0 ? 10.0f : i % BANDS == 1 ? -20.0f : NAN;
    assert_int_equal(quality_picture(&b, mel, FRAMES, BANDS), 0);
    assert_memory_equal(b.ptr, "BM", 2);
    assert_int_equal(at32(&b, 2), b.len);
    assert_int_equal(at32(&b, 18), FRAMES);
    assert_int_equal(at32(&b, 22), 2 * BANDS);
    const size_t pixels = at32(&b, 10), stride = 8;
    assert_int_equal(b.len, pixels + stride * 2 * BANDS);
    for (int row = 0; row < 2 * BANDS; row++) /* stored from the bottom up */
        for (int f = 0; f < FRAMES; f++)
            assert_int_equal((unsigned char)b.ptr[pixels + (size_t)row * stride + (size_t)f], row < 2 ? 255 : 0);
    buf_release(&b);
}

static void means_are_over_texts_and_pages_hold_all(void **state)
{
    (void)state;
    struct quality_report r = {.chosen = "bf16", .model = "a<b"};
    struct quality_row g;
    struct buf page = BUF_INIT;
    ishow_quality_run run = {.text = "One & <two>", .precision = "f32", .nfe = 32, .took = 1, .snr = INFINITY,
                             .sample_count = 24000};
    assert_int_equal(quality_add_run(&r, &run, NAN), 0);
    run.precision = "int8:out,down";
    run.nfe = 7;
    run.nmse = 1e-4;
    run.snr = 20;
    assert_int_equal(quality_add_run(&r, &run, 0.5), 0);
    run.text_index = 1;
    run.nmse = 3e-4;
    run.took = 3;
    assert_int_equal(quality_add_run(&r, &run, NAN), 0);
    assert_int_equal(quality_group(&r, 0, &g), 1);
    assert_int_equal(quality_group(&r, 1, &g), 2);
    assert_true(fabs(g.nmse - 2e-4) < 1e-12 && g.took == 4 && g.seconds == 2 && g.wer == 0.5 && g.nfe == 7);
    assert_int_equal(quality_group(&r, 2, &g), 0);
    assert_int_equal(quality_page(&page, &r), 0);
    static const char *const holds[] = {"a&lt;b", "One &amp; &lt;two>", "text1-f32-32.wav", "text2-int8-out-down-7.bmp",
                                        "<svg", "50.0 %", "</html>"};
    for (size_t i = 0; i < sizeof holds / sizeof *holds; i++)
        if (!strstr(page.ptr, holds[i]))
            fail_msg("the page lacks %s", holds[i]);
    json_t *json = quality_json(&r);
    assert_int_equal(json_array_size(json_object_get(json, "runs")), 3);
    assert_true(json_is_null(json_object_get(json_array_get(json_object_get(json, "means"), 0), "snr_db")));
    json_decref(json);
    buf_release(&page);
    quality_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_are_what_they_say),
        cmocka_unit_test(a_wave_ten_times_as_loud_is_20_db_away),
        cmocka_unit_test(auto_takes_the_fastest_that_was_measured_good),
        cmocka_unit_test(a_damaged_memory_is_none),
        cmocka_unit_test(words_are_counted_as_listeners_do),
        cmocka_unit_test(a_picture_is_a_bmp_with_low_bands_at_the_bottom),
        cmocka_unit_test(means_are_over_texts_and_pages_hold_all),
    };
    return cmocka_run_group_tests_name("quality", tests, set_up, tear_down);
}
