/* ishow_verify: a golden case from its own files to numbers, each beside what PyTorch computed.
 *
 * A case folder holds case.json (texts, evaluations, guidance), ref.wav, vocab.txt, a checkpoint, vocos/ and
 * expected.safetensors, whose names are the stages: tokens, timesteps, noise, ref_mel, text_embed_cond and so on to
 * wave. What is computed is collected in the order of the pipeline and compared by name. */
#include "ishowtts.h"

#include "audio/shape.h"
#include "audio/sound_file.h"
#include "audio/resample.h"
#include "audio/spectrum.h"
#include "base/file.h"
#include "base/pool.h"
#include "engine/f5.h"
#include "model/torch_random.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CASE_MAX_BYTES 65536
#define CASE_DEFAULT_SEED 1234

struct golden_case {
    struct f5_switches switches;
    char *ref_text, *gen_text; /* owned */
    int frames, ref_frames;    /* 0: from the texts and the clip */
    int nfe;
    double cfg, sway;
    int has_seed;
    uint64_t seed;
};

static void case_release(struct golden_case *c)
{
    free(c->ref_text);
    free(c->gen_text);
}

/* -------- case.json -------- */

static int get_int(json_t *o, const char *key, int least, int most, int fallback, int *ret, struct error *err)
{
    json_t *v = json_object_get(o, key);
    if (!v || json_is_null(v)) {
        if (fallback < 0)
            return error_set(err, E_FORMAT, "case.json: \"%s\" is missing", key);
        *ret = fallback;
        return 0;
    }
    if (!json_is_integer(v) || json_integer_value(v) < least || json_integer_value(v) > most)
        return error_set(err, E_FORMAT, "case.json: \"%s\" must be a whole number from %d to %d", key, least, most);
    *ret = (int)json_integer_value(v);
    return 0;
}

static int get_number(json_t *o, const char *key, double fallback, double *ret, struct error *err)
{
    json_t *v = json_object_get(o, key);
    if (v && !json_is_number(v) && !json_is_null(v))
        return error_set(err, E_FORMAT, "case.json: \"%s\" must be a number", key);
    *ret = v && json_is_number(v) ? json_number_value(v) : fallback;
    return 0;
}

static int get_text(json_t *o, const char *key, char **ret, struct error *err)
{
    json_t *v = json_object_get(o, key);
    if (!json_is_string(v))
        return error_set(err, E_FORMAT, "case.json: \"%s\" must be a text", key);
    *ret = strdup(json_string_value(v));
    return *ret ? 0 : error_nomem(err);
}

static int read_switches(json_t *arch, struct f5_switches *s, struct error *err)
{
    *s = F5_SWITCHES_AUTO;
    if (!arch)
        return 0;
    json_t *mask = json_object_get(arch, "text_mask_padding");
    if (json_is_boolean(mask))
        s->text_mask_padding = json_is_true(mask);
    return get_int(arch, "pe_attn_head", 1, ARCH_MAX_DIM, 0, &s->rope_heads, err);
}

static int case_read(const char *dir, struct golden_case *c, struct error *err)
{
    char *path = path_join(dir, "case.json");
    struct buf text = BUF_INIT;
    json_error_t json_err;
    json_t *root = NULL, *seed;
    int rc = path ? file_read(path, CASE_MAX_BYTES, &text, err) : error_nomem(err);
    if (!rc && !(root = json_loadb(text.ptr, text.len, 0, &json_err)))
        rc = error_set(err, E_FORMAT, "%s:%d:%d: %s", path, json_err.line, json_err.column, json_err.text);
    if (!rc && !(rc = read_switches(json_object_get(root, "arch"), &c->switches, err)) &&
        !(rc = get_text(root, "ref_text", &c->ref_text, err)) &&
        !(rc = get_text(root, "gen_text", &c->gen_text, err)) &&
        !(rc = get_int(root, "duration_frames", 1, DIT_MAX_FRAMES, 0, &c->frames, err)) &&
        !(rc = get_int(root, "ref_frames", 1, DIT_MAX_FRAMES, 0, &c->ref_frames, err)) &&
        !(rc = get_int(root, "nfe", 1, ISHOW_NFE_MAX, -1, &c->nfe, err)) &&
        !(rc = get_number(root, "cfg_strength", 2, &c->cfg, err)))
        rc = get_number(root, "sway", -1, &c->sway, err);
    if (!rc && (seed = json_object_get(root, "seed")) && json_is_integer(seed)) {
        c->has_seed = 1;
        c->seed = (uint64_t)json_integer_value(seed);
    } else {
        c->seed = CASE_DEFAULT_SEED;
    }
    json_decref(root);
    buf_release(&text);
    free(path);
    return rc;
}

