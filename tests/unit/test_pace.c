/* How long the next piece may be: by simulation of an engine that takes what it takes, with nobody's clock. */
#include "test.h"

#include "engine/pace.h"

#include <math.h>

#define FRAME_SECONDS (256.0 / 24000)

static void a_measurement_halves_the_way(void **state)
{
    (void)state;
    struct pace p = {0};
    pace_note(&p, 2, 1000);
    assert_true(fabs(p.cost - 0.002) < 1e-12);
    pace_note(&p, 4, 1000);
    assert_true(fabs(p.cost - 0.003) < 1e-12);
    pace_note(&p, 0, 1000); /* says nothing */
    pace_note(&p, 1, 0);
    assert_true(fabs(p.cost - 0.003) < 1e-12);
}

static void without_a_measurement_pieces_double(void **state)
{
    (void)state;
    const struct pace p = {0};
    assert_true(fabs(pace_frames(&p, 0, 280, 14, 100) - 100 * PACE_GROWTH) < 1e-9);
}

/* Says `total` frames in pieces as speak.c does; how long a listener waits after the first piece, in seconds. */
static double stall(double rtf, double first, double clip, double total, double least, int *ret_pieces)
{
    struct pace p = {0};
    const double load = 14, cost = rtf * FRAME_SECONDS / load;
    double now = 0, heard = 0, given = 0, stalled = 0, length = first;
    *ret_pieces = 0;
    for (double done = 0; done < total; done += length, ++*ret_pieces) {
        if (*ret_pieces) {
            const double allowed = pace_frames(&p, given - (now - heard), (int)clip, load, length);
            length = fmin(fmax(allowed, least), total - done);
        }
        const double took = (clip + length) * load * cost;
        now += took;
        pace_note(&p, took, (clip + length) * load);
        if (!*ret_pieces)
            heard = now;
        else if (now - heard - stalled > given)
            stalled = now - heard - given;
        given += length * FRAME_SECONDS;
    }
    return stalled;
}

static void nobody_waits_where_the_engine_is_fast_enough(void **state)
{
    (void)state;
    static const struct {
        double rtf, first, clip;
    } cases[] = {{0.01, 90, 280}, {0.1, 120, 280}, {0.2, 200, 280}, {0.3, 300, 280}, {0.3, 500, 560}, {0.5, 700, 280}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int pieces;
        const double s = stall(cases[i].rtf, cases[i].first, cases[i].clip, 6000, 90, &pieces);
        if (s > 1e-9)
            fail_msg("rtf %g, first piece %g, clip %g: %g s of silence", cases[i].rtf, cases[i].first, cases[i].clip,
                     s);
        assert_true(pieces > 1 && pieces < 40);
    }
}

static void pieces_grow_while_there_is_time(void **state)
{
    (void)state;
    const struct pace p = {0.2 * FRAME_SECONDS / 14};
    const double first = pace_frames(&p, 3, 280, 14, 100), later = pace_frames(&p, 9, 280, 14, 100);
    assert_true(first > 280 && later > 3 * first);
    assert_true(pace_frames(&p, 9, 280, 28, 100) < later / 2); /* two share the engine */
    assert_true(pace_frames(&p, -1, 280, 14, 100) < 0);        /* late already */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_measurement_halves_the_way),
        cmocka_unit_test(without_a_measurement_pieces_double),
        cmocka_unit_test(nobody_waits_where_the_engine_is_fast_enough),
        cmocka_unit_test(pieces_grow_while_there_is_time),
    };
    return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
