#include "test.h"

#include "dev_stage.h"

#include "kern/kern.h"

static uint64_t state;

void fill_seed(uint64_t seed)
{
    state = seed;
}

static float uniform(float size)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return ((float)(state >> 40) / 8388608.0f - 1.0f) * size;
}

float *fill(size_t n, float size)
{
    float *p = malloc((n + 1) * sizeof *p);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++)
        p[i] = uniform(size);
    return p;
}

float *put(struct dev *d, const float *host, size_t n)
{
    static const float guard = 12345.0f;
    float *p;
    assert_int_equal(dev_alloc(d, n + 1, &p, NULL), 0);
    assert_int_equal((uintptr_t)p % 64, 0);
    if (host)
        dev_upload(d, p, host, n);
    dev_upload(d, p + n, &guard, 1);
    return p;
}

float *get(struct dev *d, float *p, size_t n)
{
    float *host = malloc((n + 1) * sizeof *host);
    assert_non_null(host);
    assert_int_equal(dev_download(d, host, p, n + 1, NULL), 0);
    assert_true(host[n] == 12345.0f);
    dev_free(d, p);
    return host;
}

void on_each_device(void (*body)(struct dev *d))
{
    for (int isa = 0; isa < KERN_ISA_COUNT; isa++) {
        if (!kern_available((enum kern_isa)isa))
            continue;
        setenv("ISHOW_KERNELS", kern_isa_name((enum kern_isa)isa), 1);
        for (int threads = 1; threads <= 3; threads += 2) {
            struct dev *d;
            struct error err;
            struct dev_info info;
            if (dev_open_cpu(threads, &d, &err))
                fail_msg("%s", err.text);
            dev_describe(d, &info);
            assert_string_equal(info.kernels, kern_isa_name((enum kern_isa)isa));
            assert_int_equal(info.threads, threads);
            fill_seed(7);
            body(d);
            dev_close(d);
        }
    }
    unsetenv("ISHOW_KERNELS");
}
