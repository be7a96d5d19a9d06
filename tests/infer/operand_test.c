/* Rows made ready for products: in the forms asked for, in no other, and the same
 * whichever way they came. */
#include "infer/operand.h"

#include "tests/infer/kernel.h"

enum { WIDTH = 40, PADDED = 64, BLOCKS = 2, ROWS = 3 };

struct served { /* an operand and the matrices that read it */
    struct matrix matrix[2];
    struct operand operand;
    struct arena arena;
};

static struct matrix matrix_of(enum gguf_type type, int bits)
{
    const struct gguf_tensor tensor = {
        .name = "m", .type = type, .dims = 2, .dim = {64, 16, 1, 1}, .rows = 16};
    struct infer_options o = infer_options_default();
    struct matrix m = {0};

    o.activations_bits = bits;
    assert_int_equal(cpu_choose(INFER_ISA_SCALAR, &o.isa, NULL), 0);
    assert_int_equal(matrix_plan(&m, &tensor, &o, NULL), 0);
    return m;
}

static void serve(struct served *s, enum gguf_type first, enum gguf_type second)
{
    struct arena counter = {0};

    *s = (struct served){.matrix = {matrix_of(first, 16), matrix_of(second, 16)},
                         .operand = {.ops = ops_for(INFER_ISA_SCALAR), .limit = 32767}};
    operand_serve(&s->operand, s->matrix);
    operand_serve(&s->operand, s->matrix + 1);
    operand_lay(&s->operand, &counter, ROWS, WIDTH);
    s->arena.base = aligned_alloc(64, counter.used);
    assert_non_null(s->arena.base);
    operand_lay(&s->operand, &s->arena, ROWS, WIDTH);
    assert_int_equal(s->arena.used, counter.used);
}

static void fill(float *x, int seed)
{
    for (int i = 0; i < PADDED; i++)
        x[i] = i < WIDTH ? (float)((i * 37 + seed * 11) % 101 - 50) / 8 : 0;
}

static void only_the_forms_asked_for_take_memory(void **state)
{
    struct served floats, integers, both;

    (void)state;
    serve(&floats, GGUF_F32, GGUF_F32);
    serve(&integers, GGUF_Q8_0, GGUF_Q8_0);
    serve(&both, GGUF_F32, GGUF_Q8_0);
    assert_int_equal(floats.arena.used, ROWS * PADDED * sizeof(float));
    assert_int_equal(integers.arena.used, ROWS * PADDED * sizeof(int16_t) + 64);
    assert_int_equal(both.arena.used, floats.arena.used + integers.arena.used);
    assert_false(integers.operand.wants_sums);
    free(floats.arena.base);
    free(integers.arena.base);
    free(both.arena.base);
}

static void each_matrix_reads_its_own_form(void **state)
{
    struct served s;
    float x[PADDED], scale[BLOCKS];
    int16_t q[PADDED];

    (void)state;
    serve(&s, GGUF_F32, GGUF_Q8_0);
    for (int r = 0; r < ROWS; r++) {
        fill(x, r);
        operand_put(&s.operand, (size_t)r, x);
    }
    for (int r = 0; r < ROWS; r++) {
        fill(x, r);
        s.operand.ops->quantise(q, scale, x, PADDED, 32767);
        struct activations a = operand_rows(&s.operand, &s.matrix[0], (size_t)r);
        assert_memory_equal(a.x, x, sizeof x);
        a = operand_rows(&s.operand, &s.matrix[1], (size_t)r);
        assert_memory_equal(a.q, q, sizeof q);
        assert_memory_equal(a.scale, scale, sizeof scale);
    }
    struct activations all = operand_rows(&s.operand, &s.matrix[1], 0);
    assert_ptr_equal(all.q + all.q_stride, operand_rows(&s.operand, &s.matrix[1], 1).q);
    assert_ptr_equal(all.scale + all.scale_stride,
                     operand_rows(&s.operand, &s.matrix[1], 1).scale);
    free(s.arena.base);
}

static void sums_are_there_when_a_format_has_minima(void **state)
{
    struct served s;
    float x[PADDED];

    (void)state;
    serve(&s, GGUF_Q8_0, GGUF_Q4_1);
    assert_true(s.operand.wants_sums);
    for (int r = 0; r < ROWS; r++) {
        fill(x, r);
        operand_put(&s.operand, (size_t)r, x);
        struct activations a = operand_rows(&s.operand, &s.matrix[1], (size_t)r);
        for (int half = 0; half < 2 * BLOCKS; half++) {
            int32_t sum = 0;
            for (int i = 0; i < 16; i++)
                sum += a.q[half * 16 + i];
            assert_true(a.sum[half] == (float)sum);
        }
    }
    free(s.arena.base);
}

static void a_copied_row_is_the_row(void **state)
{
    struct served from, to;
    float x[PADDED];

    (void)state;
    serve(&from, GGUF_F32, GGUF_Q4_K);
    serve(&to, GGUF_F32, GGUF_Q4_K);
    fill(x, 5);
    operand_put(&from.operand, 2, x);
    operand_copy(&to.operand, 1, &from.operand, 2);
    for (int m = 0; m < 2; m++) {
        struct activations a = operand_rows(&from.operand, &from.matrix[m], 2);
        struct activations b = operand_rows(&to.operand, &to.matrix[m], 1);
        if (m == 0) {
            assert_memory_equal(a.x, b.x, PADDED * sizeof *a.x);
            continue;
        }
        assert_memory_equal(a.q, b.q, PADDED * sizeof *a.q);
        assert_memory_equal(a.scale, b.scale, BLOCKS * sizeof *a.scale);
        assert_memory_equal(a.sum, b.sum, 2 * BLOCKS * sizeof *a.sum);
    }
    free(from.arena.base);
    free(to.arena.base);
}

static void the_limit_is_that_of_the_width_asked_for(void **state)
{
    struct served s;
    float x[PADDED];

    (void)state;
    serve(&s, GGUF_Q8_0, GGUF_Q8_0);
    fill(x, 1);
    for (int limit = 127; limit <= 32767; limit += 32640) {
        int most = 0;
        s.operand.limit = limit;
        operand_put(&s.operand, 0, x);
        for (size_t i = 0; i < PADDED; i++)
            most = abs(s.operand.q[i]) > most ? abs(s.operand.q[i]) : most;
        assert_int_equal(most, limit);
    }
    free(s.arena.base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_forms_asked_for_take_memory),
        cmocka_unit_test(each_matrix_reads_its_own_form),
        cmocka_unit_test(sums_are_there_when_a_format_has_minima),
        cmocka_unit_test(a_copied_row_is_the_row),
        cmocka_unit_test(the_limit_is_that_of_the_width_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
