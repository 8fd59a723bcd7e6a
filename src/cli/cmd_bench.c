/* `ishowtts bench`: measures, or takes what was measured before, and shows it. */
#include "cli/cli.h"

#include "base/file.h"
#include "cli/bench_report.h"
#include "cli/terminal.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: ishowtts bench [options]\n"
    "Measures what this machine can do at most (multiply-adds, dot products, memory) and how near to it synthesis\n"
    "comes: real-time factor, time and share of the peak by component, memory. The clip has 3 seconds.\n"
    "\n"
    "  --preset NAME      random weights of v1-base or v1-small; tiny to try this command (v1-base)\n"
    "  --keep DIR         keep the random weights in DIR, and find them there\n"
    "  --model NAME|PATH  a model instead, as in `say`; also --vocab, --vocoder, --arch v0|v1\n"
    "  --precision LIST   f32, bf16, int8 (those of the three that this CPU has kernels for); mixtures, which have\n"
    "                     commas of their own, are listed with semicolons\n"
    "  --text LIST        short, medium, long: 2, 5 and about 11 seconds of speech (all three)\n"
    "  --frames LIST      frames of clip and speech together instead, 93.75 a second\n"
    "  --nfe LIST         evaluations (7)\n"
    "  --runs N           after a warm-up (5)\n"
    "  --sweep            cost of an evaluation from 400 to 3000 frames instead\n"
    "  --threads N        0 is one a CPU (0)\n"
    "\n"
    "  --json             the result as JSON on stdout instead of the table\n"
    "  --load FILE        show a saved JSON result instead of measuring\n"
    "  --compare FILE     against an older JSON result: exit code 1 when a run became worse\n"
    "  --threshold X      by more than X percent in real-time factor or memory (5)\n"
    "  --svg FILE, --html FILE   a chart; a page with chart and table\n"
    "  --help             this text\n"
    "\n"
    "exit code: 0 done, 1 failed or worse than before, 2 wrong usage, 130 interrupted\n";

/* Options that take a text as it is come first, then the others; all up to OPT_SWEEP say what to measure. */
enum {
    OPT_LOAD = 256,
    OPT_COMPARE,
    OPT_SVG,
    OPT_HTML,
    OPT_PRESET,
    OPT_KEEP,
    OPT_MODEL,
    OPT_VOCAB,
    OPT_VOCODER,
    OPT_PRECISION,
    OPT_TEXT,
    OPT_FRAMES,
    OPT_NFE,
    OPT_TEXTS_END,
    OPT_ARCH = OPT_TEXTS_END,
    OPT_RUNS,
    OPT_THREADS,
    OPT_SWEEP,
    OPT_JSON,
    OPT_THRESHOLD,
    OPT_HELP
};

struct bench_options {
    ishow_bench_params params;
    ishow_open_params open;
    int json, help;
    const char *load, *compare, *svg, *html;
    double threshold;     /* percent */
    const char *measures; /* an option that only measuring can follow */
};

static int parse_options(int argc, char **argv, struct bench_options *o)
{
    static const struct option longs[] = {{"preset", required_argument, NULL, OPT_PRESET},
                                          {"keep", required_argument, NULL, OPT_KEEP},
                                          {"model", required_argument, NULL, OPT_MODEL},
                                          {"vocab", required_argument, NULL, OPT_VOCAB},
                                          {"vocoder", required_argument, NULL, OPT_VOCODER},
                                          {"arch", required_argument, NULL, OPT_ARCH},
                                          {"precision", required_argument, NULL, OPT_PRECISION},
                                          {"text", required_argument, NULL, OPT_TEXT},
                                          {"frames", required_argument, NULL, OPT_FRAMES},
                                          {"nfe", required_argument, NULL, OPT_NFE},
                                          {"runs", required_argument, NULL, OPT_RUNS},
                                          {"sweep", no_argument, NULL, OPT_SWEEP},
                                          {"threads", required_argument, NULL, OPT_THREADS},
                                          {"json", no_argument, NULL, OPT_JSON},
                                          {"load", required_argument, NULL, OPT_LOAD},
                                          {"compare", required_argument, NULL, OPT_COMPARE},
                                          {"threshold", required_argument, NULL, OPT_THRESHOLD},
                                          {"svg", required_argument, NULL, OPT_SVG},
                                          {"html", required_argument, NULL, OPT_HTML},
                                          {"help", no_argument, NULL, OPT_HELP},
                                          {NULL, 0, NULL, 0}};
    const char **const texts[OPT_TEXTS_END - OPT_LOAD] = {
        &o->load,         &o->compare,       &o->svg,        &o->html,         &o->params.preset,
        &o->params.keep,  &o->open.model,    &o->open.vocab, &o->open.vocoder, &o->params.precisions,
        &o->params.texts, &o->params.frames, &o->params.nfe};
    long long n;
    int at = 0, rc = 0;
    for (int c; !rc && (c = getopt_long(argc, argv, "", longs, &at)) != -1;) {
        if (c >= OPT_PRESET && c <= OPT_SWEEP)
            o->measures = longs[at].name;
        if (c >= OPT_LOAD && c < OPT_TEXTS_END) {
            *texts[c - OPT_LOAD] = optarg;
            continue;
        }
        switch (c) {
        case OPT_ARCH:
            if (strcmp(optarg, "v0") != 0 && strcmp(optarg, "v1") != 0)
                return report_usage("bench", "--arch wants v0 or v1, not \"%s\"", optarg);
            o->open.arch = strcmp(optarg, "v0") == 0 ? ISHOW_ARCH_V0 : ISHOW_ARCH_V1;
            break;
        case OPT_RUNS:
            if (!(rc = parse_whole("bench", "runs", optarg, 1, 1000, &n)))
                o->params.runs = (int)n;
            break;
        case OPT_THREADS:
            if (!(rc = parse_whole("bench", "threads", optarg, 0, 256, &n)))
                o->open.threads = (int)n;
            break;
        case OPT_SWEEP:
            o->params.sweep = 1;
            break;
        case OPT_JSON:
            o->json = 1;
            break;
        case OPT_THRESHOLD:
            if (!(rc = parse_number("bench", "threshold", optarg, &o->threshold)) && o->threshold < 0)
                rc = report_usage("bench", "--threshold wants percent, 0 or more, not \"%s\"", optarg);
            break;
        case OPT_HELP:
            o->help = 1;
            return 0;
        default:
            return EXIT_USAGE; /* getopt has said why */
        }
    }
    if (rc)
        return rc;
    if (optind < argc)
        return report_usage("bench", "no arguments are taken, and \"%s\" was found", argv[optind]);
    if (o->load && o->measures)
        return report_usage("bench", "--load shows what was measured before, --%s is about measuring", o->measures);
    if (o->params.preset && o->open.model)
        return report_usage("bench", "--preset and --model are two models");
    if (o->params.frames && o->params.texts)
        return report_usage("bench", "--frames and --text both say how long to speak");
    if (o->params.sweep && (o->params.frames || o->params.texts || o->params.nfe || o->compare))
        return report_usage("bench", "--sweep has its own frames and evaluations, and nothing to compare");
    if (!o->params.preset && !o->open.model)
        o->params.preset = "v1-base";
    return 0;
}

