/* The number formats of a GGUF file: their names, and the sizes of their blocks as
 * the parts of a block add up to. */
#include "infer/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

static void a_block_is_as_large_as_its_parts(void **state)
{
    /* scales, then bits of the values */
    static const struct {
        enum gguf_type type;
        const char *name;
        uint32_t values, scale_bytes, bits;
    } cases[] = {
        {GGUF_F32, "F32", 1, 0, 32},
        {GGUF_F16, "F16", 1, 0, 16},
        {GGUF_BF16, "BF16", 1, 0, 16},
        {GGUF_Q4_0, "Q4_0", 32, 2, 4},
        {GGUF_Q4_1, "Q4_1", 32, 4, 4},
        {GGUF_Q5_0, "Q5_0", 32, 2, 5},
        {GGUF_Q5_1, "Q5_1", 32, 4, 5},
        {GGUF_Q8_0, "Q8_0", 32, 2, 8},
        {GGUF_Q2_K, "Q2_K", 256, 4 + 16, 2},
        {GGUF_Q3_K, "Q3_K", 256, 2 + 12, 3},
        {GGUF_Q4_K, "Q4_K", 256, 4 + 12, 4},
        {GGUF_Q5_K, "Q5_K", 256, 4 + 12, 5},
        {GGUF_Q6_K, "Q6_K", 256, 2 + 16, 6},
        {GGUF_IQ4_NL, "IQ4_NL", 32, 2, 4},
        {GGUF_IQ4_XS, "IQ4_XS", 256, 2 + 2 + 4, 4},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_string_equal(gguf_type_name(cases[i].type), cases[i].name);
        assert_int_equal(gguf_block_values(cases[i].type), cases[i].values);
        assert_int_equal(gguf_block_bytes(cases[i].type),
                         cases[i].scale_bytes + cases[i].values * cases[i].bits / 8);
    }
}

/* Numbers the format gave up, and those beyond it. */
static void unknown_types_have_no_size(void **state)
{
    static const unsigned gone[] = {4,  5,  9,  15, 31,      32,       33,
                                    36, 37, 38, 40, 1000000, 1u << 31, 0xffffffff};

    (void)state;
    for (size_t i = 0; i < COUNT(gone); i++) {
        assert_int_equal(gguf_block_bytes((enum gguf_type)gone[i]), 0);
        assert_int_equal(gguf_block_values((enum gguf_type)gone[i]), 0);
        assert_string_equal(gguf_type_name((enum gguf_type)gone[i]), "unknown");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_is_as_large_as_its_parts),
        cmocka_unit_test(unknown_types_have_no_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
