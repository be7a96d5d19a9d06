/* The float tile: one FMA chain per output, whatever stands beside it. */
#include "infer/quant/f32.h"

#include <cblas.h>

#include "infer/ops.h"
#include "tests/infer/bert.h"
#include "tests/infer/kernel.h"

enum { PANELS_MOST = 5, ROWS_MOST = 40, DEPTH_MOST = 100 };

struct operands {
    float *a, *b, *c, *expected;
};

static void fill(float *x, size_t n, uint64_t seed, bool wild)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = bert_random_float(&seed, 2);
        if (wild && i % 37 == 5)
            x[i] *= 1e30f;
    }
}

static struct operands operands_new(bool wild)
{
    const size_t a = ROWS_MOST * DEPTH_MOST, b = PANELS_MOST * 16 * DEPTH_MOST;
    struct operands o = {kernel_floats(a), kernel_floats(b),
                         kernel_floats(ROWS_MOST * 96), kernel_floats(ROWS_MOST * 96)};

    fill(o.a, a, 1, wild);
    fill(o.b, b, 2, wild);
    fill(o.c, ROWS_MOST * 96, 3, false);
    memcpy(o.expected, o.c, ROWS_MOST * 96 * sizeof *o.c);
    return o;
}

static void operands_free(struct operands *o)
{
    free(o->a);
    free(o->b);
    free(o->c);
    free(o->expected);
}

static struct f32_product product_of(const struct operands *o, size_t rows,
                                     size_t panels, size_t depth)
{
    return (struct f32_product){.c = o->c,
                                .c_stride = 96,
                                .a = o->a,
                                .a_stride = DEPTH_MOST,
                                .b = o->b,
                                .b_step = 16,
                                .b_panel = 16 * depth,
                                .rows = rows,
                                .panels = panels,
                                .depth = depth,
                                .resume = depth % 2 == 0};
}

/* What lies beyond the product's rows and panels must stay as it was, too. */
static void compare(enum infer_isa isa, size_t rows, size_t panels, size_t depth)
{
    struct operands o = operands_new(rows % 3 == 0);
    struct f32_product p = product_of(&o, rows, panels, depth);

    ops_for(isa)->product(&p);
    p.c = o.expected;
    f32_product_scalar(&p);
    kernel_equal(o.c, o.expected, ROWS_MOST * 96, "product", rows * 1000 + depth);
    operands_free(&o);
}

static void every_shape_has_the_same_bits_everywhere(void **state)
{
    static const size_t depths[] = {1, 2, 3, 31, 32, 100};

    (void)state;
    for (const enum infer_isa *isa = kernel_sets(); *isa; isa++)
        for (size_t rows = 1; rows <= ROWS_MOST; rows++)
            for (size_t panels = 1; panels <= PANELS_MOST; panels++)
                compare(*isa, rows, panels, depths[(rows + panels) % 6]);
}

static void a_row_has_the_same_bits_beside_any_others(void **state)
{
    (void)state;
    for (int isa = INFER_ISA_SCALAR; isa < CPU_ISA_COUNT; isa++) {
        if (!cpu_has((enum infer_isa)isa))
            continue;
        struct operands o = operands_new(false);
        struct f32_product p = product_of(&o, ROWS_MOST, 5, 99);
        ops_for((enum infer_isa)isa)->product(&p);
        for (size_t row = 0; row < ROWS_MOST; row++) {
            struct f32_product one = product_of(&o, 1, 5, 99);
            one.c = o.expected;
            one.a += row * one.a_stride;
            ops_for((enum infer_isa)isa)->product(&one);
            kernel_equal(o.c + row * 96, o.expected, 80, "row", row);
        }
        operands_free(&o);
    }
}

static void panels_may_lie_side_by_side(void **state)
{
    struct operands o = operands_new(false);
    struct f32_product p = product_of(&o, 20, 2, 30);

    (void)state;
    p.b_step = 40; /* rows of 40 floats, of which 32 are used */
    p.b_panel = 16;
    for (const enum infer_isa *isa = kernel_sets(); *isa; isa++) {
        p.c = o.c;
        p.resume = false;
        ops_for(*isa)->product(&p);
        p.c = o.expected;
        f32_product_scalar(&p);
        kernel_equal(o.c, o.expected, ROWS_MOST * 96, "side by side", 0);
    }
    operands_free(&o);
}

