/* quant - what the quantised formats share: how blocks become panels.
 *
 * A panel holds 16 rows in about as many bytes as the file, in two parts: first the
 * scales of all its blocks, then the codes of all its steps of 32 values.
 *
 *     scales of a block    d of rows 0..15            16 halves
 *                          m of rows 0..15            16 halves, with minima
 *                          scale of group 0, 1 ...    16 bytes each, when coded
 *                          minimum of group 0, 1 ...  16 bytes each, when both
 *
 * The multiply-add instructions take pairs of 16-bit numbers or fours of bytes. Four
 * weights of each row make a line of 64 bytes, in the order they will be taken:
 *
 *     fours    row 0: w0 w1 w2 w3 | row 1: w0 w1 w2 w3 | ... | row 15
 *     pairs    row 0: w0 w1 | ... | row 15: w0 w1 | row 0: w2 w3 | ... | row 15
 *
 * A step has 8 lines. Their codes are stored so that a shift and a mask give a line:
 * numbers of b bits from 8/b lines lie above one another,
 *
 *     b = 2     bits 7..6    5..4    3..2    1..0       of each byte
 *               line 3       2       1       0          a plane's first 64 bytes
 *
 * so a plane of b bits takes 64 b bytes a step. Codes of 5 and 6 bits have a plane
 * of 4 and one of 1 or 2 for the rest, those of 3 bits one of 2 and one of 1.
 *
 * A product expands up to 512 values of a panel at once, on the stack, for all rows of
 * activations. Its order is the same in every kernel. For each group, ascending:
 * the exact sum of integers, then one FMA with d * scale times the activations'
 * scale, then, with minima, one of the activations' sum with minimum times scale. */
#include "infer/quant/quant.h"

#include <math.h>
#include <string.h>

/* Bits of the first plane of a code. */
static unsigned low_bits(unsigned bits)
{
    return bits > 4 ? 4 : bits == 3 ? 2 : bits;
}

static int weight_of(const struct quant *quant, uint8_t code)
{
    return quant->table ? quant->table[code] : code - quant->offset;
}

bool format_sums(const struct format *format)
{
    return format->quant && format->quant->minima;
}

/* ---- blocks ------------------------------------------------------------------- */

/* Six bits each of eight scales and eight minima in twelve bytes: the first four of
 * each are the low bits of bytes 0..3 and 4..7, whose upper two bits belong to the
 * last four, which have their lower four bits in bytes 8..11. */
void quant_take_six_bits(struct quant_block *out, const unsigned char *packed)
{
    for (size_t i = 0; i < 4; i++) {
        out->scale[i] = (int8_t)(packed[i] & 63);
        out->minimum[i] = packed[4 + i] & 63;
        out->scale[4 + i] = (int8_t)((packed[8 + i] & 15) | (packed[i] >> 6) << 4);
        out->minimum[4 + i] = (uint8_t)(packed[8 + i] >> 4 | (packed[4 + i] >> 6) << 4);
    }
}

static float scale_of(const struct quant *quant, const struct quant_block *block,
                      size_t group)
{
    const float d = format_half(block->d);
    return quant->coded ? d * (float)block->scale[group] : d;
}

static float minimum_of(const struct quant *quant, const struct quant_block *block,
                        size_t group)
{
    const float m = format_half(block->m);
    return quant->coded ? -(m * (float)block->minimum[group]) : m;
}

void quant_read(const struct quant *quant, float *out, const void *row, size_t count)
{
    const unsigned char *from = row;
    struct quant_block block = {.m = NULL};

    for (size_t i = 0; i < count; i++) {
        const size_t at = i % quant->values, group = at / quant->group;
        if (at == 0) {
            quant->take(&block, from);
            from += quant->bytes;
        }
        out[i] =
            scale_of(quant, &block, group) * (float)weight_of(quant, block.code[at]);
        if (quant->minima)
            out[i] += minimum_of(quant, &block, group);
    }
}

