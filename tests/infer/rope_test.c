/* Rotary positions: which frequency a pair has, how it is stretched, what turning
 * leaves as it was. */
#include "infer/rope.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { DIMS = 16, PAIRS = DIMS / 2 };

static const struct rope_stretch plain = {.base = 10000, .factor = 1, .magnitude = 1};

static struct rope open_rope(const struct rope_stretch *stretch, bool halves)
{
    struct rope rope = {.dims = DIMS, .halves = halves};

    assert_int_equal(rope_open(&rope, stretch, NULL), 0);
    return rope;
}

static void near(double found, double wanted, double relative)
{
    if (!(fabs(found - wanted) <= relative * fabs(wanted)))
        fail_msg("%.17g, wanted %.17g", found, wanted);
}

/* ---- frequencies -------------------------------------------------------------- */

static void each_pair_turns_slower_than_the_one_before(void **state)
{
    struct rope rope = open_rope(&plain, false);

    (void)state;
    for (int i = 0; i < PAIRS; i++)
        near(rope.frequency[i], pow(10000, -2.0 * i / DIMS), 1e-14);
    near((double)rope.magnitude, 1, 0);
    rope_close(&rope);
}

static void linear_stretching_divides_every_frequency(void **state)
{
    struct rope_stretch stretch = plain;

    (void)state;
    stretch.factor = 4;
    struct rope rope = open_rope(&stretch, false);
    for (int i = 0; i < PAIRS; i++)
        near(rope.frequency[i], pow(10000, -2.0 * i / DIMS) / 4, 1e-14);
    rope_close(&rope);
}

static void divisors_of_the_file_divide_pair_by_pair(void **state)
{
    static const float divisors[PAIRS] = {1, 1, 1.5f, 2, 4, 8, 8, 32};
    struct rope_stretch stretch = plain;

    (void)state;
    stretch.divisors = divisors;
    struct rope rope = open_rope(&stretch, false);
    for (int i = 0; i < PAIRS; i++)
        near(rope.frequency[i], pow(10000, -2.0 * i / DIMS) / (double)divisors[i],
             1e-14);
    rope_close(&rope);
}

/* Pairs that turn 32 times and more within the training stay, those that turn less
 * than once are divided; in between the share grows. */
static void yarn_stretches_slow_pairs_only(void **state)
{
    struct rope_stretch stretch = {.base = 10000,
                                   .factor = 8,
                                   .yarn = true,
                                   .original = 2048,
                                   .beta_fast = 32,
                                   .beta_slow = 1,
                                   .magnitude = 1};
    double share = 0;

    (void)state;
    struct rope rope = open_rope(&stretch, false);
    for (int i = 0; i < PAIRS; i++) {
        double own = pow(10000, -2.0 * i / DIMS);
        double turns = 2048 * own / (2 * 3.14159265358979),
               kept = rope.frequency[i] / own;
        if (turns > 64)
            near(kept, 1, 1e-14);
        if (turns < 0.5)
            near(kept, 1.0 / 8, 1e-14);
        assert_true(1 - kept >= share - 1e-12);
        share = 1 - kept;
    }
    near(share, 7.0 / 8, 1e-14);
    near((double)rope.magnitude, 1 + 0.1 * log(8), 1e-7);
    rope_close(&rope);
}

/* ---- turning ------------------------------------------------------------------ */

static void fill(float *x, int seed)
{
    for (int i = 0; i < DIMS + 2; i++)
        x[i] = (float)((i * 7 + seed * 5) % 13 - 6) / 4;
}

static void position_0_changes_nothing(void **state)
{
    float turn[DIMS], x[DIMS + 2], before[DIMS + 2];

    (void)state;
    for (int halves = 0; halves < 2; halves++) {
        struct rope rope = open_rope(&plain, halves);
        fill(x, 1);
        fill(before, 1);
        rope_turns(&rope, 0, turn);
        rope_apply(&rope, turn, x);
        assert_memory_equal(x, before, sizeof x);
        rope_close(&rope);
    }
}

