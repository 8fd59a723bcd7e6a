/* What the server counts, as operators' tools read it: Prometheus' text format 0.0.4.
 *
 * All metrics stand in one table in metrics.c, with their names, labels and buckets. Whoever ends a request calls
 * metrics_count and metrics_observe; who shows the page sets the gauges first (server/metrics_page.h).
 * No locks: everything belongs to the loop's thread.
 *
 * Labels cannot be grown from outside: most have a list of values in the table, and what is not in it counts as
 * "other"; of the rest (an endpoint is the name of a route, a status its code) a fixed number of combinations is kept,
 * and what comes after that counts as "other" too. */
#ifndef ISHOW_SERVER_METRICS_H
#define ISHOW_SERVER_METRICS_H

#include "base/buf.h"

#define METRICS_CONTENT_TYPE    "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_SERIES_MAX      768 /* combinations of labels, of all metrics together */
#define METRICS_LABELS_MAX      3   /* labels of one metric */
#define METRICS_LABEL_VALUE_MAX 64  /* bytes with the '\0'; a longer value is cut at a character */
#define METRICS_BUCKETS_MAX     16  /* of one histogram, +Inf included */

/* With their labels. Those from METRIC_QUEUE_DEPTH on are set when the page is shown. */
enum metric {
    METRIC_REQUESTS,            /* endpoint, status */
    METRIC_ERRORS,              /* reason */
    METRIC_REJECTED,            /* reason */
    METRIC_RETRIES,             /* reason */
    METRIC_DEGRADED,            /* step */
    METRIC_FALLBACKS,
    METRIC_CANCELLED,
    METRIC_SYNTHESIS_SECONDS,   /* engine; a histogram */
    METRIC_FIRST_AUDIO_SECONDS, /* a histogram */
    METRIC_QUEUE_WAIT_SECONDS,  /* a histogram */
    METRIC_RTF,                 /* engine; a histogram */
    METRIC_BATCH_SIZE,          /* a histogram */
    METRIC_AUDIO_SECONDS,       /* engine */
    METRIC_HISTORY_DROPPED,
    METRIC_RELOADS,             /* result */
    METRIC_CHAT_MESSAGES,       /* platform, verdict */
    METRIC_CHAT_LATENCY,        /* a histogram */
    METRIC_QUEUE_DEPTH,
    METRIC_QUEUE_CAPACITY,
    METRIC_IN_FLIGHT,
    METRIC_MODEL_READY,
    METRIC_VOICES,
    METRIC_CHAT_QUEUE_DEPTH,
    METRIC_CHAT_LISTENERS,
    METRIC_HTTP_CONNECTIONS,
    METRIC_TLS_END,
    METRIC_BUILD_INFO,          /* version, kernels, engine */
    METRIC_PROCESS_CPU,
    METRIC_PROCESS_RESIDENT,
    METRIC_PROCESS_VIRTUAL,
    METRIC_PROCESS_THREADS,
    METRIC_PROCESS_OPEN_FDS,
    METRIC_PROCESS_MAX_FDS,
    METRIC_PROCESS_START,
    METRIC_GPU_UTILIZATION,     /* gpu */
    METRIC_GPU_MEMORY_USED,     /* gpu */
    METRIC_GPU_MEMORY_TOTAL,    /* gpu */
    METRIC_COUNT
};

/* The values of a metric's labels, in the table's order; METRIC_LABELS() is none. */
#define METRIC_LABELS(...) ((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

struct metrics;

int metrics_create(struct metrics **ret); /* E_NOMEM */
void metrics_free(struct metrics *m);     /* accepts NULL */

/* None of these fails; all accept a NULL `m`. Labels are copied. Counters and histograms pass over numbers that are not
 * finite; a gauge set to one is unknown, and left out of the page until it is set anew. */
void metrics_count(struct metrics *m, enum metric id, const char *const *labels, double n); /* n >= 0 */
void metrics_observe(struct metrics *m, enum metric id, const char *const *labels, double value);
void metrics_set(struct metrics *m, enum metric id, const char *const *labels, double value);
void metrics_unset(struct metrics *m, enum metric id); /* all series of a gauge: before it is set with other labels */

/* Appends the page. 0 or E_NOMEM; then what was appended is of no use. */
int metrics_render(const struct metrics *m, struct buf *out);

#endif
