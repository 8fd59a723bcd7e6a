/* See quality_report.h. Here are the rows, the table and JSON; the page is in quality_page.c. */
#include "cli/quality_report.h"

#include "base/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int quality_add_run(struct quality_report *r, const ishow_quality_run *run, double wer)
{
    char *text = strdup(run->text);
    if (!text || ARRAY_GROW(r->rows, r->n, r->cap)) {
        free(text);
        return E_NOMEM;
    }
    struct quality_row *row = &r->rows[r->n++];
    *row = (struct quality_row){.text = text,
                                .text_index = run->text_index,
                                .nfe = run->nfe,
                                .seconds = (double)run->sample_count / ISHOW_RATE,
                                .took = run->took,
                                .nmse = run->nmse,
                                .nmse_best = run->nmse_best,
                                .lsd = run->lsd,
                                .snr = run->snr,
                                .wer = wer};
    snprintf(row->precision, sizeof row->precision, "%s", run->precision);
    return 0;
}

int quality_add_verdict(struct quality_report *r, const ishow_quality_verdict *v)
{
    if (ARRAY_GROW(r->verdicts, r->verdict_n, r->verdict_cap))
        return E_NOMEM;
    struct quality_verdict *mine = &r->verdicts[r->verdict_n++];
    *mine = (struct quality_verdict){.nfe = v->nfe, .good = v->good, .nmse = v->nmse};
    snprintf(mine->precision, sizeof mine->precision, "%s", v->precision);
    return 0;
}

void quality_release(struct quality_report *r)
{
    for (size_t i = 0; i < r->n; i++)
        free(r->rows[i].text);
    free(r->rows);
    free(r->verdicts);
    *r = (struct quality_report){0};
}

static int same_group(const struct quality_row *a, const struct quality_row *b)
{
    return a->nfe == b->nfe && strcmp(a->precision, b->precision) == 0;
}

/* The first row of group number `group`, or NULL. */
static const struct quality_row *group_head(const struct quality_report *r, int group)
{
    for (size_t i = 0; i < r->n; i++) {
        size_t k = 0;
        while (k < i && !same_group(&r->rows[k], &r->rows[i]))
            k++;
        if (k == i && group-- == 0)
            return &r->rows[i];
    }
    return NULL;
}

int quality_group(const struct quality_report *r, int group, struct quality_row *ret)
{
    const struct quality_row *head = group_head(r, group);
    int n = 0, heard = 0;
    if (!head)
        return 0;
    struct quality_row sum = {.nfe = head->nfe};
    memcpy(sum.precision, head->precision, sizeof sum.precision);
    for (size_t i = 0; i < r->n; i++) {
        const struct quality_row *row = &r->rows[i];
        if (!same_group(row, head))
            continue;
        n++;
        sum.seconds += row->seconds;
        sum.took += row->took;
        sum.nmse += row->nmse;
        sum.nmse_best += row->nmse_best;
        sum.lsd += row->lsd;
        sum.snr += row->snr;
        if (!isnan(row->wer)) {
            sum.wer += row->wer;
            heard++;
        }
    }
    sum.nmse /= n;
    sum.nmse_best /= n;
    sum.lsd /= n;
    sum.snr /= n;
    sum.wer = heard ? sum.wer / heard : NAN;
    *ret = sum;
    return n;
}

void quality_table(FILE *out, const struct quality_report *r)
{
    struct quality_row g;
    fprintf(out, "%-22s %4s %10s %10s %8s %8s %7s %6s %6s\n", "precision", "nfe", "NMSE", "NMSE to 32", "LSD dB",
            "SNR dB", "seconds", "RTF", "WER");
    for (int i = 0; quality_group(r, i, &g); i++) {
        fprintf(out, "%-22s %4d %10.2e %10.2e %8.2f ", g.precision, g.nfe, g.nmse, g.nmse_best, g.lsd);
        fprintf(out, isinf(g.snr) ? "%8s" : "%.0s%8.1f", "same", g.snr);
        fprintf(out, " %7.2f %6.3f ", g.seconds, g.took / g.seconds);
        fprintf(out, isnan(g.wer) ? "%6s\n" : "%.0s%5.1f%%\n", "-", 100 * g.wer);
    }
    fputc('\n', out);
    for (size_t i = 0; i < r->verdict_n; i++)
        fprintf(out, "%s: NMSE %.2e against f32 with %d evaluations, %s\n", r->verdicts[i].precision,
                r->verdicts[i].nmse, r->verdicts[i].nfe,
                r->verdicts[i].good ? "as good as f32" : "not good enough (1e-3)");
    fprintf(out, "auto takes %s\n", r->chosen);
}

/* A number, or null for what JSON has no number for. */
static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *row_json(const struct quality_row *row, int with_text)
{
    json_t *o = json_pack("{s:s, s:i, s:f, s:f, s:o, s:o, s:o, s:o, s:o}", "precision", row->precision, "nfe", row->nfe,
                          "audio_seconds", row->seconds, "seconds", row->took, "mel_nmse", number(row->nmse),
                          "mel_nmse_to_32", number(row->nmse_best), "lsd_db", number(row->lsd), "snr_db",
                          number(row->snr), "wer", number(row->wer));
    if (with_text && o && json_object_set_new(o, "text", json_string(row->text))) {
        json_decref(o);
        return NULL;
    }
    return o;
}

json_t *quality_json(const struct quality_report *r)
{
    json_t *runs = json_array(), *means = json_array(), *verdicts = json_array();
    struct quality_row g;
    int failed = 0;
    for (size_t i = 0; i < r->n; i++)
        failed |= json_array_append_new(runs, row_json(&r->rows[i], 1));
    for (int i = 0; quality_group(r, i, &g); i++)
        failed |= json_array_append_new(means, row_json(&g, 0));
    for (size_t i = 0; i < r->verdict_n; i++) {
        const struct quality_verdict *v = &r->verdicts[i];
        failed |= json_array_append_new(verdicts, json_pack("{s:s, s:i, s:o, s:b}", "precision", v->precision, "nfe",
                                                            v->nfe, "mel_nmse", number(v->nmse), "good", v->good));
    }
    json_t *all = json_pack("{s:s, s:s, s:o, s:o, s:o}", "model", r->model, "auto", r->chosen, "verdicts", verdicts,
                            "means", means, "runs", runs);
    if (failed) {
        json_decref(all);
        return NULL;
    }
    return all;
}
