/* See bench.h. The names of the fields are a promise to scripts: docs/PERFORMANCE.md lists them. */
#include "engine/bench.h"

#include "base/pool.h"
#include "engine/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

static const char *const kinds[KERN_PEAK_COUNT] = {
    [KERN_PEAK_F32] = "f32", [KERN_PEAK_BF16] = "bf16", [KERN_PEAK_INT8] = "int8"};

/* Steals `value`; 0 or -1. */
static int put(json_t *o, const char *key, json_t *value)
{
    return json_object_set_new(o, key, value);
}

static json_t *finish(json_t *o, int failed)
{
    if (!failed)
        return o;
    json_decref(o);
    return NULL;
}

json_t *bench_json_machine(const struct bench_machine *m, const ishow_info *info)
{
    const struct doctor here = {.root = ""};
    char cpu[256], memory[64], date[32];
    struct utsname system;
    time_t now = time(NULL);
    struct tm utc;
    if (doctor_field(&here, "/proc/cpuinfo", "model name", cpu, sizeof cpu) &&
        doctor_line(&here, "/proc/device-tree/model", cpu, sizeof cpu))
        strcpy(cpu, "unknown");
    if (doctor_field(&here, "/proc/meminfo", "MemTotal", memory, sizeof memory))
        memory[0] = '\0';
    uname(&system);
    gmtime_r(&now, &utc);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &utc);
    json_t *o = json_object();
    return o ? finish(o,
                      put(o, "cpu", json_string(cpu)) | put(o, "cpus", json_integer(pool_cpu_count())) |
                          put(o, "threads", json_integer(m->threads)) | put(o, "kernels", json_string(info->kernels)) |
                          put(o, "memory_bytes", json_integer(strtoll(memory, NULL, 10) * 1024)) |
                          put(o, "system", json_sprintf("%s %s %s", system.sysname, system.release, system.machine)) |
                          put(o, "compiler", json_string(__VERSION__)) | put(o, "date", json_string(date)) |
                          put(o, "model", json_string(info->arch)) |
                          put(o, "parameters", json_integer((json_int_t)info->parameters)))
             : NULL;
}

json_t *bench_json_peaks(const struct bench_machine *m)
{
    json_t *o = json_object();
    int failed = !o;
    for (int k = 0; k < KERN_PEAK_COUNT && !failed; k++)
        failed |= put(o, kinds[k], m->peak[k] > 0 ? json_real(m->peak[k] * 1e-9) : json_null());
    if (!failed)
        failed |= put(o, "read_gb_s", json_real(m->memory.read * 1e-9)) |
                  put(o, "copy_gb_s", json_real(m->memory.copy * 1e-9));
    return finish(o, failed);
}

/* 1 when a mixture, "int8:out,first1", keeps the layers of that name at bf16. */
static int keeps(const char *mixture, const char *name)
{
    const char *at = strchr(mixture, ':');
    const size_t n = strlen(name);
    while (at && !(strncmp(at + 1, name, n) == 0 && strchr(",", at[1 + n])))
        at = strchr(at + 1, ',');
    return at != NULL;
}

/* What the component is held against: in a mixture with int8, attention, text encoder, the input's convolutions and
 * what is kept run in bf16 (left out of account: single blocks that are kept, and the input's projection, which is in
 * f32); tables and vocoder are always in f32. */
static double stage_peak(const struct bench_machine *m, const struct bench_case *c, const struct bench_result *r,
                         enum profile_stage s)
{
    static const char *const names[PROFILE_STAGES] = {[PROFILE_QKV] = "qkv", [PROFILE_OUT] = "out"};
    const enum kern_peak finer = c->kind == KERN_PEAK_INT8 ? KERN_PEAK_BF16 : c->kind;
    switch (s) {
    case PROFILE_QKV:
    case PROFILE_OUT:
        return bench_peak_of(m, keeps(r->precision, names[s]) ? finer : c->kind);
    case PROFILE_FF:
        return bench_peak_of(m, keeps(r->precision, "up") && keeps(r->precision, "down") ? finer : c->kind);
    case PROFILE_ATTENTION:
    case PROFILE_TEXT:
    case PROFILE_INPUT:
        return bench_peak_of(m, finer);
    default:
        return bench_peak_of(m, KERN_PEAK_F32);
    }
}

/* `t` is over `runs` runs. */
static json_t *stage_json(const struct bench_machine *m, const struct profile_time *t, int runs, double whole,
                          double peak)
{
    json_t *o = json_object();
    int failed = !o;
    if (!failed)
        failed |= put(o, "seconds", json_real(t->seconds / runs)) |
                  put(o, "cpu_seconds", json_real(t->cpu_seconds / runs)) |
                  put(o, "share", json_real(whole > 0 ? t->seconds / whole : 0));
    if (!failed && t->ops > 0 && peak > 0 && t->seconds > 0 && t->cpu_seconds > 0)
        failed |= put(o, "gflop", json_real(t->ops / runs * 1e-9)) |
                  put(o, "peak_share", json_real(t->ops / t->seconds / peak)) |
                  put(o, "peak_share_cpu", json_real(t->ops / (t->cpu_seconds / m->threads) / peak));
    return finish(o, failed);
}

/* Matmuls of the blocks and attention together: against the peak of the precision that was asked for, and against what
 * each part of them could do in the precision that it runs in. */
