/* ishow_clip_check and _memory: what is wrong with a clip before a voice is made of it. Loudness is looked at in
 * windows of 20 ms: between the loud ones, which are speech, and the quiet ones, which are the room, lies what tells
 * a voice from noise. */
#include "ishowtts.h"

#include "audio/shape.h"
#include "audio/silence.h"
#include "audio/sound_file.h"
#include "base/utf8.h"
#include "engine/voice.h"
#include "text/normalize.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>

#define WINDOW_SECONDS 0.02
#define SILENT_DB -42.0       /* at which a clip's edges are cut */
#define FLOOR_DB -90.0        /* below is digital silence */
#define QUIET_DB -32.0        /* speech below: the noise is raised with it */
#define USELESS_SPAN_DB 6.0   /* from the room to the speech: less is no speech at all */
#define NOISY_SPAN_DB 18.0
#define TAIL_SECONDS 0.06     /* at the end that should be silent */
#define TAIL_DROP_DB 18.0     /* below the speech is silent */
#define USELESS_SECONDS 1.0   /* of speech */
#define SHORT_SECONDS 3.0
#define CLIPPED_BAD 0.005     /* of the samples */
#define CLIPPED_NOTE 0.0003
#define DIFFER 0.3            /* between channels, of their mean */
#define DULL_RATE 16000       /* Hz */
#define TELEPHONE_RATE 8000
/* Syllables a second of a clip with its pauses: people speak 3 to 7. */
#define SYLLABLES_MIN 2.0
#define SYLLABLES_MAX 8.0
#define SYLLABLES_WRONG_BELOW 0.8
#define SYLLABLES_WRONG_ABOVE 11.0
#define LETTERS_A_SYLLABLE 2.2 /* where vowels are not told apart: Cyrillic, Greek, Arabic … */

struct check {
    ishow_finding_fn on_finding;
    void *user;
    struct pcm clip;
    struct sound_traits traits;
    double used;        /* seconds that a voice would take of it */
    double *level;      /* [windows], dB full scale */
    size_t windows;
    double speech, room; /* dB: of the loud windows and of the quiet ones */
};

__attribute__((format(printf, 5, 6))) static void
tell(const struct check *c, const char *topic, ishow_verdict verdict, const char *mend, const char *fmt, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    const ishow_finding f = {topic, verdict, text, mend};
    c->on_finding(c->user, &f);
}

/* -------- loudness -------- */

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double decibel(double rms)
{
    return rms > 0 ? fmax(20 * log10(rms), FLOOR_DB) : FLOOR_DB;
}

/* Fills in level, speech and room. */
static int measure(struct check *c, struct error *err)
{
    size_t step = (size_t)(c->clip.rate * WINDOW_SECONDS);
    step = step < c->clip.len ? step : c->clip.len;
    c->windows = c->clip.len / step;
    double *sorted = malloc(sizeof *sorted * c->windows);
    c->level = malloc(sizeof *c->level * c->windows);
    if (!sorted || !c->level) {
        free(sorted);
        return error_nomem(err);
    }
    for (size_t i = 0; i < c->windows; i++)
        sorted[i] = c->level[i] = decibel(pcm_rms(c->clip.samples + i * step, step));
    qsort(sorted, c->windows, sizeof *sorted, ascending);
    c->speech = sorted[c->windows * 9 / 10];
    c->room = sorted[c->windows / 10];
    free(sorted);
    return 0;
}

/* What a voice would take of the clip. A clip that it would refuse as silent or too short leaves 0. */
static int measure_used(struct check *c, struct error *err)
{
    struct pcm used = {0};
    int rc = reference_cut(&c->clip, &used, NULL);
    if (rc == E_NOMEM)
        return error_nomem(err);
    c->used = rc ? 0 : (double)used.len / used.rate;
    pcm_release(&used);
    return 0;
}

