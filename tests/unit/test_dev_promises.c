/* What dev.h promises of all operations: batches keep sequences apart, results do not depend on the number of threads,
 * what is no number stays none, and kernels are called by their names. */
#include "test.h"

#include "dev_stage.h"

#include "kern/kern.h"

#include <math.h>

/* Everything that looks beyond a row, one after the other. Returns the rows' numbers, [rows, 128]. */
static float *chain(struct dev *d, enum dev_precision p, const float *x, struct seqs seqs)
{
    size_t rows = (size_t)seqs.start[seqs.n];
    fill_seed(99);
    float *w = fill(384 * 128, 0.2f), *b = fill(384, 0.2f), freq[32];
    for (int i = 0; i < 32; i++)
        freq[i] = powf(10000, (float)-i / 32);
    struct dev_matrix m = {w, b, 384};
    struct dev_linear *lin;
    struct dev_conv *conv;
    assert_int_equal(dev_linear_create(d, &m, 1, 128, p, &lin, NULL), 0);
    assert_int_equal(dev_conv_create(d, w, b, 128, 128, 16, 31, p == DEV_F32 ? p : DEV_BF16, &conv, NULL), 0);
    float *dw = put(d, w, 384 * 128), *db = put(d, b, 384);
    float *dx = put(d, x, rows * 128), *dy = put(d, NULL, rows * 128), *qkv = put(d, NULL, rows * 384);
    float *scratch = put(d, NULL, dev_conv_scratch(conv, seqs));
    dev_conv(d, conv, dx, seqs, DEV_ACT_MISH, scratch, dy);
    dev_dwconv(d, dw, db, 7, dy, seqs, 128, dx);
    dev_grn(d, dx, seqs, 128, db, db + 128);
    dev_norm(d, dx, rows, 128, 1e-6f, db, db + 128, dy);
    dev_linear(d, lin, dy, rows, DEV_ACT_NONE, qkv);
    dev_qk_rope(d, qkv, seqs, 2, 1, freq, db, db + 64);
    dev_attention(d, qkv, seqs, 2, p, dx);
    float *y = get(d, dx, rows * 128);
    dev_free(d, dw), dev_free(d, db), dev_free(d, dy), dev_free(d, qkv), dev_free(d, scratch);
    dev_linear_free(d, lin);
    dev_conv_free(d, conv);
    free(w), free(b);
    return y;
}

static const int batch_start[] = {0, 37, 38, 410, 571};
static float *chain_once[DEV_INT8 + 1]; /* the first device's result of an instruction set, at each precision */

static void batch_at(struct dev *d, enum dev_precision p)
{
    struct seqs all = {4, batch_start};
    size_t rows = (size_t)batch_start[4];
    float *x = fill(rows * 128, 2), *together = chain(d, p, x, all);
    for (int s = 0; s < all.n; s++) {
        int alone_start[] = {0, batch_start[s + 1] - batch_start[s]};
        size_t from = (size_t)batch_start[s] * 128;
        float *alone = chain(d, p, x + from, (struct seqs){1, alone_start});
        assert_memory_equal(alone, together + from, (size_t)alone_start[1] * 128 * sizeof *alone);
        free(alone);
    }
    struct dev_info info;
    dev_describe(d, &info);
    if (info.threads == 1) {
        chain_once[p] = together;
    } else {
        assert_memory_equal(together, chain_once[p], rows * 128 * sizeof *together);
        free(together);
        free(chain_once[p]);
    }
    free(x);
}

static void batch_body(struct dev *d)
{
    for (int p = 0; p <= DEV_INT8; p++)
        if (dev_supports(d, (enum dev_precision)p))
            batch_at(d, (enum dev_precision)p);
}

static void batch_and_threads_change_no_bit(void **state)
{
    (void)state;
    on_each_device(batch_body);
}

static void nan_at(struct dev *d, enum dev_precision p)
{
    enum { ROWS = 40, COLS = 64 };
    static const float bad[] = {NAN, INFINITY};
    static const int start[] = {0, 20, 40};
    for (int z = 0; z < 2; z++) {
        float *x = fill(ROWS * 192, 1), *w = fill(COLS * COLS, 1);
        x[5 * 192 + 128 + 3] = bad[z]; /* value 3 of row 5 */
        struct dev_matrix m = {w, NULL, COLS};
        struct dev_linear *lin;
        assert_int_equal(dev_linear_create(d, &m, 1, COLS, p, &lin, NULL), 0);
        float *dx = put(d, x, ROWS * 192), *dy = put(d, NULL, ROWS * COLS);
        dev_attention(d, dx, (struct seqs){2, start}, 1, p, dy);
        float *y = get(d, dy, ROWS * COLS);
        for (int r = 0; r < ROWS; r++)
            for (int c = 0; c < COLS; c++)
                assert_int_equal(!isfinite(y[r * COLS + c]), r < 20 && c == 3);
        float *di = put(d, x + 5 * 192 + 128 - COLS * 5, ROWS * COLS), *dl = put(d, NULL, ROWS * COLS);
        dev_linear(d, lin, di, ROWS, DEV_ACT_NONE, dl); /* row 5 holds it again */
        float *l = get(d, dl, ROWS * COLS);
        for (int r = 0; r < ROWS; r++)
            for (int c = 0; c < COLS; c++)
                assert_int_equal(!isfinite(l[r * COLS + c]), r == 5);
        for (int act = 0; act <= DEV_ACT_MISH; act++) {
            float *da = put(d, bad + z, 1);
            dev_act(d, (enum dev_act)act, da, 1);
            float *a = get(d, da, 1);
            assert_true(z == 0 ? isnan(a[0]) : a[0] == INFINITY);
            free(a);
        }
        dev_linear_free(d, lin);
        dev_free(d, dx), dev_free(d, di);
        free(x), free(w), free(y), free(l);
    }
}

static void nan_body(struct dev *d)
{
    for (int p = 0; p <= DEV_INT8; p++)
        if (dev_supports(d, (enum dev_precision)p))
            nan_at(d, (enum dev_precision)p);
}

static void nan_and_infinity_are_not_hidden(void **state)
{
    (void)state;
    on_each_device(nan_body);
}

static void kernels_by_name(void **state)
{
    (void)state;
    struct dev *d;
    struct error err = {0};
    setenv("ISHOW_KERNELS", "mmx", 1);
    assert_int_equal(dev_open_cpu(1, &d, &err), E_ARG);
    assert_non_null(strstr(err.text, "mmx"));
    for (int isa = 0; isa < KERN_ISA_COUNT; isa++) {
        setenv("ISHOW_KERNELS", kern_isa_name((enum kern_isa)isa), 1);
        int rc = dev_open_cpu(1, &d, &err);
        assert_int_equal(rc, kern_available((enum kern_isa)isa) ? 0 : E_UNSUPPORTED);
        if (rc == 0)
            dev_close(d);
    }
    unsetenv("ISHOW_KERNELS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_and_threads_change_no_bit),
        cmocka_unit_test(nan_and_infinity_are_not_hidden),
        cmocka_unit_test(kernels_by_name),
    };
    return cmocka_run_group_tests_name("dev_promises", tests, NULL, NULL);
}
