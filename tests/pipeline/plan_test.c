/* What a run would do, said without doing it. */
#include "tests/pipeline/decoder_sample.h"
#include "tests/pipeline/office.h"

#include <time.h>

static struct pipeline_plan plan(struct office *o)
{
    struct pipeline_plan out;
    pipeline_inputs_free(&o->inputs);
    assert_ok(pipeline_inputs_add(&o->inputs, o->root, ERR));
    pipeline_inputs_finish(&o->inputs);
    assert_ok(pipeline_plan(&o->run, &out, ERR));
    assert_int_equal(out.total, o->inputs.count);
    assert_int_equal(out.total, out.to_do + out.done_before + out.unreadable);
    return out;
}

static void what_is_to_do_is_counted_and_timed(void **state)
{
    struct office *o = *state;
    make_three(o);
    assert_int_equal(symlink("nowhere", at(o, "dangling.xml")), 0);
    begin(o);
    struct pipeline_plan now = plan(o);
    assert_int_equal(now.to_do, 3);
    assert_int_equal(now.unreadable, 1);
    assert_int_equal(now.done_before, 0);
    assert_int_equal(now.sampled, 3);
    assert_true(now.bytes > 500 && now.bytes < 1000);
    assert_true(now.seconds > 0 && now.seconds < 60);
}

static void a_plan_does_nothing_of_it(void **state)
{
    struct office *o = *state;
    make_three(o);
    begin(o);
    plan(o);
    run(o);
    assert_total(o, 3, 0, 0);
}

static void what_is_done_is_not_planned_again(void **state)
{
    struct office *o = *state;
    make_three(o);
    run(o);
    make_document(o, "d.xml", "Another", SUPPLY);
    struct pipeline_plan now = plan(o);
    assert_int_equal(now.done_before, 3);
    assert_int_equal(now.to_do, 1);
    assert_int_equal(now.sampled, 1);
}

static void without_a_store_nothing_is_done_yet(void **state)
{
    struct office *o = *state;
    struct store *store = o->run.store;
    make_three(o);
    run(o);
    o->run.store = NULL;
    o->run.run_id = 0;
    struct pipeline_plan now = plan(o);
    assert_int_equal(now.to_do, 3);
    o->run.store = store;
}

static void a_plan_that_is_canceled_says_how_far_it_came(void **state)
{
    struct office *o = *state;
    struct pipeline_plan now;
    make_three(o);
    assert_ok(pipeline_inputs_add(&o->inputs, o->root, ERR));
    o->cancel = 1;
    assert_ok(pipeline_plan(&o->run, &now, ERR));
    assert_int_equal(now.end, PIPELINE_CANCELED);
    assert_int_equal(now.total, 3);
    assert_int_equal(now.to_do, 0);
    o->cancel = 0;
    o->run.deadline_ms = 1; /* long ago */
    assert_ok(pipeline_plan(&o->run, &now, ERR));
    assert_int_equal(now.end, PIPELINE_OUT_OF_TIME);
    o->run.deadline_ms = 0;
    assert_int_equal(plan(o).end, PIPELINE_COMPLETE);
}

static void no_more_than_a_few_are_timed(void **state)
{
    struct office *o = *state;
    for (char c = 'a'; c <= 'z'; c++) {
        char name[] = {c, '.', 'x', 'm', 'l', '\0'};
        char title[] = {'D', 'o', 'c', ' ', c, '\0'};
        make_document(o, name, title, SUPPLY);
    }
    begin(o);
    struct pipeline_plan now = plan(o);
    assert_int_equal(now.to_do, 26);
    assert_in_range(now.sampled, 4, 6);
}

static void an_empty_folder_takes_no_time(void **state)
{
    struct pipeline_plan now = plan(*state);
    assert_int_equal(now.total, 0);
    assert_true(now.seconds == 0);
}

/* ---- with a language model ------------------------------------------------------ */

static double now_seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* How much longer a run is said to take than the plan took. */
static double share_of_plan(struct office *o, const struct decoder_sample *mind,
                            const struct policy *policy)
{
    o->run.policy = policy;
    o->run.decoder = decoder_of(mind, policy);
    double began = now_seconds();
    struct pipeline_plan got = plan(o);
    double took = now_seconds() - began;
    pipeline_decoder_close(o->run.decoder);
    o->run.decoder = NULL;
    o->run.policy = words;
    assert_int_equal(got.sampled, 1);
    return got.seconds / took;
}

/* A few passages are tried, hundreds are to be asked. */
static void passages_that_were_not_tried_take_time_too(void **state)
{
    enum { REPEATS = 200 };
    static char large[REPEATS * sizeof(LICENSE "<p></p>") + 100];
    struct policy policy = *words;
    struct policy_task task = words->task[0];
    struct office *o = *state;
    struct decoder_sample mind = decoder_sample_open();
    strcpy(large, "<doc>");
    for (size_t i = 0; i < REPEATS; i++)
        strcat(large, "<p>" LICENSE "</p>");
    strcat(large, "</doc>");
    make_file(o, "large.xml", large);
    begin(o);
    policy.task = &task;
    policy.summary.wanted = false;
    policy.model.passage_tokens_max = 16;
    task.model_lead_weight = 1; /* the opening alone */
    assert_true(share_of_plan(o, &mind, &policy) < 1.5);
    task.model_lead_weight = 0.5;
    assert_true(share_of_plan(o, &mind, &policy) > 2);
    task.model_lead_weight = 1;
    policy.summary.wanted = true;
    assert_true(share_of_plan(o, &mind, &policy) > 2);
    decoder_sample_close(&mind);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, office_open, office_close)
    const struct CMUnitTest tests[] = {
        TEST(what_is_to_do_is_counted_and_timed),
        TEST(a_plan_does_nothing_of_it),
        TEST(what_is_done_is_not_planned_again),
        TEST(without_a_store_nothing_is_done_yet),
        TEST(a_plan_that_is_canceled_says_how_far_it_came),
        TEST(no_more_than_a_few_are_timed),
        TEST(an_empty_folder_takes_no_time),
        TEST(passages_that_were_not_tried_take_time_too),
    };
    return cmocka_run_group_tests(tests, office_suite, office_suite_end);
}
