/* The result of a bench on a terminal. */
#include "cli/bench_report.h"

#include "cli/progress.h"

#include <math.h>
#include <string.h>

const char *const bench_components[] = {"text", "input", "qkv",     "attention", "out",
                                        "ff",   "adaln", "vocoder", "host",      NULL};

double bench_number(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

const char *bench_text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

/* A number in `width` columns, or a dash. */
static void cell(FILE *out, int width, int digits, double v)
{
    if (isfinite(v))
        fprintf(out, "%*.*f", width, digits, v);
    else
        fprintf(out, "%*s", width, "-");
}

static void machine(FILE *out, const json_t *result)
{
    static const char *const kinds[] = {"f32", "bf16", "int8"};
    const json_t *m = json_object_get(result, "machine"), *p = json_object_get(result, "peaks");
    fprintf(out, "%s, %.0f threads, %s kernels\n%s\npeaks:", bench_text(m, "cpu"), bench_number(m, "threads"),
            bench_text(m, "kernels"), bench_text(m, "model"));
    for (int i = 0; i < 3; i++)
        if (isfinite(bench_number(p, kinds[i])))
            fprintf(out, " %s %.0f", kinds[i], bench_number(p, kinds[i]));
    fprintf(out, " GFLOP/s; memory reads %.1f GB/s, copies %.1f GB/s\n", bench_number(p, "read_gb_s"),
            bench_number(p, "copy_gb_s"));
}

static void run_lines(FILE *out, const json_t *runs)
{
    size_t i;
    const json_t *r;
    fputs("\nRTF is the time taken over the time spoken: below 1 is faster than real time. Peak: share of the peak by "
          "blocks' "
          "products\nand attention. CPU: by CPU time over threads, which other programs on the machine do not "
          "stretch.\n\n"
          "precision         text        nfe frames audio s |  RTF mean median    p95    p99  stdev |   CPU | peak %   "
          "CPU % | "
          "memory   start s\n",
          out);
    json_array_foreach(runs, i, r)
    {
        char memory[32] = "-";
        if (isfinite(bench_number(r, "rss_bytes")) && bench_number(r, "rss_bytes") >= 0)
            format_bytes((uint64_t)bench_number(r, "rss_bytes"), memory);
        fprintf(out, "%-17s %-11s", bench_text(r, "precision"), bench_text(r, "text"));
        cell(out, 4, 0, bench_number(r, "nfe"));
        cell(out, 7, 0, bench_number(r, "frames"));
        cell(out, 8, 2, bench_number(r, "audio_seconds"));
        fputs(" |", out);
        cell(out, 10, 3, bench_number(r, "rtf_mean"));
        cell(out, 7, 3, bench_number(r, "rtf_median"));
        cell(out, 7, 3, bench_number(r, "rtf_p95"));
        cell(out, 7, 3, bench_number(r, "rtf_p99"));
        cell(out, 7, 3, bench_number(r, "rtf_stdev"));
        fputs(" |", out);
        cell(out, 6, 3, bench_number(r, "rtf_cpu_mean"));
        fputs(" |", out);
        cell(out, 7, 1, bench_number(r, "peak_share") * 100);
        cell(out, 8, 1, bench_number(r, "peak_share_cpu") * 100);
        fprintf(out, " | %-8s", memory);
        cell(out, 6, 2, bench_number(r, "to_first_evaluation_seconds"));
        fputc('\n', out);
    }
}

static void component_lines(FILE *out, const json_t *runs)
{
    size_t i;
    const json_t *r;
    json_array_foreach(runs, i, r)
    {
        const json_t *all = json_object_get(r, "components");
        fprintf(out, "\n%s, %s, %.0f evaluations\ncomponent       ms  %% of time  GFLOP/s  %% of peak  CPU %%\n",
                bench_text(r, "precision"), bench_text(r, "text"), bench_number(r, "nfe"));
        for (int k = 0; bench_components[k]; k++) {
            const json_t *c = json_object_get(all, bench_components[k]);
            if (!c)
                continue;
            fprintf(out, "%-10s", bench_components[k]);
            cell(out, 8, 1, bench_number(c, "seconds") * 1e3);
            cell(out, 11, 1, bench_number(c, "share") * 100);
            cell(out, 9, 0, bench_number(c, "gflop") / bench_number(c, "seconds"));
            cell(out, 11, 1, bench_number(c, "peak_share") * 100);
            cell(out, 7, 1, bench_number(c, "peak_share_cpu") * 100);
            if (strcmp(bench_components[k], "adaln") == 0 && bench_number(r, "adaln_once_seconds") > 0)
                fprintf(out, "  (%.1f ms once a schedule)", bench_number(r, "adaln_once_seconds") * 1e3);
            else if (strcmp(bench_components[k], "adaln") == 0)
                fputs("  (the tables are there already)", out);
            fputc('\n', out);
        }
    }
}

static void sweep_lines(FILE *out, const json_t *sweep)
{
    size_t i;
    const json_t *r;
    fputs("\nOne evaluation, both branches of the guidance; by CPU time over threads. \"us a frame\" without attention "
          "is what "
          "should stay level.\n\n"
          "precision         frames | ms, wall  ms, CPU  attention | us a frame  without attention | peak %   CPU %\n",
          out);
    json_array_foreach(sweep, i, r)
    {
        const double frames = bench_number(r, "frames"), all = bench_number(r, "evaluation_cpu_seconds"),
                     attention = bench_number(r, "attention_cpu_seconds");
        fprintf(out, "%-17s", bench_text(r, "precision"));
        cell(out, 7, 0, frames);
        fputs(" |", out);
        cell(out, 9, 1, bench_number(r, "evaluation_seconds") * 1e3);
        cell(out, 9, 1, all * 1e3);
        cell(out, 11, 1, attention * 1e3);
        fputs(" |", out);
        cell(out, 11, 1, all / frames * 1e6);
        cell(out, 19, 1, (all - attention) / frames * 1e6);
        fputs(" |", out);
        cell(out, 7, 1, bench_number(r, "peak_share") * 100);
        cell(out, 8, 1, bench_number(r, "peak_share_cpu") * 100);
        fputc('\n', out);
    }
}

void bench_table(FILE *out, const json_t *result)
{
    const json_t *runs = json_object_get(result, "runs"), *sweep = json_object_get(result, "sweep");
    machine(out, result);
    if (json_array_size(runs)) {
        run_lines(out, runs);
        component_lines(out, runs);
    }
    if (json_array_size(sweep))
        sweep_lines(out, sweep);
}
