/* Q8_0: exact integers inside a block, one FMA a block, the same bits everywhere. */
#include "infer/quant/q8_0.h"

#include "infer/ops.h"
#include "tests/infer/bert.h"
#include "tests/infer/kernel.h"

enum {
    DEPTH = 96,
    BLOCKS = DEPTH / 32,
    ROW_BYTES = BLOCKS * 34,
    OUTPUTS = 80,
    ROWS = 30,
    C_STRIDE = 96
};

struct operands {
    unsigned char file[OUTPUTS * ROW_BYTES];
    int16_t q[ROWS * DEPTH];
    uint8_t q8[ROWS * DEPTH];
    float scale[ROWS * BLOCKS];
    unsigned char *panel;
    size_t panel_bytes;
    float *c, *expected;
};

static void put_scale(unsigned char *block, uint16_t half)
{
    block[0] = (unsigned char)half;
    block[1] = (unsigned char)(half >> 8);
}

/* wild: extremes of everything, scales of any sixteen bits */
static void fill(struct operands *o, int limit, bool wild, uint64_t seed)
{
    static const int8_t ends[] = {-128, 127, -127, 0};

    for (size_t i = 0; i < OUTPUTS * BLOCKS; i++) {
        unsigned char *block = o->file + i * 34;
        uint64_t r = bert_random(&seed);
        put_scale(block, wild ? (uint16_t)r : (uint16_t)(0x1400 + r % 0x800));
        for (size_t j = 0; j < 32; j++) {
            r = bert_random(&seed);
            block[2 + j] =
                wild ? (unsigned char)ends[r >> 62] : (unsigned char)(r >> 56);
        }
    }
    for (size_t i = 0; i < ROWS * DEPTH; i++) {
        int32_t value = (int32_t)(bert_random(&seed) >> 33) % (limit + 1);
        bool minus = bert_random(&seed) >> 63;
        value = wild ? limit : value;
        o->q[i] = (int16_t)(minus ? -value : value);
        o->q8[i] = (uint8_t)(o->q[i] + 128);
    }
    for (size_t i = 0; i < ROWS * BLOCKS; i++)
        o->scale[i] = bert_random_float(&seed, 1) + 2;
}

static const struct kernel *kernel_of(enum infer_isa isa, int bits)
{
    const struct infer_options o = {.isa = isa, .activations_bits = bits};
    return format_q8_0.kernel(&o);
}

static bool pack(struct operands *o, const struct kernel *kernel)
{
    bool finite = true;

    o->panel_bytes = kernel->panel_bytes(&format_q8_0, DEPTH);
    o->panel = realloc(o->panel, o->panel_bytes * (OUTPUTS / 16));
    assert_non_null(o->panel);
    for (size_t i = 0; i < OUTPUTS / 16; i++)
        finite &= kernel->pack(o->panel + i * o->panel_bytes, &format_q8_0,
                               o->file + i * 16 * ROW_BYTES, ROW_BYTES, 16, DEPTH);
    return finite;
}

static void multiply(struct operands *o, const struct kernel *kernel, float *c,
                     size_t first, size_t rows, size_t panels)
{
    struct product p = {.c = c,
                        .c_stride = C_STRIDE,
                        .a = {.q = o->q + first * DEPTH,
                              .q_stride = DEPTH,
                              .scale = o->scale + first * BLOCKS,
                              .scale_stride = BLOCKS},
                        .panel = o->panel,
                        .panel_bytes = o->panel_bytes,
                        .rows = rows,
                        .panels = panels,
                        .depth = DEPTH};
    if (kernel->activations == ACTIVATION_BYTE)
        p.a.q8 = o->q8 + first * DEPTH;
    kernel->multiply(&p);
}

static struct operands *operands_new(int limit, bool wild)
{
    struct operands *o = calloc(1, sizeof *o);

    assert_non_null(o);
    fill(o, limit, wild, 77);
    o->c = kernel_floats(ROWS * C_STRIDE);
    o->expected = kernel_floats(ROWS * C_STRIDE);
    return o;
}

static void operands_free(struct operands *o)
{
    free(o->panel);
    free(o->c);
    free(o->expected);
    free(o);
}

/* Written from the definition, with 64-bit integers: no kernel is asked. */
static float defined(const struct operands *o, size_t row, size_t output)
{
    float sum = 0;

    for (size_t b = 0; b < BLOCKS; b++) {
        const unsigned char *block = o->file + output * ROW_BYTES + b * 34;
        int64_t dot = 0;
        for (size_t i = 0; i < 32; i++)
            dot += (int64_t)(int8_t)block[2 + i] * o->q[row * DEPTH + b * 32 + i];
        float factor = (float)half_value(block) * o->scale[row * BLOCKS + b];
        sum = fmaf((float)dot, factor, sum);
    }
    return sum;
}

