/* The result of a bench as SVG, and as a page that needs nothing but itself. */
#include "cli/bench_report.h"

#include "base/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH        900
#define LEFT         210
#define RIGHT        150
#define BAR          30
#define PLOT         (WIDTH - LEFT - RIGHT)
#define CURVE_HEIGHT 320
#define TICKS        5

static const char *const colours[] = {"#7a8b99", "#b0a160", "#3b6ea5", "#c2553f", "#6aa5c9",
                                      "#4c9a6a", "#9a6fb0", "#d69a3c", "#999999"};
static const char *const lines[] = {"#3b6ea5", "#c2553f", "#4c9a6a", "#9a6fb0", "#d69a3c", "#7a8b99"};
#define LINES (sizeof lines / sizeof *lines)

static const char style[] = "<style>text{font:13px sans-serif;fill:#333}.s{font-size:11px;fill:#666}"
                            ".g{stroke:#ddd}.n{text-anchor:end}.m{text-anchor:middle}</style>";

/* Text that stands in markup. */
static int add_escaped(struct buf *b, const char *s)
{
    int failed = 0;
    for (; *s; s++)
        failed |= *s == '<'   ? buf_add_str(b, "&lt;")
                  : *s == '>' ? buf_add_str(b, "&gt;")
                  : *s == '&' ? buf_add_str(b, "&amp;")
                  : *s == '"' ? buf_add_str(b, "&quot;")
                              : buf_add_char(b, *s);
    return failed;
}

/* 1, 2 or 5 times a power of ten: the distance of about `TICKS` marks up to `most`. */
static double tick(double most)
{
    const double raw = most / TICKS, power = pow(10, floor(log10(raw)));
    return raw / power > 5 ? 10 * power : raw / power > 2 ? 5 * power : raw / power > 1 ? 2 * power : power;
}

static double zero_or(double v)
{
    return isfinite(v) && v > 0 ? v : 0;
}

/* -------- bars: where the time of a run goes -------- */

static double run_seconds(const json_t *run)
{
    const json_t *all = json_object_get(run, "components");
    double sum = 0;
    for (int k = 0; bench_components[k]; k++)
        sum += zero_or(bench_number(json_object_get(all, bench_components[k]), "seconds"));
    return sum;
}

static int bar(struct buf *b, const json_t *run, double y, double scale)
{
    const json_t *all = json_object_get(run, "components");
    double x = LEFT;
    int failed = buf_addf(b, "<text class='n' x='%d' y='%g'>", LEFT - 8, y + 14) |
                 add_escaped(b, bench_text(run, "precision")) | buf_add_str(b, ", ") |
                 add_escaped(b, bench_text(run, "text")) |
                 buf_addf(b, ", nfe %.0f</text>", zero_or(bench_number(run, "nfe")));
    for (int k = 0; bench_components[k]; k++) {
        const double width = zero_or(bench_number(json_object_get(all, bench_components[k]), "seconds")) * scale;
        failed |=
            buf_addf(b, "<rect x='%.1f' y='%.0f' width='%.1f' height='20' fill='%s'><title>%s %.3f s</title></rect>", x,
                     y, width, colours[k], bench_components[k], width / scale);
        x += width;
    }
    return failed | buf_addf(b, "<text x='%.1f' y='%g'>%.2f s, RTF %.2f</text>", x + 6, y + 14, run_seconds(run),
                             zero_or(bench_number(run, "rtf_mean")));
}

static int draw_bars(struct buf *b, const json_t *runs)
{
    double most = 0;
    size_t i;
    const json_t *r;
    json_array_foreach(runs, i, r) most = fmax(most, run_seconds(r));
    if (most <= 0)
        return E_NOTFOUND;
    const double scale = PLOT / most, height = 60 + BAR * (double)json_array_size(runs), step = tick(most);
    int failed = buf_addf(b, "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%.0f' role='img'>%s", WIDTH,
                          height, style);
    for (int k = 0; bench_components[k]; k++)
        failed |=
            buf_addf(b, "<rect x='%d' y='6' width='12' height='12' fill='%s'/><text class='s' x='%d' y='16'>%s</text>",
                     60 + 88 * k, colours[k], 76 + 88 * k, bench_components[k]);
    for (double v = 0; v <= most; v += step)
        failed |= buf_addf(
            b, "<line class='g' x1='%.1f' y1='28' x2='%.1f' y2='%.0f'/><text class='s m' x='%.1f' y='%.0f'>%g s</text>",
            LEFT + v * scale, LEFT + v * scale, height - 22, LEFT + v * scale, height - 8, v);
    json_array_foreach(runs, i, r) failed |= bar(b, r, 34 + BAR * (double)i, scale);
    return failed | buf_add_str(b, "</svg>\n") ? E_NOMEM : 0;
}

/* -------- curves: what an evaluation costs as frames grow -------- */

struct axes {
    double frames, seconds; /* most of each */
    double x, y;            /* pixels for one */
};

/* One precision's points from `from` on, all of it or without attention; points come in any order of frames, but
 * neighbours are joined. */
