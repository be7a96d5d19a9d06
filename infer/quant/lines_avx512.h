/* lines_avx512 - 64 bytes of integers, for expand_vector.h: one register. */
#ifndef INFER_QUANT_LINES_AVX512_H
#define INFER_QUANT_LINES_AVX512_H

#include "infer/lanes_avx512.h"

struct line {
    __m512i v;
};

SIMD_INLINE struct line line_load(const void *bytes)
{
    return (struct line){_mm512_loadu_si512(bytes)};
}

SIMD_INLINE void line_store(void *bytes, struct line a)
{
    _mm512_storeu_si512(bytes, a.v);
}

SIMD_INLINE struct line line_set8(int value)
{
    return (struct line){_mm512_set1_epi8((char)value)};
}

SIMD_INLINE struct line line_set32(int value)
{
    return (struct line){_mm512_set1_epi32(value)};
}

SIMD_INLINE struct line line_and(struct line a, struct line b)
{
    return (struct line){_mm512_and_si512(a.v, b.v)};
}

SIMD_INLINE struct line line_or(struct line a, struct line b)
{
    return (struct line){_mm512_or_si512(a.v, b.v)};
}

/* Shifts of each 16 bits, up and down. */
SIMD_INLINE struct line line_up(struct line a, uint8_t by)
{
    return (struct line){_mm512_slli_epi16(a.v, by)};
}

SIMD_INLINE struct line line_down(struct line a, uint8_t by)
{
    return (struct line){_mm512_srli_epi16(a.v, by)};
}

SIMD_INLINE struct line line_sub8(struct line a, struct line b)
{
    return (struct line){_mm512_sub_epi8(a.v, b.v)};
}

SIMD_INLINE struct line line_add32(struct line a, struct line b)
{
    return (struct line){_mm512_add_epi32(a.v, b.v)};
}

/* The 16 bytes of a table, and what a line of bytes below 16 finds in it. */
SIMD_INLINE struct line line_table(const int8_t *table)
{
    return (struct line){
        _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)table))};
}

SIMD_INLINE struct line line_find(struct line table, struct line index)
{
    return (struct line){_mm512_shuffle_epi8(table.v, index.v)};
}

/* sum, and for each output the sum of its four bytes of w, in whatever form
 * line_start() understands */
SIMD_INLINE struct line line_add_weights(struct line sum, struct line w)
{
    return (struct line){_mm512_dpbusd_epi32(sum.v, _mm512_set1_epi8(1), w.v)};
}

/* -128 times the sums of the weights */
SIMD_INLINE struct line line_start(struct line sum)
{
    return (struct line){
        _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_slli_epi32(sum.v, 7))};
}

#endif
