/* The device's operations on odd sizes against a plain reference in double. What holds for all of them is in
 * test_dev_promises.c. */
#include "test.h"

#include "dev_stage.h"

#include "kern/kern.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

/* -------- what to compare with -------- */

/* |got - want| <= eps * units * (|want| + size), `size` being what the rounding errors scale with. */
static void close_to(const char *what, size_t at, double got, double want, double units, double size)
{
    double limit = FLT_EPSILON * units * (fabs(want) + size);
    if (!(fabs(got - want) <= limit))
        fail_msg("%s[%zu]: got %.9g, want %.9g, allowed error %.3g", what, at, got, want, limit);
}

static double act_ref(enum dev_act act, double x)
{
    switch (act) {
    case DEV_ACT_SILU:
        return x / (1 + exp(-x));
    case DEV_ACT_GELU_ERF:
        return x / 2 * erfc(-x / sqrt(2));
    case DEV_ACT_GELU_TANH:
        return x / 2 * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case DEV_ACT_MISH:
        return x * tanh(x > 40 ? x : log1p(exp(x)));
    default:
        return x;
    }
}

/* What a product at precision `p` makes of its operand x [rows, k]: each row rounded (bf16), or to whole steps of
 * a 127th of its largest number (int8). */
static double *rounded(enum dev_precision p, const float *x, size_t rows, size_t k)
{
    double *y = malloc((rows * k + 1) * sizeof *y);
    assert_non_null(y);
    for (size_t r = 0; r < rows; r++) {
        float most = 0;
        for (size_t i = 0; i < k; i++)
            most = fmaxf(most, fabsf(x[r * k + i]));
        const float step = most / 127;
        for (size_t i = 0; i < k; i++) {
            const float v = x[r * k + i];
            const int places = (int)(v == 0 ? 0 : logb((double)v)) - 7; /* eight bits, the leading one included */
            y[r * k + i] = p == DEV_F32    ? (double)v
                           : p == DEV_BF16 ? ldexp(rint(ldexp((double)v, -places)), places)
                           : step > 0      ? (double)step * (double)rintf(v * (1 / step))
                                           : 0;
        }
    }
    return y;
}

/* -------- products -------- */

static void linear_at(struct dev *d, enum dev_precision precision)
{
    static const struct {
        size_t rows;
        int k, n[3];
        enum dev_act act;
    } cases[] = {
        {1, 1, {1}, DEV_ACT_NONE},           {13, 37, {45}, DEV_ACT_SILU},
        {5, 100, {100}, DEV_ACT_GELU_ERF},   {50, 64, {33}, DEV_ACT_GELU_TANH},
        {7, 19, {20, 7, 34}, DEV_ACT_NONE},  {12, 512, {32, 64}, DEV_ACT_MISH},
        {203, 130, {97}, DEV_ACT_NONE},      {2, 9000, {5}, DEV_ACT_NONE},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        size_t rows = cases[c].rows, k = (size_t)cases[c].k, n = 0;
        struct dev_matrix parts[3];
        float *ws[3], *bs[3];
        double *wr[3];
        int count = 0;
        for (; count < 3 && cases[c].n[count]; count++) {
            int m = cases[c].n[count];
            ws[count] = fill((size_t)m * k, 1);
            bs[count] = fill((size_t)m, 1);
            wr[count] = rounded(precision, ws[count], (size_t)m, k);
            parts[count] = (struct dev_matrix){ws[count], count == 1 ? NULL : bs[count], m};
            n += (size_t)m;
        }
        float *x = fill(rows * k, 2), *gate = fill(n, 1), *old = fill(rows * n, 3);
        double *xr = rounded(precision, x, rows, k);
        struct dev_linear *lin;
        assert_int_equal(dev_linear_create(d, parts, count, (int)k, precision, &lin, NULL), 0);
        float *dx = put(d, x, rows * k), *dgate = put(d, gate, n);
        float *dy = put(d, NULL, rows * n), *dg = put(d, old, rows * n), *d1 = put(d, old, rows * n);
        dev_linear(d, lin, dx, rows, cases[c].act, dy);
        dev_linear_add(d, lin, dx, rows, dgate, dg);
        dev_linear_add(d, lin, dx, rows, NULL, d1);
        float *y = get(d, dy, rows * n), *yg = get(d, dg, rows * n), *y1 = get(d, d1, rows * n);
        for (size_t r = 0; r < rows; r++)
            for (size_t o = 0; o < n; o++) {
                size_t part = 0, row = o, at = r * n + o;
                for (; row >= (size_t)parts[part].n; part++)
                    row -= (size_t)parts[part].n;
                double sum = parts[part].b ? (double)parts[part].b[row] : 0, size = fabs(sum);
                for (size_t i = 0; i < k; i++) {
                    double p = xr[r * k + i] * wr[part][row * k + i];
                    sum += p;
                    size += fabs(p);
                }
                double units = 4 + sqrt((double)k);
                close_to("linear", at, y[at], act_ref(cases[c].act, sum), units, size);
                close_to("linear_add", at, yg[at], old[at] + gate[o] * sum, units, size + fabs(old[at]));
                close_to("linear_add without gate", at, y1[at], old[at] + sum, units, size + fabs(old[at]));
            }
        dev_linear_free(d, lin);
        free(get(d, dx, rows * k));
        free(get(d, dgate, n));
        for (int i = 0; i < count; i++) {
            free(ws[i]);
            free(bs[i]);
            free(wr[i]);
        }
        free(xr), free(x), free(gate), free(old), free(y), free(yg), free(y1);
    }
}

