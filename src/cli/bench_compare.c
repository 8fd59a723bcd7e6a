/* A result against an older one. Runs of the same precision, text, evaluations and frames are the same; what counts is
 * the mean real-time factor and the peak of memory. */
#include "cli/bench_report.h"

#include <math.h>
#include <string.h>

static int same_run(const json_t *a, const json_t *b)
{
    return strcmp(bench_text(a, "precision"), bench_text(b, "precision")) == 0 &&
           strcmp(bench_text(a, "text"), bench_text(b, "text")) == 0 &&
           bench_number(a, "nfe") == bench_number(b, "nfe") && bench_number(a, "frames") == bench_number(b, "frames");
}

/* Tells of one figure; 1 when it is worse. A figure that one of the two lacks is no regression. */
static int tell(FILE *out, const char *name, double now, double then, double scale, const char *unit, double threshold)
{
    if (!isfinite(now) || !isfinite(then) || now <= 0 || then <= 0)
        return 0;
    const double change = now / then - 1;
    const int worse = change > threshold;
    fprintf(out, "  %s %.3f%s -> %.3f%s, %+.1f %%%s\n", name, then * scale, unit, now * scale, unit, change * 100,
            worse                 ? ": WORSE"
            : change < -threshold ? ": better"
                                  : "");
    return worse;
}

int bench_compare(FILE *out, const json_t *result, const json_t *old, double threshold, int *ret_worse)
{
    const json_t *runs = json_object_get(result, "runs"), *before = json_object_get(old, "runs"), *r, *o;
    size_t i, j;
    int pairs = 0, worse = 0;
    json_array_foreach(runs, i, r){json_array_foreach(before, j, o){if (!same_run(r, o)) continue;
    fprintf(out, "%s, %s, %.0f evaluations, %.0f frames:\n", bench_text(r, "precision"), bench_text(r, "text"),
            bench_number(r, "nfe"), bench_number(r, "frames"));
    const int slow = tell(out, "RTF", bench_number(r, "rtf_mean"), bench_number(o, "rtf_mean"), 1, "", threshold);
    worse +=
        slow | tell(out, "memory", bench_number(r, "rss_bytes"), bench_number(o, "rss_bytes"), 1e-9, " GB", threshold);
    pairs++;
    break;
}
}
*ret_worse = worse;
return pairs ? 0 : -1;
}
