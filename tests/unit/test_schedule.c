/* Time steps: the pruned grids, uniform ones, and sway. */
#include "test.h"

#include "model/schedule.h"

#include <math.h>

static void pruned_grids_are_upstreams(void **state)
{
    (void)state;
    static const struct {
        int nfe;
        int grid[17];
    } cases[] = {
        {5, {0, 2, 4, 8, 16, 32}},
        {6, {0, 2, 4, 6, 8, 16, 32}},
        {7, {0, 2, 4, 6, 8, 16, 24, 32}},
        {10, {0, 2, 4, 6, 8, 12, 16, 20, 24, 28, 32}},
        {12, {0, 2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32}},
        {16, {0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32}},
    };
    float t[SCHEDULE_MAX_NFE + 1];
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        schedule_times(cases[c].nfe, 0, t);
        for (int i = 0; i <= cases[c].nfe; i++)
            assert_true(t[i] == (float)cases[c].grid[i] / 32);
    }
}

static void others_are_uniform_and_all_rise_from_0_to_1(void **state)
{
    (void)state;
    float t[SCHEDULE_MAX_NFE + 1];
    for (int nfe = 1; nfe <= SCHEDULE_MAX_NFE; nfe++) {
        for (int sway = -1; sway <= 1; sway++) {
            schedule_times(nfe, (float)sway, t);
            assert_true(t[0] == 0);
            assert_float_equal(t[nfe], 1, 1e-6);
            for (int i = 0; i < nfe; i++)
                assert_true(t[i] < t[i + 1]);
        }
    }
    schedule_times(4, 0, t);
    assert_true(t[1] == 0.25f && t[2] == 0.5f && t[3] == 0.75f);
    schedule_times(4, -1, t);
    assert_float_equal(t[2], 1 - cos(acos(-1) / 4), 1e-7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pruned_grids_are_upstreams),
        cmocka_unit_test(others_are_uniform_and_all_rise_from_0_to_1),
    };
    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
