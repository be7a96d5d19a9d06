/* peak - what a core reaches that does nothing but multiply and add.
 *
 * A loop of independent steps of the widest instructions that an instruction set has
 * for the kind of numbers: what a kernel can come near to and never exceed. */
#ifndef TESTS_BENCH_PEAK_H
#define TESTS_BENCH_PEAK_H

#include <time.h>

#include "infer/quant/format.h"

/* Of this thread: machines are shared. */
static inline double peak_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#ifdef __x86_64__

#define PEAK_TWELVE(X)  X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define PEAK_FMA512(n)  "vfmadd231ps %%zmm14, %%zmm15, %%zmm" #n "\n\t"
#define PEAK_PAIR512(n) "vpdpwssd %%zmm14, %%zmm15, %%zmm" #n "\n\t"
#define PEAK_BYTE512(n) "vpdpbusd %%zmm14, %%zmm15, %%zmm" #n "\n\t"
#define PEAK_FMA256(n)  "vfmadd231ps %%ymm14, %%ymm15, %%ymm" #n "\n\t"
#define PEAK_PAIR256(n) \
    "vpmaddwd %%ymm14, %%ymm15, %%ymm13\n\tvpaddd %%ymm13, %%ymm" #n ", %%ymm" #n "\n\t"
#define PEAK_BYTE256(n)                        \
    "vpmaddubsw %%ymm14, %%ymm15, %%ymm13\n\t" \
    "vpaddw %%ymm13, %%ymm" #n ", %%ymm" #n "\n\t"
#define PEAK_ZERO \
    "vpxor %%xmm14, %%xmm14, %%xmm14\n\tvpxor %%xmm15, %%xmm15, %%xmm15\n\t"
#define PEAK_RUN(code)                                                                 \
    __asm__ volatile(PEAK_ZERO code code code code ::                                  \
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",     \
                           "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm13", "xmm14", \
                           "xmm15")

/* 48 multiply-adds of a register */
static inline void peak_step(bool wide, enum activation_kind kind)
{
    if (wide && kind == ACTIVATION_FLOAT)
        PEAK_RUN(PEAK_TWELVE(PEAK_FMA512));
    else if (wide && kind == ACTIVATION_INT16)
        PEAK_RUN(PEAK_TWELVE(PEAK_PAIR512));
    else if (wide)
        PEAK_RUN(PEAK_TWELVE(PEAK_BYTE512));
    else if (kind == ACTIVATION_FLOAT)
        PEAK_RUN(PEAK_TWELVE(PEAK_FMA256));
    else if (kind == ACTIVATION_INT16)
        PEAK_RUN(PEAK_TWELVE(PEAK_PAIR256));
    else
        PEAK_RUN(PEAK_TWELVE(PEAK_BYTE256));
}

/* Billions of operations a second, a product and a sum counted as two; 0 for the
 * scalar set. The best of some short runs. */
static inline double peak_measure(enum infer_isa isa, enum activation_kind kind)
{
    enum { STEPS = 400000, RUNS = 5 };
    const bool wide = isa == INFER_ISA_AVX512;
    const int bits[] = {
        [ACTIVATION_FLOAT] = 32, [ACTIVATION_INT16] = 16, [ACTIVATION_BYTE] = 8};
    const double each = (wide ? 512.0 : 256.0) / bits[kind] * 2;
    double best = 0;

    for (int run = 0; isa != INFER_ISA_SCALAR && run < RUNS; run++) {
        const double start = peak_seconds();
        for (int i = 0; i < STEPS; i++)
            peak_step(wide, kind);
        const double rate = 48e-9 * STEPS * each / (peak_seconds() - start);
        best = rate > best ? rate : best;
    }
    return best;
}

#else

static inline double peak_measure(enum infer_isa isa, enum activation_kind kind)
{
    (void)isa;
    (void)kind;
    return 0;
}

#endif

#endif