static void look_at_loudness(const struct check *c)
{
    if (c->used > 0 && c->speech < QUIET_DB)
        tell(c, "loudness", ISHOW_NOTE, "record closer to the microphone, or with more gain",
             "the speech is quiet (%.0f dB below full scale): its noise is raised with it to the usual loudness",
             -c->speech);
    const double clipped = (double)c->traits.clipped / ((double)c->clip.len * c->traits.channels);
    if (clipped > CLIPPED_NOTE)
        tell(c, "clipping", clipped > CLIPPED_BAD ? ISHOW_BAD : ISHOW_NOTE, "record it again with less gain",
             "%.2g %% of the samples are at full scale: the recording is clipped, and the voice will sound rough",
             clipped * 100);
    const double span = c->speech - c->room;
    if (c->used > 0 && span < USELESS_SPAN_DB)
        tell(c, "noise", ISHOW_BAD, "choose a clip of one person speaking, without music",
             "it is equally loud all the time (within %.0f dB), as noise, music or a tone is: there seems to be no "
             "speech",
             span);
    else if (c->used > 0 && span < NOISY_SPAN_DB)
        tell(c, "noise", ISHOW_NOTE, "record in a quieter room, without music",
             "between words it is only %.0f dB quieter than in them: noise or music behind the voice is cloned with it",
             span);
}

static void look_at_tail(const struct check *c)
{
    const size_t n = (size_t)(TAIL_SECONDS / WINDOW_SECONDS + 0.5);
    double tail = FLOOR_DB;
    for (size_t i = c->windows > n ? c->windows - n : 0; i < c->windows; i++)
        tail = fmax(tail, c->level[i]);
    if (c->used > 0 && tail > SILENT_DB && tail > c->speech - TAIL_DROP_DB)
        tell(c, "tail", ISHOW_NOTE, "leave up to a second of silence at the end",
             "it ends in the middle of sound: if the last word is cut off, its rest turns up in what the voice says");
}

static void look_at_length(const struct check *c)
{
    const double seconds = (double)c->clip.len / c->clip.rate;
    if (c->used <= 0 && c->speech < SILENT_DB)
        tell(c, "loudness", ISHOW_BAD, "record it again with more gain",
             "it is silent: nothing in its %.2f s is louder than %.0f dB below full scale", seconds, -SILENT_DB);
    else if (c->used < USELESS_SECONDS)
        tell(c, "length", ISHOW_BAD, "choose a clip of 5 to 10 s",
             "there are %.2f s of speech: a voice needs at least %.0f s, and is good from %.0f s on", c->used,
             USELESS_SECONDS, SHORT_SECONDS);
    else if (c->used < SHORT_SECONDS)
        tell(c, "length", ISHOW_NOTE, "choose a clip of 5 to 10 s",
             "there are %.1f s of speech: from %.0f s on a voice comes out more like its owner", c->used,
             SHORT_SECONDS);
    if (seconds > REFERENCE_MAX_SECONDS && c->used < seconds - 1)
        tell(c, "length", ISHOW_NOTE, "cut it to 5 to 10 s, and the words with it",
             "of its %.1f s the first %.1f s are used: the words must be those of that part", seconds, c->used);
}

static void look_at_shape(const struct check *c)
{
    if (c->traits.differ > DIFFER)
        tell(c, "channels", ISHOW_NOTE, "",
             "its %d channels differ: their mean is used, which may hold an echo or something else than the voice",
             c->traits.channels);
    if (c->clip.rate < DULL_RATE)
        tell(c, "rate", c->clip.rate < TELEPHONE_RATE ? ISHOW_BAD : ISHOW_NOTE, "record at 24000 Hz or more",
             "a sample rate of %d Hz holds nothing above %d Hz: the voice will sound dull, as through a telephone",
             c->clip.rate, c->clip.rate / 2);
}

/* -------- words -------- */

/* About how many syllables a text has that is written out: a group of vowels in Latin letters, a character of Chinese,
 * Japanese and Korean. */
static double count_syllables(const char *text, size_t len)
{
    double n = 0;
    int in_vowels = 0, in_word = 0, vowels = 0;
    uint32_t cp;
    for (size_t i = 0, w; i < len && (w = utf8_decode(text + i, len - i, &cp)); i += w) {
        const int letter = u_isalpha((UChar32)cp);
        const int wide = letter && cp >= 0x2E80; /* a letter that is a syllable, more or less */
        const int latin = letter && cp < 0x250;
        const int vowel = latin && (cp >= 0xC0 || strchr("aeiouyAEIOUY", (int)cp));
        if (in_word && !latin) {
            n += !vowels; /* "hmm" */
            in_word = 0;
        }
        if (latin && !in_word)
            in_word = 1, vowels = 0;
        if (vowel && !in_vowels) {
            n++;
            vowels++;
        }
        in_vowels = vowel;
        n += wide ? 1 : letter && !latin ? 1 / LETTERS_A_SYLLABLE : 0;
    }
    return n + (in_word && !vowels);
}

