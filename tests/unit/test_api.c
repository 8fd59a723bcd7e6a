/* The C API as a program meets it: sane calls work, insane ones are refused in words, and nothing is touched on
 * failure. The model is the golden case "english". */
#include "test.h"

#include "ishowtts.h"

#include <math.h>
#include <stdio.h>

static ishow_engine *f5, *builtin;
static ishow_voice *voice;
static float clip[48000];

static char *case_file(const char *name)
{
    static char path[2][512];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/golden/english/%s", getenv("ISHOW_TESTS"), name);
    return path[turn];
}

static int set_up(void **state)
{
    (void)state;
    ishow_error err;
    ishow_open_params p;
    ishow_open_params_init(&p);
    p.model = case_file("");
    p.threads = 2;
    for (size_t i = 0; i < 48000; i++)
        clip[i] = 0.3f * sinf((float)i * 0.05f);
    if (ishow_open(&p, &f5, &err) || ishow_voice_from_file(f5, case_file("ref.wav"), "Hello.", &voice, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    p.model = "builtin";
    return ishow_open(&p, &builtin, &err);
}

static int tear_down(void **state)
{
    (void)state;
    ishow_voice_free(voice);
    ishow_close(f5);
    ishow_close(builtin);
    return 0;
}

struct heard {
    size_t samples, calls, stop_after;
    double power;
    uint32_t hash;
};

static int hear(void *user, const float *x, size_t n)
{
    struct heard *h = user;
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        assert_true(isfinite(x[i]) && fabsf(x[i]) <= 1);
        h->power += x[i] * x[i];
        memcpy(&bits, &x[i], 4);
        h->hash = (h->hash ^ bits) * 16777619u;
    }
    h->samples += n;
    return ++h->calls == h->stop_after;
}

static void a_seed_repeats_and_another_differs(void **state)
{
    (void)state;
    ishow_say_params p;
    ishow_stats stats = {.size = sizeof stats};
    ishow_error err;
    struct heard a = {0}, b = {0}, c = {0};
    ishow_say_params_init(&p);
    p.seed = 42;
    assert_int_equal(ishow_say(f5, voice, "Thanks, chat!", &p, hear, &a, &stats, &err), 0);
    assert_int_equal(ishow_say(f5, voice, "Thanks, chat!", &p, hear, &b, NULL, &err), 0);
    p.seed = 43;
    assert_int_equal(ishow_say(f5, voice, "Thanks, chat!", &p, hear, &c, NULL, &err), 0);
    assert_true(a.samples > 1000 && a.samples % 256 == 0);
    assert_int_equal(a.samples, b.samples);
    assert_int_equal(a.hash, b.hash);
    assert_int_not_equal(a.hash, c.hash);
    assert_int_equal(stats.samples, a.samples);
    assert_int_equal(stats.seed, 42);
    assert_int_equal(stats.chunks, 1);
    assert_string_equal(stats.voice, "f5");
    assert_true(stats.first_audio_seconds > 0 && stats.first_audio_seconds <= stats.seconds);
}

static void a_long_text_comes_in_pieces_and_can_be_stopped(void **state)
{
    (void)state;
    const char *text = "One sentence of a long text, and one more. Another one that goes on and on, as they do. "
                       "A third, so that there are pieces. And a fourth sentence, to make it surely long enough. "
                       "A fifth. A sixth, with words in it. The seventh sentence is here to end all of this.";
    ishow_say_params p;
    ishow_stats stats = {.size = sizeof stats};
    ishow_error err;
    struct heard all = {0}, some = {.stop_after = 1}, plain = {0};
    ishow_say_params_init(&p);
    p.nfe = 2;
    p.seed = 1;
    p.speed = 0.3; /* pieces are planned by the seconds they take */
    assert_int_equal(ishow_say(f5, voice, text, &p, hear, &all, &stats, &err), 0);
    assert_true(stats.chunks > 1 && all.calls >= (size_t)stats.chunks);
    assert_int_equal(ishow_say(f5, voice, text, &p, hear, &some, NULL, &err), ISHOW_E_CANCELLED);
    assert_int_equal(some.calls, 1);
    const int chunks = stats.chunks;
    p.cross_fade = 0;
    assert_int_equal(ishow_say(f5, voice, text, &p, hear, &plain, NULL, &err), 0);
    assert_int_equal(plain.samples - all.samples, (size_t)(chunks - 1) * (size_t)(0.15 * ISHOW_RATE));
}

struct steps {
    int calls, done, total;
};

static int watch(void *user, int done, int total)
{
    struct steps *s = user;
    assert_true(done >= s->done && done <= total);
    *s = (struct steps){s->calls + 1, done, total};
    return 0;
}

/* The first piece is the caller's, the others come in larger ones, and no word is left out. */
static void a_first_piece_comes_early(void **state)
{
    (void)state;
    static const char text[] =
        "Hello chat, thanks for the follow! And now for a sentence that goes on and on, as they do. Another, so that "
        "there are pieces. And a fourth sentence, to make it surely long enough for several of them.";
    ishow_say_params p;
    ishow_stats whole = {.size = sizeof whole}, stats = {.size = sizeof stats};
    ishow_error err;
    struct heard all = {0}, parts = {0}, first = {.stop_after = 1}, same[2] = {{0}};
    struct steps steps = {0};
    ishow_say_params_init(&p);
    p.nfe = 2;
    p.cross_fade = 0;
    p.on_progress = watch;
    p.progress_user = &steps;
    p.speed = 0.5;
    assert_int_equal(ishow_say(f5, voice, text, &p, hear, &all, &whole, &err), 0);
    steps = (struct steps){0};
    p.first_chunk = 40;
    assert_int_equal(ishow_say(f5, voice, text, &p, hear, &parts, &stats, &err), 0);
    assert_true(stats.chunks > 1 && parts.calls == (size_t)stats.chunks);
    assert_int_equal(stats.evaluations, 2 * stats.chunks);
    assert_int_equal(steps.done, steps.total);
    assert_int_equal(steps.calls, 3 * stats.chunks);
    const double ratio = (double)parts.samples / (double)all.samples;
    assert_true(ratio > 0.97 && ratio < 1.03);
    steps = (struct steps){0};
    assert_int_equal(ishow_say(f5, voice, text, &p, hear, &first, NULL, &err), ISHOW_E_CANCELLED);
    /* "Hello chat, thanks for the follow!" of the whole */
    const double share = (double)first.samples / (double)all.samples, expected = 34.0 / (double)strlen(text);
    assert_true(share > 0.9 * expected && share < 1.1 * expected);

    p.remove_silence = 1; /* then nothing is heard before the end, and pieces are as long as they can be */
    p.seed = 5;
    for (int i = 0; i < 2; i++) {
        steps = (struct steps){0};
        p.first_chunk = i * 40;
        assert_int_equal(ishow_say(f5, voice, text, &p, hear, &same[i], NULL, &err), 0);
    }
    assert_int_equal(same[0].hash, same[1].hash);
}

static int stop_at_once(void *user, int done, int total)
{
    int *calls = user;
    assert_true(done < total);
    ++*calls;
    return 1;
}

static void progress_can_stop_before_any_audio(void **state)
{
    (void)state;
    ishow_say_params p;
    ishow_error err;
    struct heard h = {0};
    int calls = 0;
    ishow_say_params_init(&p);
    p.on_progress = stop_at_once;
    p.progress_user = &calls;
    assert_int_equal(ishow_say(f5, voice, "Hello there.", &p, hear, &h, NULL, &err), ISHOW_E_CANCELLED);
    assert_int_equal(calls, 1);
    assert_int_equal(h.calls, 0);
}

static void the_built_in_voice_speaks(void **state)
{
    (void)state;
    ishow_error err;
    ishow_stats stats = {.size = sizeof stats};
    struct heard h = {0}, silent = {0};
    assert_int_equal(ishow_say(builtin, NULL, "Hello chat, thanks for the follow!", NULL, hear, &h, &stats, &err), 0);
    assert_true(h.samples > ISHOW_RATE);
    assert_true(sqrt(h.power / (double)h.samples) > 0.01);
    assert_string_equal(stats.voice, "flite slt");
    assert_int_equal(ishow_say(builtin, voice, "x", NULL, hear, &silent, NULL, &err), ISHOW_E_ARG);
    ishow_voice *v = NULL;
    assert_int_equal(ishow_voice_from_pcm(builtin, clip, 48000, 1, 24000, "hm", &v, &err), ISHOW_E_UNSUPPORTED);
    assert_null(v);
}

static void parameters_out_of_range_are_named(void **state)
{
    (void)state;
    ishow_say_params good;
    ishow_say_params_init(&good);
    ishow_error err;
    struct heard h = {0};
#define REFUSED(field, value, word)                                                                                    \
    do {                                                                                                               \
        ishow_say_params p = good;                                                                                     \
        p.field = value;                                                                                               \
        assert_int_equal(ishow_say(f5, voice, "Hello.", &p, hear, &h, NULL, &err), ISHOW_E_ARG);                       \
        assert_non_null(strstr(err.text, word));                                                                       \
    } while (0)
    REFUSED(nfe, 0, "nfe is 0, expected 1 to 256");
    REFUSED(nfe, 1000000, "nfe");
    REFUSED(cfg_strength, -1, "cfg_strength");
    REFUSED(cfg_strength, NAN, "cfg_strength");
    REFUSED(sway, 2, "sway");
    REFUSED(speed, 0, "speed");
    REFUSED(speed, INFINITY, "speed");
    REFUSED(fix_duration, 1e9, "fix_duration");
    REFUSED(target_rms, 0, "target_rms");
    REFUSED(cross_fade, -0.1, "cross_fade");
    REFUSED(first_chunk, -1, "first_chunk");
    REFUSED(size, 3, "3 bytes");
    REFUSED(size, 100000, "initialise");
    assert_int_equal(h.calls, 0);
}

static void texts_that_cannot_be_spoken_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int code;
    } cases[] = {{"", ISHOW_E_ARG}, {" \t\n ", ISHOW_E_ARG}, {"ok \xFF no", ISHOW_E_FORMAT}, {"\xE4\xBD", ISHOW_E_FORMAT}};
    ishow_error err;
    struct heard h = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(ishow_say(f5, voice, cases[i].text, NULL, hear, &h, NULL, &err), cases[i].code);
        assert_int_equal(ishow_say(builtin, NULL, cases[i].text, NULL, hear, &h, NULL, &err), cases[i].code);
    }
    char *huge = malloc(100001);
    memset(huge, 'a', 100000);
    huge[100000] = '\0';
    assert_int_equal(ishow_say(f5, voice, huge, NULL, hear, &h, NULL, &err), ISHOW_E_LIMIT);
    free(huge);
    assert_int_equal(h.calls, 0);
}

