/* The table of metrics, the series that are kept of them, and the page.
 *
 * A series is one metric with one combination of label values. All live in one array of a fixed size; those of one
 * metric are a list through it, in the order in which they appeared. The last METRIC_COUNT places are kept for series
 * whose labels are "other", so that a full array still counts everything. */
#include "server/metrics.h"

#include "base/error.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { COUNTER, GAUGE, HISTOGRAM };

struct family {
    const char *name;
    const char *help;
    enum kind kind;
    const char *labels[METRICS_LABELS_MAX];
    const char *const *values; /* of the only label, NULL at the end; shown as 0 from the start. NULL: any */
    const double *buckets;     /* upper bounds, rising, 0 at the end */
};

#define VALUES(...) ((const char *const[]){__VA_ARGS__, "other", NULL})
#define ENGINE {"engine"}, VALUES("f5", "builtin")
#define BUCKETS(...) .buckets = (const double[]){__VA_ARGS__, 0}

/* clang-format off */
static const struct family families[METRIC_COUNT] = {
    [METRIC_REQUESTS] = {"tts_requests_total",
        "HTTP requests that were answered, by route and status.",
        COUNTER, {"endpoint", "status"}},
    [METRIC_ERRORS] = {"tts_errors_total",
        "Requests for speech that failed, by reason.",
        COUNTER, {"reason"}, VALUES("bad_request", "timeout", "broken", "stopped")},
    [METRIC_REJECTED] = {"tts_rejected_total",
        "Requests turned away before any work was done, by reason.",
        COUNTER, {"reason"}, VALUES("queue_full", "stopping", "memory", "unauthorized", "forbidden")},
    [METRIC_RETRIES] = {"tts_retries_total",
        "Syntheses repeated with another seed, by what was wrong.",
        COUNTER, {"reason"}, VALUES("silent", "not_finite", "clipped", "too_short", "too_long")},
    [METRIC_DEGRADED] = {"tts_degraded_total",
        "Requests served with less than was asked, by step.",
        COUNTER, {"step"}, VALUES("nfe", "seed", "builtin")},
    [METRIC_FALLBACKS] = {"tts_fallbacks_total",
        "Requests that the built-in engine spoke because the model did not.",
        COUNTER},
    [METRIC_CANCELLED] = {"tts_cancelled_total",
        "Requests for speech whose client went away first.",
        COUNTER},
    [METRIC_SYNTHESIS_SECONDS] = {"tts_synthesis_duration_seconds",
        "Time to speak a text, without the queue.",
        HISTOGRAM, ENGINE, BUCKETS(.01, .025, .05, .1, .25, .5, 1, 2, 3, 5, 8, 15, 30, 60)},
    [METRIC_FIRST_AUDIO_SECONDS] = {"tts_time_to_first_audio_seconds",
        "From the arrival of a request until its first audio was made.",
        HISTOGRAM, BUCKETS(.01, .025, .05, .1, .2, .3, .5, .75, 1, 1.5, 2.5, 5, 10, 30)},
    [METRIC_QUEUE_WAIT_SECONDS] = {"tts_queue_wait_seconds",
        "From the arrival of a request until work on it began.",
        HISTOGRAM, BUCKETS(.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30)},
    [METRIC_RTF] = {"tts_rtf",
        "Time to speak a text over the length of its audio; below 1 is faster than playback.",
        HISTOGRAM, ENGINE, BUCKETS(.005, .01, .02, .05, .1, .15, .25, .35, .5, .7, .85, 1, 1.5, 2.5)},
    [METRIC_BATCH_SIZE] = {"tts_batch_size",
        "Requests that were spoken in one go.",
        HISTOGRAM, BUCKETS(1, 2, 3, 4, 6, 8, 12, 16, 24, 32)},
    [METRIC_AUDIO_SECONDS] = {"tts_audio_seconds_total",
        "Seconds of audio that were made.",
        COUNTER, ENGINE},
    [METRIC_HISTORY_DROPPED] = {"tts_history_dropped_total",
        "Generations that could not be kept in the history.",
        COUNTER},
    [METRIC_RELOADS] = {"ishowtts_config_reloads_total",
        "Reloads of the configuration (SIGHUP), by result.",
        COUNTER, {"result"}, VALUES("ok", "failed")},
    [METRIC_CHAT_MESSAGES] = {"tts_chat_messages_total",
        "Messages of live chats, by platform and by what became of them.",
        COUNTER, {"platform", "verdict"}},
    [METRIC_CHAT_LATENCY] = {"tts_chat_latency_seconds",
        "From a message of a chat until its clip was sent, where nothing was before it.",
        HISTOGRAM, BUCKETS(.005, .01, .025, .05, .1, .2, .3, .5, .75, 1, 1.5, 2.5, 5, 10)},
    [METRIC_QUEUE_DEPTH] = {"tts_queue_depth", "Requests that wait for a worker.", GAUGE},
    [METRIC_QUEUE_CAPACITY] = {"tts_queue_capacity", "Requests that may wait, in the queues of all engines.", GAUGE},
    [METRIC_IN_FLIGHT] = {"tts_requests_in_flight", "Requests that are being spoken.", GAUGE},
    [METRIC_MODEL_READY] = {"tts_model_ready",
        "1: the engine that is configured speaks; 0: the built-in one stands in for it.",
        GAUGE},
    [METRIC_VOICES] = {"tts_voices", "Voices that can be asked for.", GAUGE},
    [METRIC_CHAT_QUEUE_DEPTH] = {"tts_chat_queue_depth", "Messages of chats that wait to be heard.", GAUGE},
    [METRIC_CHAT_LISTENERS] = {"tts_chat_listeners", "Players and pages that listen to the chat.", GAUGE},
    [METRIC_HTTP_CONNECTIONS] = {"http_connections", "Connections that are open.", GAUGE},
    [METRIC_TLS_END] = {"tls_certificate_end_timestamp_seconds",
        "When the certificate ends, in seconds since 1970.",
        GAUGE},
    [METRIC_BUILD_INFO] = {"ishowtts_build_info",
        "Always 1; the labels say what runs.",
        GAUGE, {"version", "kernels", "engine"}},
    [METRIC_PROCESS_CPU] = {"process_cpu_seconds_total", "CPU time of the process, user and system.", COUNTER},
    [METRIC_PROCESS_RESIDENT] = {"process_resident_memory_bytes", "Memory of the process that is in RAM.", GAUGE},
    [METRIC_PROCESS_VIRTUAL] = {"process_virtual_memory_bytes", "Address space of the process.", GAUGE},
    [METRIC_PROCESS_THREADS] = {"process_threads", "Threads of the process.", GAUGE},
    [METRIC_PROCESS_OPEN_FDS] = {"process_open_fds", "Open file descriptors.", GAUGE},
    [METRIC_PROCESS_MAX_FDS] = {"process_max_fds", "File descriptors that may be open.", GAUGE},
    [METRIC_PROCESS_START] = {"process_start_time_seconds", "When the process started, in seconds since 1970.", GAUGE},
    [METRIC_GPU_UTILIZATION] = {"gpu_utilization_percent",
        "Share of the last moments in which the GPU was busy.",
        GAUGE, {"gpu"}},
    [METRIC_GPU_MEMORY_USED] = {"gpu_memory_used_bytes",
        "Memory of the GPU in use, by all processes.",
        GAUGE, {"gpu"}},
    [METRIC_GPU_MEMORY_TOTAL] = {"gpu_memory_total_bytes", "Memory of the GPU.", GAUGE, {"gpu"}},
};
/* clang-format on */

