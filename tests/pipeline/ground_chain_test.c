/* How the words of a claim are put together, and what that costs. */
#include "tests/pipeline/ground.h"

/* The loose ends of a claim beside sentences, "|" between them. */
static double loose(const char *claim, const char *source)
{
    struct lexicon lexicon = {0};
    struct words words = {0}, others = {0};
    struct ground_weight weight;
    char copy[600], *rest = copy;
    assert_true(words_read(&words, &lexicon, claim, strlen(claim), 0));
    snprintf(copy, sizeof(copy), "%s", source);
    size_t number = 0;
    for (char *one; (one = strsep(&rest, "|")); number++)
        assert_true(words_read(&others, &lexicon, one, strlen(one), number));
    assert_true(ground_weigh(&words, &others, &lexicon, &weight));
    words_free(&words);
    words_free(&others);
    lexicon_free(&lexicon);
    return weight.loose;
}

static const char harbor[] = "The office repaired the northern lighthouse in spring.|"
                             "The insurers paid the old fishermen by check.";

static void words_in_the_sources_order_cost_nothing(void **state)
{
    (void)state;
    assert_true(loose("The office repaired the lighthouse.", harbor) == 0.0);
    assert_true(loose("The insurers paid by check.", harbor) == 0.0);
}

static void words_that_are_not_there_or_too_often_cost_one(void **state)
{
    (void)state;
    assert_true(loose("The office repaired the tower.", harbor) == 1.0);
    assert_true(loose("The office repaired the lighthouse office.", harbor) >= 1.0);
}

static void a_turned_order_costs_less_in_the_passive(void **state)
{
    (void)state;
    assert_true(loose("The lighthouse was repaired.", harbor) == 0.5);
    assert_true(loose("The lighthouse repaired.", harbor) == 1.5);
}

static void a_changed_preposition_costs(void **state)
{
    (void)state;
    assert_true(loose("The office repaired it for spring.", harbor) == 0.5);
    assert_true(loose("The insurers paid the fishermen from check.", harbor) == 1.5);
}

static void a_leap_costs_least_at_a_new_clause(void **state)
{
    (void)state;
    assert_true(loose("The office repaired the fishermen.", harbor) == 1.5);
    assert_true(
        loose("The office repaired the lighthouse and insurers paid.", harbor) == 1.0);
    assert_true(
        loose("The office repaired the lighthouse, and insurers paid.", harbor) == 0.5);
}

static void a_subject_is_near_to_what_it_does(void **state)
{
    static const char met[] =
        "The mill met the miller of the old town by the river, who "
        "in the end sold flour.";
    (void)state;
    assert_true(loose("The mill sold flour.", met) == 1.5);
    assert_true(loose("The miller met the mill and sold flour.", met) >= 1.0);
}

/* "right" stands in both sentences, but one of its places must do. */
static void a_word_does_not_lead_from_one_sentence_to_another(void **state)
{
    (void)state;
    assert_true(loose("Nothing limits the right to walk.",
                      "Nothing limits the right of Acme.|The seller keeps the right to "
                      "walk.") >= 1.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_in_the_sources_order_cost_nothing),
        cmocka_unit_test(words_that_are_not_there_or_too_often_cost_one),
        cmocka_unit_test(a_turned_order_costs_less_in_the_passive),
        cmocka_unit_test(a_changed_preposition_costs),
        cmocka_unit_test(a_leap_costs_least_at_a_new_clause),
        cmocka_unit_test(a_subject_is_near_to_what_it_does),
        cmocka_unit_test(a_word_does_not_lead_from_one_sentence_to_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
