/* What `ishowtts load` has found out, for people and for scripts. See load.h. */
#include "cli/load.h"

#include "cli/progress.h"

#include <jansson.h>

#define LAG_MAX 10000 /* microseconds that are told of */

static double per_second(const struct load_result *r, double n)
{
    return r->seconds > 0 ? n / r->seconds : 0;
}

static int knows_audio(const struct load_plan *p)
{
    return p->audio >= LOAD_AUDIO_PCM;
}

/* -------- JSON -------- */

static json_t *times(const struct histogram *h)
{
    return json_pack("{s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "count", (json_int_t)h->total, "mean",
                     histogram_mean(h) * 1e-3, "min", (double)h->least * 1e-3, "p50",
                     (double)histogram_percentile(h, 0.5) * 1e-3, "p90", (double)histogram_percentile(h, 0.9) * 1e-3,
                     "p95", (double)histogram_percentile(h, 0.95) * 1e-3, "p99",
                     (double)histogram_percentile(h, 0.99) * 1e-3, "max", (double)h->most * 1e-3);
}

static json_t *statuses(const struct load_result *r)
{
    json_t *all = json_object();
    for (int i = 0; all && i < r->status_count; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", r->statuses[i]->status);
        if (json_object_set_new(all, name, times(&r->statuses[i]->latency))) {
            json_decref(all);
            all = NULL;
        }
    }
    return all;
}

static json_t *failures(const struct load_result *r)
{
    json_t *all = json_object();
    for (int i = 0; all && i < r->failure_count; i++)
        if (json_object_set_new(all, r->failures[i].words, json_integer((json_int_t)r->failures[i].count))) {
            json_decref(all);
            all = NULL;
        }
    return all;
}

int load_report_json(FILE *out, const struct load_options *o, const struct load_plan *p, const struct load_result *r)
{
    json_t *rate = o->rate > 0 ? json_real(o->rate) : json_null();
    json_t *concurrency = o->rate > 0 ? json_null() : json_integer(o->concurrency);
    json_t *audio = knows_audio(p) ? json_real(r->audio_seconds) : json_null();
    json_t *audio_rate = knows_audio(p) ? json_real(per_second(r, r->audio_seconds)) : json_null();
    json_t *all = json_pack(
        "{s:s, s:s, s:o, s:s?, s:o, s:i, s:b, s:b, s:f, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:o, "
        "s:o, s:o, s:o, s:o, s:o, s:f}",
        "url", p->url, "mode", o->rate > 0 ? "open" : "closed", "rate", rate, "arrivals",
        o->rate <= 0 ? NULL : o->uniform ? "uniform" : "poisson", "concurrency", concurrency, "clients", o->clients,
        "keepalive", !o->fresh, "interrupted", r->interrupted, "seconds", r->seconds, "cpu_seconds", r->cpu_seconds,
        "requests", (json_int_t)r->requests, "answered", (json_int_t)r->answered, "ok", (json_int_t)r->ok, "hung_up",
        (json_int_t)r->hung_up, "failed", (json_int_t)r->failed, "not_sent", (json_int_t)r->not_sent, "unfinished",
        (json_int_t)r->unfinished, "bytes", (json_int_t)r->bytes, "answered_per_second",
        per_second(r, (double)r->answered), "ok_per_second", per_second(r, (double)r->ok), "audio_seconds", audio,
        "audio_seconds_per_second", audio_rate, "statuses", statuses(r), "errors", failures(r), "first_audio_ms",
        times(&r->first), "schedule_lag_ms", times(&r->lag), "percentile_error", 1.0 / HISTOGRAM_PRECISION);
    const int bad = !all || json_dumpf(all, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) < 0 || fputc('\n', out) < 0 ||
                    fflush(out) != 0;
    json_decref(all);
    return bad ? -1 : 0;
}

/* -------- text -------- */

static void time_line(FILE *out, const char *what, const struct histogram *h)
{
    static const double parts[] = {0.5, 0.9, 0.95, 0.99};
    fprintf(out, "  %-22s", what);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        fprintf(out, " %9.2f", (double)histogram_percentile(h, parts[i]) * 1e-3);
    fprintf(out, " %9.2f\n", (double)h->most * 1e-3);
}

static void count_line(FILE *out, const char *what, uint64_t n, const struct load_result *r)
{
    if (n)
        fprintf(out, "  %-26s %10llu  %5.1f %%\n", what, (unsigned long long)n,
                100 * (double)n / (double)(r->requests ? r->requests : 1));
}

int load_report_text(FILE *out, const struct load_options *o, const struct load_plan *p, const struct load_result *r)
{
    char text[64], bytes[32];
    if (o->rate > 0)
        fprintf(out, "%s: %g requests a second (%s), %.1f s%s\n", p->url, o->rate,
                o->uniform ? "evenly spaced" : "at random times", r->seconds, r->interrupted ? ", interrupted" : "");
    else
        fprintf(out, "%s: %d at a time, %.1f s%s\n", p->url, o->concurrency, r->seconds,
                r->interrupted ? ", interrupted" : "");
    fprintf(out, "\nrequests                     %10llu\n", (unsigned long long)r->requests);
    for (int i = 0; i < r->status_count; i++) {
        snprintf(text, sizeof text, "answered with %d", r->statuses[i]->status);
        count_line(out, text, r->statuses[i]->latency.total, r);
    }
    for (int i = 0; i < r->failure_count; i++)
        count_line(out, r->failures[i].words, r->failures[i].count, r);
    count_line(out, "hung up on purpose", r->hung_up, r);
    count_line(out, "not sent: too many at once", r->not_sent, r);
    count_line(out, "not waited for", r->unfinished, r);
    format_bytes(r->bytes, bytes);
    fprintf(out, "\n%.1f answers a second, %.1f of them 2xx; %s received\n", per_second(r, (double)r->answered),
            per_second(r, (double)r->ok), bytes);
    if (knows_audio(p) && r->ok)
        fprintf(out, "%.1f s of speech, %.2f a second\n", r->audio_seconds, per_second(r, r->audio_seconds));
    fprintf(out, "\nmilliseconds                   p50       p90       p95       p99       max\n");
    for (int i = 0; i < r->status_count; i++) {
        snprintf(text, sizeof text, "until the end, %d", r->statuses[i]->status);
        time_line(out, text, &r->statuses[i]->latency);
    }
    if (r->first.total)
        time_line(out, p->audio == LOAD_AUDIO_NONE ? "until the first byte" : "until the first audio", &r->first);
    if (o->rate > 0)
        time_line(out, "sent late by", &r->lag);
    if (histogram_percentile(&r->lag, 0.99) > LAG_MAX || r->not_sent)
        fputs("\nThis program could not keep to its times: the figures are as much about it as about the server.\n",
              out);
    return fflush(out) || ferror(out) ? -1 : 0;
}
