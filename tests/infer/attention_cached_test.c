/* Attention over the past, against its formula in double; and the same bits however
 * the rows are cut, whatever lies behind them and wherever the keys begin. */
#include "infer/generator.h"

#include "tests/infer/kernel.h"

enum { KEY = 24, VALUE = 20, CONTEXT = 80, ROWS = 28, STRIDE = 128 };

struct scene {
    float keys[CONTEXT * KEY]; /* pages of [KEY][16] */
    float values[CONTEXT * VALUE + PANEL_ROWS];
    float queries[CONTEXT * KEY];
    struct cached_attention a;
};

static float scores[ROWS * STRIDE] __attribute__((aligned(64)));
static float room[ROWS * STRIDE] __attribute__((aligned(64)));

static float number(size_t i)
{
    return (float)((i * 7919 + 13) % 257) / 64 - 2;
}

static struct scene *scene_open(enum infer_isa isa)
{
    static struct scene s;

    for (size_t i = 0; i < CONTEXT * KEY; i++) {
        s.keys[i] = number(i);
        s.queries[i] = number(3 * i + 1);
    }
    for (size_t i = 0; i < CONTEXT * VALUE; i++)
        s.values[i] = number(5 * i + 2);
    s.a = (struct cached_attention){
        .ops = ops_for(isa == INFER_ISA_BEST ? cpu_best() : isa),
        .key_size = KEY,
        .value_size = VALUE,
        .q_stride = KEY,
        .out_stride = VALUE,
        .step = 1,
        .scale = 0.25f,
        .scores = scores,
        .room = room,
        .score_stride = STRIDE,
        .room_stride = STRIDE};
    return &s;
}

/* Rows position to position + count, keys from page on. */
static void run(struct scene *s, uint32_t position, size_t count, uint32_t page,
                float *out)
{
    struct cached_attention a = s->a;

    a.first = page * KV_PAGE_TOKENS;
    a.keys = s->keys + (size_t)a.first * KEY;
    a.values = s->values + (size_t)a.first * VALUE;
    a.q = s->queries + position * KEY;
    a.out = out;
    a.rows = count;
    a.position = position;
    attention_cached(&a);
}

/* ---- the formula -------------------------------------------------------------- */

static double score_of(const struct scene *s, uint32_t query, uint32_t key)
{
    double sum = 0;

    for (uint32_t i = 0; i < KEY; i++)
        sum += (double)s->queries[query * KEY + i] *
               (double)s->keys[key / 16 * 16 * KEY + i * 16 + key % 16];
    sum *= (double)s->a.scale;
    return s->a.cap == 0 ? sum : (double)s->a.cap * tanh(sum / (double)s->a.cap);
}

static void check_row(const struct scene *s, uint32_t position, const float *out)
{
    const uint32_t window = s->a.window;
    const uint32_t lo = window && position + 1 > window ? position + 1 - window : 0;
    double weight[CONTEXT], sum = 0;

    for (uint32_t k = lo; k <= position; k++)
        sum += weight[k] = exp(score_of(s, position, k));
    for (uint32_t i = 0; i < VALUE; i++) {
        double wanted = 0;
        for (uint32_t k = lo; k <= position; k++)
            wanted += weight[k] / sum * (double)s->values[k * VALUE + i];
        if (!(fabs((double)out[i] - wanted) < 1e-5))
            fail_msg("position %u, value %u: %g, wanted %g", position, i,
                     (double)out[i], wanted);
    }
}

static void check_all(struct scene *s)
{
    float out[ROWS * VALUE];

    for (uint32_t at = 0; at < CONTEXT; at += ROWS) {
        size_t count = CONTEXT - at < ROWS ? CONTEXT - at : ROWS;
        run(s, at, count, 0, out);
        for (size_t i = 0; i < count; i++)
            check_row(s, at + (uint32_t)i, out + i * VALUE);
    }
}

