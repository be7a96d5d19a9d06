/* simd_emulated - what SIMDe 0.7 lacks of the AVX-512 that our kernels use.
 *
 * Included by simd.h when CLOISTER_SIMDE is defined. Each function does in halves
 * of 256 bits, natively, what its namesake does at once. */
#ifndef INFER_SIMD_EMULATED_H
#define INFER_SIMD_EMULATED_H

#include <string.h>

static inline __m512 emulated_maskz_loadu_ps(unsigned mask, const float *x)
{
    float lane[16] = {0};

    for (int i = 0; i < 16; i++)
        if (mask >> i & 1)
            lane[i] = x[i];
    return _mm512_loadu_ps(lane);
}

static inline void emulated_mask_storeu_ps(float *x, unsigned mask, __m512 a)
{
    float lane[16];

    _mm512_storeu_ps(lane, a);
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1)
            x[i] = lane[i];
}

static inline __m512 emulated_cvtph_ps(__m256i a)
{
    simde__m512_private r;

    r.m256[0] = _mm256_cvtph_ps(_mm256_castsi256_si128(a));
    r.m256[1] = _mm256_cvtph_ps(_mm256_extracti128_si256(a, 1));
    return simde__m512_from_private(r);
}

static inline __m512i emulated_cvtps_epi32(__m512 a)
{
    simde__m512_private from = simde__m512_to_private(a);
    simde__m512i_private r;

    r.m256i[0] = _mm256_cvtps_epi32(from.m256[0]);
    r.m256i[1] = _mm256_cvtps_epi32(from.m256[1]);
    return simde__m512i_from_private(r);
}

static inline __m512 emulated_cvtepi32_ps(__m512i a)
{
    simde__m512i_private from = simde__m512i_to_private(a);
    simde__m512_private r;

    r.m256[0] = _mm256_cvtepi32_ps(from.m256i[0]);
    r.m256[1] = _mm256_cvtepi32_ps(from.m256i[1]);
    return simde__m512_from_private(r);
}

static inline __m256i emulated_cvtepi32_epi16(__m512i a)
{
    simde__m512i_private from = simde__m512i_to_private(a);
    int16_t lane[16];

    for (int i = 0; i < 16; i++)
        lane[i] = (int16_t)from.i32[i];
    return _mm256_loadu_si256((const __m256i *)(const void *)lane);
}

static inline __m128i emulated_cvtepi32_epi8(__m512i a)
{
    simde__m512i_private from = simde__m512i_to_private(a);
    int8_t lane[16];

    for (int i = 0; i < 16; i++)
        lane[i] = (int8_t)from.i32[i];
    return _mm_loadu_si128((const __m128i *)(const void *)lane);
}

static inline __m512i emulated_cvtepi8_epi32(__m128i a)
{
    simde__m512i_private r;

    r.m256i[0] = _mm256_cvtepi8_epi32(a);
    r.m256i[1] = _mm256_cvtepi8_epi32(_mm_unpackhi_epi64(a, a));
    return simde__m512i_from_private(r);
}

#define _mm512_cvtepi8_epi32  emulated_cvtepi8_epi32
#define _mm512_cvtepi32_epi8  emulated_cvtepi32_epi8
#define _mm512_maskz_loadu_ps emulated_maskz_loadu_ps
#define _mm512_mask_storeu_ps emulated_mask_storeu_ps
#define _mm512_cvtph_ps       emulated_cvtph_ps
#define _mm512_cvtps_epi32    emulated_cvtps_epi32
#define _mm512_cvtepi32_ps    emulated_cvtepi32_ps
#define _mm512_cvtepi32_epi16 emulated_cvtepi32_epi16

#endif
