/* quant.avx512 - the tile of AVX-512 with VNNI: up to 7 rows by 32 outputs.
 *
 * vpdpwssd multiplies 32 pairs of 16-bit numbers and adds each two products to a
 * 32-bit sum. A broadcast pair of activations meets the same pair of 16 outputs:
 *
 *     weights   w0 w1 of output 0 | w0 w1 of output 1 | ... | of output 15
 *     row i     a0 a1             | a0 a1             | ... | a0 a1
 *
 * Eight-bit activations do the same with fours of bytes and vpdpbusd, which takes
 * unsigned activations; a group's sums then start from what the piece tells. Both
 * read four bytes of a row at a step, so one tile serves both.
 *
 * 14 integer sums, 14 float sums, two lines of weights, one broadcast and one
 * temporary: 32 registers. */
#include <string.h>

#include "infer/quant/quant.h"
#include "infer/simd.h"

enum { ROWS = 7, WIDTH = 2 };

/* What is a constant wherever a tile is expanded. */
struct shape {
    int rows, panels;
    size_t group; /* values that share a scale */
    bool fours, minima;
};

/* What the tiles of a piece share. */
struct part {
    const struct product *p;
    const struct quant_piece *piece;  /* one for each panel */
    float (*sum)[WIDTH * PANEL_ROWS]; /* of each row, from piece to piece */
    float *c;
    size_t first, rows, k, groups;
    bool last;
};

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

SIMD_INLINE __m512i weights(const char *line, bool fours)
{
    return fours ? _mm512_loadu_si512(line)
                 : _mm512_cvtepi8_epi16(
                       _mm256_loadu_si256((const __m256i *)(const void *)line));
}

/* One line of weights, or half of one, of each panel by the activations at q. */
SIMD_INLINE void multiply_line(__m512i dot[ROWS][WIDTH], const char *line,
                               const char *q, size_t q_bytes, struct shape x)
{
    __m512i w[WIDTH];

    SIMD_UNROLL
    for (int j = 0; j < x.panels; j++)
        w[j] = weights(line + (size_t)j * sizeof(struct quant_piece), x.fours);
    SIMD_UNROLL
    for (int i = 0; i < x.rows; i++) {
        const __m512i a = broadcast(q + (size_t)i * q_bytes);
        SIMD_UNROLL
        for (int j = 0; j < x.panels; j++) {
            if (x.fours)
                multiply_four(&dot[i][j], w[j], a);
            else
                multiply_pair(&dot[i][j], w[j], a);
        }
    }
}

/* The integer sums of one group; q points to the first row's activations. One row
 * alone has too few sums to hide how long an addition takes: it keeps two of each. */
SIMD_INLINE void multiply_group(__m512i dot[ROWS][WIDTH], const struct part *t,
                                size_t group, const char *q, size_t q_bytes,
                                struct shape x)
{
    const size_t lines = x.group / (x.fours ? 4 : 2);
    const size_t line_bytes = x.fours ? QUANT_LINE : QUANT_LINE / 2;
    const char *line = (const char *)t->piece->line + group * lines * line_bytes;
    __m512i odd[ROWS][WIDTH];

    SIMD_UNROLL
    for (int i = 0; i < x.rows * x.panels; i++) {
        dot[i / x.panels][i % x.panels] =
            x.fours ? _mm512_loadu_si512(t->piece[i % x.panels].start[group])
                    : _mm512_setzero_si512();
        odd[i / x.panels][i % x.panels] = _mm512_setzero_si512();
    }
    for (size_t s = 0; s < lines; s++, q += 4, line += line_bytes) {
        multiply_line(dot, line, q, q_bytes, x);
        if (x.rows > 1)
            continue;
        s++, q += 4, line += line_bytes;
        multiply_line(odd, line, q, q_bytes, x);
    }
    if (x.rows > 1)
        return;
    SIMD_UNROLL
    for (int j = 0; j < x.panels; j++)
        dot[0][j] = _mm512_add_epi32(dot[0][j], odd[0][j]);
}

/* The sum of a row's activations in a group; half counts groups of 16. */
SIMD_INLINE __m512 activations_sum(const float *half, struct shape x)
{
    return _mm512_set1_ps(x.group == QUANT_STEP ? half[0] + half[1] : half[0]);
}

SIMD_INLINE void add_group(__m512 sum[ROWS][WIDTH], __m512i dot[ROWS][WIDTH],
                           const struct part *t, size_t group, const float *scale,
                           const float *half, struct shape x)
{
    const size_t stride = t->p->a.scale_stride;

    SIMD_UNROLL
    for (int j = 0; j < x.panels; j++) {
        const __m512 d = _mm512_loadu_ps(t->piece[j].scale[group]);
        SIMD_UNROLL
        for (int i = 0; i < x.rows; i++) {
            const __m512 factor =
                _mm512_mul_ps(d, _mm512_set1_ps(scale[(size_t)i * stride]));
            sum[i][j] =
                _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot[i][j]), factor, sum[i][j]);
        }
    }
    if (!x.minima)
        return;
    SIMD_UNROLL
    for (int i = 0; i < x.rows; i++) {
        const __m512 s = _mm512_set1_ps(scale[(size_t)i * stride]);
        const __m512 all = activations_sum(half + 2 * (size_t)i * stride, x);
        SIMD_UNROLL
        for (int j = 0; j < x.panels; j++) {
            const __m512 m = _mm512_loadu_ps(t->piece[j].minimum[group]);
            sum[i][j] = _mm512_fmadd_ps(all, _mm512_mul_ps(m, s), sum[i][j]);
        }
    }
}

