/* The next token: greedy, or drawn as often as its probability says. */
#include "infer/sample.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/infer/kernel.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

enum { DRAWS = 20000 };

static struct sample_entry room[64];

static int32_t greedy(const float *logits, uint32_t count)
{
    return sample_greedy(ops_for(INFER_ISA_SCALAR), logits, count);
}

static int32_t draw(const struct infer_sampling *sampling, const float *logits,
                    uint32_t count, uint64_t step)
{
    return sample_draw(ops_for(INFER_ISA_SCALAR), sampling, logits, count, step, room);
}

/* ---- greedy, and sums --------------------------------------------------------- */

static void greedy_takes_the_lowest_of_equals(void **state)
{
    const float logits[] = {-3, 2, 7, 7, -1, 7};

    (void)state;
    assert_int_equal(greedy(logits, COUNT(logits)), 2);
    assert_int_equal(greedy(logits, 2), 1);
    assert_int_equal(greedy(logits, 1), 0);
}

static void logits_that_are_no_numbers_are_told(void **state)
{
    static const float wrong[] = {NAN, INFINITY, -INFINITY};
    const struct infer_sampling sampling = {.temperature = 1, .top_p = 1};

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++)
        for (size_t at = 0; at < 3; at++) {
            float logits[] = {1, 2, 3};
            logits[at] = wrong[i];
            assert_int_equal(greedy(logits, 3), -1);
            assert_int_equal(draw(&sampling, logits, 3, 0), -1);
        }
}

/* Long rows, with equals and numbers that are none at their edges. */
static void every_instruction_set_finds_the_same(void **state)
{
    static const uint32_t places[] = {0, 1, 15, 16, 1023, 1024, 1025, 2047, 3000};
    static float logits[3001];

    (void)state;
    for (const enum infer_isa *isa = kernel_sets(); *isa != INFER_ISA_BEST; isa++)
        for (size_t i = 0; i < COUNT(places); i++) {
            const struct ops *ops = ops_for(*isa);
            for (uint32_t k = 0; k < COUNT(logits); k++)
                logits[k] = -5 - (float)(k * 7919 % 1000);
            logits[places[i]] = logits[3000] = -4;
            assert_int_equal(sample_greedy(ops, logits, 3001), places[i]);
            assert_int_equal(greedy(logits, 3001), places[i]);
            logits[places[i]] = -INFINITY;
            assert_int_equal(sample_greedy(ops, logits, 3001), -1);
            logits[places[i]] = INFINITY;
            assert_int_equal(sample_greedy(ops, logits, 3001), -1);
            logits[places[i]] = NAN;
            assert_int_equal(sample_greedy(ops, logits, 3001), -1);
        }
}

static void the_log_of_the_sum_stands_large_logits(void **state)
{
    const float small[] = {0, 1, 2}, large[] = {3000, 3001, 3002}, one[] = {-7};
    const double wanted = log(1 + exp(1) + exp(2));

    (void)state;
    assert_true(fabs(sample_log_sum(small, 3) - wanted) < 1e-12);
    assert_true(fabs(sample_log_sum(large, 3) - wanted - 3000) < 1e-9);
    assert_true(fabs(sample_log_sum(one, 1) + 7) < 1e-12);
}

/* ---- drawing ------------------------------------------------------------------ */

/* How often each id comes, in DRAWS steps of one seed. */
static void draw_often(const struct infer_sampling *sampling, const float *logits,
                       uint32_t count, uint32_t *often)
{
    for (uint32_t i = 0; i < count; i++)
        often[i] = 0;
    for (uint64_t step = 0; step < DRAWS; step++) {
        int32_t id = draw(sampling, logits, count, step);
        assert_in_range(id, 0, count - 1);
        often[id]++;
    }
}

/* Within five standard deviations of what the probability says. */
static void check_often(uint32_t often, double probability)
{
    double wanted = DRAWS * probability;

    assert_true(fabs(often - wanted) < 5 * sqrt(wanted * (1 - probability)) + 1e-9);
}

static void a_token_comes_as_often_as_it_is_likely(void **state)
{
    const float logits[] = {0, logf(2), logf(4), logf(1), logf(8)};
    struct infer_sampling sampling = {.temperature = 1, .top_p = 1, .seed = 7};
    static const double share[] = {1, 2, 4, 1, 8};
    uint32_t often[5];

    (void)state;
    draw_often(&sampling, logits, 5, often);
    for (size_t i = 0; i < 5; i++)
        check_often(often[i], share[i] / 16);
    sampling.temperature = 0.5f; /* squares */
    draw_often(&sampling, logits, 5, often);
    for (size_t i = 0; i < 5; i++)
        check_often(often[i], share[i] * share[i] / 86);
}

