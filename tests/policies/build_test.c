/* Every field of struct policy, from its place in the file or from a default. */
#include "tests/policies/sample.h"

#include <unistd.h>

static const struct sample_case cases[] = {
    {"expression_over_two_lines_is_refused", "\\bEsq\\.", "\\bEsq\n\\.", 33,
     "runs over a line end; write it on one line, or as several <pattern>"},
    {"exclude_over_two_lines_is_refused", "<exclude>^0", "<exclude>^0|\n^1", 28,
     "write it on one line, or as several <exclude>"},
};

static struct policy *loaded(const char *path)
{
    struct policy_error err;
    struct policy *policy;

    if (policy_load(&policy, path, &err) != POLICY_OK)
        fail_msg("line %d: %s", err.line, err.text);
    return policy;
}

static void head_and_reading_are_taken(void **state)
{
    struct policy *policy = loaded(SAMPLE);

    (void)state;
    assert_string_equal(policy->name, "sample");
    assert_string_equal(policy->title, "Sample");
    assert_string_equal(policy->description, "All that a policy can say & do.");
    assert_int_equal(policy->revision, 7);
    assert_int_equal(policy->chunk_tokens_max, 128);
    assert_int_equal(policy->hidden_text, POLICY_HIDDEN_READ);
    assert_int_equal(policy->ink, POLICY_INK_SUSPICIOUS);
    assert_false(policy->honour_owner);
    assert_true(policy->tiny_points == 2.5);
    assert_int_equal(policy->pages_max, 10);
    assert_int_equal(policy->file_bytes_max, 3 << 19);
    assert_int_equal(policy->text_bytes_max, 1 << 18);
    assert_int_equal(policy->cpu_seconds_max, 20);
    assert_int_equal(policy->cpu_seconds_min, 3);
    assert_int_equal(policy->cpu_ms_per_page, 40);
    assert_int_equal(policy->cpu_ms_per_mib, 50);
    assert_int_equal(policy->memory_bytes_max, 600 << 20);
    policy_free(policy);
}

static void tasks_and_labels_are_taken(void **state)
{
    struct policy *policy = loaded(SAMPLE);
    const struct policy_task *task = policy->task;

    (void)state;
    assert_int_equal(policy->task_count, 1);
    assert_string_equal(task->name, "colour");
    assert_string_equal(task->question, "Which colour is it?");
    assert_true(task->threshold == 0.35);
    assert_true(task->temperature == 0.125);
    assert_true(task->lead_weight == 0.75);
    assert_int_equal(task->pool, POLICY_POOL_TOP);
    assert_int_equal(task->pool_top, 4);
    assert_int_equal(task->evidence_max, 2);
    assert_true(task->model_threshold == 0.375);
    assert_true(task->model_temperature == 1.5);
    assert_true(task->model_lead_weight == 0.25);
    assert_int_equal(task->label_count, 2);
    assert_string_equal(task->label[0].name, "red");
    assert_string_equal(task->label[0].answer, "Red");
    assert_string_equal(task->label[1].answer, "sky blue");
    assert_string_equal(task->label[0].title, "Red");
    assert_string_equal(task->label[0].description, "Red as in 3 < 4 & blood.");
    assert_int_equal(task->label[0].example_count, 2);
    assert_string_equal(task->label[0].example[1], "A red door.");
    assert_string_equal(task->label[1].name, "blue");
    assert_int_equal(task->label[1].example_count, 0);
    policy_free(policy);
}

static void summary_is_taken(void **state)
{
    struct policy *policy = loaded(SAMPLE);

    (void)state;
    assert_true(policy->summary.wanted);
    assert_int_equal(policy->summary.sentences_max, 4);
    assert_int_equal(policy->summary.bytes_max, 700);
    assert_true(policy->summary.redundancy == 0.25);
    policy_free(policy);
}

static void model_is_taken(void **state)
{
    struct policy *policy = loaded(SAMPLE);
    const struct policy_model *model = &policy->model;

    (void)state;
    assert_int_equal(model->ask, POLICY_ASK_UNDECIDED);
    assert_string_equal(model->chat, "chatml");
    assert_int_equal(model->passage_tokens_max, 300);
    assert_int_equal(model->sentence_tokens_max, 40);
    assert_string_equal(model->system, "You  sort colours.");
    assert_string_equal(model->classify, "<{text}>&#10;{question} {labels}");
    assert_string_equal(model->opening, "Colour: ");
    assert_string_equal(model->summarize, "In short: {text}");
    assert_string_equal(model->fold, "Fold: {text}");
    assert_string_equal(model->neutral, ".");
    assert_true(model->temperature == 0.7);
    assert_true(model->top_p == 0.9);
    assert_true(model->min_p == 0.05);
    assert_true(model->seed == 4294967295);
    policy_free(policy);
}

