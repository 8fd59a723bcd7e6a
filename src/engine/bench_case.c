/* See bench.h. */
#include "engine/bench.h"

#include "audio/spectrum.h"
#include "base/clock.h"
#include "model/dit.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PEAK_SECONDS 0.03 /* before every run */

/* -------- numbers -------- */

double stats_mean(const double *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i];
    return n ? sum / n : 0;
}

double stats_quantile(const double *x, int n, double q)
{
    if (n < 1)
        return 0;
    const double at = q * (n - 1);
    const int i = (int)at;
    return i + 1 < n ? x[i] + (at - i) * (x[i + 1] - x[i]) : x[n - 1];
}

double stats_deviation(const double *x, int n)
{
    const double mean = stats_mean(x, n);
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return n > 1 ? sqrt(sum / (n - 1)) : 0;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* -------- memory -------- */

/* Makes the kernel forget the highest mark of resident memory; where it refuses, the mark stays that of the process. */
static void rss_reset(void)
{
    int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n = write(fd, "5", 1);
    (void)n;
    close(fd);
}

static uint64_t status_bytes(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at ? strtoull(at + strlen(key), NULL, 10) * 1024 : 0;
}

static void rss_read(struct bench_result *r)
{
    char text[8192];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n < 0 ? 0 : n] = '\0';
    r->rss_peak = status_bytes(text, "\nVmHWM:");
    r->rss = status_bytes(text, "\nVmRSS:");
    r->rss_anon = status_bytes(text, "\nRssAnon:");
    r->rss_file = status_bytes(text, "\nRssFile:");
}

/* -------- one case -------- */

struct watch {
    struct bench_progress *progress;
    double start, first; /* when the first evaluation began */
    int warming;         /* one evaluation is enough */
};

static int on_step(void *user, int done, int total)
{
    struct watch *w = user;
    if (!w->first)
        w->first = clock_seconds();
    const int stop = bench_progress_tell(w->progress, w->warming ? 0.5 * (done > 0) : (double)done / total);
    if (stop)
        w->warming = 0; /* it is the user who wants to stop */
    return stop || (w->warming && done > 0);
}

static int ignore_audio(void *user, const float *samples, size_t n)
{
    (void)user;
    (void)samples;
    (void)n;
    return 0;
}

static int say(ishow_engine *engine, const ishow_voice *voice, const struct bench_case *c, struct watch *w,
               ishow_stats *stats, struct error *err)
{
    ishow_say_params p;
    ishow_say_params_init(&p);
    p.nfe = c->nfe;
    p.seed = c->seed;
    p.on_progress = on_step;
    p.progress_user = w;
    if (c->text.frames) /* half a frame more, or rounding would take one away */
        p.fix_duration = (c->text.frames + 0.5) * MEL_HOP / ISHOW_RATE;
    stats->size = sizeof *stats;
    return ishow_say(engine, voice, c->text.text, &p, ignore_audio, NULL, stats, (ishow_error *)err);
}

int bench_case_run(ishow_engine *engine, const ishow_voice *voice, const struct bench_case *c, struct bench_machine *m,
                   struct bench_progress *progress, double *ret_to_evaluation, struct bench_result *ret,
                   struct error *err)
{
    struct watch watch = {.progress = progress, .start = clock_seconds(), .warming = 1};
    ishow_stats stats;
    struct profile warm; /* memory is touched, tables are made: the first evaluation of the schedule does all that */
    *ret = (struct bench_result){0};
    rss_reset();
    engine_set_profile(engine, &warm);
    profile_start(&warm);
    int rc = c->warm ? 0 : say(engine, voice, c, &watch, &stats, err);
    if (rc == E_CANCELLED && watch.warming)
        rc = 0;
    watch.warming = 0;
    *ret_to_evaluation = watch.first - watch.start;
    ret->adaln = warm.stage[PROFILE_ADALN];
    progress->done++;

    engine_set_profile(engine, &ret->profile);
    profile_start(&ret->profile);
    for (int i = 0; i < c->runs && !rc; i++) {
        bench_peak(m, c->kind, PEAK_SECONDS);
        struct profile_time host = ret->profile.stage[PROFILE_HOST];
        profile_mark(&ret->profile, PROFILE_HOST, 0);
        ret->profile.stage[PROFILE_HOST] = host; /* measuring the peak was no part of the work */
        const double cpu = cpu_seconds();
        rc = say(engine, voice, c, &watch, &stats, err);
        profile_mark(&ret->profile, PROFILE_HOST, 0);
        if (rc)
            break;
        ret->audio_seconds = (double)stats.samples / ISHOW_RATE;
        ret->chunks = stats.chunks;
        ret->rtf[i] = stats.seconds / ret->audio_seconds;
        ret->rtf_cpu[i] = (cpu_seconds() - cpu) / m->threads / ret->audio_seconds;
        ret->first_audio += stats.first_audio_seconds / c->runs;
        ret->runs++;
        progress->done++;
    }
    engine_set_profile(engine, NULL);
    rss_read(ret);
    qsort(ret->rtf, (size_t)ret->runs, sizeof *ret->rtf, ascending);
    qsort(ret->rtf_cpu, (size_t)ret->runs, sizeof *ret->rtf_cpu, ascending);
    return rc;
}
