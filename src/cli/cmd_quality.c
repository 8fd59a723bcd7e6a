/* `ishowtts quality`: how far precisions and numbers of evaluations are from f32 and 32 on the user's own model. */
#include "cli/cli.h"

#include "base/buf.h"
#include "base/file.h"
#include "cli/output.h"
#include "cli/quality_report.h"
#include "cli/recogniser.h"
#include "cli/terminal.h"
#include "cli/voice_config.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_TEXTS 100
#define TEXTS_MAX_BYTES 65536

static const char usage[] =
    "usage: ishowtts quality [options]\n"
    "Compares precisions and numbers of evaluations with f32 and 32 evaluations, on your model and in your voice.\n"
    "What turns out as good as f32 (mel NMSE below 1e-3) is remembered, and --precision auto takes the fastest of it.\n"
    "\n"
    "  --model NAME|PATH    f5, f5-v0, a folder or a checkpoint (the best one installed)\n"
    "  --vocab FILE, --vocoder DIR, --arch v0|v1, --threads N, --cache DIR    as for `ishowtts say`\n"
    "  --ref CLIP           a few seconds of a voice (a sentence of the built-in voice)\n"
    "  --ref-text WORDS     what is said in it\n"
    "  --voice NAME         a voice of the configuration instead (--config FILE)\n"
    "  --texts FILE         what is spoken, one text a line, up to 100 (three texts)\n"
    "  --nfe LIST           evaluations, \"7,16\" (7)\n"
    "  --precisions LIST    beside f32: \"bf16,int8\"; mixtures with semicolons: \"int8:none;int8:down,first1\"\n"
    "                       (bf16 and int8, if this CPU has kernels for them)\n"
    "  --seed N             of the noise (1234)\n"
    "  --wer                have pocketsphinx listen, and count the words it gets wrong (English only)\n"
    "  --html DIR           a page with players, pictures and curves: DIR/index.html\n"
    "  --json               the figures as one JSON object on stdout instead of a table\n"
    "  -q, --quiet          no progress on stderr\n"
    "  --help               this text\n"
    "\n"
    "exit code: 0 measured, 1 failed, 2 wrong usage, 130 interrupted\n";

struct quality_options {
    ishow_open_params open;
    ishow_quality_params params;
    const char *voice, *config, *texts, *html;
    int json, wer, quiet;

    struct quality_report report;
    const char *lines[MAX_TEXTS]; /* in text */
    struct buf text;
    ishow_error *err; /* why a callback stopped */
    int failed;
};

enum { OPT_MODEL = 256, OPT_VOCAB, OPT_VOCODER, OPT_ARCH, OPT_CACHE, OPT_THREADS, OPT_REF, OPT_REF_TEXT, OPT_VOICE,
       OPT_CONFIG, OPT_TEXTS, OPT_NFE, OPT_PRECISIONS, OPT_SEED, OPT_WER, OPT_HTML, OPT_JSON, OPT_HELP };

static const struct option long_options[] = {{"model", required_argument, NULL, OPT_MODEL},
                                             {"vocab", required_argument, NULL, OPT_VOCAB},
                                             {"vocoder", required_argument, NULL, OPT_VOCODER},
                                             {"arch", required_argument, NULL, OPT_ARCH},
                                             {"cache", required_argument, NULL, OPT_CACHE},
                                             {"threads", required_argument, NULL, OPT_THREADS},
                                             {"ref", required_argument, NULL, OPT_REF},
                                             {"ref-text", required_argument, NULL, OPT_REF_TEXT},
                                             {"voice", required_argument, NULL, OPT_VOICE},
                                             {"config", required_argument, NULL, OPT_CONFIG},
                                             {"texts", required_argument, NULL, OPT_TEXTS},
                                             {"nfe", required_argument, NULL, OPT_NFE},
                                             {"precisions", required_argument, NULL, OPT_PRECISIONS},
                                             {"seed", required_argument, NULL, OPT_SEED},
                                             {"wer", no_argument, NULL, OPT_WER},
                                             {"html", required_argument, NULL, OPT_HTML},
                                             {"json", no_argument, NULL, OPT_JSON},
                                             {"quiet", no_argument, NULL, 'q'},
                                             {"help", no_argument, NULL, OPT_HELP},
                                             {0}};