static void clips_that_are_no_voice_are_refused(void **state)
{
    (void)state;
    ishow_error err;
    ishow_voice *v = NULL;
    static const float silence[48000];
    static float broken[48000];
    memcpy(broken, clip, sizeof clip);
    broken[77] = NAN;
    assert_int_equal(ishow_voice_from_pcm(f5, silence, 48000, 1, 24000, "hm", &v, &err), ISHOW_E_FORMAT);
    assert_int_equal(ishow_voice_from_pcm(f5, broken, 48000, 1, 24000, "hm", &v, &err), ISHOW_E_FORMAT);
    assert_non_null(strstr(err.text, "frame 77"));
    assert_int_equal(ishow_voice_from_pcm(f5, clip, 1200, 1, 24000, "hm", &v, &err), ISHOW_E_FORMAT); /* 50 ms */
    assert_int_equal(ishow_voice_from_pcm(f5, clip, 48000, 0, 24000, "hm", &v, &err), ISHOW_E_ARG);
    assert_int_equal(ishow_voice_from_pcm(f5, clip, 48000, 1, 0, "hm", &v, &err), ISHOW_E_ARG);
    assert_int_equal(ishow_voice_from_pcm(f5, clip, 0, 1, 24000, "hm", &v, &err), ISHOW_E_LIMIT);
    assert_int_equal(ishow_voice_from_pcm(f5, clip, 48000, 1, 24000, " \n", &v, &err), ISHOW_E_ARG);
    assert_int_equal(ishow_voice_from_pcm(f5, clip, 48000, 1, 24000, "\xFF", &v, &err), ISHOW_E_FORMAT);
    assert_int_equal(ishow_voice_from_file(f5, "/nonexistent.wav", "hm", &v, &err), ISHOW_E_NOTFOUND);
    assert_int_equal(ishow_voice_from_file(f5, case_file("vocab.txt"), "hm", &v, &err), ISHOW_E_FORMAT);
    assert_int_equal(ishow_voice_from_file(f5, NULL, "hm", &v, &err), ISHOW_E_ARG);
    assert_null(v);
    assert_int_equal(ishow_voice_from_pcm(f5, clip, 6000, 8, 16000, "hm", &v, &err), 0);
    ishow_voice_free(v);
    ishow_voice_free(NULL);
}

