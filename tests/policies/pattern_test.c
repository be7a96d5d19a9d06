/* Patterns and phrases compile, or are refused with the place of the mistake. */
#include "tests/policies/sample.h"

static const struct sample_case cases[] = {
    {"open_bracket_is_refused", "\\bEsq\\.", "\\b(Esq", 33,
     "the regular expression \"\\b(Esq\" is wrong after its byte 6 (before \"\"): "
     "missing closing parenthesis"},
    {"mistake_is_shown_where_it_stands", "\\bEsq\\.", "a{3}**b", 33,
     "is wrong after its byte 4 (before \"**b\")"},
    {"expression_that_fits_nothing_at_all_is_refused", "\\bEsq\\.", "(Esq)*", 33,
     "the regular expression \"(Esq)*\" fits the empty text"},
    {"pure_look_ahead_is_refused", "\\bEsq\\.", "(?=Esq)", 33, "fits the empty text"},
    {"single_bytes_are_refused", "\\bEsq\\.", "\\CEsq", 33, "\\C"},
    {"deep_nesting_is_refused", "\\bEsq\\.",
     "(((((((((((((((((((((((((((((((((a)))))))))))))))))))))))))))))))))", 33,
     "parentheses are too deeply nested"},
    {"exclude_is_checked_like_a_pattern", "<exclude>^0", "<exclude>[z-a]", 28,
     "range out of order"},
};

static bool phrase_finds(const char *phrase, const char *text)
{
    struct policy_pattern pattern = {.source = phrase, .phrase = true};
    const struct policy_pattern *const list[] = {&pattern};
    struct policy_detector detector = {
        .name = "d", .pattern = list, .pattern_count = 1};
    struct policy_match match;
    size_t total = 0;
    int found;

    assert_int_equal(policy_pattern_compile(&pattern, 1, &total, NULL), POLICY_OK);
    assert_true(total > 0);
    found = policy_detect(&detector, text, strlen(text), 0, &match, NULL);
    pcre2_code_free(pattern.code);
    assert_true(found >= 0);
    return found == 1;
}

static void phrase_passes_over_white_space_and_case(void **state)
{
    (void)state;
    assert_true(phrase_finds("work product", "WORK\n  Product"));
    assert_true(phrase_finds("work product", "work\xC2\xA0product"));
    assert_false(phrase_finds("work product", "workproduct"));
}

static void phrase_takes_any_dash_and_apostrophe(void **state)
{
    (void)state;
    assert_true(phrase_finds("attorney-client", "attorney\xE2\x80\x93"
                                                "client"));
    assert_true(phrase_finds("attorney-client", "attorney - client"));
    assert_true(phrase_finds("attorney-client", "attorney client"));
    assert_false(phrase_finds("attorney-client", "attorneyclient"));
    assert_true(phrase_finds("counsel's advice", "counsel\xE2\x80\x99s advice"));
    assert_true(phrase_finds("counsel\xE2\x80\x99s advice", "counsel's advice"));
}

static void phrase_fits_whole_words(void **state)
{
    (void)state;
    assert_true(phrase_finds("esq", "John, Esq., said"));
    assert_false(phrase_finds("esq", "Esquire"));
    assert_false(phrase_finds("art", "p\xC3\xA9"
                                     "art"));
}

static void phrase_is_no_expression(void **state)
{
    static const char *const sign[] = {".", "\\", "^", "$", "[a]", "|",  "(", ")",
                                       "?", "*",  "+", "{", "}",   "#x", "]", "\\d"};

    (void)state;
    assert_false(phrase_finds("a.c", "abc"));
    for (size_t i = 0; i < sizeof sign / sizeof *sign; i++)
        assert_true(phrase_finds(sign[i], sign[i]));
}

static void longest_phrase_fits_its_buffer(void **state)
{
    char phrase[201];

    (void)state;
    memset(phrase, '-', 200);
    phrase[200] = '\0';
    assert_true(phrase_finds(phrase, phrase));
}

/* A repeated group is compiled once a repetition: some kilobytes each time. */
static void compiled_size_of_all_patterns_is_limited(void **state)
{
    struct policy_error err = {0};
    struct policy_pattern pattern = {.source = "(?:[a-z\xC3\xA9]\\d){1,900}"};
    size_t total = 0, count = 0;
    int status = POLICY_OK;

    (void)state;
    while (status == POLICY_OK && count < 10000) {
        status = policy_pattern_compile(&pattern, 5, &total, &err);
        pcre2_code_free(pattern.code);
        count++;
    }
    assert_int_equal(status, POLICY_EINVALID);
    assert_true(count > 100);
    assert_int_equal(err.line, 5);
    assert_non_null(strstr(err.text, "at most 16777216 are allowed"));
}

int main(void)
{
    struct CMUnitTest test[20] = {
        cmocka_unit_test(phrase_passes_over_white_space_and_case),
        cmocka_unit_test(phrase_takes_any_dash_and_apostrophe),
        cmocka_unit_test(phrase_fits_whole_words),
        cmocka_unit_test(phrase_is_no_expression),
        cmocka_unit_test(longest_phrase_fits_its_buffer),
        cmocka_unit_test(compiled_size_of_all_patterns_is_limited),
    };

    sample_tests(test, 6, cases, sizeof cases / sizeof *cases);
    return cmocka_run_group_tests_name("policies/pattern", test, NULL, NULL);
}
