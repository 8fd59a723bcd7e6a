/* See top_page.h. A table says which metric lands where; what is not in it is passed over. */
#include "cli/top_page.h"

#include "cli/top_prom.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const number_names[TOP_NUMBERS] = {
    [TOP_FALLBACKS] = "tts_fallbacks_total",
    [TOP_CANCELLED] = "tts_cancelled_total",
    [TOP_AUDIO_SECONDS] = "tts_audio_seconds_total",
    [TOP_QUEUE_DEPTH] = "tts_queue_depth",
    [TOP_QUEUE_CAPACITY] = "tts_queue_capacity",
    [TOP_IN_FLIGHT] = "tts_requests_in_flight",
    [TOP_MODEL_READY] = "tts_model_ready",
    [TOP_VOICES] = "tts_voices",
    [TOP_CONNECTIONS] = "http_connections",
    [TOP_CPU_SECONDS] = "process_cpu_seconds_total",
    [TOP_MEMORY] = "process_resident_memory_bytes",
    [TOP_OPEN_FILES] = "process_open_fds",
    [TOP_STARTED] = "process_start_time_seconds",
};

static const char *const spread_names[TOP_SPREADS] = {
    [TOP_SYNTHESIS] = "tts_synthesis_duration_seconds",
    [TOP_FIRST_AUDIO] = "tts_time_to_first_audio_seconds",
    [TOP_QUEUE_WAIT] = "tts_queue_wait_seconds",
    [TOP_RTF] = "tts_rtf",
    [TOP_BATCH] = "tts_batch_size",
};

static const struct {
    const char *name, *label, *status;
} kinds[TOP_KINDS] = {
    [TOP_REQUESTS] = {"tts_requests_total", "endpoint", "status"},
    [TOP_ERRORS] = {"tts_errors_total", "reason", ""},
    [TOP_REJECTED] = {"tts_rejected_total", "reason", ""},
    [TOP_RETRIES] = {"tts_retries_total", "reason", ""},
    [TOP_DEGRADED] = {"tts_degraded_total", "step", ""},
};

/* -------- reading -------- */

static void add(double *to, double n)
{
    *to = isnan(*to) ? n : *to + n;
}

static void add_bucket(struct top_spread_data *d, const struct prom_sample *s)
{
    char text[64], *end;
    int i = 0;
    prom_value(s, "le", text, sizeof text);
    const double bound = strtod(text, &end);
    if (end == text || !isfinite(bound))
        return; /* what is above all bounds is in the count */
    while (i < d->buckets && d->bound[i] < bound)
        i++;
    if (i == d->buckets || d->bound[i] > bound) {
        if (d->buckets == TOP_BUCKETS_MAX)
            return;
        memmove(d->bound + i + 1, d->bound + i, (size_t)(d->buckets - i) * sizeof *d->bound);
        memmove(d->below + i + 1, d->below + i, (size_t)(d->buckets - i) * sizeof *d->below);
        d->bound[i] = bound;
        d->below[i] = 0;
        d->buckets++;
    }
    d->below[i] += s->value;
}

static int read_spread(struct top_page *p, const struct prom_sample *s)
{
    for (int i = 0; i < TOP_SPREADS; i++) {
        const size_t n = strlen(spread_names[i]);
        if (s->name.len <= n || memcmp(s->name.ptr, spread_names[i], n) != 0)
            continue;
        const struct slice tail = {s->name.ptr + n, s->name.len - n};
        if (slice_eq_str(tail, "_bucket"))
            add_bucket(&p->spreads[i], s);
        else if (slice_eq_str(tail, "_sum"))
            p->spreads[i].sum += s->value;
        else if (slice_eq_str(tail, "_count"))
            p->spreads[i].count += s->value;
        else
            continue;
        return 1;
    }
    return 0;
}

static int read_count(struct top_page *p, const struct prom_sample *s)
{
    for (int i = 0; i < TOP_KINDS; i++) {
        if (!slice_eq_str(s->name, kinds[i].name))
            continue;
        if (p->count_count < TOP_COUNTS_MAX) {
            struct top_count *c = &p->counts[p->count_count++];
            c->kind = (enum top_kind)i;
            c->n = s->value;
            prom_value(s, kinds[i].label, c->label, sizeof c->label);
            prom_value(s, kinds[i].status, c->status, sizeof c->status);
        }
        return 1;
    }
    return 0;
}

static int read_gpu(struct top_page *p, const struct prom_sample *s)
{
    static const struct {
        const char *name;
        size_t offset;
    } rows[] = {{"gpu_utilization_percent", offsetof(struct top_gpu, percent)},
                {"gpu_memory_used_bytes", offsetof(struct top_gpu, used)},
                {"gpu_memory_total_bytes", offsetof(struct top_gpu, total)}};
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        char name[TOP_LABEL_MAX];
        int i = 0;
        if (!slice_eq_str(s->name, rows[k].name))
            continue;
        prom_value(s, "gpu", name, sizeof name);
        while (i < p->gpu_count && strcmp(p->gpus[i].name, name) != 0)
            i++;
        if (i == TOP_GPUS_MAX)
            return 1;
        if (i == p->gpu_count) {
            p->gpus[p->gpu_count++] = (struct top_gpu){.percent = NAN, .used = NAN, .total = NAN};
            memcpy(p->gpus[i].name, name, sizeof name);
        }
        memcpy((char *)&p->gpus[i] + rows[k].offset, &s->value, sizeof s->value);
        return 1;
    }
    return 0;
}

