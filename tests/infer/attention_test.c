/* Attention: near to the definition, the same bits everywhere, blind to neighbours. */
#include "infer/attention.h"

#include "tests/infer/bert.h"
#include "tests/infer/kernel.h"

static const size_t token_counts[] = {1, 2, 15, 16, 17, 84, 85, 200};
static const size_t head_sizes[] = {10, 16, 32, 64};

/* Rows q | k | v | sixteen floats that may be read and not used. */
static float *rows_new(size_t tokens, size_t head_size, uint64_t seed)
{
    const size_t count = tokens * (3 * head_size + 16);
    float *rows = kernel_floats(count);

    for (size_t i = 0; i < count; i++)
        rows[i] = bert_random_float(&seed, 3);
    return rows;
}

static void run(enum infer_isa isa, float *rows, size_t tokens, size_t head_size)
{
    float *scratch = kernel_floats(attention_scratch(tokens, head_size));
    const struct attention a = {.ops = ops_for(isa),
                                .q = rows,
                                .k = rows + head_size,
                                .v = rows + 2 * head_size,
                                .stride = 3 * head_size + 16,
                                .tokens = tokens,
                                .head_size = head_size,
                                .scratch = scratch};
    attention_run(&a);
    free(scratch);
}

static double score(const float *q, const float *k, size_t head_size)
{
    double sum = 0;

    for (size_t i = 0; i < head_size; i++)
        sum += (double)q[i] * (double)k[i];
    return sum / sqrt((double)head_size);
}

/* out[i] = sum over keys of softmax * v[i], in doubles */
static void defined(double *out, const float *rows, size_t query, size_t tokens,
                    size_t head_size)
{
    const size_t stride = 3 * head_size + 16;
    double total = 0;

    memset(out, 0, head_size * sizeof *out);
    for (size_t key = 0; key < tokens; key++) {
        const float *k = rows + key * stride + head_size;
        double p = exp(score(rows + query * stride, k, head_size));
        total += p;
        for (size_t i = 0; i < head_size; i++)
            out[i] += p * (double)k[head_size + i];
    }
    for (size_t i = 0; i < head_size; i++)
        out[i] /= total;
}

static void results_are_those_of_the_definition(void **state)
{
    (void)state;
    for (size_t t = 0; t < sizeof token_counts / sizeof *token_counts; t++)
        for (size_t h = 0; h < sizeof head_sizes / sizeof *head_sizes; h++) {
            const size_t tokens = token_counts[t], head_size = head_sizes[h];
            float *rows = rows_new(tokens, head_size, 4);
            float *before = rows_new(tokens, head_size, 4);
            double out[64];
            run(INFER_ISA_SCALAR, rows, tokens, head_size);
            for (size_t i = 0; i < tokens; i += 7) {
                const float *row = rows + i * (3 * head_size + 16);
                defined(out, before, i, tokens, head_size);
                for (size_t j = 0; j < head_size; j++)
                    assert_true(fabs((double)row[j] - out[j]) < 1e-5);
            }
            free(rows);
            free(before);
        }
}

static void every_length_has_the_same_bits_everywhere(void **state)
{
    (void)state;
    for (const enum infer_isa *isa = kernel_sets(); *isa; isa++)
        for (size_t t = 0; t < sizeof token_counts / sizeof *token_counts; t++)
            for (size_t h = 0; h < sizeof head_sizes / sizeof *head_sizes; h++) {
                const size_t tokens = token_counts[t], head_size = head_sizes[h];
                float *rows = rows_new(tokens, head_size, 4);
                float *expected = rows_new(tokens, head_size, 4);
                run(*isa, rows, tokens, head_size);
                run(INFER_ISA_SCALAR, expected, tokens, head_size);
                kernel_equal(rows, expected, tokens * (3 * head_size + 16), "attention",
                             tokens);
                free(rows);
                free(expected);
            }
}

/* Keys and values stay, and so does what lies between the rows. */
static void only_the_queries_change(void **state)
{
    float *rows = rows_new(20, 10, 4), *before = rows_new(20, 10, 4);

    (void)state;
    run(INFER_ISA_SCALAR, rows, 20, 10);
    for (size_t i = 0; i < 20; i++) {
        assert_memory_equal(rows + i * 46 + 10, before + i * 46 + 10,
                            36 * sizeof *rows);
        assert_memory_not_equal(rows + i * 46, before + i * 46, 10 * sizeof *rows);
    }
    free(rows);
    free(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_those_of_the_definition),
        cmocka_unit_test(every_length_has_the_same_bits_everywhere),
        cmocka_unit_test(only_the_queries_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
