/* What is found in a clip, on sounds made here: the built-in voice, spoiled in one way at a time. */
#include "test.h"

#include "ishowtts.h"

#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define WORDS "Some call me nature, others call me mother nature. And so I went home, and nobody was there."

struct sound {
    float *x;
    size_t n;
};

static struct sound speech; /* WORDS, half a second of silence behind it */
static char dir[64], path[128];

static int collect(void *user, const float *x, size_t n)
{
    struct sound *s = user;
    s->x = realloc(s->x, sizeof *x * (s->n + n));
    memcpy(s->x + s->n, x, sizeof *x * n);
    s->n += n;
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    static const float silence[ISHOW_RATE / 2];
    ishow_engine *engine;
    ishow_open_params p;
    ishow_open_params_init(&p);
    p.model = "builtin";
    strcpy(dir, "/tmp/ishow-clip-XXXXXX");
    if (!mkdtemp(dir) || ishow_open(&p, &engine, NULL) ||
        ishow_say(engine, NULL, WORDS, NULL, collect, &speech, NULL, NULL))
        return -1;
    snprintf(path, sizeof path, "%s/clip.wav", dir);
    ishow_close(engine);
    return collect(&speech, silence, sizeof silence / sizeof *silence);
}

static int tear_down(void **state)
{
    (void)state;
    free(speech.x);
    unlink(path);
    return rmdir(dir);
}

static void put(unsigned char *to, uint32_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (unsigned char)(v >> 8 * i);
}

/* A 16-bit wav whose header says what it is told to. */
static void write_wav(const float *x, size_t frames, int channels, int rate, uint32_t claimed)
{
    const size_t count = frames * (size_t)channels;
    unsigned char *wav = malloc(44 + 2 * count);
    memcpy(wav, "RIFF....WAVEfmt ", 16);
    put(wav + 4, 36 + claimed, 4);
    put(wav + 16, 16, 4);
    put(wav + 20, 1, 2);
    put(wav + 22, (uint32_t)channels, 2);
    put(wav + 24, (uint32_t)rate, 4);
    put(wav + 28, (uint32_t)(rate * channels * 2), 4);
    put(wav + 32, (uint32_t)channels * 2, 2);
    put(wav + 34, 16, 2);
    memcpy(wav + 36, "data", 4);
    put(wav + 40, claimed, 4);
    for (size_t i = 0; i < count; i++)
        put(wav + 44 + 2 * i, (uint32_t)(int)(fmaxf(-1, fminf(1, x[i])) * 32767), 2);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(wav, 1, 44 + 2 * count, f), 44 + 2 * count);
    fclose(f);
    free(wav);
}

/* Findings as "topic note|topic bad". */
static void on_finding(void *user, const ishow_finding *f)
{
    char *out = user;
    assert_true(f->verdict == ISHOW_NOTE || f->verdict == ISHOW_BAD);
    assert_true(strlen(f->text) > 20);
    sprintf(out + strlen(out), "%s%s %s", *out ? "|" : "", f->topic, f->verdict == ISHOW_BAD ? "bad" : "note");
}

/* The file's bytes give what the file gives. */
static void assert_memory_alike(const char *words, const char *expected)
{
    char found[512] = "";
    ishow_error err;
    FILE *f = fopen(path, "rb");
    unsigned char *bytes = malloc(4 << 20);
    const size_t n = fread(bytes, 1, 4 << 20, f);
    fclose(f);
    assert_true(n < 4 << 20);
    assert_int_equal(ishow_clip_check_memory(bytes, n, words, on_finding, found, NULL, &err), 0);
    assert_string_equal(found, expected);
    assert_int_equal(ishow_clip_check_memory(bytes, ISHOW_CLIP_MAX_BYTES + 1, words, on_finding, found, NULL, &err),
                     ISHOW_E_LIMIT);
    assert_int_equal(ishow_clip_check_memory(bytes, 0, words, on_finding, found, NULL, &err), ISHOW_E_FORMAT);
    assert_int_equal(ishow_clip_check_memory(NULL, 0, words, on_finding, found, NULL, &err), ISHOW_E_ARG);
    free(bytes);
}

static void assert_found(const char *what, const char *words, const char *expected)
{
    char found[512] = "";
    ishow_error err;
    assert_int_equal(ishow_clip_check(path, words, on_finding, found, NULL, &err), 0);
    if (strcmp(found, expected) != 0)
        fail_msg("%s: found \"%s\", expected \"%s\"", what, found, expected);
}

