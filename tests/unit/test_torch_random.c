/* The noise of a seed is PyTorch's: against figures that torch.randn gave (data/torch_randn.txt). */
#include "test.h"

#include "model/torch_random.h"

#include <math.h>
#include <stdio.h>

#define MAX_N 4096

/* PyTorch's vectorised log, sin and cos stand up to 1.2e-6 from the exact values (see the data file). */
#define ONE_VALUE 2e-6

static void values_and_sums_are_pytorchs(void **state)
{
    (void)state;
    char path[512], line[256];
    snprintf(path, sizeof path, "%s/unit/data/torch_randn.txt", getenv("ISHOW_TESTS"));
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    static float x[MAX_N];
    unsigned long long seed, last_seed = 0;
    size_t n, last_n = 0, compared = 0;
    long index;
    double value;
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "%llu %zu %ld %lf", &seed, &n, &index, &value) != 4 || n < TORCH_RANDN_MIN)
            continue;
        assert_true(n <= MAX_N);
        if (seed != last_seed || n != last_n) {
            struct torch_random r;
            torch_manual_seed(&r, seed);
            torch_randn(&r, x, n);
            last_seed = seed;
            last_n = n;
        }
        if (index >= 0) {
            assert_float_equal(x[index], value, ONE_VALUE);
        } else {
            double sum = 0;
            for (size_t i = 0; i < n; i++)
                sum += x[i];
            assert_float_equal(sum, value, ONE_VALUE * (double)n);
        }
        compared++;
    }
    fclose(f);
    assert_true(compared > 100);
}

static void draws_go_on(void **state)
{
    (void)state;
    float both[64], first[32], second[32];
    struct torch_random a, b;
    torch_manual_seed(&a, 7);
    torch_manual_seed(&b, 7);
    torch_randn(&a, both, 64);
    torch_randn(&b, first, 32);
    torch_randn(&b, second, 32);
    assert_memory_equal(both, first, sizeof first);
    assert_memory_equal(both + 32, second, sizeof second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_sums_are_pytorchs),
        cmocka_unit_test(draws_go_on),
    };
    return cmocka_run_group_tests_name("torch_random", tests, NULL, NULL);
}