static void on_sample(void *user, const struct prom_sample *s)
{
    struct top_page *p = user;
    for (int i = 0; i < TOP_NUMBERS; i++)
        if (slice_eq_str(s->name, number_names[i])) {
            add(&p->numbers[i], s->value);
            return;
        }
    if (slice_eq_str(s->name, "ishowtts_build_info")) {
        prom_value(s, "version", p->version, sizeof p->version);
        prom_value(s, "kernels", p->kernels, sizeof p->kernels);
        prom_value(s, "engine", p->engine, sizeof p->engine);
    } else if (!read_spread(p, s) && !read_count(p, s)) {
        read_gpu(p, s);
    }
}

void top_page_read(struct top_page *p, const char *text, size_t len, double at)
{
    *p = (struct top_page){.at = at};
    for (int i = 0; i < TOP_NUMBERS; i++)
        p->numbers[i] = NAN;
    prom_each(text, len, on_sample, p);
}

void top_page_before(struct top_page *p, const struct top_page *first, double wall)
{
    *p = *first;
    const double age = wall - first->numbers[TOP_STARTED];
    p->at = age > 0 ? first->at - age : first->at; /* not known: no time has passed, and nothing has a rate */
    p->numbers[TOP_FALLBACKS] = p->numbers[TOP_CANCELLED] = p->numbers[TOP_AUDIO_SECONDS] = 0;
    p->numbers[TOP_CPU_SECONDS] = 0;
    p->count_count = 0;
    memset(p->spreads, 0, sizeof p->spreads);
}

/* -------- two pages -------- */

static const struct top_count *find_count(const struct top_page *p, const struct top_count *like)
{
    for (int i = 0; i < p->count_count; i++)
        if (p->counts[i].kind == like->kind && strcmp(p->counts[i].label, like->label) == 0 &&
            strcmp(p->counts[i].status, like->status) == 0)
            return &p->counts[i];
    return NULL;
}

int top_same_process(const struct top_page *before, const struct top_page *now)
{
    static const enum top_number rising[] = {TOP_FALLBACKS, TOP_AUDIO_SECONDS, TOP_CPU_SECONDS};
    if (now->numbers[TOP_STARTED] != before->numbers[TOP_STARTED] && !isnan(now->numbers[TOP_STARTED]))
        return 0;
    for (size_t i = 0; i < sizeof rising / sizeof *rising; i++)
        if (now->numbers[rising[i]] < before->numbers[rising[i]])
            return 0;
    for (int i = 0; i < now->count_count; i++) {
        const struct top_count *old = find_count(before, &now->counts[i]);
        if (old && now->counts[i].n < old->n)
            return 0;
    }
    return 1;
}

static double per_second(const struct top_page *before, const struct top_page *now, double n)
{
    const double seconds = now->at - before->at;
    return seconds > 0 ? n / seconds : NAN;
}

double top_rate(const struct top_page *before, const struct top_page *now, enum top_number n)
{
    return per_second(before, now, now->numbers[n] - before->numbers[n]);
}

double top_count_rate(const struct top_page *before, const struct top_page *now, int index)
{
    const struct top_count *old = find_count(before, &now->counts[index]);
    return per_second(before, now, now->counts[index].n - (old ? old->n : 0));
}

double top_kind_total(const struct top_page *p, enum top_kind kind)
{
    double n = 0;
    for (int i = 0; i < p->count_count; i++)
        if (p->counts[i].kind == kind)
            n += p->counts[i].n;
    return n;
}

double top_kind_rate(const struct top_page *before, const struct top_page *now, enum top_kind kind)
{
    return per_second(before, now, top_kind_total(now, kind) - top_kind_total(before, kind));
}

double top_mean(const struct top_page *before, const struct top_page *now, enum top_spread s)
{
    const double n = now->spreads[s].count - before->spreads[s].count;
    return n > 0 ? (now->spreads[s].sum - before->spreads[s].sum) / n : NAN;
}

/* How many were at most `bound` in a page that may have no such bucket yet. */
static double below(const struct top_spread_data *d, double bound)
{
    for (int i = 0; i < d->buckets; i++)
        if (d->bound[i] == bound)
            return d->below[i];
    return 0;
}

double top_percentile(const struct top_page *before, const struct top_page *now, enum top_spread s, double part)
{
    const struct top_spread_data *d = &now->spreads[s], *old = &before->spreads[s];
    const double n = d->count - old->count, wanted = part * n;
    if (!(n > 0) || d->buckets == 0)
        return NAN;
    double last = 0, last_bound = 0;
    for (int i = 0; i < d->buckets; i++) {
        const double here = d->below[i] - below(old, d->bound[i]);
        if (here >= wanted && here > last)
            return last_bound + (d->bound[i] - last_bound) * (wanted - last) / (here - last);
        last = here;
        last_bound = d->bound[i];
    }
    return last_bound;
}
