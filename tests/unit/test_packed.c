/* Packed weights: a model out of a pack is the model, and no pack that is damaged, stale or foreign is ever taken for one.
 * The checkpoint is the golden case "english". */
#include "test.h"

#include "base/file.h"
#include "base/xxh64.h"
#include "engine/f5.h"
#include "failing_heap.h"
#include "model/torch_random.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64], checkpoint[128], cache[128];
static struct dev *dev;

static char *golden(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/golden/english/%s", getenv("ISHOW_TESTS"), name);
    return path;
}

static void remove_all(const char *path)
{
    char cmd[512];
    snprintf(cmd, sizeof cmd, "rm -rf %s", path);
    assert_int_equal(system(cmd), 0);
}

static int set_up(void **state)
{
    (void)state;
    struct error e;
    struct buf bytes = BUF_INIT;
    strcpy(dir, "/tmp/ishow-packed-XXXXXX");
    if (!mkdtemp(dir) || dev_open_cpu(2, &dev, &e))
        return -1;
    snprintf(checkpoint, sizeof checkpoint, "%s/model.safetensors", dir);
    snprintf(cache, sizeof cache, "%s/cache", dir);
    int rc = file_read(golden("model.safetensors"), 1 << 24, &bytes, &e) ||
             file_write(checkpoint, bytes.ptr, bytes.len, &e);
    buf_release(&bytes);
    return rc;
}

static int tear_down(void **state)
{
    (void)state;
    dev_close(dev);
    remove_all(dir);
    return 0;
}

/* -------- the checksum -------- */

static void the_checksum_is_xxh64(void **state)
{
    (void)state;
    unsigned char x[101];
    for (size_t i = 0; i < sizeof x; i++)
        x[i] = (unsigned char)i;
    /* from the reference implementation */
    assert_true(xxh64("", 0, 0) == 0xef46db3751d8e999u);
    assert_true(xxh64("abc", 3, 0) == 0x44bc2cf5ad770999u);
    assert_true(xxh64(x, 39, 7) == 0x57df787c97dc059bu);
    assert_true(xxh64(x, 64, 0) == 0xf7c67301db6713f0u);
    assert_true(xxh64(x, 101, 2654435761u) == 0xa1c6d4174c37136du);
}

/* -------- one pack -------- */

struct subject {
    struct ckpt *ckpt;
    struct f5_arch arch;
    struct precision_plan plan;
    struct packed_key key;
    char path[160];
};

static void subject_open(struct subject *s, const char *precision)
{
    struct error e;
    assert_int_equal(ckpt_open(checkpoint, &s->ckpt, &e), 0);
    assert_int_equal(arch_detect(s->ckpt, &s->arch, &e), 0);
    assert_int_equal(precision_parse(precision, dev, &s->plan, &e), 0);
    assert_int_equal(packed_key_of(checkpoint, dev, &s->plan, &s->key, &e), 0);
    snprintf(s->path, sizeof s->path, "%s/one.pack", dir);
}

static void subject_pack(struct subject *s)
{
    struct error e;
    struct packed_writer *w;
    assert_int_equal(packed_create(s->path, &s->key, &w, &e), 0);
    assert_int_equal(dit_pack(dev, s->ckpt, &s->arch, &s->plan, w, (struct weights_progress){0}, &e), 0);
    assert_int_equal(packed_commit(w, &e), 0);
}

/* A short clip's continuation at `nfe` evaluations -> mel [40, 100]. */
static void sample(struct dit *m, int nfe, float *mel)
{
    static const int32_t ids[] = {3, 1, 4, 1, 5, 9, 2, 6};
    struct error e;
    struct sampler *s;
    struct torch_random random;
    static float ref[10 * 100], noise[40 * 100];
    torch_manual_seed(&random, 7);
    torch_randn(&random, ref, sizeof ref / sizeof *ref);
    torch_randn(&random, noise, sizeof noise / sizeof *noise);
    const struct sample_request r = {ids, 8, ref, 10, 40, noise, mel};
    const struct sampler_params p = {.nfe = nfe, .cfg = 2, .sway = -1};
    assert_int_equal(sampler_create(m, &s, &e), 0);
    assert_int_equal(sampler_run(s, &r, 1, &p, &e), 0);
    sampler_free(s);
}