/* -------- what was computed -------- */

struct results {
    struct ckpt_out *items; /* names and data owned */
    size_t count, cap;
};

static int results_add(struct results *r, const char *name, enum ckpt_dtype dtype, int ndim, const int64_t *dims,
                       const void *data, struct error *err)
{
    if (ARRAY_GROW(r->items, r->count, r->cap))
        return error_nomem(err);
    struct ckpt_out *t = &r->items[r->count];
    size_t bytes = 4; /* both dtypes have 4-byte elements */
    *t = (struct ckpt_out){.name = strdup(name), .dtype = dtype, .ndim = ndim};
    for (int i = 0; i < ndim; i++) {
        t->shape[i] = dims[i];
        bytes *= (size_t)dims[i];
    }
    void *copy = malloc(bytes ? bytes : 1);
    if (!t->name || !copy) {
        free((char *)t->name);
        free(copy);
        return error_nomem(err);
    }
    memcpy(copy, data, bytes);
    t->data = copy;
    r->count++;
    return 0;
}

static int results_tap(void *user, const char *name, int ndim, const int64_t *dims, const float *data,
                       struct error *err)
{
    return results_add(user, name, CKPT_F32, ndim, dims, data, err);
}

static void results_release(struct results *r)
{
    for (size_t i = 0; i < r->count; i++) {
        free((char *)r->items[i].name);
        free((void *)r->items[i].data);
    }
    free(r->items);
}

/* -------- running a case -------- */

/* The clip as infer_batch_process takes it: raised to 0.1 if it is quieter. */
static int load_clip(const char *dir, struct pcm *clip, float *ret_gain, struct error *err)
{
    const float target = 0.1f;
    char *path = path_join(dir, "ref.wav");
    int rc = path ? sound_read(path, clip, err) : error_nomem(err);
    free(path);
    if (rc)
        return rc;
    const float rms = pcm_rms(clip->samples, clip->len);
    *ret_gain = 1;
    if (rms > 0 && rms < target) {
        for (size_t i = 0; i < clip->len; i++)
            clip->samples[i] = clip->samples[i] * target / rms;
        *ret_gain = rms / target;
    }
    return pcm_resample(clip, AUDIO_RATE, err);
}

/* The case's own noise when it has some of the right shape, else PyTorch's for its seed, which is what is reported
 * as "noise". */
static int make_noise(const struct golden_case *c, const struct ckpt *expected, int frames, float *noise,
                      struct results *r, struct error *err)
{
    const int64_t dims[] = {frames, MEL_BANDS};
    struct torch_random random;
    torch_manual_seed(&random, c->seed);
    torch_randn(&random, noise, (size_t)frames * MEL_BANDS);
    int rc = results_add(r, "noise", CKPT_F32, 2, dims, noise, err);
    const struct ckpt_tensor *t = ckpt_find(expected, "noise");
    if (!rc && t && t->ndim == 2 && t->shape[0] == frames && t->shape[1] == MEL_BANDS)
        rc = ckpt_read_f32(t, noise, err);
    return rc;
}

struct case_run {
    struct pcm clip, wave;
    float *ref_mel, *mel, *noise;
    struct arena arena;
    struct buf text;
};

