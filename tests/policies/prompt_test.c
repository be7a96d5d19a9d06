/* Prompts are kept to the byte, and each word in braces is one that is filled in. */
#include "tests/policies/sample.h"

static const struct sample_case cases[] = {
    {"misspelt_word_is_named_with_what_was_meant", "In short: {text}", "{txet}", 24,
     "<summarize> has no word {txet} (did you mean {text}?); what may stand in braces "
     "there: text"},
    {"word_in_capitals_is_refused", "Fold: {text}", "{Text}", 24,
     "<fold> has no word {Text} (did you mean {text}?)"},
    {"question_is_for_classify_alone", "In short: {text}", "{text} {question}", 24,
     "<summarize> has no word {question}"},
    {"labels_are_for_classify_alone", "Fold: {text}", "{text} {labels}", 24,
     "<fold> has no word {labels}"},
    {"unknown_word_of_classify_is_refused", "{labels}", "{language}", 24,
     "<classify> has no word {language}; what may stand in braces there: text, "
     "question, labels"},
    {"system_has_no_words", "You  sort", "{text}", 24,
     "<system> has no word {text}; what may stand in braces there: nothing"},
    {"opening_has_no_words", "Colour: ", "{question} ", 24,
     "<opening> has no word {question}"},
    {"neutral_has_no_words", "<neutral>.", "<neutral>{text}", 24,
     "<neutral> has no word {text}"},
    {"classify_without_text_is_refused", "<{text}>", "", 24,
     "<classify> lacks {text}; write it where the words of the document are to stand"},
    {"summarize_without_text_is_refused", "In short: {text}", "{ text }", 24,
     "<summarize> lacks {text}"},
    {"empty_fold_is_refused", "Fold: {text}", "", 24, "<fold> lacks {text}"},
    {"text_twice_is_refused", "<{text}>", "{text}{text}", 24,
     "{text} stands twice in <classify>; write it once"},
    {"question_twice_is_refused", "{question}", "{question}{question}", 24,
     "{question} stands twice in <classify>"},
    {"line_of_the_element_is_named", "<fold>Fold: {text}", "\n\n<fold>\n\n{txt}", 26,
     "<fold> has no word {txt}"},
    {"prior_in_another_folder_is_refused", "warm.prior", "../warm.prior", 24,
     "file=\"../warm.prior\" of <prior>: write the name of a file beside the policy"},
    {"absolute_prior_is_refused", "warm.prior", "/warm.prior", 24, "of <prior>"},
    {"hidden_prior_is_refused", "warm.prior", "..", 24, "of <prior>"},
    {"sampling_of_nothing_is_refused", "top-p=\"0.9\"", "top-p=\"0\"", 24,
     "top-p=\"0\" of <model>: write a number from 0.001 to 1"},
    {"unknown_ask_is_refused", "ask=\"undecided\"", "ask=\"never\"", 24,
     "ask=\"never\" of <model>: write always or undecided"},
    {"chat_of_two_words_is_refused", "chat=\"chatml\"", "chat=\"chat ml\"", 24,
     "chat=\"chat ml\" of <model>: write the name of a family's chat"},
    {"prompts_out_of_order_are_refused", "<neutral>", "<opening>a</opening><neutral>",
     24,
     "<opening> comes too late in <model>; the order is: system, classify, opening"},
    {"second_system_is_refused", "<classify>", "<system>a</system><classify>", 24,
     "a second <system> in <model>"},
    {"second_model_is_refused", "<model ", "<model/><model ", 24,
     "a second <model> in <policy>"},
};

static void assert_classify(const char *element, const char *expected)
{
    struct policy *policy = sample_loaded(
        SAMPLE, "<classify><![CDATA[<{text}>&#10;]]>{question} {labels}</classify>",
        element);

    assert_string_equal(policy->model.classify, expected);
    policy_free(policy);
}

