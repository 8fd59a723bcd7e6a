/* See sampler.h. A batch is laid out as sequences end to end: the conditional branch of every request, then,
 * with guidance, the unconditional branch of every request in the same order. So the two velocities of a frame lie
 * `rows` apart, and one call of dit_velocity does all. When a request leaves, the others move together. */
#include "model/sampler.h"

#include "model/schedule.h"

#include <stdlib.h>
#include <string.h>

#define CFG_MIN 1e-5f /* below it upstream drops guidance */

struct sampler {
    struct dit *model; /* borrowed */
    float *mem;        /* device workspace */
    size_t count;
};

/* Device tensors of one run; R rows of requests, M = R or 2 R rows of sequences. */
struct run {
    const struct sample_request *requests; /* borrowed */
    int n, in[SAMPLER_MAX_BATCH];          /* those still in the batch, by index, ascending */
    struct seqs seqs;                      /* of all branches of these */
    int start[2 * SAMPLER_MAX_BATCH + 1];
    size_t rows;  /* R */
    int branches; /* 1 or 2 */
    float *x;     /* [R, mel], the ODE's state */
    float *text;  /* [M, text_dim] */
    float *input; /* [M, 2 mel + text_dim]: x | cond | text */
    float *velocity; /* [M, mel] */
};

int sampler_create(struct dit *model, struct sampler **ret, struct error *err)
{
    struct sampler *s = calloc(1, sizeof *s);
    if (!s)
        return error_nomem(err);
    s->model = model;
    *ret = s;
    return 0;
}

void sampler_free(struct sampler *s)
{
    if (!s)
        return;
    dev_free(dit_dev(s->model), s->mem);
    free(s);
}

int sampler_branches(float cfg)
{
    return cfg < CFG_MIN ? 1 : 2;
}

static int check(const struct sample_request *requests, int n, const struct sampler_params *p, int vocab,
                 struct error *err)
{
    if (n < 1 || n > SAMPLER_MAX_BATCH)
        return error_set(err, E_ARG, "a batch of %d, expected 1 to %d", n, SAMPLER_MAX_BATCH);
    if (p->nfe < 1 || p->nfe > SCHEDULE_MAX_NFE)
        return error_set(err, E_ARG, "%d evaluations asked for, expected 1 to %d", p->nfe, SCHEDULE_MAX_NFE);
    for (int i = 0; i < n; i++) {
        const struct sample_request *r = &requests[i];
        if (r->frames < 1 || r->frames > DIT_MAX_FRAMES)
            return error_set(err, E_LIMIT, "clip and speech are %d frames long, expected 1 to %d", r->frames,
                             DIT_MAX_FRAMES);
        if (r->ref_frames < 0 || r->ref_frames > r->frames)
            return error_set(err, E_ARG, "the reference has %d frames of %d in all", r->ref_frames, r->frames);
        for (size_t j = 0; j < r->id_count; j++)
            if (r->ids[j] < 0 || r->ids[j] >= vocab)
                return error_set(err, E_ARG, "token id %d, the vocabulary has %d", (int)r->ids[j], vocab);
    }
    return 0;
}

/* Where the branches of the requests in the batch lie. */
static void place(struct run *run)
{
    int at = 0, k = 0;
    for (int b = 0; b < run->branches; b++)
        for (int i = 0; i < run->n; i++) {
            run->start[k++] = at;
            at += run->requests[run->in[i]].frames;
        }
    run->start[k] = at;
    run->seqs = (struct seqs){k, run->start};
    run->rows = (size_t)at / (size_t)run->branches;
}

static int lay_out(struct sampler *s, const struct sample_request *requests, int n, int branches, struct run *run,
                   struct error *err)
{
    const struct f5_arch *a = dit_arch(s->model);
    run->requests = requests;
    run->branches = branches;
    run->n = n;
    for (int i = 0; i < n; i++)
        run->in[i] = i;
    place(run);

