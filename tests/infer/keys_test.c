/* Numbers of an architecture: what is absent, what is allowed, what is refused. */
#include "infer/keys.h"

#include "tests/infer/made.h"

static struct keys open_keys(void)
{
    struct gguf_writer w = {0};

    gguf_write_u32(&w, "llama.zero", 0);
    gguf_write_u32(&w, "llama.one", 1);
    gguf_write_u32(&w, "llama.ten", 10);
    gguf_write_u32(&w, "qwen2.eleven", 11);
    gguf_write_f32(&w, "llama.half", 0.5f);
    gguf_write_f32(&w, "llama.below", -0.5f);
    gguf_write_f32(&w, "llama.nothing", 0);
    gguf_write_f32(&w, "llama.unknown", (float)(0.0 / 0.0));
    gguf_write_bool(&w, "llama.yes", true);
    gguf_write_bool(&w, "llama.no", false);
    gguf_write_string(&w, "llama.word", "ten", 3);
    return (struct keys){.file = made_open(&w), .architecture = "llama"};
}

static void close_keys(struct keys *k)
{
    gguf_close((struct gguf *)(uintptr_t)k->file);
}

static void the_architecture_stands_before_every_name(void **state)
{
    struct keys k = open_keys();
    uint32_t count;

    (void)state;
    assert_string_equal(keys_name(&k, "ten"), "llama.ten");
    assert_int_equal(keys_count(&k, "eleven", 100, 5, &count, NULL), 0);
    assert_int_equal(count, 5);
    k.architecture = "qwen2";
    assert_int_equal(keys_count(&k, "eleven", 100, 5, &count, NULL), 0);
    assert_int_equal(count, 11);
    close_keys(&k);
}

static void a_count_lies_between_1_and_its_most(void **state)
{
    struct keys k = open_keys();
    struct infer_error err;
    uint32_t count;

    (void)state;
    assert_int_equal(keys_count(&k, "ten", 10, 0, &count, &err), 0);
    assert_int_equal(count, 10);
    assert_int_equal(keys_count(&k, "ten", 9, 0, &count, &err), INFER_EFORMAT);
    assert_string_equal(err.text, "llama.ten is 10, allowed are 1 to 9");
    assert_int_equal(keys_count(&k, "one", 10, 0, &count, &err), 0);
    assert_int_equal(keys_count(&k, "zero", 10, 0, &count, &err), INFER_EFORMAT);
    assert_string_equal(err.text, "llama.zero is 0, allowed are 1 to 10");
    assert_int_equal(keys_count(&k, "zero", 10, 7, &count, &err), INFER_EFORMAT);
    close_keys(&k);
}

static void what_has_no_default_must_be_there(void **state)
{
    struct keys k = open_keys();
    struct infer_error err;
    uint32_t count;
    double real;

    (void)state;
    assert_int_equal(keys_count(&k, "absent", 10, 0, &count, &err), INFER_EFORMAT);
    made_says(&err, "llama.absent");
    assert_int_equal(keys_real(&k, "absent", 10, 0, &real, &err), INFER_EFORMAT);
    made_says(&err, "llama.absent");
    assert_int_equal(keys_count(&k, "absent", 10, 3, &count, &err), 0);
    assert_int_equal(count, 3);
    assert_int_equal(keys_real(&k, "absent", 10, 2.5, &real, &err), 0);
    assert_true(real == 2.5);
    close_keys(&k);
}

static void an_optional_number_may_be_0_or_absent(void **state)
{
    struct keys k = open_keys();
    struct infer_error err;
    uint32_t count = 9;

    (void)state;
    assert_int_equal(keys_optional(&k, "absent", 10, &count, &err), 0);
    assert_int_equal(count, 0);
    count = 9;
    assert_int_equal(keys_optional(&k, "zero", 10, &count, &err), 0);
    assert_int_equal(count, 0);
    assert_int_equal(keys_optional(&k, "ten", 10, &count, &err), 0);
    assert_int_equal(count, 10);
    assert_int_equal(keys_optional(&k, "ten", 9, &count, &err), INFER_EFORMAT);
    assert_string_equal(err.text, "llama.ten is 10, allowed are 0 to 9");
    close_keys(&k);
}

static void a_real_number_lies_above_0_and_below_its_most(void **state)
{
    static const char *const wrong[] = {"below", "nothing", "unknown"};
    struct keys k = open_keys();
    struct infer_error err;
    double real;
    float single;

    (void)state;
    assert_int_equal(keys_real(&k, "half", 1, 0, &real, &err), 0);
    assert_true(real == 0.5);
    assert_int_equal(keys_float(&k, "half", 1, 0, &single, &err), 0);
    assert_true(single == 0.5f);
    assert_int_equal(keys_real(&k, "half", 0.5, 0, &real, &err), INFER_EFORMAT);
    made_says(&err, "llama.half is 0.5, allowed is more than 0 and less than 0.5");
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(keys_float(&k, wrong[i], 1, 0, &single, &err), INFER_EFORMAT);
    close_keys(&k);
}

static void a_flag_says_yes_no_or_nothing(void **state)
{
    struct keys k = open_keys();
    bool flag;

    (void)state;
    assert_int_equal(keys_flag(&k, "yes", false, &flag, NULL), 0);
    assert_true(flag);
    assert_int_equal(keys_flag(&k, "no", true, &flag, NULL), 0);
    assert_false(flag);
    assert_int_equal(keys_flag(&k, "absent", true, &flag, NULL), 0);
    assert_true(flag);
    assert_int_equal(keys_flag(&k, "absent", false, &flag, NULL), 0);
    assert_false(flag);
    close_keys(&k);
}

static void a_value_of_another_type_is_refused(void **state)
{
    struct keys k = open_keys();
    struct infer_error err;
    uint32_t count;
    double real;
    bool flag;

    (void)state;
    assert_int_equal(keys_count(&k, "word", 10, 5, &count, &err), INFER_EFORMAT);
    made_says(&err, "llama.word");
    assert_int_equal(keys_optional(&k, "half", 10, &count, &err), INFER_EFORMAT);
    made_says(&err, "llama.half");
    assert_int_equal(keys_real(&k, "ten", 100, 1, &real, &err), INFER_EFORMAT);
    made_says(&err, "llama.ten");
    assert_int_equal(keys_flag(&k, "one", true, &flag, &err), INFER_EFORMAT);
    made_says(&err, "llama.one");
    close_keys(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_architecture_stands_before_every_name),
        cmocka_unit_test(a_count_lies_between_1_and_its_most),
        cmocka_unit_test(what_has_no_default_must_be_there),
        cmocka_unit_test(an_optional_number_may_be_0_or_absent),
        cmocka_unit_test(a_real_number_lies_above_0_and_below_its_most),
        cmocka_unit_test(a_flag_says_yes_no_or_nothing),
        cmocka_unit_test(a_value_of_another_type_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
