/* The screen of `ishowtts top`: one line a subject with its course as a row of bars, then requests by endpoint, then
 * what went wrong. See top.h. */
#include "cli/top.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/utf8.h"
#include "cli/progress.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define LABEL_COLUMNS 12
#define VALUE_COLUMNS 36
#define COURSE_MAX    60 /* columns of a row of bars */
#define COURSE_MIN    8  /* fewer are not worth it */

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define RED "\033[31m"
#define YELLOW "\033[33m"
#define PLAIN "\033[0m"

struct screen {
    struct buf *out, line;
    const struct top_watch *watch;
    const struct top_look *look;
    int rows; /* used */
    int failed;
};

/* -------- lines -------- */

__attribute__((format(printf, 2, 3))) static void put(struct screen *s, const char *fmt, ...)
{
    char text[1024]; /* more is no line of a terminal */
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    s->failed |= buf_add_str(&s->line, text) != 0;
}

static void colour(struct screen *s, const char *code)
{
    if (s->look->colour)
        put(s, "%s", code);
}

static int columns_of(uint32_t cp)
{
    const int n = wcwidth((wchar_t)cp);
    return n < 0 ? 1 : n;
}

/* Copies the line as far as it fits; the colours, which take no room, all of them. */
static void end_line(struct screen *s)
{
    int columns = 0;
    uint32_t cp;
    if (s->rows++ < s->look->rows) {
        for (size_t i = 0, step; i < s->line.len; i += step) {
            const char *at = s->line.ptr + i;
            if (*at == '\033') {
                step = strcspn(at, "m") + 1;
                s->failed |= buf_add(s->out, at, step) != 0;
                continue;
            }
            step = utf8_decode(at, s->line.len - i, &cp);
            if (step == 0) /* a character that was cut */
                break;
            columns += columns_of(cp);
            if (columns <= s->look->columns)
                s->failed |= (cp < 0x80 || s->look->utf8 ? buf_add(s->out, at, step) : buf_add_char(s->out, '?')) != 0;
        }
        s->failed |= buf_add_char(s->out, '\n') != 0;
    }
    s->line.len = 0;
}

/* -------- courses -------- */

typedef double (*value_fn)(const struct top_page *before, const struct top_page *now);

static double requests_rate(const struct top_page *before, const struct top_page *now)
{
    return top_kind_rate(before, now, TOP_REQUESTS);
}

static double audio_rate(const struct top_page *before, const struct top_page *now)
{
    return top_rate(before, now, TOP_AUDIO_SECONDS);
}

static double cpu_percent(const struct top_page *before, const struct top_page *now)
{
    return 100 * top_rate(before, now, TOP_CPU_SECONDS);
}

static double rtf_mean(const struct top_page *before, const struct top_page *now)
{
    return top_mean(before, now, TOP_RTF);
}

static double first_audio_high(const struct top_page *before, const struct top_page *now)
{
    return top_percentile(before, now, TOP_FIRST_AUDIO, 0.95);
}

static double queue_depth(const struct top_page *before, const struct top_page *now)
{
    (void)before;
    return now->numbers[TOP_QUEUE_DEPTH];
}

static double memory(const struct top_page *before, const struct top_page *now)
{
    (void)before;
    return now->numbers[TOP_MEMORY];
}

