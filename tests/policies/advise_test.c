/* What the grammar refuses is explained: line, what was found, what is allowed. */
#include "tests/policies/sample.h"

#define LABEL_BLUE                                                               \
    "    <label name=\"blue\" answer=\"sky blue\">\n      <title>Blue</title>\n" \
    "      <description>Blue, like the sky.</description>\n    </label>\n"

static const struct sample_case cases[] = {
    {"misspelt_attribute_is_named_with_what_was_meant",
     " lead-weight=", " lead-wait=", 10,
     "<task> has no attribute \"lead-wait\" (did you mean \"lead-weight\"?); it may "
     "have: name, threshold, temperature, lead-weight, pool, pool-top, evidence-max"},
    {"attribute_in_a_namespace_is_refused", "<label name=\"red\">",
     "<label name=\"red\" xml:lang=\"en\">", 13, "no namespaced attribute \"lang\""},
    {"attribute_where_none_is_allowed_is_refused", "<title>Red", "<title a=\"b\">Red",
     14, "<title> has no attribute \"a\"; it may have: none"},
    {"missing_attribute_is_named", " revision=\"7\"", "", 3,
     "<policy> lacks its attribute revision; write a whole number from 1"},
    {"threshold_above_one_is_refused", "threshold=\"0.35\"", "threshold=\"1.000001\"",
     10, "threshold=\"1.000001\" of <task>: write a number from 0 to 1"},
    {"threshold_below_zero_is_refused", "threshold=\"0.35\"", "threshold=\"-0.1\"", 10,
     "threshold=\"-0.1\" of <task>"},
    {"threshold_in_words_is_refused", "threshold=\"0.35\"", "threshold=\"high\"", 10,
     "threshold=\"high\" of <task>"},
    {"decimal_comma_is_refused", "threshold=\"0.35\"", "threshold=\"0,35\"", 10,
     "write a number from 0 to 1, such as 0.35"},
    {"exponent_is_refused", "temperature=\"0.125\"", "temperature=\"1e-2\"", 10,
     "write a number from 0.001 to 10"},
    {"temperature_zero_is_refused", "temperature=\"0.125\"", "temperature=\"0\"", 10,
     "temperature=\"0\" of <task>"},
    {"chunk_of_15_tokens_is_refused", "chunk-tokens-max=\"128\"",
     "chunk-tokens-max=\"15\"", 7, "write a whole number from 16 to 8192"},
    {"chunk_of_8193_tokens_is_refused", "chunk-tokens-max=\"128\"",
     "chunk-tokens-max=\"8193\"", 7, "write a whole number from 16 to 8192"},
    {"half_a_page_is_refused", "pages-max=\"10\"", "pages-max=\"0.5\"", 7,
     "pages-max=\"0.5\" of <reading>: write a whole number"},
    {"file_limit_zero_is_refused", "file-mib-max=\"1.5\"", "file-mib-max=\"0\"", 7,
     "write a number of MiB from 0.001 to 4096"},
    {"unknown_pool_is_refused", "pool=\"top\"", "pool=\"median\"", 10,
     "pool=\"median\" of <task>: write mean, max or top"},
    {"unknown_outcome_is_refused", "outcome=\"partial\"", "outcome=\"okay\"", 42,
     "write one of ok, partial, no_text"},
    {"true_is_not_yes", "mask=\"yes\" luhn", "mask=\"true\" luhn", 25,
     "mask=\"true\" of <pattern-detector>: write yes or no"},
    {"name_with_capitals_is_refused", "name=\"red\"", "name=\"Red\"", 13,
     "name=\"Red\" of <label>: write a name of at most 64 lower-case letters"},
    {"empty_name_is_refused", "name=\"red\"", "name=\"\"", 13, "name=\"\" of <label>"},
    {"name_of_65_letters_is_refused", "name=\"red\"",
     "name=\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"", 13,
     "at most 64"},
    {"terminal_escape_is_not_echoed", "name=\"red\"", "name=\"a&#x9b;31m\"", 13,
     "name=\"a?31m\""},
    {"long_value_is_cut", "name=\"red\"",
     "name=\"A11111111111111111111111111111111111111111111111111111111111111111\"", 13,
     "1..."},

    {"misspelt_element_is_named_with_what_was_meant", "<example>A red door.</example>",
     "<exampel>A red door.</exampel>", 17,
     "<label> has no element \"exampel\" (did you mean \"example\"?); it may have: "
     "title, description, example"},
    {"element_in_a_namespace_is_refused", "<example>A red door.</example>",
     "<example xmlns=\"urn:x\">A red door.</example>", 17,
     "<label> has no namespaced element \"example\""},
    {"element_where_none_is_allowed_is_refused", "undecided=\"yes\"/>",
     "undecided=\"yes\"><why/></rule>", 43, "<rule> has no element \"why\""},
    {"missing_first_element_is_named", "  <title>Sample</title>\n", "", 4,
     "<policy> has no <title> before this <description>; it needs at least 1"},
    {"missing_last_element_is_named",
     "      <description>Blue, like the sky.</description>\n", "", 19,
     "<label> has no <description>; it needs at least 1"},
    {"task_with_one_label_is_refused", LABEL_BLUE, "", 10,
     "<task> has 1 <label>; it needs at least 2"},
    {"detector_without_a_pattern_is_refused",
     "    <pattern>\\b\\d(?:[ -]?\\d){12,18}\\b</pattern>\n", "", 27,
     "no <phrase> or <pattern> before this <exclude>"},
    {"second_title_is_refused", "<title>Sample</title>",
     "<title>Sample</title><title>Again</title>", 4,
     "a second <title> in <policy>, which has one"},
    {"missing_question_is_named", "<question>Which colour is it?</question>\n", "", 12,
     "<task> has no <question> before this <label>"},
    {"element_too_late_is_refused", "<decisions default=\"keep\">",
     "<summary/><decisions default=\"keep\">", 41,
     "<summary> comes too late in <policy>; the order is: title, description, reading"},
    {"text_between_elements_is_refused", "<question>", "hello <question>", 10,
     "the text \"hello\" stands in <task> itself"},
    {"text_in_an_empty_element_is_refused", "undecided=\"yes\"/>",
     "undecided=\"yes\">why</rule>", 43, "the text \"why\" stands in <rule> itself"},
    {"element_inside_prose_is_refused", "A red door.", "A <b>red</b> door.", 17,
     "<b> inside <example>, which holds text alone; write &lt; for <"},
    {"empty_title_is_refused", "<title>Red</title>", "<title/>", 14,
     "<title> holds 0 bytes of text; write a text of 1 to 200 characters"},
    {"blank_example_is_refused", "A red door.", " <!-- nothing -->\n ", 17,
     "<example> holds 0 bytes of text"},
    {"other_root_is_refused", "<policy name=\"sample\" revision=\"7\">",
     "<policy name=\"sample\" revision=\"7\" xmlns=\"urn:x\">", 3,
     "the file's outermost element is <policy> in a namespace; a policy's is <policy>"},
};