static void priors_are_found_beside_the_policy(void **state)
{
    struct policy *policy = loaded(SAMPLE);

    (void)state;
    assert_int_equal(policy->model.prior_count, 2);
    assert_string_equal(policy->model.prior[0], "tests/data/policies/warm.prior");
    assert_string_equal(policy->model.prior[1], "tests/data/policies/Cold_2.prior");
    policy_free(policy);
}

/* Where the policy lies is no part of what it asks. */
static void prior_of_a_policy_in_memory_is_its_name(void **state)
{
    struct policy *file = loaded(SAMPLE);
    struct policy *memory = sample_loaded(SAMPLE, "<title>Red", "<title>Red");

    (void)state;
    assert_string_equal(memory->model.prior[0], "warm.prior");
    assert_string_equal(memory->canonical, file->canonical);
    policy_free(memory);
    policy_free(file);
}

static void policy_in_this_folder_has_its_priors_here(void **state)
{
    struct policy *policy;
    struct policy_error err;
    char folder[] = "/tmp/cloister-prior-XXXXXX", command[200], *here = getcwd(NULL, 0);

    (void)state;
    assert_non_null(here);
    assert_non_null(mkdtemp(folder));
    snprintf(command, sizeof command, "cp " SAMPLE " %s/p.xml", folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(policy_load(&policy, "p.xml", &err), POLICY_OK);
    assert_int_equal(chdir(here), 0);
    assert_string_equal(policy->model.prior[1], "Cold_2.prior");
    policy_free(policy);
    free(here);
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

static void detectors_are_taken_in_order(void **state)
{
    struct policy *policy = loaded(SAMPLE);
    const struct policy_detector *detector = policy->detector;

    (void)state;
    assert_int_equal(policy->detector_count, 3);
    assert_string_equal(detector[0].name, "card");
    assert_string_equal(detector[0].title, "Payment card");
    assert_int_equal(detector[0].kind, POLICY_DETECTOR_PATTERN);
    assert_true(detector[0].mask);
    assert_true(detector[0].luhn);
    assert_int_equal(detector[0].findings_max, 9);
    assert_int_equal(detector[0].pattern_count, 1);
    assert_int_equal(detector[0].exclude_count, 1);
    assert_false(detector[0].pattern[0]->keep_case);
    assert_int_equal(detector[1].pattern_count, 2);
    assert_true(detector[1].pattern[0]->phrase);
    assert_string_equal(detector[1].pattern[1]->source, "\\bEsq\\.");
    assert_true(detector[1].pattern[1]->keep_case);
    assert_false(detector[1].luhn);
    assert_int_equal(detector[1].findings_max, 20);
    assert_int_equal(detector[2].kind, POLICY_DETECTOR_MEANING);
    assert_true(detector[2].mask);
    assert_int_equal(detector[2].findings_max, 5);
    assert_string_equal(detector[2].description, "What is to be paid.");
    assert_string_equal(detector[2].example[0], "Pay in thirty days.");
    assert_true(detector[2].threshold == 0.625);
    policy_free(policy);
}

static void rules_are_taken_in_order(void **state)
{
    struct policy *policy = loaded(SAMPLE);
    const struct policy_rule *rule = policy->rule;

    (void)state;
    assert_string_equal(policy->decision_default, "keep");
    assert_int_equal(policy->rule_count, 3);
    assert_string_equal(rule[0].decision, "look");
    assert_string_equal(rule[0].outcome, "partial");
    assert_true(rule[0].hidden);
    assert_null(rule[0].task);
    assert_true(rule[1].undecided);
    assert_null(rule[1].label);
    assert_null(rule[1].outcome);
    assert_string_equal(rule[2].task, "colour");
    assert_string_equal(rule[2].label, "red");
    assert_string_equal(rule[2].detector, "card");
    assert_false(rule[2].undecided);
    policy_free(policy);
}

static void what_is_left_out_has_its_default(void **state)
{
    struct policy *policy = loaded(SMALLEST);
    const struct policy_task *task = policy->task;

    (void)state;
    assert_int_equal(policy->chunk_tokens_max, 256);
    assert_int_equal(policy->hidden_text, POLICY_HIDDEN_LEAVE_OUT);
    assert_int_equal(policy->ink, POLICY_INK_SUSPICIOUS);
    assert_true(policy->honour_owner);
    assert_true(policy->tiny_points == 2);
    assert_int_equal(policy->pages_max, 5000);
    assert_int_equal(policy->file_bytes_max, 256 << 20);
    assert_int_equal(policy->text_bytes_max, 32 << 20);
    assert_int_equal(policy->cpu_seconds_max, 300);
    assert_int_equal(policy->cpu_seconds_min, 10);
    assert_int_equal(policy->cpu_ms_per_page, 200);
    assert_int_equal(policy->cpu_ms_per_mib, 500);
    assert_int_equal(policy->memory_bytes_max, 1 << 30);
    assert_true(task->threshold == 0.5);
    assert_true(task->temperature == 0.05);
    assert_true(task->lead_weight == 0.3);
    assert_int_equal(task->pool, POLICY_POOL_MEAN);
    assert_int_equal(task->pool_top, 3);
    assert_int_equal(task->evidence_max, 3);
    assert_false(policy->summary.wanted);
    assert_true(task->model_threshold == 0.5);
    assert_true(task->model_temperature == 1);
    assert_true(task->model_lead_weight == 0.5);
    assert_ptr_equal(task->label[0].answer, task->label[0].title);
    assert_int_equal(policy->model.ask, POLICY_ASK_ALWAYS);
    assert_null(policy->model.chat);
    assert_int_equal(policy->model.passage_tokens_max, 512);
    assert_int_equal(policy->model.sentence_tokens_max, 96);
    assert_string_equal(policy->model.system, "");
    assert_string_equal(policy->model.classify, "{text}\n\n{question}");
    assert_string_equal(policy->model.opening, "");
    assert_string_equal(policy->model.neutral, "N/A");
    assert_true(policy->model.temperature == 0);
    assert_true(policy->model.top_p == 1);
    assert_true(policy->model.min_p == 0);
    assert_true(policy->model.seed == 0);
    assert_int_equal(policy->model.prior_count, 0);
    assert_int_equal(policy->detector_count, 1);
    assert_string_equal(policy->detector[0].name, POLICY_COMMAND);
    assert_int_equal(policy->rule_count, 0);
    assert_string_equal(policy->decision_default, "none");
    policy_free(policy);
}

/* The block is sized from the source: a file of nothing but elements is its
 * tightest case. */
static void file_full_of_elements_fits_its_block(void **state)
{
    static char text[1 << 20];
    char *at = text;
    struct policy *policy;
    struct policy_error err;

    (void)state;
    at += sprintf(at, "<policy name=\"a\" revision=\"1\"><title>a</title>"
                      "<description>a</description><task name=\"a\">"
                      "<question>a</question>");
    for (int i = 0; i < 256; i++) {
        at += sprintf(at,
                      "<label name=\"l%d\"><title>%d</title><description>a"
                      "</description>",
                      i, i);
        for (int j = 0; j < 64; j++)
            at += sprintf(at, "<example>a</example>");
        at += sprintf(at, "</label>");
    }
    sprintf(at, "</task></policy>");
    assert_int_equal(sample_load(&policy, text, &err), POLICY_OK);
    assert_int_equal(policy->task[0].label[255].example_count, 64);
    assert_string_equal(policy->task[0].label[255].example[63], "a");
    policy_free(policy);
}

int main(void)
{
    struct CMUnitTest test[16] = {
        cmocka_unit_test(head_and_reading_are_taken),
        cmocka_unit_test(tasks_and_labels_are_taken),
        cmocka_unit_test(summary_is_taken),
        cmocka_unit_test(model_is_taken),
        cmocka_unit_test(priors_are_found_beside_the_policy),
        cmocka_unit_test(prior_of_a_policy_in_memory_is_its_name),
        cmocka_unit_test(policy_in_this_folder_has_its_priors_here),
        cmocka_unit_test(detectors_are_taken_in_order),
        cmocka_unit_test(rules_are_taken_in_order),
        cmocka_unit_test(what_is_left_out_has_its_default),
        cmocka_unit_test(file_full_of_elements_fits_its_block),
    };

    sample_tests(test, 11, cases, sizeof cases / sizeof *cases);
    return cmocka_run_group_tests_name("policies/build", test, NULL, NULL);
}