SIMD_INLINE void tile(const struct part *t, size_t row, struct shape x)
{
    const struct activations *a = &t->p->a;
    const size_t value_bytes = x.fours ? 1 : sizeof(int16_t);
    const size_t q_bytes = a->q_stride * value_bytes, from = t->first + row;
    const char *q = (const char *)a->q + from * q_bytes + t->k * value_bytes;
    const size_t at = from * a->scale_stride + t->k / QUANT_STEP;
    float *to = t->last ? t->c + row * t->p->c_stride : t->sum[row];
    const size_t stride = t->last ? t->p->c_stride : WIDTH * PANEL_ROWS;
    __m512 sum[ROWS][WIDTH];

    SIMD_UNROLL
    for (int i = 0; i < x.rows * x.panels; i++)
        sum[i / x.panels][i % x.panels] =
            t->k ? _mm512_loadu_ps(t->sum[row + (size_t)(i / x.panels)] +
                                   PANEL_ROWS * (i % x.panels))
                 : _mm512_setzero_ps();
    for (size_t g = 0; g < t->groups; g++) {
        const size_t half = g * x.group / QUANT_GROUP_MIN;
        __m512i dot[ROWS][WIDTH];
        multiply_group(dot, t, g, q, q_bytes, x);
        add_group(sum, dot, t, g, a->scale + at + half / 2,
                  x.minima ? a->sum + 2 * at + half : NULL, x);
        q += x.group * value_bytes;
    }
    SIMD_UNROLL
    for (int i = 0; i < x.rows * x.panels; i++)
        _mm512_storeu_ps(to + (size_t)(i / x.panels) * stride +
                             PANEL_ROWS * (i % x.panels),
                         sum[i / x.panels][i % x.panels]);
}

SIMD_INLINE void strip(const struct part *t, struct shape x)
{
    size_t i = 0;

    x.rows = ROWS;
    for (; t->rows - i >= ROWS && t->rows - i != ROWS + 1; i += ROWS)
        tile(t, i, x);
    x.rows = 4;
    for (; t->rows - i >= 4; i += 4)
        tile(t, i, x);
    x.rows = 2;
    for (; t->rows - i >= 2; i += 2)
        tile(t, i, x);
    x.rows = 1;
    if (i < t->rows)
        tile(t, i, x);
}

/* Some rows by one or two panels, a piece of their depth at a time. */
SIMD_INLINE void multiply_panels(const struct product *p, size_t panel, size_t first,
                                 size_t rows, struct shape x)
{
    const struct quant *quant = p->format->quant;
    float sum[QUANT_ROWS_MOST][WIDTH * PANEL_ROWS];
    struct quant_piece piece[WIDTH];
    struct part t = {.p = p,
                     .piece = piece,
                     .sum = sum,
                     .c = p->c + first * p->c_stride + panel * PANEL_ROWS,
                     .first = first,
                     .rows = rows};

    for (; t.k < p->depth; t.k += QUANT_PIECE) {
        const size_t depth = quant_piece_depth(p->depth, t.k);
        for (size_t j = 0; j < (size_t)x.panels; j++)
            quant_expand_avx512(piece + j, quant, quant_scales(p, panel + j, t.k),
                                quant_codes(p, panel + j, t.k), depth, x.fours);
        t.groups = depth / x.group;
        t.last = t.k + depth == p->depth;
        strip(&t, x);
    }
}

SIMD_INLINE void multiply(const struct product *p, struct shape x)
{
    for (size_t i = 0; i < p->rows; i += QUANT_ROWS_MOST) {
        const size_t left = p->rows - i;
        const size_t rows = left < QUANT_ROWS_MOST ? left : QUANT_ROWS_MOST;
        size_t panel = 0;
        x.panels = WIDTH;
        for (; p->panels - panel >= WIDTH; panel += WIDTH)
            multiply_panels(p, panel, i, rows, x);
        x.panels = 1;
        if (panel < p->panels)
            multiply_panels(p, panel, i, rows, x);
    }
}

/* A function for each group, pairs or fours, with minima or without. */

#define MULTIPLY(name, g, f, m)                                                 \
    static void name(const struct product *p)                                   \
    {                                                                           \
        multiply(p, (struct shape){.group = (g), .fours = (f), .minima = (m)}); \
    }

MULTIPLY(pairs_16, 16, false, false)
MULTIPLY(pairs_16_minima, 16, false, true)
MULTIPLY(pairs_32, 32, false, false)
MULTIPLY(pairs_32_minima, 32, false, true)
MULTIPLY(fours_16, 16, true, false)
MULTIPLY(fours_16_minima, 16, true, true)
MULTIPLY(fours_32, 32, true, false)
MULTIPLY(fours_32_minima, 32, true, true)

void quant_multiply_avx512(const struct product *p)
{
    const struct quant *quant = p->format->quant;

    if (quant->group == QUANT_STEP)
        (quant->minima ? pairs_32_minima : pairs_32)(p);
    else
        (quant->minima ? pairs_16_minima : pairs_16)(p);
}

void quant_multiply_bytes_avx512(const struct product *p)
{
    const struct quant *quant = p->format->quant;

    if (quant->group == QUANT_STEP)
        (quant->minima ? fours_32_minima : fours_32)(p);
    else
        (quant->minima ? fours_16_minima : fours_16)(p);
}
