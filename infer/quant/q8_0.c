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

static size_t panel_bytes(size_t depth)
{
    return depth / Q8_0_BLOCK * Q8_0_PANEL_BLOCK;
}

static void pack_block(unsigned char *out, const unsigned char *block, size_t row)
{
    memcpy(out + 2 * row, block, 2);
    for (size_t pair = 0; pair < Q8_0_PAIRS; pair++)
        memcpy(out + Q8_0_SCALES + pair * Q8_0_STEP + 2 * row, block + 2 + 2 * pair, 2);
}

static bool pack(void *panel, const struct format *format, const void *row,
                 size_t row_bytes, size_t rows, size_t depth)
{
    bool finite = true;

    (void)format;
    memset(panel, 0, panel_bytes(depth));
    for (size_t r = 0; r < rows; r++) {
        const unsigned char *from = (const unsigned char *)row + r * row_bytes;
        unsigned char *to = panel;
        for (size_t k = 0; k < depth; k += Q8_0_BLOCK) {
            finite = finite && isfinite(format_half(from));
            pack_block(to, from, r);
            from += FILE_BLOCK;
            to += Q8_0_PANEL_BLOCK;
        }
    }
    return finite;
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

static const struct kernel *kernel(enum infer_isa isa, enum infer_float_backend backend)
{
    static const struct kernel table[CPU_ISA_COUNT] = {
        [INFER_ISA_SCALAR] = {panel_bytes, pack, q8_0_multiply_scalar},
#ifdef __x86_64__
        [INFER_ISA_AVX2] = {panel_bytes, pack, q8_0_multiply_avx2},
        [INFER_ISA_AVXVNNI] = {panel_bytes, pack, q8_0_multiply_avx2},
        [INFER_ISA_AVX512] = {panel_bytes, pack, q8_0_multiply_avx512},
#endif
    };
    (void)backend;
    return &table[isa];
}

const struct format format_q8_0 = {
    .type = GGUF_Q8_0, .integers = true, .read = read, .kernel = kernel};
