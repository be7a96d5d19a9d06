/* f32.avx512 - the float tile of AVX-512: up to 12 rows by 32 columns.
 *
 * 24 accumulators, two registers of b and one broadcast of a: 27 of 32 registers.
 * For each k every row costs one broadcast and two FMAs, whose chains are
 * independent, so both FMA units stay busy. */
#include "infer/quant/f32.h"
#include "infer/simd.h"

enum { ROWS = 12, WIDTH = 2 };

/* rows and panels are constants wherever this is expanded. */
SIMD_INLINE void tile(const struct f32_product *p, size_t row, size_t panel, int rows,
                      int panels)
{
    const float *a = p->a + row * p->a_stride, *b = p->b + panel * p->b_panel;
    float *c = p->c + row * p->c_stride + panel * PANEL_ROWS;
    __m512 sum[ROWS][WIDTH];

    SIMD_UNROLL
    for (int i = 0; i < rows * panels; i++) {
        const float *from = c + (size_t)(i / panels) * p->c_stride + 16 * (i % panels);
        sum[i / panels][i % panels] =
            p->resume ? _mm512_loadu_ps(from) : _mm512_setzero_ps();
    }
    for (size_t k = 0; k < p->depth; k++, b += p->b_step) {
        __m512 column[WIDTH];
        SIMD_UNROLL
        for (int j = 0; j < panels; j++)
            column[j] = _mm512_loadu_ps(b + (size_t)j * p->b_panel);
        SIMD_UNROLL
        for (int i = 0; i < rows; i++) {
            const __m512 x = _mm512_set1_ps(a[(size_t)i * p->a_stride + k]);
            SIMD_UNROLL
            for (int j = 0; j < panels; j++)
                sum[i][j] = _mm512_fmadd_ps(x, column[j], sum[i][j]);
        }
    }
    SIMD_UNROLL
    for (int i = 0; i < rows * panels; i++)
        _mm512_storeu_ps(c + (size_t)(i / panels) * p->c_stride + 16 * (i % panels),
                         sum[i / panels][i % panels]);
}

/* Seven and three rows are groups of heads in models that people use. */
SIMD_INLINE void strip(const struct f32_product *p, size_t panel, int panels)
{
    size_t i = 0;

    for (; p->rows - i >= ROWS; i += ROWS)
        tile(p, i, panel, ROWS, panels);
    for (; p->rows - i >= 8; i += 8)
        tile(p, i, panel, 8, panels);
    for (; p->rows - i >= 7; i += 7)
        tile(p, i, panel, 7, panels);
    for (; p->rows - i >= 4; i += 4)
        tile(p, i, panel, 4, panels);
    for (; p->rows - i >= 3; i += 3)
        tile(p, i, panel, 3, panels);
    for (; p->rows - i >= 1; i++)
        tile(p, i, panel, 1, panels);
}

void f32_product_avx512(const struct f32_product *p)
{
    size_t panel = 0;

    for (; p->panels - panel >= WIDTH; panel += WIDTH)
        strip(p, panel, WIDTH);
    if (panel < p->panels)
        strip(p, panel, 1);
}
