/* See bench.h. For each precision a session: the model is opened (which may make a cache), closed, and opened again
 * with the clock running; then every text with every number of evaluations is a case. */
#include "engine/bench.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/pool.h"
#include "engine/bench_model.h"

#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLIP_SAMPLES   70900 /* 3 s with the 50 ms that are added to every clip: 281 frames */
#define CLIP_WORDS     "Some call me nature, others call me mother."
#define PEAK_SECONDS   0.2
#define MEMORY_SECONDS 0.4
#define FRAMES_LEAST   300
#define PRECISIONS     "f32,bf16,int8"

static const struct bench_text texts[] = {
    {"short", "Hello chat, thanks for the follow!", 470},
    {"medium", "Thanks for the raid, everyone. Tonight we try the last boss again, and this time it works.", 750},
    {"long",
     "Welcome back to the stream. We have a long evening in front of us, with two games, a giveaway, and a guest who "
     "comes by at ten, so get yourself something to drink.",
     0},
};
static const int sweep_frames[] = {3000, 2500, 2000, 1600, 1200, 800, 600, 400}; /* the longest grows the workspaces */
#define SWEEP_NFE 2

/* -------- parameters -------- */

struct list {
    char item[BENCH_MAX_LIST][BENCH_ITEM];
    int n;
};

static int list_split(const char *name, const char *text, const char *between, struct list *ret, struct error *err)
{
    ret->n = 0;
    for (const char *at = text;; at++) {
        const size_t len = strcspn(at, between);
        if (len < 1 || len >= sizeof ret->item[0] || ret->n == BENCH_MAX_LIST)
            return error_set(err, E_ARG, "%s is \"%.100s\", expected up to %d items with \"%s\" between them", name,
                             text, BENCH_MAX_LIST, between);
        memcpy(ret->item[ret->n], at, len);
        ret->item[ret->n++][len] = '\0';
        at += len;
        if (!*at)
            return 0;
    }
}

static int list_numbers(const char *name, const struct list *l, int least, int most, int *ret, struct error *err)
{
    for (int i = 0; i < l->n; i++) {
        char *end;
        const long v = strtol(l->item[i], &end, 10);
        if (end == l->item[i] || *end || v < least || v > most)
            return error_set(err, E_ARG, "%s has \"%s\", expected whole numbers from %d to %d", name, l->item[i], least,
                             most);
        ret[i] = (int)v;
    }
    return 0;
}

struct plan {
    const ishow_bench_params *params;
    ishow_open_params open;
    struct list precisions;
    int any_precision; /* by default: those that work */
    struct bench_text text[BENCH_MAX_LIST];
    char text_name[BENCH_MAX_LIST][24];
    int text_count;
    int nfe[BENCH_MAX_LIST], nfe_count;
    char *folder; /* with random weights, owned; NULL without a preset */
    int temporary;
};

static int plan_texts(struct plan *plan, const ishow_bench_params *p, struct error *err)
{
    struct list l;
    int frames[BENCH_MAX_LIST], rc = 0;
    if (p->sweep || p->frames) {
        if (p->sweep) {
            l.n = (int)(sizeof sweep_frames / sizeof *sweep_frames);
            memcpy(frames, sweep_frames, sizeof sweep_frames);
        } else if ((rc = list_split("frames", p->frames, ",", &l, err)) ||
                   (rc = list_numbers("frames", &l, FRAMES_LEAST, ISHOW_CHUNK_FRAMES_MAX, frames, err))) {
            return rc;
        }
        for (int i = 0; i < l.n; i++) {
            snprintf(plan->text_name[i], sizeof plan->text_name[i], "%d frames", frames[i]);
            plan->text[i] = (struct bench_text){plan->text_name[i], texts[0].text, frames[i]};
        }
        plan->text_count = l.n;
        return 0;
    }
    if ((rc = list_split("texts", p->texts ? p->texts : "short,medium,long", ",", &l, err)))
        return rc;
    for (int i = 0; i < l.n; i++) {
        size_t k = 0;
        while (k < sizeof texts / sizeof *texts && strcmp(l.item[i], texts[k].name) != 0)
            k++;
        if (k == sizeof texts / sizeof *texts)
            return error_set(err, E_ARG, "texts has \"%s\", expected short, medium or long", l.item[i]);
        plan->text[i] = texts[k];
    }
    plan->text_count = l.n;
    return 0;
}