static void prompt_is_kept_to_the_byte(void **state)
{
    static const char *const table[][2] = {
        {"<classify>{text}</classify>", "{text}"},
        {"<classify>\n{text}\n</classify>", "{text}"},
        {"<classify>\n\n  {text}\n\n\t{question}\n\n  </classify>",
         "\n  {text}\n\n\t{question}"},
        {"<classify> \n{text}</classify>", " \n{text}"},
        {"<classify>\r\n{text}\r\nx</classify>", "{text}\nx"},
        {"<classify>&#10;{text} &lt;&amp;&#10;</classify>", "{text} <&"},
        {"<classify><![CDATA[\n{text} \n]]>\n</classify>", "\n{text} \n"},
        {"<classify>\n<![CDATA[<b>{text}</b>]]></classify>", "<b>{text}</b>"},
        {"<classify>{text}<!-- {x} -->\n\n<?x {y}?></classify>", "{text}"},
        {"<classify><![CDATA[{te]]>xt}</classify>", "{text}"},
        {"<classify>{text} {} {1} {a b} {{ }} {\"a\": 1} {\xC3\xA4} {</classify>",
         "{text} {} {1} {a b} {{ }} {\"a\": 1} {\xC3\xA4} {"},
        {"<classify>{text} {a23456789012345678901234567890123}</classify>",
         "{text} {a23456789012345678901234567890123}"},
        {"", "{text}\n\n{question}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_classify(table[i][0], table[i][1]);
}

/* A prompt may be left empty where the document has no place in it. */
static void empty_text_is_no_default(void **state)
{
    struct policy *policy = sample_loaded(SAMPLE, "<neutral>.</neutral>", "<neutral/>");

    (void)state;
    assert_string_equal(policy->model.neutral, "");
    policy_free(policy);
}

static void prompt_of_length(size_t characters, int expected)
{
    char *text = calloc(1, 16 + characters), *whole;
    struct policy_error err;
    struct policy *policy;

    assert_non_null(text);
    strcpy(text, "{text}");
    memset(text + 6, 'a', characters - 6);
    whole = sample_with(SAMPLE, "In short: {text}", text);
    assert_int_equal(sample_load(&policy, whole, &err), expected);
    if (expected != POLICY_OK)
        assert_non_null(strstr(err.text, "write a text of 0 to 8000 characters"));
    policy_free(policy);
    free(whole);
    free(text);
}

static void prompt_has_at_most_8000_characters(void **state)
{
    (void)state;
    prompt_of_length(7999, POLICY_OK);
    prompt_of_length(8000, POLICY_OK);
    prompt_of_length(8001, POLICY_EINVALID);
}

/* Defaults are checked by the same rules as what is written. */
static void defaults_of_prompts_are_prompts(void **state)
{
    struct grammar *grammar = grammar_open(policy_grammar());
    char *text = sample_read("policies/README.md"), element[9000];
    size_t count = 0;

    (void)state;
    assert_non_null(grammar);
    for (size_t i = 0; i < grammar->element_count; i++) {
        const struct grammar_element *one = &grammar->element[i];
        char model[9100];
        if (!one->standard)
            continue;
        snprintf(element, sizeof element, "<%s>%s</%s>", one->name, one->standard,
                 one->name);
        snprintf(model, sizeof model, "<model>%s</model>\n  <task", element);
        if (!strstr(text, element))
            fail_msg("README.md lacks %s", element);
        snprintf(model, sizeof model, "</task><model>%s</model>", element);
        policy_free(sample_loaded(SMALLEST, "</task>", model));
        count++;
    }
    assert_int_equal(count, 6);
    grammar_close(grammar);
    free(text);
}

int main(void)
{
    struct CMUnitTest test[40] = {
        cmocka_unit_test(prompt_is_kept_to_the_byte),
        cmocka_unit_test(empty_text_is_no_default),
        cmocka_unit_test(prompt_has_at_most_8000_characters),
        cmocka_unit_test(defaults_of_prompts_are_prompts),
    };

    sample_tests(test, 4, cases, sizeof cases / sizeof *cases);
    return cmocka_run_group_tests_name("policies/prompt", test, NULL, NULL);
}
