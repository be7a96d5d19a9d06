/* quant.avx2 - the tile of AVX2: up to 6 rows by 16 outputs.
 *
 * 16-bit activations: vpmaddwd multiplies 16 pairs and adds each two products;
 * vpaddd adds that to sums which are exact in 32 bits.
 *
 * Eight bits: vpmaddubsw multiplies 32 pairs of an activation, 128 more than it means
 * and so without a sign, and a weight, and vpaddw adds in 16 bits, twice as much a
 * step. Nothing overflows as long as few enough lines are added before 32 bits take
 * over. Activations are at most 255, so the worst sums of 16 bits are
 *
 *     bits    weights       lines    two products a line
 *     2..4    -8 .. 7       8        -32640 .. 28560
 *     5       -16 .. 15     4        -32640 .. 30600
 *     6       -32 .. 31     2        -32640 .. 31620
 *
 * and weights from 0 to 15 or 31 make at most 63240, which fits when a sum begins at
 * -32768; the piece's start gives that back. Weights of a table reach 127, would
 * need a sum of 32 bits at each line, and do better as pairs.
 *
 * The 12 integer sums fill the registers, so the float sums live in memory: one load
 * and one store a group. */
#include <string.h>

#include "infer/quant/quant.h"
#include "infer/simd.h"

enum { ROWS = 6 };

/* What the tiles of a piece share. */
struct part {
    const struct product *p;
    const struct quant_piece *piece;
    float (*sum)[PANEL_ROWS]; /* of each row, from piece to piece */
    float *c;
    size_t first, rows, k, groups, group, part_lines;
    bool last;
};

#if defined(__GNUC__) && !defined(__clang__) && !defined(CLOISTER_SIMDE)

/* gcc 12 spills sums when it schedules the intrinsics of a whole tile, and loses a
 * third of the speed; these statements leave it no choice. */
#define MULTIPLY(name, multiply, add)                                            \
    SIMD_INLINE void name(__m256i *left, __m256i *right, __m256i lo, __m256i hi, \
                          const char *q)                                         \
    {                                                                            \
        const int32_t *four = (const void *)q;                                   \
        __m256i a, product;                                                      \
                                                                                 \
        __asm__("vpbroadcastd %[four], %[a]\n\t" multiply                        \
                " %[lo], %[a], %[product]\n\t" add                               \
                " %[product], %[left], %[left]\n\t" multiply                     \
                " %[hi], %[a], %[a]\n\t" add " %[a], %[right], %[right]"         \
                : [left] "+x"(*left), [right] "+x"(*right), [a] "=&x"(a),        \
                  [product] "=&x"(product)                                       \
                : [lo] "x"(lo), [hi] "x"(hi), [four] "m"(*four));                \
    }

MULTIPLY(multiply_pair, "vpmaddwd", "vpaddd")
MULTIPLY(multiply_four, "vpmaddubsw", "vpaddw")

/* It also keeps copies of sums that lie in memory, and stores both. */
SIMD_INLINE void add_one(float *sum, __m256 a, __m256 b)
{
    __m256 *to = (void *)sum;

    __asm__("vfmadd213ps %[to], %[b], %[a]\n\tvmovaps %[a], %[to]"
            : [a] "+x"(a), [to] "+m"(*to)
            : [b] "x"(b));
}

SIMD_INLINE void add_two(float *sum, __m256 a, __m256 b, __m256 c, __m256 d)
{
    __m256 *to = (void *)sum;

    __asm__("vfmadd213ps %[to], %[b], %[a]\n\tvfmadd231ps %[d], %[c], %[a]\n\t"
            "vmovaps %[a], %[to]"
            : [a] "+x"(a), [to] "+m"(*to)
            : [b] "x"(b), [c] "x"(c), [d] "x"(d));
}

#else

SIMD_INLINE __m256i broadcast(const char *q)
{
    int32_t four;

    memcpy(&four, q, sizeof four);
    return _mm256_set1_epi32(four);
}

SIMD_INLINE void multiply_pair(__m256i *left, __m256i *right, __m256i lo, __m256i hi,
                               const char *q)
{
    const __m256i a = broadcast(q);
    *left = _mm256_add_epi32(*left, _mm256_madd_epi16(a, lo));
    *right = _mm256_add_epi32(*right, _mm256_madd_epi16(a, hi));
}

