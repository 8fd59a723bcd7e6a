/* See builtin.h. Each sentence is made, freed of the silence its synthesiser put around it, levelled,
 * given a pause of our own and handed on, so that mixed lines sound like one speaker's breath. */
#include "engine/builtin.h"

#include "audio/pcm.h"
#include "audio/resample.h"
#include "base/arena.h"
#include "base/utf8.h"
#include "engine/voice_espeak.h"
#include "engine/voice_flite.h"
#include "text/script.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_MAX_BYTES 400    /* of what a synthesiser gets at once */
#define SILENCE_LEVEL   0.004f /* full scale: below is silence at the edges */
#define EDGE_SECONDS    0.02f  /* kept at the edges, so that soft consonants survive */
#define SENTENCE_PAUSE  0.28f  /* s */
#define PIECE_PAUSE     0.06f  /* s, where only the language or the length makes the cut */
#define VOICES_MAX      8      /* named in the answer */
/* Bring speech of either synthesiser to about -20 dBFS RMS (measured over a few sentences of each). */
#define FLITE_GAIN  0.75f
#define ESPEAK_GAIN 1.0f

struct names {
    char items[VOICES_MAX][24];
    size_t n;
};

struct say {
    float speed;
    const struct builtin_listener *to;
    struct pcm pcm;        /* of one piece */
    struct buf text;       /* of one piece, '\0'-terminated */
    struct names spoken;   /* "flite slt" … */
    struct names unspoken; /* "zh" … */
    struct error why;      /* of the last part left out */
    int pieces;            /* handed on */
};

static void add_name(struct names *names, const char *prefix, const char *name)
{
    char full[sizeof names->items[0]] = "";
    strncat(full, prefix, sizeof full - 1);
    strncat(full, name, sizeof full - 1 - strlen(full));
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->items[i], full) == 0)
            return;
    if (names->n < VOICES_MAX)
        strcpy(names->items[names->n++], full);
}

static int is_abbreviation(const char *text, size_t dot)
{
    static const char *const titles[] = {"Mr", "Mrs", "Ms", "Dr", "St", "vs", "Jr", "Sr", "Prof"};
    size_t start = dot;
    while (start > 0 && ((text[start - 1] | 32) >= 'a' && (text[start - 1] | 32) <= 'z'))
        start--;
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (strlen(titles[i]) == dot - start && memcmp(text + start, titles[i], dot - start) == 0)
            return 1;
    return 0;
}

static int is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Length of the next piece of text[0, len): a sentence with its end mark, or what there is or fits. */
static size_t next_piece(const char *text, size_t len, int *ret_sentence)
{
    size_t space = 0, comma = 0;
    *ret_sentence = 0;
    for (size_t i = 0; i < len;) {
        uint32_t cp;
        size_t w = utf8_decode(text + i, len - i, &cp);
        if (w == 0)
            w = 1; /* never: script_split has looked */
        if (i + w > PIECE_MAX_BYTES)
            return comma > PIECE_MAX_BYTES / 4 ? comma : space > 0 ? space : i;
        i += w;
        int ends = i == len || is_space(text[i]);
        if (cp == '\n' || cp == 0x3002 || cp == 0xFF01 || cp == 0xFF1F || cp == 0xFF1B || cp == 0x964 ||
            (ends && (cp == '!' || cp == '?' || cp == ';' || cp == 0x2026 || cp == 0x61F ||
                      (cp == '.' && !is_abbreviation(text, i - 1))))) {
            *ret_sentence = 1;
            return i;
        }
        if (cp == ' ')
            space = i;
        if (cp == 0xFF0C || cp == 0x3001 || cp == 0x60C || (cp == ',' && ends))
            comma = i;
    }
    return len;
}

/* Takes the silence off both ends, in place. */
static void trim(struct pcm *p)
{
    size_t edge = (size_t)(EDGE_SECONDS * (float)p->rate);
    size_t start = 0, end = p->len;
    while (start < end && fabsf(p->samples[start]) < SILENCE_LEVEL)
        start++;
    while (end > start && fabsf(p->samples[end - 1]) < SILENCE_LEVEL)
        end--;
    if (start == end) {
        p->len = 0;
        return;
    }
    start = start > edge ? start - edge : 0;
    end = p->len - end > edge ? end + edge : p->len;
    memmove(p->samples, p->samples + start, (end - start) * sizeof *p->samples);
    p->len = end - start;
}

static int hand_on(struct say *s, float gain, float pause, struct error *err)
{
    trim(&s->pcm);
    if (s->pcm.len == 0)
        return 0;
    int rc = pcm_resample(&s->pcm, AUDIO_RATE, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < s->pcm.len; i++) {
        float v = s->pcm.samples[i] * gain;
        s->pcm.samples[i] = v > 1 ? 1 : v < -1 ? -1 : v;
    }
    if (pcm_append_silence(&s->pcm, (size_t)(pause / s->speed * AUDIO_RATE)))
        return error_nomem(err);
    s->pieces++;
    if (s->to->audio(s->to->user, s->pcm.samples, s->pcm.len))
        return error_set(err, E_CANCELLED, "cancelled");
    return 0;
}

