/* kernel - compare results of kernels, for tests of infer/. */
#ifndef TESTS_INFER_KERNEL_H
#define TESTS_INFER_KERNEL_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "infer/cpu.h"

/* Fail unless both hold the same bits; any NaN equals any NaN, since IEEE 754
 * leaves the payload open. what and n say where it happened. */
static inline void kernel_equal(const float *got, const float *expected, size_t count,
                                const char *what, size_t n)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t a, b;
        if (isnan(got[i]) && isnan(expected[i]))
            continue;
        memcpy(&a, got + i, sizeof a);
        memcpy(&b, expected + i, sizeof b);
        if (a != b)
            fail_msg("%s, n = %zu: element %zu is %.9g, expected %.9g", what, n, i,
                     (double)got[i], (double)expected[i]);
    }
}

/* The sets this CPU has besides scalar, closed by INFER_ISA_BEST. */
static inline const enum infer_isa *kernel_sets(void)
{
    static enum infer_isa sets[CPU_ISA_COUNT];
    size_t count = 0;

    for (int isa = INFER_ISA_SCALAR + 1; isa < CPU_ISA_COUNT; isa++)
        if (cpu_has((enum infer_isa)isa))
            sets[count++] = (enum infer_isa)isa;
    sets[count] = INFER_ISA_BEST;
    return sets;
}

/* 64-byte aligned and filled with NaN, so that what was not written shows. */
static inline float *kernel_floats(size_t count)
{
    float *x = aligned_alloc(64, (count * sizeof *x + 63) / 64 * 64 + 64);

    assert_non_null(x);
    for (size_t i = 0; i < count; i++)
        x[i] = NAN;
    return x;
}

#endif
