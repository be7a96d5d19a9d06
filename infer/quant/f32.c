/* f32 - products of floats: F32, F16 and BF16 weights, attention, similarity.
 *
 * F16 and BF16 are widened when a panel is packed, which loses nothing. A panel
 * holds, for each k in ascending order, the 16 weights that meet activation k:
 *
 *     k 0: row 0 | row 1 | ... | row 15       64 bytes
 *     k 1: ...
 *
 * Each output is one FMA chain in ascending k from zero, on every CPU and beside
 * any neighbours. The second backend gives the matrix to OpenBLAS instead, which
 * wants the rows as they were: its "panels" are 16 rows one after the other. */
#include "infer/quant/f32.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

float format_half(const void *bytes)
{
    const unsigned char *b = bytes;
    uint32_t half = (uint32_t)b[0] | (uint32_t)b[1] << 8;
    uint32_t sign = (half & 0x8000) << 16, exponent = half >> 10 & 31,
             part = half & 1023;
    uint32_t bits = sign | (exponent + 112) << 23 | part << 13;
    float value;

    if (exponent == 0) /* zero or subnormal: part * 2^-24 */
        return (sign ? -0x1p-24f : 0x1p-24f) * (float)part;
    if (exponent == 31)
        bits = sign | 0x7f800000 | part << 13;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void read_f32(float *out, const void *row, size_t count)
{
    memcpy(out, row, count * sizeof *out);
}

static void read_f16(float *out, const void *row, size_t count)
{
    const unsigned char *half = row;

    for (size_t i = 0; i < count; i++)
        out[i] = format_half(half + 2 * i);
}

static void read_bf16(float *out, const void *row, size_t count)
{
    const unsigned char *half = row;

    for (size_t i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)half[2 * i] << 16 | (uint32_t)half[2 * i + 1] << 24;
        memcpy(out + i, &bits, sizeof bits);
    }
}

static size_t panel_bytes(const struct format *format, size_t depth)
{
    (void)format;
    return depth * PANEL_ROWS * sizeof(float);
}

void f32_panel(float *panel, const float *row, size_t row_stride, size_t rows,
               size_t depth)
{
    for (size_t k = 0; k < depth; k++) {
        for (size_t j = 0; j < rows; j++)
            panel[k * PANEL_ROWS + j] = row[j * row_stride + k];
        for (size_t j = rows; j < PANEL_ROWS; j++)
            panel[k * PANEL_ROWS + j] = 0;
    }
}

/* Rows are widened a piece at a time, so that no row has to fit on the stack. */
static bool pack(void *panel, const struct format *format, const void *row,
                 size_t row_bytes, size_t rows, size_t depth)
{
    enum { PIECE = 64 };
    const size_t value_bytes = gguf_block_bytes(format->type);
    float piece[PIECE], *to = panel;
    bool finite = true;

    memset(panel, 0, panel_bytes(format, depth));
    for (size_t r = 0; r < rows; r++) {
        const char *from = (const char *)row + r * row_bytes;
        for (size_t k = 0; k < depth; k++) {
            size_t at = k % PIECE, left = depth - k;
            if (at == 0)
                format->read(piece, from + k * value_bytes,
                             left < PIECE ? left : PIECE);
            finite = finite && isfinite(piece[at]);
            to[k * PANEL_ROWS + r] = piece[at];
        }
    }
    return finite;
}

void f32_product_scalar(const struct f32_product *p)
{
    for (size_t i = 0; i < p->rows; i++) {
        const float *a = p->a + i * p->a_stride;
        for (size_t j = 0; j < p->panels * PANEL_ROWS; j++) {
            const float *b = p->b + j / PANEL_ROWS * p->b_panel + j % PANEL_ROWS;
            float *c = p->c + i * p->c_stride + j, sum = p->resume ? *c : 0;
            for (size_t k = 0; k < p->depth; k++)
                sum = fmaf(a[k], b[k * p->b_step], sum);
            *c = sum;
        }
    }
}

static struct f32_product weights_product(const struct product *p)
{
    return (struct f32_product){.c = p->c,
                                .c_stride = p->c_stride,
                                .a = p->a.x,
                                .a_stride = p->a.x_stride,
                                .b = p->panel,
                                .b_step = PANEL_ROWS,
                                .b_panel = p->panel_bytes / sizeof(float),
                                .rows = p->rows,
                                .panels = p->panels,
                                .depth = p->depth};
}

static void multiply_scalar(const struct product *p)
{
    struct f32_product product = weights_product(p);
    f32_product_scalar(&product);
}

#ifdef __x86_64__
static void multiply_avx2(const struct product *p)
{
    struct f32_product product = weights_product(p);
    f32_product_avx2(&product);
}

static void multiply_avx512(const struct product *p)
{
    struct f32_product product = weights_product(p);
    f32_product_avx512(&product);
}
#endif

static bool pack_rows(void *panel, const struct format *format, const void *row,
                      size_t row_bytes, size_t rows, size_t depth)
{
    float *to = panel;
    bool finite = true;

    memset(panel, 0, panel_bytes(format, depth));
    for (size_t r = 0; r < rows; r++, to += depth) {
        format->read(to, (const char *)row + r * row_bytes, depth);
        for (size_t k = 0; k < depth; k++)
            finite = finite && isfinite(to[k]);
    }
    return finite;
}

static void multiply_blas(const struct product *p)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)p->rows,
                (blasint)(p->panels * PANEL_ROWS), (blasint)p->depth, 1, p->a.x,
                (blasint)p->a.x_stride, p->panel, (blasint)p->depth, 0, p->c,
                (blasint)p->c_stride);
}

static const struct kernel *kernel(const struct infer_options *options)
{
    static const struct kernel blas = {ACTIVATION_FLOAT, panel_bytes, pack_rows,
                                       multiply_blas};
    static const struct kernel table[CPU_ISA_COUNT] = {
        [INFER_ISA_SCALAR] = {ACTIVATION_FLOAT, panel_bytes, pack, multiply_scalar},
#ifdef __x86_64__
        [INFER_ISA_AVX2] = {ACTIVATION_FLOAT, panel_bytes, pack, multiply_avx2},
        [INFER_ISA_AVXVNNI] = {ACTIVATION_FLOAT, panel_bytes, pack, multiply_avx2},
        [INFER_ISA_AVX512] = {ACTIVATION_FLOAT, panel_bytes, pack, multiply_avx512},
#endif
    };
    return options->float_backend == INFER_FLOAT_BLAS ? &blas : &table[options->isa];
}

const struct format format_f32 = {.type = GGUF_F32, .read = read_f32, .kernel = kernel};
const struct format format_f16 = {.type = GGUF_F16, .read = read_f16, .kernel = kernel};
const struct format format_bf16 = {
    .type = GGUF_BF16, .read = read_bf16, .kernel = kernel};

const char *infer_libraries(void)
{
    return openblas_get_config();
}