static void linear_body(struct dev *d)
{
    assert_true(dev_supports(d, DEV_F32));
    for (int p = 0; p <= DEV_INT8; p++)
        if (dev_supports(d, (enum dev_precision)p))
            linear_at(d, (enum dev_precision)p);
}

static void linear_is_a_product(void **state)
{
    (void)state;
    on_each_device(linear_body);
}

/* A layer made from another's bytes gives the same bits; bytes of another size or place are refused. */
static void map_body(struct dev *d)
{
    enum { ROWS = 23, K = 131, N = 77 };
    float *w = fill(N * K, 1), *b = fill(N, 1), *x = fill(ROWS * K, 1), *dx = put(d, x, ROWS * K);
    struct dev_matrix parts[] = {{w, b, 40}, {w + 40 * K, NULL, N - 40}};
    char names[3][DEV_LAYOUT_TEXT];
    for (int p = 0; p <= DEV_INT8; p++) {
        struct dev_linear *made, *mapped = NULL;
        struct error err;
        size_t len;
        dev_layout(d, (enum dev_precision)p, names[p]);
        for (int i = 0; i < p; i++)
            assert_string_not_equal(names[i], names[p]);
        if (!dev_supports(d, (enum dev_precision)p)) {
            assert_int_equal(dev_linear_create(d, parts, 2, K, (enum dev_precision)p, &made, &err), E_UNSUPPORTED);
            assert_int_equal(dev_linear_map(d, N, K, (enum dev_precision)p, w, 64, &mapped, &err), E_UNSUPPORTED);
            continue;
        }
        assert_int_equal(dev_linear_create(d, parts, 2, K, (enum dev_precision)p, &made, NULL), 0);
        const void *bytes = dev_linear_bytes(made, &len);
        char *copy = aligned_alloc(64, (len + 127) / 64 * 64);
        assert_non_null(copy);
        memcpy(copy, bytes, len);
        assert_int_equal(dev_linear_map(d, N, K, (enum dev_precision)p, copy, len - 1, &mapped, &err), E_FORMAT);
        assert_int_equal(dev_linear_map(d, N, K, (enum dev_precision)p, copy, len + 64, &mapped, &err), E_FORMAT);
        assert_int_equal(dev_linear_map(d, N, K, (enum dev_precision)p, copy + 4, len, &mapped, &err), E_FORMAT);
        assert_null(mapped);
        assert_int_equal(dev_linear_map(d, N, K, (enum dev_precision)p, copy, len, &mapped, &err), 0);
        size_t mapped_len;
        assert_ptr_equal(dev_linear_bytes(mapped, &mapped_len), copy);
        assert_int_equal(mapped_len, len);
        float *dy = put(d, NULL, ROWS * N), *dz = put(d, NULL, ROWS * N);
        dev_linear(d, made, dx, ROWS, DEV_ACT_SILU, dy);
        dev_linear_free(d, made);
        dev_linear(d, mapped, dx, ROWS, DEV_ACT_SILU, dz);
        dev_linear_free(d, mapped);
        float *y = get(d, dy, ROWS * N), *z = get(d, dz, ROWS * N);
        assert_memory_equal(y, z, ROWS * N * sizeof *y);
        free(copy), free(y), free(z);
    }
    dev_free(d, dx);
    free(w), free(b), free(x);
}

