/* The built-in voices: they speak, in the right tongue, at the speed asked for, whatever the text is.
 * Whether the words can be understood is for the recogniser to say (tests/e2e/recogniser). */
#include "test.h"

#include "audio/pcm.h"
#include "engine/builtin.h"
#include "engine/voice_flite.h"

#include <dlfcn.h>
#include <math.h>
#include <pthread.h>

/* Stands in the way of the C library's, so that espeak-ng can be absent on a machine that has it. */
void *dlopen(const char *name, int flags);

static int espeak_absent;

void *dlopen(const char *name, int flags)
{
    static void *(*real)(const char *, int);
    if (!real) {
        void *symbol = dlsym(RTLD_NEXT, "dlopen");
        memcpy(&real, &symbol, sizeof real);
    }
    if (espeak_absent && name && strstr(name, "espeak"))
        return NULL;
    return real(name, flags);
}

struct sound {
    size_t samples, calls, stop_at;
    double energy;
    float peak;
};

static int listen(void *user, const float *samples, size_t n)
{
    struct sound *s = user;
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) {
        assert_true(isfinite(samples[i]));
        s->energy += (double)samples[i] * (double)samples[i];
        s->peak = fmaxf(s->peak, fabsf(samples[i]));
    }
    s->samples += n;
    return ++s->calls == s->stop_at;
}

static int say(const char *text, float speed, struct sound *s, struct buf *voices, struct error *err)
{
    *s = (struct sound){.stop_at = s->stop_at};
    const struct builtin_listener to = {.audio = listen, .user = s};
    return builtin_say(text, strlen(text), speed, &to, voices, err);
}

static void assert_audible(const struct sound *s, double at_least, double at_most)
{
    double seconds = (double)s->samples / AUDIO_RATE, rms = sqrt(s->energy / (double)s->samples);
    assert_true(seconds > at_least && seconds < at_most);
    assert_true(rms > 0.03 && rms < 0.3);
    assert_true(s->peak > 0.1f && s->peak <= 1.0f);
}

static void english_is_spoken_a_sentence_at_a_time(void **state)
{
    (void)state;
    struct sound s = {0};
    struct buf voices = BUF_INIT;
    assert_int_equal(say("Hello chat. How are you, Mr. Smith? Fine!", 1, &s, &voices, NULL), 0);
    assert_string_equal(voices.ptr, "flite slt");
    assert_int_equal(s.calls, 3);
    assert_audible(&s, 2, 6);
    buf_release(&voices);
}

/* Before the tests that need it: an open library is kept. */
static void without_espeak_what_can_be_said_is_said(void **state)
{
    (void)state;
    struct sound s = {0};
    struct buf voices = BUF_INIT;
    struct error err = {0};
    espeak_absent = 1;
    assert_int_equal(say("今天 stream 好", 1, &s, &voices, &err), 0);
    assert_string_equal(voices.ptr, "flite slt; unspoken: zh (apt-get install libespeak-ng1 espeak-ng-data)");
    assert_audible(&s, 0.3, 3);
    voices.len = 0;
    assert_int_equal(say("你好", 1, &s, &voices, &err), E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "apt-get install libespeak-ng1 espeak-ng-data"));
    assert_int_equal(voices.len, 0);
    espeak_absent = 0;
    buf_release(&voices);
}

static int have_espeak(void)
{
    struct sound s = {0};
    struct error err = {0};
    return say("你好", 1, &s, NULL, &err) == 0;
}

static void other_languages_are_espeak_s(void **state)
{
    (void)state;
    if (!have_espeak())
        skip();
    struct sound s = {0};
    struct buf voices = BUF_INIT;
    assert_int_equal(say("你好，主播。今天 stream 好 nice。Привет", 1, &s, &voices, NULL), 0);
    assert_string_equal(voices.ptr, "espeak-ng cmn, flite slt, espeak-ng ru");
    assert_audible(&s, 3, 12);
    buf_release(&voices);
}

static void a_language_without_voice_is_left_out(void **state)
{
    (void)state;
    if (!have_espeak())
        skip();
    struct sound s = {0};
    struct buf voices = BUF_INIT;
    struct error err = {0};
    assert_int_equal(say("hello 𒀀𒀁", 1, &s, &voices, &err), 0);
    assert_string_equal(voices.ptr, "flite slt; unspoken: und");
    assert_int_equal(say("𒀀𒀁", 1, &s, NULL, &err), E_UNSUPPORTED);
    buf_release(&voices);
}

