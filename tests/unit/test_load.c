/* What `ishowtts load` counts with: percentiles from buckets, and sound in passing bytes. */
#include "test.h"

#include "cli/load_audio.h"
#include "cli/load_histogram.h"

static void percentiles_are_within_the_named_precision(void **state)
{
    (void)state;
    static const struct {
        uint64_t step, count;
    } rows[] = {{1, 1}, {1, 100}, {1, 1000}, {7, 5000}, {1000, 20000}, {999983, 30000}, {77777777, 100}};
    static const double parts[] = {0.0001, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 1};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct histogram *h = calloc(1, sizeof *h);
        assert_non_null(h);
        for (uint64_t k = rows[i].count; k >= 1; k--)
            histogram_add(h, k * rows[i].step);
        assert_int_equal(h->total, rows[i].count);
        assert_int_equal(h->least, rows[i].step);
        assert_int_equal(h->most, rows[i].step * rows[i].count);
        assert_float_equal(histogram_mean(h), (double)rows[i].step * (double)(rows[i].count + 1) / 2,
                           (double)rows[i].step);
        for (size_t j = 0; j < sizeof parts / sizeof *parts; j++) {
            uint64_t rank = (uint64_t)(parts[j] * (double)rows[i].count);
            rank += (double)rank < parts[j] * (double)rows[i].count;
            const uint64_t exact = (rank ? rank : 1) * rows[i].step, got = histogram_percentile(h, parts[j]);
            assert_true(got >= exact);
            assert_true((double)got <= (double)exact * (1 + 1.0 / HISTOGRAM_PRECISION));
            if (exact < 2 * HISTOGRAM_PRECISION)
                assert_int_equal(got, exact);
        }
        free(h);
    }
}

static void edges_of_the_histogram(void **state)
{
    (void)state;
    struct histogram *h = calloc(1, sizeof *h);
    assert_non_null(h);
    assert_int_equal(histogram_percentile(h, 0.5), 0);
    assert_true(histogram_mean(h) == 0);
    histogram_add(h, 0);
    assert_int_equal(histogram_percentile(h, 1), 0);
    histogram_add(h, UINT64_MAX);
    assert_int_equal(histogram_percentile(h, 1), HISTOGRAM_MOST);
    assert_int_equal(histogram_percentile(h, 0.5), 0);
    for (unsigned bit = 0; bit < 64; bit++) { /* every power of two and its neighbours find a bucket */
        histogram_add(h, 1ULL << bit);
        histogram_add(h, (1ULL << bit) - 1);
        histogram_add(h, (1ULL << bit) + 1);
    }
    assert_int_equal(h->total, 2 + 3 * 64);
    uint64_t last = 0;
    for (int i = 0; i <= 1000; i++) {
        const uint64_t v = histogram_percentile(h, i / 1000.0);
        assert_true(v >= last);
        last = v;
    }
    free(h);
}

static double seconds_of(enum load_audio_kind kind, const void *data, size_t len, size_t piece)
{
    struct load_audio a;
    load_audio_init(&a, kind);
    for (size_t at = 0; at < len; at += piece)
        load_audio_add(&a, (const char *)data + at, len - at < piece ? len - at : piece);
    return load_audio_seconds(&a);
}

static void sound_is_measured_in_any_pieces(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double seconds;
    } rows[] = {
        {"{\"sample_rate\":24000,\"audio_base64\":\"AAAA\",\"waveform_len\":36000}", 1.5},
        {"{\"waveform_len\": 36000, \"sample_rate\" : 24000 }", 1.5},
        {"{\"a\":\"\"\"sample_rate\":24000,\"waveform_len\":12000,\"x\":99}", 0.5},
        {"{\"sample_rate\":24000}", 0},
        {"{\"sample_rate\":null,\"waveform_len\":5}", 0},
        {"", 0},
        {"\"\"\"\"\"", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t piece = 1; piece < 80; piece++)
            assert_float_equal(seconds_of(LOAD_AUDIO_JSON, rows[i].text, strlen(rows[i].text), piece), rows[i].seconds,
                               1e-9);
    unsigned char wav[44 + 48000] = "RIFF\xff\xff\xff\xff"
                                    "WAVEfmt ";
    wav[28] = 0x80, wav[29] = 0xbb; /* 48000 bytes a second */
    assert_float_equal(seconds_of(LOAD_AUDIO_WAV, wav, sizeof wav, 7), 1, 1e-9);
    assert_float_equal(seconds_of(LOAD_AUDIO_WAV, wav, 44, 100), 0, 1e-9);
    assert_float_equal(seconds_of(LOAD_AUDIO_PCM, wav, 24000, 5000), 0.5, 1e-9);
    assert_float_equal(seconds_of(LOAD_AUDIO_SOME, wav, 24000, 5000), 0, 1e-9);
    wav[28] = wav[29] = 0;
    assert_float_equal(seconds_of(LOAD_AUDIO_WAV, wav, sizeof wav, 4096), 0, 1e-9);
    wav[0] = 'X';
    assert_float_equal(seconds_of(LOAD_AUDIO_WAV, wav, sizeof wav, 4096), 0, 1e-9);
}

static void a_header_is_no_sound(void **state)
{
    (void)state;
    static const char bytes[45];
    struct load_audio a;
    load_audio_init(&a, LOAD_AUDIO_WAV);
    load_audio_add(&a, bytes, 44);
    assert_false(load_audio_begun(&a));
    load_audio_add(&a, bytes, 1);
    assert_true(load_audio_begun(&a));
    load_audio_init(&a, LOAD_AUDIO_NONE);
    assert_false(load_audio_begun(&a));
    load_audio_add(&a, bytes, 1);
    assert_true(load_audio_begun(&a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_within_the_named_precision),
        cmocka_unit_test(edges_of_the_histogram),
        cmocka_unit_test(sound_is_measured_in_any_pieces),
        cmocka_unit_test(a_header_is_no_sound),
    };
    return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