static int run_case(const struct golden_case *c, struct f5 *f, const char *dir, const struct ckpt *expected,
                    struct case_run *x, struct results *r, struct error *err)
{
    const struct tap tap = {results_tap, r};
    struct sample_request req = {0};
    int32_t *ids;
    float gain;
    int rc;
    if (buf_add_str(&x->text, c->ref_text) || buf_add_str(&x->text, c->gen_text))
        return error_nomem(err);
    if ((rc = f5_tokenize(f, x->text.ptr, x->text.len, &x->arena, &ids, &req.id_count, err)) ||
        (rc = results_add(r, "tokens", CKPT_I32, 1, (int64_t[]){(int64_t)req.id_count}, ids, err)) ||
        (rc = load_clip(dir, &x->clip, &gain, err)))
        return rc;

    const int ref_frames = c->ref_frames ? c->ref_frames : (int)(x->clip.len / MEL_HOP);
    req.ids = ids;
    req.ref_frames = (int)mel_frames(x->clip.len);
    req.frames = c->frames ? c->frames : req.ref_frames + 1;
    if (req.frames < req.ref_frames || req.frames < ref_frames + 2)
        return error_set(err, E_FORMAT, "case.json: duration_frames is %d, the clip alone has %d mel frames",
                         req.frames, req.ref_frames);
    const size_t count = (size_t)req.frames * MEL_BANDS;
    x->ref_mel = malloc(sizeof(float) * (size_t)req.ref_frames * MEL_BANDS);
    x->mel = malloc(sizeof(float) * count);
    x->noise = malloc(sizeof(float) * count);
    if (!x->ref_mel || !x->mel || !x->noise)
        return error_nomem(err);
    const int64_t ref_dims[] = {req.ref_frames, MEL_BANDS}, mel_dims[] = {req.frames, MEL_BANDS};
    if ((rc = mel_compute(x->clip.samples, x->clip.len, x->ref_mel, err)) ||
        (rc = results_tap(r, "ref_mel", 2, ref_dims, x->ref_mel, err)) ||
        (rc = make_noise(c, expected, req.frames, x->noise, r, err)))
        return rc;
    req.ref_mel = x->ref_mel;
    req.noise = x->noise;
    req.mel = x->mel;
    const struct sampler_params params = {
        .nfe = c->nfe, .cfg = (float)c->cfg, .sway = (float)c->sway, .tap = &tap};
    if ((rc = sampler_run(f->sampler, &req, 1, &params, err)) ||
        (rc = results_tap(r, "mel_out", 2, mel_dims, x->mel, err)) ||
        (rc = f5_vocode(f, x->mel + (size_t)ref_frames * MEL_BANDS, req.frames - ref_frames, &x->wave, &tap, err)))
        return rc;
    const int64_t samples = (int64_t)x->wave.len;
    if ((rc = results_tap(r, "wave_before_rms", 1, &samples, x->wave.samples, err)))
        return rc;
    for (size_t i = 0; i < x->wave.len; i++)
        x->wave.samples[i] *= gain;
    return results_tap(r, "wave", 1, &samples, x->wave.samples, err);
}

/* -------- comparing -------- */

static const struct ckpt_out *results_find(const struct results *r, const char *name)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->items[i].name, name) == 0)
            return &r->items[i];
    return NULL;
}

static double element(const struct ckpt_out *t, size_t i)
{
    return t->dtype == CKPT_I32 ? ((const int32_t *)t->data)[i] : (double)((const float *)t->data)[i];
}

static double nmse(const struct ckpt_out *got, const float *want, size_t count)
{
    double diff = 0, power = 0;
    for (size_t i = 0; i < count; i++) {
        const double d = element(got, i) - want[i];
        diff += d * d;
        power += (double)want[i] * want[i];
    }
    return power > 0 ? diff / power : diff > 0 ? INFINITY : diff; /* NaN stays NaN */
}

