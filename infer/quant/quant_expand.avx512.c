/* quant_expand.avx512 - a piece of a panel becomes lines and float scales.
 *
 * A line is cut out of its planes by a shift and a mask. Shifts move 16 bits at a
 * time; what crosses from byte to byte in lines of fours, the mask takes away. */
#include "infer/quant/quant.h"
#include "infer/simd.h"

/* What a line is cut out of and becomes. bits and fours are constants wherever this
 * is expanded. */
struct codes {
    const unsigned char *step;
    int bits;
    bool fours, from_table;
    __m512i offset, table;
};

SIMD_INLINE __m512i load(const void *bytes)
{
    return _mm512_loadu_si512(bytes);
}

/* bits bits of each lane of a line of a plane, moved to bit at */
SIMD_INLINE __m512i field(const unsigned char *plane, int line, int bits, int at,
                          bool fours)
{
    const int across = (fours ? 8 : 16) / bits, from = line % across * bits;
    const int ones = ((1 << bits) - 1) << at;
    const __m512i mask =
        fours ? _mm512_set1_epi8((char)ones) : _mm512_set1_epi16((short)ones);
    const __m512i all = load(plane + line / across * QUANT_LINE);

    if (from > at)
        return _mm512_and_si512(_mm512_srli_epi16(all, (uint8_t)(from - at)), mask);
    return _mm512_and_si512(_mm512_slli_epi16(all, (uint8_t)(at - from)), mask);
}

/* A line of weights that are whole bytes. */
SIMD_INLINE __m512i byte_line(const unsigned char *step, int line, bool fours)
{
    if (fours)
        return load(step + line * QUANT_LINE);
    const __m512i all = load(step + line / 2 * QUANT_LINE);
    return _mm512_srai_epi16(line % 2 ? all : _mm512_slli_epi16(all, 8), 8);
}

SIMD_INLINE __m512i weights(const struct codes *c, int line)
{
    const int low = c->bits > 4 ? 4 : c->bits == 3 ? 2 : c->bits;

    if (c->bits == 8)
        return byte_line(c->step, line, c->fours);
    __m512i code = field(c->step, line, low, 0, c->fours);
    if (c->from_table)
        return c->fours ? _mm512_shuffle_epi8(c->table, code)
                        : _mm512_permutexvar_epi16(code, c->table);
    if (c->bits > low)
        code = _mm512_or_si512(code, field(c->step + low * QUANT_LINE, line,
                                           c->bits - low, low, c->fours));
    return c->fours ? _mm512_sub_epi8(code, c->offset)
                    : _mm512_sub_epi16(code, c->offset);
}

SIMD_INLINE void expand_pairs(int16_t (*line)[2 * PANEL_ROWS], const struct codes *c)
{
    SIMD_UNROLL
    for (int i = 0; i < QUANT_PAIR_LINES; i++)
        _mm512_storeu_si512(line[i], weights(c, i));
}

/* Activations carry 128 more than they mean, so sums start from as much less. */
SIMD_INLINE void expand_fours(int8_t (*line)[4 * PANEL_ROWS],
                              int32_t (*start)[PANEL_ROWS], const struct codes *c,
                              size_t group)
{
    const __m512i zero = _mm512_setzero_si512(), more = _mm512_set1_epi8((char)128);
    __m512i sum[2] = {zero, zero};

    SIMD_UNROLL
    for (int i = 0; i < QUANT_FOUR_LINES; i++) {
        const __m512i w = weights(c, i);
        const int half = i / (QUANT_FOUR_LINES / 2);
        sum[half] = _mm512_dpbusd_epi32(sum[half], more, w);
        _mm512_storeu_si512(line[i], w);
    }
    if (group == QUANT_STEP) {
        sum[0] = _mm512_add_epi32(sum[0], sum[1]);
    } else
        _mm512_storeu_si512(start[1], _mm512_sub_epi32(zero, sum[1]));
    _mm512_storeu_si512(start[0], _mm512_sub_epi32(zero, sum[0]));
}

