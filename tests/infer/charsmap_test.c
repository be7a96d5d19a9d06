/* A table out of a file may be anything: it is looked up without leaving it. */
#include "infer/charsmap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static void any_table_is_looked_up_inside_itself(void **state)
{
    uint64_t seed = 88172645463325252ull;
    char text[64], table[600];
    size_t found = 0;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        uint32_t units = 1 + (uint32_t)(round % 128), bytes = 4 * units;
        struct charsmap *map;

        for (size_t i = 0; i < sizeof table; i++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            /* bytes of 0 to 7, leaves, short ways and small values */
            table[i] = (char)(i % 4 == 0                   ? seed >> 32 & 0x07
                              : i % 4 == 1 && seed % 3 > 0 ? seed >> 40 & 0x3d
                                                           : 0);
            text[i % sizeof text] = (char)(seed >> 50 & 0x07);
        }
        memcpy(table, &bytes, sizeof bytes);
        table[4 + bytes + 40] = '\0';
        assert_int_equal(charsmap_open(&map, table, 4 + bytes + 41, NULL), 0);
        for (size_t at = 0; at < sizeof text; at++) {
            size_t matched = 99;
            const char *to = charsmap_find(map, text + at, sizeof text - at, &matched);

            assert_true(matched <= sizeof text - at);
            assert_int_equal(to == NULL, matched == 0);
            if (to != NULL)
                found += 1 + strlen(to) % 2;
        }
        charsmap_close(map);
    }
    assert_true(found > 0);
}

static void a_size_that_does_not_fit_is_refused(void **state)
{
    static const uint32_t sizes[] = {0, 2, 6, 13, 16, 20, 0x7ffffffc, 0xfffffffc};
    struct infer_error err;
    struct charsmap *map;
    char table[20] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memcpy(table, &sizes[i], 4);
        assert_int_equal(charsmap_open(&map, table, sizeof table, &err), INFER_EFORMAT);
        assert_null(map);
    }
    for (size_t count = 0; count < 9; count++)
        assert_int_equal(charsmap_open(&map, "\4\0\0\0\0\0\0\0\0", count, &err),
                         INFER_EFORMAT);
    assert_int_equal(charsmap_open(&map, "\4\0\0\0\0\0\0\0\0", 9, &err), 0);
    charsmap_close(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_table_is_looked_up_inside_itself),
        cmocka_unit_test(a_size_that_does_not_fit_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
