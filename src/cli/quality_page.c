/* The page of `ishowtts quality --html`: figures, a curve, and each text to hear and see at every precision. It
 * stands alone in its folder, with the sounds and pictures beside it, and loads nothing from elsewhere. */
#include "cli/quality_report.h"

#include "base/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* -------- pictures -------- */

#define FLOOR (-11.5f) /* log 1e-5, where the mel ends */
#define CEILING 4.0f

static void put16(unsigned char *p, unsigned v)
{
    p[0] = v & 255;
    p[1] = v >> 8 & 255;
}

static void put32(unsigned char *p, uint32_t v)
{
    put16(p, v & 0xFFFF);
    put16(p + 2, v >> 16);
}

/* Black over violet and orange to white, blue first. */
static void colour(int i, unsigned char *bgr)
{
    const float x = (float)i / 255;
    const float r = x < 0.15f ? x : 0.15f + (x - 0.15f) * 1.5f;
    const float g = x * x, b = x < 0.4f ? 1.4f * x : x < 0.7f ? 0.56f - (x - 0.4f) * 1.5f : (x - 0.7f) * 3;
    bgr[0] = (unsigned char)(255 * (b < 0.05f ? 0.05f : b > 1 ? 1 : b));
    bgr[1] = (unsigned char)(255 * g);
    bgr[2] = (unsigned char)(255 * (r > 1 ? 1 : r));
}

int quality_picture(struct buf *out, const float *mel, int frames, int bands)
{
    enum { HEADER = 54, PALETTE = 1024, TALL = 2 /* rows a band */ };
    unsigned char head[HEADER + PALETTE] = {'B', 'M'}, *line;
    const size_t stride = ((size_t)frames + 3) / 4 * 4, pixels = stride * (size_t)bands * TALL;
    put32(head + 2, (uint32_t)(sizeof head + pixels));
    put32(head + 10, sizeof head);
    put32(head + 14, 40);
    put32(head + 18, (uint32_t)frames);
    put32(head + 22, (uint32_t)(bands * TALL));
    put16(head + 26, 1);
    put16(head + 28, 8);
    put32(head + 34, (uint32_t)pixels);
    put32(head + 46, 256);
    for (int i = 0; i < 256; i++)
        colour(i, head + HEADER + 4 * i);
    if (buf_add(out, head, sizeof head) || !(line = calloc(1, stride)))
        return E_NOMEM;
    int rc = 0;
    for (int row = 0; row < bands * TALL && !rc; row++) {
        for (int f = 0; f < frames; f++) {
            const float x = (mel[(size_t)f * (size_t)bands + (size_t)(row / TALL)] - FLOOR) / (CEILING - FLOOR);
            line[f] = (unsigned char)(x > 0 ? x < 1 ? 255 * x : 255 : 0); /* NaN is black */
        }
        rc = buf_add(out, line, stride);
    }
    free(line);
    return rc;
}

void quality_file(const char *precision, int nfe, int text_index, char out[128])
{
    snprintf(out, 128, "text%d-%s-%d", text_index + 1, precision, nfe);
    for (char *p = out; *p; p++)
        if (*p == ':' || *p == ',')
            *p = '-';
}

/* -------- the page -------- */

static int add_text(struct buf *out, const char *s)
{
    int rc = 0;
    for (; *s && !rc; s++)
        rc = *s == '<' ? buf_add_str(out, "&lt;") : *s == '&' ? buf_add_str(out, "&amp;") : buf_add_char(out, *s);
    return rc;
}

static int add_cells(struct buf *out, const struct quality_row *r)
{
    int rc = buf_addf(out, "<td>%s</td><td>%d</td><td>%.2e</td><td>%.2e</td><td>%.2f</td>", r->precision, r->nfe,
                      r->nmse, r->nmse_best, r->lsd);
    if (!rc)
        rc = isinf(r->snr) ? buf_add_str(out, "<td>same</td>") : buf_addf(out, "<td>%.1f</td>", r->snr);
    if (!rc)
        rc = buf_addf(out, "<td>%.2f</td><td>%.3f</td>", r->seconds, r->took / r->seconds);
    if (!rc)
        rc = isnan(r->wer) ? buf_add_str(out, "<td>-</td>") : buf_addf(out, "<td>%.1f %%</td>", 100 * r->wer);
    return rc;
}

#define CELL_NAMES                                                                                                     \
    "<th>precision<th>evaluations<th>mel NMSE<th>NMSE to f32, 32<th>LSD dB<th>SNR dB<th>seconds<th>RTF<th>WER"

static int add_table(struct buf *out, const struct quality_report *r)
{
    struct quality_row g;
    int rc = buf_add_str(out, "<table><tr>" CELL_NAMES "</tr>\n");
    for (int i = 0; !rc && quality_group(r, i, &g); i++)
        if (!(rc = buf_add_str(out, "<tr>")) && !(rc = add_cells(out, &g)))
            rc = buf_add_str(out, "</tr>\n");
    return rc ? rc : buf_add_str(out, "</table>\n");
}

enum { WIDE = 640, HIGH = 300, LEFT = 60, BOTTOM = 260, TOP = 20 };

/* Evaluations to the right on a log scale, NMSE up on another. */
static double curve_x(int nfe)
{
    return LEFT + 20 + log2(nfe) / 8 * (WIDE - LEFT - 40);
}

