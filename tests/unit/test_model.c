/* The model on real checkpoints: tensors that are missing, extra or misshapen are named, and a batch of unequal lengths
 * gives each what it gets alone. */
#include "test.h"

#include "base/arena.h"
#include "model/sampler.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

static char dir[64];
static struct dev *dev;

static char *golden(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/golden/%s", getenv("ISHOW_TESTS"), name);
    return path;
}

static int set_up(void **state)
{
    (void)state;
    struct error e;
    strcpy(dir, "/tmp/ishow-model-XXXXXX");
    return mkdtemp(dir) && dev_open_cpu(2, &dev, &e) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char cmd[128];
    dev_close(dev);
    snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
    return system(cmd);
}

/* -------- spoiled checkpoints -------- */

enum spoil { SPOIL_NOTHING, SPOIL_DROP, SPOIL_ADD, SPOIL_TURN };

/* Writes the english case's model as f32 with one tensor dropped, added or turned, and loads that. */
static int load_spoiled(enum spoil how, const char *victim, struct error *err)
{
    struct error e;
    struct ckpt *c = NULL;
    struct f5_arch a;
    struct dit *m = NULL;
    struct arena arena = {0};
    char path[128];
    assert_int_equal(ckpt_open(golden("english/model.safetensors"), &c, &e), 0);
    struct ckpt_out *out = arena_alloc(&arena, sizeof *out * (c->count + 1));
    size_t n = 0;
    for (size_t i = 0; i < c->count; i++) {
        const struct ckpt_tensor *t = &c->tensors[i];
        const int hit = strcmp(t->name, victim) == 0;
        if (hit && how == SPOIL_DROP)
            continue;
        float *data = arena_alloc(&arena, sizeof *data * (size_t)t->count);
        assert_int_equal(ckpt_read_f32(t, data, &e), 0);
        out[n] = (struct ckpt_out){.name = t->name, .dtype = CKPT_F32, .ndim = t->ndim, .data = data};
        memcpy(out[n].shape, t->shape, sizeof t->shape);
        if (hit && how == SPOIL_TURN) {
            out[n].shape[0] = t->shape[1];
            out[n].shape[1] = t->shape[0];
        }
        n++;
    }
    static const float zero[1];
    if (how == SPOIL_ADD)
        out[n++] = (struct ckpt_out){.name = victim, .dtype = CKPT_F32, .ndim = 1, .shape = {1}, .data = zero};
    snprintf(path, sizeof path, "%s/m.safetensors", dir);
    assert_int_equal(safetensors_write(path, out, n, &e), 0);
    ckpt_close(c);
    arena_release(&arena);
    assert_int_equal(ckpt_open(path, &c, &e), 0);
    int rc = arch_detect(c, &a, err);
    if (!rc)
        rc = dit_create(dev, c, &a, &m, err);
    dit_free(m);
    ckpt_close(c);
    return rc;
}

static void a_tensor_that_is_wrong_is_named(void **state)
{
    (void)state;
    static const struct {
        enum spoil how;
        const char *victim, *says[3];
    } cases[] = {
        {SPOIL_DROP, "ema_model.transformer.proj_out.bias", {"proj_out.bias", "missing", "[100]"}},
        {SPOIL_DROP, "ema_model.transformer.transformer_blocks.1.attn.to_k.weight", {"1.attn.to_k.weight", "missing", "[64, 64]"}},
        {SPOIL_DROP, "ema_model.transformer.text_embed.text_blocks.0.grn.gamma", {"grn.gamma", "missing", "[1, 1, 64]"}},
        {SPOIL_TURN, "ema_model.transformer.transformer_blocks.0.ff.ff.2.weight", {"ff.ff.2.weight", "[128, 64]", "expected [64, 128]"}},
        {SPOIL_TURN, "ema_model.transformer.input_embed.proj.weight", {"input_embed.proj.weight", "[232, 64]", "expected [64, 232]"}},
        {SPOIL_ADD, "ema_model.transformer.transformer_blocks.0.attn.to_q.lora", {"to_q.lora", "belongs to no part", "[1]"}},
        {SPOIL_ADD, "ema_model.transformer.transformer_blocks.7.attn.to_q.weight", {"blocks.7.attn", "belongs to no part", "[1]"}},
    };
    struct error e;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(load_spoiled(cases[i].how, cases[i].victim, &e), E_FORMAT);
        for (int j = 0; j < 3; j++)
            if (!strstr(e.text, cases[i].says[j]))
                fail_msg("\"%s\" does not say \"%s\"", e.text, cases[i].says[j]);
    }
    assert_int_equal(load_spoiled(SPOIL_NOTHING, "", &e), 0);
    assert_int_equal(load_spoiled(SPOIL_ADD, "ema_model.mel_spec.mel_stft.mel_scale.fb", &e), 0);
    assert_int_equal(load_spoiled(SPOIL_DROP, "ema_model.transformer.rotary_embed.inv_freq", &e), 0);
    assert_int_equal(load_spoiled(SPOIL_DROP, "ema_model.transformer.transformer_blocks.0.attn.to_q.weight", &e), E_FORMAT);
    assert_non_null(strstr(e.text, "holds no F5-TTS model"));
}

/* -------- a batch -------- */

struct item {
    struct ckpt *expected;
    struct sample_request request;
    int32_t *ids;
    float *ref_mel, *noise, *mel, *want;
};

static float *read_tensor(const struct ckpt *c, const char *name, int64_t *ret_rows)
{
    struct error e;
    const struct ckpt_tensor *t = ckpt_find(c, name);
    assert_non_null(t);
    float *x = malloc(sizeof *x * (size_t)t->count);
    assert_int_equal(ckpt_read_f32(t, x, &e), 0);
    *ret_rows = t->shape[0];
    return x;
}

