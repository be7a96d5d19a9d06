/* lanes_avx2 - sixteen floats side by side, for ops_vector.h: two registers. */
#ifndef INFER_LANES_AVX2_H
#define INFER_LANES_AVX2_H

#include <stddef.h>
#include <stdint.h>

#include "infer/simd.h"

struct lanes {
    __m256 lo, hi;
};

/* All ones in the lanes below n, which may lie outside 0 .. 8. */
SIMD_INLINE __m256i lanes_below(int n)
{
    const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), index);
}

SIMD_INLINE struct lanes lanes_set(float value)
{
    return (struct lanes){_mm256_set1_ps(value), _mm256_set1_ps(value)};
}

SIMD_INLINE struct lanes lanes_load(const float *x)
{
    return (struct lanes){_mm256_loadu_ps(x), _mm256_loadu_ps(x + 8)};
}

/* 16 signed bytes */
SIMD_INLINE struct lanes lanes_int8(const void *bytes)
{
    const __m128i all = _mm_loadu_si128((const __m128i *)bytes);
    const __m128i upper = _mm_unpackhi_epi64(all, all);
    return (struct lanes){_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(all)),
                          _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(upper))};
}

/* The first n of 16 lanes, zeros in the others. */
SIMD_INLINE struct lanes lanes_load_part(const float *x, size_t n)
{
    return (struct lanes){_mm256_maskload_ps(x, lanes_below((int)n)),
                          _mm256_maskload_ps(x + 8, lanes_below((int)n - 8))};
}

SIMD_INLINE void lanes_store(float *x, struct lanes a)
{
    _mm256_storeu_ps(x, a.lo);
    _mm256_storeu_ps(x + 8, a.hi);
}

SIMD_INLINE void lanes_store_part(float *x, struct lanes a, size_t n)
{
    _mm256_maskstore_ps(x, lanes_below((int)n), a.lo);
    _mm256_maskstore_ps(x + 8, lanes_below((int)n - 8), a.hi);
}

/* Lanes of a below n, of other from there. */
SIMD_INLINE struct lanes lanes_part(struct lanes a, struct lanes other, size_t n)
{
    const __m256 lo = _mm256_castsi256_ps(lanes_below((int)n));
    const __m256 hi = _mm256_castsi256_ps(lanes_below((int)n - 8));
    return (struct lanes){_mm256_blendv_ps(other.lo, a.lo, lo),
                          _mm256_blendv_ps(other.hi, a.hi, hi)};
}

SIMD_INLINE struct lanes lanes_add(struct lanes a, struct lanes b)
{
    return (struct lanes){_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)};
}

SIMD_INLINE struct lanes lanes_sub(struct lanes a, struct lanes b)
{
    return (struct lanes){_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)};
}

SIMD_INLINE struct lanes lanes_mul(struct lanes a, struct lanes b)
{
    return (struct lanes){_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)};
}

/* a * b + c, rounded once */
SIMD_INLINE struct lanes lanes_fma(struct lanes a, struct lanes b, struct lanes c)
{
    return (struct lanes){_mm256_fmadd_ps(a.lo, b.lo, c.lo),
                          _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}

/* c - a * b, rounded once */
SIMD_INLINE struct lanes lanes_fnma(struct lanes a, struct lanes b, struct lanes c)
{
    return (struct lanes){_mm256_fnmadd_ps(a.lo, b.lo, c.lo),
                          _mm256_fnmadd_ps(a.hi, b.hi, c.hi)};
}

SIMD_INLINE struct lanes lanes_max(struct lanes a, struct lanes b)
{
    return (struct lanes){_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)};
}

SIMD_INLINE struct lanes lanes_min(struct lanes a, struct lanes b)
{
    return (struct lanes){_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)};
}

SIMD_INLINE struct lanes lanes_div(struct lanes a, struct lanes b)
{
    return (struct lanes){_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)};
}