/* 0, or EXIT_USAGE; -1 when help was printed. */
static int parse_options(int argc, char **argv, struct quality_options *o)
{
    long long whole;
    int c, rc = 0;
    while (!rc && (c = getopt_long(argc, argv, "q", long_options, NULL)) != -1) {
        switch (c) {
        case 'q': o->quiet = 1; break;
        case OPT_MODEL: o->open.model = optarg; break;
        case OPT_VOCAB: o->open.vocab = optarg; break;
        case OPT_VOCODER: o->open.vocoder = optarg; break;
        case OPT_ARCH: rc = parse_arch("quality", optarg, &o->open.arch); break;
        case OPT_CACHE: o->open.cache = optarg; break;
        case OPT_REF: o->params.ref = optarg; break;
        case OPT_REF_TEXT: o->params.ref_words = optarg; break;
        case OPT_VOICE: o->voice = optarg; break;
        case OPT_CONFIG: o->config = optarg; break;
        case OPT_TEXTS: o->texts = optarg; break;
        case OPT_NFE: o->params.nfe = optarg; break;
        case OPT_PRECISIONS: o->params.precisions = optarg; break;
        case OPT_WER: o->wer = 1; break;
        case OPT_HTML: o->html = optarg; break;
        case OPT_JSON: o->json = 1; break;
        case OPT_THREADS:
            if (!(rc = parse_whole("quality", "threads", optarg, 0, 256, &whole)))
                o->open.threads = (int)whole;
            break;
        case OPT_SEED:
            if (!(rc = parse_whole("quality", "seed", optarg, 0, INT64_MAX, &whole)))
                o->params.seed = (uint64_t)whole;
            break;
        case OPT_HELP: fputs(usage, stdout); return -1;
        default: return EXIT_USAGE; /* getopt has said why */
        }
    }
    if (rc)
        return rc;
    if (optind < argc)
        return report_usage("quality", "no arguments are taken, and \"%s\" was found", argv[optind]);
    if (o->voice && (o->params.ref || o->params.ref_words))
        return report_usage("quality", "--voice and --ref exclude each other");
    if (!o->params.ref != !o->params.ref_words)
        return report_usage("quality", "--ref and --ref-text belong together: the model needs the clip and its words");
    return 0;
}

/* One text a line; empty lines do not count. */
static int read_texts(struct quality_options *o, struct error *err)
{
    int rc = file_read(o->texts, TEXTS_MAX_BYTES, &o->text, err), n = 0;
    if (rc)
        return rc;
    if (memchr(o->text.ptr, '\0', o->text.len))
        return error_set(err, E_FORMAT, "%s holds a zero byte", o->texts);
    char *rest = o->text.ptr;
    for (char *line; (line = strtok_r(rest, "\r\n", &rest));) {
        if (line[strspn(line, " \t")] == '\0')
            continue;
        if (n == MAX_TEXTS)
            return error_set(err, E_LIMIT, "%s has more than %d texts", o->texts, MAX_TEXTS);
        o->lines[n++] = line;
    }
    if (n == 0)
        return error_set(err, E_FORMAT, "%s holds no text", o->texts);
    o->params.texts = o->lines;
    o->params.text_count = n;
    return 0;
}

/* -------- what comes back -------- */

static void clear_line(const struct quality_options *o)
{
    if (!o->quiet && terminal_live(stderr))
        fputs("\r\033[K", stderr);
}

static int on_progress(void *user, const char *doing, double done)
{
    const struct quality_options *o = user;
    if (!o->quiet && terminal_live(stderr))
        fprintf(stderr, "\r\033[K%3.0f %%  %s", 100 * done, doing);
    return interrupted();
}

static void on_notice(void *user, const char *text)
{
    const struct quality_options *o = user;
    clear_line(o);
    if (!o->quiet)
        fprintf(stderr, "%s\n", text);
}

static int write_sound(const char *path, const ishow_quality_run *run, ishow_error *err)
{
    struct output out = OUTPUT_INIT;
    int rc = output_open(&out, path, "wav", err);
    if (!rc)
        rc = output_write(&out, run->samples, run->sample_count, err);
    if (!rc)
        rc = output_finish(&out, err);
    output_release(&out);
    return rc;
}

static int write_picture(const char *path, const ishow_quality_run *run, ishow_error *err)
{
    struct buf picture = BUF_INIT;
    int rc = quality_picture(&picture, run->mel, run->frames, run->bands)
                 ? error_nomem((struct error *)err)
                 : file_write(path, picture.ptr, picture.len, (struct error *)err);
    buf_release(&picture);
    return rc;
}

