/* Silences are found, kept and cut where pydub does, to the sample. The expected figures come from
 * F5-TTS and pydub themselves (tools/make_audio_fixtures.py). */
#include "test.h"

#include "audio/shape.h"
#include "audio/silence.h"
#include "silence_cases.h"

#include <math.h>

#define CASES (sizeof silence_cases / sizeof *silence_cases)

static struct pcm make_clip(const struct silence_case *c)
{
    struct pcm clip = {.rate = c->rate};
    uint32_t state = 1;
    for (unsigned i = 0; i < c->count; i++) {
        struct noise_segment s = noise_segments[c->first + i];
        assert_int_equal(pcm_reserve(&clip, s.samples), 0);
        for (unsigned k = 0; k < s.samples; k++) {
            state = state * 1664525u + 1013904223u;
            int64_t v = (int64_t)(int16_t)(state >> 16) * s.amplitude;
            clip.samples[clip.len++] = (float)(v >> 15) / 32768;
        }
    }
    return clip;
}

static uint32_t hash(const struct pcm *p)
{
    uint32_t h = 0;
    for (size_t i = 0; i < p->len; i++)
        h = h * 16777619u + (uint16_t)(int16_t)lrintf(p->samples[i] * 32768);
    return h;
}

static void clips_are_cut_as_upstream_cuts_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        const struct silence_case *c = &silence_cases[i];
        struct pcm clip = make_clip(c), out = {0};
        struct error e = {0};
        int rc = reference_cut(&clip, &out, &e);
        if (!c->cut_len) {
            assert_int_equal(rc, E_FORMAT);
            assert_null(out.samples);
        } else {
            if (rc || out.len != c->cut_len)
                fail_msg("case %zu: %d %s, %zu samples, %u expected", i, rc, e.text, out.len, c->cut_len);
            assert_int_equal(hash(&out), c->cut_hash);
            assert_int_equal(out.rate, c->rate);
        }
        pcm_release(&clip);
        pcm_release(&out);
    }
}

static void pauses_are_removed_as_upstream_removes_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        const struct silence_case *c = &silence_cases[i];
        struct pcm clip = make_clip(c);
        struct error e = {0};
        assert_int_equal(silence_remove(&clip, &e), 0);
        if (clip.len != c->removed_len)
            fail_msg("case %zu: %zu samples, %u expected", i, clip.len, c->removed_len);
        assert_int_equal(hash(&clip), c->removed_hash);
        assert_int_equal(clip.rate, c->rate);
        pcm_release(&clip);
    }
}

static void the_cases_reach_every_branch(void **state)
{
    (void)state;
    unsigned refused = 0, emptied = 0, shortened = 0, whole = 0;
    for (size_t i = 0; i < CASES; i++) {
        const struct silence_case *c = &silence_cases[i];
        size_t len = 0;
        for (unsigned k = 0; k < c->count; k++)
            len += noise_segments[c->first + k].samples;
        refused += !c->cut_len;
        emptied += !c->removed_len;
        shortened += c->removed_len && c->removed_len + (unsigned)c->rate / 2 < len;
        whole += len - c->removed_len < 100;
    }
    assert_true(refused >= 3 && emptied >= 1 && shortened >= 20 && whole >= 5);
}

static void empty_and_tiny_clips(void **state)
{
    (void)state;
    struct error e;
    struct pcm p = {.rate = 24000};
    assert_int_equal(silence_remove(&p, &e), 0);
    assert_int_equal(p.len, 0);
    float loud[5] = {1, -1, 1, -1, 1};
    assert_int_equal(pcm_append(&p, loud, 5), 0);
    assert_int_equal(silence_remove(&p, &e), 0);
    assert_int_equal(p.len, 0); /* under half a millisecond is 0 ms */
    for (int i = 0; i < 100; i++)
        assert_int_equal(pcm_append(&p, loud, 4), 0);
    assert_int_equal(silence_remove(&p, &e), 0);
    assert_int_equal(p.len, 408); /* 17 ms */
    assert_float_equal(p.samples[399], -1, 0);
    assert_float_equal(p.samples[407], 0, 0);
    pcm_release(&p);
}

static void values_that_are_no_numbers_do_no_harm(void **state)
{
    (void)state;
    struct error e;
    struct pcm p = {.rate = 8000};
    float odd[4] = {NAN, INFINITY, -INFINITY, 3e38f};
    for (int i = 0; i < 8000; i++)
        assert_int_equal(pcm_append(&p, odd, 4), 0);
    assert_int_equal(silence_remove(&p, &e), 0);
    assert_true(p.len <= 32000);
    pcm_release(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clips_are_cut_as_upstream_cuts_them),
        cmocka_unit_test(pauses_are_removed_as_upstream_removes_them),
        cmocka_unit_test(the_cases_reach_every_branch),
        cmocka_unit_test(empty_and_tiny_clips),
        cmocka_unit_test(values_that_are_no_numbers_do_no_harm),
    };
    return cmocka_run_group_tests_name("silence", tests, NULL, NULL);
}
