/* The GGUF container: what is sound is read, everything else is refused. */
#include "tests/infer/tiny.h"

#include <jansson.h>

#define MALFORMED "../shared/corpus/fixtures/malformed-gguf/"

struct made { /* a small file in the making, and what became of it */
    struct gguf_writer w;
    char *bytes;
    size_t count;
};

static void finish(struct made *m)
{
    FILE *file = open_memstream(&m->bytes, &m->count);
    char zero[32] = {0};

    gguf_write_head(&m->w, file);
    while (m->w.written < m->w.described)
        gguf_write_data(&m->w, file, zero, sizeof zero);
    assert_int_equal(gguf_write_end(&m->w, file), 0);
    fclose(file);
}

/* Opens what was made, releases it and returns the status. */
static int open_made(struct made *m, struct infer_error *err)
{
    struct gguf *file;
    int status;

    finish(m);
    status = gguf_open_memory(&file, m->bytes, m->count, err);
    if (status != 0)
        assert_null(file);
    gguf_close(file);
    free(m->bytes);
    return status;
}

static void keys_are_given_out_as_what_they_are(void **state)
{
    struct made m = {0};
    struct gguf *file;
    struct gguf_string text;
    const struct gguf_key *array;
    struct infer_error err;
    uint32_t number = 0;
    float real = 0;
    bool truth = false;
    size_t at = 0;

    (void)state;
    gguf_write_u32(&m.w, "b.number", 4000000000u);
    gguf_write_string(&m.w, "a.text", "two\nlines", 9);
    gguf_write_f32(&m.w, "c.real", 0.5f);
    gguf_write_bool(&m.w, "d.truth", true);
    gguf_write_array(&m.w, "e.list", GGUF_STRING, 2);
    gguf_write_element_string(&m.w, "", 0);
    gguf_write_element_string(&m.w, "xyz", 3);
    finish(&m);
    assert_int_equal(gguf_open_memory(&file, m.bytes, m.count, &err), 0);
    assert_int_equal(gguf_get_u32(file, "b.number", &number, &err), 0);
    assert_int_equal(number, 4000000000u);
    assert_int_equal(gguf_get_string(file, "a.text", &text, &err), 0);
    assert_int_equal(text.bytes, 9);
    assert_memory_equal(text.text, "two\nlines", 9);
    assert_int_equal(gguf_get_f32(file, "c.real", &real, &err), 0);
    assert_true(real == 0.5f);
    assert_int_equal(gguf_get_bool(file, "d.truth", &truth, &err), 0);
    assert_true(truth);
    assert_int_equal(gguf_get_array(file, "e.list", GGUF_STRING, &array, &err), 0);
    assert_int_equal(array->count, 2);
    assert_int_equal(gguf_array_next(array, &at).bytes, 0);
    assert_memory_equal(gguf_array_next(array, &at).text, "xyz", 3);
    assert_null(gguf_find(file, "b.numbe"));
    assert_int_equal(gguf_tensor_count(file), 0);
    assert_null(gguf_tensor_find(file, "b.number"));
    gguf_close(file);
    free(m.bytes);
}

static void a_key_of_another_type_is_refused(void **state)
{
    struct made m = {0};
    struct gguf *file;
    struct infer_error err;
    const struct gguf_key *array;
    uint32_t number;
    float real;

    (void)state;
    gguf_write_u32(&m.w, "number", 1);
    finish(&m);
    assert_int_equal(gguf_open_memory(&file, m.bytes, m.count, &err), 0);
    assert_int_equal(gguf_get_f32(file, "number", &real, &err), INFER_EFORMAT);
    assert_non_null(strstr(err.text, "number"));
    assert_int_equal(gguf_get_array(file, "number", GGUF_U32, &array, &err),
                     INFER_EFORMAT);
    assert_int_equal(gguf_get_u32(file, "missing", &number, NULL), INFER_EFORMAT);
    gguf_close(file);
    free(m.bytes);
}

static void tensors_lie_where_the_file_says(void **state)
{
    struct tiny tiny = tiny_default();
    const struct gguf_tensor *t;
    struct gguf *file;
    size_t count;
    char *bytes;

    (void)state;
    tiny.matrix = GGUF_Q8_0;
    bytes = tiny_bytes(&tiny, &count);
    assert_int_equal(gguf_open_memory(&file, bytes, count, NULL), 0);
    assert_int_equal(gguf_file_bytes(file), count);
    t = gguf_tensor_find(file, "blk.1.ffn_down.weight");
    assert_non_null(t);
    assert_int_equal(t->type, GGUF_Q8_0);
    assert_int_equal(t->dims, 2);
    assert_int_equal(t->dim[0], 64);
    assert_int_equal(t->rows, 32);
    assert_int_equal(t->bytes, 2 * 34 * 32);
    assert_int_equal((uintptr_t)t->data % GGUF_ALIGNMENT_DEFAULT, 0);
    assert_string_equal(gguf_tensor_at(file, 0)->name, "token_embd.weight");
    gguf_close(file);
    free(bytes);
}