    const size_t mel = (size_t)a->mel, text = (size_t)a->text_dim, all = run->rows * (size_t)branches;
    const size_t count = run->rows * mel + all * (text + 2 * mel + text + mel);
    if (count > s->count) {
        dev_free(dit_dev(s->model), s->mem);
        s->mem = NULL;
        s->count = 0;
        int rc = dev_alloc(dit_dev(s->model), count, &s->mem, err);
        if (rc)
            return rc;
        s->count = count;
    }
    run->x = s->mem;
    run->text = run->x + run->rows * mel;
    run->input = run->text + all * text;
    run->velocity = run->input + all * (2 * mel + text);
    return 0;
}

/* What stays the same at every evaluation: noise into x, the clip's mel and the text into the input. */
static int fill_input(struct sampler *s, struct run *run, const struct tap *tap, struct error *err)
{
    struct dev *d = dit_dev(s->model);
    const struct f5_arch *a = dit_arch(s->model);
    const size_t mel = (size_t)a->mel, text = (size_t)a->text_dim, cols = 2 * mel + text;
    const size_t all = run->rows * (size_t)run->branches;
    struct dit_text texts[2 * SAMPLER_MAX_BATCH];

    dev_zero(d, run->input, all * cols);
    dev_zero(d, run->velocity, all * mel);
    for (int i = 0; i < run->n; i++) {
        const struct sample_request *r = &run->requests[i];
        const size_t row = (size_t)run->start[i];
        dev_upload(d, run->x + row * mel, r->noise, (size_t)r->frames * mel);
        /* by way of `velocity`, so that the clip lands between the other columns */
        dev_upload(d, run->velocity + row * mel, r->ref_mel, (size_t)r->ref_frames * mel);
        dev_copy_2d(d, run->input + row * cols + mel, cols, run->velocity + row * mel, mel, (size_t)r->ref_frames, mel);
        texts[i] = (struct dit_text){r->ids, r->id_count, 0};
        texts[run->n + i] = (struct dit_text){r->ids, r->id_count, 1};
    }
    int rc = dit_embed_text(s->model, texts, run->seqs, run->text, err);
    if (rc)
        return rc;
    dev_copy_2d(d, run->input + 2 * mel, cols, run->text, text, all, text);

    const int64_t dims[] = {run->requests[0].frames, a->text_dim};
    if ((rc = tap_device(tap, d, "text_embed_cond", 2, dims, run->text, err)) == 0 && run->branches == 2)
        rc = tap_device(tap, d, "text_embed_uncond", 2, dims, run->text + run->rows * text, err);
    return rc;
}

/* -------- leaving -------- */

/* dst[new rows] = src[old rows] of the first `seqs` sequences. Strides and cols in floats. */
static void move_rows(struct dev *d, const struct run *old, const int *kept, const struct run *run, int branches,
                      float *dst, size_t dst_stride, const float *src, size_t src_stride, size_t cols)
{
    for (int b = 0; b < branches; b++)
        for (int i = 0; i < run->n; i++) {
            const size_t from = (size_t)old->start[b * old->n + kept[i]], to = (size_t)run->start[b * run->n + i];
            dev_copy_2d(d, dst + to * dst_stride, dst_stride, src + from * src_stride, src_stride,
                        (size_t)run->requests[run->in[i]].frames, cols);
        }
}

/* Moves those that stay, at old places kept[0 .. n), to the front: state and clip by way of `velocity`, which holds
 * nothing between two evaluations, because a device may not copy onto what it reads. */
static void close_ranks(struct sampler *s, struct run *run, const int *kept, int n)
{
    struct dev *d = dit_dev(s->model);
    const struct f5_arch *a = dit_arch(s->model);
    const size_t mel = (size_t)a->mel, text = (size_t)a->text_dim, cols = 2 * mel + text;
    const struct run old = *run;
    for (int i = 0; i < n; i++)
        run->in[i] = old.in[kept[i]];
    run->n = n;
    place(run);
    const size_t all = run->rows * (size_t)run->branches;
    move_rows(d, &old, kept, run, 1, run->velocity, mel, run->x, mel, mel);
    dev_copy_2d(d, run->x, mel, run->velocity, mel, run->rows, mel);
    move_rows(d, &old, kept, run, run->branches, run->velocity, mel, run->input + mel, cols, mel);
    dev_copy_2d(d, run->input + mel, cols, run->velocity, mel, all, mel);
    move_rows(d, &old, kept, run, run->branches, run->input + 2 * mel, cols, run->text, text, text);
    dev_copy_2d(d, run->text, text, run->input + 2 * mel, cols, all, text);
}

