/* Experts: which a token chooses and with what weight, and that what they say is
 * summed in the order of the choices. */
#include "tests/infer/decoder_run.h"

#include "infer/experts.h"
#include "tests/infer/kernel.h"

#include <math.h>

enum { MOST = 8 };

static const struct ops *ops(void)
{
    return ops_for(INFER_ISA_SCALAR);
}

/* Scores are padded to whole lanes. */
static void choose(const struct decoder_model *d, const float *score, const float *bias,
                   uint32_t *chosen, float *weight)
{
    float room[16] = {0};

    memcpy(room, score, d->experts * sizeof *score);
    experts_choose(d, ops(), room, bias, chosen, weight);
}

static void near(float found, double wanted)
{
    if (!(fabs((double)found - wanted) < 1e-6))
        fail_msg("%.9g, wanted %.9g", (double)found, wanted);
}

/* ---- choosing ----------------------------------------------------------------- */

static void the_likeliest_come_first(void **state)
{
    const struct decoder_model d = {.experts = 5,
                                    .experts_used = 3,
                                    .routing = DECODER_SOFTMAX,
                                    .routing_scale = 1};
    const float score[] = {logf(2), logf(8), 0, logf(4), logf(1)};
    uint32_t chosen[MOST];
    float weight[MOST];

    (void)state;
    choose(&d, score, NULL, chosen, weight);
    assert_int_equal(chosen[0], 1);
    assert_int_equal(chosen[1], 3);
    assert_int_equal(chosen[2], 0);
    near(weight[0], 8.0 / 16);
    near(weight[1], 4.0 / 16);
    near(weight[2], 2.0 / 16);
}

static void weights_are_normalised_and_scaled_where_asked(void **state)
{
    const struct decoder_model d = {.experts = 4,
                                    .experts_used = 2,
                                    .routing = DECODER_SOFTMAX,
                                    .routing_normalised = true,
                                    .routing_scale = 2.5f};
    const float score[] = {logf(1), logf(3), logf(2), logf(2)};
    uint32_t chosen[MOST];
    float weight[MOST];

    (void)state;
    choose(&d, score, NULL, chosen, weight);
    assert_int_equal(chosen[0], 1);
    assert_int_equal(chosen[1], 2); /* the lower of equals */
    near(weight[0], 2.5 * 3 / 5);
    near(weight[1], 2.5 * 2 / 5);
}

/* The bias decides who is chosen, not how much it weighs. */
static void a_bias_chooses_and_does_not_weigh(void **state)
{
    const struct decoder_model d = {.experts = 3,
                                    .experts_used = 1,
                                    .routing = DECODER_SIGMOID,
                                    .routing_scale = 1};
    const float score[] = {2, 1, 0}, bias[] = {0, 0, 0.5f};
    uint32_t chosen[MOST];
    float weight[MOST];

    (void)state;
    choose(&d, score, NULL, chosen, weight);
    assert_int_equal(chosen[0], 0);
    near(weight[0], 1 / (1 + exp(-2)));
    choose(&d, score, bias, chosen, weight);
    assert_int_equal(chosen[0], 2);
    near(weight[0], 0.5);
}

/* Groups of two; a group is worth what its two best are worth together. */
static void only_open_groups_are_chosen_from(void **state)
{
    const struct decoder_model d = {.experts = 8,
                                    .experts_used = 2,
                                    .expert_groups = 4,
                                    .expert_groups_used = 2,
                                    .routing = DECODER_SIGMOID,
                                    .routing_scale = 1};
    /* sigmoids rise with the scores: the single best expert is in a poor group */
    const float score[] = {3, -9, 1, 1, 0.9f, 1.2f, -1, 2};
    uint32_t chosen[MOST];
    float weight[MOST];

    (void)state;
    choose(&d, score, NULL, chosen, weight);
    assert_int_equal(chosen[0], 5);
    assert_int_equal(chosen[1], 2);
    near(weight[0], 1 / (1 + exp(-1.2)));
}

/* ---- running and mixing ------------------------------------------------------- */

static const struct tiny_decoder *mixtral = run_families + 2;