/* ---- panels ------------------------------------------------------------------- */

size_t quant_scale_bytes(const struct quant *quant)
{
    const size_t groups = quant->values / quant->group;
    const size_t each = 2 + (quant->coded ? groups : 0);
    return PANEL_ROWS * each * (quant->minima ? 2 : 1);
}

size_t quant_code_bytes(const struct quant *quant)
{
    return quant->bits * (size_t)QUANT_LINE;
}

/* Where the codes of a panel start. */
static size_t codes_at(const struct quant *quant, size_t depth)
{
    const size_t bytes = depth / quant->values * quant_scale_bytes(quant);
    return (bytes + 63) / 64 * 64;
}

static size_t panel_bytes(const struct format *format, size_t depth)
{
    return codes_at(format->quant, depth) +
           depth / QUANT_STEP * quant_code_bytes(format->quant);
}

size_t quant_part_lines(const struct quant *quant)
{
    const size_t most = quant->bits > 5 ? 2 : quant->bits > 4 ? 4 : 8;
    const size_t lines = quant->group / 4;
    return most < lines ? most : lines;
}

size_t quant_piece_depth(size_t depth, size_t k)
{
    return depth - k < QUANT_PIECE ? depth - k : QUANT_PIECE;
}

const unsigned char *quant_scales(const struct product *p, size_t panel, size_t k)
{
    const struct quant *quant = p->format->quant;
    const unsigned char *from = p->panel;

    return from + panel * p->panel_bytes + k / quant->values * quant_scale_bytes(quant);
}

const unsigned char *quant_codes(const struct product *p, size_t panel, size_t k)
{
    const struct quant *quant = p->format->quant;
    const unsigned char *from = p->panel;

    return from + panel * p->panel_bytes + codes_at(quant, p->depth) +
           k / QUANT_STEP * quant_code_bytes(quant);
}

static void put_scales(const struct quant *quant, unsigned char *to,
                       const struct quant_block *block, size_t row)
{
    const size_t groups = quant->coded ? quant->values / quant->group : 0;

    memcpy(to + 2 * row, block->d, 2);
    to += 2 * PANEL_ROWS;
    if (quant->minima) {
        memcpy(to + 2 * row, block->m, 2);
        to += 2 * PANEL_ROWS;
    }
    for (size_t g = 0; g < groups; g++, to += PANEL_ROWS)
        to[row] = (unsigned char)block->scale[g];
    for (size_t g = 0; quant->minima && g < groups; g++, to += PANEL_ROWS)
        to[row] = block->minimum[g];
}

/* Where value i of a line lies, i from 0 to 3. */
static size_t lane_of(size_t row, size_t i, bool fours)
{
    return fours ? 4 * row + i : i / 2 * (2 * PANEL_ROWS) + 2 * row + i % 2;
}

/* bits bits of each code of a step, starting at bit from. */
static void put_plane(unsigned char *to, const uint8_t *code, size_t row, unsigned from,
                      unsigned bits, bool fours)
{
    const unsigned across = 8 / bits, mask = ((1u << bits) - 1) * 0x01010101u;
    const size_t low = lane_of(row, 0, fours), high = lane_of(row, 2, fours);

    for (size_t line = 0; line < QUANT_LINES; to += QUANT_LINE) {
        uint32_t four, word = 0;
        for (unsigned i = 0; i < across; i++, line++) {
            memcpy(&four, code + 4 * line, sizeof four);
            word |= (four >> from & mask) << i * bits;
        }
        memcpy(to + low, &word, 2);
        memcpy(to + high, (const char *)&word + 2, 2);
    }
}

static void put_codes(const struct quant *quant, unsigned char *to,
                      const struct quant_block *block, size_t row, bool fours)
{
    const unsigned low = low_bits(quant->bits);

    for (size_t i = 0; i < quant->values; i += QUANT_STEP) {
        put_plane(to, block->code + i, row, 0, low, fours);
        if (low < quant->bits)
            put_plane(to + low * QUANT_LINE, block->code + i, row, low,
                      quant->bits - low, fours);
        to += quant_code_bytes(quant);
    }
}