/* Asks every request whether it goes on. E_CANCELLED when none does. */
static int ask(struct sampler *s, struct run *run, const struct sampler_params *p, int step, struct error *err)
{
    int kept[SAMPLER_MAX_BATCH], n = 0;
    for (int i = 0; i < run->n; i++)
        if (!p->progress(p->user, run->in[i], step, p->nfe))
            kept[n++] = i;
    if (!n)
        return error_set(err, E_CANCELLED, "cancelled after %d of %d evaluations", step, p->nfe);
    if (n < run->n)
        close_ranks(s, run, kept, n);
    return 0;
}

/* -------- running -------- */


static int integrate(struct sampler *s, struct run *run, const float *t, const struct sampler_params *p,
                     struct error *err)
{
    struct dev *d = dit_dev(s->model);
    const struct f5_arch *a = dit_arch(s->model);
    const size_t mel = (size_t)a->mel, cols = 2 * mel + (size_t)a->text_dim;
    int rc = 0;
    for (int step = 0; step < p->nfe && !rc; step++) {
        const struct tap *tap = step == 0 ? p->tap : NULL;
        if (p->progress && (rc = ask(s, run, p, step, err)))
            return rc;
        const int64_t branch_dims[] = {run->branches, (int64_t)run->rows, a->mel};
        for (int b = 0; b < run->branches; b++)
            dev_copy_2d(d, run->input + (size_t)b * run->rows * cols, cols, run->x, mel, run->rows, mel);
        if (tap && (rc = dit_tap_time(s->model, step, tap, err)))
            return rc;
        if ((rc = dit_velocity(s->model, run->input, run->seqs, step, run->velocity, tap, err)) ||
            (rc = tap_device(tap, d, "velocity_step0", 3, branch_dims, run->velocity, err)))
            return rc;
        const float *uncond = run->branches == 2 ? run->velocity + run->rows * mel : NULL;
        dev_euler(d, run->x, run->velocity, uncond, p->cfg, t[step + 1] - t[step], run->rows * mel);
        profile_mark(dit_profile(s->model), PROFILE_OUT, 0);
        rc = tap_device(tap, d, "trajectory_step1", 2, branch_dims + 1, run->x, err);
    }
    return rc;
}

static int collect(struct sampler *s, const struct run *run, struct error *err)
{
    const size_t mel = (size_t)dit_arch(s->model)->mel;
    int rc = 0;
    for (int i = 0; i < run->n && !rc; i++) {
        const struct sample_request *r = &run->requests[run->in[i]];
        const float *from = run->x + (size_t)run->start[i] * mel;
        rc = dev_download(dit_dev(s->model), r->mel, from, (size_t)r->frames * mel, err);
        if (!rc && r->ref_frames)
            memcpy(r->mel, r->ref_mel, sizeof *r->mel * (size_t)r->ref_frames * mel);
    }
    return rc;
}

int sampler_run(struct sampler *s, const struct sample_request *requests, int n, const struct sampler_params *p,
                struct error *err)
{
    float t[SCHEDULE_MAX_NFE + 1];
    struct run run;
    int rc = check(requests, n, p, dit_arch(s->model)->vocab, err);
    if (rc)
        return rc;
    schedule_times(p->nfe, p->sway, t);
    const int64_t points = p->nfe + 1;
    if (p->tap && (rc = p->tap->fn(p->tap->user, "timesteps", 1, &points, t, err)))
        return rc;
    profile_mark(dit_profile(s->model), PROFILE_HOST, 0);
    for (int i = 0; i < n; i++)
        profile_frames(dit_profile(s->model), requests[i].frames);
    if ((rc = dit_set_times(s->model, t, p->nfe, err)) ||
        (rc = lay_out(s, requests, n, sampler_branches(p->cfg), &run, err)) ||
        (rc = fill_input(s, &run, p->tap, err)) || (rc = integrate(s, &run, t, p, err)))
        return rc;
    return collect(s, &run, err);
}
