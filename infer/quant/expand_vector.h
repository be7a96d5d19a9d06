/* expand_vector - a piece of a panel becomes lines and float scales.
 *
 * Included once by quant_expand.avx2.c and once by quant_expand.avx512.c, after the
 * header that says what 64 bytes of integers are there; quant.c draws the planes.
 *
 * A line is cut out of its planes by a shift and a mask. Shifts move 16 bits at a
 * time; what crosses from byte to byte, the mask takes away. */
#include "infer/quant/quant.h"

/* What lines are cut out of and become. bits and by_table are constants wherever
 * this is expanded. */
struct codes {
    const unsigned char *step;
    int bits;
    bool by_table;
    struct line offset, table;
};

/* bits bits of each byte of a line of a plane, moved to bit at */
SIMD_INLINE struct line field(const unsigned char *plane, int line, int bits, int at)
{
    const int across = 8 / bits, from = line % across * bits;
    const struct line mask = line_set8(((1 << bits) - 1) << at);
    const struct line all = line_load(plane + line / across * QUANT_LINE);

    if (from > at)
        return line_and(line_down(all, (uint8_t)(from - at)), mask);
    if (from < at)
        return line_and(line_up(all, (uint8_t)(at - from)), mask);
    return line_and(all, mask);
}

/* Planes are divided as low_bits() of quant.c has it. */
SIMD_INLINE struct line weights(const struct codes *c, int line)
{
    const int low = c->bits > 4 ? 4 : c->bits == 3 ? 2 : c->bits;
    struct line code = field(c->step, line, low, 0);

    if (c->by_table)
        return line_find(c->table, code);
    if (c->bits > low) {
        const unsigned char *rest = c->step + low * QUANT_LINE;
        code = line_or(code, field(rest, line, c->bits - low, low));
    }
    return line_sub8(code, c->offset);
}

SIMD_INLINE void expand_lines(int8_t (*line)[QUANT_LINE], const struct codes *c)
{
    SIMD_UNROLL
    for (int i = 0; i < QUANT_LINES; i++)
        line_store(line[i], weights(c, i));
}

/* Activations of bytes carry 128 more than they mean, so sums start from as much
 * less. */
SIMD_INLINE void expand_start(int32_t (*start)[PANEL_ROWS],
                              const int8_t (*line)[QUANT_LINE], size_t group,
                              struct line bias)
{
    struct line sum[2] = {line_set8(0), line_set8(0)};

    SIMD_UNROLL
    for (int i = 0; i < QUANT_LINES; i++) {
        const int half = i / (QUANT_LINES / 2);
        sum[half] = line_add_weights(sum[half], line_load(line[i]));
    }
    struct line first = line_start(sum[0]), second = line_start(sum[1]);
    if (group == QUANT_STEP)
        first = line_add32(first, second);
    else
        line_store(start[1], line_add32(second, bias));
    line_store(start[0], line_add32(first, bias));
}

/* Ask for the same step of the next piece, which may lie past the end: few rows would
 * have to wait for it. */
SIMD_INLINE void fetch_ahead(const unsigned char *step, int bits)
{
    const int piece = bits * QUANT_LINE * (QUANT_PIECE / QUANT_STEP);
    const uintptr_t from = (uintptr_t)step + (uintptr_t)piece;

    SIMD_UNROLL
    for (int i = 0; i < bits; i++)
        _mm_prefetch((const char *)(from + (uintptr_t)(i * QUANT_LINE)), _MM_HINT_T1);
}

SIMD_INLINE void expand_steps(struct quant_piece *piece, const struct quant *quant,
                              const unsigned char *step, size_t depth, int bits,
                              bool by_table, bool fours)
{
    const struct line bias = line_set32(start_bias(quant));
    const size_t groups = QUANT_STEP / quant->group;
    struct codes c = {.step = step, .bits = bits, .by_table = by_table};

    c.offset = line_set8(quant->offset);
    c.table = by_table ? line_table(quant->table) : c.offset;
    for (size_t i = 0; i < depth / QUANT_STEP; i++, c.step += bits * QUANT_LINE) {
        fetch_ahead(c.step, bits);
        int8_t(*line)[QUANT_LINE] = piece->line + i * QUANT_LINES;
        expand_lines(line, &c);
        if (fours)
            expand_start(piece->start + i * groups, (const int8_t(*)[QUANT_LINE])line,
                         quant->group, bias);
    }
}

SIMD_INLINE void expand_codes(struct quant_piece *piece, const struct quant *quant,
                              const unsigned char *codes, size_t depth, bool fours)
{
    switch (quant->bits) {
    case 2:
        expand_steps(piece, quant, codes, depth, 2, false, fours);
        break;
    case 3:
        expand_steps(piece, quant, codes, depth, 3, false, fours);
        break;
    case 4:
        if (quant->table)
            expand_steps(piece, quant, codes, depth, 4, true, fours);
        else
            expand_steps(piece, quant, codes, depth, 4, false, fours);
        break;
    case 5:
        expand_steps(piece, quant, codes, depth, 5, false, fours);
        break;
    default:
        expand_steps(piece, quant, codes, depth, 6, false, fours);
    }
}

SIMD_INLINE struct lanes halves(const void *bytes)
{
    return lanes_load_halves(bytes);
}

/* The scales of one block. Minima are below 64: signed bytes read them as well. */
SIMD_INLINE void expand_scales(struct quant_piece *piece, const struct quant *quant,
                               const unsigned char *scales, size_t group)
{
    const size_t groups = quant->values / quant->group;
    const struct lanes d = halves(scales);
    const struct lanes m = quant->minima ? halves(scales + 2 * PANEL_ROWS) : d;
    const struct lanes less = lanes_mul(m, lanes_set(-1));

    if (!quant->coded) {
        lanes_store(piece->scale[group], d);
        lanes_store(piece->minimum[group], m);
        return;
    }
    scales += 2 * PANEL_ROWS * (quant->minima ? 2 : 1);
    for (size_t g = 0; g < groups; g++, scales += PANEL_ROWS) {
        lanes_store(piece->scale[group + g], lanes_mul(d, lanes_int8(scales)));
        if (quant->minima)
            lanes_store(piece->minimum[group + g],
                        lanes_mul(less, lanes_int8(scales + groups * PANEL_ROWS)));
    }
}

SIMD_INLINE void expand(struct quant_piece *piece, const struct quant *quant,
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