/* The run's sound, for the page or for the recogniser alone, and its picture. */
static int take_sound(struct quality_options *o, const ishow_quality_run *run, double *ret_wer)
{
    const char *temp = getenv("TMPDIR");
    char name[128];
    struct buf path = BUF_INIT;
    int rc = 0, fd = -1;
    quality_file(run->precision, run->nfe, run->text_index, name);
    if (o->html ? buf_addf(&path, "%s/%s.wav", o->html, name)
                : buf_addf(&path, "%s/ishowtts-quality-XXXXXX", temp && *temp ? temp : "/tmp"))
        return error_nomem((struct error *)o->err);
    if (!o->html && (fd = mkstemp(path.ptr)) < 0)
        rc = error_errno((struct error *)o->err, errno, "cannot make the temporary file %s", path.ptr);
    if (!rc)
        rc = write_sound(path.ptr, run, o->err);
    if (!rc && o->wer)
        rc = recogniser_errors(path.ptr, run->text, ret_wer, o->err);
    if (!rc && o->html) {
        memcpy(path.ptr + path.len - 3, "bmp", 3);
        rc = write_picture(path.ptr, run, o->err);
    }
    if (fd >= 0) {
        close(fd);
        unlink(path.ptr);
    }
    buf_release(&path);
    return rc;
}

static int on_run(void *user, const ishow_quality_run *run)
{
    struct quality_options *o = user;
    double wer = NAN;
    if ((o->html || o->wer) && (o->failed = take_sound(o, run, &wer)))
        return 1;
    if (quality_add_run(&o->report, run, wer))
        o->failed = error_nomem((struct error *)o->err);
    return o->failed || interrupted();
}

static void on_verdict(void *user, const ishow_quality_verdict *v)
{
    struct quality_options *o = user;
    if (quality_add_verdict(&o->report, v))
        o->failed = error_nomem((struct error *)o->err);
}

/* -------- all of it -------- */

static int write_page(const struct quality_options *o, ishow_error *err)
{
    struct buf page = BUF_INIT;
    char *path = path_join(o->html, "index.html");
    int rc = !path || quality_page(&page, &o->report) ? error_nomem((struct error *)err)
                                                      : file_write(path, page.ptr, page.len, (struct error *)err);
    free(path);
    buf_release(&page);
    return rc;
}

static int print_json(const struct quality_options *o, ishow_error *err)
{
    json_t *all = quality_json(&o->report);
    int failed = !all || json_dumpf(all, stdout, JSON_INDENT(2)) < 0 || putchar('\n') < 0;
    json_decref(all);
    return failed ? error_set((struct error *)err, E_IO, "cannot write to stdout") : 0;
}

static int run(struct quality_options *o, ishow_error *err)
{
    struct config *config = NULL;
    const struct config_voice *found;
    ishow_error why = {0};
    int rc = 0;
    if (o->wer && !recogniser_installed())
        return error_set((struct error *)err, E_UNSUPPORTED,
                         "--wer needs a recogniser: apt-get install " RECOGNISER_PACKAGES);
    if (o->texts)
        rc = read_texts(o, (struct error *)err);
    if (!rc && o->html)
        rc = dir_make(o->html, (struct error *)err);
    if (!rc && o->voice && !(rc = config_voice_find(o->config, o->voice, &config, &found, (struct error *)err))) {
        o->params.ref = found->reference_audio;
        o->params.ref_words = found->reference_text;
    }
    o->err = &why;
    snprintf(o->report.model, sizeof o->report.model, "%s", o->open.model ? o->open.model : "the best one installed");
    if (!rc && (rc = ishow_quality(&o->params, o->report.chosen, err)) == ISHOW_E_CANCELLED && o->failed)
        *err = why;
    if (!rc && o->failed) {
        *err = why;
        rc = o->failed;
    }
    clear_line(o);
    if (!rc && o->html)
        rc = write_page(o, err);
    if (!rc && o->json)
        rc = print_json(o, err);
    else if (!rc)
        quality_table(stdout, &o->report);
    if (!rc && fflush(stdout))
        rc = error_set((struct error *)err, E_IO, "cannot write to stdout");
    config_free(config);
    return rc;
}

int cmd_quality(int argc, char **argv)
{
    struct quality_options o = {.text = BUF_INIT};
    ishow_error err;
    ishow_open_params_init(&o.open);
    ishow_quality_params_init(&o.params);
    int rc = parse_options(argc, argv, &o);
    if (rc)
        return rc < 0 ? EXIT_DONE : rc;
    o.open.on_notice = on_notice;
    o.open.user = &o;
    o.params.open = &o.open;
    o.params.on_run = on_run;
    o.params.on_verdict = on_verdict;
    o.params.user = &o;
    o.params.on_progress = on_progress;
    o.params.progress_user = &o;
    interrupt_catch();
    rc = run(&o, &err);
    quality_release(&o.report);
    buf_release(&o.text);
    return rc ? report_error("quality", &err) : EXIT_DONE;
}