static void put_bar(struct screen *s, double part)
{
    static const char *const fine[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const coarse[] = {"_", ".", "-", "=", "+", "*", "%", "#"};
    const int level = part < 0 ? 0 : part > 0.999 ? 7 : (int)(part * 8);
    put(s, "%s", (s->look->utf8 ? fine : coarse)[level]);
}

/* The last values from left to right, the highest of them as a full bar. */
static void put_course(struct screen *s, value_fn value)
{
    const struct top_watch *w = s->watch;
    int n = s->look->columns - LABEL_COLUMNS - VALUE_COLUMNS - 1;
    n = n > COURSE_MAX ? COURSE_MAX : n;
    if (n < COURSE_MIN)
        return;
    const int from = w->count - n > 1 ? w->count - n : 1;
    double most = 0;
    for (int i = from; i < w->count; i++)
        most = fmax(most, value(top_page_at(w, i - 1), top_page_at(w, i)));
    put(s, " ");
    colour(s, DIM);
    for (int i = from; i < w->count; i++) {
        const double v = value(top_page_at(w, i - 1), top_page_at(w, i));
        if (isfinite(v) && most > 0)
            put_bar(s, v / most);
        else
            put(s, " ");
    }
    colour(s, PLAIN);
}

static void subject(struct screen *s, const char *label, const char *value, value_fn course)
{
    if (s->watch->count < 3)
        course = NULL; /* of one value there is none */
    put(s, "%-*s%-*s", LABEL_COLUMNS, label, course ? VALUE_COLUMNS : 0, value);
    if (course)
        put_course(s, course);
    end_line(s);
}

/* -------- what is shown -------- */

static void heading(struct screen *s)
{
    const struct top_watch *w = s->watch;
    const struct top_page *now = top_newest(w);
    char url[TOP_TEXT_MAX], text[TOP_LABEL_MAX], age[32];
    top_clean(url, sizeof url, w->url);
    colour(s, BOLD);
    put(s, "%s", url);
    colour(s, PLAIN);
    if (now && *now->version) {
        top_clean(text, sizeof text, now->version);
        put(s, "  ishowtts %s", text);
        top_clean(text, sizeof text, now->kernels);
        put(s, " %s", text);
    }
    top_age_text(age, top_uptime(w));
    if (now && *age != '-')
        put(s, "  up %s", age);
    end_line(s);
    if (*w->trouble) {
        top_age_text(age, clock_seconds() - w->trouble_since);
        colour(s, RED);
        put(s, "no answer for %s: %s; asking again every %g s", age, w->trouble, w->interval);
        colour(s, PLAIN);
        end_line(s);
    }
    if (w->health.known) {
        put(s, "%s, speaks with %s", *w->health.status ? w->health.status : "status unknown",
            *w->health.engine ? w->health.engine : "an unknown engine");
        if (now && isfinite(now->numbers[TOP_VOICES]))
            put(s, ", %.0f voice%s", now->numbers[TOP_VOICES], now->numbers[TOP_VOICES] == 1 ? "" : "s");
        if (*w->health.voice)
            put(s, ", default %s", w->health.voice);
        if (now && isfinite(now->numbers[TOP_CONNECTIONS]))
            put(s, ", %.0f connections", now->numbers[TOP_CONNECTIONS]);
        end_line(s);
    }
    if (*w->health.trouble) {
        colour(s, YELLOW);
        put(s, "%s", w->health.trouble);
        colour(s, PLAIN);
        end_line(s);
    }
    end_line(s);
}

static void subjects(struct screen *s)
{
    const struct top_watch *w = s->watch;
    const struct top_page *now = top_newest(w), *before = top_previous(w), *old = top_oldest(w);
    char a[32], b[32], text[128];
    top_number_text(a, requests_rate(before, now));
    snprintf(text, sizeof text, "%s a second", a);
    subject(s, "requests", text, requests_rate);
    top_number_text(a, audio_rate(before, now));
    snprintf(text, sizeof text, "%s seconds a second", a);
    subject(s, "speech", text, audio_rate);
    top_number_text(a, top_mean(old, now, TOP_RTF));
    top_number_text(b, top_percentile(old, now, TOP_RTF, 0.95));
    snprintf(text, sizeof text, "mean %s, p95 %s", a, b);
    subject(s, "RTF", text, rtf_mean);
    top_time_text(a, top_percentile(old, now, TOP_FIRST_AUDIO, 0.5));
    top_time_text(b, top_percentile(old, now, TOP_FIRST_AUDIO, 0.95));
    snprintf(text, sizeof text, "p50 %s, p95 %s", a, b);
    subject(s, "first audio", text, first_audio_high);
    top_number_text(a, now->numbers[TOP_QUEUE_DEPTH]);
    top_number_text(b, now->numbers[TOP_QUEUE_CAPACITY]);
    snprintf(text, sizeof text, "%s of %s", a, b);
    top_time_text(a, top_percentile(old, now, TOP_QUEUE_WAIT, 0.5));
    top_time_text(b, top_percentile(old, now, TOP_QUEUE_WAIT, 0.95));
    const size_t n = strlen(text);
    snprintf(text + n, sizeof text - n, ", wait p50 %s, p95 %s", a, b);
    subject(s, "queue", text, queue_depth);
    top_number_text(a, now->numbers[TOP_IN_FLIGHT]);
    top_number_text(b, top_mean(old, now, TOP_BATCH));
    snprintf(text, sizeof text, "%s at work, batch %s", a, b);
    subject(s, "speaking", text, NULL);
    top_number_text(a, cpu_percent(before, now));
    snprintf(text, sizeof text, "%s %%", a);
    subject(s, "CPU", text, cpu_percent);
    const double bytes = now->numbers[TOP_MEMORY];
    snprintf(a, sizeof a, "-");
    if (bytes >= 0 && bytes < 1e18)
        format_bytes((uint64_t)bytes, a);
    subject(s, "memory", a, memory);
}

static void gpus(struct screen *s)
{
    const struct top_page *now = top_newest(s->watch);
    for (int i = 0; i < now->gpu_count; i++) {
        const struct top_gpu *g = &now->gpus[i];
        char label[TOP_LABEL_MAX + 8], name[TOP_LABEL_MAX], percent[16], used[32] = "-", total[32] = "-", text[128];
        top_clean(name, sizeof name, g->name);
        snprintf(label, sizeof label, "GPU %.7s", name);
        top_number_text(percent, g->percent);
        if (g->used >= 0 && g->used < 1e18)
            format_bytes((uint64_t)g->used, used);
        if (g->total >= 0 && g->total < 1e18)
            format_bytes((uint64_t)g->total, total);
        snprintf(text, sizeof text, "%s %%, %s of %s", percent, used, total);
        subject(s, label, text, NULL);
    }
}

static int by_total(const void *a, const void *b)
{
    const struct top_count *const *x = a, *const *y = b;
    return (*x)->n > (*y)->n ? -1 : (*x)->n < (*y)->n;
}

static void endpoints(struct screen *s)
{
    const struct top_page *now = top_newest(s->watch), *old = top_oldest(s->watch);
    const struct top_count *rows[TOP_COUNTS_MAX];
    int n = 0;
    for (int i = 0; i < now->count_count; i++)
        if (now->counts[i].kind == TOP_REQUESTS && now->counts[i].n > 0)
            rows[n++] = &now->counts[i];
    if (n == 0)
        return;
    qsort(rows, (size_t)n, sizeof *rows, by_total);
    end_line(s);
    colour(s, DIM);
    put(s, "%-24s %-8s %10s %10s", "endpoint", "status", "a second", "all");
    colour(s, PLAIN);
    end_line(s);
    for (int i = 0; i < n; i++) {
        char label[TOP_LABEL_MAX], status[TOP_LABEL_MAX], rate[16], all[16];
        top_clean(label, sizeof label, rows[i]->label);
        top_clean(status, sizeof status, rows[i]->status);
        top_number_text(rate, top_count_rate(old, now, (int)(rows[i] - now->counts)));
        top_number_text(all, rows[i]->n);
        if (*status == '5')
            colour(s, RED);
        else if (*status == '4')
            colour(s, YELLOW);
        put(s, "%-24.24s %-8.8s %10s %10s", label, status, rate, all);
        colour(s, PLAIN);
        end_line(s);
    }
}

/* "errors      timeout 3, broken 1", when there are any. */
static void totals(struct screen *s, const char *title, enum top_kind kind)
{
    const struct top_page *now = top_newest(s->watch);
    if (!(top_kind_total(now, kind) > 0))
        return;
    const char *comma = "";
    put(s, "%-*s", LABEL_COLUMNS, title);
    for (int i = 0; i < now->count_count; i++) {
        char label[TOP_LABEL_MAX], n[16];
        if (now->counts[i].kind != kind || !(now->counts[i].n > 0))
            continue;
        top_clean(label, sizeof label, now->counts[i].label);
        top_number_text(n, now->counts[i].n);
        put(s, "%s%s %s", comma, label, n);
        comma = ", ";
    }
    end_line(s);
}

static void troubles(struct screen *s)
{
    const struct top_page *now = top_newest(s->watch);
    char n[16];
    end_line(s);
    totals(s, "errors", TOP_ERRORS);
    totals(s, "turned away", TOP_REJECTED);
    totals(s, "retried", TOP_RETRIES);
    totals(s, "degraded", TOP_DEGRADED);
    if (now->numbers[TOP_FALLBACKS] > 0) {
        top_number_text(n, now->numbers[TOP_FALLBACKS]);
        subject(s, "fallbacks", n, NULL);
    }
    if (now->numbers[TOP_CANCELLED] > 0) {
        top_number_text(n, now->numbers[TOP_CANCELLED]);
        subject(s, "cancelled", n, NULL);
    }
}

int top_screen(struct buf *out, const struct top_watch *w, const struct top_look *look)
{
    struct screen s = {.out = out, .watch = w, .look = look};
    heading(&s);
    if (top_newest(w)) {
        subjects(&s);
        gpus(&s);
        endpoints(&s);
        troubles(&s);
    }
    buf_release(&s.line);
    return s.failed ? E_NOMEM : 0;
}