/* A pair is (2i, 2i + 1), or (i, i + half a head); what lies behind stays. */
static void a_pair_is_where_the_family_has_it(void **state)
{
    static const int first[2] = {6, 3}, second[2] = {7, 3 + PAIRS};
    float turn[DIMS];

    (void)state;
    for (int halves = 0; halves < 2; halves++) {
        struct rope rope = open_rope(&plain, halves);
        float x[DIMS + 2] = {0};
        x[first[halves]] = 1;
        x[DIMS] = x[DIMS + 1] = 5;
        rope_turns(&rope, 9, turn);
        rope_apply(&rope, turn, x);
        near((double)x[first[halves]], cos(9 * rope.frequency[3]), 1e-6);
        near((double)x[second[halves]], sin(9 * rope.frequency[3]), 1e-6);
        for (int i = 0; i < DIMS; i++)
            if (i != first[halves] && i != second[halves])
                assert_true(x[i] == 0);
        assert_true(x[DIMS] == 5 && x[DIMS + 1] == 5);
        rope_close(&rope);
    }
}

static double product_at(const struct rope *rope, uint32_t query, uint32_t key)
{
    float turn[DIMS], q[DIMS + 2], k[DIMS + 2];
    double sum = 0;

    fill(q, 1);
    fill(k, 2);
    rope_turns(rope, query, turn);
    rope_apply(rope, turn, q);
    rope_turns(rope, key, turn);
    rope_apply(rope, turn, k);
    for (int i = 0; i < DIMS; i++)
        sum += (double)q[i] * (double)k[i];
    return sum;
}

static void a_score_depends_on_the_distance_alone(void **state)
{
    (void)state;
    for (int halves = 0; halves < 2; halves++) {
        struct rope rope = open_rope(&plain, halves);
        const double wanted = product_at(&rope, 5, 0);
        near(product_at(&rope, 12, 7), wanted, 1e-5);
        near(product_at(&rope, 100005, 100000), wanted, 1e-5);
        assert_true(fabs(product_at(&rope, 6, 0) - wanted) > 1e-3);
        rope_close(&rope);
    }
}

/* An angle of a million and more must not be rounded to a float. */
static void far_positions_keep_their_accuracy(void **state)
{
    struct rope rope = open_rope(&plain, false);
    float turn[DIMS];

    (void)state;
    rope_turns(&rope, 16777215, turn);
    for (int i = 0; i < PAIRS; i++) {
        double angle = 16777215 * rope.frequency[i];
        assert_true(fabs((double)turn[2 * i] - cos(angle)) < 1e-7);
        assert_true(fabs((double)turn[2 * i + 1] - sin(angle)) < 1e-7);
    }
    rope_close(&rope);
}

static void sines_and_cosines_take_the_magnitude(void **state)
{
    struct rope_stretch stretch = plain;
    float turn[DIMS];

    (void)state;
    stretch.magnitude = 1.25;
    struct rope rope = open_rope(&stretch, false);
    rope_turns(&rope, 3, turn);
    for (int i = 0; i < PAIRS; i++)
        near(hypot((double)turn[2 * i], (double)turn[2 * i + 1]), 1.25, 1e-6);
    rope_close(&rope);
}

static void one_that_was_never_opened_may_be_closed(void **state)
{
    struct rope rope = {0};

    (void)state;
    rope_close(&rope);
    rope_close(&rope);
    assert_null(rope.frequency);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pair_turns_slower_than_the_one_before),
        cmocka_unit_test(linear_stretching_divides_every_frequency),
        cmocka_unit_test(divisors_of_the_file_divide_pair_by_pair),
        cmocka_unit_test(yarn_stretches_slow_pairs_only),
        cmocka_unit_test(position_0_changes_nothing),
        cmocka_unit_test(a_pair_is_where_the_family_has_it),
        cmocka_unit_test(a_score_depends_on_the_distance_alone),
        cmocka_unit_test(far_positions_keep_their_accuracy),
        cmocka_unit_test(sines_and_cosines_take_the_magnitude),
        cmocka_unit_test(one_that_was_never_opened_may_be_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
