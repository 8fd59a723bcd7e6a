/* `ishowtts top` for scripts and logs: a line or a JSON object a look. See top.h. */
#include "cli/top.h"

#include "base/error.h"
#include "cli/progress.h"

#include <jansson.h>
#include <math.h>
#include <time.h>

int top_line(struct buf *out, const struct top_watch *w)
{
    const struct top_page *now = top_newest(w);
    char clock[16], requests[16], audio[16], rtf[16], p50[16], p95[16], depth[16], wait[16], cpu[16], memory[32] = "-";
    struct tm tm;
    const time_t t = time(NULL);
    strftime(clock, sizeof clock, "%H:%M:%S", localtime_r(&t, &tm));
    if (*w->trouble || !now)
        return buf_addf(out, "%s no answer: %s\n", clock, *w->trouble ? w->trouble : "not yet");
    const struct top_page *before = top_previous(w), *old = top_oldest(w);
    top_number_text(requests, top_kind_rate(before, now, TOP_REQUESTS));
    top_number_text(audio, top_rate(before, now, TOP_AUDIO_SECONDS));
    top_number_text(rtf, top_mean(old, now, TOP_RTF));
    top_time_text(p50, top_percentile(old, now, TOP_FIRST_AUDIO, 0.5));
    top_time_text(p95, top_percentile(old, now, TOP_FIRST_AUDIO, 0.95));
    top_number_text(depth, now->numbers[TOP_QUEUE_DEPTH]);
    top_time_text(wait, top_percentile(old, now, TOP_QUEUE_WAIT, 0.95));
    top_number_text(cpu, 100 * top_rate(before, now, TOP_CPU_SECONDS));
    if (now->numbers[TOP_MEMORY] >= 0 && now->numbers[TOP_MEMORY] < 1e18)
        format_bytes((uint64_t)now->numbers[TOP_MEMORY], memory);
    return buf_addf(out,
                    "%s %s requests/s, %s s/s of speech, RTF %s, first audio p50 %s p95 %s, queue %s wait p95 %s, "
                    "CPU %s %%, memory %s, errors %.0f, fallbacks %.0f\n",
                    clock, requests, audio, rtf, p50, p95, depth, wait, cpu, memory, top_kind_total(now, TOP_ERRORS),
                    isfinite(now->numbers[TOP_FALLBACKS]) ? now->numbers[TOP_FALLBACKS] : 0);
}

/* -------- JSON -------- */

static json_t *number(double v)
{
    if (!isfinite(v))
        return json_null();
    return v == floor(v) && fabs(v) < 0x1p53 ? json_integer((json_int_t)v) : json_real(v);
}

static json_t *spread(const struct top_page *old, const struct top_page *now, enum top_spread s)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "count", number(now->spreads[s].count - old->spreads[s].count), "mean",
                     number(top_mean(old, now, s)), "p50", number(top_percentile(old, now, s, 0.5)), "p95",
                     number(top_percentile(old, now, s, 0.95)));
}

/* A string of whatever bytes came. */
static json_t *text(const char *s)
{
    char clean[TOP_TEXT_MAX];
    top_clean(clean, sizeof clean, s);
    return json_string(clean);
}

static json_t *requests(const struct top_page *old, const struct top_page *now)
{
    json_t *all = json_array();
    for (int i = 0; all && i < now->count_count; i++)
        if (now->counts[i].kind == TOP_REQUESTS)
            json_array_append_new(all, json_pack("{s:o, s:o, s:o, s:o}", "endpoint", text(now->counts[i].label),
                                                 "status", text(now->counts[i].status), "total",
                                                 number(now->counts[i].n), "per_second",
                                                 number(top_count_rate(old, now, i))));
    return all;
}

static json_t *totals(const struct top_page *now, enum top_kind kind)
{
    json_t *all = json_object();
    for (int i = 0; all && i < now->count_count; i++) {
        char label[TOP_LABEL_MAX];
        top_clean(label, sizeof label, now->counts[i].label);
        if (now->counts[i].kind == kind)
            json_object_set_new(all, label, number(now->counts[i].n));
    }
    return all;
}

