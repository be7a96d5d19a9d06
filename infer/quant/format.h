/* format - what the engine asks of a number format.
 *
 * A format is one struct of functions in one file, q8_0.c for Q8_0. At session
 * open a matrix is cut into panels of 16 rows (outputs), the last one filled up
 * with zeros, and repacked so that one activation feeds 16 outputs at once:
 *
 *     file    row 0 ........ k      panel 0 = rows 0..15    k 0: 16 outputs
 *             row 1 ........ k  =>                          k 1: 16 outputs
 *             ...                   panel 1 = rows 16..31   ...
 *
 * How a panel looks inside is the business of the kernel that reads it. */
#ifndef INFER_QUANT_FORMAT_H
#define INFER_QUANT_FORMAT_H

#include "infer/cpu.h"
#include "infer/model.h"

enum { PANEL_ROWS = 16, FORMAT_TILE_ROWS = 84 /* whole tiles of every kernel */ };

/* How a kernel wants its activations. */
enum activation_kind {
    ACTIVATION_FLOAT, /* x */
    ACTIVATION_INT16, /* q and scale, one scale for each block of 32 */
    ACTIVATION_BYTE   /* q8, which is the integer plus 128, and scale */
};

/* The rows a product reads. Strides count elements. sum holds the exact sums of
 * the integers, two for each block of 32, so its stride is twice that of the
 * scales; only formats with minima read it (format_sums). */
struct activations {
    const float *x;
    union {
        const int16_t *q;
        const uint8_t *q8;
    };
    const float *scale, *sum;
    size_t x_stride, q_stride, scale_stride;
};

struct format;

/* c[i][j] for rows rows and panels whole panels of 16 columns. */
struct product {
    const struct format *format;
    float *c;
    size_t c_stride;
    struct activations a;
    const void *panel;
    size_t panel_bytes;
    size_t rows, panels, depth; /* depth: length of a row of the matrix */
};

struct kernel {
    enum activation_kind activations;
    size_t (*panel_bytes)(const struct format *format, size_t depth);
    /* rows (at most 16) of row_bytes each become one panel. False when a weight
     * or a scale is not finite. */
    bool (*pack)(void *panel, const struct format *format, const void *row,
                 size_t row_bytes, size_t rows, size_t depth);
    void (*multiply)(const struct product *product);
};

struct quant; /* quant.h */

struct format {
    enum gguf_type type;
    const struct quant *quant; /* how blocks are made; NULL for plain numbers */
    void (*read)(float *out, const void *row, size_t count); /* dequantise */
    /* the kernel for options in which nothing is left to choose */
    const struct kernel *(*kernel)(const struct infer_options *options);
};

/* NULL when the type is not served */
const struct format *format_find(enum gguf_type type);

/* Whether products of this format read the sums of the activations. */
bool format_sums(const struct format *format);

/* An IEEE half as stored in a file, little-endian. */
float format_half(const void *bytes);

#endif
