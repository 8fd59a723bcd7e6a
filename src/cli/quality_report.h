/* What `ishowtts quality` makes of its runs: a table, one JSON object, a page with players, pictures and curves. */
#ifndef ISHOW_CLI_QUALITY_REPORT_H
#define ISHOW_CLI_QUALITY_REPORT_H

#include "base/buf.h"
#include "ishowtts.h"

#include <jansson.h>
#include <stdio.h>

struct quality_row {
    char *text; /* owned */
    int text_index;
    char precision[ISHOW_PRECISION_TEXT];
    int nfe;
    double seconds, took;
    double nmse, nmse_best, lsd, snr;
    double wer; /* NaN: not listened to */
};

struct quality_verdict {
    char precision[ISHOW_PRECISION_TEXT];
    int nfe, good;
    double nmse;
};

struct quality_report {
    struct quality_row *rows; /* owned */
    size_t n, cap;
    struct quality_verdict *verdicts; /* owned */
    size_t verdict_n, verdict_cap;
    char chosen[ISHOW_PRECISION_TEXT]; /* by "auto" */
    char model[256];
};

/* Copies the figures; 0 or E_NOMEM. */
int quality_add_run(struct quality_report *r, const ishow_quality_run *run, double wer);
int quality_add_verdict(struct quality_report *r, const ishow_quality_verdict *v);
void quality_release(struct quality_report *r);

/* The rows of one precision and number of evaluations together: means over their texts. Returns how many there
 * are; `group` counts from 0 in the order of the runs. */
int quality_group(const struct quality_report *r, int group, struct quality_row *ret);

void quality_table(FILE *out, const struct quality_report *r);
json_t *quality_json(const struct quality_report *r); /* NULL when memory has run out */

/* "text1-int8-first1-last1-7": the name of a run's files in the page's folder, less ".wav" and ".bmp". */
void quality_file(const char *precision, int nfe, int text_index, char out[128]);
int quality_page(struct buf *out, const struct quality_report *r); /* index.html */

/* A mel [frames, bands] as a picture, low bands at the bottom: an 8-bit BMP, which every browser shows. */
int quality_picture(struct buf *out, const float *mel, int frames, int bands);

#endif
