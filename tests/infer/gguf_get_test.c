/* Values are given out as what the file says they are, and as nothing else. */
#include "tests/infer/made.h"

static struct gguf *file_of_all(void)
{
    struct gguf_writer w = {0};

    gguf_write_u32(&w, "a.count", 4000000000);
    gguf_write_f32(&w, "a.real", -2.5f);
    gguf_write_bool(&w, "a.flag", true);
    gguf_write_string(&w, "a.text", "no\0end", 6);
    gguf_write_array(&w, "a.numbers", GGUF_I32, 3);
    for (int32_t i = 0; i < 3; i++)
        gguf_write_element_i32(&w, 7 - 10 * i);
    gguf_write_array(&w, "a.words", GGUF_STRING, 3);
    gguf_write_element_string(&w, "first", 5);
    gguf_write_element_string(&w, "", 0);
    gguf_write_element_string(&w, "third", 5);
    return made_open(&w);
}

static void each_kind_comes_back_as_it_was_written(void **state)
{
    struct gguf *file = file_of_all();
    struct gguf_string text;
    uint32_t count = 0;
    float real = 0;
    bool flag = false;

    (void)state;
    assert_int_equal(gguf_get_u32(file, "a.count", &count, NULL), 0);
    assert_true(count == 4000000000);
    assert_int_equal(gguf_get_f32(file, "a.real", &real, NULL), 0);
    assert_true(real == -2.5f);
    assert_int_equal(gguf_get_bool(file, "a.flag", &flag, NULL), 0);
    assert_true(flag);
    assert_int_equal(gguf_get_string(file, "a.text", &text, NULL), 0);
    assert_int_equal(text.bytes, 6);
    assert_memory_equal(text.text, "no\0end", 6);
    gguf_close(file);
}

static void arrays_are_walked_element_by_element(void **state)
{
    static const char *const wanted[] = {"first", "", "third"};
    struct gguf *file = file_of_all();
    const struct gguf_key *array = NULL;
    size_t at = 0;

    (void)state;
    assert_int_equal(gguf_get_array(file, "a.numbers", GGUF_I32, &array, NULL), 0);
    assert_int_equal(array->count, 3);
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal((int32_t)gguf_array_u32(array, i), 7 - 10 * (int32_t)i);
    assert_int_equal(gguf_get_array(file, "a.words", GGUF_STRING, &array, NULL), 0);
    for (size_t i = 0; i < array->count; i++) {
        struct gguf_string word = gguf_array_next(array, &at);
        assert_int_equal(word.bytes, strlen(wanted[i]));
        assert_memory_equal(word.text, wanted[i], word.bytes);
    }
    assert_int_equal(at, array->bytes);
    gguf_close(file);
}

/* Every getter on every key: only its own kind is served, the rest is named. */
static void no_value_is_converted(void **state)
{
    static const char *const keys[] = {"a.count", "a.real",    "a.flag",
                                       "a.text",  "a.numbers", "a.words"};
    struct gguf *file = file_of_all();

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        struct infer_error err = {0};
        const struct gguf_key *array;
        struct gguf_string text;
        uint32_t count;
        float real;
        bool flag;
        const int status[] = {
            gguf_get_u32(file, keys[i], &count, &err),
            gguf_get_f32(file, keys[i], &real, &err),
            gguf_get_bool(file, keys[i], &flag, &err),
            gguf_get_string(file, keys[i], &text, &err),
            gguf_get_array(file, keys[i], GGUF_I32, &array, &err),
            gguf_get_array(file, keys[i], GGUF_STRING, &array, &err),
        };
        for (size_t k = 0; k < 6; k++)
            assert_int_equal(status[k], k == i ? 0 : INFER_EFORMAT);
        made_says(&err, keys[i]);
    }
    gguf_close(file);
}

static void a_key_that_is_missing_is_named(void **state)
{
    struct gguf *file = file_of_all();
    struct infer_error err;
    uint32_t count;

    (void)state;
    assert_int_equal(gguf_get_u32(file, "a.coun", &count, &err), INFER_EFORMAT);
    made_says(&err, "key a.coun is missing");
    assert_int_equal(gguf_get_u32(file, "a.counts", &count, &err), INFER_EFORMAT);
    made_says(&err, "key a.counts is missing");
    gguf_close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_comes_back_as_it_was_written),
        cmocka_unit_test(arrays_are_walked_element_by_element),
        cmocka_unit_test(no_value_is_converted),
        cmocka_unit_test(a_key_that_is_missing_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