static void a_packed_model_is_the_model(void **state)
{
    (void)state;
    static const char *const precisions[] = {"f32", "bf16", "int8", "int8:none", "int8:down,qkv"};
    static float want[40 * 100], got[40 * 100];
    struct error e;
    struct subject s;
    struct packed *packed;
    struct dit *m;
    for (size_t i = 0; i < sizeof precisions / sizeof *precisions; i++) {
        struct precision_plan plan;
        if (precision_parse(precisions[i], dev, &plan, &e) == E_UNSUPPORTED)
            continue;
        subject_open(&s, precisions[i]);
        subject_pack(&s);
        assert_int_equal(packed_open(s.path, &s.key, &packed, &e), 0);
        for (int nfe = 5; nfe <= 7; nfe += 2) { /* 7 is in the pack, 5 comes from the checkpoint */
            assert_int_equal(dit_create_at(dev, s.ckpt, &s.arch, &s.plan, (struct weights_progress){0}, &m, &e), 0);
            sample(m, nfe, want);
            dit_free(m);
            assert_int_equal(dit_open_packed(dev, s.ckpt, &s.arch, &s.plan, packed, &m, &e), 0);
            packed_drop_floats(packed);
            sample(m, nfe, got);
            dit_free(m);
            assert_memory_equal(got, want, sizeof want);
        }
        packed_close(packed);
        ckpt_close(s.ckpt);
    }
}

static void any_flipped_bit_and_any_cut_is_noticed(void **state)
{
    (void)state;
    struct error e;
    struct subject s;
    struct buf pack = BUF_INIT;
    size_t unseen = 0, tried = 0;
    subject_open(&s, "f32");
    subject_pack(&s);
    assert_int_equal(file_read(s.path, 1 << 24, &pack, &e), 0);
    char *bytes = aligned_alloc(64, (pack.len + 63) / 64 * 64);
    memcpy(bytes, pack.ptr, pack.len);
    assert_int_equal(packed_check(bytes, pack.len, &s.key, &e), 0);
    /* every byte of the header, the table's end, and a sample of the rest */
    for (size_t i = 0; i < pack.len; i += i < 512 || i + 2000 > pack.len ? 1 : 499) {
        bytes[i] ^= (char)(1 << i % 8);
        const int rc = packed_check(bytes, pack.len, &s.key, &e);
        bytes[i] ^= (char)(1 << i % 8);
        assert_true(rc == 0 || rc == E_FORMAT);
        if (rc == 0)
            assert_int_equal(bytes[i], 0); /* padding between records, which nothing reads */
        unseen += rc == 0;
        tried++;
    }
    assert_true(unseen * 10 < tried);
    for (size_t n = 0; n < pack.len; n += n < 5000 ? 111 : 7919)
        assert_int_equal(packed_check(bytes, n, &s.key, &e), E_FORMAT);
    assert_int_equal(packed_check("", 0, &s.key, &e), E_FORMAT);
    free(bytes);
    buf_release(&pack);
    ckpt_close(s.ckpt);
}

static void a_pack_for_something_else_is_refused(void **state)
{
    (void)state;
    struct error e;
    struct subject s;
    struct packed *packed = NULL;
    struct packed_key key;
    struct stat st;
    subject_open(&s, "f32");
    subject_pack(&s);

    key = s.key;
    strcat(key.layout, "!");
    assert_int_equal(packed_open(s.path, &key, &packed, &e), E_FORMAT);
    assert_non_null(strstr(e.text, "other kernels"));
    key = s.key;
    strcpy(key.plan, "bf16");
    assert_int_equal(packed_open(s.path, &key, &packed, &e), E_FORMAT);
    assert_non_null(strstr(e.text, "precision f32"));

    /* the checkpoint is touched; then other weights appear in it at the same size and time */
    assert_int_equal(stat(checkpoint, &st), 0);
    const struct timespec long_ago[2] = {{1000000000, 0}, {1000000000, 0}};
    assert_int_equal(utimensat(AT_FDCWD, checkpoint, long_ago, 0), 0);
    assert_int_equal(packed_key_of(checkpoint, dev, &s.plan, &key, &e), 0);
    assert_int_equal(packed_open(s.path, &key, &packed, &e), E_FORMAT);
    assert_non_null(strstr(e.text, "has changed"));
    int fd = open(checkpoint, O_RDWR);
    assert_int_equal(pwrite(fd, "\1\2\3\4", 4, st.st_size - 4), 4);
    const struct timespec times[2] = {st.st_atim, st.st_mtim};
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
    assert_int_equal(packed_key_of(checkpoint, dev, &s.plan, &key, &e), 0);
    assert_true(key.source_time == s.key.source_time && key.source_size == s.key.source_size);
    assert_int_equal(packed_open(s.path, &key, &packed, &e), E_FORMAT);
    assert_null(packed);

    snprintf(s.path, sizeof s.path, "%s/none.pack", dir);
    assert_int_equal(packed_open(s.path, &s.key, &packed, &e), E_NOTFOUND);
    ckpt_close(s.ckpt);
}

