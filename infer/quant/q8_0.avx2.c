/* q8_0.avx2 - the tile of AVX2: up to 6 rows by 16 outputs.
 *
 * vpmaddwd multiplies 16 pairs of 16-bit numbers and adds each two products; the
 * sums of a block are exact in 32 bits. Weights are widened from bytes in the
 * loop, once for all rows. The 12 integer sums fill the registers, so the float
 * sums live in memory: one load and one store a block of 32. */
#include "infer/quant/q8_0.h"

#include <string.h>

#include "infer/simd.h"

enum { ROWS = 6 };

SIMD_INLINE __m256i weights(const unsigned char *line)
{
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)line));
}

SIMD_INLINE __m256 scales(const unsigned char *block)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)block));
}

#if defined(__GNUC__) && !defined(__clang__) && !defined(CLOISTER_SIMDE)

/* gcc 12 spills sums when it schedules the intrinsics of a whole tile, and loses a
 * third of the speed; this statement leaves it no choice. */
SIMD_INLINE void multiply_pair(__m256i *left, __m256i *right, __m256i lo, __m256i hi,
                               const int16_t *q)
{
    const int32_t *pair = (const void *)q;
    __m256i a, product;

    __asm__("vpbroadcastd %[pair], %[a]\n\t"
            "vpmaddwd %[a], %[lo], %[product]\n\t"
            "vpaddd %[product], %[left], %[left]\n\t"
            "vpmaddwd %[a], %[hi], %[a]\n\t"
            "vpaddd %[a], %[right], %[right]"
            : [left] "+x"(*left), [right] "+x"(*right), [a] "=&x"(a),
              [product] "=&x"(product)
            : [lo] "x"(lo), [hi] "x"(hi), [pair] "m"(*pair));
}

/* It also keeps copies of sums that lie in memory, and stores both. */
SIMD_INLINE void add(float *sum, __m256 a, __m256 b)
{
    __m256 *to = (void *)sum;

    __asm__("vfmadd213ps %[to], %[b], %[a]\n\tvmovaps %[a], %[to]"
            : [a] "+x"(a), [to] "+m"(*to)
            : [b] "x"(b));
}

#else

SIMD_INLINE void multiply_pair(__m256i *left, __m256i *right, __m256i lo, __m256i hi,
                               const int16_t *q)
{
    int32_t pair;

    memcpy(&pair, q, sizeof pair);
    const __m256i a = _mm256_set1_epi32(pair);
    *left = _mm256_add_epi32(*left, _mm256_madd_epi16(lo, a));
    *right = _mm256_add_epi32(*right, _mm256_madd_epi16(hi, a));
}

SIMD_INLINE void add(float *sum, __m256 a, __m256 b)
{
    _mm256_store_ps(sum, _mm256_fmadd_ps(a, b, _mm256_load_ps(sum)));
}

#endif

SIMD_INLINE void add_block(float *sum, __m256i dot, __m256 scale, __m256 d)
{
    add(sum, _mm256_cvtepi32_ps(dot), _mm256_mul_ps(d, scale));
}

/* rows is a constant wherever this is expanded. */
SIMD_INLINE void tile(const struct product *p, size_t row, size_t panel, int rows)
{
    const unsigned char *block =
        (const unsigned char *)p->panel + panel * p->panel_bytes;
    const int16_t *q = p->a.q + row * p->a.q_stride;
    const float *scale = p->a.scale + row * p->a.scale_stride;
    float *c = p->c + row * p->c_stride + panel * PANEL_ROWS;
    float sum[ROWS][PANEL_ROWS] __attribute__((aligned(32)));

    memset(sum, 0, sizeof sum);
    for (size_t k = 0; k < p->depth; k += Q8_0_BLOCK) {
        __m256i left[ROWS], right[ROWS];
        if (row == 0 && rows > 1)
            q8_0_fetch(block + p->panel_bytes, Q8_0_PANEL_BLOCK);
        SIMD_UNROLL
        for (int i = 0; i < rows; i++)
            left[i] = right[i] = _mm256_setzero_si256();
        for (size_t s = 0; s < Q8_0_PAIRS; s++, q += 2) {
            const unsigned char *line = block + Q8_0_SCALES + s * Q8_0_STEP;
            const __m256i lo = weights(line), hi = weights(line + 16);
            SIMD_UNROLL
            for (int i = 0; i < rows; i++)
                multiply_pair(&left[i], &right[i], lo, hi,
                              q + (size_t)i * p->a.q_stride);
        }
        const __m256 lo = scales(block), hi = scales(block + 16);
        SIMD_UNROLL
        for (int i = 0; i < rows; i++) {
            const __m256 s = _mm256_set1_ps(scale[(size_t)i * p->a.scale_stride]);
            add_block(sum[i], left[i], s, lo);
            add_block(sum[i] + 8, right[i], s, hi);
        }
        block += Q8_0_PANEL_BLOCK;
        scale++;
    }
    for (int i = 0; i < rows; i++)
        memcpy(c + (size_t)i * p->c_stride, sum[i], sizeof sum[i]);
}

void q8_0_multiply_avx2(const struct product *p)
{
    for (size_t panel = 0; panel < p->panels; panel++) {
        size_t i = 0;
        for (; p->rows - i >= ROWS; i += ROWS)
            tile(p, i, panel, ROWS);
        for (; p->rows - i >= 2; i += 2)
            tile(p, i, panel, 2);
        if (i < p->rows)
            tile(p, i, panel, 1);
    }
}