static void opening_refuses_what_is_no_model(void **state)
{
    (void)state;
    ishow_open_params p;
    ishow_error err;
    ishow_engine *e = NULL;
    ishow_open_params_init(&p);
    p.model = "/nonexistent";
    assert_int_equal(ishow_open(&p, &e, &err), ISHOW_E_NOTFOUND);
    p.model = case_file("vocab.txt");
    assert_int_equal(ishow_open(&p, &e, &err), ISHOW_E_FORMAT);
    p.model = case_file("");
    p.vocab = case_file("case.json");
    assert_int_equal(ishow_open(&p, &e, &err), ISHOW_E_FORMAT);
    assert_non_null(strstr(err.text, "embeddings"));
    p.vocab = NULL;
    p.threads = -1;
    assert_int_equal(ishow_open(&p, &e, &err), ISHOW_E_ARG);
    p.threads = 100000;
    assert_int_equal(ishow_open(&p, &e, &err), ISHOW_E_ARG);
    assert_int_equal(ishow_open(NULL, NULL, &err), ISHOW_E_ARG);
    assert_null(e);
    ishow_close(NULL);
}

static void an_engine_describes_itself(void **state)
{
    (void)state;
    ishow_info info = {.size = sizeof info};
    ishow_describe(f5, &info);
    assert_string_equal(info.engine, "f5");
    assert_string_equal(info.arch, "v1 dim 64 depth 2 heads 1");
    assert_int_equal(info.threads, 2);
    assert_true(info.parameters > 50000);
    ishow_info old = {.size = offsetof(ishow_info, arch), .arch = "untouched"};
    ishow_describe(f5, &old); /* a program built when the struct was shorter */
    assert_string_equal(old.engine, "f5");
    assert_string_equal(old.arch, "untouched");
    ishow_describe(builtin, &info);
    assert_string_equal(info.engine, "builtin");
}

