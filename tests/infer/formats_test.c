/* Every quantised format: its values, and its products to the last bit.
 *
 * Products are held to a plain reading of their definition; each instruction set
 * and each width of activations must give the same bits, for any number of rows. */
#include "infer/matmul.h"
#include "infer/ops.h"
#include "infer/quant/q8_0.h"
#include "infer/quant/quant.h"
#include "tests/infer/bert.h"
#include "tests/infer/kernel.h"

enum { PANELS = 3, OUTPUTS = PANELS * PANEL_ROWS - 5, ROWS = 100, DEPTH_MAX = 768 };

static const struct quantised {
    const struct format *format;
    const char *name;
    uint64_t digest; /* of the values of 16 blocks of random bytes */
} formats[] = {
    {&format_q4_0, "Q4_0", 0x78b820de36dda89d},
    {&format_q4_1, "Q4_1", 0x505d9efc0ccc7b17},
    {&format_q5_0, "Q5_0", 0x299cae712b88d862},
    {&format_q5_1, "Q5_1", 0x31de3011bd44b631},
    {&format_q2_k, "Q2_K", 0xfdaca3c842894757},
    {&format_q3_k, "Q3_K", 0xe46e54647c4d24a0},
    {&format_q4_k, "Q4_K", 0xa914370d7cf0b69b},
    {&format_q5_k, "Q5_K", 0xff46158de17b1753},
    {&format_q6_k, "Q6_K", 0x48100e7abb8e3b34},
    {&format_iq4_nl, "IQ4_NL", 0x5228ac050379abd},
    {&format_iq4_xs, "IQ4_XS", 0x5d8cd15c74d77c00},
};

enum { FORMATS = sizeof formats / sizeof *formats };

/* ---- blocks of random bytes --------------------------------------------------- */

enum scales {
    CALM, /* of ordinary size */
    WILD, /* any finite half, and extreme codes */
    ANY   /* as the bytes fall */
};

/* Blocks lend pointers to what may not be written in production. */
static void set_half(const unsigned char *at, uint16_t half)
{
    put_half((unsigned char *)(uintptr_t)at, half);
}

static uint16_t some_half(enum scales scales, uint64_t random)
{
    uint16_t half = (uint16_t)(random >> 20);

    if (scales == CALM)
        return (uint16_t)(0x1400 + half % 0x800 + (half & 0x8000));
    return (half & 0x7c00) == 0x7c00 ? (uint16_t)(half & 0x83ff) : half;
}

static void fill_blocks(const struct quant *quant, unsigned char *bytes, size_t blocks,
                        enum scales scales, uint64_t *seed)
{
    for (size_t b = 0; b < blocks; b++, bytes += quant->bytes) {
        const uint64_t kind = scales == WILD ? bert_random(seed) >> 62 : 3;
        struct quant_block block = {.m = NULL};
        for (size_t i = 0; i < quant->bytes; i++) {
            const unsigned char any = (unsigned char)(bert_random(seed) >> 40);
            bytes[i] = kind == 0 ? 0 : kind == 1 ? 0xff : any;
        }
        quant->take(&block, bytes);
        if (scales == ANY)
            continue;
        set_half(block.d, some_half(scales, bert_random(seed)));
        if (quant->minima)
            set_half(block.m, some_half(scales, bert_random(seed)));
    }
}

/* ---- values ------------------------------------------------------------------- */

static void values_are_those_written_down(void **state)
{
    (void)state;
    for (size_t f = 0; f < FORMATS; f++) {
        const struct quant *quant = formats[f].format->quant;
        unsigned char bytes[16 * 256];
        float values[16 * QUANT_BLOCK_MAX];
        uint64_t seed = 5, digest;
        fill_blocks(quant, bytes, 16, WILD, &seed);
        formats[f].format->read(values, bytes, 16 * quant->values);
        digest = bert_digest(values, 16 * quant->values * sizeof *values);
        if (digest != formats[f].digest)
            fail_msg("%s: digest %#llx", formats[f].name, (unsigned long long)digest);
    }
}

static void a_part_of_a_block_can_be_read(void **state)
{
    (void)state;
    for (size_t f = 0; f < FORMATS; f++) {
        const struct quant *quant = formats[f].format->quant;
        unsigned char bytes[2 * 256];
        float all[2 * QUANT_BLOCK_MAX], part[2 * QUANT_BLOCK_MAX];
        uint64_t seed = 6;
        fill_blocks(quant, bytes, 2, CALM, &seed);
        formats[f].format->read(all, bytes, 2 * quant->values);
        part[quant->values + 5] = 77;
        formats[f].format->read(part, bytes, quant->values + 5);
        kernel_equal(part, all, quant->values + 5, formats[f].name, 0);
        assert_true(part[quant->values + 5] == 77);
    }
}

