/* q8_0.avx512 - the tile of AVX-512 with VNNI: up to 7 rows by 32 outputs.
 *
 * vpdpwssd multiplies 32 pairs of 16-bit numbers and adds each two products to a
 * 32-bit sum. A broadcast pair of activations meets the same pair of 16 outputs:
 *
 *     weights    w0 w1 of output 0 | w0 w1 of output 1 | ... | of output 15
 *     row i      a0 a1             | a0 a1             | ... | a0 a1
 *
 * 14 integer sums, 14 float sums, two registers of weights, one broadcast and one
 * temporary: 32 registers. */
#include "infer/quant/q8_0.h"

#include <string.h>

#include "infer/simd.h"

enum { ROWS = 7, WIDTH = 2 };

SIMD_INLINE __m512i weights(const unsigned char *line)
{
    return _mm512_cvtepi8_epi16(
        _mm256_loadu_si256((const __m256i *)(const void *)line));
}

SIMD_INLINE __m512 scales(const unsigned char *block)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)block));
}

#if defined(__GNUC__) && !defined(__clang__) && !defined(CLOISTER_SIMDE)

/* gcc 12 gives up some of 32 registers when it schedules the intrinsics of a whole
 * tile, and loses a tenth of the speed; these statements leave it no choice. */
SIMD_INLINE void multiply_pair(__m512i *dot, const __m512i *w, const int16_t *q,
                               int panels)
{
    const int32_t *pair = (const void *)q;
    __m512i a;

    if (panels == 2)
        __asm__("vpbroadcastd %[pair], %[a]\n\t"
                "vpdpwssd %[a], %[w0], %[dot0]\n\t"
                "vpdpwssd %[a], %[w1], %[dot1]"
                : [dot0] "+v"(dot[0]), [dot1] "+v"(dot[1]), [a] "=&v"(a)
                : [w0] "v"(w[0]), [w1] "v"(w[1]), [pair] "m"(*pair));
    else
        __asm__("vpdpwssd %[pair]%{1to16%}, %[w0], %[dot0]"
                : [dot0] "+v"(dot[0])
                : [w0] "v"(w[0]), [pair] "m"(*pair));
}

#else

SIMD_INLINE void multiply_pair(__m512i *dot, const __m512i *w, const int16_t *q,
                               int panels)
{
    int32_t pair;

    memcpy(&pair, q, sizeof pair);
    SIMD_UNROLL
    for (int j = 0; j < panels; j++)
        dot[j] = _mm512_dpwssd_epi32(dot[j], w[j], _mm512_set1_epi32(pair));
}

#endif

/* rows and panels are constants wherever this is expanded. */
SIMD_INLINE void tile(const struct product *p, size_t row, size_t panel, int rows,
                      int panels)
{
    const unsigned char *block =
        (const unsigned char *)p->panel + panel * p->panel_bytes;
    const int16_t *q = p->a.q + row * p->a.q_stride;
    const float *scale = p->a.scale + row * p->a.scale_stride;
    float *c = p->c + row * p->c_stride + panel * PANEL_ROWS;
    __m512 sum[ROWS][WIDTH];

    SIMD_UNROLL
    for (int i = 0; i < rows * panels; i++)
        sum[i / panels][i % panels] = _mm512_setzero_ps();
    for (size_t k = 0; k < p->depth; k += Q8_0_BLOCK) {
        __m512i dot[ROWS][WIDTH];
        SIMD_UNROLL
        for (int i = 0; i < rows * panels; i++)
            dot[i / panels][i % panels] = _mm512_setzero_si512();
        for (size_t s = 0; s < Q8_0_PAIRS; s++, q += 2) {
            const unsigned char *line = block + Q8_0_SCALES + s * Q8_0_STEP;
            __m512i w[WIDTH];
            SIMD_UNROLL
            for (int j = 0; j < panels; j++)
                w[j] = weights(line + (size_t)j * p->panel_bytes);
            SIMD_UNROLL
            for (int i = 0; i < rows; i++)
                multiply_pair(dot[i], w, q + (size_t)i * p->a.q_stride, panels);
        }
        SIMD_UNROLL
        for (int j = 0; j < panels; j++) {
            const __m512 d = scales(block + (size_t)j * p->panel_bytes);
            SIMD_UNROLL
            for (int i = 0; i < rows; i++) {
                const __m512 s = _mm512_set1_ps(scale[(size_t)i * p->a.scale_stride]);
                sum[i][j] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot[i][j]),
                                            _mm512_mul_ps(d, s), sum[i][j]);
            }
        }
        block += Q8_0_PANEL_BLOCK;
        scale++;
    }
    SIMD_UNROLL
    for (int i = 0; i < rows * panels; i++)
        _mm512_storeu_ps(c + (size_t)(i / panels) * p->c_stride + 16 * (i % panels),
                         sum[i / panels][i % panels]);
}

SIMD_INLINE void strip(const struct product *p, size_t panel, int panels)
{
    size_t i = 0;

    for (; p->rows - i >= ROWS; i += ROWS)
        tile(p, i, panel, ROWS, panels);
    for (; p->rows - i >= 4; i += 4)
        tile(p, i, panel, 4, panels);
    for (; p->rows - i >= 2; i += 2)
        tile(p, i, panel, 2, panels);
    if (i < p->rows)
        tile(p, i, panel, 1, panels);
}

void q8_0_multiply_avx512(const struct product *p)
{
    size_t panel = 0;

    for (; p->panels - panel >= WIDTH; panel += WIDTH)
        strip(p, panel, WIDTH);
    if (panel < p->panels)
        strip(p, panel, 1);
}