static int plan_make(struct plan *plan, const ishow_bench_params *p, struct error *err)
{
    struct list l;
    int rc;
    plan->params = p;
    if (p->open)
        plan->open = *p->open;
    else
        ishow_open_params_init(&plan->open);
    if (p->runs < 1 || p->runs > BENCH_MAX_RUNS)
        return error_set(err, E_ARG, "runs is %d, expected 1 to %d", p->runs, BENCH_MAX_RUNS);
    if (plan->open.threads < 0 || plan->open.threads > POOL_MAX_THREADS)
        return error_set(err, E_ARG, "threads is %d, expected 0 (automatic) to %d", plan->open.threads,
                         POOL_MAX_THREADS);
    if ((p->preset && plan->open.model) || (!p->preset && p->keep))
        return error_set(err, E_ARG,
                         p->preset ? "a preset and a model: expected one of them"
                                   : "a folder to keep random weights in, but no preset");
    if (p->preset && (rc = bench_model_check(p->preset, err)))
        return rc;
    plan->any_precision = p->precisions == NULL;
    const char *precisions = p->precisions ? p->precisions : PRECISIONS;
    const char *between = strpbrk(precisions, ":;") ? ";" : ","; /* a mixture of precisions has commas of its own */
    if ((rc = list_split("precisions", precisions, between, &plan->precisions, err)) ||
        (rc = plan_texts(plan, p, err)) || (rc = list_split("nfe", p->nfe ? p->nfe : "7", ",", &l, err)) ||
        (rc = list_numbers("nfe", &l, 1, ISHOW_NFE_MAX, plan->nfe, err)))
        return rc;
    plan->nfe_count = l.n;
    if (p->sweep) {
        plan->nfe[0] = SWEEP_NFE;
        plan->nfe_count = 1;
    }
    return 0;
}

/* -------- progress -------- */

int bench_progress_tell(struct bench_progress *p, double part)
{
    return p->fn ? p->fn(p->user, p->doing, fmin((p->done + part) / p->total, 1)) : 0;
}

static int on_written(void *user, int done, int total)
{
    return bench_progress_tell(user, total ? (double)done / total : 1);
}

/* -------- random weights -------- */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    remove(path);
    return 0;
}