#define BLOCKS "../shared/corpus/fixtures/blocks/"

static size_t file_bytes(const char *name, const char *suffix, void *out, size_t most)
{
    char path[128];
    size_t count;

    snprintf(path, sizeof path, BLOCKS "%s.%s", name, suffix);
    FILE *f = fopen(path, "rb");
    if (!f) {
        print_message("%s is not there\n", path);
        skip();
    }
    count = fread(out, 1, most, f);
    fclose(f);
    return count;
}

static void compare_file(const struct format *format, const char *name)
{
    static unsigned char raw[8192];
    static float expected[8192], values[8192];
    const size_t bytes = file_bytes(name, "raw", raw, sizeof raw);
    const size_t count = file_bytes(name, "f32", expected, sizeof expected) / 4;

    assert_int_equal(bytes / gguf_block_bytes(format->type) *
                         gguf_block_values(format->type),
                     count);
    format->read(values, raw, count);
    kernel_equal(values, expected, count, name, 0);
}

static void values_are_those_of_other_readers(void **state)
{
    (void)state;
    for (size_t f = 0; f < FORMATS; f++)
        compare_file(formats[f].format, formats[f].name);
    compare_file(format_find(GGUF_F16), "F16");
    compare_file(format_find(GGUF_BF16), "BF16");
    compare_file(format_find(GGUF_Q8_0), "Q8_0");
}

static void the_description_agrees_with_the_containers(void **state)
{
    (void)state;
    for (size_t f = 0; f < FORMATS; f++) {
        const struct format *format = formats[f].format;
        assert_int_equal(format->quant->bytes, gguf_block_bytes(format->type));
        assert_int_equal(format->quant->values, gguf_block_values(format->type));
        assert_string_equal(formats[f].name, gguf_type_name(format->type));
        assert_ptr_equal(format_find(format->type), format);
    }
}

/* ---- products ----------------------------------------------------------------- */

struct operands {
    const struct format *format;
    size_t depth, row_bytes;
    unsigned char *file;
    int16_t *q;
    uint8_t *q8;
    float *scale, *sum, *c, *expected;
    struct matrix matrix;
};

static void fill_rows(struct operands *o, int limit, bool wild, uint64_t seed)
{
    for (size_t i = 0; i < ROWS * o->depth; i++) {
        int32_t value = (int32_t)(bert_random(&seed) >> 33) % (limit + 1);
        const bool minus = bert_random(&seed) >> 63;
        value = wild ? limit : value;
        o->q[i] = (int16_t)(minus ? -value : value);
        o->q8[i] = (uint8_t)(o->q[i] + 128);
    }
    if (wild) /* a row of one sign has the largest sums */
        for (size_t i = 0; i < o->depth; i++) {
            o->q[i] = (int16_t)limit;
            o->q8[i] = (uint8_t)(limit + 128);
        }
    for (size_t i = 0; i < ROWS * o->depth / 32; i++)
        o->scale[i] = wild && i % 7 == 3 ? 0 : bert_random_float(&seed, 1) + 2;
    ops_scalar.sums(o->sum, o->q, ROWS * o->depth);
}

static struct operands *operands_new(const struct format *format, int limit, bool wild)
{
    struct operands *o = calloc(1, sizeof *o);
    const struct quant *quant = format->quant;
    uint64_t seed = 99;

    assert_non_null(o);
    o->format = format;
    o->depth = quant->values == QUANT_BLOCK_MAX ? DEPTH_MAX : QUANT_PIECE + 96;
    o->row_bytes = o->depth / quant->values * quant->bytes;
    o->file = malloc(OUTPUTS * o->row_bytes);
    o->q = malloc(ROWS * o->depth * sizeof *o->q);
    o->q8 = malloc(ROWS * o->depth);
    o->scale = malloc(ROWS * o->depth / 32 * sizeof(float));
    o->sum = malloc(ROWS * o->depth / 16 * sizeof(float));
    o->c = kernel_floats(ROWS * PANELS * PANEL_ROWS);
    o->expected = kernel_floats(ROWS * PANELS * PANEL_ROWS);
    fill_blocks(quant, o->file, OUTPUTS * o->row_bytes / quant->bytes,
                wild ? WILD : CALM, &seed);
    fill_rows(o, limit, wild, seed);
    return o;
}

static void operands_free(struct operands *o)
{
    free(o->file);
    free(o->q);
    free(o->q8);
    free(o->scale);
    free(o->sum);
    free(o->c);
    free(o->expected);
    free(o->matrix.panel);
    free(o);
}

