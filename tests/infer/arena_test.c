/* Memory is counted first and given then; both ways must agree to the byte. */
#include "infer/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static void *taken[4];

static void lay(struct arena *arena)
{
    static const size_t count[] = {3, 0, 64, 1}, size[] = {7, 8, 1, 65};

    for (size_t i = 0; i < 4; i++)
        taken[i] = arena_take(arena, count[i], size[i]);
}

static void what_was_counted_is_what_is_given(void **state)
{
    struct arena counter = {0}, given = {0};

    (void)state;
    lay(&counter);
    for (size_t i = 0; i < 4; i++)
        assert_null(taken[i]);
    assert_int_equal(counter.used, 64 + 0 + 64 + 128);
    given.base = aligned_alloc(64, counter.used);
    assert_non_null(given.base);
    lay(&given);
    assert_int_equal(given.used, counter.used);
    assert_ptr_equal(taken[0], given.base);
    assert_ptr_equal(taken[1], given.base + 64);
    assert_ptr_equal(taken[2], given.base + 64);
    assert_ptr_equal(taken[3], given.base + 128);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal((uintptr_t)taken[i] % 64, 0);
    free(given.base);
}

static void a_size_that_overflows_is_remembered(void **state)
{
    static const struct {
        size_t count, size;
    } much[] = {
        {SIZE_MAX, 2}, {SIZE_MAX / 2 + 1, 2}, {SIZE_MAX, 1}, {SIZE_MAX - 62, 1}};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct arena arena = {.used = 64};
        assert_null(arena_take(&arena, much[i].count, much[i].size));
        assert_true(arena.used == SIZE_MAX);
        arena_take(&arena, 0, 8);
        arena_take(&arena, 1, 8);
        assert_true(arena.used == SIZE_MAX);
    }
}

static void the_sum_of_sizes_may_overflow_too(void **state)
{
    struct arena arena = {0};

    (void)state;
    arena_take(&arena, SIZE_MAX / 2, 1);
    assert_true(arena.used < SIZE_MAX);
    arena_take(&arena, SIZE_MAX / 2, 1);
    arena_take(&arena, 64, 1);
    assert_true(arena.used == SIZE_MAX);
}

static void padding_reaches_the_next_multiple(void **state)
{
    (void)state;
    assert_int_equal(arena_padded(0, 32), 0);
    assert_int_equal(arena_padded(1, 32), 32);
    assert_int_equal(arena_padded(32, 32), 32);
    assert_int_equal(arena_padded(33, 32), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_counted_is_what_is_given),
        cmocka_unit_test(a_size_that_overflows_is_remembered),
        cmocka_unit_test(the_sum_of_sizes_may_overflow_too),
        cmocka_unit_test(padding_reaches_the_next_multiple),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