static void item_load(struct item *it, const char *name)
{
    struct error e;
    char file[64];
    int64_t n;
    snprintf(file, sizeof file, "batch/%s/expected.safetensors", name);
    assert_int_equal(ckpt_open(golden(file), &it->expected, &e), 0);
    float *tokens = read_tensor(it->expected, "tokens", &n);
    it->ids = calloc((size_t)n, sizeof *it->ids);
    for (int64_t i = 0; i < n; i++)
        it->ids[i] = (int32_t)tokens[i];
    free(tokens);
    it->request.ids = it->ids;
    it->request.id_count = (size_t)n;
    struct ckpt *whole; /* the cases share one clip, whose mel is recorded once */
    assert_int_equal(ckpt_open(golden("english/expected.safetensors"), &whole, &e), 0);
    it->request.ref_mel = it->ref_mel = read_tensor(whole, "ref_mel", &n);
    it->request.ref_frames = (int)n;
    ckpt_close(whole);
    it->request.noise = it->noise = read_tensor(it->expected, "noise", &n);
    it->request.frames = (int)n;
    it->want = read_tensor(it->expected, "mel_out", &n);
    it->request.mel = it->mel = calloc((size_t)n * 100, sizeof *it->mel);
}

static void item_free(struct item *it)
{
    ckpt_close(it->expected);
    free(it->ids);
    free(it->ref_mel);
    free(it->noise);
    free(it->mel);
    free(it->want);
}

static double nmse(const float *a, const float *b, size_t n)
{
    double diff = 0, power = 0;
    for (size_t i = 0; i < n; i++) {
        diff += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        power += (double)b[i] * b[i];
    }
    return diff / power;
}

/* When each of three requests leaves: before evaluation leaves[i]; -1 stays. */
struct departures {
    int leaves[3];
    int asked[3];
};

static int leave(void *user, int request, int done, int total)
{
    struct departures *d = user;
    assert_true(done < total && request >= 0 && request < 3);
    assert_int_equal(d->asked[request]++, done); /* never again once it has left */
    return done == d->leaves[request];
}

static void a_batch_gives_each_what_it_gets_alone(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c"};
    const struct sampler_params params = {.nfe = 5, .cfg = 2, .sway = -1}; /* as in the cases */
    struct error e;
    struct ckpt *c;
    struct f5_arch a;
    struct dit *m;
    struct sampler *s;
    struct item items[3] = {0};
    struct sample_request requests[3];
    assert_int_equal(ckpt_open(golden("batch/a/model.safetensors"), &c, &e), 0);
    assert_int_equal(arch_detect(c, &a, &e), 0);
    assert_int_equal(dit_create(dev, c, &a, &m, &e), 0);
    assert_int_equal(sampler_create(m, &s, &e), 0);
    for (int i = 0; i < 3; i++) {
        item_load(&items[i], names[i]);
        requests[i] = items[i].request;
    }
    assert_true(requests[0].frames != requests[1].frames && requests[1].frames != requests[2].frames);

    assert_int_equal(sampler_run(s, requests, 3, &params, &e), 0);
    for (int i = 0; i < 3; i++) {
        const size_t n = (size_t)requests[i].frames * 100;
        float *together = malloc(sizeof *together * n);
        memcpy(together, items[i].mel, sizeof *together * n);
        assert_true(nmse(together, items[i].want, n) <= 1e-8); /* the golden bound */
        assert_int_equal(sampler_run(s, &requests[i], 1, &params, &e), 0);
        assert_true(nmse(together, items[i].mel, n) <= 1e-10); /* only the order of f32 sums may differ */
        free(together);
    }

    static const int leaves[][3] = {{2, -1, -1}, {-1, 0, -1}, {-1, -1, 4}, {1, -1, 3},
                                    {3, 3, -1},  {0, 1, -1},  {2, 2, 2},   {0, 4, 1}};
    for (size_t k = 0; k < sizeof leaves / sizeof *leaves; k++) {
        struct departures d = {{leaves[k][0], leaves[k][1], leaves[k][2]}, {0}};
        struct sampler_params leaving = params;
        int stay = 0;
        leaving.progress = leave;
        leaving.user = &d;
        float *alone[3];
        for (int i = 0; i < 3; i++) {
            const size_t size = sizeof(float) * (size_t)requests[i].frames * 100;
            alone[i] = malloc(size); /* of the last loop */
            memcpy(alone[i], items[i].mel, size);
            stay += leaves[k][i] < 0;
        }
        assert_int_equal(sampler_run(s, requests, 3, &leaving, &e), stay ? 0 : E_CANCELLED);
        for (int i = 0; i < 3; i++) {
            if (leaves[k][i] < 0)
                assert_true(nmse(items[i].mel, alone[i], (size_t)requests[i].frames * 100) <= 1e-10);
            assert_int_equal(d.asked[i], leaves[k][i] < 0 ? params.nfe : leaves[k][i] + 1);
            memcpy(items[i].mel, alone[i], sizeof(float) * (size_t)requests[i].frames * 100);
            free(alone[i]);
        }
    }

    struct sampler_params stopped = params;
    stopped.nfe = 0;
    assert_int_equal(sampler_run(s, requests, 3, &stopped, &e), E_ARG);
    requests[0].frames = DIT_MAX_FRAMES + 1;
    assert_int_equal(sampler_run(s, requests, 3, &params, &e), E_LIMIT);

    for (int i = 0; i < 3; i++)
        item_free(&items[i]);
    sampler_free(s);
    dit_free(m);
    ckpt_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tensor_that_is_wrong_is_named),
        cmocka_unit_test(a_batch_gives_each_what_it_gets_alone),
    };
    return cmocka_run_group_tests_name("model", tests, set_up, tear_down);
}
