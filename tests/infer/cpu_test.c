/* Instruction sets: what is there, what is refused, how it is called. */
#include "infer/cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void scalar_is_always_there(void **state)
{
    (void)state;
    assert_true(cpu_has(INFER_ISA_SCALAR));
    assert_true(cpu_has(INFER_ISA_BEST));
}

static void best_is_a_set_this_cpu_has(void **state)
{
    enum infer_isa best = cpu_best();

    (void)state;
    assert_true(cpu_has(best));
    for (int isa = (int)best + 1; isa < CPU_ISA_COUNT; isa++)
        assert_false(cpu_has((enum infer_isa)isa));
}

static void larger_sets_imply_avx2(void **state)
{
    (void)state;
    if (cpu_has(INFER_ISA_AVX512) || cpu_has(INFER_ISA_AVXVNNI))
        assert_true(cpu_has(INFER_ISA_AVX2));
}

/* The compiler's own detection is the second witness. */
static void detection_agrees_with_the_compilers(void **state)
{
    (void)state;
#if defined(__x86_64__) && !defined(CLOISTER_SIMDE)
    __builtin_cpu_init();
    assert_int_equal(cpu_has(INFER_ISA_AVX2),
                     __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
    assert_int_equal(
        cpu_has(INFER_ISA_AVX512),
        __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
            __builtin_cpu_supports("avx512vnni"));
#endif
}

static void every_word_is_parsed_or_refused_for_this_cpu(void **state)
{
    static const struct {
        const char *word;
        enum infer_isa isa;
    } words[] = {{"scalar", INFER_ISA_SCALAR},
                 {"avx2", INFER_ISA_AVX2},
                 {"avxvnni", INFER_ISA_AVXVNNI},
                 {"avx512", INFER_ISA_AVX512}};

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        enum infer_isa isa = INFER_ISA_BEST;
        int status = infer_isa_parse(words[i].word, &isa, NULL);
        assert_int_equal(status, cpu_has(words[i].isa) ? 0 : INFER_EUNSUPPORTED);
        assert_int_equal(isa, words[i].isa);
        assert_string_equal(cpu_isa_name(isa), words[i].word);
    }
}

static void another_word_is_refused_by_name(void **state)
{
    struct infer_error err;
    enum infer_isa isa;

    (void)state;
    assert_int_equal(infer_isa_parse("sse9", &isa, &err), INFER_EINVALID);
    assert_non_null(strstr(err.text, "sse9"));
    assert_int_equal(infer_isa_parse("best", &isa, &err), INFER_EINVALID);
    assert_int_equal(infer_isa_parse("", &isa, &err), INFER_EINVALID);
}

static void choosing_best_names_a_real_set(void **state)
{
    enum infer_isa isa = INFER_ISA_BEST;

    (void)state;
    assert_int_equal(cpu_choose(INFER_ISA_BEST, &isa, NULL), 0);
    assert_int_equal(isa, cpu_best());
    assert_int_equal(cpu_choose((enum infer_isa)CPU_ISA_COUNT, &isa, NULL),
                     INFER_EINVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalar_is_always_there),
        cmocka_unit_test(best_is_a_set_this_cpu_has),
        cmocka_unit_test(larger_sets_imply_avx2),
        cmocka_unit_test(detection_agrees_with_the_compilers),
        cmocka_unit_test(every_word_is_parsed_or_refused_for_this_cpu),
        cmocka_unit_test(another_word_is_refused_by_name),
        cmocka_unit_test(choosing_best_names_a_real_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