static int compare(const struct golden_case *c, const struct ckpt_out *got, const struct ckpt_tensor *want,
                   double tolerance, ishow_check *check, struct error *err)
{
    *check = (ishow_check){.name = got->name, .ndim = got->ndim, .shape = got->shape, .nmse = NAN, .note = ""};
    if (!want) {
        check->ok = 1;
        check->note = "not in expected.safetensors";
        return 0;
    }
    if (want->ndim != got->ndim || memcmp(want->shape, got->shape, sizeof *got->shape * (size_t)got->ndim) != 0) {
        check->note = "expected another shape";
        return 0;
    }
    float *values = malloc(sizeof *values * (size_t)(want->count ? want->count : 1));
    if (!values)
        return error_nomem(err);
    int rc = ckpt_read_f32(want, values, err);
    if (!rc) {
        check->nmse = nmse(got, values, (size_t)want->count);
        check->ok = got->dtype == CKPT_I32 ? check->nmse == 0 : check->nmse <= tolerance;
        if (!check->ok && !c->has_seed && strcmp(got->name, "noise") == 0) {
            check->ok = 1;
            check->note = "not of seed 1234; the case's own was used";
        }
    }
    free(values);
    return rc;
}

static int report(const struct golden_case *c, const struct results *r, const struct ckpt *expected, double tolerance,
                  ishow_check_fn on_check, void *user, int *ret_failed, struct error *err)
{
    ishow_check check;
    int failed = 0;
    for (size_t i = 0; i < r->count; i++) {
        int rc = compare(c, &r->items[i], ckpt_find(expected, r->items[i].name), tolerance, &check, err);
        if (rc)
            return rc;
        failed += !check.ok;
        on_check(user, &check);
    }
    for (size_t i = 0; i < expected->count; i++) {
        const struct ckpt_tensor *t = &expected->tensors[i];
        if (results_find(r, t->name))
            continue;
        check = (ishow_check){t->name, t->ndim, t->shape, NAN, 0, "expected, but nothing here computes it"};
        failed++;
        on_check(user, &check);
    }
    *ret_failed = failed;
    return 0;
}

static int files_of(const char *dir, const char *weights, struct model_files *files, struct error *err)
{
    char *path = weights ? path_join(dir, weights) : NULL, *vocab = path_join(dir, "vocab.txt");
    char *vocos = path_join(dir, "vocos");
    int rc = (weights && !path) || !vocab || !vocos ? error_nomem(err) : 0;
    if (!rc && weights && !file_exists(path))
        rc = error_set(err, E_NOTFOUND, "%s is not there", path);
    if (!rc && !dir_exists(dir))
        rc = error_set(err, E_NOTFOUND, "%s is not a folder", dir);
    if (!rc)
        rc = model_locate(path ? path : dir, vocab, vocos, files, err);
    free(path);
    free(vocab);
    free(vocos);
    return rc;
}

int ishow_verify(const char *dir, const char *weights, const char *write, double tolerance, int threads,
                 ishow_check_fn on_check, void *user, int *ret_failed, ishow_error *e)
{
    struct error *err = (struct error *)e;
    struct golden_case c = {0};
    struct model_files files = {0};
    struct f5 *f = NULL;
    struct ckpt *expected = NULL;
    struct results results = {0};
    struct case_run run = {0};
    char *path = NULL;
    int rc;
    if (!dir || !on_check || !ret_failed)
        return error_set(err, E_ARG, "ishow_verify: dir, on_check and ret_failed must not be NULL");
    if (threads < 0 || threads > POOL_MAX_THREADS)
        return error_set(err, E_ARG, "threads is %d, expected 0 (automatic) to %d", threads, POOL_MAX_THREADS);
    if ((rc = case_read(dir, &c, err)) || (rc = files_of(dir, weights, &files, err)))
        goto done;
    if (!(path = path_join(dir, "expected.safetensors"))) {
        rc = error_nomem(err);
        goto done;
    }
    if ((rc = ckpt_open(path, &expected, err)) || (rc = f5_open(&files, c.switches, threads, &f, err)) ||
        (rc = run_case(&c, f, dir, expected, &run, &results, err)) ||
        (write && (rc = safetensors_write(write, results.items, results.count, err))))
        goto done;
    rc = report(&c, &results, expected, tolerance, on_check, user, ret_failed, err);
done:
    pcm_release(&run.clip);
    pcm_release(&run.wave);
    free(run.ref_mel);
    free(run.mel);
    free(run.noise);
    arena_release(&run.arena);
    buf_release(&run.text);
    results_release(&results);
    ckpt_close(expected);
    f5_close(f);
    model_files_release(&files);
    case_release(&c);
    free(path);
    return rc;
}
