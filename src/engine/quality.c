/* ishow_quality: what fewer evaluations and coarser arithmetic change, on the user's own model.
 *
 * f32 goes first, with 32 evaluations and with every other number asked for; what it says is kept, a few hundred
 * kilobytes a text. Then one precision after the other is opened, says the same with the same noise, and is held
 * against that. So at no time is more than one copy of the weights in memory. */
#include "ishowtts.h"

#include "audio/sound_file.h"
#include "audio/spectrum.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "engine/builtin.h"
#include "engine/distance.h"
#include "engine/speak.h"
#include "engine/verdict.h"
#include "text/normalize.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TEXTS 100
#define MAX_LIST 16
#define BEST_NFE 32
#define FINER_INT8 "int8:out,down" /* tried when int8 turns out to be too coarse and nobody asked for more */
#define CLIP_WORDS "Some call me nature, others call me mother nature."

_Static_assert(PRECISION_TEXT <= ISHOW_PRECISION_TEXT, "a caller's buffer is long enough");

static const char *const usual_texts[] = {
    "Hello chat, thanks for the follow, and welcome to the stream!",
    "Tonight we try the last boss again, and this time it works.",
    "大家好，欢迎来到我的直播间。",
};

void ishow_quality_params_init(ishow_quality_params *p)
{
    *p = (ishow_quality_params){.size = sizeof *p, .nfe = "7", .seed = 1234};
}

struct quality {
    const ishow_quality_params *params;
    ishow_open_params open;
    struct model_files files;
    struct ishow_voice *voice;
    struct buf texts[MAX_TEXTS]; /* written out */
    int text_count;
    char precisions[MAX_LIST][PRECISION_TEXT];
    int precision_count, all_wanted; /* all: those the CPU cannot do are an error */
    int nfe[MAX_LIST + 1];           /* the last one is BEST_NFE, of f32 alone */
    int nfe_count;                   /* without it */
    struct spoken *f32;              /* [text_count][nfe_count + 1] */
    struct error *err;

    char doing[160];
    double done, total; /* evaluations */
    int cancelled;
};

static struct spoken *f32_of(const struct quality *q, int text, int nfe)
{
    return &q->f32[text * (q->nfe_count + 1) + nfe];
}

/* -------- parameters -------- */

/* Calls take(q, item) for each part of a list; its result or E_ARG for a list that is none. */
static int each_item(struct quality *q, const char *name, const char *list, const char *between,
                     int (*take)(struct quality *q, const char *item))
{
    char item[PRECISION_TEXT];
    for (const char *at = list;; at++) {
        const size_t len = strcspn(at, between);
        if (len < 1 || len >= sizeof item)
            return error_set(q->err, E_ARG, "%s is \"%.100s\", expected a list with \"%s\" between its items", name,
                             list, between);
        memcpy(item, at, len);
        item[len] = '\0';
        int rc = take(q, item);
        if (rc)
            return rc;
        at += len;
        if (!*at)
            return 0;
    }
}

static int take_nfe(struct quality *q, const char *item)
{
    char *end;
    const long n = strtol(item, &end, 10);
    if (*end || n < 1 || n > ISHOW_NFE_MAX || q->nfe_count == MAX_LIST)
        return error_set(q->err, E_ARG, "nfe has \"%s\", expected up to %d numbers from 1 to %d", item, MAX_LIST,
                         ISHOW_NFE_MAX);
    q->nfe[q->nfe_count++] = (int)n;
    return 0;
}

static int take_precision(struct quality *q, const char *item)
{
    if (q->precision_count == MAX_LIST)
        return error_set(q->err, E_ARG, "more than %d precisions", MAX_LIST);
    if (strcmp(item, "f32") != 0) /* always first */
        strcpy(q->precisions[q->precision_count++], item);
    return 0;
}