/* -------- where packs are kept -------- */

struct seen {
    int loads, cancel;
    int notices;
    char last[1200];
};

static int on_load(void *user, uint64_t done, uint64_t total)
{
    struct seen *s = user;
    assert_true(done <= total);
    s->loads++;
    return s->cancel;
}

static void on_notice(void *user, const char *text)
{
    struct seen *s = user;
    s->notices++;
    snprintf(s->last, sizeof s->last, "%s", text);
}

static int open_kept(const char *where, const char *precision, struct seen *seen, struct f5 **ret, struct error *err)
{
    char vocab[512], config[512], weights[512];
    strcpy(vocab, golden("vocab.txt"));
    strcpy(config, golden("vocos/config.yaml"));
    strcpy(weights, golden("vocos/pytorch_model.bin"));
    const struct model_files files = {checkpoint, vocab, config, weights, NULL};
    const struct f5_options o = {.switches = F5_SWITCHES_AUTO,
                                 .threads = 1,
                                 .precision = precision,
                                 .packs = {where, 0, {seen ? on_load : NULL, seen}, seen ? on_notice : NULL, seen}};
    return f5_open_with(&files, &o, ret, err);
}

/* How many files the cache holds, and the path of the last one that is a pack. */
static int files_in_cache(char pack[256])
{
    char cmd[256], line[256];
    int n = 0;
    snprintf(cmd, sizeof cmd, "find %s -type f 2>/dev/null | sort", cache);
    FILE *f = popen(cmd, "r");
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        n++;
        if (pack && strstr(line, ".pack"))
            strcpy(pack, line);
    }
    pclose(f);
    return n;
}

static void the_first_start_converts_and_later_ones_map(void **state)
{
    (void)state;
    struct error e;
    struct f5 *f;
    struct seen seen = {0};
    char pack[256];
    assert_int_equal(open_kept(cache, "f32", &seen, &f, &e), 0);
    assert_non_null(f->packed);
    f5_close(f);
    assert_true(seen.loads > 2 && seen.notices == 0);
    assert_int_equal(files_in_cache(pack), 1);
    assert_non_null(strstr(pack, "/model-"));
    assert_non_null(strstr(pack, ".f32.pack"));

    seen = (struct seen){0};
    assert_int_equal(open_kept(cache, "f32", &seen, &f, &e), 0);
    assert_non_null(f->packed);
    f5_close(f);
    assert_true(seen.loads == 0 && seen.notices == 0);

    /* damaged: told, and made anew; what a killed conversion left is gone then */
    char left[300];
    snprintf(left, sizeof left, "%s/.model-0.f32.pack.abcdef", cache);
    assert_int_equal(file_write(left, "half", 4, &e), 0);
    assert_int_equal(truncate(pack, 5000), 0);
    assert_int_equal(open_kept(cache, "f32", &seen, &f, &e), 0);
    assert_non_null(f->packed);
    f5_close(f);
    assert_true(seen.loads > 2 && seen.notices == 1);
    assert_non_null(strstr(seen.last, "damaged"));
    assert_int_equal(files_in_cache(NULL), 1);
}

static void without_a_place_weights_stay_in_memory(void **state)
{
    (void)state;
    struct error e;
    struct f5 *f;
    struct seen seen = {0};
    char where[256];
    snprintf(where, sizeof where, "%s/sub", checkpoint); /* below a file: no folder can be made there */
    assert_int_equal(open_kept(where, "f32", &seen, &f, &e), 0);
    assert_null(f->packed);
    f5_close(f);
    assert_int_equal(seen.notices, 1);
    assert_non_null(strstr(seen.last, "cannot be kept"));

    seen = (struct seen){0};
    assert_int_equal(open_kept("", "f32", &seen, &f, &e), 0);
    assert_null(f->packed);
    f5_close(f);
    assert_int_equal(seen.notices, 0);

    setenv("XDG_CACHE_HOME", dir, 1); /* this checkpoint is too small for the usual folder */
    assert_int_equal(open_kept(NULL, "f32", &seen, &f, &e), 0);
    assert_null(f->packed);
    f5_close(f);
    snprintf(where, sizeof where, "%s/ishowtts", dir);
    assert_false(dir_exists(where));
}