/* Row r goes to experts r % 4 and (r + 1) % 4; more rows than are gathered at once. */
static void put_rows(struct generator *g, size_t rows)
{
    const uint32_t used = g->model->experts_used;
    uint64_t seed = 4;
    float x[TINY_WIDTH];

    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < TINY_WIDTH; i++)
            x[i] = tiny_float(&seed, 1);
        operand_put(&g->in, r, x);
        for (uint32_t place = 0; place < used; place++) {
            g->chosen[r * used + place] = (uint32_t)(r + place) % g->model->experts;
            g->chosen_weight[r * used + place] = place == 0 ? 0.75f : 0.5f;
        }
    }
}

/* What expert e says of one row, computed alone. */
static void say(const struct generator *g, const struct experts *experts, uint32_t e,
                size_t row, float *out)
{
    static float gate[TINY_FFN + 16], up[TINY_FFN + 16];
    struct operand inner = g->thread->expert_inner;
    struct activations a = operand_rows(&g->in, experts->gate + e, row);

    matrix_multiply(experts->gate + e, gate, TINY_FFN, &a, 1, 0, TINY_FFN / 16);
    matrix_multiply(experts->up + e, up, TINY_FFN, &a, 1, 0, TINY_FFN / 16);
    g->ops->swiglu(gate, up, TINY_FFN);
    operand_put(&inner, 0, gate);
    a = operand_rows(&inner, experts->down + e, 0);
    matrix_multiply(experts->down + e, out, TINY_WIDTH, &a, 1, 0, TINY_WIDTH / 16);
}

static void check_mix(const struct generator *g, const struct experts *experts,
                      size_t row)
{
    float first[TINY_WIDTH], second[TINY_WIDTH], wanted[TINY_WIDTH];

    say(g, experts, g->chosen[row * 2], row, first);
    say(g, experts, g->chosen[row * 2 + 1], row, second);
    for (size_t i = 0; i < TINY_WIDTH; i++) {
        const float a = first[i] * 0.75f, b = second[i] * 0.5f;
        wanted[i] = a + b;
    }
    experts_mix(g, row, false);
    kernel_equal(g->c + row * g->width_stride, wanted, TINY_WIDTH, "mix", row);
}

static void many_rows_say_what_each_says_alone(void **state)
{
    static const enum gguf_type types[] = {GGUF_F32, GGUF_Q4_1};

    (void)state;
    for (size_t t = 0; t < 2; t++) {
        struct infer_options o = run_options();
        o.batch_tokens = 256;
        struct run run = run_start(mixtral, types[t], &o);
        struct generator *g = run.session->generator;
        const struct experts *experts = &g->layer->experts;
        const size_t rows = 3 * GENERATOR_EXPERT_ROWS + 5;
        put_rows(g, rows);
        for (uint32_t e = g->model->experts; e-- > 0;)
            experts_run(g, g->thread, experts, e, rows);
        for (size_t r = 0; r < rows; r += 7)
            check_mix(g, experts, r);
        run_end(&run);
    }
}

static void what_shared_experts_said_is_added_last(void **state)
{
    struct infer_options o = run_options();
    struct run run = run_start(mixtral, GGUF_F32, &o);
    struct generator *g = run.session->generator;

    (void)state;
    put_rows(g, 1);
    for (size_t i = 0; i < TINY_WIDTH; i++) {
        g->expert_out[i] = 4;
        g->expert_out[g->width_stride + i] = 8;
        g->c[i] = 100;
    }
    experts_mix(g, 0, true);
    for (size_t i = 0; i < TINY_WIDTH; i++)
        assert_true(g->c[i] == 100 + 4 * 0.75f + 8 * 0.5f);
    run_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_likeliest_come_first),
        cmocka_unit_test(weights_are_normalised_and_scaled_where_asked),
        cmocka_unit_test(a_bias_chooses_and_does_not_weigh),
        cmocka_unit_test(only_open_groups_are_chosen_from),
        cmocka_unit_test(many_rows_say_what_each_says_alone),
        cmocka_unit_test(what_shared_experts_said_is_added_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