#define NONE (-1)

struct series {
    char labels[METRICS_LABELS_MAX][METRICS_LABEL_VALUE_MAX];
    double value; /* of a histogram: the sum of what was observed */
    uint64_t counts[METRICS_BUCKETS_MAX];
    int next; /* of the same metric, or NONE */
};

struct metrics {
    struct series series[METRICS_SERIES_MAX];
    int used;
    int first[METRIC_COUNT], last[METRIC_COUNT]; /* of each metric's list, or NONE */
};

static int bucket_count(const struct family *f)
{
    int n = 0;
    while (f->buckets && f->buckets[n] > 0)
        n++;
    return n;
}

static int label_count(const struct family *f)
{
    int n = 0;
    while (n < METRICS_LABELS_MAX && f->labels[n])
        n++;
    return n;
}

static void label_copy(char dst[METRICS_LABEL_VALUE_MAX], const char *value)
{
    size_t n = strlen(value);
    if (n >= METRICS_LABEL_VALUE_MAX)
        for (n = METRICS_LABEL_VALUE_MAX - 1; n && ((unsigned char)value[n] & 0xc0) == 0x80; n--)
            ;
    memcpy(dst, value, n);
    dst[n] = '\0';
}

static int find(const struct metrics *m, enum metric id, char labels[][METRICS_LABEL_VALUE_MAX], int n)
{
    for (int i = m->first[id]; i != NONE; i = m->series[i].next) {
        int same = 0;
        while (same < n && !strcmp(m->series[i].labels[same], labels[same]))
            same++;
        if (same == n)
            return i;
    }
    return NONE;
}

/* The series of these labels, made if it is new. There is always one. */
static struct series *series_of(struct metrics *m, enum metric id, const char *const *labels)
{
    const struct family *f = &families[id];
    const int n = label_count(f);
    char wanted[METRICS_LABELS_MAX][METRICS_LABEL_VALUE_MAX] = {""};
    for (int i = 0; i < n && labels[i]; i++)
        label_copy(wanted[i], labels[i]);
    if (f->values) {
        int known = 0;
        for (int i = 0; f->values[i]; i++)
            known |= !strcmp(f->values[i], wanted[0]);
        if (!known)
            label_copy(wanted[0], "other");
    }
    int i = find(m, id, wanted, n);
    if (i != NONE)
        return &m->series[i];
    if (m->used >= METRICS_SERIES_MAX - METRIC_COUNT) {
        for (int k = 0; k < n; k++)
            label_copy(wanted[k], "other");
        i = find(m, id, wanted, n);
        if (i != NONE)
            return &m->series[i];
    }
    i = m->used++;
    struct series *s = &m->series[i];
    *s = (struct series){.next = NONE};
    memcpy(s->labels, wanted, sizeof wanted);
    *(m->first[id] == NONE ? &m->first[id] : &m->series[m->last[id]].next) = i;
    m->last[id] = i;
    return s;
}