SIMD_INLINE __m512i table_of(const struct quant *quant, bool fours)
{
    if (!quant->table)
        return _mm512_setzero_si512();
    const __m128i table = _mm_loadu_si128((const __m128i *)(const void *)quant->table);
    if (fours)
        return _mm512_broadcast_i32x4(table);
    const __m256i words = _mm256_cvtepi8_epi16(table);
    return _mm512_broadcast_i64x4(words);
}

SIMD_INLINE void expand_steps(struct quant_piece *piece, const struct quant *quant,
                              const unsigned char *codes, size_t depth, int bits,
                              bool from_table, bool fours)
{
    struct codes c = {codes,
                      bits,
                      fours,
                      from_table,
                      fours ? _mm512_set1_epi8((char)quant->offset)
                            : _mm512_set1_epi16((short)quant->offset),
                      table_of(quant, fours)};
    const size_t groups = QUANT_STEP / quant->group;

    for (size_t i = 0; i < depth / QUANT_STEP; i++, c.step += bits * QUANT_LINE) {
        if (fours)
            expand_fours(piece->four + i * QUANT_FOUR_LINES, piece->start + i * groups,
                         &c, quant->group);
        else
            expand_pairs(piece->pair + i * QUANT_PAIR_LINES, &c);
    }
}

SIMD_INLINE void expand_codes(struct quant_piece *piece, const struct quant *quant,
                              const unsigned char *codes, size_t depth, bool fours)
{
    switch (quant->bits) {
    case 2:
        expand_steps(piece, quant, codes, depth, 2, false, fours);
        return;
    case 3:
        expand_steps(piece, quant, codes, depth, 3, false, fours);
        return;
    case 4:
        if (quant->table)
            expand_steps(piece, quant, codes, depth, 4, true, fours);
        else
            expand_steps(piece, quant, codes, depth, 4, false, fours);
        return;
    case 5:
        expand_steps(piece, quant, codes, depth, 5, false, fours);
        return;
    case 6:
        expand_steps(piece, quant, codes, depth, 6, false, fours);
        return;
    default:
        expand_steps(piece, quant, codes, depth, 8, false, fours);
    }
}

SIMD_INLINE __m512 halves(const unsigned char *bytes)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)bytes));
}

SIMD_INLINE __m512 coded(__m512 factor, const unsigned char *code)
{
    const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)code);
    return _mm512_mul_ps(factor, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes)));
}

/* Minima are below 64, so they may be read as signed bytes like scales. */
static void expand_scales(struct quant_piece *piece, const struct quant *quant,
                          const unsigned char *scales, size_t group)
{
    const size_t groups = quant->values / quant->group;
    const __m512 d = halves(scales);
    const __m512 m = quant->minima ? halves(scales + 2 * PANEL_ROWS) : d;
    const __m512 less = _mm512_sub_ps(_mm512_set1_ps(-0.0f), m);

    if (!quant->coded) {
        _mm512_storeu_ps(piece->scale[group], d);
        _mm512_storeu_ps(piece->minimum[group], m);
        return;
    }
    scales += 2 * PANEL_ROWS * (quant->minima ? 2 : 1);
    for (size_t g = 0; g < groups; g++, scales += PANEL_ROWS) {
        _mm512_storeu_ps(piece->scale[group + g], coded(d, scales));
        if (quant->minima)
            _mm512_storeu_ps(piece->minimum[group + g],
                             coded(less, scales + groups * PANEL_ROWS));
    }
}

void quant_expand_avx512(struct quant_piece *piece, const struct quant *quant,
                         const unsigned char *scales, const unsigned char *codes,
                         size_t depth, bool fours)
{
    for (size_t i = 0; i < depth; i += quant->values) {
        expand_scales(piece, quant, scales, i / quant->group);
        scales += quant_scale_bytes(quant);
    }
    if (fours)
        expand_codes(piece, quant, codes, depth, true);
    else
        expand_codes(piece, quant, codes, depth, false);
}
