/* Forms of one word meet, different words do not. */
#include "tests/pipeline/ground.h"

static void stem(const char *word, char out[KEY_BYTES_MAX + 8])
{
    strcpy(out, word);
    size_t bytes = stem_cut(out, strlen(out));
    assert_int_equal(bytes, strlen(out));
}

static void assert_same(const char *a, const char *b)
{
    char x[KEY_BYTES_MAX + 8], y[KEY_BYTES_MAX + 8];
    stem(a, x);
    stem(b, y);
    if (strcmp(x, y) != 0)
        fail_msg("%s is %s, %s is %s", a, x, b, y);
}

static void assert_different(const char *a, const char *b)
{
    char x[KEY_BYTES_MAX + 8], y[KEY_BYTES_MAX + 8];
    stem(a, x);
    stem(b, y);
    if (strcmp(x, y) == 0)
        fail_msg("%s and %s are both %s", a, b, x);
    if (stem_is_kin(x, y))
        fail_msg("%s and %s are kin", a, b);
}

static void forms_of_a_word_meet(void **state)
{
    static const char *const forms[][2] = {
        {"party", "parties"},
        {"terminate", "termination"},
        {"terminates", "terminated"},
        {"agree", "agreement"},
        {"agreed", "agreements"},
        {"pay", "payments"},
        {"paid", "pays"},
        {"distribute", "distribution"},
        {"apply", "application"},
        {"notify", "notification"},
        {"liable", "liability"},
        {"perform", "performance"},
        {"boxes", "box"},
        {"stopping", "stopped"},
        {"buyer's", "buyers"},
        {"exclusive", "exclusively"},
        {"taken", "takes"},
        {"children", "child"},
        {"policies", "policy"},
        {"carried", "carry"},
        {"license", "licensing"},
        {"business", "business's"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(forms); i++)
        assert_same(forms[i][0], forms[i][1]);
}

static void parties_to_a_contract_stay_apart(void **state)
{
    static const char *const pairs[][2] = {
        {"lessor", "lessee"},     {"employer", "employee"},
        {"licensor", "licensee"}, {"grantor", "grantee"},
        {"buyer", "seller"},      {"franchisor", "franchisee"},
        {"employer", "employ"},   {"county", "country"},
        {"contract", "contrast"}, {"internal", "interval"},
        {"careful", "careless"},  {"robert", "rupert"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++)
        assert_different(pairs[i][0], pairs[i][1]);
}

static void kin_differ_in_their_last_letters(void **state)
{
    (void)state;
    assert_true(stem_is_kin("vertrages", "vertrag"));
    assert_true(stem_is_kin("arbeitet", "arbeiten"));
    assert_true(stem_is_kin(
        "\xd0\xb4\xd0\xbe\xd0\xb3\xd0\xbe\xd0\xb2\xd0\xbe\xd1\x80\xd0\xb0",
        "\xd0\xb4\xd0\xbe\xd0\xb3\xd0\xbe\xd0\xb2\xd0\xbe\xd1\x80\xd1\x83"));
    assert_true(
        stem_is_kin("\xea\xb3\x84\xec\x95\xbd\xec\x9d\x80",
                    "\xea\xb3\x84\xec\x95\xbd\xec\x9d\x84")); /* two syllables */
    assert_false(stem_is_kin("haus", "hauses"));              /* too little is shared */
    assert_false(stem_is_kin("\xea\xb3\x84\xec\x9d\x80", "\xea\xb3\x84\xec\x9d\x84"));
    assert_false(stem_is_kin("", "a"));
}

static void short_and_long_words_are_left_whole(void **state)
{
    char word[KEY_BYTES_MAX + 8];
    (void)state;
    stem("is", word);
    assert_string_equal(word, "is");
    stem("bus", word);
    assert_string_equal(word, "bus");
    stem("'", word);
    assert_string_equal(word, "'");
    stem("\xc3\xbc"
         "ber",
         word);
    assert_string_equal(word, "\xc3\xbc"
                              "ber");
}

static void lists_are_sorted_and_found_in(void **state)
{
    static const char *const empty[] = {"a",        "the",    "of",
                                        "yourself", "hereby", "shall"};
    static const char *const about[] = {"aim", "text", "written", "passage", "summary"};
    static const char *const deny[] = {"not",    "never", "without",
                                       "barely", "isn't", "can't"};
    (void)state;
    for (size_t i = 0; i < COUNT(empty); i++)
        assert_true(word_is_empty(empty[i]));
    for (size_t i = 0; i < COUNT(about); i++)
        assert_true(word_is_about_text(about[i]));
    for (size_t i = 0; i < COUNT(deny); i++)
        assert_true(word_denies(deny[i]));
    assert_false(word_is_empty("buyer"));
    assert_false(word_is_about_text("buyer"));
    assert_false(word_denies("n't"));
    assert_false(word_denies("notice"));
}

static void speakers_are_told_from_those_spoken_of(void **state)
{
    (void)state;
    assert_int_equal(word_person("i"), PERSON_I);
    assert_int_equal(word_person("i'm"), PERSON_I);
    assert_int_equal(word_person("you've"), PERSON_YOU);
    assert_int_equal(word_person("let's"), PERSON_WE);
    assert_int_equal(word_person("our"), PERSON_WE);
    assert_int_equal(word_person("he"), PERSON_NONE);
    assert_int_equal(word_person("item"), PERSON_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_of_a_word_meet),
        cmocka_unit_test(parties_to_a_contract_stay_apart),
        cmocka_unit_test(kin_differ_in_their_last_letters),
        cmocka_unit_test(short_and_long_words_are_left_whole),
        cmocka_unit_test(lists_are_sorted_and_found_in),
        cmocka_unit_test(speakers_are_told_from_those_spoken_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