static int take_text(struct quality *q, const char *text)
{
    const size_t len = strnlen(text, ISHOW_TEXT_MAX + 1), good = utf8_valid_prefix(text, len);
    if (len > ISHOW_TEXT_MAX || good < len)
        return error_set(q->err, E_FORMAT, "text %d is too long or not valid UTF-8", q->text_count + 1);
    int rc = text_normalize(text, len, &q->texts[q->text_count], q->err);
    if (!rc && q->texts[q->text_count].len == 0)
        rc = error_set(q->err, E_ARG, "there is nothing to speak in text %d", q->text_count + 1);
    q->text_count++;
    return rc;
}

static int take_params(struct quality *q)
{
    const ishow_quality_params *p = q->params;
    const char *precisions = p->precisions ? p->precisions : "bf16,int8";
    const char *const *texts = p->texts ? p->texts : usual_texts;
    const int count = p->texts ? p->text_count : (int)(sizeof usual_texts / sizeof *usual_texts);
    int rc;
    q->all_wanted = p->precisions != NULL;
    if (count < 1 || count > MAX_TEXTS)
        return error_set(q->err, E_ARG, "%d texts, expected 1 to %d", count, MAX_TEXTS);
    if (!p->ref != !p->ref_words)
        return error_set(q->err, E_ARG, "a clip and its words belong together");
    if (!p->nfe)
        return error_set(q->err, E_ARG, "nfe is NULL");
    if ((rc = each_item(q, "precisions", precisions, strchr(precisions, ':') ? ";" : ",;", take_precision)) ||
        (rc = each_item(q, "nfe", p->nfe, ",", take_nfe)))
        return rc;
    q->nfe[q->nfe_count] = BEST_NFE;
    for (int i = 0; i < count && !rc; i++)
        rc = take_text(q, texts[i]);
    return rc;
}

static int append(void *user, const float *samples, size_t n)
{
    return pcm_append(user, samples, n);
}

static int make_voice(struct quality *q)
{
    const ishow_quality_params *p = q->params;
    struct pcm clip = {.rate = AUDIO_RATE};
    const struct builtin_listener to = {.audio = append, .user = &clip};
    int rc = p->ref ? sound_read(p->ref, &clip, q->err)
                    : builtin_say(CLIP_WORDS, strlen(CLIP_WORDS), 1, &to, NULL, q->err);
    if (!rc && (rc = voice_create(&clip, p->ref ? p->ref_words : CLIP_WORDS, &q->voice, q->err)) == E_FORMAT && p->ref)
        error_prefix(q->err, "%s", p->ref);
    pcm_release(&clip);
    return rc;
}

/* -------- one run -------- */

static int tell(struct quality *q, double done)
{
    const ishow_quality_params *p = q->params;
    if (p->on_progress && p->on_progress(p->progress_user, q->doing, q->total > 0 ? done / q->total : 0))
        q->cancelled = 1;
    return q->cancelled;
}

static int on_step(void *user, int done, int total)
{
    (void)total;
    struct quality *q = user;
    return tell(q, q->done + done);
}

static int on_load(void *user, uint64_t done, uint64_t total)
{
    struct quality *q = user;
    (void)done;
    (void)total;
    return tell(q, q->done);
}

static void hold_notice(void *user, const char *text)
{
    const struct quality *q = user;
    if (q->open.on_notice)
        q->open.on_notice(q->open.user, text);
}

