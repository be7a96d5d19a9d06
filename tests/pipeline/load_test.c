/* What a run and its plan do alike. */
#include "tests/pipeline/office.h"

static void a_file_is_hashed_on_its_way_into_a_lane(void **state)
{
    struct office *o = *state;
    struct store_digest now, wanted;
    struct ingest_file file;
    make_file(o, "a.xml", "<a>abc</a>");
    store_digest_of("<a>abc</a>", 10, &wanted);
    assert_ok(
        pipeline_load(o->run.parser, 0, at(o, "a.xml"), 1 << 20, &file, &now, ERR));
    assert_int_equal(file.outcome, INGEST_READ);
    assert_int_equal(file.bytes, 10);
    assert_memory_equal(&now, &wanted, sizeof(now));
}

static void a_file_that_is_not_there_has_an_outcome(void **state)
{
    struct office *o = *state;
    struct store_digest digest;
    struct ingest_file file;
    assert_ok(pipeline_load(o->run.parser, 0, at(o, "none"), 1, &file, &digest, ERR));
    assert_int_equal(file.outcome, INGEST_UNREADABLE);
}

static void a_failure_is_neither_ok_nor_a_copy(void **state)
{
    (void)state;
    assert_false(outcome_is_failure("ok"));
    assert_false(outcome_is_failure("duplicate"));
    assert_true(outcome_is_failure("partial"));
    assert_true(outcome_is_failure("encrypted"));
}

static void a_run_stops_for_a_signal_or_the_clock(void **state)
{
    volatile sig_atomic_t cancel = 0;
    struct pipeline run = {.cancel = &cancel};
    (void)state;
    assert_false(pipeline_must_stop(&run));
    run.deadline_ms = INT64_MAX;
    assert_false(pipeline_must_stop(&run));
    run.deadline_ms = 1; /* long ago */
    assert_true(pipeline_must_stop(&run));
    assert_int_equal(pipeline_why_stopped(&run), PIPELINE_OUT_OF_TIME);
    cancel = 1;
    assert_int_equal(pipeline_why_stopped(&run), PIPELINE_CANCELED);
    run.deadline_ms = 0;
    assert_true(pipeline_must_stop(&run));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, office_open, office_close)
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_hashed_on_its_way_into_a_lane),
        TEST(a_file_that_is_not_there_has_an_outcome),
        cmocka_unit_test(a_failure_is_neither_ok_nor_a_copy),
        cmocka_unit_test(a_run_stops_for_a_signal_or_the_clock),
    };
    return cmocka_run_group_tests(tests, office_suite, office_suite_end);
}
