/* safetensors files: one sound one, then a header for every way to lie. */
#include "infer/safetensors.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Write a file of this header and so many bytes of data, open it and remove it.
 * declared is the header length the file claims; 0: the true one. */
static int open_header(struct safetensors **out, const char *header, uint64_t declared,
                       size_t data_bytes, struct infer_error *err)
{
    char path[] = "/tmp/safetensors-test-XXXXXX";
    uint64_t length = declared != 0 ? declared : strlen(header);
    int fd = mkstemp(path), status;
    FILE *file = fdopen(fd, "wb");

    assert_non_null(file);
    fwrite(&length, sizeof length, 1, file);
    fputs(header, file);
    for (size_t i = 0; i < data_bytes; i++)
        fputc((int)i, file);
    fclose(file);
    status = safetensors_open(out, path, err);
    unlink(path);
    return status;
}

static void a_sound_file_gives_its_tensors(void **state)
{
    static const char header[] =
        "{\"__metadata__\":{\"format\":\"pt\"},"
        "\"b\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[8,12]},"
        "\"a\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]},"
        "\"none\":{\"dtype\":\"I64\",\"shape\":[0],\"data_offsets\":[12,12]}}  ";
    const struct safetensors_tensor *t;
    struct safetensors *file;

    (void)state;
    assert_int_equal(open_header(&file, header, 0, 12, NULL), 0);
    assert_int_equal(safetensors_count(file), 3);
    assert_string_equal(safetensors_at(file, 0)->name, "a");
    t = safetensors_find(file, "b");
    assert_non_null(t);
    assert_int_equal(t->type, SAFETENSORS_F16);
    assert_int_equal(t->dims, 1);
    assert_int_equal(t->values, 2);
    assert_int_equal(t->data[0], 8);
    assert_int_equal(safetensors_find(file, "none")->type, SAFETENSORS_OTHER);
    assert_string_equal(safetensors_find(file, "none")->type_name, "I64");
    assert_null(safetensors_find(file, "__metadata__"));
    safetensors_close(file);
}

#define TENSOR(name, dtype, shape, offsets)                                           \
    "\"" name "\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets \
    "}"

static void headers_that_lie_are_refused(void **state)
{
    static const struct {
        const char *header;
        size_t data_bytes;
        const char *word;
    } lie[] = {
        {"", 0, "header"},
        {"[]", 0, "no object"},
        {"{", 0, "header line"},
        {"{\"a\":1}", 0, "dtype"},
        {"{" TENSOR("a", "\"F31\"", "[1]", "[0,4]") "}", 4, "F31"},
        {"{" TENSOR("a", "7", "[1]", "[0,4]") "}", 4, "not a string"},
        {"{" TENSOR("a", "\"F32\"", "1", "[0,4]") "}", 4, "shape"},
        {"{" TENSOR("a", "\"F32\"", "[-1]", "[0,4]") "}", 4, "shape"},
        {"{" TENSOR("a", "\"F32\"", "[1.0]", "[0,4]") "}", 4, "shape"},
        {"{" TENSOR("a", "\"F32\"", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", 4, "shape"},
        {"{" TENSOR("a", "\"F32\"", "[4294967296,4294967296]", "[0,0]") "}", 0,
         "shape"},
        {"{" TENSOR("a", "\"F32\"", "[4611686018427387904]", "[0,0]") "}", 0, "fill"},
        {"{" TENSOR("a", "\"F32\"", "[1]", "[0]") "}", 4, "pair"},
        {"{" TENSOR("a", "\"F32\"", "[1]", "[0,-4]") "}", 4, "pair"},
        {"{" TENSOR("a", "\"F32\"", "[1]", "[4,0]") "}", 4, "fill"},
        {"{" TENSOR("a", "\"F32\"", "[1]", "[0,8]") "}", 8, "fill"},
        {"{" TENSOR("a", "\"F32\"", "[1]", "[0,4]") "}", 3, "leaves the file"},
        {"{" TENSOR("a", "\"F32\"", "[1]", "[0,4]") "}", 5, "take 4 bytes"},
        {"{" TENSOR("a", "\"F32\"", "[1]", "[4,8]") "}", 8, "hole"},
        {"{" TENSOR("a", "\"F32\"", "[2]", "[0,8]") "," TENSOR("b", "\"F32\"", "[1]",
                                                               "[4,8]") "}",
         8, "overlaps"},
        {"{" TENSOR("a", "\"F32\"", "[1]", "[0,4]") "," TENSOR("a", "\"F32\"", "[1]",
                                                               "[4,8]") "}",
         8, "duplicate"},
    };
    struct safetensors *file;
    struct infer_error err;

    (void)state;
    for (size_t i = 0; i < sizeof lie / sizeof *lie; i++) {
        int status = open_header(&file, lie[i].header, 0, lie[i].data_bytes, &err);

        if (status != INFER_EFORMAT || strstr(err.text, lie[i].word) == NULL)
            fail_msg("%zu: status %d: %s", i, status, err.text);
        assert_null(file);
    }
}

static void a_header_longer_than_the_file_is_refused(void **state)
{
    struct safetensors *file;
    struct infer_error err;

    (void)state;
    assert_int_equal(open_header(&file, "{}", 3, 0, &err), INFER_EFORMAT);
    assert_int_equal(open_header(&file, "{}", UINT64_MAX, 0, &err), INFER_EFORMAT);
    assert_int_equal(open_header(&file, "{}", UINT64_MAX - 7, 0, &err), INFER_EFORMAT);
    assert_int_equal(open_header(&file, "{}", 2, 0, &err), 0);
    assert_int_equal(safetensors_count(file), 0);
    assert_null(safetensors_find(file, "a"));
    safetensors_close(file);
}

static void a_deeply_nested_header_is_refused(void **state)
{
    enum { DEPTH = 100000 };
    char *header = malloc(DEPTH + 8);
    struct safetensors *file;
    struct infer_error err;

    (void)state;
    memcpy(header, "{\"a\":", 5);
    memset(header + 5, '[', DEPTH);
    header[5 + DEPTH] = '\0';
    assert_int_equal(open_header(&file, header, 0, 0, &err), INFER_EFORMAT);
    free(header);
}

static void a_file_without_a_header_length_is_refused(void **state)
{
    struct safetensors *file;
    struct infer_error err;

    (void)state;
    assert_int_equal(safetensors_open(&file, "tests/run.sh", &err), INFER_EFORMAT);
    assert_int_equal(safetensors_open(&file, "tests/no-such-file", &err), INFER_EIO);
    assert_non_null(strstr(err.text, "no-such-file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_file_gives_its_tensors),
        cmocka_unit_test(headers_that_lie_are_refused),
        cmocka_unit_test(a_header_longer_than_the_file_is_refused),
        cmocka_unit_test(a_deeply_nested_header_is_refused),
        cmocka_unit_test(a_file_without_a_header_length_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
