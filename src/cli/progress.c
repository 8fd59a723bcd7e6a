/* See progress.h. The rate is that of the last few seconds, from a ring of (time, bytes) samples. */
#include "cli/progress.h"

#include "base/clock.h"
#include "cli/terminal.h"

#include <stdarg.h>
#include <string.h>

#define DRAW_EVERY 0.1   /* seconds */
#define PLAIN_EVERY 2    /* seconds */
#define SAMPLE_EVERY 0.4 /* seconds: the ring spans 6 */
#define BAR_MAX 30       /* columns */
#define LABEL_MAX 36     /* columns; our labels are ASCII */

void format_bytes(uint64_t bytes, char out[32])
{
    double b = (double)bytes;
    if (bytes < 1000)
        snprintf(out, 32, "%d B", (int)bytes);
    else if (b < 999.5e3)
        snprintf(out, 32, "%.*f kB", b < 99.95e3, b / 1e3);
    else if (b < 999.5e6)
        snprintf(out, 32, "%.*f MB", b < 99.95e6, b / 1e6);
    else
        snprintf(out, 32, "%.2f GB", b / 1e9);
}

static void format_time(double seconds, char out[32])
{
    int s = seconds < 0 ? 0 : seconds > 359999 ? 359999 : (int)(seconds + 0.5);
    if (s >= 3600)
        snprintf(out, 32, "%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, 32, "%d:%02d", s / 60, s % 60);
}

void progress_init(struct progress *p, FILE *out)
{
    *p = (struct progress){
        .out = out, .live = terminal_live(out), .utf8 = terminal_utf8(), .drawn_at = clock_seconds()};
}

void progress_restart(struct progress *p)
{
    p->samples = 0;
}

void progress_clear(struct progress *p)
{
    if (p->drawn)
        fputs("\r\033[K", p->out);
    p->drawn = 0;
    fflush(p->out);
}

void progress_say(struct progress *p, const char *fmt, ...)
{
    progress_clear(p);
    va_list ap;
    va_start(ap, fmt);
    vfprintf(p->out, fmt, ap);
    va_end(ap);
    fputc('\n', p->out);
    fflush(p->out);
}

/* Adds a sample and answers bytes a second over the ring, 0 while it cannot be told. */
static double take_sample(struct progress *p, double now, uint64_t done)
{
    if (p->samples && done < p->bytes[p->samples - 1])
        p->samples = 0; /* a start over */
    if (p->samples == 0 || now - p->time[p->samples - 1] >= SAMPLE_EVERY) {
        if (p->samples == PROGRESS_SAMPLES) {
            memmove(p->time, p->time + 1, sizeof p->time - sizeof *p->time);
            memmove(p->bytes, p->bytes + 1, sizeof p->bytes - sizeof *p->bytes);
            p->samples--;
        }
        p->time[p->samples] = now;
        p->bytes[p->samples++] = done;
    }
    double span = now - p->time[0];
    return span < 0.2 ? 0 : (double)(done - p->bytes[0]) / span;
}

static void draw_bar(const struct progress *p, int columns, double part)
{
    int full = (int)(part * columns + 0.5);
    for (int i = 0; i < columns; i++)
        fputs(i < full ? (p->utf8 ? "█" : "#") : (p->utf8 ? "░" : "."), p->out);
}

static void show_live(struct progress *p, const char *label, double part, uint64_t total, const char *tail)
{
    char all[32];
    format_bytes(total, all);
    int width = terminal_width(p->out) - 1;
    int percent = (int)(part * 100);
    /* label, bar, "100 % of 1.35 GB" and the tail, as far as they have room; the label yields last */
    int rest = (int)(sizeof " 100 % of " + strlen(all) + strlen(tail));
    int name = width - rest < LABEL_MAX ? width - rest : LABEL_MAX;
    if (name > (int)strlen(label))
        name = (int)strlen(label);
    if (name < 0)
        name = 0;
    int bar = width - rest - name - 2;
    fputs("\r\033[K", p->out);
    fprintf(p->out, "%.*s ", name, label);
    if (bar >= 5)
        draw_bar(p, bar < BAR_MAX ? bar : BAR_MAX, part);
    if (width >= name + 8)
        fprintf(p->out, " %3d %%", percent);
    if (width >= name + rest)
        fprintf(p->out, " of %s%s", all, tail);
    fflush(p->out);
    p->drawn = 1;
}

void progress_show(struct progress *p, const char *label, uint64_t done, uint64_t total)
{
    double now = clock_seconds();
    double rate = take_sample(p, now, done);
    double part = total ? (double)done / (double)total : 0;
    char speed[32] = "", left[32] = "", tail[80] = "", all[32];
    if (rate > 0 && total) {
        format_bytes((uint64_t)rate, speed);
        format_time((double)(total - done) / rate, left);
        snprintf(tail, sizeof tail, ", %s/s, %s left", speed, left);
    }
    if (!p->live) {
        int tenth = (int)(part * 10);
        if (total == 0 || tenth == p->tenth || tenth == 0 || tenth >= 10 || now - p->drawn_at < PLAIN_EVERY)
            return;
        p->tenth = tenth;
        p->drawn_at = now;
        format_bytes(total, all);
        fprintf(p->out, "%s: %d %% of %s%s\n", label, (int)(part * 100), all, tail);
        fflush(p->out);
        return;
    }
    if (p->drawn && now - p->drawn_at < DRAW_EVERY)
        return;
    p->drawn_at = now;
    if (total) {
        show_live(p, label, part, total, tail);
        return;
    }
    fprintf(p->out, "\r\033[K%.*s", terminal_width(p->out) - 1, label);
    fflush(p->out);
    p->drawn = 1;
}
