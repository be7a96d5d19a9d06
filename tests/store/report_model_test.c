/* What a language model did, in figures and task by task; nothing where there was
 * none. */
#include "tests/store/page.h"

static void tile(const char *page, const char *figure, const char *words)
{
    char part[128];

    snprintf(part, sizeof(part), "<b>%s</b><span>%s</span>", figure, words);
    has(page, part);
}

static void the_figures_add_up_what_was_written_and_answered(void **state)
{
    static const char *const path[] = {"a", "b", "c"};
    struct sample_folder *at = *state;
    char *page;

    sample_store(at->db, path, COUNT(path));
    page = make_report(at, 0);
    tile(page, "3", "written sentences in summaries");
    tile(page, "6", "written sentences dropped");
    tile(page, "3", "summaries verbatim instead");
    tile(page, "3", "tasks answered by the encoder");
    tile(page, "3", "tasks answered by the model");
    free(page);
}

static void only_the_newest_rows_are_counted(void **state)
{
    static const char *const path[] = {"a"};
    struct sample_folder *at = *state;
    struct sample_document sample;
    char *page;

    sample_store(at->db, path, 1);
    sample_document(&sample, "a", "newer");
    sample.document.dropped_count = 1;
    page = report_on(at, &sample.document);
    tile(page, "1", "written sentences in summaries");
    tile(page, "1", "written sentences dropped");
    tile(page, "1", "tasks answered by the model");
    free(page);
}

static void without_a_language_model_nothing_speaks_of_one(void **state)
{
    struct sample_document sample;
    char *page;

    sample_document(&sample, "a", "a");
    sample.document.sentence_count = 1;
    sample.document.dropped_count = 0;
    sample.document.summary_reason = NULL;
    sample.document.task_count = 1;
    page = report_on(*state, &sample.document);
    has_not(page, "tiles model");
    has_not(page, "id=\"model\"");
    has_not(page, "href=\"#model\"");
    has(page, "<span>Answered by the encoder</span>");
    has_not(page, "prior");
    free(page);
}

/* Any trace of it is enough: an answer alone, a dropped sentence alone. */
static void each_trace_of_a_model_is_enough_to_speak_of_it(void **state)
{
    struct sample_folder *at = *state;
    struct sample_document sample;

    for (int trace = 0; trace < 3; trace++) {
        char *page;

        sample_document(&sample, "a", "a");
        sample.document.sentence_count = 1;
        sample.document.task_count = trace == 0 ? 2 : 1;
        sample.document.dropped_count = trace == 1;
        sample.document.summary_reason = trace == 2 ? "nothing was written" : NULL;
        page = report_on(at, &sample.document);
        has(page, "<section id=\"model\">");
        has(page, "<a href=\"#model\">");
        assert_int_equal(count_in(page, "Why written sentences were dropped"),
                         trace == 1);
        free(page);
    }
}

static void each_task_says_who_answered_and_how_often_otherwise(void **state)
{
    struct sample_folder *at = *state;
    struct sample_document sample;
    char *page;

    sample_document(&sample, "a", "a");
    sample.task[0].answered_by = "model";
    sample.task[0].prior = "neutral";
    sample.task[0].first_label = "license";
    sample.task[0].first_probability = 0.125;
    page = report_on(at, &sample.document);
    has(page, "<tr><th>contract type</th><td class=\"number\">0</td><td "
              "class=\"number\">1</td><td class=\"number\">0</td><td "
              "class=\"number\">0</td><td class=\"number\">1</td></tr>");
    has(page, "<tr><th>signed</th><td class=\"number\">0</td><td "
              "class=\"number\">1</td><td class=\"number\">1</td><td "
              "class=\"number\">1</td><td class=\"number\">0</td></tr>");
    free(page);
}

static void a_task_names_its_first_answer_and_its_prior(void **state)
{
    static const char digest[] =
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct sample_folder *at = *state;
    struct sample_document sample;
    char *page;

    sample_document(&sample, "a", "a");
    sample.task[0].answered_by = "model";
    sample.task[0].prior = "neutral";
    sample.task[1].prior = digest;
    page = report_on(at, &sample.document);
    assert_int_equal(count_in(page, "<span>Answered by the language model</span>"), 2);
    assert_int_equal(count_in(page, "No prior was calibrated: a neutral text"), 1);
    has(page, "first answer: yes at 37.5\xe2\x80\xaf%</span>");
    has(page,
        "Calibrated prior <code title=\"0123456789abcdef0123456789abcdef0123456789ab"
        "cdef0123456789abcdef\">0123456789abcdef\xe2\x80\xa6</code>");
    free(page);
}

static void reasons_are_counted_the_most_frequent_first(void **state)
{
    static const struct store_dropped dropped[] = {{"number", "7", "7"},
                                                   {"words", "", "a"},
                                                   {"words", "", "b"},
                                                   {"odd_one", "", "c"}};
    struct sample_folder *at = *state;
    struct sample_document sample;
    const char *words, *number, *odd;
    char *page;

    sample_document(&sample, "a", "a");
    sample.document.dropped = dropped;
    sample.document.dropped_count = COUNT(dropped);
    page = report_on(at, &sample.document);
    words = strstr(page, "<tr><th>words</th><td class=\"number\">2</td>");
    number = strstr(page, "<tr><th>number</th><td class=\"number\">1</td>");
    odd = strstr(page, "<tr><th>odd one</th><td class=\"number\">1</td>");
    assert_true(words && number && odd && words < number && number < odd);
    has(page, "width:50.00%");
    free(page);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sample_setup, sample_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_figures_add_up_what_was_written_and_answered),
        TEST(only_the_newest_rows_are_counted),
        TEST(without_a_language_model_nothing_speaks_of_one),
        TEST(each_trace_of_a_model_is_enough_to_speak_of_it),
        TEST(each_task_says_who_answered_and_how_often_otherwise),
        TEST(a_task_names_its_first_answer_and_its_prior),
        TEST(reasons_are_counted_the_most_frequent_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
