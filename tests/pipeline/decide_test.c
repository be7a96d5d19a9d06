/* The first rule that fits decides. */
#include "tests/pipeline/sample.h"

static const struct policy_label labels[] = {{.name = "red"}, {.name = "blue"}};
static const struct policy_task tasks[] = {
    {.name = "colour", .label = labels, .label_count = 2},
    {.name = "shade", .label = labels, .label_count = 2},
};
static const struct policy_detector detectors[] = {{.name = "card"}, {.name = "name"}};

/* A document that was read, answered red and blue, with one finding of "name". */
struct example {
    struct sample sample;
    struct answer answer[2];
    struct finding finding[1];
    struct work work;
};

static struct example *example_open(void)
{
    struct example *c = calloc(1, sizeof(*c));
    assert_non_null(c);
    sample_page(&c->sample, "Some words.\n");
    c->answer[0].label = 0;
    c->answer[1].label = 1;
    c->finding[0].detector = 1;
    c->work = (struct work){.document = &c->sample.document,
                            .answer = c->answer,
                            .answer_count = 2,
                            .finding = c->finding,
                            .finding_count = 1};
    return c;
}

static void example_close(struct example *c)
{
    sample_free(&c->sample);
    free(c);
}

static const char *decide(struct example *c, const struct policy_rule *rule,
                          size_t count)
{
    struct policy policy = {.task = tasks,
                            .task_count = COUNT(tasks),
                            .detector = detectors,
                            .detector_count = COUNT(detectors),
                            .rule = rule,
                            .rule_count = count,
                            .decision_default = "keep"};
    work_decide(&c->work, &policy);
    return c->work.decision;
}

static void assert_rule(struct example *c, struct policy_rule rule, bool fits)
{
    rule.decision = "rule";
    assert_string_equal(decide(c, &rule, 1), fits ? "rule" : "keep");
}

static void without_a_rule_the_default_decides(void **state)
{
    struct example *c = example_open();
    (void)state;
    assert_string_equal(decide(c, NULL, 0), "keep");
    assert_rule(c, (struct policy_rule){0}, true); /* names nothing: fits anything */
    example_close(c);
}

static void the_first_rule_that_fits_decides(void **state)
{
    static const struct policy_rule rules[] = {
        {.decision = "first", .label = "red", .task = "shade"},
        {.decision = "second", .label = "red"},
        {.decision = "third"},
    };
    struct example *c = example_open();
    (void)state;
    assert_string_equal(decide(c, rules, 3), "second");
    c->answer[1].label = 0;
    assert_string_equal(decide(c, rules, 3), "first");
    c->answer[0].label = c->answer[1].label = 1;
    assert_string_equal(decide(c, rules, 3), "third");
    example_close(c);
}

static void a_rule_on_the_outcome_fits_that_outcome(void **state)
{
    struct example *c = example_open();
    (void)state;
    assert_rule(c, (struct policy_rule){.outcome = "ok"}, true);
    assert_rule(c, (struct policy_rule){.outcome = "damaged"}, false);
    c->sample.document.outcome = INGEST_DAMAGED;
    assert_rule(c, (struct policy_rule){.outcome = "damaged"}, true);
    example_close(c);
}

static void task_and_label_must_belong_together(void **state)
{
    struct example *c = example_open();
    (void)state;
    assert_rule(c, (struct policy_rule){.task = "colour", .label = "red"}, true);
    assert_rule(c, (struct policy_rule){.task = "colour", .label = "blue"}, false);
    assert_rule(c, (struct policy_rule){.task = "shade", .label = "blue"}, true);
    assert_rule(c, (struct policy_rule){.label = "blue"}, true);
    example_close(c);
}

static void an_undecided_answer_fits_only_rules_for_undecided(void **state)
{
    struct example *c = example_open();
    (void)state;
    assert_rule(c, (struct policy_rule){.undecided = true}, false);
    c->answer[0].undecided = true;
    assert_rule(c, (struct policy_rule){.undecided = true}, true);
    assert_rule(c, (struct policy_rule){.undecided = true, .task = "colour"}, true);
    assert_rule(c, (struct policy_rule){.undecided = true, .task = "shade"}, false);
    assert_rule(c, (struct policy_rule){.task = "colour", .label = "red"}, false);
    example_close(c);
}

static void a_rule_on_a_detector_wants_a_finding(void **state)
{
    struct example *c = example_open();
    (void)state;
    assert_rule(c, (struct policy_rule){.detector = "name"}, true);
    assert_rule(c, (struct policy_rule){.detector = "card"}, false);
    c->work.finding_count = 0;
    assert_rule(c, (struct policy_rule){.detector = "name"}, false);
    example_close(c);
}

static void a_rule_on_hidden_text_wants_some(void **state)
{
    struct example *c = example_open();
    (void)state;
    assert_rule(c, (struct policy_rule){.hidden = true}, false);
    sample_hide(&c->sample, "words");
    assert_rule(c, (struct policy_rule){.hidden = true}, true);
    c->work.document = NULL; /* could not be read: nothing is hidden in it */
    assert_rule(c, (struct policy_rule){.hidden = true}, false);
    example_close(c);
}

static void all_parts_of_a_rule_must_hold(void **state)
{
    struct policy_rule rule = {
        .outcome = "ok", .task = "colour", .label = "red", .detector = "name"};
    struct example *c = example_open();
    (void)state;
    assert_rule(c, rule, true);
    rule.detector = "card";
    assert_rule(c, rule, false);
    example_close(c);
}

static void a_duplicate_shares_the_decision_of_its_original(void **state)
{
    struct example *c = example_open();
    (void)state;
    c->work.document = NULL;
    c->work.same.kind = STORE_FOUND_ELSEWHERE;
    strcpy(c->work.same.decision, "withhold");
    assert_string_equal(decide(c, &(struct policy_rule){.decision = "rule"}, 1),
                        "withhold");
    example_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_rule_the_default_decides),
        cmocka_unit_test(the_first_rule_that_fits_decides),
        cmocka_unit_test(a_rule_on_the_outcome_fits_that_outcome),
        cmocka_unit_test(task_and_label_must_belong_together),
        cmocka_unit_test(an_undecided_answer_fits_only_rules_for_undecided),
        cmocka_unit_test(a_rule_on_a_detector_wants_a_finding),
        cmocka_unit_test(a_rule_on_hidden_text_wants_some),
        cmocka_unit_test(all_parts_of_a_rule_must_hold),
        cmocka_unit_test(a_duplicate_shares_the_decision_of_its_original),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