static int put_shares(json_t *o, const struct bench_machine *m, const struct bench_case *c,
                      const struct bench_result *r)
{
    static const enum profile_stage of[] = {PROFILE_QKV, PROFILE_ATTENTION, PROFILE_OUT, PROFILE_FF};
    const double peak = bench_peak_of(m, c->kind);
    double seconds = 0, cpu = 0, ops = 0, least = 0; /* least: seconds at the peaks */
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        const struct profile_time *t = &r->profile.stage[of[i]];
        seconds += t->seconds;
        cpu += t->cpu_seconds / m->threads;
        ops += t->ops;
        least += t->ops / stage_peak(m, c, r, of[i]);
    }
    const int none = !(peak > 0 && seconds > 0 && cpu > 0);
    return put(o, "peak_share", none ? json_null() : json_real(ops / seconds / peak)) |
           put(o, "peak_share_cpu", none ? json_null() : json_real(ops / cpu / peak)) |
           put(o, "own_peaks_share", none ? json_null() : json_real(least / seconds)) |
           put(o, "own_peaks_share_cpu", none ? json_null() : json_real(least / cpu));
}

static json_t *components(const struct bench_machine *m, const struct bench_case *c, const struct bench_result *r)
{
    json_t *o = json_object();
    double whole = 0;
    int failed = !o;
    for (int s = 0; s < PROFILE_STAGES; s++)
        whole += r->profile.stage[s].seconds;
    for (int s = 0; s < PROFILE_STAGES && !failed; s++)
        failed |= put(o, profile_stage_name((enum profile_stage)s),
                      stage_json(m, &r->profile.stage[s], r->runs, whole, stage_peak(m, c, r, (enum profile_stage)s)));
    return finish(o, failed);
}

json_t *bench_json_run(const struct bench_machine *m, const struct bench_case *c, const struct bench_start *s,
                       const struct bench_result *r)
{
    const int n = r->runs;
    json_t *o = json_object(), *each = json_array();
    int failed = !o || !each;
    for (int i = 0; i < n && !failed; i++)
        failed |= json_array_append_new(each, json_real(r->rtf[i]));
    if (!failed)
        failed |= put(o, "precision", json_string(c->precision)) | put(o, "mixture", json_string(r->precision)) |
                  put(o, "text", json_string(c->text.name)) | put(o, "nfe", json_integer(c->nfe)) |
                  put(o, "frames", json_integer(r->profile.frames / n)) | put(o, "chunks", json_integer(r->chunks)) |
                  put(o, "audio_seconds", json_real(r->audio_seconds)) | put(o, "runs", json_integer(n)) |
                  put(o, "rtf_mean", json_real(stats_mean(r->rtf, n))) |
                  put(o, "rtf_median", json_real(stats_quantile(r->rtf, n, 0.5))) |
                  put(o, "rtf_p95", json_real(stats_quantile(r->rtf, n, 0.95))) |
                  put(o, "rtf_p99", json_real(stats_quantile(r->rtf, n, 0.99))) |
                  put(o, "rtf_stdev", json_real(stats_deviation(r->rtf, n))) |
                  put(o, "rtf_cpu_mean", json_real(stats_mean(r->rtf_cpu, n))) |
                  put(o, "rtf_cpu_median", json_real(stats_quantile(r->rtf_cpu, n, 0.5))) |
                  json_object_set(o, "rtf", each) | put(o, "first_audio_seconds", json_real(r->first_audio)) |
                  put_shares(o, m, c, r) | put(o, "rss_bytes", json_integer((json_int_t)r->rss_peak)) |
                  put(o, "rss_after_bytes", json_integer((json_int_t)r->rss)) |
                  put(o, "rss_anon_bytes", json_integer((json_int_t)r->rss_anon)) |
                  put(o, "rss_file_bytes", json_integer((json_int_t)r->rss_file)) |
                  put(o, "open_first_seconds", json_real(s->first_open)) | put(o, "open_seconds", json_real(s->open)) |
                  put(o, "to_first_evaluation_seconds", json_real(s->to_evaluation)) |
                  put(o, "adaln_once_seconds", json_real(r->adaln.seconds)) | put(o, "components", components(m, c, r));
    json_decref(each);
    return finish(o, failed);
}

json_t *bench_json_sweep(const struct bench_machine *m, const struct bench_case *c, const struct bench_result *r)
{
    const struct profile *p = &r->profile;
    const double evaluations = (double)c->nfe * r->runs;
    struct profile_time all = {0};
    for (int s = PROFILE_INPUT; s <= PROFILE_FF; s++) {
        all.seconds += p->stage[s].seconds;
        all.cpu_seconds += p->stage[s].cpu_seconds;
    }
    const struct profile_time *a = &p->stage[PROFILE_ATTENTION];
    json_t *o = json_object();
    int failed = !o;
    if (!failed)
        failed |= put(o, "precision", json_string(c->precision)) | put(o, "frames", json_integer(p->frames / r->runs)) |
                  put(o, "evaluation_seconds", json_real(all.seconds / evaluations)) |
                  put(o, "evaluation_cpu_seconds", json_real(all.cpu_seconds / m->threads / evaluations)) |
                  put(o, "attention_seconds", json_real(a->seconds / evaluations)) |
                  put(o, "attention_cpu_seconds", json_real(a->cpu_seconds / m->threads / evaluations)) |
                  put_shares(o, m, c, r) | put(o, "rss_bytes", json_integer((json_int_t)r->rss_peak));
    return finish(o, failed);
}
