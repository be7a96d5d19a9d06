/* f32.avx2 - the float tile of AVX2: up to 6 rows by 16 columns.
 *
 * 12 accumulators, two registers of b and one broadcast of a: 15 of 16 registers. */
#include "infer/quant/f32.h"
#include "infer/simd.h"

enum { ROWS = 6 };

/* rows is a constant wherever this is expanded. */
SIMD_INLINE void tile(const struct f32_product *p, size_t row, size_t panel, int rows)
{
    const float *a = p->a + row * p->a_stride, *b = p->b + panel * p->b_panel;
    float *c = p->c + row * p->c_stride + panel * PANEL_ROWS;
    __m256 left[ROWS], right[ROWS];

    SIMD_UNROLL
    for (int i = 0; i < rows; i++) {
        const float *from = c + (size_t)i * p->c_stride;
        left[i] = p->resume ? _mm256_loadu_ps(from) : _mm256_setzero_ps();
        right[i] = p->resume ? _mm256_loadu_ps(from + 8) : _mm256_setzero_ps();
    }
    for (size_t k = 0; k < p->depth; k++, b += p->b_step) {
        const __m256 lo = _mm256_loadu_ps(b), hi = _mm256_loadu_ps(b + 8);
        SIMD_UNROLL
        for (int i = 0; i < rows; i++) {
            const __m256 x = _mm256_set1_ps(a[(size_t)i * p->a_stride + k]);
            left[i] = _mm256_fmadd_ps(x, lo, left[i]);
            right[i] = _mm256_fmadd_ps(x, hi, right[i]);
        }
    }
    SIMD_UNROLL
    for (int i = 0; i < rows; i++) {
        _mm256_storeu_ps(c + (size_t)i * p->c_stride, left[i]);
        _mm256_storeu_ps(c + (size_t)i * p->c_stride + 8, right[i]);
    }
}

/* Few sums at a time would wait for one another: seven rows are four and three, not
 * six and one. */
static void strip(const struct f32_product *p, size_t panel)
{
    size_t i = 0;

    for (; p->rows - i >= ROWS && p->rows - i != ROWS + 1; i += ROWS)
        tile(p, i, panel, ROWS);
    for (; p->rows - i >= 4; i += 4)
        tile(p, i, panel, 4);
    if (p->rows - i == 3)
        tile(p, i, panel, 3);
    else if (p->rows - i == 2)
        tile(p, i, panel, 2);
    else if (p->rows - i == 1)
        tile(p, i, panel, 1);
}

void f32_product_avx2(const struct f32_product *p)
{
    for (size_t panel = 0; panel < p->panels; panel++)
        strip(p, panel);
}
