/* q8_0 - blocks of 32 signed bytes with one half-precision scale.
 *
 * In the file a row is a string of blocks of 34 bytes:
 *
 *     d     q0 q1 ... q31        value i = d * qi
 *     2     32
 *
 * In a panel 16 rows are interleaved, two values at a time, because the multiply-
 * add instructions take pairs of 16-bit numbers. A block of a panel is 544 bytes,
 * as many as the 16 blocks it was made of:
 *
 *     d of rows 0..15    row 0: q0 q1 | row 1: q0 q1 | ... | row 15: q0 q1
 *     32                 row 0: q2 q3 | ...
 *                        16 such lines of 32 bytes
 *
 * Eight-bit activations have instructions that take four products at a time, of an
 * unsigned and a signed byte. Their activations carry 128 more than they mean, and
 * a block of their panels tells what to start from instead of zero:
 *
 *     d of rows 0..15    -128 * (q0 + ... + q31)    row 0: q0 q1 q2 q3 | ...
 *     32                 64, an int32 a row         8 lines of 64 bytes
 *
 * The product of a row of activations and an output is, per block in ascending
 * order: the exact integer sum, then one FMA with the product of both scales. */
#include "infer/quant/q8_0.h"

#include <math.h>
#include <string.h>

enum { FILE_BLOCK = 2 + Q8_0_BLOCK };

static void read(float *out, const void *row, size_t count)
{
    const unsigned char *block = row;

    for (size_t i = 0; i < count; i += Q8_0_BLOCK, block += FILE_BLOCK) {
        const size_t n = count - i < Q8_0_BLOCK ? count - i : Q8_0_BLOCK;
        const float scale = format_half(block);
        for (size_t j = 0; j < n; j++)
            out[i + j] = scale * (float)(int8_t)block[2 + j];
    }
}

static size_t panel_bytes(const struct format *format, size_t depth)
{
    (void)format;
    return depth / Q8_0_BLOCK * Q8_0_PANEL_BLOCK;
}

static size_t panel_bytes_fours(const struct format *format, size_t depth)
{
    (void)format;
    return depth / Q8_0_BLOCK * Q8_0_FOUR_BLOCK;
}

static void pack_block(unsigned char *out, const unsigned char *block, size_t row)
{
    memcpy(out + 2 * row, block, 2);
    for (size_t pair = 0; pair < Q8_0_PAIRS; pair++)
        memcpy(out + Q8_0_SCALES + pair * Q8_0_STEP + 2 * row, block + 2 + 2 * pair, 2);
}

static void pack_block_fours(unsigned char *out, const unsigned char *block, size_t row)
{
    unsigned char *offset = out + Q8_0_SCALES, *line = offset + Q8_0_OFFSETS;
    int32_t sum = 0;

    for (size_t i = 0; i < Q8_0_BLOCK; i++)
        sum -= 128 * (int8_t)block[2 + i];
    memcpy(out + 2 * row, block, 2);
    memcpy(offset + 4 * row, &sum, sizeof sum);
    for (size_t four = 0; four < Q8_0_FOURS; four++)
        memcpy(line + four * Q8_0_FOUR_STEP + 4 * row, block + 2 + 4 * four, 4);
}

static bool pack_with(void (*put)(unsigned char *, const unsigned char *, size_t),
                      size_t block_bytes, unsigned char *panel,
                      const unsigned char *row, size_t row_bytes, size_t rows,
                      size_t depth)
{
    const size_t blocks = depth / Q8_0_BLOCK;
    bool finite = true;

    memset(panel, 0, blocks * block_bytes);
    for (size_t r = 0; r < rows; r++)
        for (size_t b = 0; b < blocks; b++) {
            const unsigned char *from = row + r * row_bytes + b * FILE_BLOCK;
            finite = finite && isfinite(format_half(from));
            put(panel + b * block_bytes, from, r);
        }
    return finite;
}

static bool pack(void *panel, const struct format *format, const void *row,
                 size_t row_bytes, size_t rows, size_t depth)
{
    (void)format;
    return pack_with(pack_block, Q8_0_PANEL_BLOCK, panel, row, row_bytes, rows, depth);
}

static bool pack_fours(void *panel, const struct format *format, const void *row,
                       size_t row_bytes, size_t rows, size_t depth)
{
    (void)format;
    return pack_with(pack_block_fours, Q8_0_FOUR_BLOCK, panel, row, row_bytes, rows,
                     depth);
}

static int32_t dot(const unsigned char *block, size_t column, const int16_t *q)
{
    int32_t sum = 0;

    for (size_t i = 0; i < Q8_0_BLOCK; i++) {
        size_t at = Q8_0_SCALES + i / 2 * Q8_0_STEP + 2 * column + i % 2;
        sum += (int8_t)block[at] * q[i];
    }
    return sum;
}

static float output(const unsigned char *panel, size_t column, const int16_t *q,
                    const float *scale, size_t depth)
{
    float sum = 0;

    for (size_t b = 0; b < depth / Q8_0_BLOCK; b++) {
        float factor = format_half(panel + 2 * column) * scale[b];
        sum = fmaf((float)dot(panel, column, q + b * Q8_0_BLOCK), factor, sum);
        panel += Q8_0_PANEL_BLOCK;
    }
    return sum;
}

void q8_0_multiply_scalar(const struct product *p)
{
    for (size_t i = 0; i < p->rows; i++) {
        const int16_t *q = p->a.q + i * p->a.q_stride;
        const float *scale = p->a.scale + i * p->a.scale_stride;
        for (size_t j = 0; j < p->panels * PANEL_ROWS; j++) {
            const unsigned char *panel = p->panel;
            panel += j / PANEL_ROWS * p->panel_bytes;
            p->c[i * p->c_stride + j] =
                output(panel, j % PANEL_ROWS, q, scale, p->depth);
        }
    }
}

static const struct kernel *kernel(const struct infer_options *options)
{
    static const struct kernel pairs[CPU_ISA_COUNT] = {
        [INFER_ISA_SCALAR] = {ACTIVATION_INT16, panel_bytes, pack,
                              q8_0_multiply_scalar},
#ifdef __x86_64__
        [INFER_ISA_AVX2] = {ACTIVATION_INT16, panel_bytes, pack, q8_0_multiply_avx2},
        [INFER_ISA_AVXVNNI] = {ACTIVATION_INT16, panel_bytes, pack, q8_0_multiply_avx2},
        [INFER_ISA_AVX512] = {ACTIVATION_INT16, panel_bytes, pack,
                              q8_0_multiply_avx512},
#endif
    };
#ifdef __x86_64__
    static const struct kernel fours = {ACTIVATION_BYTE, panel_bytes_fours, pack_fours,
                                        q8_0_multiply_bytes_avx512};
    if (options->isa == INFER_ISA_AVX512 && options->activations_bits == 8)
        return &fours;
#endif
    return &pairs[options->isa];
}

const struct format format_q8_0 = {.type = GGUF_Q8_0, .read = read, .kernel = kernel};
