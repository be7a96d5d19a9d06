/* What a grammar cannot say: names, references, rules, counts. */
#include "tests/policies/sample.h"

#define RULE_DROP \
    "<rule decision=\"drop\" task=\"colour\" label=\"red\" detector=\"card\"/>"
#define RULE_UNDECIDED "<rule decision=\"look\" task=\"colour\" undecided=\"yes\"/>"

static const struct sample_case cases[] = {
    {"label_named_twice_is_refused", "<label name=\"blue\"", "<label name=\"red\"", 19,
     "<label> is named \"red\" like the one of line 13; give it another name"},
    {"answer_given_twice_is_refused", "answer=\"sky blue\"", "answer=\"Red\"", 19,
     "\"Red\" is the answer of the label of line 13, too; give this one another title "
     "or another answer"},
    {"answer_that_is_a_title_is_refused", "<title>Red</title>",
     "<title>sky\n blue</title>", 20,
     "\"sky blue\" is the answer of the label of line"},
    {"answer_after_a_space_is_refused", "answer=\"sky", "answer=\" sky", 19,
     "answer=\" sky blue\" of <label> begins or ends with a space"},
    {"answer_before_a_space_is_refused", "sky blue", "sky blue ", 19,
     "answer=\"sky blue \" of <label> begins or ends with a space"},
    {"blank_answer_is_refused", "sky blue", " ", 19, "begins or ends with a space"},
    {"detector_named_twice_is_refused", "name=\"marker\"", "name=\"card\"", 30,
     "<pattern-detector> is named \"card\" like the one of line 25"},
    {"detectors_of_both_kinds_share_their_names", "<meaning-detector name=\"payment\"",
     "<meaning-detector name=\"marker\"", 36,
     "<meaning-detector> is named \"marker\" like the one of line 30"},
    {"task_named_twice_is_refused", "  </task>\n",
     "  </task>\n<task name=\"colour\"><question>Q</question>"
     "<label name=\"a\"><title>A</title><description>A</description></label>"
     "<label name=\"b\"><title>B</title><description>B</description></label></task>\n",
     24, "<task> is named \"colour\" like the one of line 10"},
    {"label_that_is_not_of_the_task_is_refused", "label=\"red\"", "label=\"rad\"", 44,
     "label \"rad\" named by a rule is not a label of task colour (did you mean "
     "\"red\"?); its labels are: red, blue"},
    {"unknown_task_is_refused", "task=\"colour\" undecided", "task=\"size\" undecided",
     43,
     "task \"size\" named by a rule is not a task of this policy; its tasks are: colour"},
    {"unknown_detector_is_refused", "detector=\"card\"", "detector=\"cards\"", 44,
     "detector \"cards\" named by a rule is not a detector of this policy (did you mean "
     "\"card\"?); its detectors are: card, marker, payment"},
    {"label_without_task_is_refused", "task=\"colour\" label", "label", 44,
     "a rule with a label and no task"},
    {"task_alone_is_refused", "task=\"colour\" undecided=\"yes\"", "task=\"colour\"",
     43, "a rule with a task alone; add label=\"...\" or undecided=\"yes\""},
    {"rule_without_condition_is_refused", RULE_DROP, "<rule decision=\"drop\"/>", 44,
     "a rule without a condition fits every document"},
    {"undecided_no_is_no_condition", RULE_DROP,
     "<rule decision=\"drop\" undecided=\"no\" hidden=\"no\"/>", 44,
     "a rule without a condition fits every document"},
    {"rule_repeated_is_refused", RULE_DROP, RULE_DROP "\n" RULE_DROP, 45,
     "this rule never decides, for the rule of line 44 fits all its documents first"},
    {"narrower_rule_after_a_wider_one_is_refused", RULE_DROP,
     "<rule decision=\"drop\" detector=\"card\"/>\n" RULE_DROP, 45,
     "for the rule of line 44 fits"},
    {"undecided_task_after_any_undecided_is_refused", RULE_UNDECIDED,
     "<rule decision=\"look\" undecided=\"yes\"/>\n" RULE_UNDECIDED, 44,
     "for the rule of line 43 fits"},
};

static void wider_rule_after_a_narrower_one_is_accepted(void **state)
{
    struct policy *policy = sample_loaded(SAMPLE, RULE_DROP,
                                          RULE_DROP "<rule decision=\"drop\" "
                                                    "task=\"colour\" label=\"red\"/>");

    (void)state;
    assert_int_equal(policy->rule_count, 4);
    policy_free(policy);
}

/* A label that is decided and the same label undecided are different documents. */
static void decided_label_does_not_cover_an_undecided_one(void **state)
{
    struct policy *policy = sample_loaded(
        SAMPLE, RULE_UNDECIDED,
        "<rule decision=\"a\" task=\"colour\" label=\"blue\"/>"
        "<rule decision=\"b\" task=\"colour\" label=\"blue\" undecided=\"yes\"/>");

    (void)state;
    assert_int_equal(policy->rule_count, 4);
    policy_free(policy);
}

