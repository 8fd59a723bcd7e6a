/* What a page of a server's metrics says, and what two of them say together. */
#ifndef ISHOW_CLI_TOP_PAGE_H
#define ISHOW_CLI_TOP_PAGE_H

#include <stddef.h>

#define TOP_LABEL_MAX   48 /* bytes with the '\0' */
#define TOP_COUNTS_MAX  96 /* combinations of labels that are kept */
#define TOP_BUCKETS_MAX 32
#define TOP_GPUS_MAX    8

enum top_number { /* NaN when the page does not have it */
    TOP_FALLBACKS,
    TOP_CANCELLED,
    TOP_AUDIO_SECONDS,
    TOP_QUEUE_DEPTH,
    TOP_QUEUE_CAPACITY,
    TOP_IN_FLIGHT,
    TOP_MODEL_READY,
    TOP_VOICES,
    TOP_CONNECTIONS,
    TOP_CPU_SECONDS,
    TOP_MEMORY,
    TOP_OPEN_FILES,
    TOP_STARTED, /* seconds since 1970 */
    TOP_NUMBERS
};

enum top_spread { TOP_SYNTHESIS, TOP_FIRST_AUDIO, TOP_QUEUE_WAIT, TOP_RTF, TOP_BATCH, TOP_SPREADS };

struct top_spread_data { /* a histogram, its label values added up */
    double bound[TOP_BUCKETS_MAX], below[TOP_BUCKETS_MAX]; /* rising; how many were at most that */
    int buckets;
    double sum, count;
};

enum top_kind { TOP_REQUESTS, TOP_ERRORS, TOP_REJECTED, TOP_RETRIES, TOP_DEGRADED, TOP_KINDS };

struct top_count {
    enum top_kind kind;
    char label[TOP_LABEL_MAX]; /* endpoint, reason or step */
    char status[TOP_LABEL_MAX]; /* of TOP_REQUESTS, else "" */
    double n;
};

struct top_gpu {
    char name[TOP_LABEL_MAX];
    double percent, used, total;
};

struct top_page {
    double at; /* clock_seconds() */
    double numbers[TOP_NUMBERS];
    struct top_spread_data spreads[TOP_SPREADS];
    struct top_count counts[TOP_COUNTS_MAX];
    int count_count;
    struct top_gpu gpus[TOP_GPUS_MAX];
    int gpu_count;
    char version[TOP_LABEL_MAX], kernels[TOP_LABEL_MAX], engine[TOP_LABEL_MAX];
};

void top_page_read(struct top_page *p, const char *text, size_t len, double at);

/* The page that the server had when it started: all counters at 0. `wall` is the time in seconds since 1970. */
void top_page_before(struct top_page *p, const struct top_page *first, double wall);

/* Whether `now` is of the same process as `before`, so that their difference means something. */
int top_same_process(const struct top_page *before, const struct top_page *now);

/* All of these are about what happened between two pages; NaN when nothing did or the metric is missing. */
double top_rate(const struct top_page *before, const struct top_page *now, enum top_number n);      /* a second */
double top_count_rate(const struct top_page *before, const struct top_page *now, int index); /* now->counts[index] */
double top_kind_rate(const struct top_page *before, const struct top_page *now, enum top_kind kind);
double top_mean(const struct top_page *before, const struct top_page *now, enum top_spread s);
/* The value that `part` of all are not above, taking them as evenly spread within a bucket; the highest bound when it
 * is above all of them. */
double top_percentile(const struct top_page *before, const struct top_page *now, enum top_spread s, double part);

double top_kind_total(const struct top_page *p, enum top_kind kind);

#endif