/* -------- results -------- */

static json_t *load(const char *path)
{
    json_error_t why;
    json_t *o = json_load_file(path, 0, &why);
    if (!o)
        fprintf(stderr, "ishowtts bench: %s: %s\n", path, why.text);
    else if (!json_is_array(json_object_get(o, "runs")) && !json_is_array(json_object_get(o, "sweep")))
        fprintf(stderr,
                "ishowtts bench: %s: expected what `ishowtts bench --json` writes, found neither \"runs\" nor "
                "\"sweep\"\n",
                path);
    else
        return o;
    json_decref(o);
    return NULL;
}

static int on_progress(void *user, const char *doing, double done)
{
    if (*(const int *)user) {
        char text[200];
        snprintf(text, sizeof text, "\r\033[K%3.0f %%  %.150s", done * 100, doing);
        fputs(text, stderr);
        fflush(stderr);
    }
    return interrupted();
}

static json_t *measure(const struct bench_options *o, int *ret_exit)
{
    int live = terminal_live(stderr);
    ishow_bench_params p = o->params;
    ishow_error err;
    char *text = NULL;
    p.open = &o->open;
    p.on_progress = on_progress;
    p.progress_user = &live;
    interrupt_catch();
    int rc = ishow_bench(&p, &text, &err);
    if (live)
        fputs("\r\033[K", stderr);
    json_t *result = rc ? NULL : json_loads(text, 0, NULL);
    ishow_free(text);
    if (rc)
        *ret_exit = report_error("bench", &err);
    else if (!result)
        fputs("ishowtts bench: out of memory\n", stderr);
    return result;
}

static int write_chart(const char *path, const json_t *result, int (*draw)(struct buf *out, const json_t *result))
{
    struct buf text = BUF_INIT;
    ishow_error err;
    int rc = draw(&text, result);
    if (rc == ISHOW_E_NOTFOUND)
        fprintf(stderr, "ishowtts bench: there is nothing in the result to draw\n");
    else if (rc)
        fprintf(stderr, "ishowtts bench: out of memory\n");
    else if ((rc = file_write(path, text.ptr, text.len, (struct error *)&err)))
        report_error("bench", &err);
    buf_release(&text);
    return rc ? -1 : 0;
}

static int show(const struct bench_options *o, const json_t *result, const json_t *old)
{
    FILE *words = o->json ? stderr : stdout;
    int worse = 0;
    if (o->json)
        json_dumpf(result, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6)), putchar('\n');
    else
        bench_table(stdout, result);
    if ((o->svg && write_chart(o->svg, result, bench_svg)) || (o->html && write_chart(o->html, result, bench_html)))
        return EXIT_FAILED;
    if (old) {
        if (!o->json)
            printf("\nagainst %s:\n", o->compare);
        if (bench_compare(words, result, old, o->threshold / 100, &worse)) {
            fprintf(stderr,
                    "ishowtts bench: %s has no run in common with this one: precision, text, evaluations and frames "
                    "must be the same\n",
                    o->compare);
            return EXIT_FAILED;
        }
        if (worse)
            fprintf(stderr, "ishowtts bench: %d run%s worse than before by more than %g %%\n", worse,
                    worse == 1 ? " is" : "s are", o->threshold);
    }
    if (fflush(stdout) || ferror(stdout)) {
        fputs("ishowtts bench: cannot write to stdout\n", stderr);
        return EXIT_FAILED;
    }
    return worse ? EXIT_FAILED : EXIT_DONE;
}

int cmd_bench(int argc, char **argv)
{
    struct bench_options o = {.threshold = 5};
    ishow_bench_params_init(&o.params);
    ishow_open_params_init(&o.open);
    int code = parse_options(argc, argv, &o);
    if (code)
        return code;
    if (o.help) {
        fputs(usage, stdout);
        return fflush(stdout) ? EXIT_FAILED : EXIT_DONE;
    }
    json_t *old = NULL;
    if (o.compare && !(old = load(o.compare))) /* found out before the time is spent */
        return EXIT_FAILED;
    code = EXIT_FAILED;
    json_t *result = o.load ? load(o.load) : measure(&o, &code);
    if (result)
        code = show(&o, result, old);
    json_decref(result);
    json_decref(old);
    return code;
}