int metrics_create(struct metrics **ret)
{
    struct metrics *m = calloc(1, sizeof *m);
    if (!m)
        return E_NOMEM;
    for (int id = 0; id < METRIC_COUNT; id++)
        m->first[id] = m->last[id] = NONE;
    /* What has never happened is a 0 and no gap: a rate over it is known from the first event on. */
    for (int id = 0; id < METRIC_COUNT; id++) {
        const struct family *f = &families[id];
        if (f->values)
            for (int i = 0; f->values[i]; i++)
                series_of(m, id, METRIC_LABELS(f->values[i]));
        else if (f->kind != GAUGE && !f->labels[0])
            series_of(m, id, METRIC_LABELS());
    }
    *ret = m;
    return 0;
}

void metrics_free(struct metrics *m)
{
    free(m);
}

void metrics_count(struct metrics *m, enum metric id, const char *const *labels, double n)
{
    if (m && isfinite(n) && n >= 0)
        series_of(m, id, labels)->value += n;
}

void metrics_set(struct metrics *m, enum metric id, const char *const *labels, double value)
{
    if (m)
        series_of(m, id, labels)->value = value;
}

void metrics_unset(struct metrics *m, enum metric id)
{
    for (int i = m ? m->first[id] : NONE; i != NONE; i = m->series[i].next)
        m->series[i].value = NAN;
}

void metrics_observe(struct metrics *m, enum metric id, const char *const *labels, double value)
{
    if (!m || !isfinite(value))
        return;
    const struct family *f = &families[id];
    struct series *s = series_of(m, id, labels);
    const int n = bucket_count(f);
    int i = 0;
    while (i < n && value > f->buckets[i])
        i++;
    s->counts[i]++;
    s->value += value;
}

/* The shortest notation that reads back as the same number. */
static int add_number(struct buf *out, double v)
{
    char text[32];
    snprintf(text, sizeof text, "%.15g", v);
    if (strtod(text, NULL) != v)
        snprintf(text, sizeof text, "%.17g", v);
    return buf_add_str(out, text);
}

static int add_escaped(struct buf *out, const char *value)
{
    int rc = 0;
    for (; *value && !rc; value++) {
        if (*value == '\n')
            rc = buf_add_str(out, "\\n");
        else if (*value == '"' || *value == '\\')
            rc = buf_addf(out, "\\%c", *value);
        else
            rc = buf_add_char(out, *value);
    }
    return rc;
}

/* One line: name, suffix, labels, the bucket's bound if `le` is not NULL, value. */
static int add_sample(struct buf *out, const struct family *f, const struct series *s, const char *suffix,
                      const char *le, double value)
{
    if (!isfinite(value))
        return 0;
    int rc = buf_addf(out, "%s%s", f->name, suffix);
    const int n = label_count(f);
    for (int i = 0; i < n && !rc; i++) {
        rc = buf_addf(out, "%c%s=\"", i ? ',' : '{', f->labels[i]);
        rc = rc ? rc : add_escaped(out, s->labels[i]);
        rc = rc ? rc : buf_add_char(out, '"');
    }
    if (le && !rc)
        rc = buf_addf(out, "%cle=\"%s\"", n ? ',' : '{', le);
    rc = rc ? rc : buf_add_str(out, n || le ? "} " : " ");
    rc = rc ? rc : add_number(out, value);
    return rc ? rc : buf_add_char(out, '\n');
}

static int add_histogram(struct buf *out, const struct family *f, const struct series *s)
{
    const int n = bucket_count(f);
    uint64_t sum = 0;
    int rc = 0;
    for (int i = 0; i <= n && !rc; i++) {
        char le[32] = "+Inf";
        if (i < n)
            snprintf(le, sizeof le, "%g", f->buckets[i]);
        sum += s->counts[i];
        rc = add_sample(out, f, s, "_bucket", le, (double)sum);
    }
    rc = rc ? rc : add_sample(out, f, s, "_sum", NULL, s->value);
    return rc ? rc : add_sample(out, f, s, "_count", NULL, (double)sum);
}

int metrics_render(const struct metrics *m, struct buf *out)
{
    static const char *const kinds[] = {[COUNTER] = "counter", [GAUGE] = "gauge", [HISTOGRAM] = "histogram"};
    int rc = 0;
    for (int id = 0; id < METRIC_COUNT && !rc; id++) {
        const struct family *f = &families[id];
        if (m->first[id] == NONE)
            continue;
        rc = buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", f->name, f->help, f->name, kinds[f->kind]);
        for (int i = m->first[id]; i != NONE && !rc; i = m->series[i].next)
            rc = f->kind == HISTOGRAM ? add_histogram(out, f, &m->series[i])
                                      : add_sample(out, f, &m->series[i], "", NULL, m->series[i].value);
    }
    return rc;
}