static void a_layer_is_its_bytes(void **state)
{
    (void)state;
    on_each_device(map_body);
}

static void conv_at(struct dev *d, enum dev_precision precision)
{
    static const struct {
        int in, out, groups, kernel;
        enum dev_act act;
    } cases[] = {{6, 9, 3, 3, DEV_ACT_NONE}, {32, 32, 4, 31, DEV_ACT_MISH}, {10, 37, 1, 7, DEV_ACT_NONE},
                 {5, 3, 1, 1, DEV_ACT_SILU}};
    static const int start[] = {0, 5, 5, 6, 239};
    struct seqs seqs = {4, start};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        int in = cases[c].in, out = cases[c].out, kernel = cases[c].kernel;
        int cin = in / cases[c].groups, cout = out / cases[c].groups;
        size_t rows = (size_t)start[4];
        float *x = fill(rows * (size_t)in, 2), *b = fill((size_t)out, 1);
        float *w = fill((size_t)(out * cin * kernel), 1);
        double *xr = rounded(precision, x, rows, (size_t)in);
        double *wr = rounded(precision, w, 1, (size_t)(out * cin * kernel));
        struct dev_conv *conv;
        assert_int_equal(dev_conv_create(d, w, b, out, in, cases[c].groups, kernel, precision, &conv, NULL), 0);
        float *dx = put(d, x, rows * (size_t)in), *dy = put(d, NULL, rows * (size_t)out);
        size_t need = dev_conv_scratch(conv, seqs);
        float *scratch = put(d, NULL, need);
        dev_conv(d, conv, dx, seqs, cases[c].act, scratch, dy);
        float *y = get(d, dy, rows * (size_t)out);
        for (int s = 0; s < seqs.n; s++)
            for (int t = start[s]; t < start[s + 1]; t++)
                for (int o = 0; o < out; o++) {
                    double sum = b[o], size = fabs(sum);
                    for (int j = 0; j < kernel; j++) {
                        int from = t + j - kernel / 2;
                        if (from < start[s] || from >= start[s + 1])
                            continue;
                        for (int i = 0; i < cin; i++) {
                            double p = xr[from * in + o / cout * cin + i] * wr[(o * cin + i) * kernel + j];
                            sum += p;
                            size += fabs(p);
                        }
                    }
                    size_t at = (size_t)(t * out + o);
                    close_to("conv", at, y[at], act_ref(cases[c].act, sum), 4 + sqrt(cin * kernel), size);
                }
        dev_conv_free(d, conv);
        free(get(d, scratch, need));
        free(get(d, dx, rows * (size_t)in));
        free(x), free(b), free(w), free(xr), free(wr), free(y);
    }
}

static void conv_body(struct dev *d)
{
    for (int p = 0; p <= DEV_BF16; p++)
        if (dev_supports(d, (enum dev_precision)p))
            conv_at(d, (enum dev_precision)p);
}

static void conv_keeps_to_its_sequence_and_group(void **state)
{
    (void)state;
    on_each_device(conv_body);
}