/* Waves of one text differ in length by nothing but a bug; still, the shorter counts. */
static size_t common(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int hand_over(struct quality *q, const char *precision, int text, int nfe, double took, const struct spoken *s,
                     struct distance *equal)
{
    const struct spoken *same = f32_of(q, text, nfe), *best = f32_of(q, text, q->nfe_count);
    const size_t n = common(s->wave.len, best->wave.len), values = (size_t)s->frames * MEL_BANDS;
    struct distance to_same = {0}, to_best = {0}, wave = {0};
    distance_add(&to_same, s->mel, same->mel, values);
    distance_add(&to_best, s->mel, best->mel, values);
    distance_add(&wave, s->wave.samples, best->wave.samples, n);
    distance_add(equal, s->mel, same->mel, values);
    ishow_quality_run run = {.text = q->texts[text].ptr,
                             .text_index = text,
                             .precision = precision,
                             .nfe = q->nfe[nfe],
                             .took = took,
                             .nmse = distance_nmse(&to_same),
                             .nmse_best = distance_nmse(&to_best),
                             .snr = distance_snr(&wave),
                             .mel = s->mel,
                             .frames = s->frames,
                             .bands = MEL_BANDS,
                             .samples = s->wave.samples,
                             .sample_count = s->wave.len};
    int rc = distance_log_spectral(s->wave.samples, best->wave.samples, n, &run.lsd, q->err);
    if (!rc && q->params->on_run && q->params->on_run(q->params->user, &run))
        rc = error_set(q->err, E_CANCELLED, "cancelled by the receiver of the results");
    return rc;
}

/* Says a text with nfe[i] evaluations; of f32 it is kept. */
static int run_one(struct quality *q, struct f5 *f, int is_f32, int text, int i, struct distance *equal)
{
    struct spoken made = {0}, *s = is_f32 ? f32_of(q, text, i) : &made;
    ishow_say_params say;
    ishow_say_params_init(&say);
    say.nfe = q->nfe[i];
    say.seed = q->params->seed;
    say.on_progress = on_step;
    say.progress_user = q;
    snprintf(q->doing, sizeof q->doing, "%s, %d evaluations, text %d of %d", f->precision, q->nfe[i], text + 1,
             q->text_count);
    const double start = clock_seconds();
    int rc = f5_speak_once(f, q->voice, q->texts[text].ptr, q->texts[text].len, &say, s, q->err);
    if (!rc)
        rc = hand_over(q, f->precision, text, i, clock_seconds() - start, s, equal);
    q->done += q->nfe[i];
    spoken_release(&made);
    return rc;
}

/* -------- one precision -------- */

static int open_at(struct quality *q, const char *precision, int only_use, struct f5 **ret)
{
    const struct f5_options o = {.switches = {q->open.arch, -1, -1},
                                 .threads = q->open.threads,
                                 .precision = precision,
                                 .packs = {q->open.cache, only_use, {on_load, q}, hold_notice, q}};
    snprintf(q->doing, sizeof q->doing, "%s, opening", precision);
    return tell(q, q->done) ? error_set(q->err, E_CANCELLED, "cancelled") : f5_open_with(&q->files, &o, ret, q->err);
}

static int remember(struct quality *q, const struct f5 *f, const ishow_quality_verdict *v)
{
    const struct packs packs = {.dir = q->open.cache};
    struct precision_plan plan;
    struct verdict entry = {.nmse = v->nmse, .nfe = v->nfe};
    int rc = precision_parse(f->precision, f->dev, &plan, q->err);
    if (!rc)
        rc = packed_key_of(q->files.checkpoint, f->dev, &plan, &entry.key, q->err);
    if (rc || (packs.dir && !*packs.dir))
        return rc;
    rc = verdict_remember(&packs, q->files.checkpoint, &entry, q->err);
    if (rc == E_IO || rc == E_NOTFOUND) { /* measured all the same */
        hold_notice(q, q->err->text);
        rc = 0;
    }
    return rc;
}

static int run_f32(struct quality *q)
{
    struct f5 *f = NULL;
    struct distance none = {0};
    int rc = open_at(q, "f32", 1, &f); /* its pack would be the largest of all, for a few runs */
    for (int t = 0; t < q->text_count && !rc; t++)
        for (int i = q->nfe_count; i >= 0 && !rc; i--)
            rc = run_one(q, f, 1, t, i, &none);
    f5_close(f);
    return rc;
}

/* *ret_good stays as it is when the CPU cannot do it. */
static int run_precision(struct quality *q, const char *precision, int *ret_good)
{
    struct f5 *f = NULL;
    struct distance equal[MAX_LIST] = {{0}};
    int rc = open_at(q, precision, 0, &f);
    if (rc == E_UNSUPPORTED && !q->all_wanted)
        return 0;
    for (int t = 0; t < q->text_count && !rc; t++)
        for (int i = 0; i < q->nfe_count && !rc; i++)
            rc = run_one(q, f, 0, t, i, &equal[i]);
    if (!rc) {
        ishow_quality_verdict v = {.precision = f->precision, .nfe = q->nfe[0], .nmse = distance_nmse(&equal[0])};
        for (int i = 1; i < q->nfe_count; i++)
            if (!(distance_nmse(&equal[i]) <= v.nmse)) {
                v.nmse = distance_nmse(&equal[i]);
                v.nfe = q->nfe[i];
            }
        *ret_good = v.good = v.nmse < VERDICT_GOOD;
        rc = remember(q, f, &v);
        if (!rc && q->params->on_verdict)
            q->params->on_verdict(q->params->user, &v);
    }
    f5_close(f);
    return rc;
}

/* What "auto" takes from now on. */
static int tell_choice(struct quality *q, char ret[ISHOW_PRECISION_TEXT])
{
    const struct packs packs = {.dir = q->open.cache};
    struct dev *d = NULL;
    char chosen[PRECISION_TEXT];
    int rc = dev_open_cpu(1, &d, q->err);
    if (!rc && !(rc = verdict_choose(&packs, q->files.checkpoint, d, chosen, q->err)))
        strcpy(ret, chosen);
    dev_close(d);
    return rc;
}

static int run_all(struct quality *q, char ret[ISHOW_PRECISION_TEXT])
{
    int rc;
    if ((rc = take_params(q)) ||
        (rc = model_locate(q->open.model, q->open.vocab, q->open.vocoder, &q->files, q->err)) || (rc = make_voice(q)))
        return rc;
    q->f32 = calloc((size_t)q->text_count * (size_t)(q->nfe_count + 1), sizeof *q->f32);
    if (!q->f32)
        return error_nomem(q->err);
    for (int i = 0; i < q->nfe_count; i++)
        q->total += q->nfe[i] * (1 + q->precision_count);
    q->total = (q->total + BEST_NFE) * q->text_count;
    rc = run_f32(q);
    for (int i = 0; i < q->precision_count && !rc; i++) {
        int good = 1;
        rc = run_precision(q, q->precisions[i], &good);
        if (!rc && !good && !q->all_wanted && strcmp(q->precisions[i], "int8") == 0)
            rc = run_precision(q, FINER_INT8, &good);
    }
    return rc ? rc : tell_choice(q, ret);
}

int ishow_quality(const ishow_quality_params *given, char ret_auto[ISHOW_PRECISION_TEXT], ishow_error *e)
{
    struct error unread;
    ishow_quality_params params;
    ishow_quality_params_init(&params);
    struct quality q = {.params = &params, .err = e ? (struct error *)e : &unread};
    if (!ret_auto || (given && (given->size < sizeof given->size || given->size > sizeof params)))
        return error_set(q.err, E_ARG, "ishow_quality: ret_auto is NULL, or the parameters were not initialised with "
                                       "ishow_quality_params_init");
    if (given)
        memcpy(&params, given, given->size);
    ishow_open_params_init(&q.open);
    if (params.open && (params.open->size < sizeof params.open->size || params.open->size > sizeof q.open))
        return error_set(q.err, E_ARG, "ishow_quality: open was not initialised with ishow_open_params_init");
    if (params.open)
        memcpy(&q.open, params.open, params.open->size);
    if (q.open.model && strcmp(q.open.model, "builtin") == 0)
        return error_set(q.err, E_UNSUPPORTED, "the built-in voices have no weights to compare");
    int rc = run_all(&q, ret_auto);
    for (int i = 0; q.f32 && i < q.text_count * (q.nfe_count + 1); i++)
        spoken_release(&q.f32[i]);
    free(q.f32);
    for (int i = 0; i < q.text_count; i++)
        buf_release(&q.texts[i]);
    ishow_voice_free(q.voice);
    model_files_release(&q.files);
    return rc;
}
