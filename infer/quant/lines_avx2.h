/* lines_avx2 - 64 bytes of integers, for expand_vector.h: two registers. */
#ifndef INFER_QUANT_LINES_AVX2_H
#define INFER_QUANT_LINES_AVX2_H

#include "infer/lanes_avx2.h"

struct line {
    __m256i lo, hi;
};

SIMD_INLINE struct line line_load(const void *bytes)
{
    const __m256i *from = bytes;
    return (struct line){_mm256_loadu_si256(from), _mm256_loadu_si256(from + 1)};
}

SIMD_INLINE void line_store(void *bytes, struct line a)
{
    __m256i *to = bytes;
    _mm256_storeu_si256(to, a.lo);
    _mm256_storeu_si256(to + 1, a.hi);
}

SIMD_INLINE struct line line_set8(int value)
{
    const __m256i all = _mm256_set1_epi8((char)value);
    return (struct line){all, all};
}

SIMD_INLINE struct line line_set32(int value)
{
    const __m256i all = _mm256_set1_epi32(value);
    return (struct line){all, all};
}

SIMD_INLINE struct line line_and(struct line a, struct line b)
{
    return (struct line){_mm256_and_si256(a.lo, b.lo), _mm256_and_si256(a.hi, b.hi)};
}

SIMD_INLINE struct line line_or(struct line a, struct line b)
{
    return (struct line){_mm256_or_si256(a.lo, b.lo), _mm256_or_si256(a.hi, b.hi)};
}

/* Shifts of each 16 bits, up and down. */
SIMD_INLINE struct line line_up(struct line a, uint8_t by)
{
    return (struct line){_mm256_slli_epi16(a.lo, by), _mm256_slli_epi16(a.hi, by)};
}

SIMD_INLINE struct line line_down(struct line a, uint8_t by)
{
    return (struct line){_mm256_srli_epi16(a.lo, by), _mm256_srli_epi16(a.hi, by)};
}

SIMD_INLINE struct line line_sub8(struct line a, struct line b)
{
    return (struct line){_mm256_sub_epi8(a.lo, b.lo), _mm256_sub_epi8(a.hi, b.hi)};
}

SIMD_INLINE struct line line_add32(struct line a, struct line b)
{
    return (struct line){_mm256_add_epi32(a.lo, b.lo), _mm256_add_epi32(a.hi, b.hi)};
}

/* The 16 bytes of a table, and what a line of bytes below 16 finds in it. */
SIMD_INLINE struct line line_table(const int8_t *table)
{
    const __m256i all = _mm256_broadcastsi128_si256(
        _mm_loadu_si128((const __m128i *)(const void *)table));
    return (struct line){all, all};
}

SIMD_INLINE struct line line_find(struct line table, struct line index)
{
    return (struct line){_mm256_shuffle_epi8(table.lo, index.lo),
                         _mm256_shuffle_epi8(table.hi, index.hi)};
}

/* sum, and for each output the sum of its four bytes of w, in whatever form
 * line_start() understands: here as two halves of 16 bits */
SIMD_INLINE struct line line_add_weights(struct line sum, struct line w)
{
    const __m256i ones = _mm256_set1_epi8(1);
    return (struct line){_mm256_add_epi16(sum.lo, _mm256_maddubs_epi16(ones, w.lo)),
                         _mm256_add_epi16(sum.hi, _mm256_maddubs_epi16(ones, w.hi))};
}

/* -128 times the sums of the weights */
SIMD_INLINE struct line line_start(struct line sum)
{
    const __m256i times = _mm256_set1_epi16(-128);
    return (struct line){_mm256_madd_epi16(sum.lo, times),
                         _mm256_madd_epi16(sum.hi, times)};
}

#endif
