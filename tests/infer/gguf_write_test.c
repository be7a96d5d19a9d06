/* The writer: its bytes, and the failures that stick until the end. */
#include "tests/infer/tiny.h"

static void the_bytes_are_those_of_the_specification(void **state)
{
    static const uint8_t wanted[] =
        "GGUF\3\0\0\0"
        "\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"
        "\1\0\0\0\0\0\0\0k\4\0\0\0\5\0\0\0"
        "\1\0\0\0\0\0\0\0t\1\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
        "\0\0\200?\0\0\0@"
        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    struct gguf_writer w = {0};
    char *bytes = NULL;
    size_t count;
    FILE *file = open_memstream(&bytes, &count);

    (void)state;
    gguf_write_u32(&w, "k", 5);
    gguf_write_tensor(&w, "t", GGUF_F32, 1, (uint64_t[]){2});
    gguf_write_head(&w, file);
    gguf_write_data(&w, file, (float[]){1, 2}, 8);
    gguf_write_pad(&w, file);
    assert_int_equal(gguf_write_end(&w, file), 0);
    fclose(file);
    assert_int_equal(count, sizeof wanted - 1);
    assert_memory_equal(bytes, wanted, count);
    free(bytes);
}

static void data_that_was_not_described_is_an_error(void **state)
{
    struct gguf_writer w = {0};
    FILE *file = tmpfile();

    (void)state;
    gguf_write_tensor(&w, "t", GGUF_F32, 1, (uint64_t[]){2});
    gguf_write_head(&w, file);
    assert_int_equal(gguf_write_end(&w, file), INFER_EINVALID);
    gguf_write_tensor(&w, "t", GGUF_Q8_0, 1, (uint64_t[]){31});
    assert_int_equal(gguf_write_end(&w, file), INFER_EINVALID);
    assert_null(w.keys.bytes);
    fclose(file);
}

static void a_full_disk_is_an_error(void **state)
{
    struct gguf_writer w = {0};
    FILE *file = fopen("/dev/full", "wb");

    (void)state;
    if (file == NULL)
        skip();
    gguf_write_u32(&w, "k", 5);
    gguf_write_head(&w, file);
    assert_int_equal(gguf_write_end(&w, file), INFER_EIO);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_are_those_of_the_specification),
        cmocka_unit_test(data_that_was_not_described_is_an_error),
        cmocka_unit_test(a_full_disk_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
