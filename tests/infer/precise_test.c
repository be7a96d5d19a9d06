/* Held against the C library, which is right to the last bit or next to it. */
#include "infer/precise.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

enum { POINTS = 200000 };

static void assert_near(double got, double wanted, double allowed)
{
    if (!(fabs(got - wanted) <= allowed))
        fail_msg("%a, expected %a within %g", got, wanted, allowed);
}

static void logarithms_agree_with_the_library(void **state)
{
    (void)state;
    for (int i = 1; i <= POINTS; i++) {
        double x = ldexp((double)i / POINTS + 0.01, i % 200 - 100);
        assert_near(precise_log(x), log(x), 4e-16 * (1 + fabs(log(x))));
    }
    assert_true(precise_log(1) == 0);
}

static void exponentials_agree_with_the_library(void **state)
{
    (void)state;
    for (int i = -POINTS; i <= POINTS; i++) {
        double x = 700.0 * i / POINTS;
        assert_near(precise_exp(x), exp(x), 4e-16 * exp(x));
    }
    assert_true(precise_exp(0) == 1);
    assert_true(precise_exp(-1000) == 0);
    assert_true(isinf(precise_exp(1000)));
}

static void powers_of_a_rotary_base_are_good_to_a_float_and_more(void **state)
{
    (void)state;
    for (int i = 0; i < 128; i++) {
        double wanted = pow(1e6, -2.0 * i / 128);
        assert_near(precise_pow(1e6, -2.0 * i / 128), wanted, 1e-14 * wanted);
    }
}

static void angles_agree_with_the_library_up_to_long_contexts(void **state)
{
    double sine, cosine;

    (void)state;
    for (int i = -POINTS; i <= POINTS; i++) {
        double x = i * 5.24 + i * 1e-5;
        precise_sincos(x, &sine, &cosine);
        assert_near(sine, sin(x), 4e-16);
        assert_near(cosine, cos(x), 4e-16);
    }
    precise_sincos(0, &sine, &cosine);
    assert_true(sine == 0 && cosine == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logarithms_agree_with_the_library),
        cmocka_unit_test(exponentials_agree_with_the_library),
        cmocka_unit_test(powers_of_a_rotary_base_are_good_to_a_float_and_more),
        cmocka_unit_test(angles_agree_with_the_library_up_to_long_contexts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