static bool pack(const struct quant *quant, unsigned char *panel,
                 const unsigned char *row, size_t row_bytes, size_t rows, size_t depth,
                 bool fours)
{
    const size_t code_bytes = quant->values / QUANT_STEP * quant_code_bytes(quant);
    bool finite = true;

    for (size_t r = 0; r < rows; r++) {
        unsigned char *scales = panel, *codes = panel + codes_at(quant, depth);
        const unsigned char *from = row + r * row_bytes;
        for (size_t i = 0; i < depth; i += quant->values) {
            struct quant_block block;
            quant->take(&block, from);
            finite = finite && isfinite(format_half(block.d)) &&
                     (!quant->minima || isfinite(format_half(block.m)));
            put_scales(quant, scales, &block, r);
            put_codes(quant, codes, &block, r, fours);
            from += quant->bytes;
            scales += quant_scale_bytes(quant);
            codes += code_bytes;
        }
    }
    return finite;
}

static bool pack_pairs(void *panel, const struct format *format, const void *row,
                       size_t row_bytes, size_t rows, size_t depth)
{
    memset(panel, 0, panel_bytes(format, depth));
    return pack(format->quant, panel, row, row_bytes, rows, depth, false);
}

static bool pack_fours(void *panel, const struct format *format, const void *row,
                       size_t row_bytes, size_t rows, size_t depth)
{
    memset(panel, 0, panel_bytes(format, depth));
    return pack(format->quant, panel, row, row_bytes, rows, depth, true);
}

/* ---- the scalar product ------------------------------------------------------- */

static uint8_t code_at(const unsigned char *plane, size_t line, size_t lane,
                       unsigned bits)
{
    const unsigned across = 8 / bits;
    const unsigned byte = plane[line / across * QUANT_LINE + lane];
    return (uint8_t)(byte >> line % across * bits & ((1u << bits) - 1));
}

static void expand_codes(const struct quant *quant, struct quant_piece *piece,
                         const unsigned char *codes, size_t depth)
{
    const unsigned low = low_bits(quant->bits), high = quant->bits - low;

    for (size_t i = 0; i < depth * PANEL_ROWS; i++) {
        const size_t line = i / QUANT_LINE, lane = i % QUANT_LINE;
        const size_t at = line % QUANT_LINES;
        const unsigned char *step =
            codes + line / QUANT_LINES * quant_code_bytes(quant);
        uint8_t code = code_at(step, at, lane, low);
        if (high)
            code |= (uint8_t)(code_at(step + low * QUANT_LINE, at, lane, high) << low);
        piece->line[line][lane] = (int8_t)weight_of(quant, code);
    }
}

/* The scales of one block, from group on. */
static void expand_scales(const struct quant *quant, struct quant_piece *piece,
                          const unsigned char *scales, size_t group)
{
    const size_t groups = quant->values / quant->group;
    const unsigned char *m = scales + 2 * PANEL_ROWS;
    const unsigned char *code = m + (quant->minima ? 2 * PANEL_ROWS : 0);
    struct quant_block block;

    for (size_t j = 0; j < PANEL_ROWS; j++) {
        block.d = scales + 2 * j;
        block.m = m + 2 * j;
        for (size_t g = 0; g < groups; g++) {
            if (quant->coded) {
                block.scale[g] = (int8_t)code[g * PANEL_ROWS + j];
                block.minimum[g] = code[(g + groups) * PANEL_ROWS + j];
            }
            piece->scale[group + g][j] = scale_of(quant, &block, g);
            if (quant->minima)
                piece->minimum[group + g][j] = minimum_of(quant, &block, g);
        }
    }
}