static void a_key_that_stands_twice_is_refused(void **state)
{
    struct made m = {0};
    struct infer_error err;

    (void)state;
    gguf_write_u32(&m.w, "same", 1);
    gguf_write_u32(&m.w, "other", 1);
    gguf_write_u32(&m.w, "same", 1);
    assert_int_equal(open_made(&m, &err), INFER_EFORMAT);
    assert_non_null(strstr(err.text, "\"same\" stands twice"));
}

static void a_tensor_that_stands_twice_is_refused(void **state)
{
    struct made m = {0};
    struct infer_error err;

    (void)state;
    gguf_write_tensor(&m.w, "same", GGUF_F32, 1, (uint64_t[]){8});
    gguf_write_tensor(&m.w, "same", GGUF_F32, 1, (uint64_t[]){8});
    assert_int_equal(open_made(&m, &err), INFER_EFORMAT);
    assert_non_null(strstr(err.text, "\"same\" stands twice"));
}

static int status_of_alignment(uint32_t alignment)
{
    struct made m = {0};
    struct infer_error err;

    gguf_write_u32(&m.w, "general.alignment", alignment);
    return open_made(&m, &err);
}

static void the_alignment_is_a_power_of_two_within_limits(void **state)
{
    (void)state;
    assert_int_equal(status_of_alignment(GGUF_ALIGNMENT_MIN / 2), INFER_EFORMAT);
    assert_int_equal(status_of_alignment(GGUF_ALIGNMENT_MIN), 0);
    assert_int_equal(status_of_alignment(24), INFER_EFORMAT);
    assert_int_equal(status_of_alignment(GGUF_ALIGNMENT_MAX), 0);
    assert_int_equal(status_of_alignment(GGUF_ALIGNMENT_MAX * 2), INFER_EFORMAT);
    assert_int_equal(status_of_alignment(0), INFER_EFORMAT);
}

static int status_of_name(size_t bytes)
{
    struct made m = {0};
    char name[GGUF_NAME_BYTES_MAX + 2] = "";
    struct infer_error err;

    memset(name, 'n', bytes);
    gguf_write_tensor(&m.w, name, GGUF_F32, 1, (uint64_t[]){8});
    return open_made(&m, &err);
}

static void a_tensor_name_has_a_longest_length(void **state)
{
    (void)state;
    assert_int_equal(status_of_name(0), INFER_EFORMAT);
    assert_int_equal(status_of_name(GGUF_NAME_BYTES_MAX - 1), 0);
    assert_int_equal(status_of_name(GGUF_NAME_BYTES_MAX), 0);
    assert_int_equal(status_of_name(GGUF_NAME_BYTES_MAX + 1), INFER_EFORMAT);
}

static void a_name_that_could_steer_a_terminal_is_refused(void **state)
{
    struct made m = {0};
    struct infer_error err;

    (void)state;
    gguf_write_u32(&m.w, "a\x1b[2J", 1);
    assert_int_equal(open_made(&m, &err), INFER_EFORMAT);
    assert_null(strchr(err.text, '\x1b'));
}

static int status_of_key_count(uint32_t count)
{
    struct made m = {0};
    struct infer_error err;
    char name[16];

    for (uint32_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "k%u", i);
        gguf_write_u32(&m.w, name, i);
    }
    return open_made(&m, &err);
}

static void the_number_of_keys_has_a_limit(void **state)
{
    (void)state;
    assert_int_equal(status_of_key_count(0), 0);
    assert_int_equal(status_of_key_count(GGUF_KEYS_MAX), 0);
    assert_int_equal(status_of_key_count(GGUF_KEYS_MAX + 1), INFER_EFORMAT);
}

/* A number somewhere in a file that is sound but for it. */
struct lie {
    size_t at, bytes;
    uint64_t value;
    const char *word; /* in the refusal */
};

static void expect_lies(struct made *m, const struct lie *lie, size_t count)
{
    struct infer_error err;
    struct gguf *file;

    finish(m);
    assert_int_equal(gguf_open_memory(&file, m->bytes, m->count, &err), 0);
    gguf_close(file);
    for (size_t i = 0; i < count; i++) {
        char *copy = malloc(m->count);
        int status;

        memcpy(copy, m->bytes, m->count);
        memcpy(copy + lie[i].at, &lie[i].value, lie[i].bytes);
        status = gguf_open_memory(&file, copy, m->count, &err);
        if (status == 0 || strstr(err.text, lie[i].word) == NULL)
            fail_msg("lie %zu: status %d: %s", i, status, err.text);
        free(copy);
    }
    free(m->bytes);
}