static void root_of_another_name_is_refused(void **state)
{
    (void)state;
    sample_refuse_text(
        "<rules/>", 1,
        "the file's outermost element is <rules>; a policy's is <policy>");
}

/* count letters in an element that allows max of them. */
static int load_title(const char *unit, size_t count, struct policy_error *err)
{
    char *title = calloc(1, count * strlen(unit) + 64), *text;
    struct policy *policy;
    int status;

    assert_non_null(title);
    strcpy(title, "<title> ");
    for (size_t i = 0; i < count; i++)
        strcat(title, unit);
    strcat(title, " </title>");
    text = sample_with(SAMPLE, "<title>Red</title>", title);
    status = sample_load(&policy, text, err);
    policy_free(policy);
    free(text);
    free(title);
    return status;
}

static void length_of_a_title_is_counted_in_characters(void **state)
{
    struct policy_error err;

    (void)state;
    assert_int_equal(load_title("a", 199, &err), POLICY_OK);
    assert_int_equal(load_title("a", 200, &err), POLICY_OK);
    assert_int_equal(load_title("a", 201, &err), POLICY_EINVALID);
    assert_int_equal(load_title("\xC3\xA9", 200, &err), POLICY_OK);
    assert_int_equal(load_title("\xC3\xA9", 201, &err), POLICY_EINVALID);
    assert_int_equal(err.line, 14);
    assert_non_null(strstr(err.text, "<title> holds 402 bytes of text"));
}

static void advice_needs_no_error_struct(void **state)
{
    char *text = sample_with(SAMPLE, "<question>", "hello <question>");
    struct policy_source source = {text, strlen(text), NULL, 0, NULL};
    struct policy *policy;

    (void)state;
    assert_int_equal(policy_load_source(&policy, &source, NULL), POLICY_EINVALID);
    policy_source_free(&source);
}

int main(void)
{
    struct CMUnitTest test[80] = {
        cmocka_unit_test(root_of_another_name_is_refused),
        cmocka_unit_test(length_of_a_title_is_counted_in_characters),
        cmocka_unit_test(advice_needs_no_error_struct),
    };

    sample_tests(test, 3, cases, sizeof cases / sizeof *cases);
    return cmocka_run_group_tests_name("policies/advise", test, NULL, NULL);
}
