/* Similarities: one FMA chain each, any shape, the same bits everywhere. */
#include "tests/infer/bert.h"
#include "tests/infer/kernel.h"

static const struct bert_shape shape = {1,  32, 1,        32,
                                        16, 10, GGUF_F32, MODEL_POOL_MEAN};

static const struct {
    size_t a_rows, b_rows, width;
} sizes[] = {
    {1, 1, 1},     {1, 25, 384},   {25, 1, 384}, {85, 33, 100}, {3, 40, 5000},
    {90, 17, 700}, {1100, 35, 20}, {0, 5, 10},   {5, 0, 10},    {3, 4, 0},
};

static float *rows_new(size_t count, uint64_t seed)
{
    float *rows = kernel_floats(count + 1);

    for (size_t i = 0; i < count; i++)
        rows[i] = bert_random_float(&seed, 1);
    return rows;
}

static void check(struct infer_session *s, size_t a_rows, size_t b_rows, size_t width)
{
    float *a = rows_new(a_rows * width, 1), *b = rows_new(b_rows * width, 2);
    float *out = kernel_floats(a_rows * b_rows + 1);
    float *expected = kernel_floats(a_rows * b_rows + 1);

    for (size_t i = 0; i < a_rows; i++)
        for (size_t j = 0; j < b_rows; j++) {
            float sum = 0;
            for (size_t k = 0; k < width; k++)
                sum = fmaf(a[i * width + k], b[j * width + k], sum);
            expected[i * b_rows + j] = sum;
        }
    infer_similarity(s, a, a_rows, b, b_rows, width, out);
    kernel_equal(out, expected, a_rows * b_rows + 1, "similarity", a_rows);
    free(a);
    free(b);
    free(out);
    free(expected);
}

static void every_shape_is_one_chain_each_on_every_cpu(void **state)
{
    struct bert_fixture b;

    (void)state;
    bert_build(&b, &shape);
    for (int isa = INFER_ISA_SCALAR; isa < CPU_ISA_COUNT; isa++)
        for (int threads = 1; threads <= 3; threads++) {
            struct infer_options o = infer_options_default();
            struct infer_session *s;
            o.isa = (enum infer_isa)isa;
            o.threads = threads;
            if (!cpu_has(o.isa))
                continue;
            assert_int_equal(infer_session_open(&s, &b.model, &o, NULL), 0);
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
                check(s, sizes[i].a_rows, sizes[i].b_rows, sizes[i].width);
            infer_session_close(s);
        }
    bert_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape_is_one_chain_each_on_every_cpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