static json_t *gpus(const struct top_page *now)
{
    json_t *all = json_array();
    for (int i = 0; all && i < now->gpu_count; i++)
        json_array_append_new(all, json_pack("{s:o, s:o, s:o, s:o}", "gpu", text(now->gpus[i].name),
                                             "utilization_percent", number(now->gpus[i].percent), "memory_used_bytes",
                                             number(now->gpus[i].used), "memory_total_bytes",
                                             number(now->gpus[i].total)));
    return all;
}

static json_t *figures(const struct top_watch *w)
{
    const struct top_page *now = top_newest(w), *before = top_previous(w), *old = top_oldest(w);
    const struct {
        const char *name;
        json_t *value;
    } all[] = {
        {"version", text(now->version)},
        {"kernels", text(now->kernels)},
        {"uptime_seconds", number(top_uptime(w))},
        {"window_seconds", number(now->at - old->at)},
        {"requests_per_second", number(top_kind_rate(before, now, TOP_REQUESTS))},
        {"audio_seconds_per_second", number(top_rate(before, now, TOP_AUDIO_SECONDS))},
        {"cpu_percent", number(100 * top_rate(before, now, TOP_CPU_SECONDS))},
        {"memory_bytes", number(now->numbers[TOP_MEMORY])},
        {"open_files", number(now->numbers[TOP_OPEN_FILES])},
        {"connections", number(now->numbers[TOP_CONNECTIONS])},
        {"voices", number(now->numbers[TOP_VOICES])},
        {"model_ready", number(now->numbers[TOP_MODEL_READY])},
        {"queue_depth", number(now->numbers[TOP_QUEUE_DEPTH])},
        {"queue_capacity", number(now->numbers[TOP_QUEUE_CAPACITY])},
        {"in_flight", number(now->numbers[TOP_IN_FLIGHT])},
        {"synthesis_seconds", spread(old, now, TOP_SYNTHESIS)},
        {"first_audio_seconds", spread(old, now, TOP_FIRST_AUDIO)},
        {"queue_wait_seconds", spread(old, now, TOP_QUEUE_WAIT)},
        {"rtf", spread(old, now, TOP_RTF)},
        {"batch_size", spread(old, now, TOP_BATCH)},
        {"requests", requests(old, now)},
        {"errors", totals(now, TOP_ERRORS)},
        {"rejected", totals(now, TOP_REJECTED)},
        {"retries", totals(now, TOP_RETRIES)},
        {"degraded", totals(now, TOP_DEGRADED)},
        {"fallbacks", number(now->numbers[TOP_FALLBACKS])},
        {"cancelled", number(now->numbers[TOP_CANCELLED])},
        {"gpus", gpus(now)},
        {"audio_seconds", number(now->numbers[TOP_AUDIO_SECONDS])},
    };
    json_t *o = json_object();
    int failed = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        failed |= json_object_set_new(o, all[i].name, all[i].value);
    if (!failed)
        return o;
    json_decref(o);
    return NULL;
}

int top_json(FILE *out, const struct top_watch *w, int pretty)
{
    const struct top_health *h = &w->health;
    json_t *health = h->known ? json_pack("{s:s, s:s, s:s, s:s}", "status", h->status, "engine", h->engine,
                                          "default_voice", h->voice, "trouble", h->trouble)
                              : json_null();
    json_t *all = json_pack("{s:o, s:I, s:b, s:s?, s:o, s:o}", "url", text(w->url), "time", (json_int_t)time(NULL),
                            "reachable", *w->trouble == '\0', "error", *w->trouble ? w->trouble : NULL, "health",
                            health, "metrics", top_newest(w) ? figures(w) : json_null());
    const int bad = !all ||
                    json_dumpf(all, out, (pretty ? JSON_INDENT(2) : JSON_COMPACT) | JSON_REAL_PRECISION(12)) < 0 ||
                    fputc('\n', out) < 0 || fflush(out) != 0;
    json_decref(all);
    return bad ? -1 : 0;
}