static void every_row_is_what_the_formula_says(void **state)
{
    (void)state;
    check_all(scene_open(INFER_ISA_BEST));
}

static void a_window_hides_what_lies_further_back(void **state)
{
    static const uint32_t windows[] = {1, 2, 15, 16, 17, 33, 79, 80, 200};

    (void)state;
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        struct scene *s = scene_open(INFER_ISA_BEST);
        s->a.window = windows[i];
        check_all(s);
    }
}

static void a_cap_softens_the_scores(void **state)
{
    struct scene *s = scene_open(INFER_ISA_BEST);

    (void)state;
    s->a.cap = 5;
    check_all(s);
}

/* ---- the same bits ------------------------------------------------------------ */

static void pieces_and_what_lies_behind_change_nothing(void **state)
{
    struct scene *s = scene_open(INFER_ISA_BEST);
    float together[ROWS * VALUE], alone[VALUE];

    (void)state;
    run(s, 40, ROWS, 0, together);
    for (uint32_t i = 0; i < ROWS; i++) {
        run(s, 40 + i, 1, 0, alone);
        kernel_equal(alone, together + i * VALUE, VALUE, "alone", i);
    }
    for (size_t i = 68 * KEY; i < CONTEXT * KEY; i++)
        s->keys[i / KEY / 16 * 16 * KEY + i % KEY * 16 + i / KEY % 16] = 1e6f;
    float again[ROWS * VALUE];
    run(s, 40, ROWS, 0, again);
    kernel_equal(again, together, ROWS * VALUE, "other keys behind", 0);
}

/* What a window hides may be there or not. */
static void keys_may_begin_where_the_window_does(void **state)
{
    struct scene *s = scene_open(INFER_ISA_BEST);
    float whole[VALUE], late[VALUE];

    (void)state;
    s->a.window = 20;
    for (uint32_t at = 36; at < CONTEXT; at++) {
        run(s, at, 1, 0, whole);
        run(s, at, 1, (at + 1 - 20) / 16, late);
        kernel_equal(late, whole, VALUE, "window", at);
    }
}

static void heads_of_a_group_may_share_a_position(void **state)
{
    struct scene *s = scene_open(INFER_ISA_BEST);
    float group[4 * VALUE], alone[VALUE];

    (void)state;
    s->a.step = 0;
    run(s, 50, 4, 0, group);
    for (size_t i = 0; i < 4; i++) {
        struct cached_attention a = s->a;
        a.keys = s->keys;
        a.values = s->values;
        a.q = s->queries + (50 + i) * KEY;
        a.out = alone;
        a.rows = 1;
        a.position = 50;
        attention_cached(&a);
        kernel_equal(alone, group + i * VALUE, VALUE, "head", i);
    }
}

static void every_instruction_set_gives_the_same_bits(void **state)
{
    float wanted[ROWS * VALUE], found[ROWS * VALUE];

    (void)state;
    for (const enum infer_isa *isa = kernel_sets(); *isa != INFER_ISA_BEST; isa++)
        for (uint32_t window = 0; window < 50; window += 24)
            for (int cap = 0; cap < 2; cap++) {
                struct scene *s = scene_open(INFER_ISA_SCALAR);
                s->a.window = window;
                s->a.cap = cap ? 3 : 0;
                run(s, 45, ROWS, 0, wanted);
                s->a.ops = ops_for(*isa);
                run(s, 45, ROWS, 0, found);
                kernel_equal(found, wanted, ROWS * VALUE, cpu_isa_name(*isa), window);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_what_the_formula_says),
        cmocka_unit_test(a_window_hides_what_lies_further_back),
        cmocka_unit_test(a_cap_softens_the_scores),
        cmocka_unit_test(pieces_and_what_lies_behind_change_nothing),
        cmocka_unit_test(keys_may_begin_where_the_window_does),
        cmocka_unit_test(heads_of_a_group_may_share_a_position),
        cmocka_unit_test(every_instruction_set_gives_the_same_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
