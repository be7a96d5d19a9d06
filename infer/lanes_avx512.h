/* lanes_avx512 - sixteen floats side by side, for ops_vector.h: one register. */
#ifndef INFER_LANES_AVX512_H
#define INFER_LANES_AVX512_H

#include <stddef.h>
#include <stdint.h>

#include "infer/simd.h"

struct lanes {
    __m512 v;
};

SIMD_INLINE __mmask16 lanes_below(size_t n)
{
    return (__mmask16)((1u << n) - 1);
}

SIMD_INLINE struct lanes lanes_set(float value)
{
    return (struct lanes){_mm512_set1_ps(value)};
}

SIMD_INLINE struct lanes lanes_load(const float *x)
{
    return (struct lanes){_mm512_loadu_ps(x)};
}

/* 16 signed bytes */
SIMD_INLINE struct lanes lanes_int8(const void *bytes)
{
    const __m128i all = _mm_loadu_si128((const __m128i *)bytes);
    return (struct lanes){_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(all))};
}

/* The first n of 16 lanes, zeros in the others. */
SIMD_INLINE struct lanes lanes_load_part(const float *x, size_t n)
{
    return (struct lanes){_mm512_maskz_loadu_ps(lanes_below(n), x)};
}

SIMD_INLINE void lanes_store(float *x, struct lanes a)
{
    _mm512_storeu_ps(x, a.v);
}

SIMD_INLINE void lanes_store_part(float *x, struct lanes a, size_t n)
{
    _mm512_mask_storeu_ps(x, lanes_below(n), a.v);
}

/* Lanes of a below n, of other from there. */
SIMD_INLINE struct lanes lanes_part(struct lanes a, struct lanes other, size_t n)
{
    return (struct lanes){_mm512_mask_mov_ps(other.v, lanes_below(n), a.v)};
}

SIMD_INLINE struct lanes lanes_add(struct lanes a, struct lanes b)
{
    return (struct lanes){_mm512_add_ps(a.v, b.v)};
}

SIMD_INLINE struct lanes lanes_sub(struct lanes a, struct lanes b)
{
    return (struct lanes){_mm512_sub_ps(a.v, b.v)};
}

SIMD_INLINE struct lanes lanes_mul(struct lanes a, struct lanes b)
{
    return (struct lanes){_mm512_mul_ps(a.v, b.v)};
}

/* a * b + c, rounded once */
SIMD_INLINE struct lanes lanes_fma(struct lanes a, struct lanes b, struct lanes c)
{
    return (struct lanes){_mm512_fmadd_ps(a.v, b.v, c.v)};
}

/* c - a * b, rounded once */
SIMD_INLINE struct lanes lanes_fnma(struct lanes a, struct lanes b, struct lanes c)
{
    return (struct lanes){_mm512_fnmadd_ps(a.v, b.v, c.v)};
}

SIMD_INLINE struct lanes lanes_max(struct lanes a, struct lanes b)
{
    return (struct lanes){_mm512_max_ps(a.v, b.v)};
}

SIMD_INLINE struct lanes lanes_min(struct lanes a, struct lanes b)
{
    return (struct lanes){_mm512_min_ps(a.v, b.v)};
}

SIMD_INLINE struct lanes lanes_div(struct lanes a, struct lanes b)
{
    return (struct lanes){_mm512_div_ps(a.v, b.v)};
}

/* below where x has its sign bit set, otherwise elsewhere */
SIMD_INLINE struct lanes lanes_by_sign(struct lanes x, struct lanes below,
                                       struct lanes otherwise)
{
    const __mmask16 set = _mm512_movepi32_mask(_mm512_castps_si512(x.v));
    return (struct lanes){_mm512_mask_mov_ps(otherwise.v, set, below.v)};
}

SIMD_INLINE struct lanes lanes_load_halves(const uint16_t *x)
{
    return (struct lanes){
        _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)x))};
}

SIMD_INLINE struct lanes lanes_abs(struct lanes a)
{
    const __m512i bits = _mm512_castps_si512(a.v);
    const __m512i mask = _mm512_set1_epi32(0x7fffffff);
    return (struct lanes){_mm512_castsi512_ps(_mm512_and_epi32(bits, mask))};
}

/* The larger of non-negative floats, compared as the integers they are stored as,
 * so that NaN counts as larger than infinity. */
SIMD_INLINE struct lanes lanes_max_bits(struct lanes a, struct lanes b)
{
    const __m512i x = _mm512_castps_si512(a.v), y = _mm512_castps_si512(b.v);
    return (struct lanes){_mm512_castsi512_ps(_mm512_max_epi32(x, y))};
}

/* a times two to the integer in the low bits of n */
SIMD_INLINE struct lanes lanes_shift_exponent(struct lanes a, struct lanes n)
{
    const __m512i power = _mm512_slli_epi32(_mm512_castps_si512(n.v), 23);
    return (struct lanes){
        _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a.v), power))};
}

SIMD_INLINE __m256 lanes_upper(struct lanes a)
{
    return _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a.v), 1));
}

SIMD_INLINE __m256 lanes_lower(struct lanes a)
{
    return _mm512_castps512_ps256(a.v);
}

SIMD_INLINE void lanes_store_halves(uint16_t *out, struct lanes a)
{
    __m128i *to = (void *)out;
    _mm_storeu_si128(to, _mm256_cvtps_ph(lanes_lower(a), _MM_FROUND_TO_NEAREST_INT));
    _mm_storeu_si128(to + 1,
                     _mm256_cvtps_ph(lanes_upper(a), _MM_FROUND_TO_NEAREST_INT));
}

/* 32 integers below 2^15, from two times 16 floats, rounded ties to even */
SIMD_INLINE void lanes_store_int16(int16_t *q, struct lanes a, struct lanes b)
{
    _mm256_storeu_si256((__m256i *)(void *)q,
                        _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(a.v)));
    _mm256_storeu_si256((__m256i *)(void *)(q + 16),
                        _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(b.v)));
}

SIMD_INLINE __m128i lanes_bytes(struct lanes a)
{
    const __m512i all =
        _mm512_add_epi32(_mm512_cvtps_epi32(a.v), _mm512_set1_epi32(128));
    return _mm512_cvtepi32_epi8(all);
}

/* 32 integers within +-127, 128 added, from two times 16 floats */
SIMD_INLINE void lanes_store_bytes(uint8_t *q, struct lanes a, struct lanes b)
{
    _mm_storeu_si128((__m128i *)(void *)q, lanes_bytes(a));
    _mm_storeu_si128((__m128i *)(void *)(q + 16), lanes_bytes(b));
}

#endif