static void a_full_disk_leaves_nothing(void **state)
{
    (void)state;
    struct error e;
    struct f5 *f;
    struct seen seen = {0};
    struct rlimit whole, little;
    remove_all(cache);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &whole), 0);
    little = (struct rlimit){100000, whole.rlim_max}; /* the nearest thing to a full disk */
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    const int rc = open_kept(cache, "f32", &seen, &f, &e);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &whole), 0);
    assert_int_equal(rc, 0);
    assert_null(f->packed);
    f5_close(f);
    assert_int_equal(seen.notices, 1);
    assert_int_equal(files_in_cache(NULL), 0);
}

static int count_load(void *user, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    return ++*(int *)user > 3;
}

/* The same from outside, and by a program that was built before there were precisions. */
static void programs_choose_precision_and_cache(void **state)
{
    (void)state;
    ishow_engine *engine = NULL;
    ishow_error err;
    ishow_info info = {.size = sizeof info};
    ishow_open_params p;
    int loads = 0;
    remove_all(cache);
    ishow_open_params_init(&p);
    p.model = golden("");
    p.precision = "f32";
    p.cache = cache;
    p.on_load = count_load;
    p.user = &loads;
    assert_int_equal(ishow_open(&p, &engine, &err), ISHOW_E_CANCELLED);
    assert_int_equal(loads, 4);
    p.on_load = NULL;
    assert_int_equal(ishow_open(&p, &engine, &err), 0);
    ishow_describe(engine, &info);
    assert_string_equal(info.precision, "f32");
    ishow_close(engine);
    assert_int_equal(files_in_cache(NULL), 1);
    p.precision = "int8:nothing";
    assert_int_equal(ishow_open(&p, &engine, &err), ISHOW_E_ARG);
    p.size = offsetof(ishow_open_params, precision);
    assert_int_equal(ishow_open(&p, &engine, &err), 0);
    ishow_close(engine);
    assert_int_equal(files_in_cache(NULL), 1);
}

static void cancelling_leaves_nothing(void **state)
{
    (void)state;
    struct error e;
    struct f5 *f = NULL;
    struct seen seen = {.cancel = 1};
    remove_all(cache);
    assert_int_equal(open_kept(cache, "f32", &seen, &f, &e), E_CANCELLED);
    assert_int_equal(open_kept("", "f32", &seen, &f, &e), E_CANCELLED);
    assert_null(f);
    assert_int_equal(seen.loads, 2);
    assert_int_equal(files_in_cache(NULL), 0);
}

static void first_starts_at_once_do_not_collide(void **state)
{
    (void)state;
    enum { STARTS = 6 };
    pid_t child[STARTS];
    int status;
    remove_all(cache);
    for (int i = 0; i < STARTS; i++)
        if ((child[i] = fork()) == 0) {
            struct error e;
            struct f5 *f;
            int rc = open_kept(cache, "f32", NULL, &f, &e);
            _exit(rc || !f->packed);
        }
    for (int i = 0; i < STARTS; i++) {
        assert_int_equal(waitpid(child[i], &status, 0), child[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(files_in_cache(NULL), 1);
}

/* A first start and a second one; in the end the cache is as empty as before. */
static int convert_then_map(struct error *err)
{
    struct f5 *f = NULL;
    char pack[256] = "";
    int rc = open_kept(cache, "f32", NULL, &f, err);
    f5_close(f);
    f = NULL;
    if (!rc)
        rc = open_kept(cache, "f32", NULL, &f, err);
    f5_close(f);
    heap.armed = 0;
    assert_true(files_in_cache(pack) <= 1);
    unlink(pack);
    heap.armed = 1;
    return rc;
}

static void memory_may_run_out_anywhere(void **state)
{
    (void)state;
    remove_all(cache);
    heap_fail_each(convert_then_map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_checksum_is_xxh64),
        cmocka_unit_test(a_packed_model_is_the_model),
        cmocka_unit_test(any_flipped_bit_and_any_cut_is_noticed),
        cmocka_unit_test(the_first_start_converts_and_later_ones_map),
        cmocka_unit_test(without_a_place_weights_stay_in_memory),
        cmocka_unit_test(a_full_disk_leaves_nothing),
        cmocka_unit_test(programs_choose_precision_and_cache),
        cmocka_unit_test(cancelling_leaves_nothing),
        cmocka_unit_test(first_starts_at_once_do_not_collide),
        cmocka_unit_test(memory_may_run_out_anywhere),
        cmocka_unit_test(a_pack_for_something_else_is_refused), /* spoils the checkpoint */
    };
    return cmocka_run_group_tests_name("packed", tests, set_up, tear_down);
}