/* below where x has its sign bit set, otherwise elsewhere */
SIMD_INLINE struct lanes lanes_by_sign(struct lanes x, struct lanes below,
                                       struct lanes otherwise)
{
    return (struct lanes){_mm256_blendv_ps(otherwise.lo, below.lo, x.lo),
                          _mm256_blendv_ps(otherwise.hi, below.hi, x.hi)};
}

/* A macro because clang wants a constant that no function has touched. */
#define LANES_NEAREST (_MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)

SIMD_INLINE void lanes_store_halves(uint16_t *out, struct lanes a)
{
    _mm_storeu_si128((__m128i *)(void *)out, _mm256_cvtps_ph(a.lo, LANES_NEAREST));
    _mm_storeu_si128((__m128i *)(void *)(out + 8),
                     _mm256_cvtps_ph(a.hi, LANES_NEAREST));
}

SIMD_INLINE struct lanes lanes_load_halves(const uint16_t *x)
{
    return (struct lanes){
        _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)x)),
        _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(x + 8)))};
}

SIMD_INLINE struct lanes lanes_abs(struct lanes a)
{
    const __m256 mask = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
    return (struct lanes){_mm256_and_ps(a.lo, mask), _mm256_and_ps(a.hi, mask)};
}

SIMD_INLINE __m256 lanes_max_bits_of(__m256 a, __m256 b)
{
    return _mm256_castsi256_ps(
        _mm256_max_epi32(_mm256_castps_si256(a), _mm256_castps_si256(b)));
}

/* The larger of non-negative floats, compared as the integers they are stored as,
 * so that NaN counts as larger than infinity. */
SIMD_INLINE struct lanes lanes_max_bits(struct lanes a, struct lanes b)
{
    return (struct lanes){lanes_max_bits_of(a.lo, b.lo), lanes_max_bits_of(a.hi, b.hi)};
}

SIMD_INLINE __m256 lanes_shift_of(__m256 a, __m256 n)
{
    const __m256i power = _mm256_slli_epi32(_mm256_castps_si256(n), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), power));
}

/* a times two to the integer in the low bits of n */
SIMD_INLINE struct lanes lanes_shift_exponent(struct lanes a, struct lanes n)
{
    return (struct lanes){lanes_shift_of(a.lo, n.lo), lanes_shift_of(a.hi, n.hi)};
}

SIMD_INLINE __m256 lanes_upper(struct lanes a)
{
    return a.hi;
}

SIMD_INLINE __m256 lanes_lower(struct lanes a)
{
    return a.lo;
}

SIMD_INLINE void lanes_store_16(int16_t *q, struct lanes a)
{
    const __m256i lo = _mm256_cvtps_epi32(a.lo), hi = _mm256_cvtps_epi32(a.hi);
    /* packs works in halves of 128 bits: put the quarters back in order */
    const __m256i all = _mm256_permute4x64_epi64(_mm256_packs_epi32(lo, hi), 0xd8);
    _mm256_storeu_si256((__m256i *)(void *)q, all);
}

/* 32 integers below 2^15, from two times 16 floats, rounded ties to even */
SIMD_INLINE void lanes_store_int16(int16_t *q, struct lanes a, struct lanes b)
{
    lanes_store_16(q, a);
    lanes_store_16(q + 16, b);
}

/* 32 integers within +-127, 128 added, from two times 16 floats */
SIMD_INLINE void lanes_store_bytes(uint8_t *q, struct lanes a, struct lanes b)
{
    const __m256i x =
        _mm256_packs_epi32(_mm256_cvtps_epi32(a.lo), _mm256_cvtps_epi32(a.hi));
    const __m256i y =
        _mm256_packs_epi32(_mm256_cvtps_epi32(b.lo), _mm256_cvtps_epi32(b.hi));
    /* fours of a.lo, a.hi, b.lo, b.hi lie in each half of 128 bits */
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    const __m256i all = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(x, y), order);
    _mm256_storeu_si256((__m256i *)(void *)q,
                        _mm256_xor_si256(all, _mm256_set1_epi8((char)0x80)));
}

#endif
