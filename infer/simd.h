/* simd - the intrinsics, native or emulated.
 *
 * Included by files whose suffix names an instruction set (x.avx2.c and kin) and
 * by nothing else. With CLOISTER_SIMDE defined the same sources compile against
 * SIMDe and without the flags of their instruction set, so that a machine that
 * lacks AVX-512 can still hold its kernels to the reference bit for bit. AVX2
 * and FMA must be native even then, because SIMDe emulates a fused multiply-add
 * by two roundings. */
#ifndef INFER_SIMD_H
#define INFER_SIMD_H

#ifdef CLOISTER_SIMDE
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/avx2.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>

#include "infer/simd_emulated.h"
#else
#include <immintrin.h>
#endif

/* Loops over the registers of a tile must vanish at compile time. */
#ifdef __clang__
#define SIMD_UNROLL _Pragma("clang loop unroll(full)")
#else
#define SIMD_UNROLL _Pragma("GCC unroll 32")
#endif

#define SIMD_INLINE static inline __attribute__((always_inline))

#endif
