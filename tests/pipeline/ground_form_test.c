/* What is wrong with a sentence whatever the source says. */
#include "tests/pipeline/ground.h"

struct formed {
    struct lexicon lexicon;
    struct words words, others;
};

static struct ground_claim read_claim(struct formed *formed, const char *words,
                                      bool broken_off)
{
    *formed = (struct formed){.words = {.count = 0}};
    assert_true(words_read(&formed->words, &formed->lexicon, words, strlen(words), 0));
    return (struct ground_claim){
        .text = words, .bytes = strlen(words), .broken_off = broken_off};
}

static void free_claim(struct formed *formed)
{
    words_free(&formed->words);
    words_free(&formed->others);
    lexicon_free(&formed->lexicon);
}

static bool is_empty(const char *words)
{
    struct formed formed;
    struct ground_claim claim = read_claim(&formed, words, false);
    bool empty = form_is_empty(&claim, &formed.words, &formed.lexicon);
    free_claim(&formed);
    return empty;
}

static bool is_unfinished(const char *words, bool broken_off)
{
    struct formed formed;
    struct ground_claim claim = read_claim(&formed, words, broken_off);
    bool unfinished = form_is_unfinished(&claim, &formed.words, &formed.lexicon);
    free_claim(&formed);
    return unfinished;
}

static void headings_and_fillers_say_nothing(void **state)
{
    static const char *const empty[] = {
        "",
        "Here is a summary:",
        "Sure!",
        "In summary, the text highlights the key points.",
        "Supply Agreement",
        "12.6 Accrued Obligations; Survival.",
        "Harbor Mills Inc.",
        "Shared expenses.",
        "To: Jane Oduya, Harbor Mills",
        "Payment for sponsorship",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(empty); i++)
        if (!is_empty(empty[i]))
            fail_msg("\"%s\" says something", empty[i]);
}

static void sentences_say_something(void **state)
{
    static const char *const full[] = {
        "The patient has a dry cough.",
        "It ends in May 2019 or later.",
        "The Buyer is Acme.",
        "the buyer inspects the salted herring",
        "Jane Oduya of Harbor Mills paid.",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(full); i++)
        if (is_empty(full[i]))
            fail_msg("\"%s\" says nothing", full[i]);
}

static void a_sentence_ends_in_a_mark(void **state)
{
    (void)state;
    assert_false(is_unfinished("The buyer pays the seller.", false));
    assert_false(is_unfinished("He said \"the buyer pays.\"", false));
    assert_false(is_unfinished("(The buyer pays the seller!)", false));
    assert_false(is_unfinished("\xe8\xb2\xb7\xe4\xb8\xbb\xe3\x80\x82", false));
    assert_true(is_unfinished("The buyer pays the seller:", false));
    assert_true(is_unfinished("The buyer pays the seller,", false));
    assert_true(is_unfinished("The buyer pays the seller...", false));
    assert_true(is_unfinished("The buyer pays the", false));
    assert_true(is_unfinished("", false));
}

static void an_item_of_a_list_needs_no_full_stop(void **state)
{
    static const char item[] = "the buyer inspects the salted herring in the harbor";
    (void)state;
    assert_false(is_unfinished(item, false));
    assert_true(is_unfinished(item, true)); /* the model was stopped */
    assert_true(is_unfinished("the buyer inspects the salted herring of the", false));
}

static void what_may_go_on_is_unfinished_where_the_model_was_stopped(void **state)
{
    (void)state;
    assert_true(is_unfinished("The buyer pays $5.", true));
    assert_true(is_unfinished("The buyer is Acme Co.", true));
    assert_false(is_unfinished("The buyer pays $5.", false));
    assert_false(is_unfinished("The buyer pays the seller.", true));
    assert_false(is_unfinished("Does the buyer pay the seller?", true));
}

static size_t run(const char *words, const char *others, size_t *at)
{
    struct formed formed;
    read_claim(&formed, words, false);
    assert_true(words_read(&formed.others, &formed.lexicon, others, strlen(others), 0));
    size_t longest = form_run(&formed.words, &formed.others, at);
    free_claim(&formed);
    return longest;
}

static void the_longest_run_of_words_is_found(void **state)
{
    size_t at;
    (void)state;
    assert_int_equal(
        run("we say: two plain sentences", "in Two Plain Sentences of it", &at), 3);
    assert_int_equal(at, 2);
    assert_int_equal(run("one two", "three", &at), 0);
    assert_int_equal(run("", "three", &at), 0);
    assert_int_equal(run("a b c", "a b c", &at), 3);
}

static void a_run_of_one_word_has_an_end(void **state)
{
    static char words[4 * 5000 + 1];
    size_t at;
    (void)state;
    for (size_t i = 0; i < 5000; i++)
        memcpy(words + i * 4, "tar ", 4);
    assert_int_equal(run(words, words, &at), 64);
}

static bool loops(const char *words, const char *source)
{
    struct formed formed;
    read_claim(&formed, words, false);
    assert_true(words_read(&formed.others, &formed.lexicon, source, strlen(source), 0));
    bool found = form_loops(&formed.words, &formed.others);
    free_claim(&formed);
    return found;
}

static void the_same_words_over_and_over_are_a_loop(void **state)
{
    static const char once[] = "the buyer pays the seller in May";
    static const char thrice[] =
        "the buyer pays the seller and the buyer pays the seller "
        "and the buyer pays the seller";
    (void)state;
    assert_false(loops(once, ""));
    assert_true(loops(thrice, ""));
    assert_true(loops(thrice, once));
    assert_false(loops(thrice, thrice)); /* the source says so */
    assert_false(loops("to the other party", ""));
    assert_false(
        loops("if the other party fails to pay for all of the goods that were sold "
              "in May and June, the other party fails to act",
              ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headings_and_fillers_say_nothing),
        cmocka_unit_test(sentences_say_something),
        cmocka_unit_test(a_sentence_ends_in_a_mark),
        cmocka_unit_test(an_item_of_a_list_needs_no_full_stop),
        cmocka_unit_test(what_may_go_on_is_unfinished_where_the_model_was_stopped),
        cmocka_unit_test(the_longest_run_of_words_is_found),
        cmocka_unit_test(a_run_of_one_word_has_an_end),
        cmocka_unit_test(the_same_words_over_and_over_are_a_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