static void the_reference_is_the_definition(void **state)
{
    (void)state;
    for (int wild = 0; wild < 2; wild++) {
        struct operands *o = operands_new(32767, wild);
        const struct kernel *kernel = kernel_of(INFER_ISA_SCALAR, 16);
        pack(o, kernel);
        multiply(o, kernel, o->c, 0, ROWS, OUTPUTS / 16);
        for (size_t i = 0; i < ROWS; i++)
            for (size_t j = 0; j < OUTPUTS; j++)
                o->expected[i * C_STRIDE + j] = defined(o, i, j);
        kernel_equal(o->c, o->expected, ROWS * C_STRIDE, "definition", 0);
        operands_free(o);
    }
}

static void compare(enum infer_isa isa, int limit, bool wild)
{
    struct operands *o = operands_new(limit, wild);
    const struct kernel *kernel = kernel_of(isa, limit > 127 ? 16 : 8);

    for (size_t rows = 1; rows <= ROWS; rows++)
        for (size_t panels = 1; panels <= OUTPUTS / 16; panels++) {
            pack(o, kernel_of(INFER_ISA_SCALAR, 16));
            multiply(o, kernel_of(INFER_ISA_SCALAR, 16), o->expected, 0, rows, panels);
            pack(o, kernel);
            multiply(o, kernel, o->c, 0, rows, panels);
            kernel_equal(o->c, o->expected, ROWS * C_STRIDE, "rows", rows);
        }
    operands_free(o);
}

static void every_shape_has_the_same_bits_everywhere(void **state)
{
    (void)state;
    for (const enum infer_isa *isa = kernel_sets(); *isa; isa++)
        for (int wild = 0; wild < 2; wild++) {
            compare(*isa, 32767, wild);
            compare(*isa, 127, wild);
        }
}

static void a_row_has_the_same_bits_beside_any_others(void **state)
{
    (void)state;
    for (int isa = INFER_ISA_SCALAR; isa < CPU_ISA_COUNT; isa++) {
        if (!cpu_has((enum infer_isa)isa))
            continue;
        struct operands *o = operands_new(32767, false);
        const struct kernel *kernel = kernel_of((enum infer_isa)isa, 16);
        pack(o, kernel);
        multiply(o, kernel, o->c, 0, ROWS, OUTPUTS / 16);
        for (size_t i = 0; i < ROWS; i++) {
            multiply(o, kernel, o->expected, i, 1, OUTPUTS / 16);
            kernel_equal(o->c + i * C_STRIDE, o->expected, OUTPUTS, "row", i);
        }
        operands_free(o);
    }
}

static void a_nan_scale_spoils_its_row_alone(void **state)
{
    (void)state;
    for (int isa = INFER_ISA_SCALAR; isa < CPU_ISA_COUNT; isa++) {
        if (!cpu_has((enum infer_isa)isa))
            continue;
        struct operands *o = operands_new(32767, false);
        const struct kernel *kernel = kernel_of((enum infer_isa)isa, 16);
        o->scale[4 * BLOCKS + 1] = NAN;
        pack(o, kernel);
        multiply(o, kernel, o->c, 0, ROWS, OUTPUTS / 16);
        for (size_t i = 0; i < ROWS; i++)
            for (size_t j = 0; j < OUTPUTS; j++)
                assert_int_equal(isnan(o->c[i * C_STRIDE + j]) != 0, i == 4);
        operands_free(o);
    }
}

static void scales_that_are_not_finite_are_told(void **state)
{
    (void)state;
    for (int isa = INFER_ISA_SCALAR; isa < CPU_ISA_COUNT; isa++) {
        if (!cpu_has((enum infer_isa)isa))
            continue;
        struct operands *o = operands_new(32767, false);
        const struct kernel *kernel = kernel_of((enum infer_isa)isa, 16);
        assert_true(pack(o, kernel));
        put_scale(o->file + 20 * ROW_BYTES + 34, 0x7c00); /* infinity */
        assert_false(pack(o, kernel));
        put_scale(o->file + 20 * ROW_BYTES + 34, 0xfe00); /* NaN */
        assert_false(pack(o, kernel));
        put_scale(o->file + 20 * ROW_BYTES + 34, 0x0001); /* subnormal: sound */
        assert_true(pack(o, kernel));
        operands_free(o);
    }
}

static void a_row_is_read_exactly(void **state)
{
    struct operands *o = operands_new(127, false);
    float out[DEPTH];

    (void)state;
    put_scale(o->file, 0x0003); /* a subnormal scale */
    format_q8_0.read(out, o->file, DEPTH);
    for (size_t i = 0; i < DEPTH; i++) {
        const unsigned char *block = o->file + i / 32 * 34;
        double expected = half_value(block) * (int8_t)block[2 + i % 32];
        assert_true((double)out[i] == expected);
    }
    operands_free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_is_the_definition),
        cmocka_unit_test(every_shape_has_the_same_bits_everywhere),
        cmocka_unit_test(a_row_has_the_same_bits_beside_any_others),
        cmocka_unit_test(a_nan_scale_spoils_its_row_alone),
        cmocka_unit_test(scales_that_are_not_finite_are_told),
        cmocka_unit_test(a_row_is_read_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