static int say_piece(struct say *s, const char *lang, struct slice piece, int sentence, struct error *err)
{
    float pause = sentence ? SENTENCE_PAUSE : PIECE_PAUSE;
    s->text.len = 0;
    if (strcmp(lang, "en") == 0) {
        if (flite_plain_text(piece.ptr, piece.len, &s->text))
            return error_nomem(err);
        int rc = flite_speak(s->text.ptr, s->speed, &s->pcm, err);
        if (rc)
            return rc;
        if (s->pcm.len > 0)
            add_name(&s->spoken, "flite ", "slt");
        return hand_on(s, FLITE_GAIN, pause, err);
    }
    if (buf_add(&s->text, piece.ptr, piece.len))
        return error_nomem(err);
    for (size_t i = 0; i < s->text.len;
         i++) /* '\0' would end the sentence, others are espeak-ng's own marks */
        if ((unsigned char)s->text.ptr[i] < ' ' || s->text.ptr[i] == 0x7F)
            s->text.ptr[i] = ' ';
    int rc = espeak_speak(lang, s->text.ptr, s->speed, &s->pcm, &s->why);
    if (rc == E_NOTFOUND || rc == E_UNSUPPORTED) {
        add_name(&s->unspoken, "", lang);
        return 0;
    }
    if (rc) {
        if (err)
            *err = s->why;
        return rc;
    }
    if (s->pcm.len > 0)
        add_name(&s->spoken, "espeak-ng ", espeak_voice_name(lang));
    return hand_on(s, ESPEAK_GAIN, pause, err);
}

static int add_names(struct buf *out, const struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        if (buf_addf(out, "%s%s", i ? ", " : "", names->items[i]))
            return E_NOMEM;
    return 0;
}

static int describe(const struct say *s, struct buf *out)
{
    if (add_names(out, &s->spoken))
        return E_NOMEM;
    if (s->unspoken.n == 0)
        return 0;
    if (buf_add_str(out, "; unspoken: ") || add_names(out, &s->unspoken))
        return E_NOMEM;
    return s->why.code == E_NOTFOUND ? buf_add_str(out, " (apt-get install " ESPEAK_PACKAGES ")") : 0;
}

/* -------- pieces -------- */

struct piece_of {
    const char *lang; /* the run's */
    struct slice text;
    int sentence; /* it ends one */
};

struct plan {
    struct piece_of *items; /* owned */
    size_t n, cap;
};

static int plan_pieces(const struct script_runs *runs, struct plan *plan)
{
    for (size_t r = 0; r < runs->count; r++) {
        struct slice rest = runs->items[r].text;
        while (rest.len > 0) {
            if (ARRAY_GROW(plan->items, plan->n, plan->cap))
                return E_NOMEM;
            struct piece_of *p = &plan->items[plan->n++];
            const size_t n = next_piece(rest.ptr, rest.len, &p->sentence);
            p->lang = runs->items[r].lang;
            p->text = (struct slice){rest.ptr, n};
            rest = (struct slice){rest.ptr + n, rest.len - n};
        }
    }
    if (plan->n)
        plan->items[plan->n - 1].sentence = 1;
    return 0;
}

static int is_stopped(const struct say *s, size_t done, size_t total)
{
    return s->to->progress && s->to->progress(s->to->progress_user, (int)done, (int)total);
}

int builtin_say(const char *text, size_t len, float speed, const struct builtin_listener *to, struct buf *ret_voices,
                struct error *err)
{
    if (!(speed >= BUILTIN_SPEED_MIN && speed <= BUILTIN_SPEED_MAX))
        return error_set(err, E_ARG, "speed is %g, it must be from 0.1 to 10", (double)speed);
    struct arena arena = {0};
    struct script_runs runs;
    struct plan plan = {0};
    struct say s = {.speed = speed, .to = to};
    int rc = script_split(text, len, &arena, &runs, err);
    if (rc == 0 && plan_pieces(&runs, &plan))
        rc = error_nomem(err);
    for (size_t i = 0; rc == 0 && i < plan.n; i++) {
        const struct piece_of *p = &plan.items[i];
        rc = is_stopped(&s, i, plan.n) ? error_set(err, E_CANCELLED, "cancelled after %zu of %zu sentences", i, plan.n)
                                       : say_piece(&s, p->lang, p->text, p->sentence, err);
    }
    if (rc == 0 && s.pieces == 0)
        rc = s.unspoken.n ? error_set(err, E_UNSUPPORTED, "no voice for this text: %s", s.why.text)
                          : error_set(err, E_ARG, "the text has nothing to speak");
    if (rc == 0 && ret_voices && describe(&s, ret_voices))
        rc = error_nomem(err);
    pcm_release(&s.pcm);
    buf_release(&s.text);
    free(plan.items);
    arena_release(&arena);
    return rc;
}
