/* See measure.h. What the metrics are is written in metrics.c. */
#include "server/measure.h"

#include "base/clock.h"
#include "server/gpu_stats.h"
#include "server/metrics.h"
#include "server/process_stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct measure {
    struct metrics *metrics;
    struct gpu_stats *gpu;
    struct process_stats process;
};

int measure_create(struct measure **ret)
{
    struct measure *m = calloc(1, sizeof *m);
    if (!m)
        return E_NOMEM;
    if (metrics_create(&m->metrics) || gpu_stats_create(GPU_STATS_NVML, GPU_STATS_SYSFS, &m->gpu)) {
        measure_free(m);
        return E_NOMEM;
    }
    *ret = m;
    return 0;
}

void measure_free(struct measure *m)
{
    if (!m)
        return;
    gpu_stats_free(m->gpu);
    metrics_free(m->metrics);
    free(m);
}

void measure_request(struct measure *m, const char *route, int status)
{
    char code[16];
    if (!m)
        return;
    snprintf(code, sizeof code, "%d", status);
    metrics_count(m->metrics, METRIC_REQUESTS, METRIC_LABELS(route ? route : "none", code), 1);
    if (status == 401 || status == 403)
        metrics_count(m->metrics, METRIC_REJECTED, METRIC_LABELS(status == 401 ? "unauthorized" : "forbidden"), 1);
}

void measure_submit(struct measure *m, enum submit_verdict verdict)
{
    static const char *const reasons[] = {
        [SUBMIT_FULL] = "queue_full", [SUBMIT_STOPPING] = "stopping", [SUBMIT_NOMEM] = "memory"};
    if (m && verdict != SUBMIT_OK)
        metrics_count(m->metrics, METRIC_REJECTED, METRIC_LABELS(reasons[verdict]), 1);
}

/* "nfe,builtin": each step counts. */
static void count_steps(struct metrics *metrics, const char *steps)
{
    for (size_t n; *steps; steps += n + (steps[n] == ',')) {
        char step[METRICS_LABEL_VALUE_MAX];
        n = strcspn(steps, ",");
        snprintf(step, sizeof step, "%.*s", (int)n, steps);
        metrics_count(metrics, METRIC_DEGRADED, METRIC_LABELS(step), 1);
        if (!strcmp(step, "builtin"))
            metrics_count(metrics, METRIC_FALLBACKS, METRIC_LABELS(), 1);
    }
}

void measure_job(struct measure *m, const struct job_result *r)
{
    static const char *const reasons[] = {
        [JOB_TIMEOUT] = "timeout", [JOB_BAD] = "bad_request", [JOB_BROKEN] = "broken", [JOB_STOPPED] = "stopped"};
    if (!m)
        return;
    metrics_observe(m->metrics, METRIC_QUEUE_WAIT_SECONDS, METRIC_LABELS(), r->queue_seconds);
    if (r->failure != JOB_OK) {
        metrics_count(m->metrics, METRIC_ERRORS, METRIC_LABELS(reasons[r->failure]), 1);
        return;
    }
    const double audio = (double)r->samples / ISHOW_RATE;
    const char *const *engine = METRIC_LABELS(r->engine);
    metrics_observe(m->metrics, METRIC_SYNTHESIS_SECONDS, engine, r->seconds);
    metrics_observe(m->metrics, METRIC_FIRST_AUDIO_SECONDS, METRIC_LABELS(), r->first_audio_seconds);
    metrics_observe(m->metrics, METRIC_BATCH_SIZE, METRIC_LABELS(), r->batch);
    metrics_count(m->metrics, METRIC_AUDIO_SECONDS, engine, audio);
    if (audio > 0)
        metrics_observe(m->metrics, METRIC_RTF, engine, r->seconds / audio);
    count_steps(m->metrics, r->degraded);
}

void measure_retry(struct measure *m, const char *reason)
{
    if (m)
        metrics_count(m->metrics, METRIC_RETRIES, METRIC_LABELS(reason), 1);
}