static void impossible_shapes_are_refused(void **state)
{
    (void)state;
    struct dev *d;
    struct error err;
    float w[16] = {0};
    assert_int_equal(dev_open_cpu(1, &d, &err), 0);
    struct dev_linear *lin = NULL;
    struct dev_conv *conv = NULL;
    struct dev_matrix none = {w, NULL, 0}, huge = {w, NULL, DEV_COLS_MAX}, one = {w, NULL, 1};
    assert_int_equal(dev_linear_create(d, &none, 1, 4, DEV_F32, &lin, &err), E_ARG);
    assert_int_equal(dev_linear_create(d, &one, 1, 0, DEV_F32, &lin, &err), E_LIMIT);
    assert_int_equal(dev_linear_create(d, &one, 0, 4, DEV_F32, &lin, &err), E_LIMIT);
    struct dev_matrix two[] = {huge, one};
    assert_int_equal(dev_linear_create(d, two, 2, 4, DEV_F32, &lin, &err), E_LIMIT);
    assert_int_equal(dev_conv_create(d, w, w, 4, 4, 3, 1, DEV_F32, &conv, &err), E_ARG);
    assert_int_equal(dev_conv_create(d, w, w, 4, 4, 1, 2, DEV_F32, &conv, &err), E_ARG);
    assert_int_equal(dev_conv_create(d, w, w, 4, 4, 0, 1, DEV_F32, &conv, &err), E_ARG);
    assert_int_equal(dev_conv_create(d, w, w, 4, 4, 1, 1, DEV_INT8, &conv, &err), E_ARG);
    assert_int_equal(dev_conv_create(d, w, w, 1, DEV_COLS_MAX, 1, 3, DEV_F32, &conv, &err), E_LIMIT);
    assert_null(lin);
    assert_null(conv);
    float *p = NULL;
    assert_int_equal(dev_alloc(d, SIZE_MAX / 2, &p, &err), E_NOMEM);
    dev_linear_free(d, NULL);
    dev_conv_free(d, NULL);
    dev_free(d, NULL);
    dev_close(d);
    dev_close(NULL);
    assert_int_equal(dev_open_cpu(-1, &d, &err), E_ARG);
    assert_int_equal(dev_open_cpu(100000, &d, &err), E_ARG);
}

/* -------- row by row -------- */

static void dwconv_body(struct dev *d)
{
    static const int start[] = {0, 2, 3, 3, 60};
    struct seqs seqs = {4, start};
    for (int kernel = 1; kernel <= 7; kernel += 2) {
        int cols = 70 + kernel, rows = start[4];
        float *x = fill((size_t)(rows * cols), 2), *w = fill((size_t)(kernel * cols), 1);
        float *b = fill((size_t)cols, 1);
        float *dx = put(d, x, (size_t)(rows * cols)), *dw = put(d, w, (size_t)(kernel * cols));
        float *db = put(d, b, (size_t)cols), *dy = put(d, NULL, (size_t)(rows * cols));
        dev_dwconv(d, dw, db, kernel, dx, seqs, cols, dy);
        float *y = get(d, dy, (size_t)(rows * cols));
        for (int s = 0; s < seqs.n; s++)
            for (int t = start[s]; t < start[s + 1]; t++)
                for (int c = 0; c < cols; c++) {
                    double sum = b[c];
                    for (int k = 0; k < kernel; k++) {
                        int from = t + k - kernel / 2;
                        if (from >= start[s] && from < start[s + 1])
                            sum += (double)w[k * cols + c] * (double)x[from * cols + c];
                    }
                    close_to("dwconv", (size_t)(t * cols + c), y[t * cols + c], sum, 8, 3);
                }
        dev_free(d, dx), dev_free(d, dw), dev_free(d, db);
        free(x), free(w), free(b), free(y);
    }
}

static void dwconv_sums_its_taps(void **state)
{
    (void)state;
    on_each_device(dwconv_body);
}

static void norm_body(struct dev *d)
{
    static const int sizes[] = {1, 3, 16, 37, 100, 515, 1024};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int cols = sizes[i], rows = 19;
        size_t n = (size_t)(rows * cols);
        float *x = fill(n, 1), *scale = fill((size_t)cols, 2), *shift = fill((size_t)cols, 2);
        for (int r = 0; r < rows; r++) /* rows of very different size and mean */
            for (int c = 0; c < cols; c++)
                x[r * cols + c] = (x[r * cols + c] + (float)(r % 3)) * powf(10, (float)(r % 5 - 2));
        float *dx = put(d, x, n), *dy = put(d, NULL, n);
        float *ds = put(d, scale, (size_t)cols), *dh = put(d, shift, (size_t)cols);
        dev_norm(d, dx, (size_t)rows, cols, 1e-6f, ds, dh, dy);
        dev_norm(d, dx, (size_t)rows, cols, 1e-6f, ds, dh, dx);
        float *y = get(d, dy, n), *same = get(d, dx, n);
        assert_memory_equal(y, same, n * sizeof *y); /* in place is the same */
        for (int r = 0; r < rows; r++) {
            double mean = 0, var = 0;
            for (int c = 0; c < cols; c++)
                mean += (double)x[r * cols + c] / cols;
            for (int c = 0; c < cols; c++)
                var += pow((double)x[r * cols + c] - mean, 2) / cols;
            double deviation = sqrt(var + 1e-6);
            for (int c = 0; c < cols; c++) {
                double want = ((double)x[r * cols + c] - mean) / deviation * scale[c] + shift[c];
                /* the mean's rounding error counts in units of the deviation */
                close_to("norm", (size_t)(r * cols + c), y[r * cols + c], want, 8, 4 + fabs(mean / deviation) * 2);
            }
        }
        dev_free(d, ds), dev_free(d, dh);
        free(x), free(scale), free(shift), free(y), free(same);
    }
}

