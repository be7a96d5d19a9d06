/* A summary: whose words stand where, what they rest on, what was not let through. */
#include "tests/store/page.h"

static void a_verbatim_summary_reads_on_and_speaks_of_no_model(void **state)
{
    struct sample_document sample;
    char *page;

    sample_document(&sample, "a", "a");
    sample.document.sentence_count = 1;
    sample.document.dropped_count = 0;
    sample.document.summary_reason = NULL;
    page = report_on(*state, &sample.document);
    has(page,
        "<div class=\"summary\" dir=\"auto\"><span>License Agreement</span> <cite");
    has_not(page, "<ol class=\"written\">");
    has_not(page, "dropped</summary>");
    has_not(page, "Verbatim instead");
    free(page);
}

static void written_words_stand_beside_the_words_they_rest_on(void **state)
{
    struct sample_document sample;
    char *page;

    sample_document(&sample, "a", "a");
    page = report_on(*state, &sample.document);
    has_not(page, "<div class=\"summary\"");
    has(page, "<li class=\"alone\"><blockquote dir=\"auto\">License Agreement <cite");
    has(page, "<li><p dir=\"auto\"><span class=\"hand\">written</span> Someone "
              "na\xc3\xafve pays.</p><blockquote dir=\"auto\">na\xc3\xafve <cite "
              "title=\"section 2, byte 4 to section 2, byte 10\">");
    free(page);
}

static void what_was_dropped_is_folded_away_with_reason_and_word(void **state)
{
    struct sample_document sample;
    char *page;

    sample_document(&sample, "a", "a");
    page = report_on(*state, &sample.document);
    has(page, "<details class=\"small\"><summary>2 written sentences were "
              "dropped</summary>");
    has(page,
        "<th>number</th><td dir=\"auto\">They owe <mark>777</mark> dollars.</td>");
    has(page, "<b>777</b><br><span class=\"meaning\">A number or an amount");
    has(page,
        "<th>repeats</th><td dir=\"auto\">Someone pays.</td><td dir=\"auto\"><span "
        "class=\"meaning\">It says again");
    free(page);
}

static void one_dropped_sentence_is_spoken_of_as_one(void **state)
{
    struct sample_document sample;
    char *page;

    sample_document(&sample, "a", "a");
    sample.document.dropped_count = 1;
    page = report_on(*state, &sample.document);
    has(page, "<summary>1 written sentence was dropped</summary>");
    free(page);
}

static void a_verbatim_summary_in_a_written_ones_place_says_why(void **state)
{
    struct sample_document sample;
    char *page;

    sample_document(&sample, "a", "a");
    sample.document.sentence_count = 1;
    page = report_on(*state, &sample.document);
    has(page,
        "<p class=\"reason\">Verbatim instead of written: 1 of 3 written sentences "
        "stood</p>\n<div class=\"summary\"");
    free(page);
}

/* Nothing stood and nothing is prose: what was tried is shown all the same. */
static void without_any_sentence_the_reason_and_the_dropped_ones_stay(void **state)
{
    struct sample_document sample;
    char *page;

    sample_document(&sample, "a", "a");
    sample.document.sentence_count = 0;
    page = report_on(*state, &sample.document);
    has(page, "Verbatim instead of written");
    has(page, "2 written sentences were dropped");
    has_not(page, "<ol class=\"written\">");
    has_not(page, "<div class=\"summary\"");
    free(page);
}

static void beyond_the_cap_dropped_sentences_are_counted(void **state)
{
    struct store_dropped many[53];
    struct sample_document sample;
    char *page;

    sample_document(&sample, "a", "a");
    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = (struct store_dropped){"empty", "", "Summary:"};
    sample.document.dropped = many;
    sample.document.dropped_count = COUNT(many);
    page = report_on(*state, &sample.document);
    has(page, "53 written sentences were dropped");
    assert_int_equal(count_in(page, "<td dir=\"auto\">Summary:</td>"), 50);
    has(page, "3 more in the view <code>v_dropped</code>");
    free(page);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sample_setup, sample_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_verbatim_summary_reads_on_and_speaks_of_no_model),
        TEST(written_words_stand_beside_the_words_they_rest_on),
        TEST(what_was_dropped_is_folded_away_with_reason_and_word),
        TEST(one_dropped_sentence_is_spoken_of_as_one),
        TEST(a_verbatim_summary_in_a_written_ones_place_says_why),
        TEST(without_any_sentence_the_reason_and_the_dropped_ones_stay),
        TEST(beyond_the_cap_dropped_sentences_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