/* The likeliest that make up so much, the one that crosses the line included. */
static void top_p_keeps_the_likeliest(void **state)
{
    const float logits[] = {0, logf(2), logf(4), logf(1), logf(8)};
    static const struct {
        float top_p;
        uint32_t kept[5]; /* weight of those kept */
    } cases[] = {
        {0.01f, {0, 0, 0, 0, 8}}, {0.49f, {0, 0, 0, 0, 8}}, {0.51f, {0, 0, 4, 0, 8}},
        {0.74f, {0, 0, 4, 0, 8}}, {0.76f, {0, 2, 4, 0, 8}}, {0.9f, {1, 2, 4, 0, 8}},
        {1, {1, 2, 4, 1, 8}},
    };

    (void)state;
    for (size_t c = 0; c < COUNT(cases); c++) {
        const struct infer_sampling sampling = {
            .temperature = 1, .top_p = cases[c].top_p, .seed = c};
        uint32_t often[5], all = 0;
        draw_often(&sampling, logits, 5, often);
        for (size_t i = 0; i < 5; i++)
            all += cases[c].kept[i];
        for (size_t i = 0; i < 5; i++)
            check_often(often[i], (double)cases[c].kept[i] / all);
    }
}

static void min_p_is_measured_by_the_likeliest(void **state)
{
    const float logits[] = {0, logf(2), logf(4), logf(1), logf(8)};
    struct infer_sampling sampling = {
        .temperature = 1, .top_p = 1, .min_p = 0.2f, .seed = 3};
    uint32_t often[5];

    (void)state;
    draw_often(&sampling, logits, 5, often);
    check_often(often[0], 0);
    check_often(often[1], 2.0 / 14);
    check_often(often[2], 4.0 / 14);
    check_often(often[3], 0);
    check_often(often[4], 8.0 / 14);
    sampling.min_p = 1; /* the likeliest itself is never lost */
    draw_often(&sampling, logits, 5, often);
    check_often(often[4], 1);
}

static void equals_are_ordered_by_their_ids(void **state)
{
    const float logits[] = {1, 1, 1, 1};
    const struct infer_sampling sampling = {
        .temperature = 1, .top_p = 0.5f, .seed = 11};
    uint32_t often[4];

    (void)state;
    draw_often(&sampling, logits, 4, often);
    check_often(often[0], 0.5);
    check_often(often[1], 0.5);
    assert_int_equal(often[2] + often[3], 0);
}

static void a_low_temperature_is_greedy(void **state)
{
    const float logits[] = {1, 1.5f, 1.4f};
    const struct infer_sampling sampling = {
        .temperature = 1e-6f, .top_p = 1, .seed = 5};
    uint32_t often[3];

    (void)state;
    draw_often(&sampling, logits, 3, often);
    assert_int_equal(often[1], DRAWS);
}

/* ---- seeds -------------------------------------------------------------------- */

static void seed_and_step_say_all(void **state)
{
    float logits[64];
    struct infer_sampling a = {.temperature = 1, .top_p = 1, .seed = 1}, b = a;
    uint32_t same_step = 0, same_seed = 0;

    (void)state;
    for (size_t i = 0; i < 64; i++)
        logits[i] = 0;
    b.seed = 2;
    for (uint64_t step = 0; step < 640; step++) {
        int32_t id = draw(&a, logits, 64, step);
        assert_int_equal(id, draw(&a, logits, 64, step));
        same_seed += id == draw(&a, logits, 64, step + 1);
        same_step += id == draw(&b, logits, 64, step);
    }
    /* 10 are to be expected of numbers that do not depend on each other */
    assert_in_range(same_seed, 1, 30);
    assert_in_range(same_step, 1, 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy_takes_the_lowest_of_equals),
        cmocka_unit_test(logits_that_are_no_numbers_are_told),
        cmocka_unit_test(every_instruction_set_finds_the_same),
        cmocka_unit_test(the_log_of_the_sum_stands_large_logits),
        cmocka_unit_test(a_token_comes_as_often_as_it_is_likely),
        cmocka_unit_test(top_p_keeps_the_likeliest),
        cmocka_unit_test(min_p_is_measured_by_the_likeliest),
        cmocka_unit_test(equals_are_ordered_by_their_ids),
        cmocka_unit_test(a_low_temperature_is_greedy),
        cmocka_unit_test(seed_and_step_say_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
