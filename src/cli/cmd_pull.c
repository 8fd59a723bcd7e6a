/* `ishowtts pull`: fetches a model, with its vocabulary and the vocoder, into the hub's cache.
 *
 * Ctrl-C keeps what has come and exits with 130; the same command goes on from there. */
#include "cli/cli.h"

#include "base/known_models.h"
#include "cli/progress.h"
#include "net/hub.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODELS_MAX 8
#define FILES_PER_MODEL 2
#define FILES_MAX (2 + MODELS_MAX * FILES_PER_MODEL)

static const char usage[] =
    "usage: ishowtts pull [options] MODEL...\n"
    "Fetches models from the Hugging Face hub; an interrupted download goes on where it stopped.\n"
    "\n"
    "  --revision REV  branch, tag or commit of the model's repository (main)\n"
    "  --check         read files that are here already and compare their checksums\n"
    "  --json          the files' paths as JSON on stdout\n"
    "  --help          this text\n"
    "\n"
    "models:\n";

static const char environment[] =
    "\n"
    "HF_ENDPOINT names a mirror, HF_TOKEN an access token, HF_HOME or HF_HUB_CACHE the folder; what other\n"
    "Hugging Face tools have fetched is found. HF_HUB_OFFLINE=1 asks nobody. Proxies: https_proxy, no_proxy.\n"
    "\n"
    "exit code: 0 all files are here, 1 something failed, 2 wrong usage, 130 interrupted\n";

struct display {
    struct progress bar;
    const struct hub_file *file; /* that the last line was about */
    enum hub_stage stage;
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int on_progress(void *user, const struct hub_progress *p)
{
    struct display *d = user;
    const char *name = base_name(p->file->file);
    char label[320], size[32];
    if (interrupted())
        return 1;
    if (p->file != d->file || p->stage != d->stage)
        progress_restart(&d->bar);
    int fresh = p->file != d->file || (p->stage != d->stage && p->stage != HUB_NOTE);
    if (p->stage != HUB_NOTE) {
        d->file = p->file;
        d->stage = p->stage;
    }
    switch (p->stage) {
    case HUB_LOOK:
        snprintf(label, sizeof label, "asking about %s", name);
        progress_show(&d->bar, label, 0, 0);
        break;
    case HUB_WAIT:
        snprintf(label, sizeof label, "waiting for another program that fetches %s", name);
        if (fresh && !d->bar.live)
            progress_say(&d->bar, "%s", label);
        progress_show(&d->bar, label, 0, 0);
        break;
    case HUB_CHECK:
        snprintf(label, sizeof label, "checking %s", name);
        progress_show(&d->bar, label, p->have, p->size);
        break;
    case HUB_FETCH:
        progress_show(&d->bar, name, p->all_have, p->all_size);
        break;
    case HUB_NOTE:
        progress_say(&d->bar, "%s", p->note);
        break;
    case HUB_HAVE:
    case HUB_DONE:
        if (p->size) {
            format_bytes(p->size, size);
            progress_say(&d->bar, "%s (%s) %s", name, size, p->stage == HUB_DONE ? "fetched" : "is here already");
        } else {
            progress_say(&d->bar, "%s is here already", name);
        }
        break;
    }
    return 0;
}

static int print_help(void)
{
    fputs(usage, stdout);
    for (const struct known_model *m = known_models; m->name; m++)
        printf("  %-15s %s, from %s\n", m->name, m->title, m->repo);
    fputs(environment, stdout);
    return fflush(stdout) ? EXIT_FAILED : EXIT_DONE;
}

static int print_json(const struct hub_file *files, const struct hub_result *results, size_t n)
{
    json_t *list = json_array();
    int bad = !list;
    for (size_t i = 0; i < n && !bad; i++)
        bad = json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:I, s:b}", "repo", files[i].repo, "file",
                                                    files[i].file, "path", results[i].path, "size",
                                                    (json_int_t)results[i].size, "fetched", results[i].fetched)) < 0;
    json_t *all = bad ? NULL : json_pack("{s:O}", "files", list);
    bad = !all || json_dumpf(all, stdout, JSON_INDENT(2)) < 0 || putchar('\n') < 0 || fflush(stdout) != 0;
    json_decref(all);
    json_decref(list);
    if (bad)
        fprintf(stderr, "ishowtts pull: cannot write the list of files\n");
    return bad ? EXIT_FAILED : EXIT_DONE;
}

/* The small files first: they fail early if anything does. */
static size_t list_files(const struct known_model *const *models, size_t count, const char *revision,
                         struct hub_file *files)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        files[n++] = (struct hub_file){models[i]->repo, models[i]->vocab, revision};
    files[n++] = (struct hub_file){VOCOS_REPO, VOCOS_CONFIG_FILE, NULL};
    files[n++] = (struct hub_file){VOCOS_REPO, VOCOS_WEIGHTS_FILE, NULL};
    for (size_t i = 0; i < count; i++)
        files[n++] = (struct hub_file){models[i]->repo, models[i]->checkpoint, revision};
    return n;
}

static int pull(const struct hub_file *files, size_t n, struct hub_options *options, int json,
                const struct known_model *model)
{
    struct display display = {.stage = HUB_LOOK};
    struct hub_result results[FILES_MAX];
    struct error err = {0};
    interrupt_catch();
    progress_init(&display.bar, stderr);
    options->on_progress = on_progress;
    options->user = &display;
    int rc = hub_pull(files, n, options, results, &err);
    progress_clear(&display.bar);
    if (rc == E_CANCELLED) {
        fprintf(stderr, "interrupted: what has come is kept, and the same command goes on from there\n");
        return 128 + interrupted();
    }
    if (rc) {
        fprintf(stderr, "ishowtts pull: %s\n", err.text);
        return rc == E_ARG ? EXIT_USAGE : EXIT_FAILED;
    }
    fprintf(stderr,
            "%s is ready: ishowtts say --model %s --ref clip.wav --ref-text \"what the clip says\" "
            "\"Hello chat!\"\n",
            model->title, model->name);
    rc = json ? print_json(files, results, n) : 0;
    hub_results_release(results, n);
    return rc;
}

int cmd_pull(int argc, char **argv)
{
    static const struct option longs[] = {{"revision", required_argument, NULL, 'r'},
                                          {"check", no_argument, NULL, 'c'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    struct hub_options options = {0};
    const char *revision = NULL;
    int json = 0;
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        switch (c) {
        case 'r':
            revision = optarg;
            break;
        case 'c':
            options.check = 1;
            break;
        case 'j':
            json = 1;
            break;
        case 'h':
            return print_help();
        default:
            return EXIT_USAGE;
        }
    }
    const struct known_model *models[MODELS_MAX];
    size_t count = 0;
    for (; optind < argc && count < MODELS_MAX; optind++) {
        const struct known_model *m = known_model_find(argv[optind]);
        if (!m) {
            fprintf(stderr, "ishowtts pull: no model is called \"%s\"; there are", argv[optind]);
            for (m = known_models; m->name; m++)
                fprintf(stderr, "%s %s", m == known_models ? "" : ",", m->name);
            fputc('\n', stderr);
            return EXIT_USAGE;
        }
        models[count++] = m;
    }
    if (count == 0 || optind < argc)
        return report_usage("pull", "expected 1 to %d models, as in `ishowtts pull %s`", MODELS_MAX,
                            known_models[0].name);
    struct hub_file files[FILES_MAX];
    size_t n = list_files(models, count, revision, files);
    return pull(files, n, &options, json, models[0]);
}