static int look_at_words(const struct check *c, const char *words, struct error *err)
{
    const size_t len = strlen(words), good = utf8_valid_prefix(words, len);
    struct buf spoken = BUF_INIT;
    if (len > VOICE_MAX_WORDS || good < len || words[strspn(words, " \t\r\n")] == '\0') {
        if (good < len)
            tell(c, "words", ISHOW_BAD, "save the text as UTF-8", "the words are not valid UTF-8 at byte %zu", good);
        else if (len > VOICE_MAX_WORDS)
            tell(c, "words", ISHOW_BAD, "", "the words take %zu bytes, at most %d", len, VOICE_MAX_WORDS);
        else
            tell(c, "words", ISHOW_BAD, "write down what is said in the clip",
                 "the words are missing: the model needs the text that is spoken in the clip");
        return 0;
    }
    int rc = text_normalize(words, len, &spoken, err);
    if (!rc && c->used > 0) {
        const double n = count_syllables(spoken.ptr ? spoken.ptr : "", spoken.len), pace = n / c->used;
        const int wrong = pace < SYLLABLES_WRONG_BELOW || pace > SYLLABLES_WRONG_ABOVE;
        if (pace < SYLLABLES_MIN || pace > SYLLABLES_MAX)
            tell(c, "words", wrong ? ISHOW_BAD : ISHOW_NOTE, "write down exactly what is said in the clip",
                 "about %.0f syllables for %.1f s of speech are %.1f a second, people speak 3 to 7: %s", n, c->used,
                 pace,
                 pace < SYLLABLES_MIN ? "words seem to be missing" : "there seem to be more words than the clip has");
    }
    buf_release(&spoken);
    return rc;
}

/* -------- all of it -------- */

static void fill_info(const struct check *c, ishow_clip_info *ret)
{
    const ishow_clip_info info = {.size = ret->size,
                                  .seconds = (double)c->clip.len / c->clip.rate,
                                  .rate = c->clip.rate,
                                  .channels = c->traits.channels,
                                  .peak = c->traits.peak,
                                  .rms = pcm_rms(c->clip.samples, c->clip.len)};
    memcpy(ret, &info, ret->size < sizeof info ? ret->size : sizeof info);
}

static const struct sound_limits limits = {ISHOW_CLIP_MAX_SECONDS, ISHOW_CLIP_MAX_BYTES};

/* What follows when the clip was read, or was not. */
static int look_at(struct check *c, int rc, const char *words, ishow_clip_info *ret_info, struct error *err)
{
    if (!rc && !(rc = measure(c, err)) && !(rc = measure_used(c, err))) {
        look_at_length(c);
        look_at_loudness(c);
        look_at_tail(c);
        look_at_shape(c);
        rc = words ? look_at_words(c, words, err) : 0;
    }
    if (!rc && ret_info)
        fill_info(c, ret_info);
    free(c->level);
    pcm_release(&c->clip);
    return rc;
}

int ishow_clip_check(const char *path, const char *words, ishow_finding_fn on_finding, void *user,
                     ishow_clip_info *ret_info, ishow_error *e)
{
    struct error *err = (struct error *)e;
    struct check c = {.on_finding = on_finding, .user = user};
    if (!path || !on_finding)
        return error_set(err, E_ARG, "ishow_clip_check: path and on_finding must not be NULL");
    return look_at(&c, sound_read_within(path, limits, &c.clip, &c.traits, err), words, ret_info, err);
}

int ishow_clip_check_memory(const void *bytes, size_t n, const char *words, ishow_finding_fn on_finding, void *user,
                            ishow_clip_info *ret_info, ishow_error *e)
{
    struct error *err = (struct error *)e;
    struct check c = {.on_finding = on_finding, .user = user};
    if (!bytes || !on_finding)
        return error_set(err, E_ARG, "ishow_clip_check_memory: bytes and on_finding must not be NULL");
    return look_at(&c, sound_read_memory_within(bytes, n, limits, &c.clip, &c.traits, err), words, ret_info, err);
}
