/* What the words of a sentence need and what they give. */
#include "tests/pipeline/ground.h"

/* The words that mean something: "^" before a name, "-" before one that is denied (once
 * for each word of distance), "key" or "key/key" for what it needs. */
static void assert_words(const char *sentence, const char *wanted)
{
    struct lexicon lexicon = {0};
    struct words words = {0};
    char shown[600] = "";
    assert_true(words_read(&words, &lexicon, sentence, strlen(sentence), 0));
    for (size_t i = 0; i < words.count; i++) {
        const struct word *word = &words.word[i];
        if (word->need[0] == KEY_NONE)
            continue;
        for (unsigned n = 0; n < word->denied; n++)
            strcat(shown, "-");
        strcat(strcat(shown, word->capital ? "^" : ""),
               lexicon_text(&lexicon, word->need[0]));
        if (word->need[1] != KEY_NONE)
            strcat(strcat(shown, "/"), lexicon_text(&lexicon, word->need[1]));
        strcat(shown, " ");
    }
    assert_string_equal(shown, wanted);
    words_free(&words);
    lexicon_free(&lexicon);
}

/* All that the sentence gives. */
static void assert_gifts(const char *sentence, const char *wanted)
{
    struct lexicon lexicon = {0};
    struct words words = {0};
    char shown[600] = "";
    assert_true(words_read(&words, &lexicon, sentence, strlen(sentence), 0));
    for (size_t i = 0; i < words.gift_count; i++)
        strcat(strcat(shown, lexicon_text(&lexicon, words.gift[i].key)), " ");
    assert_string_equal(shown, wanted);
    words_free(&words);
    lexicon_free(&lexicon);
}

static void names_are_capitals_where_nothing_begins(void **state)
{
    (void)state;
    assert_words("The Buyer met Jane Oduya: Payment (Net) is due.",
                 "^buyer meet ^jan ^oduya pay net due ");
}

static void words_without_meaning_need_nothing(void **state)
{
    (void)state;
    assert_words("It is what it was, and shall be.", "");
    assert_words("We do it for US and U.S. courts.", "^us ^us court ");
    assert_words("one of the first", "");
    assert_words("Give 5 mg of it.", "giv #5 mg ");
}

static void numbers_and_dates_give_more_than_they_need(void **state)
{
    (void)state;
    assert_words("paid $5 million on 3/5/19", "pay $5000000 @2019-03-05/@2019-05-03 ");
    assert_gifts("5%", "%5 #5 ");
    assert_gifts("one", "#1 ");
    assert_gifts("2019-03-05", "@2019-03-05 @--03 #2019 #5 @2019-03 @--03-05 ");
    assert_gifts("in April 2019", "@2019-04 @--04 #2019 ");
}

static void three_words_behind_not_are_denied(void **state)
{
    (void)state;
    assert_words("The buyer shall not assign rights of the goods sold.",
                 "buyer -assign --right ---good sell ");
    assert_words("He doesn't pay.", "-pay ");
    assert_words("a non-exclusive and nonrefundable deposit",
                 "-exclusiv -refundabl --deposit ");
}

static void what_only_measures_denies_nothing(void **state)
{
    (void)state;
    assert_words("not later than 30 days", "later #30 day ");
    assert_words("no more than 30 days", "mor #30 day ");
    assert_words("not only goods", "onli good ");
    assert_words("no longer pays", "-longer --pay ");
}

static void scripts_without_spaces_go_in_pairs(void **state)
{
    (void)state;
    assert_gifts("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
                 "\xe6\x97\xa5\xe6\x9c\xac \xe6\x9c\xac\xe8\xaa\x9e ");
    assert_gifts("\xe6\x97\xa5", "\xe6\x97\xa5 ");
}

static void assert_speaker(const char *sentence, const char *wanted)
{
    struct lexicon lexicon = {0};
    struct words words = {0};
    bool room = true;
    assert_true(words_read(&words, &lexicon, sentence, strlen(sentence), 0));
    int32_t key = words_speaker(&words, &lexicon, &room);
    assert_true(room);
    assert_string_equal(key == KEY_NONE ? "" : lexicon_text(&lexicon, key), wanted);
    words_free(&words);
    lexicon_free(&lexicon);
}

static void speakers_stand_before_a_colon(void **state)
{
    (void)state;
    assert_speaker("Doctor: How are you?", "doctor");
    assert_speaker("Guest Family 2: Fine.", "guestfamily2");
    assert_speaker("The four parties named below: Acme.", "");
    assert_speaker("At 10:30 it rained.", "");
    assert_speaker("Doctor:", "");
    assert_speaker("the doctor: no.", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_capitals_where_nothing_begins),
        cmocka_unit_test(words_without_meaning_need_nothing),
        cmocka_unit_test(numbers_and_dates_give_more_than_they_need),
        cmocka_unit_test(three_words_behind_not_are_denied),
        cmocka_unit_test(what_only_measures_denies_nothing),
        cmocka_unit_test(scripts_without_spaces_go_in_pairs),
        cmocka_unit_test(speakers_stand_before_a_colon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