static void plan_release(struct plan *plan)
{
    if (plan->folder && plan->temporary)
        nftw(plan->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(plan->folder);
}

static int make_weights(struct plan *plan, struct bench_progress *progress, struct error *err)
{
    const ishow_bench_params *p = plan->params;
    if (!p->preset)
        return 0;
    if (p->keep) {
        plan->folder = strdup(p->keep);
    } else {
        const char *dir = getenv("TMPDIR");
        plan->folder = path_join(dir && *dir ? dir : "/var/tmp", "ishowtts-bench-XXXXXX"); /* /tmp may be in memory */
    }
    if (!plan->folder)
        return error_nomem(err);
    if (!p->keep && !mkdtemp(plan->folder)) {
        int rc = error_errno(err, errno, "cannot make a folder for the random weights, %s", plan->folder);
        free(plan->folder);
        plan->folder = NULL;
        return rc;
    }
    plan->temporary = !p->keep;
    plan->open.model = plan->folder;
    plan->open.vocab = plan->open.vocoder = NULL;
    if (!plan->open.cache)
        plan->open.cache = plan->folder;                             /* and it goes with it */
    char *last = path_join(plan->folder, "vocos/pytorch_model.bin"); /* written last: the others are there too */
    if (!last)
        return error_nomem(err);
    const int there = file_exists(last);
    free(last);
    return there ? 0 : bench_model_write(p->preset, plan->folder, on_written, progress, err);
}

/* -------- sessions -------- */

void bench_peak(struct bench_machine *m, enum kern_peak kind, double seconds)
{
    const double now = kern_peak_measure(m->isa, kind, m->threads, seconds);
    m->peak[kind] = now > m->peak[kind] ? now : m->peak[kind];
}

double bench_peak_of(const struct bench_machine *m, enum kern_peak kind)
{
    return m->peak[kind] > 0 ? m->peak[kind] : m->peak[KERN_PEAK_F32];
}

static void measure_machine(struct bench_machine *m, const ishow_info *info)
{
    m->threads = info->threads;
    m->isa = KERN_C;
    for (int i = 0; i < KERN_ISA_COUNT; i++)
        if (kern_available((enum kern_isa)i))
            m->isa = (enum kern_isa)i;
    for (int k = 0; k < KERN_PEAK_COUNT; k++)
        bench_peak(m, (enum kern_peak)k, PEAK_SECONDS);
    kern_bandwidth_measure(m->threads, MEMORY_SECONDS, &m->memory);
}

/* Something with pitch and loudness that go up and down, loud throughout, so that nothing of it is trimmed. */
static int make_voice(ishow_engine *engine, ishow_voice **ret, struct error *err)
{
    float *pcm = malloc(sizeof *pcm * CLIP_SAMPLES);
    double phase = 0;
    if (!pcm)
        return error_nomem(err);
    for (int i = 0; i < CLIP_SAMPLES; i++) {
        const double t = (double)i / ISHOW_RATE;
        phase += 2 * 3.14159265358979 * (140 + 30 * sin(2.1 * t)) / ISHOW_RATE;
        double v = 0;
        for (int h = 1; h <= 12; h++)
            v += sin(h * phase) / h;
        pcm[i] = (float)(0.15 * (0.7 + 0.3 * sin(17 * t)) * v);
    }
    int rc = ishow_voice_from_pcm(engine, pcm, CLIP_SAMPLES, 1, ISHOW_RATE, CLIP_WORDS, ret, (ishow_error *)err);
    free(pcm);
    return rc;
}

struct session {
    struct plan *plan;
    struct bench_machine *machine;
    struct bench_progress *progress;
    json_t *runs; /* borrowed: results go to its end */
    json_t **machine_json;
};

static int run_cases(struct session *s, const char *precision, ishow_engine *engine, struct bench_start *start,
                     double opened_at, struct error *err)
{
    const struct plan *plan = s->plan;
    ishow_voice *voice = NULL;
    int rc = make_voice(engine, &voice, err), first = 1;
    struct bench_result *r = malloc(sizeof *r);
    ishow_info info = {.size = sizeof info};
    ishow_describe(engine, &info);
    if (!rc && !r)
        rc = error_nomem(err);
    const double ready = clock_seconds() - opened_at;
    for (int t = 0; t < plan->text_count && !rc; t++)
        for (int n = 0; n < plan->nfe_count && !rc; n++) {
            const struct bench_case c = {.precision = precision,
                                         .kind = strncmp(precision, "int8", 4) == 0   ? KERN_PEAK_INT8
                                                 : strncmp(precision, "bf16", 4) == 0 ? KERN_PEAK_BF16
                                                                                      : KERN_PEAK_F32,
                                         .text = plan->text[t],
                                         .nfe = plan->nfe[n],
                                         .runs = plan->params->sweep ? 1 : plan->params->runs,
                                         .warm = plan->params->sweep && !first,
                                         .seed = 1};
            double to_evaluation;
            snprintf(s->progress->doing, sizeof s->progress->doing, "%s, %s, %d evaluations", precision, c.text.name,
                     c.nfe);
            if ((rc = bench_case_run(engine, voice, &c, s->machine, s->progress, &to_evaluation, r, err)))
                break;
            snprintf(r->precision, sizeof r->precision, "%s", info.precision);
            if (first)
                start->to_evaluation = ready + to_evaluation;
            first = 0;
            json_t *one =
                plan->params->sweep ? bench_json_sweep(s->machine, &c, r) : bench_json_run(s->machine, &c, start, r);
            if (!one || json_array_append_new(s->runs, one))
                rc = error_nomem(err);
        }
    free(r);
    ishow_voice_free(voice);
    return rc;
}

static int on_load(void *user, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    return bench_progress_tell(user, 0);
}

static int run_session(struct session *s, const char *precision, struct error *err)
{
    struct bench_start start = {0};
    ishow_open_params open = s->plan->open;
    ishow_engine *engine = NULL;
    ishow_info info = {.size = sizeof info};
    double at = clock_seconds();
    snprintf(s->progress->doing, sizeof s->progress->doing, "%s, opening the model", precision);
    if (bench_progress_tell(s->progress, 0))
        return error_set(err, E_CANCELLED, "cancelled");
    open.precision = precision;
    open.on_load = on_load;
    open.user = s->progress;
    int rc = ishow_open(&open, &engine, (ishow_error *)err);
    if (rc)
        return rc;
    start.first_open = clock_seconds() - at;
    ishow_describe(engine, &info);
    if (strcmp(info.engine, "f5") != 0)
        rc = error_set(err, E_NOTFOUND,
                       "there is no model to measure: fetch one with `ishowtts pull f5`, or take random "
                       "weights with --preset v1-base");
    if (!rc && !*s->machine_json) {
        measure_machine(s->machine, &info);
        if (!(*s->machine_json = bench_json_machine(s->machine, &info)))
            rc = error_nomem(err);
    }
    ishow_close(engine);
    engine = NULL;
    at = clock_seconds();
    if (!rc)
        rc = ishow_open(&open, &engine, (ishow_error *)err);
    start.open = clock_seconds() - at;
    if (!rc)
        rc = run_cases(s, precision, engine, &start, at, err);
    ishow_close(engine);
    return rc;
}

static int run_all(struct plan *plan, json_t *root, struct error *err)
{
    const ishow_bench_params *p = plan->params;
    struct bench_machine machine = {0};
    struct bench_progress progress = {.fn = p->on_progress, .user = p->progress_user};
    json_t *machine_json = NULL, *runs = json_array();
    struct session session = {plan, &machine, &progress, runs, &machine_json};
    const int each = plan->text_count * plan->nfe_count * (1 + (p->sweep ? 1 : p->runs));
    int rc = 0, done = 0;
    if (!runs)
        return error_nomem(err);
    progress.total = 1 + (double)plan->precisions.n * each;
    snprintf(progress.doing, sizeof progress.doing, "random weights, %s", p->preset ? p->preset : "");
    rc = make_weights(plan, &progress, err);
    for (int i = 0; i < plan->precisions.n && !rc; i++) {
        progress.done = 1 + (double)i * each;
        rc = run_session(&session, plan->precisions.item[i], err);
        if (rc == E_UNSUPPORTED && plan->any_precision && done + (plan->precisions.n - 1 - i) > 0)
            rc = 0;
        else
            done++;
    }
    json_t *peaks = rc ? NULL : bench_json_peaks(&machine);
    if (!rc && (!peaks || json_object_set(root, "machine", machine_json) || json_object_set(root, "peaks", peaks) ||
                json_object_set(root, p->sweep ? "sweep" : "runs", runs)))
        rc = error_nomem(err);
    json_decref(peaks);
    json_decref(runs);
    json_decref(machine_json);
    return rc;
}

void ishow_bench_params_init(ishow_bench_params *p)
{
    *p = (ishow_bench_params){.size = sizeof *p, .runs = 5};
}

int ishow_bench(const ishow_bench_params *given, char **ret, ishow_error *e)
{
    struct error *err = (struct error *)e;
    struct plan plan = {0};
    ishow_bench_params p;
    ishow_bench_params_init(&p);
    if (!ret)
        return error_set(err, E_ARG, "ishow_bench: ret_json is NULL");
    if (given && (given->size < sizeof given->size || given->size > sizeof p))
        return error_set(err, E_ARG,
                         "ishow_bench_params says it is %zu bytes long, expected at most %zu: initialise it "
                         "with ishow_bench_params_init",
                         given->size, sizeof p);
    if (given)
        memcpy(&p, given, given->size);
    json_t *root = NULL;
    char *text = NULL;
    int rc = plan_make(&plan, &p, err);
    if (!rc && !(root = json_pack("{s:s, s:s}", "program", "ishowtts", "version", ISHOW_VERSION)))
        rc = error_nomem(err);
    if (!rc && !(rc = run_all(&plan, root, err)) && !(text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(6))))
        rc = error_nomem(err);
    json_decref(root);
    plan_release(&plan);
    if (!rc)
        *ret = text;
    return rc;
}

void ishow_free(void *p)
{
    free(p);
}
