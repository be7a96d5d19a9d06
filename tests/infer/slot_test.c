/* Tensors a model wants: taken into their places, or refused by name and shape. */
#include "infer/slot.h"

#include "tests/infer/made.h"

enum { WIDTH = 1, ROWS, DEPTH, EXTENTS };
enum { SOMETIMES = 1, NEVER = 2 };

struct wanted {
    const struct gguf_tensor *vector, *matrix, *stack, *other;
};

static const uint64_t extents[EXTENTS] = {0, 32, 5, 3};

#define AT(field) offsetof(struct wanted, field)

static struct slots open_slots(void)
{
    struct gguf_writer w = {0};
    struct slots s = {.architecture = "llama", .extent = extents};

    gguf_write_tensor(&w, "blk.0.vector", GGUF_F32, 1, (uint64_t[]){32});
    gguf_write_tensor(&w, "blk.0.matrix", GGUF_Q8_0, 2, (uint64_t[]){32, 5});
    gguf_write_tensor(&w, "blk.0.stack", GGUF_F16, 3, (uint64_t[]){32, 5, 3});
    gguf_write_tensor(&w, "blk.0.half", GGUF_F16, 1, (uint64_t[]){32});
    s.file = made_open(&w);
    assert_int_equal(slots_open(&s, NULL), 0);
    return s;
}

static void close_slots(struct slots *s)
{
    slots_close(s);
    gguf_close((struct gguf *)(uintptr_t)s->file);
}

static const struct slot sound[] = {
    {"vector", AT(vector), .dims = {WIDTH}},
    {"matrix", AT(matrix), .dims = {WIDTH, ROWS}},
    {"stack", AT(stack), .dims = {WIDTH, ROWS, DEPTH}, .plain = true},
    {"absent", AT(other), .dims = {WIDTH}, .optional = true},
};

static void every_tensor_comes_to_its_place(void **state)
{
    struct slots s = open_slots();
    struct wanted wanted;

    (void)state;
    memset(&wanted, 0xff, sizeof wanted);
    assert_int_equal(slots_take(&s, "blk.0.", sound, 4, &wanted, NULL), 0);
    assert_string_equal(wanted.vector->name, "blk.0.vector");
    assert_string_equal(wanted.matrix->name, "blk.0.matrix");
    assert_string_equal(wanted.stack->name, "blk.0.stack");
    assert_null(wanted.other);
    close_slots(&s);
}

static void what_nobody_took_is_refused_by_name(void **state)
{
    static const struct slot half = {"half", AT(other), .dims = {WIDTH}};
    struct slots s = open_slots();
    struct wanted wanted;
    struct infer_error err;

    (void)state;
    assert_int_equal(slots_take(&s, "blk.0.", sound, 4, &wanted, NULL), 0);
    assert_int_equal(slots_check_rest(&s, &err), INFER_EUNSUPPORTED);
    made_says(&err, "blk.0.half");
    made_says(&err, "llama");
    slots_take(&s, "blk.0.", &half, 1, &wanted, NULL);
    assert_int_equal(slots_check_rest(&s, &err), 0);
    close_slots(&s);
}

/* Expect this refusal of one slot. */
static void refuses(const struct slot *slot, int status, const char *words)
{
    struct slots s = open_slots();
    struct wanted wanted;
    struct infer_error err;

    assert_int_equal(slots_take(&s, "blk.0.", slot, 1, &wanted, &err), status);
    made_says(&err, words);
    close_slots(&s);
}

static void a_tensor_that_is_missing_is_named(void **state)
{
    const struct slot missing = {"absent", AT(other), .dims = {WIDTH}};

    (void)state;
    refuses(&missing, INFER_EFORMAT, "blk.0.absent is missing");
}

static void another_shape_is_refused_with_both(void **state)
{
    const struct slot turned = {"matrix", AT(matrix), .dims = {ROWS, WIDTH}};
    const struct slot flat = {"stack", AT(stack), .dims = {WIDTH, ROWS}};
    const struct slot tall = {"vector", AT(vector), .dims = {WIDTH, ROWS}};

    (void)state;
    refuses(&turned, INFER_EFORMAT, "2 dimensions, 32 x 5 x 1");
    refuses(&turned, INFER_EFORMAT, "ask for 2, 5 x 32 x 1");
    refuses(&flat, INFER_EFORMAT, "3 dimensions");
    refuses(&tall, INFER_EFORMAT, "blk.0.vector");
}

static void an_extent_may_be_left_open(void **state)
{
    const struct slot open = {"matrix", AT(matrix), .dims = {WIDTH, SLOT_ANY}};
    struct slots s = open_slots();
    struct wanted wanted;

    (void)state;
    assert_int_equal(slots_take(&s, "blk.0.", &open, 1, &wanted, NULL), 0);
    assert_int_equal(wanted.matrix->dim[1], 5);
    close_slots(&s);
}

static void vectors_and_plain_matrices_are_not_quantised(void **state)
{
    const struct slot plain = {"matrix", AT(matrix), .dims = {WIDTH, ROWS},
                               .plain = true};
    const struct slot half = {"half", AT(other), .dims = {WIDTH}, .plain = true};

    (void)state;
    refuses(&plain, INFER_EUNSUPPORTED, "Q8_0, supported is F32 or F16");
    refuses(&half, INFER_EUNSUPPORTED, "F16, supported is F32");
}

/* A slot that is not wanted leaves its place alone and its tensor untaken. */
static void a_slot_counts_when_all_its_features_are_there(void **state)
{
    static const struct slot slot[] = {
        {"vector", AT(vector), .dims = {WIDTH}, .when = SOMETIMES},
        {"missing", AT(other), .dims = {WIDTH}, .when = SOMETIMES | NEVER},
    };
    struct slots s = open_slots();
    struct wanted wanted = {0};

    (void)state;
    assert_int_equal(slots_take(&s, "blk.0.", slot, 2, &wanted, NULL), 0);
    assert_null(wanted.vector);
    s.features = SOMETIMES;
    assert_int_equal(slots_take(&s, "blk.0.", slot, 2, &wanted, NULL), 0);
    assert_non_null(wanted.vector);
    s.features = SOMETIMES | NEVER;
    assert_int_equal(slots_take(&s, "blk.0.", slot, 2, &wanted, NULL), INFER_EFORMAT);
    close_slots(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tensor_comes_to_its_place),
        cmocka_unit_test(what_nobody_took_is_refused_by_name),
        cmocka_unit_test(a_tensor_that_is_missing_is_named),
        cmocka_unit_test(another_shape_is_refused_with_both),
        cmocka_unit_test(an_extent_may_be_left_open),
        cmocka_unit_test(vectors_and_plain_matrices_are_not_quantised),
        cmocka_unit_test(a_slot_counts_when_all_its_features_are_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
