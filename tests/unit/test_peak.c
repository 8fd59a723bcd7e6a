/* Peaks of the CPU: there is one for whatever kernels run here, and wider instructions do not lower it. */
#include "test.h"

#include "kern/peak.h"

#include <math.h>

static void every_vector_kernel_has_a_peak(void **state)
{
    (void)state;
    for (int isa = KERN_C + 1; isa < KERN_ISA_COUNT; isa++) {
        const int here = kern_available((enum kern_isa)isa);
        double peak = kern_peak_measure((enum kern_isa)isa, KERN_PEAK_F32, 1, 0);
        assert_true(here ? peak > 1e6 && isfinite(peak) : peak == 0);
    }
    assert_true(kern_peak_measure(KERN_C, KERN_PEAK_F32, 1, 0) == 0); /* nothing that C could be held against */
}

static void what_the_cpu_lacks_is_zero(void **state)
{
    (void)state;
    for (int isa = 0; isa < KERN_ISA_COUNT; isa++)
        for (int kind = 0; kind < KERN_PEAK_COUNT; kind++) {
            const int loop = kern_peak_loop((enum kern_isa)isa, (enum kern_peak)kind) != NULL;
            double peak = kern_peak_measure((enum kern_isa)isa, (enum kern_peak)kind, 1, 0);
            assert_true(loop ? peak > 1e6 && isfinite(peak) : peak == 0);
        }
}

static void memory_gives_and_takes(void **state)
{
    (void)state;
    struct kern_bandwidth b;
    kern_bandwidth_measure(2, 0, &b);
    assert_true(b.read > 1e6 && isfinite(b.read));
    assert_true(b.copy > 1e6 && isfinite(b.copy));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_kernel_has_a_peak),
        cmocka_unit_test(what_the_cpu_lacks_is_zero),
        cmocka_unit_test(memory_gives_and_takes),
    };
    return cmocka_run_group_tests_name("peak", tests, NULL, NULL);
}
