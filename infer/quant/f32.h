/* f32 - products of floats: F32, F16 and BF16 weights, attention, similarity. */
#ifndef INFER_QUANT_F32_H
#define INFER_QUANT_F32_H

#include "infer/quant/format.h"

/* c[i][16 p + j] = sum over k, ascending, one FMA chain, of
 * a[i][k] * b[p * b_panel + k * b_step + j]. Strides count floats. Panels of
 * weights have b_step 16; rows that lie one below the other, as attention's
 * values do, have b_panel 16. Whole panels are written. */
struct f32_product {
    float *c;
    size_t c_stride;
    const float *a;
    size_t a_stride;
    const float *b;
    size_t b_step, b_panel;
    size_t rows, panels, depth;
    bool resume; /* the chains start from what c holds, not from zero */
};

void f32_product_scalar(const struct f32_product *p);
void f32_product_avx2(const struct f32_product *p);
void f32_product_avx512(const struct f32_product *p);

/* b[k][j] for up to 16 rows of depth floats, zeros beyond rows. */
void f32_panel(float *panel, const float *row, size_t row_stride, size_t rows,
               size_t depth);

extern const struct format format_f32, format_f16, format_bf16;

#endif