static void a_chain_cut_in_two_resumes(void **state)
{
    struct operands o = operands_new(false);
    struct f32_product p = product_of(&o, 13, 3, 99);

    (void)state;
    for (const enum infer_isa *isa = kernel_sets(); *isa; isa++) {
        p = product_of(&o, 13, 3, 99);
        p.c = o.expected;
        ops_for(*isa)->product(&p);
        p.c = o.c;
        p.depth = 40;
        ops_for(*isa)->product(&p);
        p.depth = 59;
        p.resume = true;
        p.a += 40;
        p.b += 40 * 16;
        ops_for(*isa)->product(&p);
        for (size_t row = 0; row < 13; row++)
            kernel_equal(o.c + row * 96, o.expected + row * 96, 48, "cut", row);
    }
    operands_free(&o);
}

static void openblas_agrees(void **state)
{
    enum { ROWS = 37, COLUMNS = 48, DEPTH = 100 };
    struct operands o = operands_new(false);
    float *panels = kernel_floats(COLUMNS * DEPTH);
    struct f32_product p = product_of(&o, ROWS, COLUMNS / 16, DEPTH);

    (void)state;
    for (size_t i = 0; i < COLUMNS / 16; i++)
        f32_panel(panels + i * 16 * DEPTH, o.b + i * 16 * DEPTH, DEPTH, 16, DEPTH);
    p.b = panels;
    p.resume = false;
    f32_product_scalar(&p);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, ROWS, COLUMNS, DEPTH, 1, o.a,
                DEPTH_MOST, o.b, DEPTH, 0, o.expected, 96);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < COLUMNS; j++)
            assert_true(fabsf(o.c[i * 96 + j] - o.expected[i * 96 + j]) < 1e-4f);
    free(panels);
    operands_free(&o);
}

static void a_panel_is_filled_up_with_zeros(void **state)
{
    float row[3 * 5], panel[5 * 16];

    (void)state;
    for (size_t i = 0; i < 15; i++)
        row[i] = (float)i + 1;
    f32_panel(panel, row, 5, 3, 5);
    for (size_t k = 0; k < 5; k++)
        for (size_t j = 0; j < 16; j++)
            assert_true(panel[k * 16 + j] == (j < 3 ? row[j * 5 + k] : 0));
}

static void halves_are_read_exactly(void **state)
{
    (void)state;
    for (uint32_t half = 0; half < 0x10000; half++) {
        const unsigned char bytes[2] = {(unsigned char)half,
                                        (unsigned char)(half >> 8)};
        double expected = half_value(bytes);
        float value = format_half(bytes), read;
        format_f16.read(&read, bytes, 1);
        if (isnan(expected))
            assert_true(isnan(value) && isnan(read));
        else
            assert_true((double)value == expected && (double)read == expected);
        assert_int_equal(signbit(value) != 0, half >> 15);
    }
}

static void short_floats_are_read_exactly(void **state)
{
    const unsigned char bytes[6] = {0x80, 0x3f, 0x49, 0xc0, 0x80, 0x7f};
    float value[3];

    (void)state;
    format_bf16.read(value, bytes, 3);
    assert_true(value[0] == 1.0f && value[1] == -3.140625f && isinf(value[2]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape_has_the_same_bits_everywhere),
        cmocka_unit_test(a_row_has_the_same_bits_beside_any_others),
        cmocka_unit_test(panels_may_lie_side_by_side),
        cmocka_unit_test(a_chain_cut_in_two_resumes),
        cmocka_unit_test(openblas_agrees),
        cmocka_unit_test(a_panel_is_filled_up_with_zeros),
        cmocka_unit_test(halves_are_read_exactly),
        cmocka_unit_test(short_floats_are_read_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
