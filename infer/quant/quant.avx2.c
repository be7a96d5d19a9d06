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

/* What is a constant wherever a tile is expanded. */
struct shape {
    int rows;
    size_t group; /* values that share a scale */
    size_t part;  /* lines of fours whose products are added in 16 bits */
    bool fours, minima;
};

/* What the tiles of a piece share. */
struct part {
    const struct product *p;
    const struct quant_piece *piece;
    float (*sum)[PANEL_ROWS]; /* of each row, from piece to piece */
    float *c;
    size_t first, rows, k, groups;
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

/* lines lines of fours, or halves of lines of pairs, by the activations at q. */
SIMD_INLINE void multiply_lines(__m256i left[ROWS], __m256i right[ROWS],
                                const char *line, size_t lines, const char *q,
                                size_t q_bytes, struct shape x)
{
    const __m256i begin = _mm256_set1_epi16(x.fours && x.minima ? -32768 : 0);

    SIMD_UNROLL
    for (int i = 0; i < x.rows; i++)
        left[i] = right[i] = begin;
    for (size_t s = 0; s < lines; s++, q += 4, line += x.fours ? 64 : 32) {
        const __m256i lo = x.fours ? load(line) : load_wide(line);
        const __m256i hi = x.fours ? load(line + 32) : load_wide(line + 16);
        SIMD_UNROLL
        for (int i = 0; i < x.rows; i++) {
            if (x.fours)
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
                                const struct quant_piece *piece, size_t group,
                                const char *q, size_t q_bytes, struct shape x)
{
    const size_t lines = x.group / 4;
    const char *line = (const char *)piece->line[group * lines];
    int32_t part[ROWS][PANEL_ROWS] __attribute__((aligned(32)));

    SIMD_UNROLL
    for (size_t done = 0; done < lines; done += x.part) {
        multiply_lines(left, right, line + done * QUANT_LINE, x.part, q + done * 4,
                       q_bytes, x);
        SIMD_UNROLL
        for (int i = 0; i < x.rows; i++) {
            const int32_t *before = done ? part[i] : piece->start[group];
            left[i] = widen(left[i], before);
            right[i] = widen(right[i], before + 8);
            if (done + x.part == lines)
                continue;
            _mm256_store_si256((__m256i *)(void *)part[i], left[i]);
            _mm256_store_si256((__m256i *)(void *)(part[i] + 8), right[i]);
        }
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

/* The sum of a row's activations in a group; half counts groups of 16. */
SIMD_INLINE __m256 activations_sum(const float *half, struct shape x)
{
    const __m256 first = _mm256_set1_ps(half[0]);
    return x.group == QUANT_STEP ? _mm256_add_ps(first, _mm256_set1_ps(half[1]))
                                 : first;
}

SIMD_INLINE void copy_rows(float *to, size_t to_stride, const float *from,
                           size_t from_stride, int rows)
{
    SIMD_UNROLL
    for (int i = 0; i < rows; i++, to += to_stride, from += from_stride) {
        _mm256_storeu_ps(to, _mm256_loadu_ps(from));
        _mm256_storeu_ps(to + 8, _mm256_loadu_ps(from + 8));
    }
}

/* The sums lie on the stack while they grow: what lies elsewhere, gcc would address
 * by a pointer for each, and load the pointers too. */
SIMD_INLINE void tile(const struct part *t, size_t row, struct shape x)
{
    const struct quant_piece *piece = t->piece;
    const size_t value_bytes = x.fours ? 1 : sizeof(int16_t);
    const size_t q_bytes = t->p->a.q_stride * value_bytes;
    const char *q = (const char *)t->p->a.q + (t->first + row) * q_bytes;
    const size_t stride = t->p->a.scale_stride;
    const size_t at = (t->first + row) * stride + t->k / QUANT_STEP;
    static const float nothing[PANEL_ROWS];
    float sum[ROWS][PANEL_ROWS] __attribute__((aligned(32)));

    copy_rows(sum[0], PANEL_ROWS, t->k ? t->sum[row] : nothing, t->k ? PANEL_ROWS : 0,
              x.rows);
    q += t->k * value_bytes;
    for (size_t g = 0; g < t->groups; g++, q += x.group * value_bytes) {
        const float *scale = t->p->a.scale + at + g * x.group / QUANT_STEP;
        const float *half = t->p->a.sum + 2 * at + g * x.group / QUANT_GROUP_MIN;
        __m256i left[ROWS], right[ROWS];
        if (x.fours)
            multiply_fours(left, right, piece, g, q, q_bytes, x);
        else
            multiply_lines(left, right, (const char *)piece->line[g * x.group / 4],
                           x.group / 2, q, q_bytes, x);
        SIMD_UNROLL
        for (int i = 0; i < x.rows; i++) {
            const size_t from = (size_t)i * stride;
            const __m256 s = _mm256_set1_ps(scale[from]);
            const __m256 all = x.minima ? activations_sum(half + 2 * from, x) : s;
            const float *d = piece->scale[g], *m = piece->minimum[g];
            add_half_row(sum[i], left[i], d, m, s, all, x.minima);
            add_half_row(sum[i] + 8, right[i], d + 8, m + 8, s, all, x.minima);
        }
    }
    if (t->last)
        copy_rows(t->c + row * t->p->c_stride, t->p->c_stride, sum[0], PANEL_ROWS,
                  x.rows);
    else
        copy_rows(t->sum[row], PANEL_ROWS, sum[0], PANEL_ROWS, x.rows);
}

SIMD_INLINE void strip(const struct part *t, struct shape x)
{
    size_t i = 0;

    x.rows = ROWS;
    for (; t->rows - i >= ROWS; i += ROWS)
        tile(t, i, x);
    x.rows = 2;
    for (; t->rows - i >= 2; i += 2)
        tile(t, i, x);
    x.rows = 1;
    if (i < t->rows)
        tile(t, i, x);
}

/* Some rows by one panel, a piece of their depth at a time. */
SIMD_INLINE void multiply_panel(const struct product *p, size_t panel, size_t first,
                                size_t rows, struct shape x)
{
    const struct quant *quant = p->format->quant;
    float sum[QUANT_ROWS_MOST][PANEL_ROWS] __attribute__((aligned(64)));
    struct quant_piece piece;
    struct part t = {.p = p,
                     .piece = &piece,
                     .sum = sum,
                     .c = p->c + first * p->c_stride + panel * PANEL_ROWS,
                     .first = first,
                     .rows = rows};

    for (; t.k < p->depth; t.k += QUANT_PIECE) {
        const size_t depth = quant_piece_depth(p->depth, t.k);
        quant_expand_avx2(&piece, quant, quant_scales(p, panel, t.k),
                          quant_codes(p, panel, t.k), depth, x.fours);
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
        for (size_t panel = 0; panel < p->panels; panel++)
            multiply_panel(p, panel, i, rows, x);
    }
}

/* A function for each group, number of lines in a part, and with minima or without. */
#define MULTIPLY_PAIRS(name, g, has_minima)                            \
    static void name(const struct product *p)                          \
    {                                                                  \
        multiply(p, (struct shape){.group = g, .minima = has_minima}); \
    }
#define MULTIPLY_FOURS(name, g, lines, has_minima)                                     \
    static void name(const struct product *p)                                          \
    {                                                                                  \
        multiply(p,                                                                    \
                 (struct shape){                                                       \
                     .group = g, .part = lines, .fours = true, .minima = has_minima}); \
    }

MULTIPLY_PAIRS(pairs_16, 16, false)
MULTIPLY_PAIRS(pairs_16_minima, 16, true)
MULTIPLY_PAIRS(pairs_32, 32, false)
MULTIPLY_PAIRS(pairs_32_minima, 32, true)
MULTIPLY_FOURS(fours_16_by_2, 16, 2, false)
MULTIPLY_FOURS(fours_16_by_4, 16, 4, false)
MULTIPLY_FOURS(fours_16_by_4_minima, 16, 4, true)
MULTIPLY_FOURS(fours_32_by_4, 32, 4, false)
MULTIPLY_FOURS(fours_32_by_4_minima, 32, 4, true)
MULTIPLY_FOURS(fours_32_by_8, 32, 8, false)
MULTIPLY_FOURS(fours_32_by_8_minima, 32, 8, true)

void quant_multiply_avx2(const struct product *p)
{
    const struct quant *quant = p->format->quant;

    if (quant->group == QUANT_STEP)
        (quant->minima ? pairs_32_minima : pairs_32)(p);
    else
        (quant->minima ? pairs_16_minima : pairs_16)(p);
}

void quant_multiply_bytes_avx2(const struct product *p)
{
    const struct quant *quant = p->format->quant;
    const size_t lines = quant_part_lines(quant);

    if (quant->group == QUANT_STEP && lines == 8)
        (quant->minima ? fours_32_by_8_minima : fours_32_by_8)(p);
    else if (quant->group == QUANT_STEP)
        (quant->minima ? fours_32_by_4_minima : fours_32_by_4)(p);
    else if (lines == 4)
        (quant->minima ? fours_16_by_4_minima : fours_16_by_4)(p);
    else
        fours_16_by_2(p);
}
