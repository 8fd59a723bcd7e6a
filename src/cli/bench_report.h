/* What `ishowtts bench` makes of a result: the JSON object of ishow_bench, fresh or from a file that may hold
 * anything. */
#ifndef ISHOW_CLI_BENCH_REPORT_H
#define ISHOW_CLI_BENCH_REPORT_H

#include "base/buf.h"

#include <jansson.h>
#include <stdio.h>

/* A number of an object, NAN when there is none; a text, "" when there is none. */
double bench_number(const json_t *o, const char *key);
const char *bench_text(const json_t *o, const char *key);

/* The components in the order of the model; ends with NULL. */
extern const char *const bench_components[];

void bench_table(FILE *out, const json_t *result);

/* Run by run against an older result: prints a line for each pair, and how many runs are slower, or larger in memory,
 * by more than `threshold` (0.05 is 5 %) into ret_worse. -1 when the two have no run in common. */
int bench_compare(FILE *out, const json_t *result, const json_t *old, double threshold, int *ret_worse);

/* Charts appended to `out`: bars of where the time of each run goes, or curves of cost over frames for a sweep.
 * 0 or E_NOMEM; E_NOTFOUND when there is nothing to draw. */
int bench_svg(struct buf *out, const json_t *result);
int bench_html(struct buf *out, const json_t *result); /* a page with the chart and the table */

#endif
