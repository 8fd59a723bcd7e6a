/* How long the next piece may be: by simulation of an engine that takes what it takes, with nobody's clock. */
#include "test.h"

#include "engine/pace.h"

#include <math.h>

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
    const struct pace_piece piece = {.clip = 280, .first = 50, .last = 100, .load = 14};
    assert_true(fabs(pace_frames(&p, &piece) - 100 * PACE_GROWTH) < 1e-9);
}

struct outcome {
    double stalled, done; /* seconds: that a listener waits after the first piece; until all is made */
    int pieces;
};

/* Says `total` frames in pieces as speak.c does. */
static struct outcome say(double rtf, double first, double clip, double total)
{
    struct pace p = {0};
    struct outcome o = {0};
    struct pace_piece piece = {.clip = clip, .first = first, .last = first, .load = 14};
    const double cost = rtf * PACE_FRAME_SECONDS / piece.load;
    double heard = 0, given = 0;
    for (double said = 0; said < total; said += piece.last, o.pieces++) {
        piece.ahead = given - (o.done - heard);
        piece.last = o.pieces ? fmin(pace_frames(&p, &piece), total - said) : first;
        const double work = (clip + piece.last) * piece.load;
        o.done += work * cost;
        pace_note(&p, work * cost, work);
        heard = o.pieces ? heard : o.done;
        o.stalled = fmax(o.stalled, o.pieces ? o.done - heard - given : 0);
        given += piece.last * PACE_FRAME_SECONDS;
    }
    return o;
}

static void nobody_waits_where_the_engine_is_fast_enough(void **state)
{
    (void)state;
    static const struct {
        double rtf, first, clip;
    } cases[] = {{0.01, 90, 280}, {0.1, 120, 280}, {0.2, 200, 280}, {0.3, 300, 280}, {0.3, 500, 560}, {0.5, 700, 280}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct outcome o = say(cases[i].rtf, cases[i].first, cases[i].clip, 6000);
        if (o.stalled > 1e-9)
            fail_msg("rtf %g, first piece %g, clip %g: %g s of silence", cases[i].rtf, cases[i].first, cases[i].clip,
                     o.stalled);
        assert_true(o.pieces > 1 && o.pieces < 40);
    }
}

static void an_engine_that_is_too_slow_is_not_slowed_further(void **state)
{
    (void)state;
    const struct outcome o = say(2, 240, 280, 3000);
    assert_true(o.pieces <= 5);
    assert_true(o.done < 1.5 * 2 * (280 + 3000) * PACE_FRAME_SECONDS); /* of what one piece would take */
    const struct outcome hardly = say(0.5, 270, 280, 3000);
    assert_true(hardly.stalled < 1);
}

static void pieces_grow_while_there_is_time(void **state)
{
    (void)state;
    const struct pace p = {0.2 * PACE_FRAME_SECONDS / 14};
    struct pace_piece piece = {.clip = 280, .first = 100, .last = 100, .load = 14, .ahead = 3};
    const double soon = pace_frames(&p, &piece);
    piece.ahead = 9;
    const double later = pace_frames(&p, &piece);
    piece.load = 28; /* two share the engine */
    assert_true(soon > 280 && later > 3 * soon && pace_frames(&p, &piece) < later / 2);
    piece = (struct pace_piece){.clip = 28, .first = 100, .last = 100, .load = 14, .ahead = -1};
    assert_true(fabs(pace_frames(&p, &piece) - 100) < 1e-9); /* late already, and soon in time again */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_measurement_halves_the_way),
        cmocka_unit_test(without_a_measurement_pieces_double),
        cmocka_unit_test(nobody_waits_where_the_engine_is_fast_enough),
        cmocka_unit_test(an_engine_that_is_too_slow_is_not_slowed_further),
        cmocka_unit_test(pieces_grow_while_there_is_time),
    };
    return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