static double curve_y(double nmse)
{
    const double decades = log10(nmse < 1e-7 ? 1e-7 : nmse > 10 ? 10 : nmse); /* -7..1 */
    return BOTTOM - (decades + 7) / 8 * (BOTTOM - TOP);
}

static int add_grid(struct buf *out)
{
    int rc = 0;
    for (int d = -7; d <= 1 && !rc; d++) {
        const double y = curve_y(pow(10, d));
        rc = buf_addf(out, "<path d='M%d %.1fH%d' stroke='#ddd'/><text x='%d' y='%.1f' text-anchor='end'>1e%d</text>\n",
                      LEFT, y, WIDE - 10, LEFT - 6, y + 4, d);
    }
    for (int n = 1; n <= 256 && !rc; n *= 2)
        rc = buf_addf(out, "<text x='%.1f' y='%d' text-anchor='middle'>%d</text>\n", curve_x(n), BOTTOM + 18, n);
    return rc;
}

/* One line a precision through its groups, which stand in any order. */
static int add_curves(struct buf *out, const struct quality_report *r)
{
    static const char *const colours[] = {"#222", "#06c", "#c30", "#090", "#90c", "#c80"};
    struct quality_row g, other;
    int rc = buf_addf(out,
                      "<svg viewBox='0 0 %d %d' width='%d' role='img'><title>NMSE against f32 with 32 evaluations, by "
                      "evaluations</title>\n",
                      WIDE, HIGH, WIDE);
    if (!rc)
        rc = add_grid(out);
    for (int i = 0, lines = 0; !rc && quality_group(r, i, &g); i++) {
        int first = 1;
        for (int k = 0; first && k < i; k++)
            first = !(quality_group(r, k, &other) && strcmp(other.precision, g.precision) == 0);
        if (!first)
            continue;
        const char *ink = colours[lines % 6];
        rc = buf_addf(out, "<g fill='%s'>", ink);
        double last_x = -1, last_y = 0;
        for (int nfe = 1; !rc && nfe <= ISHOW_NFE_MAX; nfe++)
            for (int k = 0; !rc && quality_group(r, k, &other); k++) {
                if (other.nfe != nfe || strcmp(other.precision, g.precision) != 0)
                    continue;
                const double x = curve_x(nfe), y = curve_y(other.nmse_best);
                rc = buf_addf(out, "<circle cx='%.1f' cy='%.1f' r='4'/>", x, y);
                if (!rc && last_x >= 0)
                    rc = buf_addf(out, "<path d='M%.1f %.1fL%.1f %.1f' stroke='%s'/>", last_x, last_y, x, y, ink);
                last_x = x;
                last_y = y;
            }
        if (!rc)
            rc = buf_addf(out, "<text x='%d' y='%d'>%s</text></g>\n", LEFT + 30, TOP + 14 * ++lines, g.precision);
    }
    return rc ? rc
              : buf_addf(out, "<text x='%d' y='%d' text-anchor='middle'>evaluations</text></svg>\n", WIDE / 2,
                         HIGH - 6);
}

static int add_texts(struct buf *out, const struct quality_report *r)
{
    char file[128];
    int rc = 0;
    for (int t = 0;; t++) {
        int found = 0;
        for (size_t i = 0; i < r->n && !rc; i++) {
            const struct quality_row *row = &r->rows[i];
            if (row->text_index != t)
                continue;
            if (!found++ && ((rc = buf_add_str(out, "<h2>")) || (rc = add_text(out, row->text)) ||
                             (rc = buf_add_str(out, "</h2>\n<table><tr>" CELL_NAMES "<th>sound<th>mel</tr>\n"))))
                break;
            quality_file(row->precision, row->nfe, t, file);
            if (!(rc = buf_add_str(out, "<tr>")) && !(rc = add_cells(out, row)))
                rc = buf_addf(out, "<td><audio controls preload='none' src='%s.wav'></audio></td>"
                                   "<td><img src='%s.bmp' alt='spectrogram' loading='lazy'></td></tr>\n", file, file);
        }
        if (!found || rc)
            return rc;
        if ((rc = buf_add_str(out, "</table>\n")))
            return rc;
    }
}

int quality_page(struct buf *out, const struct quality_report *r)
{
    int rc = buf_add_str(out, "<!DOCTYPE html>\n<html lang='en'><meta charset='utf-8'><title>ishowtts quality</title>\n"
                              "<style>body{font:15px sans-serif;margin:2em;max-width:90em}td,th{padding:.2em .8em;"
                              "text-align:right}table{border-collapse:collapse}tr{border-bottom:1px solid #ddd}"
                              "svg{font-size:12px}img{max-width:30em;height:100px}h2{font-size:16px}</style>\n"
                              "<h1>Quality by precision and evaluations</h1>\n<p>Model: ");
    if (!rc)
        rc = add_text(out, r->model);
    if (!rc)
        rc = buf_addf(out,
                      ". <b>auto</b> takes %s. NMSE: of the mel, against f32 with as many evaluations, and against f32 "
                      "with 32; LSD, SNR: of the wave, against the latter. Means over the texts.</p>\n",
                      r->chosen);
    if (rc || (rc = add_table(out, r)) || (rc = add_curves(out, r)) || (rc = add_texts(out, r)))
        return rc;
    return buf_add_str(out, "</html>\n");
}