static void task_and_detector_may_share_a_name(void **state)
{
    struct policy *policy = sample_loaded(SAMPLE, "<meaning-detector name=\"payment\"",
                                          "<meaning-detector name=\"colour\"");

    (void)state;
    assert_string_equal(policy->detector[2].name, "colour");
    policy_free(policy);
}

/* ---- counts ---- */

static const struct count_case {
    const char *name, *before; /* copies go in front of this */
    const char *copy;          /* %d: a number that makes it unique */
    int there, max, line;      /* how many the sample has, and the parent's line */
    const char *text;
} counts[] = {
    {"tasks_are_counted", "<summary sentences",
     "<task name=\"t%d\"><question>Q</question>"
     "<label name=\"a\"><title>A</title><description>A</description></label>"
     "<label name=\"b\"><title>B</title><description>B</description></label></task>",
     1, 32, 3, "<policy> holds 33 <task>; at most 32"},
    {"labels_are_counted", "<label name=\"red\">",
     "<label name=\"l%d\"><title>%d</title><description>D</description></label>", 2,
     256, 10, "<task> holds 257 <label>; at most 256"},
    {"examples_of_labels_are_counted", "<example>A red door", "<example>e%d</example>",
     2, 64, 13, "<label> holds 65 <example>; at most 64"},
    {"pattern_detectors_are_counted", "<pattern-detector name=\"card\"",
     "<pattern-detector name=\"p%d\"><title>P</title><phrase>p</phrase>"
     "</pattern-detector>",
     2, 256, 3, "<policy> holds 257 <pattern-detector>; at most 256"},
    {"meaning_detectors_are_counted", "<meaning-detector name=\"payment\"",
     "<meaning-detector name=\"m%d\"><title>M</title><description>D</description>"
     "</meaning-detector>",
     1, 256, 3, "<policy> holds 257 <meaning-detector>; at most 256"},
    {"examples_of_detectors_are_counted", "<example>Pay in", "<example>e%d</example>",
     1, 64, 36, "<meaning-detector> holds 65 <example>; at most 64"},
    {"phrases_are_counted", "<phrase>counsel", "<phrase>p%d</phrase>", 1, 256, 30,
     "<pattern-detector> holds 257 <phrase>; at most 256"},
    {"patterns_are_counted", "<pattern case", "<pattern>p%d</pattern>", 1, 256, 30,
     "<pattern-detector> holds 257 <pattern>; at most 256"},
    {"excludes_are_counted", "<exclude>^0", "<exclude>x%d</exclude>", 1, 64, 25,
     "<pattern-detector> holds 65 <exclude>; at most 64"},
    {"priors_are_counted", "<prior file=\"warm", "<prior file=\"p%d\"/>", 2, 16, 24,
     "<model> holds 17 <prior>; at most 16"},
    {"rules_are_counted", "<rule decision=\"look\" outcome",
     "<rule decision=\"d\" detector=\"card\" outcome=\"ok\" task=\"colour\" "
     "label=\"l%d\"/>",
     3, 256, 41, "<decisions> holds 257 <rule>; at most 256"},
};

/* Append copy with i for each %d; return its bytes. */
static size_t add_copy(char *out, const char *copy, int i)
{
    char *at = out;

    for (const char *number; (number = strstr(copy, "%d")); copy = number + 2)
        at += sprintf(at, "%.*s%d", (int)(number - copy), copy, i);
    at += sprintf(at, "%s", copy);
    return (size_t)(at - out);
}

static char *sample_with_count(const struct count_case *one, int count)
{
    size_t size = (size_t)count * (strlen(one->copy) + 32) + 256, used = 0;
    char *copies = calloc(1, size), *text;

    assert_non_null(copies);
    for (int i = one->there; i < count; i++)
        used += add_copy(copies + used, one->copy, i);
    strcat(copies, one->before);
    text = sample_with(SAMPLE, one->before, copies);
    free(copies);
    return text;
}

static void count_is_held(void **state)
{
    const struct count_case *one = *state;
    char *text = sample_with_count(one, one->max + 1);
    struct policy_error err;
    struct policy *policy;

    sample_refuse_text(text, one->line, one->text);
    free(text);
    for (int count = one->max - 1; count <= one->max; count++) {
        text = sample_with_count(one, count);
        if (sample_load(&policy, text, &err) != POLICY_OK)
            assert_non_null(strstr(err.text, "is not a label of task colour"));
        policy_free(policy);
        free(text);
    }
}

int main(void)
{
    struct CMUnitTest test[80] = {
        cmocka_unit_test(wider_rule_after_a_narrower_one_is_accepted),
        cmocka_unit_test(decided_label_does_not_cover_an_undecided_one),
        cmocka_unit_test(task_and_detector_may_share_a_name),
    };
    size_t count = sample_tests(test, 3, cases, sizeof cases / sizeof *cases);

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        test[count++] = (struct CMUnitTest){counts[i].name, count_is_held, NULL, NULL,
                                            (void *)(uintptr_t)&counts[i]};
    return cmocka_run_group_tests_name("policies/check", test, NULL, NULL);
}