static void norm_has_mean_and_deviation_of_its_row(void **state)
{
    (void)state;
    on_each_device(norm_body);
}

static void grn_body(struct dev *d)
{
    static const int start[] = {0, 1, 40, 40, 97};
    struct seqs seqs = {4, start};
    int cols = 131, rows = start[4];
    size_t n = (size_t)(rows * cols);
    float *x = fill(n, 2), *gamma = fill((size_t)cols, 1), *beta = fill((size_t)cols, 1);
    float *dx = put(d, x, n), *dg = put(d, gamma, (size_t)cols), *db = put(d, beta, (size_t)cols);
    dev_grn(d, dx, seqs, cols, dg, db);
    float *y = get(d, dx, n);
    for (int s = 0; s < seqs.n; s++) {
        double g[131], mean = 0;
        for (int c = 0; c < cols; c++) {
            double sum = 0;
            for (int t = start[s]; t < start[s + 1]; t++)
                sum += pow((double)x[t * cols + c], 2);
            g[c] = sqrt(sum);
            mean += g[c] / cols;
        }
        for (int t = start[s]; t < start[s + 1]; t++)
            for (int c = 0; c < cols; c++) {
                double v = x[t * cols + c];
                close_to("grn", (size_t)(t * cols + c), y[t * cols + c],
                         gamma[c] * (v * g[c] / (mean + 1e-6)) + beta[c] + v, 16, 4);
            }
    }
    dev_free(d, dg), dev_free(d, db);
    free(x), free(gamma), free(beta), free(y);
}

static void grn_measures_each_sequence(void **state)
{
    (void)state;
    on_each_device(grn_body);
}

static void rope_body(struct dev *d)
{
    static const int start[] = {0, 3, 3, 70, 4270}; /* the last is longer than the table of angles */
    struct seqs seqs = {4, start};
    for (int c = 0; c < 4; c++) {
        int heads = 2, rope_heads = c & 1 ? 1 : 2, row = heads * 3 * 64, rows = start[4];
        size_t n = (size_t)(rows * row);
        float *x = fill(n, 2), *gains = fill(128, 1), freq[32];
        for (int i = 0; i < 32; i++)
            freq[i] = powf(c == 3 ? 5000 : 10000, (float)-i / 32);
        float *dx = put(d, x, n), *dg = put(d, gains, 128);
        dev_qk_rope(d, dx, seqs, heads, rope_heads, freq, c & 2 ? dg : NULL, c & 2 ? dg + 64 : NULL);
        float *y = get(d, dx, n);
        for (int s = 0; s < seqs.n; s++)
            for (int t = start[s]; t < start[s + 1]; t += t < 100 ? 1 : 57)
                for (int h = 0; h < 3 * heads; h++) {
                    const float *in = x + t * row + h * 64, *out = y + t * row + h * 64;
                    double v[64], sum = 0;
                    for (int i = 0; i < 64; i++)
                        sum += (double)in[i] * (double)in[i] / 64;
                    for (int i = 0; i < 64; i++)
                        v[i] = c & 2 && h < 2 * heads ? in[i] / sqrt(sum + 1e-6) * gains[h / heads * 64 + i] : in[i];
                    for (int i = 0; i < 64 && h < 2 * heads && h % heads < rope_heads; i += 2) {
                        float angle = (float)(t - start[s]) * freq[i / 2]; /* in f32, as PyTorch has it */
                        double a = v[i], b = v[i + 1], cs = cos((double)angle), sn = sin((double)angle);
                        v[i] = a * cs - b * sn;
                        v[i + 1] = a * sn + b * cs;
                    }
                    for (int i = 0; i < 64; i++)
                        close_to("rope", (size_t)(t * row + h * 64 + i), out[i], v[i], 8, 3);
                }
        dev_free(d, dg);
        free(x), free(gains), free(y);
    }
}

