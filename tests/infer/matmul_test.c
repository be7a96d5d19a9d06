/* Matrices of the file: which are served, how they are cut, what they compute. */
#include "infer/matmul.h"

#include "infer/ops.h"
#include "tests/infer/bert.h"
#include "tests/infer/kernel.h"

enum { DEPTH = 64, OUTPUTS = 40, ROWS = 25, COLUMNS = 48 };

static const struct gguf_tensor *tensor_of(struct bert_fixture *b, enum gguf_type type)
{
    *b = (struct bert_fixture){.state = 5};
    return add(b, "blk.0.ffn_up.weight", type, DEPTH, OUTPUTS);
}

static void load(struct matrix *m, const struct gguf_tensor *tensor, enum infer_isa isa,
                 enum infer_float_backend backend)
{
    const struct infer_options o = {
        .isa = isa, .activations_bits = 16, .float_backend = backend};

    assert_int_equal(matrix_plan(m, tensor, &o, NULL), 0);
    m->panel = kernel_floats(matrix_bytes(m) / sizeof(float));
    assert_int_equal(matrix_load(m, tensor, NULL), 0);
}

/* Rows of activations for either kind of format. */
static struct activations rows_of(float *x, int16_t *q, float *scale)
{
    uint64_t state = 9;

    for (size_t i = 0; i < ROWS * DEPTH; i++)
        x[i] = bert_random_float(&state, 1);
    ops_scalar.quantise(q, scale, x, ROWS * DEPTH, 32767);
    return (struct activations){.x = x,
                                .q = q,
                                .scale = scale,
                                .x_stride = DEPTH,
                                .q_stride = DEPTH,
                                .scale_stride = DEPTH / 32};
}

static void products_are_close_to_exact(enum gguf_type type,
                                        enum infer_float_backend backend)
{
    struct bert_fixture b;
    const struct gguf_tensor *tensor = tensor_of(&b, type);
    float x[ROWS * DEPTH], scale[ROWS * 2], *c = kernel_floats(ROWS * COLUMNS);
    int16_t q[ROWS * DEPTH];
    const struct activations a = rows_of(x, q, scale);
    double *w = bert_values(tensor);
    const double most = type == GGUF_Q8_0 ? 2e-4 : 2e-5;
    struct matrix m;

    load(&m, tensor, INFER_ISA_SCALAR, backend);
    assert_int_equal(m.panels, 3);
    matrix_multiply(&m, c, COLUMNS, &a, ROWS, 0, m.panels);
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < COLUMNS; j++) {
            double sum = 0;
            for (size_t k = 0; j < OUTPUTS && k < DEPTH; k++)
                sum += w[j * DEPTH + k] * (double)x[i * DEPTH + k];
            assert_true(fabs((double)c[i * COLUMNS + j] - sum) < most);
        }
    free(w);
    free(c);
    free(m.panel);
    bert_free(&b);
}

static void every_served_type_multiplies(void **state)
{
    (void)state;
    products_are_close_to_exact(GGUF_F32, INFER_FLOAT_EXACT);
    products_are_close_to_exact(GGUF_F16, INFER_FLOAT_EXACT);
    products_are_close_to_exact(GGUF_BF16, INFER_FLOAT_EXACT);
    products_are_close_to_exact(GGUF_Q8_0, INFER_FLOAT_EXACT);
}

static void openblas_multiplies_every_float_type(void **state)
{
    (void)state;
    products_are_close_to_exact(GGUF_F32, INFER_FLOAT_BLAS);
    products_are_close_to_exact(GGUF_F16, INFER_FLOAT_BLAS);
    products_are_close_to_exact(GGUF_BF16, INFER_FLOAT_BLAS);
}

static void a_range_of_panels_equals_its_part_of_the_whole(void **state)
{
    static const enum gguf_type types[] = {GGUF_F32, GGUF_Q8_0};

    (void)state;
    for (size_t t = 0; t < 2; t++) {
        struct bert_fixture b;
        float x[ROWS * DEPTH], scale[ROWS * 2], *c = kernel_floats(ROWS * COLUMNS);
        float *part = kernel_floats(ROWS * 16);
        int16_t q[ROWS * DEPTH];
        const struct activations a = rows_of(x, q, scale);
        struct matrix m;
        load(&m, tensor_of(&b, types[t]), INFER_ISA_BEST + 1, INFER_FLOAT_EXACT);
        matrix_multiply(&m, c, COLUMNS, &a, ROWS, 0, 3);
        matrix_multiply(&m, part, 16, &a, ROWS, 1, 1);
        for (size_t i = 0; i < ROWS; i++)
            kernel_equal(part + i * 16, c + i * COLUMNS + 16, 16, "panel", i);
        free(c);
        free(part);
        free(m.panel);
        bert_free(&b);
    }
}

static const struct infer_options scalar = {.isa = INFER_ISA_SCALAR,
                                            .activations_bits = 16};

static void another_type_is_refused_by_its_name(void **state)
{
    static const enum gguf_type types[] = {16, 19, 24};
    static const char *const names[] = {"IQ2_XXS", "IQ1_S", "I8"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const struct gguf_tensor tensor = {.name = "blk.3.attn_q.weight",
                                           .type = types[i],
                                           .dim = {256, 16, 1, 1},
                                           .rows = 16};
        struct infer_error err;
        struct matrix m;
        assert_int_equal(matrix_plan(&m, &tensor, &scalar, &err), INFER_EUNSUPPORTED);
        assert_non_null(strstr(err.text, "blk.3.attn_q.weight"));
        assert_non_null(strstr(err.text, names[i]));
    }
}

static void a_weight_that_is_not_finite_is_refused(void **state)
{
    for (int backend = INFER_FLOAT_EXACT; backend <= INFER_FLOAT_BLAS; backend++) {
        struct bert_fixture b;
        const struct gguf_tensor *tensor = tensor_of(&b, GGUF_F32);
        struct infer_error err;
        struct matrix m;

        (void)state;
        ((float *)(uintptr_t)tensor->data)[20 * DEPTH + 3] = INFINITY;
        struct infer_options o = scalar;
        o.float_backend = (enum infer_float_backend)backend;
        assert_int_equal(matrix_plan(&m, tensor, &o, NULL), 0);
        m.panel = kernel_floats(matrix_bytes(&m) / sizeof(float));
        assert_int_equal(matrix_load(&m, tensor, &err), INFER_EFORMAT);
        assert_non_null(strstr(err.text, "rows 16 to 31"));
        free(m.panel);
        bert_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_served_type_multiplies),
        cmocka_unit_test(openblas_multiplies_every_float_type),
        cmocka_unit_test(a_range_of_panels_equals_its_part_of_the_whole),
        cmocka_unit_test(another_type_is_refused_by_its_name),
        cmocka_unit_test(a_weight_that_is_not_finite_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