static int curve(struct buf *b, const json_t *sweep, const char *precision, int without, const char *colour,
                 const struct axes *a)
{
    size_t i;
    const json_t *r;
    int failed = buf_addf(b, "<polyline fill='none' stroke='%s' stroke-width='2'%s points='", colour,
                          without ? " stroke-dasharray='5 4'" : "");
    json_array_foreach(sweep, i, r)
    {
        if (strcmp(bench_text(r, "precision"), precision) != 0)
            continue;
        const double v = zero_or(bench_number(r, "evaluation_cpu_seconds")) -
                         (without ? zero_or(bench_number(r, "attention_cpu_seconds")) : 0);
        failed |=
            buf_addf(b, "%.1f,%.1f ", LEFT + zero_or(bench_number(r, "frames")) * a->x, 20 + CURVE_HEIGHT - v * a->y);
    }
    return failed | buf_add_str(b, "'/>");
}

static int draw_curves(struct buf *b, const json_t *sweep)
{
    struct axes a = {0};
    size_t i;
    const json_t *r;
    json_array_foreach(sweep, i, r)
    {
        a.frames = fmax(a.frames, zero_or(bench_number(r, "frames")));
        a.seconds = fmax(a.seconds, zero_or(bench_number(r, "evaluation_cpu_seconds")));
    }
    if (a.frames <= 0 || a.seconds <= 0)
        return E_NOTFOUND;
    a.x = PLOT / a.frames;
    a.y = CURVE_HEIGHT / a.seconds;
    const double bottom = 20 + CURVE_HEIGHT, across = tick(a.frames), up = tick(a.seconds);
    int failed = buf_addf(b, "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%.0f' role='img'>%s", WIDTH,
                          bottom + 50, style);
    for (double v = 0; v <= a.frames; v += across)
        failed |= buf_addf(
            b, "<line class='g' x1='%.1f' y1='20' x2='%.1f' y2='%.0f'/><text class='s m' x='%.1f' y='%.0f'>%g</text>",
            LEFT + v * a.x, LEFT + v * a.x, bottom, LEFT + v * a.x, bottom + 16, v);
    for (double v = 0; v <= a.seconds; v += up)
        failed |= buf_addf(
            b, "<line class='g' x1='%d' y1='%.1f' x2='%d' y2='%.1f'/><text class='s n' x='%d' y='%.1f'>%g s</text>",
            LEFT, bottom - v * a.y, LEFT + PLOT, bottom - v * a.y, LEFT - 6, bottom - v * a.y + 4, v);
    failed |= buf_addf(
        b,
        "<text class='s' x='%d' y='%.0f'>frames of clip and speech; seconds of one evaluation by CPU time over "
        "threads; dashed: without attention</text>",
        LEFT, bottom + 38);
    size_t shown = 0;
    json_array_foreach(sweep, i, r)
    {
        const char *name = bench_text(r, "precision");
        size_t j = 0; /* the first point of a precision draws it whole */
        while (j < i && strcmp(bench_text(json_array_get(sweep, j), "precision"), name) != 0)
            j++;
        if (j < i)
            continue;
        const char *colour = lines[shown % LINES];
        failed |= curve(b, sweep, name, 0, colour, &a) | curve(b, sweep, name, 1, colour, &a) |
                  buf_addf(b, "<rect x='8' y='%zu' width='12' height='12' fill='%s'/><text x='26' y='%zu'>",
                           24 + 20 * shown, colour, 35 + 20 * shown) |
                  add_escaped(b, name) | buf_add_str(b, "</text>");
        shown++;
    }
    return failed | buf_add_str(b, "</svg>\n") ? E_NOMEM : 0;
}

int bench_svg(struct buf *out, const json_t *result)
{
    const json_t *runs = json_object_get(result, "runs"), *sweep = json_object_get(result, "sweep");
    return json_array_size(runs) ? draw_bars(out, runs) : draw_curves(out, sweep);
}

/* The table as the terminal has it, escaped. */
static int add_table(struct buf *out, const json_t *result)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return -1;
    bench_table(f, result);
    int failed = fclose(f) || add_escaped(out, text);
    free(text);
    return failed;
}

int bench_html(struct buf *out, const json_t *result)
{
    const json_t *m = json_object_get(result, "machine");
    int failed =
        buf_add_str(out, "<!DOCTYPE html>\n<html lang='en'><meta charset='utf-8'><title>ishowtts bench</title>\n"
                         "<style>body{font:15px sans-serif;margin:2em;color:#333}pre{font-size:12px;overflow:auto}"
                         "</style>\n<h1>ishowtts bench</h1>\n<p>") |
        add_escaped(out, bench_text(m, "cpu")) | buf_add_str(out, ", ") | add_escaped(out, bench_text(m, "date")) |
        buf_add_str(out, "</p>\n");
    int rc = failed ? E_NOMEM : bench_svg(out, result);
    if (rc)
        return rc;
    return buf_add_str(out, "<pre>") || add_table(out, result) || buf_add_str(out, "</pre>\n</html>\n") ? E_NOMEM : 0;
}