static void speed_is_kept(void **state)
{
    (void)state;
    static const char *const texts[] = {"Hello chat, thanks for the follow", "你好主播今天玩什么"};
    for (size_t i = 0; i < 2; i++) {
        if (i == 1 && !have_espeak())
            continue;
        struct sound one = {0}, two = {0};
        assert_int_equal(say(texts[i], 1, &one, NULL, NULL), 0);
        assert_int_equal(say(texts[i], 2, &two, NULL, NULL), 0);
        double ratio = (double)one.samples / (double)two.samples;
        assert_true(ratio > 1.8 && ratio < 2.2);
    }
}

static void callback_stops_it(void **state)
{
    (void)state;
    struct sound s = {.stop_at = 2};
    struct error err = {0};
    assert_int_equal(say("One. Two. Three. Four.", 1, &s, NULL, &err), E_CANCELLED);
    assert_int_equal(s.calls, 2);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    struct sound s = {0};
    struct error err = {0};
    assert_int_equal(say("", 1, &s, NULL, &err), E_ARG);
    assert_int_equal(say(" ... !! ", 1, &s, NULL, &err), E_ARG);
    assert_int_equal(say("hi \xFF", 1, &s, NULL, &err), E_FORMAT);
    assert_int_equal(say("hi", 0, &s, NULL, &err), E_ARG);
    assert_int_equal(say("hi", 11, &s, NULL, &err), E_ARG);
    assert_int_equal(say("hi", NAN, &s, NULL, &err), E_ARG);
}

/* Words without end, without vowels, without letters; signs that mean something to a synthesiser. */
static void strange_texts_are_survived(void **state)
{
    (void)state;
    static const char *const strange[] = {
        "\x01\x02 a \x7F",
        "<speak>hi</speak> [[h@'loU]] &amp; {x}",
        "' '' a' 'b",
        "a.b.c.d. e.,;:?! f",
        "$1.2.3 1e9 -- 0x1F",
        "zzzzrrrrtttt brrrr hmmm pfft",
        "IIIIVXX MMXX LOL GG WP",
        "12345678901234567890123456789012345678901234567890",
        "%s%n%d ../../etc",
        "Ærø straße ﬁne",
        "I. I. I. a. a. a. Mr. Dr. St.",
    };
    struct sound s = {0};
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        assert_int_equal(say(strange[i], 4, &s, NULL, NULL), 0);
        assert_true(s.samples > 0);
    }
    char *word = malloc(3001);
    assert_non_null(word);
    memset(word, 'a', 3000);
    word[3000] = '\0';
    assert_int_equal(say(word, 10, &s, NULL, NULL), 0);
    assert_true(s.calls >= 3000 / 400); /* cut into pieces */
    free(word);
}

static void flite_gets_plain_text(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"café æon Łódź", "cafe aeon Lodz"}, {"it\xE2\x80\x99s 'quoted'", "it's quoted'"},
        {"a \xE2\x80\x94 b\n\tc", "a b c"},  {"wait...!? ok", "wait. ok"},
        {"\xE4\xBD\xA0 hi", "hi"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = BUF_INIT;
        assert_int_equal(flite_plain_text(cases[i][0], strlen(cases[i][0]), &out), 0);
        assert_string_equal(out.ptr, cases[i][1]);
        buf_release(&out);
    }
}

static void *speak_in_a_thread(void *user)
{
    struct sound *s = user;
    for (int i = 0; i < 3; i++)
        s->calls += (size_t)(say("Hello chat", 1, s, NULL, NULL) != 0) * 100;
    return NULL;
}

static void threads_wait_for_each_other(void **state)
{
    (void)state;
    pthread_t threads[3];
    struct sound sounds[3] = {0};
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, speak_in_a_thread, &sounds[i]), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sounds[i].calls, 1);
        /* flite's voice has noise in it, and its edges are cut by loudness */
        assert_true(labs((long)sounds[i].samples - (long)sounds[0].samples) < AUDIO_RATE / 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(english_is_spoken_a_sentence_at_a_time),
        cmocka_unit_test(without_espeak_what_can_be_said_is_said),
        cmocka_unit_test(other_languages_are_espeak_s),
        cmocka_unit_test(a_language_without_voice_is_left_out),
        cmocka_unit_test(speed_is_kept),
        cmocka_unit_test(callback_stops_it),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(strange_texts_are_survived),
        cmocka_unit_test(flite_gets_plain_text),
        cmocka_unit_test(threads_wait_for_each_other),
    };
    return cmocka_run_group_tests_name("builtin", tests, NULL, NULL);
}
