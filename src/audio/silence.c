/* See silence.h.
 *
 * Windows start every 10 ms and are whole multiples of 10 ms long, but for the last one, which ends with
 * the clip. So the energy is summed once up to each multiple of 10 ms and a window costs a subtraction;
 * squares of 16-bit numbers add up exactly. */
#include "audio/silence.h"

#include "audio/shape.h"
#include "base/buf.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#define FULL_SCALE 32768.0

long pcm_ms(size_t samples, int rate)
{
    return lrint(1000 * ((double)samples / rate));
}

size_t pcm_samples_at(long ms, int rate)
{
    return (size_t)((double)ms * (rate / 1000.0));
}

void pieces_release(struct pieces *p)
{
    free(p->items);
    *p = (struct pieces){0};
}

int piece_append(struct pcm *out, const struct pcm *from, struct piece p)
{
    size_t end = p.end < from->len ? p.end : from->len;
    size_t start = p.start < end ? p.start : end;
    size_t len = p.end - p.start;
    if (pcm_reserve(out, len))
        return E_NOMEM;
    if (end > start)
        pcm_append(out, from->samples + start, end - start);
    return pcm_append_silence(out, len - (end - start));
}

static int64_t square(float x)
{
    long v = lrintf(fminf(fmaxf(x * 32768, -32768), 32767));
    return (int64_t)v * v;
}

static int64_t energy(const struct pcm *clip, size_t start, size_t end)
{
    int64_t sum = 0;
    if (end > clip->len)
        end = clip->len;
    for (size_t i = start; i < end; i++)
        sum += square(clip->samples[i]);
    return sum;
}

static unsigned whole_rms(int64_t sum, size_t n)
{
    return n ? (unsigned)sqrt((double)sum / (double)n) : 0;
}

/* -------- splitting -------- */

struct scan {
    const struct pcm *clip;
    long len_ms, min_ms;
    unsigned threshold; /* a window's whole rms at or below it is silent */
    int64_t *sums;      /* [len_ms / SILENCE_STEP_MS + 1], energy before each step; owned */
};

static int scan_init(struct scan *s, const struct pcm *clip, long min_ms, double threshold_db)
{
    *s = (struct scan){.clip = clip, .len_ms = pcm_ms(clip->len, clip->rate), .min_ms = min_ms};
    s->threshold = (unsigned)(pow(10, threshold_db / 20) * FULL_SCALE);
    size_t n = (size_t)(s->len_ms / SILENCE_STEP_MS) + 1;
    s->sums = malloc(n * sizeof *s->sums);
    if (!s->sums)
        return E_NOMEM;
    s->sums[0] = 0;
    for (size_t i = 1; i < n; i++)
        s->sums[i] =
            s->sums[i - 1] + energy(clip, pcm_samples_at((long)(i - 1) * SILENCE_STEP_MS, clip->rate),
                                    pcm_samples_at((long)i * SILENCE_STEP_MS, clip->rate));
    return 0;
}

/* Whether the window that starts at `ms` is silent. */
static int scan_is_silent(const struct scan *s, long ms)
{
    size_t start = pcm_samples_at(ms, s->clip->rate), end = pcm_samples_at(ms + s->min_ms, s->clip->rate);
    int64_t sum;
    if (ms % SILENCE_STEP_MS == 0)
        sum = s->sums[(ms + s->min_ms) / SILENCE_STEP_MS] - s->sums[ms / SILENCE_STEP_MS];
    else
        sum = energy(s->clip, start, end);
    return whole_rms(sum, end - start) <= s->threshold;
}

/* A stretch of time in ms, while `struct piece` counts samples. */
static int add_range(struct pieces *p, long start, long end)
{
    if (ARRAY_GROW(p->items, p->n, p->cap))
        return E_NOMEM;
    p->items[p->n++] = (struct piece){(size_t)start, (size_t)end};
    return 0;
}