static int load(struct operands *o, enum infer_isa isa, int bits,
                struct infer_error *err)
{
    const struct gguf_tensor tensor = {.name = "blk.0.ffn_up.weight",
                                       .type = o->format->type,
                                       .dim = {o->depth, OUTPUTS, 1, 1},
                                       .rows = OUTPUTS,
                                       .data = o->file,
                                       .bytes = OUTPUTS * o->row_bytes};
    const struct infer_options options = {.isa = isa, .activations_bits = bits};

    free(o->matrix.panel);
    assert_int_equal(matrix_plan(&o->matrix, &tensor, &options, NULL), 0);
    o->matrix.panel = kernel_floats(matrix_bytes(&o->matrix) / sizeof(float));
    return matrix_load(&o->matrix, &tensor, err);
}

static void multiply(struct operands *o, float *c, size_t first, size_t rows,
                     size_t panel, size_t panels)
{
    struct activations a = {.q = o->q + first * o->depth,
                            .scale = o->scale + first * o->depth / 32,
                            .sum = o->sum + first * o->depth / 16,
                            .q_stride = o->depth,
                            .scale_stride = o->depth / 32};

    if (o->matrix.kernel->activations == ACTIVATION_BYTE)
        a.q8 = o->q8 + first * o->depth;
    matrix_multiply(&o->matrix, c, PANELS * PANEL_ROWS, &a, rows, panel, panels);
}

/* Written from the definition, with 64-bit integers: no kernel is asked. */
static float defined(const struct operands *o, size_t row, size_t output)
{
    const struct quant *quant = o->format->quant;
    const unsigned char *from = o->file + output * o->row_bytes;
    struct quant_block block = {.m = NULL};
    float all = 0;

    for (size_t k = 0; k < o->depth; k += quant->group) {
        const size_t at = k % quant->values, g = at / quant->group;
        const float scale = o->scale[(row * o->depth + k) / 32];
        int64_t dot = 0, sum = 0;
        if (at == 0) {
            quant->take(&block, from);
            from += quant->bytes;
        }
        for (size_t i = 0; i < quant->group; i++) {
            const int64_t q = o->q[row * o->depth + k + i];
            const int code = block.code[at + i];
            dot += q * (quant->table ? quant->table[code] : code - quant->offset);
            sum += q;
        }
        float d = (float)half_value(block.d);
        d = quant->coded ? d * (float)block.scale[g] : d;
        all = fmaf((float)dot, d * scale, all);
        if (!quant->minima)
            continue;
        float m = (float)half_value(block.m);
        m = quant->coded ? -(m * (float)block.minimum[g]) : m;
        all = fmaf((float)sum, m * scale, all);
    }
    return all;
}

static void fill_expected(struct operands *o)
{
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < PANELS * PANEL_ROWS; j++)
            o->expected[i * PANELS * PANEL_ROWS + j] =
                j < OUTPUTS ? defined(o, i, j) : 0;
}

/* Rows that were not asked for must keep their NaN. */
static void compare_rows(struct operands *o, const char *what)
{
    const size_t stride = PANELS * PANEL_ROWS;

    for (size_t rows = 1; rows <= ROWS; rows = rows == 17 ? ROWS : rows + 1) {
        for (size_t i = 0; i < ROWS * stride; i++)
            o->c[i] = NAN;
        multiply(o, o->c, ROWS - rows, rows, 0, PANELS);
        kernel_equal(o->c, o->expected + (ROWS - rows) * stride, rows * stride, what,
                     rows);
        for (size_t i = rows * stride; i < ROWS * stride; i++)
            assert_true(isnan(o->c[i]));
    }
}

static void a_product_is_its_definition_everywhere(void **state)
{
    (void)state;
    for (size_t f = 0; f < FORMATS; f++)
        for (int bits = 8; bits <= 16; bits += 8)
            for (int wild = 0; wild < 2; wild++) {
                struct operands *o =
                    operands_new(formats[f].format, bits == 8 ? 127 : 32767, wild);
                fill_expected(o);
                for (int isa = INFER_ISA_SCALAR; isa < CPU_ISA_COUNT; isa++) {
                    if (!cpu_has((enum infer_isa)isa))
                        continue;
                    assert_int_equal(load(o, (enum infer_isa)isa, bits, NULL), 0);
                    compare_rows(o, formats[f].name);
                }
                operands_free(o);
            }
}

