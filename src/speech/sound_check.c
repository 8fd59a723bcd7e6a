/* See sound_check.h. */
#include "speech/sound_check.h"

#include "base/utf8.h"
#include "ishowtts.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define WINDOW        (ISHOW_RATE / 50) /* samples: 20 ms */
#define AUDIBLE_RMS   5e-4f             /* -66 dBFS: below it a window is silence */
#define AUDIBLE_LEAST 3                 /* windows: fewer are a click */
#define JUDGED_LEAST  (ISHOW_RATE / 2)  /* samples: less may be a pause, or one loud vowel */
#define FULL_SCALE    0.999f
#define CLIPPED_SHARE 0.02              /* of the samples at full scale: twenty times what loud speech has */

const char *sound_fault_name(enum sound_fault f)
{
    static const char *const names[] = {"", "silent", "not_finite", "clipped", "too_short", "too_long"};
    return names[f];
}

enum sound_fault sound_check(const float *samples, size_t n)
{
    size_t audible = 0, full = 0;
    for (size_t at = 0; at < n; at += WINDOW) {
        const size_t end = n - at < WINDOW ? n : at + WINDOW;
        float sum = 0;
        for (size_t i = at; i < end; i++) {
            sum += samples[i] * samples[i];
            full += fabsf(samples[i]) >= FULL_SCALE;
        }
        if (!isfinite(sum))
            return SOUND_NOT_FINITE;
        audible += sum > AUDIBLE_RMS * AUDIBLE_RMS * (float)(end - at);
    }
    if (n < JUDGED_LEAST)
        return SOUND_GOOD;
    if (audible < AUDIBLE_LEAST)
        return SOUND_SILENT;
    return (double)full > CLIPPED_SHARE * (double)n ? SOUND_CLIPPED : SOUND_GOOD;
}

/* -------- length -------- */

/* Seconds that one character takes. Least: hurried, in a text that is said at all; most: as the slowest voice says what
 * it stands for, a digit as a word, an emoji by its name. */
struct rate {
    double least, usual, most;
};

#define EXTRA_MOST 4.0 /* seconds: pauses, and what a model says slowly because there is so little of it */
#define REPEAT     8   /* characters: one that was among so many before it may be left out ("hahaha", "!!!!") */

static struct rate rate_of(uint32_t cp)
{
    static const struct rate space = {0, 0, 0.1}, mark = {0, 0, 1.2}, digit = {0.04, 0.3, 0.9},
                             letter = {0.03, 0.065, 0.35}, syllable = {0.04, 0.2, 0.9}, picture = {0, 1, 4};
    if (cp <= ' ')
        return space;
    if (cp < 0x80)
        return cp >= '0' && cp <= '9' ? digit : (cp | 32) >= 'a' && (cp | 32) <= 'z' ? letter : mark;
    if (cp < 0x2000)
        return letter;
    if ((cp >= 0x3040 && cp < 0xA000) || (cp >= 0xAC00 && cp < 0xD7B0) || (cp >= 0xF900 && cp < 0xFB00) ||
        (cp >= 0x20000 && cp < 0x30000))
        return syllable; /* kana, Chinese, Korean */
    return cp >= 0x1F000 ? picture : mark;
}

struct speech_length speech_length_expect(const char *text, double speed)
{
    struct speech_length l = {0, 0, EXTRA_MOST};
    const size_t n = strlen(text);
    uint32_t recent[REPEAT] = {0}, cp;
    size_t count = 0;
    for (size_t i = 0, w; i < n && (w = utf8_decode(text + i, n - i, &cp)) > 0; i += w) {
        const struct rate r = rate_of(cp);
        int seen = 0;
        for (size_t k = 0; k < REPEAT; k++)
            seen |= recent[k] == cp;
        recent[count++ % REPEAT] = cp;
        l.least += seen ? 0 : r.least;
        l.usual += r.usual;
        l.most += r.most;
    }
    /* engines go neither quite as fast nor as slow as they are asked to, least of all with a short text */
    l.least /= speed > 1 ? speed : 1;
    l.usual /= speed;
    l.most /= speed < 1 ? speed : 1;
    return l;
}

enum sound_fault speech_length_check(const struct speech_length *l, double seconds)
{
    return seconds < l->least ? SOUND_TOO_SHORT : seconds > l->most ? SOUND_TOO_LONG : SOUND_GOOD;
}
