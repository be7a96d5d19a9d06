/* q8_0.avx512 - the tile of AVX-512 with VNNI: up to 7 rows by 32 outputs.
 *
 * vpdpwssd multiplies 32 pairs of 16-bit numbers and adds each two products to a
 * 32-bit sum. A broadcast pair of activations meets the same pair of 16 outputs:
 *
 *     weights    w0 w1 of output 0 | w0 w1 of output 1 | ... | of output 15
 *     row i      a0 a1             | a0 a1             | ... | a0 a1
 *
 * Eight-bit activations do the same with fours of bytes and vpdpbusd, which takes
 * unsigned activations; a block's sums then start from what the panel tells. Both
 * read four bytes of a row at a step, so one tile serves both.
 *
 * 14 integer sums, 14 float sums, two registers of weights, one broadcast and one
 * temporary: 32 registers. */
#include "infer/quant/q8_0.h"

#include <string.h>

#include "infer/simd.h"

enum { ROWS = 7, WIDTH = 2 };

SIMD_INLINE __m512i weights(const unsigned char *line, bool bytes)
{
    if (bytes)
        return _mm512_loadu_si512((const void *)line);
    return _mm512_cvtepi8_epi16(
        _mm256_loadu_si256((const __m256i *)(const void *)line));
}

SIMD_INLINE __m512i start(const unsigned char *block, bool bytes)
{
    return bytes ? _mm512_loadu_si512((const void *)(block + Q8_0_SCALES))
                 : _mm512_setzero_si512();
}

SIMD_INLINE __m512 scales(const unsigned char *block)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)block));
}

#if defined(__GNUC__) && !defined(__clang__) && !defined(CLOISTER_SIMDE)

/* gcc 12 gives up some of 32 registers when it schedules the intrinsics of a whole
 * tile, and loses a tenth of the speed; these statements leave it no choice. */
SIMD_INLINE void multiply_pair(__m512i *dot, __m512i w, __m512i a)
{
    __asm__("vpdpwssd %[a], %[w], %[dot]" : [dot] "+v"(*dot) : [w] "v"(w), [a] "v"(a));
}

SIMD_INLINE void multiply_four(__m512i *dot, __m512i w, __m512i a)
{
    __asm__("vpdpbusd %[w], %[a], %[dot]" : [dot] "+v"(*dot) : [w] "v"(w), [a] "v"(a));
}

SIMD_INLINE __m512i broadcast(const char *four)
{
    const int32_t *from = (const void *)four;
    __m512i a;

    __asm__("vpbroadcastd %[from], %[a]" : [a] "=v"(a) : [from] "m"(*from));
    return a;
}

#else

SIMD_INLINE void multiply_pair(__m512i *dot, __m512i w, __m512i a)
{
    *dot = _mm512_dpwssd_epi32(*dot, w, a);
}

SIMD_INLINE void multiply_four(__m512i *dot, __m512i w, __m512i a)
{
    *dot = _mm512_dpbusd_epi32(*dot, a, w);
}

SIMD_INLINE __m512i broadcast(const char *four)
{
    int32_t value;

    memcpy(&value, four, sizeof value);
    return _mm512_set1_epi32(value);
}

#endif

/* The integer sums of one block; block points into the first panel, q to the first
 * row's 32 activations. rows, panels and bytes are constants wherever this and what
 * follows is expanded. */
SIMD_INLINE void multiply_block(__m512i dot[ROWS][WIDTH], const struct product *p,
                                const unsigned char *block, const char *q,
                                size_t q_bytes, int rows, int panels, bool bytes)
{
    const int steps = bytes ? Q8_0_FOURS : Q8_0_PAIRS;
    const unsigned char *line = block + Q8_0_SCALES + (bytes ? Q8_0_OFFSETS : 0);

    SIMD_UNROLL
    for (int i = 0; i < rows * panels; i++)
        dot[i / panels][i % panels] =
            start(block + (size_t)(i % panels) * p->panel_bytes, bytes);
    for (int s = 0; s < steps; s++, q += 4) {
        __m512i w[WIDTH];
        SIMD_UNROLL
        for (int j = 0; j < panels; j++)
            w[j] = weights(line + (size_t)j * p->panel_bytes, bytes);
        SIMD_UNROLL
        for (int i = 0; i < rows; i++) {
            const __m512i a = broadcast(q + (size_t)i * q_bytes);
            SIMD_UNROLL
            for (int j = 0; j < panels; j++) {
                if (bytes)
                    multiply_four(&dot[i][j], w[j], a);
                else
                    multiply_pair(&dot[i][j], w[j], a);
            }
        }
        line += bytes ? Q8_0_FOUR_STEP : Q8_0_STEP;
    }
}

SIMD_INLINE void tile(const struct product *p, size_t row, size_t panel, int rows,
                      int panels, bool bytes)
{
    const unsigned char *block =
        (const unsigned char *)p->panel + panel * p->panel_bytes;
    const size_t q_bytes = p->a.q_stride * (bytes ? 1 : sizeof(int16_t));
    const char *q = (const char *)p->a.q + row * q_bytes;
    const size_t block_bytes = bytes ? Q8_0_FOUR_BLOCK : Q8_0_PANEL_BLOCK;
    const float *scale = p->a.scale + row * p->a.scale_stride;
    float *c = p->c + row * p->c_stride + panel * PANEL_ROWS;
    __m512 sum[ROWS][WIDTH];

    SIMD_UNROLL
    for (int i = 0; i < rows * panels; i++)
        sum[i / panels][i % panels] = _mm512_setzero_ps();
    for (size_t k = 0; k < p->depth; k += Q8_0_BLOCK) {
        __m512i dot[ROWS][WIDTH];
        if (row == 0 && rows > 1)
            for (int j = panels; j < 2 * panels; j++)
                q8_0_fetch(block + (size_t)j * p->panel_bytes, block_bytes);
        multiply_block(dot, p, block, q, q_bytes, rows, panels, bytes);
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
        block += block_bytes;
        q += Q8_0_BLOCK * (bytes ? 1 : sizeof(int16_t));
        scale++;
    }
    SIMD_UNROLL
    for (int i = 0; i < rows * panels; i++)
        _mm512_storeu_ps(c + (size_t)(i / panels) * p->c_stride + 16 * (i % panels),
                         sum[i / panels][i % panels]);
}

SIMD_INLINE void strip(const struct product *p, size_t panel, int panels, bool bytes)
{
    size_t i = 0;

    for (; p->rows - i >= ROWS; i += ROWS)
        tile(p, i, panel, ROWS, panels, bytes);
    for (; p->rows - i >= 4; i += 4)
        tile(p, i, panel, 4, panels, bytes);
    for (; p->rows - i >= 2; i += 2)
        tile(p, i, panel, 2, panels, bytes);
    if (i < p->rows)
        tile(p, i, panel, 1, panels, bytes);
}

SIMD_INLINE void strips(const struct product *p, bool bytes)
{
    size_t panel = 0;

    for (; p->panels - panel >= WIDTH; panel += WIDTH)
        strip(p, panel, WIDTH, bytes);
    if (panel < p->panels)
        strip(p, panel, 1, bytes);
}

void q8_0_multiply_avx512(const struct product *p)
{
    strips(p, false);
}

void q8_0_multiply_bytes_avx512(const struct product *p)
{
    strips(p, true);
}