static void expand(struct quant_piece *piece, const struct quant *quant,
                   const unsigned char *scales, const unsigned char *codes,
                   size_t depth)
{
    expand_codes(quant, piece, codes, depth);
    for (size_t i = 0; i < depth; i += quant->values) {
        expand_scales(quant, piece, scales, i / quant->group);
        scales += quant_scale_bytes(quant);
    }
}

static int32_t dot(const struct quant_piece *piece, size_t column, const int16_t *q,
                   size_t first, size_t count)
{
    int32_t sum = 0;

    for (size_t i = first; i < first + count; i++)
        sum += piece->line[i / 4][lane_of(column, i % 4, false)] * q[i];
    return sum;
}

/* One row of activations from k on, one output, which goes on from sum. */
static float output(const struct quant *quant, const struct quant_piece *piece,
                    const struct activations *a, size_t row, size_t column, size_t k,
                    size_t depth, float sum)
{
    const int16_t *q = a->q + row * a->q_stride + k;
    const size_t first = row * a->scale_stride + k / QUANT_STEP;

    for (size_t i = 0; i < depth; i += quant->group) {
        const size_t group = i / quant->group, step = first + i / QUANT_STEP;
        const float scale = a->scale[step];
        const float factor = piece->scale[group][column] * scale;
        sum = fmaf((float)dot(piece, column, q, i, quant->group), factor, sum);
        if (quant->minima) {
            const float *half = a->sum + 2 * step + i / QUANT_GROUP_MIN % 2;
            float all = quant->group == QUANT_STEP ? half[0] + half[1] : half[0];
            sum = fmaf(all, piece->minimum[group][column] * scale, sum);
        }
    }
    return sum;
}

void quant_multiply_scalar(const struct product *p)
{
    const struct quant *quant = p->format->quant;
    struct quant_piece piece;

    for (size_t panel = 0; panel < p->panels; panel++)
        for (size_t k = 0; k < p->depth; k += QUANT_PIECE) {
            const size_t depth = quant_piece_depth(p->depth, k);
            expand(&piece, quant, quant_scales(p, panel, k), quant_codes(p, panel, k),
                   depth);
            for (size_t i = 0; i < p->rows; i++)
                for (size_t j = 0; j < PANEL_ROWS; j++) {
                    float *c = p->c + i * p->c_stride + panel * PANEL_ROWS + j;
                    *c = output(quant, &piece, &p->a, i, j, k, depth, k ? *c : 0);
                }
        }
}

const struct kernel *quant_kernel(const struct quant *quant,
                                  const struct infer_options *options)
{
    static const struct kernel pairs[CPU_ISA_COUNT] = {
        [INFER_ISA_SCALAR] = {ACTIVATION_INT16, panel_bytes, pack_pairs,
                              quant_multiply_scalar},
#ifdef __x86_64__
        [INFER_ISA_AVX2] = {ACTIVATION_INT16, panel_bytes, pack_pairs,
                            quant_multiply_avx2},
        [INFER_ISA_AVXVNNI] = {ACTIVATION_INT16, panel_bytes, pack_pairs,
                               quant_multiply_avx2},
        [INFER_ISA_AVX512] = {ACTIVATION_INT16, panel_bytes, pack_pairs,
                              quant_multiply_avx512},
#endif
    };
#ifdef __x86_64__
    static const struct kernel fours[CPU_ISA_COUNT] = {
        [INFER_ISA_AVX2] = {ACTIVATION_BYTE, panel_bytes, pack_fours,
                            quant_multiply_bytes_avx2},
        [INFER_ISA_AVXVNNI] = {ACTIVATION_BYTE, panel_bytes, pack_fours,
                               quant_multiply_bytes_avx2},
        [INFER_ISA_AVX512] = {ACTIVATION_BYTE, panel_bytes, pack_fours,
                              quant_multiply_bytes_avx512},
    };
    if (options->activations_bits == 8 && options->isa != INFER_ISA_SCALAR &&
        (!quant->table || options->isa == INFER_ISA_AVX512))
        return &fours[options->isa];
#endif
    return &pairs[options->isa];
}