static void rope_turns_pairs_by_position(void **state)
{
    (void)state;
    on_each_device(rope_body);
}

static void attention_at(struct dev *d, enum dev_precision precision)
{
    static const int start[] = {0, 1, 1, 131, 450, 453};
    struct seqs seqs = {5, start};
    static const float sizes[] = {0.5f, 2, 12}; /* from nearly even weights to nearly one key alone */
    struct dev_info info;
    struct kern kern;
    int isa = 0;
    dev_describe(d, &info);
    while (strcmp(info.kernels, kern_isa_name((enum kern_isa)isa)) != 0)
        isa++;
    kern_fill(&kern, (enum kern_isa)isa);
    /* what the products round to; weights too, by at most half a place */
    const int rounds = precision != DEV_F32 && kern_attention_pays(&kern, KERN_BF16);
    const double weight = rounds ? (0x1p-9 + 0x1p-12) / FLT_EPSILON : 0;
    for (size_t z = 0; z < 3; z++) {
        int heads = 3, dim = heads * 64, rows = start[5];
        size_t n = (size_t)(rows * dim);
        float *x = fill(3 * n, sizes[z]);
        double *xr = rounded(rounds ? DEV_BF16 : DEV_F32, x, 1, 3 * n);
        float *dx = put(d, x, 3 * n), *dy = put(d, NULL, n);
        dev_attention(d, dx, seqs, heads, precision, dy);
        float *y = get(d, dy, n);
        double *score = malloc((size_t)rows * sizeof *score);
        assert_non_null(score);
        for (int s = 0; s < seqs.n; s++)
            for (int t = start[s]; t < start[s + 1]; t += 1 + t % 5)
                for (int h = 0; h < heads; h++) {
                    const double *q = xr + t * 3 * dim + h * 64;
                    double most = -1e30, total = 0, size = 0, out[64] = {0};
                    for (int j = start[s]; j < start[s + 1]; j++) {
                        const double *k = xr + j * 3 * dim + dim + h * 64;
                        double sum = 0, all = 0;
                        for (int i = 0; i < 64; i++) {
                            sum += q[i] * k[i];
                            all += fabs(q[i] * k[i]);
                        }
                        score[j] = sum / 8;
                        most = fmax(most, score[j]);
                        size = fmax(size, all / 8);
                    }
                    for (int j = start[s]; j < start[s + 1]; j++) {
                        double p = exp(score[j] - most);
                        total += p;
                        for (int i = 0; i < 64; i++)
                            out[i] += p * xr[j * 3 * dim + 2 * dim + h * 64 + i];
                    }
                    /* a score's rounding error is an error of the weight relative to itself */
                    for (int i = 0; i < 64; i++)
                        close_to("attention", (size_t)(t * dim + h * 64 + i), y[t * dim + h * 64 + i],
                                 out[i] / total, 8 + size + weight, sizes[z]);
                }
        free(score), free(xr), free(x), free(y);
        dev_free(d, dx);
    }
}

static void attention_body(struct dev *d)
{
    for (int p = 0; p <= DEV_INT8; p++)
        attention_at(d, (enum dev_precision)p);
}

static void attention_is_a_softmax_over_its_sequence(void **state)
{
    (void)state;
    on_each_device(attention_body);
}

