/* A claim beside the words it may rest on. */
#include "tests/pipeline/ground.h"

static struct ground_weight weight_of(const char *claim, const char *const *source,
                                      size_t count)
{
    struct lexicon lexicon = {0};
    struct words words = {0}, others = {0};
    struct ground_weight weight;
    assert_true(words_read(&words, &lexicon, claim, strlen(claim), 0));
    for (size_t i = 0; i < count; i++)
        assert_true(words_read(&others, &lexicon, source[i], strlen(source[i]), i));
    assert_true(ground_weigh(&words, &others, &lexicon, &weight));
    assert_true(weight.blame <= words.count);
    words_free(&words);
    words_free(&others);
    lexicon_free(&lexicon);
    return weight;
}

static struct ground_weight weight_on(const char *claim, const char *source)
{
    return weight_of(claim, &source, 1);
}

#define assert_verdict(claim, source, wanted) \
    assert_int_equal(weight_on(claim, source).verdict, wanted)

static void a_sentence_bears_itself_out(void **state)
{
    static const char *const words[] = {
        "The Buyer shall not pay $5 million before March 5, 2019, unless asked.",
        "Neither party may assign or transfer this Agreement, except to an affiliate.",
        "He said that he was not, as he put it, the one who had been there then.",
        "a rose is a rose is a rose is a rose",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(words); i++) {
        struct ground_weight weight = weight_on(words[i], words[i]);
        assert_int_equal(weight.verdict, GROUND_STANDS);
        assert_true(weight.support == 1.0 && weight.loose == 0.0);
    }
}

static void facts_come_first(void **state)
{
    static const char source[] = "In May 2019 Jane Oduya sold 40 boats.";
    (void)state;
    assert_verdict("Jane Oduya sold 41 boats.", source, GROUND_NUMBER);
    assert_verdict("In June 2019 Jane Oduya sold 40 boats.", source, GROUND_DATE);
    assert_verdict("Jane Hale sold 40 boats.", source, GROUND_NAME);
    assert_verdict("Peter Oduya sold 40 boats.", source, GROUND_NAME);
    assert_verdict("JANE ODUYA sold 40 boats.", source, GROUND_STANDS);
    assert_int_equal(weight_on("Jane Oduya sold 41 boats.", source).blame, 3);
}

static void a_number_keeps_what_it_counts(void **state)
{
    static const char source[] =
        "She bought sixty (60) shares within thirty (30) days.";
    (void)state;
    assert_verdict("She bought 60 shares within 30 days.", source, GROUND_STANDS);
    assert_verdict("She bought 30 shares within 60 days.", source, GROUND_NUMBER);
    assert_verdict("She bought 60 shares within 60 days.", source, GROUND_NUMBER);
}

static void two_sentences_are_not_spliced(void **state)
{
    static const char *const source[] = {"The office repaired the northern lighthouse.",
                                         "The insurers paid the old fishermen."};
    (void)state;
    assert_int_equal(
        weight_of("The insurers repaired the lighthouse.", source, 2).verdict,
        GROUND_WORDS);
    assert_true(weight_of("The insurers repaired it.", source, 2).loose == 1.5);
    assert_int_equal(weight_of("The office repaired the northern lighthouse, and the "
                               "insurers paid the old fishermen.",
                               source, 2)
                         .verdict,
                     GROUND_STANDS);
}

static void what_is_denied_stays_denied(void **state)
{
    static const char source[] =
        "The buyer may not return opened boxes without a receipt.";
    (void)state;
    assert_verdict("The buyer may not return opened boxes.", source, GROUND_STANDS);
    assert_verdict("The buyer may return opened boxes with a receipt.", source,
                   GROUND_NEGATION);
    assert_verdict("The buyer may not return boxes.", "The buyer may return boxes.",
                   GROUND_NEGATION);
    assert_verdict("Boxes with a receipt may not be returned.",
                   "Boxes without a receipt may not be returned.", GROUND_NEGATION);
    assert_verdict("Returns are due not later than May 2019.",
                   "Returns are due not later than May 2019.", GROUND_STANDS);
}

static void who_may_need_not(void **state)
{
    (void)state;
    assert_verdict("The buyer shall return the boxes.",
                   "The buyer may return the boxes.", GROUND_WORDS);
    assert_verdict("The buyer may return the boxes.",
                   "The buyer shall return the boxes.", GROUND_WORDS);
    assert_verdict("The buyer may return the boxes.",
                   "The buyer has the right to return the boxes.", GROUND_STANDS);
    assert_verdict("The buyer must return the boxes.",
                   "The buyer agrees to return the boxes.", GROUND_STANDS);
}

static void what_is_said_of_the_text_goes_without_saying(void **state)
{
    static const char source[] = "The buyer returns the boxes.";
    (void)state;
    assert_true(
        weight_on("The passage states that the buyer returns the boxes.", source)
            .support == 1.0);
    assert_true(
        weight_on("The captain states that the buyer returns the boxes.", source)
            .support < 1.0);
}

/* A word in many places costs no more than the limit allows. */
static void many_places_are_looked_at_in_part(void **state)
{
    enum { TIMES = 3000 };
    static char source[TIMES * 5 + 1], claim[TIMES * 5 + 1];
    (void)state;
    for (size_t i = 0; i < TIMES; i++) {
        memcpy(source + i * 5, "boat ", 5);
        memcpy(claim + i * 5, i % 2 ? "boat " : "ship ", 5);
    }
    claim[500] = '\0';
    assert_verdict(claim, source, GROUND_WORDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sentence_bears_itself_out),
        cmocka_unit_test(facts_come_first),
        cmocka_unit_test(a_number_keeps_what_it_counts),
        cmocka_unit_test(two_sentences_are_not_spliced),
        cmocka_unit_test(what_is_denied_stays_denied),
        cmocka_unit_test(who_may_need_not),
        cmocka_unit_test(what_is_said_of_the_text_goes_without_saying),
        cmocka_unit_test(many_places_are_looked_at_in_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