/* Appends what lies between the silences (detect_silence, detect_nonsilent), in ms. */
static int find_loud(const struct scan *s, struct pieces *ret)
{
    long last_start = s->len_ms - s->min_ms;
    long from = 0;         /* end of the silence before */
    long silent_from = -1; /* start of the silence that is growing; -1: none yet */
    long prev = 0;         /* the latest silent window's start */
    for (long ms = 0; ms <= last_start;) {
        if (scan_is_silent(s, ms)) {
            if (silent_from < 0) {
                silent_from = ms;
            } else if (ms > prev + s->min_ms) { /* else the windows touch: one silence */
                if (silent_from > 0 && add_range(ret, from, silent_from))
                    return E_NOMEM;
                from = prev + s->min_ms;
                silent_from = ms;
            }
            prev = ms;
        }
        ms = ms < last_start && ms + SILENCE_STEP_MS > last_start ? last_start : ms + SILENCE_STEP_MS;
    }
    if (silent_from < 0)
        return add_range(ret, 0, s->len_ms);
    if (silent_from > 0 && add_range(ret, from, silent_from))
        return E_NOMEM;
    from = prev + s->min_ms;
    return from != s->len_ms ? add_range(ret, from, s->len_ms) : 0;
}

/* Widens each range by what is kept of the silence around it and turns ms into samples. */
static void widen(struct pieces *p, const struct scan *s, long keep_ms)
{
    long start = 0; /* of the current one, widened */
    for (size_t i = 0; i < p->n; i++) {
        if (i == 0)
            start = (long)p->items[i].start - keep_ms;
        long end = (long)p->items[i].end + keep_ms, next = 0;
        if (i + 1 < p->n) {
            next = (long)p->items[i + 1].start - keep_ms;
            if (next < end)
                next = end = (end + next) / 2;
        }
        start = start < 0 ? 0 : start;
        end = end > s->len_ms ? s->len_ms : end;
        p->items[i] =
            (struct piece){pcm_samples_at(start, s->clip->rate), pcm_samples_at(end, s->clip->rate)};
        start = next;
    }
}

int silence_split(const struct pcm *clip, long min_ms, double threshold_db, long keep_ms, struct pieces *ret)
{
    struct scan s;
    struct pieces found = {0};
    if (scan_init(&s, clip, min_ms, threshold_db))
        return E_NOMEM;
    int rc = find_loud(&s, &found);
    free(s.sums);
    if (rc) {
        pieces_release(&found);
        return rc;
    }
    widen(&found, &s, keep_ms);
    *ret = found;
    return 0;
}

int silence_remove(struct pcm *p, struct error *err)
{
    struct pieces loud = {0};
    struct pcm out = {.rate = p->rate};
    int rc = silence_split(p, 1000, -50, 500, &loud);
    for (size_t i = 0; !rc && i < loud.n; i++)
        rc = piece_append(&out, p, loud.items[i]);
    if (rc) {
        pcm_release(&out);
        rc = error_nomem(err);
    } else {
        pcm_release(p);
        *p = out;
    }
    pieces_release(&loud);
    return rc;
}

/* -------- trimming -------- */

/* How many ms of a clip's edge are quiet (detect_leading_silence). The clip is [start, end) of `p`; seen
 * from its end if `backwards`. */
static long quiet_edge(const struct pcm *p, struct piece clip, int backwards, double threshold_db)
{
    size_t len = clip.end - clip.start;
    long len_ms = pcm_ms(len, p->rate), ms = 0;
    while (ms < len_ms) {
        size_t from = pcm_samples_at(ms, p->rate);
        size_t to = pcm_samples_at(ms + SILENCE_STEP_MS < len_ms ? ms + SILENCE_STEP_MS : len_ms, p->rate);
        size_t have = to < len ? to : len; /* the rest counts as zeros */
        int64_t sum = backwards ? energy(p, clip.end - have, clip.end - from)
                                : energy(p, clip.start + from, clip.start + have);
        unsigned rms = whole_rms(sum, to - from);
        if (rms && 20 * (log(rms / FULL_SCALE) / log(10)) >= threshold_db)
            break;
        ms += SILENCE_STEP_MS;
    }
    return ms < len_ms ? ms : len_ms;
}

struct piece silence_trim(const struct pcm *clip, double threshold_db)
{
    struct piece p = {0, clip->len};
    long head = quiet_edge(clip, p, 0, threshold_db);
    p.start = pcm_samples_at(head, clip->rate);
    p.end = pcm_samples_at(pcm_ms(clip->len, clip->rate), clip->rate);
    long tail = quiet_edge(clip, p, 1, threshold_db);
    if (tail > 0)
        p.end = p.start + pcm_samples_at(pcm_ms(p.end - p.start, clip->rate) - tail, clip->rate);
    return p;
}