SIMD_INLINE void multiply_four(__m256i *left, __m256i *right, __m256i lo, __m256i hi,
                               const char *q)
{
    const __m256i a = broadcast(q);
    *left = _mm256_add_epi16(*left, _mm256_maddubs_epi16(a, lo));
    *right = _mm256_add_epi16(*right, _mm256_maddubs_epi16(a, hi));
}

SIMD_INLINE void add_one(float *sum, __m256 a, __m256 b)
{
    _mm256_store_ps(sum, _mm256_fmadd_ps(a, b, _mm256_load_ps(sum)));
}

SIMD_INLINE void add_two(float *sum, __m256 a, __m256 b, __m256 c, __m256 d)
{
    const __m256 first = _mm256_fmadd_ps(a, b, _mm256_load_ps(sum));
    _mm256_store_ps(sum, _mm256_fmadd_ps(c, d, first));
}

#endif

SIMD_INLINE __m256i load(const void *from)
{
    return _mm256_loadu_si256((const __m256i *)from);
}

SIMD_INLINE __m256i load_wide(const void *from)
{
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)from));
}

/* lines lines of fours, or halves of lines of pairs, by the activations at q. rows,
 * fours and minima are constants wherever this and what follows is expanded. */
SIMD_INLINE void multiply_lines(__m256i left[ROWS], __m256i right[ROWS],
                                const char *line, size_t lines, const char *q,
                                size_t q_bytes, int rows, bool fours, bool minima)
{
    const __m256i begin = _mm256_set1_epi16(fours && minima ? -32768 : 0);

    SIMD_UNROLL
    for (int i = 0; i < rows; i++)
        left[i] = right[i] = begin;
    for (size_t s = 0; s < lines; s++, q += 4, line += fours ? 64 : 32) {
        const __m256i lo = fours ? load(line) : load_wide(line);
        const __m256i hi = fours ? load(line + 32) : load_wide(line + 16);
        SIMD_UNROLL
        for (int i = 0; i < rows; i++) {
            if (fours)
                multiply_four(&left[i], &right[i], lo, hi, q + (size_t)i * q_bytes);
            else
                multiply_pair(&left[i], &right[i], lo, hi, q + (size_t)i * q_bytes);
        }
    }
}

SIMD_INLINE __m256i widen(__m256i sum, const int32_t *before)
{
    const __m256i ones = _mm256_set1_epi16(1);
    return _mm256_add_epi32(_mm256_madd_epi16(sum, ones), load(before));
}

/* The integer sums of one group of fours, in parts that 16 bits can hold. */
SIMD_INLINE void multiply_fours(__m256i left[ROWS], __m256i right[ROWS],
                                const struct part *t, size_t group, const char *q,
                                size_t q_bytes, int rows, bool minima)
{
    const size_t lines = t->group / 4;
    const char *line = (const char *)t->piece->line[group * lines];
    int32_t part[ROWS][PANEL_ROWS] __attribute__((aligned(32)));
    const int32_t *before = t->piece->start[group];
    size_t stride = 0;

    for (size_t done = t->part_lines;; done += t->part_lines) {
        multiply_lines(left, right, line, t->part_lines, q, q_bytes, rows, true,
                       minima);
        SIMD_UNROLL
        for (int i = 0; i < rows; i++) {
            left[i] = widen(left[i], before + (size_t)i * stride);
            right[i] = widen(right[i], before + (size_t)i * stride + 8);
        }
        if (done == lines)
            return;
        SIMD_UNROLL
        for (int i = 0; i < rows; i++) {
            _mm256_store_si256((__m256i *)(void *)part[i], left[i]);
            _mm256_store_si256((__m256i *)(void *)(part[i] + 8), right[i]);
        }
        before = part[0];
        stride = PANEL_ROWS;
        line += t->part_lines * QUANT_LINE;
        q += t->part_lines * 4;
    }
}

/* What a group adds to eight outputs of a row. */
SIMD_INLINE void add_half_row(float *sum, __m256i dot, const float *d, const float *m,
                              __m256 scale, __m256 all, bool minima)
{
    const __m256 value = _mm256_cvtepi32_ps(dot);
    const __m256 factor = _mm256_mul_ps(_mm256_load_ps(d), scale);

    if (minima)
        add_two(sum, value, factor, all, _mm256_mul_ps(_mm256_load_ps(m), scale));
    else
        add_one(sum, value, factor);
}