/* The head, then two descriptions of 34 bytes: length, name, dims at 10, dim at 14,
 * type at 22, offset at 26. */
static void tensors_that_lie_are_refused(void **state)
{
    enum { FIRST = 24, SECOND = FIRST + 34 };
    static const struct lie lie[] = {
        {0, 1, 'g', "first four bytes"},
        {4, 4, 1, "version 0x1"},
        {4, 4, 0x03000000, "big-endian"},
        {8, 8, 1ull << 60, "tensors"},
        {8, 8, GGUF_TENSORS_MAX + 1, "tensors"},
        {16, 8, 1ull << 60, "keys"},
        {FIRST, 8, UINT64_MAX, "ends inside"},
        {FIRST + 8, 1, '\n', "control"},
        {SECOND + 9, 1, '0', "stands twice"},
        {FIRST + 10, 4, 0, "0 dimensions"},
        {FIRST + 10, 4, 5, "5 dimensions"},
        {FIRST + 14, 8, 0, "is 0"},
        {FIRST + 14, 8, 1ull << 62, "larger than the file"},
        {FIRST + 14, 8, UINT64_MAX, "larger than the file"},
        {FIRST + 22, 4, 4, "type 4"},
        {FIRST + 22, 4, 200, "type 200"},
        {FIRST + 22, 4, 0x80000000u, "type"},
        {FIRST + 22, 4, GGUF_Q4_0, "multiple of 32"},
        {SECOND + 26, 8, 0, "share data"},
        {SECOND + 26, 8, 16, "not a multiple"},
        {SECOND + 26, 8, 64, "leaves"},
        {SECOND + 26, 8, 1ull << 40, "leaves"},
        {SECOND + 26, 8, 0 - 32ull, "leaves"},
    };
    struct made m = {0};

    (void)state;
    gguf_write_tensor(&m.w, "t0", GGUF_F32, 1, (uint64_t[]){8});
    gguf_write_tensor(&m.w, "t1", GGUF_F32, 1, (uint64_t[]){8});
    expect_lies(&m, lie, sizeof lie / sizeof *lie);
}

/* The head, then the key "k": length, name, type at 9, element type at 13, count at
 * 17; after its one element the key "b", a truth value at 13. */
static void keys_that_lie_are_refused(void **state)
{
    enum { KEY = 24, BOOL = KEY + 29 };
    static const struct lie lie[] = {
        {KEY, 8, 0, "0 bytes"},
        {KEY, 8, UINT64_MAX, "ends inside"},
        {KEY, 8, UINT64_MAX - 31, "ends inside"},
        {KEY + 9, 4, 13, "type 13"},
        {KEY + 9, 4, GGUF_STRING, "ends inside"},
        {KEY + 13, 4, GGUF_ARRAY, "type 9 in an array"},
        {KEY + 13, 4, 13, "type 13 in an array"},
        {KEY + 17, 8, 1ull << 62, "claims"},
        {KEY + 17, 8, (1ull << 62) + 1, "claims"},
        {KEY + 17, 8, 64, "claims"},
        {BOOL + 8, 1, 'k', "stands twice"},
        {BOOL + 13, 1, 2, "truth value"},
    };
    struct made m = {0};

    (void)state;
    gguf_write_array(&m.w, "k", GGUF_I32, 1);
    gguf_write_element_i32(&m.w, 7);
    gguf_write_bool(&m.w, "b", true);
    expect_lies(&m, lie, sizeof lie / sizeof *lie);
}

/* No proper beginning of a file is a file: the last tensor's data ends it. */
static void every_beginning_of_a_file_is_refused(void **state)
{
    struct tiny tiny = tiny_default();
    struct gguf *file;
    size_t count;
    char *bytes;

    (void)state;
    tiny.layers = 1;
    bytes = tiny_bytes(&tiny, &count);
    for (size_t cut = 0; cut < count; cut += cut < 6000 ? 1 : 97)
        assert_int_not_equal(gguf_open_memory(&file, bytes, cut, NULL), 0);
    assert_int_equal(gguf_open_memory(&file, bytes, count, NULL), 0);
    gguf_close(file);
    free(bytes);
}