struct bytes {
    unsigned char data[200000];
    size_t n;
    int fail;
};

static int take(void *user, const void *bytes, size_t n)
{
    struct bytes *b = user;
    assert_true(b->n + n <= sizeof b->data);
    memcpy(b->data + b->n, bytes, n);
    b->n += n;
    return b->fail;
}

static void sound_is_encoded(void **state)
{
    (void)state;
    static const struct {
        const char *format, *magic;
    } cases[] = {{"wav", "RIFF"}, {"flac", "fLaC"}, {"ogg", "OggS"}, {"opus", "OggS"}, {"mp3", "\xFF"}, {"pcm", ""}};
    ishow_error err;
    static struct bytes b;
    ishow_encoder *e = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        b.n = 0;
        assert_int_equal(ishow_encoder_create(cases[i].format, 48000, take, &b, &e, &err), 0);
        assert_int_equal(ishow_encoder_write(e, clip, 48000, &err), 0);
        assert_int_equal(ishow_encoder_finish(e, &err), 0);
        ishow_encoder_free(e);
        assert_true(b.n > 1000);
        assert_memory_equal(b.data, cases[i].magic, strlen(cases[i].magic));
    }
    assert_int_equal(b.n, 96000);
    e = NULL;
    assert_int_equal(ishow_encoder_create("aac", 0, take, &b, &e, &err), ISHOW_E_UNSUPPORTED);
    assert_null(e);
    b.n = 0;
    b.fail = 1;
    assert_int_equal(ishow_encoder_create("pcm", 0, take, &b, &e, &err), 0);
    assert_int_equal(ishow_encoder_write(e, clip, 48000, &err), ISHOW_E_IO);
    ishow_encoder_free(e);
    b.fail = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_repeats_and_another_differs),
        cmocka_unit_test(a_long_text_comes_in_pieces_and_can_be_stopped),
        cmocka_unit_test(a_first_piece_comes_early),
        cmocka_unit_test(progress_can_stop_before_any_audio),
        cmocka_unit_test(the_built_in_voice_speaks),
        cmocka_unit_test(parameters_out_of_range_are_named),
        cmocka_unit_test(texts_that_cannot_be_spoken_are_refused),
        cmocka_unit_test(clips_that_are_no_voice_are_refused),
        cmocka_unit_test(opening_refuses_what_is_no_model),
        cmocka_unit_test(an_engine_describes_itself),
        cmocka_unit_test(sound_is_encoded),
    };
    return cmocka_run_group_tests_name("api", tests, set_up, tear_down);
}