SIMD_INLINE void add_row(float *sum, __m256i left, __m256i right, const struct part *t,
                         size_t group, const float *scale, const float *half,
                         bool minima)
{
    const float *d = t->piece->scale[group], *m = t->piece->minimum[group];
    const __m256 s = _mm256_set1_ps(*scale);
    __m256 all = s;

    if (minima)
        all = _mm256_set1_ps(t->group == QUANT_STEP ? half[0] + half[1] : half[0]);
    add_half_row(sum, left, d, m, s, all, minima);
    add_half_row(sum + 8, right, d + 8, m + 8, s, all, minima);
}

SIMD_INLINE void tile(const struct part *t, size_t row, int rows, bool fours,
                      bool minima)
{
    const struct activations *a = &t->p->a;
    const size_t value_bytes = fours ? 1 : sizeof(int16_t);
    const size_t q_bytes = a->q_stride * value_bytes, from = t->first + row;
    const char *q = (const char *)a->q + from * q_bytes + t->k * value_bytes;
    const size_t at = from * a->scale_stride + t->k / QUANT_STEP;
    float sum[ROWS][PANEL_ROWS] __attribute__((aligned(32))) = {{0}};

    if (t->k)
        memcpy(sum, t->sum[row], (size_t)rows * sizeof *sum);
    for (size_t g = 0; g < t->groups; g++) {
        const size_t half = g * t->group / QUANT_GROUP_MIN, lines = t->group / 2;
        __m256i left[ROWS], right[ROWS];
        if (fours)
            multiply_fours(left, right, t, g, q, q_bytes, rows, minima);
        else
            multiply_lines(left, right, (const char *)t->piece->line[g * lines / 2],
                           lines, q, q_bytes, rows, false, minima);
        SIMD_UNROLL
        for (int i = 0; i < rows; i++) {
            const size_t step = at + half / 2 + (size_t)i * a->scale_stride;
            add_row(sum[i], left[i], right[i], t, g, a->scale + step,
                    minima ? a->sum + 2 * step + half % 2 : NULL, minima);
        }
        q += t->group * value_bytes;
    }
    for (size_t i = 0; i < (size_t)rows; i++)
        memcpy(t->last ? t->c + (row + i) * t->p->c_stride : t->sum[row + i], sum[i],
               sizeof sum[i]);
}

SIMD_INLINE void strip(const struct part *t, bool fours, bool minima)
{
    size_t i = 0;

    for (; t->rows - i >= ROWS; i += ROWS)
        tile(t, i, ROWS, fours, minima);
    for (; t->rows - i >= 2; i += 2)
        tile(t, i, 2, fours, minima);
    if (i < t->rows)
        tile(t, i, 1, fours, minima);
}

/* Some rows by one panel, a piece of their depth at a time. */
SIMD_INLINE void multiply_panel(const struct product *p, size_t panel, size_t first,
                                size_t rows, bool fours, bool minima)
{
    const struct quant *quant = p->format->quant;
    float sum[QUANT_ROWS_MOST][PANEL_ROWS];
    struct quant_piece piece;
    struct part t = {.p = p,
                     .piece = &piece,
                     .sum = sum,
                     .c = p->c + first * p->c_stride + panel * PANEL_ROWS,
                     .first = first,
                     .rows = rows,
                     .group = quant->group,
                     .part_lines = quant_part_lines(quant)};

    for (; t.k < p->depth; t.k += QUANT_PIECE) {
        const size_t depth = quant_piece_depth(p->depth, t.k);
        quant_expand_avx2(&piece, quant, quant_scales(p, panel, t.k),
                          quant_codes(p, panel, t.k), depth, fours);
        t.groups = depth / quant->group;
        t.last = t.k + depth == p->depth;
        strip(&t, fours, minima);
    }
}

SIMD_INLINE void multiply(const struct product *p, bool fours, bool minima)
{
    for (size_t i = 0; i < p->rows; i += QUANT_ROWS_MOST) {
        const size_t left = p->rows - i;
        const size_t rows = left < QUANT_ROWS_MOST ? left : QUANT_ROWS_MOST;
        for (size_t panel = 0; panel < p->panels; panel++)
            multiply_panel(p, panel, i, rows, fours, minima);
    }
}

void quant_multiply_avx2(const struct product *p)
{
    if (p->format->quant->minima)
        multiply(p, false, true);
    else
        multiply(p, false, false);
}

void quant_multiply_bytes_avx2(const struct product *p)
{
    if (p->format->quant->minima)
        multiply(p, true, true);
    else
        multiply(p, true, false);
}