static void embed_body(struct dev *d)
{
    int cols = 100, vocab = 9, n = 150;
    float *table = fill((size_t)(vocab * cols), 2);
    int32_t ids[150];
    for (int i = 0; i < n; i++)
        ids[i] = i * 5 % vocab;
    float *dt = put(d, table, (size_t)(vocab * cols));
    for (int positions = 0; positions < 2; positions++) {
        float *dy = put(d, NULL, (size_t)(n * cols));
        dev_text_embed(d, dt, ids, (size_t)n, cols, positions, dy);
        float *y = get(d, dy, (size_t)(n * cols));
        for (int i = 0; i < n; i++)
            for (int j = 0; j < cols; j++) {
                float f = 1.0f / (float)pow(10000, (double)(j % 50 * 2) / 100), angle = (float)i * f;
                double wave = j < 50 ? cos((double)angle) : sin((double)angle);
                /* an ulp of the frequency turns the angle by `i` of them */
                close_to("embedding", (size_t)(i * cols + j), y[i * cols + j],
                         table[ids[i] * cols + j] + (positions ? wave : 0), 2, 1 + (double)angle);
            }
        free(y);
    }
    dev_free(d, dt);
    free(table);
}

static void embedding_adds_positions(void **state)
{
    (void)state;
    on_each_device(embed_body);
}

static void elements_body(struct dev *d)
{
    static const size_t sizes[] = {0, 1, 7, 16, 100, 70001};
    for (size_t z = 0; z < sizeof sizes / sizeof *sizes; z++) {
        size_t n = sizes[z];
        float *x = fill(n, 10), *c = fill(n, 1), *u = fill(n, 1);
        float *dc = put(d, c, n), *du = put(d, u, n);
        for (int act = 0; act <= DEV_ACT_MISH; act++) {
            float *dx = put(d, x, n);
            dev_act(d, (enum dev_act)act, dx, n);
            float *y = get(d, dx, n);
            for (size_t i = 0; i < n; i++)
                close_to("act", i, y[i], act_ref((enum dev_act)act, x[i]), 8, fabs(x[i]));
            free(y);
        }
        float *da = put(d, x, n), *de = put(d, x, n), *dn = put(d, x, n), *dz = put(d, x, n);
        dev_add(d, da, dc, n);
        dev_euler(d, de, dc, du, 2.5f, 0.125f, n);
        dev_euler(d, dn, dc, NULL, 2.5f, 0.125f, n);
        dev_zero(d, dz, n);
        float *a = get(d, da, n), *e = get(d, de, n), *plain = get(d, dn, n), *zero = get(d, dz, n);
        for (size_t i = 0; i < n; i++) {
            assert_true(a[i] == x[i] + c[i]);
            close_to("euler", i, e[i], x[i] + 0.125 * (c[i] + (c[i] - (double)u[i]) * 2.5), 4, 1);
            close_to("euler without guidance", i, plain[i], x[i] + 0.125 * c[i], 4, 1);
            assert_true(zero[i] == 0);
        }
        dev_free(d, dc), dev_free(d, du);
        free(x), free(c), free(u), free(a), free(e), free(plain), free(zero);
    }
    float *x = fill(60, 1), *dx = put(d, x, 60), *dy = put(d, x, 60);
    dev_copy_2d(d, dy + 3, 12, dx + 1, 20, 3, 5);
    float *y = get(d, dy, 60);
    for (int i = 0; i < 60; i++) {
        int r = (i - 3) / 12, c = (i - 3) % 12, inside = i >= 3 && r < 3 && c < 5;
        assert_true(y[i] == (inside ? x[1 + r * 20 + c] : x[i]));
    }
    dev_free(d, dx);
    free(x), free(y);
}

static void elements_are_as_their_formulas(void **state)
{
    (void)state;
    on_each_device(elements_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_is_a_product),
        cmocka_unit_test(a_layer_is_its_bytes),
        cmocka_unit_test(conv_keeps_to_its_sequence_and_group),
        cmocka_unit_test(impossible_shapes_are_refused),
        cmocka_unit_test(dwconv_sums_its_taps),
        cmocka_unit_test(norm_has_mean_and_deviation_of_its_row),
        cmocka_unit_test(grn_measures_each_sequence),
        cmocka_unit_test(rope_turns_pairs_by_position),
        cmocka_unit_test(attention_is_a_softmax_over_its_sequence),
        cmocka_unit_test(embedding_adds_positions),
        cmocka_unit_test(elements_are_as_their_formulas),
    };
    return cmocka_run_group_tests_name("dev", tests, NULL, NULL);
}