/* Whatever a flipped bit makes of the head, what is accepted can be walked. */
static void a_flipped_bit_never_leads_outside_the_file(void **state)
{
    struct tiny tiny = tiny_default();
    unsigned accepted = 0, refused = 0;
    struct gguf *file;
    size_t count;
    char *bytes;

    (void)state;
    tiny.layers = 1;
    bytes = tiny_bytes(&tiny, &count);
    for (size_t bit = 0; bit < 4000 * 8; bit += 3) {
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        if (gguf_open_memory(&file, bytes, count, NULL) == 0) {
            uint64_t sum = 0;

            for (size_t i = 0; i < gguf_tensor_count(file); i++) {
                const struct gguf_tensor *t = gguf_tensor_at(file, i);

                sum += ((const uint8_t *)t->data)[0];
                sum += ((const uint8_t *)t->data)[t->bytes - 1];
            }
            assert_true(sum < UINT64_MAX);
            accepted++;
            gguf_close(file);
        } else {
            refused++;
        }
        bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
    assert_true(accepted > 100 && refused > 100);
    free(bytes);
}

static void a_file_that_cannot_be_mapped_is_refused(void **state)
{
    struct infer_error err;
    struct gguf *file;

    (void)state;
    assert_int_equal(gguf_open(&file, "tests/no-such-file.gguf", &err), INFER_EIO);
    assert_non_null(strstr(err.text, "no-such-file"));
    assert_int_equal(gguf_open(&file, "tests", &err), INFER_EIO);
    assert_int_equal(gguf_open(&file, "/dev/null", &err), INFER_EIO);
    assert_null(file);
}

/* Faults that only the architecture can know; model_test.c holds their like. */
static bool is_for_the_model(const char *name)
{
    long number = strtol(name, NULL, 10);

    return (number >= 30 && number <= 43) || number == 47;
}

static void the_malformed_files_of_the_corpus_are_refused(void **state)
{
    json_t *index = json_load_file(MALFORMED "index.json", 0, NULL), *entry;
    struct infer_model *model;
    struct infer_error err;
    struct gguf *file;
    char path[256];
    size_t i;

    (void)state;
    if (index == NULL) {
        fprintf(stderr, "%s is absent\n", MALFORMED);
        skip();
    }
    assert_int_equal(json_array_size(index), 48);
    json_array_foreach(index, i, entry)
    {
        const char *name = json_string_value(json_object_get(entry, "file"));
        bool sound = is_for_the_model(name) || i == 0;

        snprintf(path, sizeof path, MALFORMED "%s", name);
        if ((gguf_open(&file, path, &err) == 0) != sound)
            fail_msg("%s: %s", name, sound ? err.text : "was accepted");
        gguf_close(file);
        if ((infer_model_open(&model, path, &err) == 0) != (i == 0))
            fail_msg("%s: %s", name, i == 0 ? err.text : "was accepted");
        if (i > 0 && (model != NULL || strlen(err.text) < 20))
            fail_msg("%s: refused with \"%s\"", name, err.text);
        infer_model_close(model);
    }
    json_decref(index);
}

static void the_block_sizes_are_those_of_the_corpus(void **state)
{
    json_t *index =
        json_load_file("../shared/corpus/fixtures/blocks/index.json", 0, NULL);
    json_t *entry;
    size_t i;

    (void)state;
    if (index == NULL) {
        fprintf(stderr, "../shared/corpus/fixtures/blocks is absent\n");
        skip();
    }
    assert_int_equal(json_array_size(index), 14);
    json_array_foreach(index, i, entry)
    {
        json_int_t number = json_integer_value(json_object_get(entry, "ggml_type_id"));
        enum gguf_type type = (enum gguf_type)number;

        assert_string_equal(json_string_value(json_object_get(entry, "type")),
                            gguf_type_name(type));
        assert_int_equal(json_integer_value(json_object_get(entry, "block_bytes")),
                         gguf_block_bytes(type));
        assert_int_equal(json_integer_value(json_object_get(entry, "block_values")),
                         gguf_block_values(type));
    }
    json_decref(index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_given_out_as_what_they_are),
        cmocka_unit_test(a_key_of_another_type_is_refused),
        cmocka_unit_test(tensors_lie_where_the_file_says),
        cmocka_unit_test(a_key_that_stands_twice_is_refused),
        cmocka_unit_test(a_tensor_that_stands_twice_is_refused),
        cmocka_unit_test(the_alignment_is_a_power_of_two_within_limits),
        cmocka_unit_test(a_tensor_name_has_a_longest_length),
        cmocka_unit_test(a_name_that_could_steer_a_terminal_is_refused),
        cmocka_unit_test(the_number_of_keys_has_a_limit),
        cmocka_unit_test(tensors_that_lie_are_refused),
        cmocka_unit_test(keys_that_lie_are_refused),
        cmocka_unit_test(every_beginning_of_a_file_is_refused),
        cmocka_unit_test(a_flipped_bit_never_leads_outside_the_file),
        cmocka_unit_test(a_file_that_cannot_be_mapped_is_refused),
        cmocka_unit_test(the_malformed_files_of_the_corpus_are_refused),
        cmocka_unit_test(the_block_sizes_are_those_of_the_corpus),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