void measure_cancel(struct measure *m)
{
    if (m)
        metrics_count(m->metrics, METRIC_CANCELLED, METRIC_LABELS(), 1);
}

static void on_submitted(void *user, enum submit_verdict verdict)
{
    measure_submit(user, verdict);
}

static void on_ended(void *user, const struct job_result *result)
{
    measure_job(user, result);
}

static void on_retried(void *user, const char *reason)
{
    measure_retry(user, reason);
}

static void on_cancelled(void *user)
{
    measure_cancel(user);
}

struct speech_observer measure_speech(struct measure *m)
{
    return (struct speech_observer){on_submitted, on_ended, on_retried, on_cancelled, m};
}

void measure_reload(struct measure *m, int ok)
{
    if (m)
        metrics_count(m->metrics, METRIC_RELOADS, METRIC_LABELS(ok ? "ok" : "failed"), 1);
}

void measure_chat_message(struct measure *m, const char *platform, const char *verdict)
{
    if (m)
        metrics_count(m->metrics, METRIC_CHAT_MESSAGES, METRIC_LABELS(platform, verdict), 1);
}

void measure_chat_latency(struct measure *m, double seconds)
{
    if (m)
        metrics_observe(m->metrics, METRIC_CHAT_LATENCY, METRIC_LABELS(), seconds);
}

static void set(struct measure *m, enum metric id, double value)
{
    metrics_set(m->metrics, id, METRIC_LABELS(), value);
}

static void set_process(struct measure *m, double now)
{
    const struct process_stats *p = &m->process;
    if (process_stats_refresh(&m->process, now))
        return;
    set(m, METRIC_PROCESS_CPU, p->cpu_seconds);
    set(m, METRIC_PROCESS_RESIDENT, (double)p->resident_bytes);
    set(m, METRIC_PROCESS_VIRTUAL, (double)p->virtual_bytes);
    set(m, METRIC_PROCESS_THREADS, (double)p->threads);
    set(m, METRIC_PROCESS_OPEN_FDS, (double)p->open_fds);
    set(m, METRIC_PROCESS_MAX_FDS, (double)p->max_fds);
    set(m, METRIC_PROCESS_START, p->start_time);
}

static void set_gpu(struct measure *m, double now)
{
    const struct gpu_reading *r;
    const int n = gpu_stats_read(m->gpu, now, &r);
    for (int i = 0; i < n; i++) {
        char index[16];
        snprintf(index, sizeof index, "%d", i);
        metrics_set(m->metrics, METRIC_GPU_UTILIZATION, METRIC_LABELS(index), r[i].utilization);
        metrics_set(m->metrics, METRIC_GPU_MEMORY_USED, METRIC_LABELS(index), r[i].memory_used);
        metrics_set(m->metrics, METRIC_GPU_MEMORY_TOTAL, METRIC_LABELS(index), r[i].memory_total);
    }
}

int measure_page(struct measure *m, const struct measure_now *now, struct buf *out)
{
    const struct speech_state *s = now->speech;
    const double time = clock_seconds();
    set(m, METRIC_QUEUE_DEPTH, s->queued);
    set(m, METRIC_QUEUE_CAPACITY, s->capacity);
    set(m, METRIC_IN_FLIGHT, s->running);
    set(m, METRIC_MODEL_READY, !*s->trouble);
    set(m, METRIC_VOICES, (double)now->voices);
    set(m, METRIC_CHAT_QUEUE_DEPTH, (double)now->chat_queue);
    set(m, METRIC_CHAT_LISTENERS, (double)now->chat_listeners);
    set(m, METRIC_HTTP_CONNECTIONS, now->connections);
    set(m, METRIC_TLS_END, now->tls_end);
    set(m, METRIC_HISTORY_DROPPED, (double)now->history_dropped);
    metrics_unset(m->metrics, METRIC_BUILD_INFO); /* the engine may have changed */
    metrics_set(m->metrics, METRIC_BUILD_INFO, METRIC_LABELS(ishow_version(), s->kernels, s->engine), 1);
    set_process(m, time);
    set_gpu(m, time);
    return metrics_render(m->metrics, out);
}
