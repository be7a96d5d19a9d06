/* The bytes of a file, mapped or copied; what is no file is refused by name. */
#include "infer/mapping.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/mapping-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[64];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "wb");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"text", "empty", "pipe"};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        unlink(path_of(names[i]));
    return rmdir(folder);
}

static void a_file_is_mapped_whole(void **state)
{
    struct mapping m;

    (void)state;
    write_file("text", "seventeen letters");
    assert_int_equal(mapping_open(&m, path_of("text"), NULL), 0);
    assert_int_equal(m.size, 17);
    assert_memory_equal(m.bytes, "seventeen letters", 17);
    assert_false(m.is_copy);
    mapping_close(&m);
    assert_null(m.bytes);
    mapping_close(&m);
}

static void a_copy_outlives_its_origin(void **state)
{
    char origin[] = "letters";
    struct mapping m;

    (void)state;
    assert_int_equal(mapping_copy(&m, origin, 7, NULL), 0);
    memset(origin, 'x', 7);
    assert_int_equal(m.size, 7);
    assert_memory_equal(m.bytes, "letters", 7);
    assert_true(m.is_copy);
    assert_int_equal((uintptr_t)m.bytes % MAPPING_ALIGNMENT, 0);
    mapping_close(&m);
    assert_int_equal(mapping_copy(&m, NULL, 0, NULL), 0);
    assert_int_equal(m.size, 0);
    mapping_close(&m);
}

/* Expect this refusal, which must not wait and leaves nothing behind. */
static void refuses(const char *path, int status, const char *words)
{
    struct mapping m = {.size = 1};
    struct infer_error err;

    assert_int_equal(mapping_open(&m, path, &err), status);
    assert_int_equal(err.status, status);
    assert_true(m.bytes == NULL && m.size == 0);
    assert_non_null(strstr(err.text, path));
    if (strstr(err.text, words) == NULL)
        fail_msg("\"%s\" is not in: %s", words, err.text);
}

static void what_is_no_file_is_refused_by_name(void **state)
{
    (void)state;
    write_file("empty", "");
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    refuses(path_of("empty"), INFER_EFORMAT, "empty");
    refuses(path_of("pipe"), INFER_EIO, "not a regular file");
    refuses(path_of("absent"), INFER_EIO, "No such file");
    refuses(folder, INFER_EIO, "not a regular file");
    refuses("/dev/zero", INFER_EIO, "not a regular file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_mapped_whole),
        cmocka_unit_test(a_copy_outlives_its_origin),
        cmocka_unit_test(what_is_no_file_is_refused_by_name),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