/* -------- spoiling -------- */

static float noise(void)
{
    static uint32_t seed = 1;
    seed = seed * 1664525u + 1013904223u;
    return (float)(seed >> 8) / (1 << 23) - 1;
}

/* A sound: so much of the speech, of noise and of a tone. */
struct mixture {
    float speech, noise, tone;
};

static void mix(float *x, size_t n, struct mixture m)
{
    for (size_t i = 0; i < n; i++)
        x[i] = m.speech * speech.x[i] + m.noise * noise() + m.tone * sinf((float)i * 0.05f);
}

static void faults_are_found(void **state)
{
    (void)state;
    const double all = (double)speech.n / ISHOW_RATE;
    const struct {
        const char *what;
        struct mixture mixture;
        double seconds; /* 0: all of it */
        const char *found;
    } cases[] = {
        {"as it is", {1, 0, 0}, 0, ""},
        {"with a microphone's hush", {1, 0.0005f, 0}, 0, ""},
        {"a tenth", {0.1f, 0, 0}, 0, "loudness note"},
        {"a thousandth", {0.001f, 0, 0}, 0, "loudness bad"},
        {"too loud", {20, 0, 0}, 0, "clipping bad"},
        {"in a noisy room", {1, 0.06f, 0}, 0, "noise note"},
        {"noise", {0, 0.1f, 0}, 0, "noise bad|tail note"},
        {"a tone", {0, 0, 0.3f}, 0, "noise bad|tail note"},
        {"half a second", {1, 0, 0}, 0.5, "length bad"},
        {"cut off", {1, 0, 0}, all - 1.2, "tail note"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const size_t n = cases[i].seconds > 0 ? (size_t)(cases[i].seconds * ISHOW_RATE) : speech.n;
        float *x = malloc(sizeof *x * n);
        mix(x, n, cases[i].mixture);
        write_wav(x, n, 1, ISHOW_RATE, (uint32_t)n * 2);
        char found[512] = "";
        ishow_error err;
        assert_int_equal(ishow_clip_check(path, NULL, on_finding, found, NULL, &err), 0);
        /* a cut somewhere in half a second of speech may or may not hit a sound */
        if (strncmp(found, cases[i].found, strlen(cases[i].found)) != 0 || (!*cases[i].found && *found))
            fail_msg("%s: found \"%s\", expected \"%s\"", cases[i].what, found, cases[i].found);
        free(x);
    }
}

static void the_clip_is_described(void **state)
{
    (void)state;
    ishow_clip_info info = {.size = sizeof info}, old = {.size = offsetof(ishow_clip_info, rms), .rms = 7};
    float *x = malloc(sizeof *x * 2 * speech.n);
    char found[512] = "";
    for (size_t i = 0; i < speech.n; i++) {
        x[2 * i] = speech.x[i];
        x[2 * i + 1] = speech.x[i];
    }
    write_wav(x, speech.n, 2, ISHOW_RATE, (uint32_t)speech.n * 4);
    assert_int_equal(ishow_clip_check(path, WORDS, on_finding, found, &info, NULL), 0);
    assert_string_equal(found, "");
    assert_int_equal(info.rate, ISHOW_RATE);
    assert_int_equal(info.channels, 2);
    assert_true(fabs(info.seconds - (double)speech.n / ISHOW_RATE) < 1e-6);
    assert_true(info.rms > 0.02 && info.peak > info.rms && info.peak <= 1);
    assert_int_equal(ishow_clip_check(path, WORDS, on_finding, found, &old, NULL), 0);
    assert_true(old.rms == 7 && old.rate == ISHOW_RATE);

    for (size_t i = 0; i < speech.n; i++)
        x[2 * i + 1] = i > 6000 ? speech.x[i - 6000] : 0;
    write_wav(x, speech.n, 2, ISHOW_RATE, (uint32_t)speech.n * 4);
    assert_found("an echo in the other channel", NULL, "channels note");
    assert_memory_alike(NULL, "channels note");
    for (size_t i = 0; i < speech.n / 3; i++)
        x[i] = speech.x[3 * i];
    write_wav(x, speech.n / 3, 1, 8000, (uint32_t)(speech.n / 3) * 2);
    assert_found("a telephone's", NULL, "rate note");
    free(x);
}

static void words_must_fit(void **state)
{
    (void)state;
    static const struct {
        const char *words, *found;
    } cases[] = {
        {WORDS, ""},
        {"Some", "words bad"},
        {"Some call me nature.", "words note"},
        {WORDS " " WORDS " " WORDS, "words bad"},
        {"", "words bad"},
        {" \n", "words bad"},
        {"not \xFF text", "words bad"},
        {"有人叫我自然，也有人叫我大自然母亲。于是我回家了，那里没有人。", ""}, /* as many syllables */
        {"In 1987 I was 37, and others were 52 or more. And so I went home.", ""},
        {"Некоторые зовут меня природой, другие матерью природой. И вот я пошёл домой.", ""},
    };
    write_wav(speech.x, speech.n, 1, ISHOW_RATE, (uint32_t)speech.n * 2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_found(cases[i].words, cases[i].words, cases[i].found);
    char *many = malloc(6001);
    memset(many, 'a', 6000);
    many[6000] = '\0';
    assert_found("6000 letters", many, "words bad");
    free(many);
}

/* Long for a clip, short enough to be looked at: only its beginning counts. */
static void a_long_clip_is_cut(void **state)
{
    (void)state;
    const size_t n = 20 * ISHOW_RATE;
    float *x = malloc(sizeof *x * n);
    for (size_t i = 0; i < n; i++)
        x[i] = speech.x[i % speech.n];
    memset(x + n - 12000, 0, sizeof *x * 12000);
    write_wav(x, n, 1, ISHOW_RATE, (uint32_t)n * 2);
    assert_found("20 s", NULL, "length note");
    free(x);
}

static void what_is_no_clip_is_refused(void **state)
{
    (void)state;
    const size_t n = 31 * 8000;
    float *x = calloc(n, sizeof *x);
    char found[512] = "";
    ishow_clip_info info = {.size = sizeof info, .rate = 7};
    ishow_error err;
    write_wav(x, n, 1, 8000, (uint32_t)n * 2);
    assert_int_equal(ishow_clip_check(path, NULL, on_finding, found, &info, &err), ISHOW_E_LIMIT);
    assert_non_null(strstr(err.text, "longer than 30 seconds"));

    /* headers that claim what is not there */
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    write_wav(x, 64, 64, 384000, 0xFFFFFFF0u);
    assert_int_equal(ishow_clip_check(path, NULL, on_finding, found, &info, &err), 0);
    *found = '\0';
    write_wav(x, 4, 65, 48000, 0xFFFFFFF0u);
    assert_int_equal(ishow_clip_check(path, NULL, on_finding, found, &info, &err), ISHOW_E_FORMAT);
    write_wav(x, 4, 1, 2000000000, 0x7FFFFFFFu);
    assert_int_equal(ishow_clip_check(path, NULL, on_finding, found, &info, &err), ISHOW_E_FORMAT);
    write_wav(x, 0, 1, 24000, 0);
    info.rate = 7;
    assert_int_equal(ishow_clip_check(path, NULL, on_finding, found, &info, &err), ISHOW_E_FORMAT);
    getrusage(RUSAGE_SELF, &after);
    assert_true(after.ru_maxrss - before.ru_maxrss < 64 * 1024); /* KiB */

    assert_int_equal(truncate(path, (off_t)ISHOW_CLIP_MAX_BYTES + 1), 0); /* sparse */
    assert_int_equal(ishow_clip_check(path, NULL, on_finding, found, &info, &err), ISHOW_E_LIMIT);
    assert_int_equal(ishow_clip_check("/nonexistent.wav", NULL, on_finding, found, &info, &err), ISHOW_E_NOTFOUND);
    assert_int_equal(ishow_clip_check(dir, NULL, on_finding, found, &info, &err), ISHOW_E_FORMAT);
    assert_int_equal(ishow_clip_check(NULL, NULL, on_finding, found, &info, &err), ISHOW_E_ARG);
    assert_int_equal(ishow_clip_check(path, NULL, NULL, found, &info, &err), ISHOW_E_ARG);
    assert_string_equal(found, "");
    assert_int_equal(info.rate, 7);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_are_found),
        cmocka_unit_test(the_clip_is_described),
        cmocka_unit_test(words_must_fit),
        cmocka_unit_test(a_long_clip_is_cut),
        cmocka_unit_test(what_is_no_clip_is_refused),
    };
    return cmocka_run_group_tests_name("clip_check", tests, set_up, tear_down);
}