/* All rows are the same one, by strides of nothing. */
static void rows_beyond_those_on_the_stack_are_multiplied(void **state)
{
    enum { MANY = QUANT_ROWS_MOST + 3, COLUMNS = PANELS * PANEL_ROWS };

    (void)state;
    for (int bits = 8; bits <= 16; bits += 8)
        for (int isa = INFER_ISA_SCALAR + 1; isa < CPU_ISA_COUNT; isa++) {
            if (!cpu_has((enum infer_isa)isa))
                continue;
            struct operands *o = operands_new(&format_q5_k, 127, false);
            float *c = kernel_floats(MANY * COLUMNS);
            fill_expected(o);
            assert_int_equal(load(o, (enum infer_isa)isa, bits, NULL), 0);
            struct activations a = {.q = o->q, .scale = o->scale, .sum = o->sum};
            if (o->matrix.kernel->activations == ACTIVATION_BYTE)
                a.q8 = o->q8;
            matrix_multiply(&o->matrix, c, COLUMNS, &a, MANY, 0, PANELS);
            for (size_t i = 0; i < MANY; i++)
                kernel_equal(c + i * COLUMNS, o->expected, COLUMNS, "row", i);
            free(c);
            operands_free(o);
        }
}

static void a_range_of_panels_is_its_part_of_the_whole(void **state)
{
    (void)state;
    for (size_t f = 0; f < FORMATS; f++) {
        struct operands *o = operands_new(formats[f].format, 127, false);
        const size_t stride = PANELS * PANEL_ROWS;
        fill_expected(o);
        for (int isa = INFER_ISA_SCALAR; isa < CPU_ISA_COUNT; isa++) {
            if (!cpu_has((enum infer_isa)isa))
                continue;
            assert_int_equal(load(o, (enum infer_isa)isa, 8, NULL), 0);
            multiply(o, o->c, 0, 9, 1, 1);
            for (size_t i = 0; i < 9; i++)
                kernel_equal(o->c + i * stride, o->expected + i * stride + PANEL_ROWS,
                             PANEL_ROWS, formats[f].name, i);
        }
        operands_free(o);
    }
}

static void a_nan_scale_spoils_its_row_alone(void **state)
{
    (void)state;
    for (size_t f = 0; f < FORMATS; f++)
        for (int isa = INFER_ISA_SCALAR; isa < CPU_ISA_COUNT; isa++) {
            if (!cpu_has((enum infer_isa)isa))
                continue;
            struct operands *o = operands_new(formats[f].format, 32767, false);
            o->scale[4 * o->depth / 32 + 1] = NAN;
            assert_int_equal(load(o, (enum infer_isa)isa, 16, NULL), 0);
            multiply(o, o->c, 0, 9, 0, PANELS);
            for (size_t i = 0; i < 9; i++)
                for (size_t j = 0; j < OUTPUTS; j++)
                    assert_int_equal(isnan(o->c[i * PANELS * PANEL_ROWS + j]) != 0,
                                     i == 4);
            operands_free(o);
        }
}

static void expect_load(struct operands *o, int expected)
{
    struct infer_error err;

    for (int isa = INFER_ISA_SCALAR; isa < CPU_ISA_COUNT; isa++)
        for (int bits = 8; bits <= 16; bits += 8) {
            if (!cpu_has((enum infer_isa)isa))
                continue;
            assert_int_equal(load(o, (enum infer_isa)isa, bits, &err), expected);
            if (expected)
                assert_non_null(strstr(err.text, "rows 16 to 31"));
        }
}

static void scales_and_minima_that_are_not_finite_are_told(void **state)
{
    static const uint16_t infinite = 0x7c00, nan = 0xfe00, subnormal = 1;

    (void)state;
    for (size_t f = 0; f < FORMATS; f++) {
        struct operands *o = operands_new(formats[f].format, 127, false);
        const struct quant *quant = o->format->quant;
        struct quant_block block = {.m = NULL};
        quant->take(&block, o->file + 20 * o->row_bytes + quant->bytes);
        for (int minimum = 0; minimum <= quant->minima; minimum++) {
            const unsigned char *half = minimum ? block.m : block.d;
            set_half(half, infinite);
            expect_load(o, INFER_EFORMAT);
            set_half(half, nan);
            expect_load(o, INFER_EFORMAT);
            set_half(half, subnormal);
            expect_load(o, 0);
        }
        operands_free(o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_description_agrees_with_the_containers),
        cmocka_unit_test(values_are_those_written_down),
        cmocka_unit_test(values_are_those_of_other_readers),
        cmocka_unit_test(a_part_of_a_block_can_be_read),
        cmocka_unit_test(a_product_is_its_definition_everywhere),
        cmocka_unit_test(rows_beyond_those_on_the_stack_are_multiplied),
        cmocka_unit_test(a_range_of_panels_is_its_part_of_the_whole),
        cmocka_unit_test(a_nan_scale_spoils_its_row_alone),
        cmocka_unit_test(scales_and_minima_that_are_not_finite_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
