/* What errors say: quotes, lists, suggestions. */
#include "tests/policies/sample.h"

static void error_struct_may_be_left_out(void **state)
{
    struct policy_error err;

    (void)state;
    assert_int_equal(policy_fail(NULL, POLICY_EIO, 3, "x"), POLICY_EIO);
    assert_int_equal(policy_fail(&err, POLICY_EIO, 3, "%d words", 2), POLICY_EIO);
    assert_int_equal(err.line, 3);
    assert_string_equal(err.text, "2 words");
}

static void quote_hides_what_a_terminal_would_obey(void **state)
{
    (void)state;
    assert_string_equal(policy_quote_of("a\x1b[31m\nb\xC2\x9Bz\x7f").text,
                        "a?[31m?b?z?");
    assert_string_equal(policy_quote_of("\xE2\x80\xAE\xE2\x81\xA6x").text, "??x");
    assert_string_equal(policy_quote_of("caf\xC3\xA9 \xFF").text, "caf\xC3\xA9 ?");
}

static void quote_is_cut_between_characters(void **state)
{
    char text[200] = "";
    struct policy_quote quote;

    (void)state;
    for (int i = 0; i < 40; i++)
        strcat(text, "\xC3\xA9");
    quote = policy_quote_of(text);
    assert_int_equal(strlen(quote.text), 63);
    assert_string_equal(quote.text + 58, "\xC3\xA9...");
}

static void short_text_is_quoted_whole(void **state)
{
    char text[61];

    (void)state;
    memset(text, 'x', 60);
    text[60] = '\0';
    assert_string_equal(policy_quote_of(text).text, text);
    assert_string_equal(policy_quote_of("").text, "");
}

static void utf8_is_measured_as_the_standard_has_it(void **state)
{
    static const struct {
        const char *text;
        size_t bytes;
    } table[] = {
        {"a", 1},
        {"\xC2\x80", 2},
        {"\xE0\xA0\x80", 3},
        {"\xEF\xBF\xBF", 3},
        {"\xF0\x90\x80\x80", 4},
        {"\xF4\x8F\xBF\xBF", 4},
        {"\x80", 0},             /* a continuation */
        {"\xC0\x80", 0},         /* overlong */
        {"\xE0\x9F\xBF", 0},     /* overlong */
        {"\xF0\x8F\xBF\xBF", 0}, /* overlong */
        {"\xED\xA0\x80", 0},     /* surrogate */
        {"\xF4\x90\x80\x80", 0}, /* past U+10FFFF */
        {"\xF5\x80\x80\x80", 0},
        {"\xC3", 0}, /* cut */
        {"\xE2\x82", 0},
        {"", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_int_equal(policy_utf8_bytes(table[i].text, strlen(table[i].text)),
                         table[i].bytes);
}

static void list_is_cut_with_dots(void **state)
{
    struct policy_words words = {.bytes = 0};

    (void)state;
    policy_words_add(&words, "one");
    policy_words_add(&words, "two");
    assert_string_equal(words.text, "one, two");
    for (int i = 0; i < 100; i++)
        policy_words_add(&words, "three");
    assert_true(strlen(words.text) < sizeof words.text);
    assert_string_equal(words.text + strlen(words.text) - 12, ", three, ...");
}

static void nearest_word_is_found_when_near(void **state)
{
    static const char *const choice[] = {"license", "supply", "service", "a"};

    (void)state;
    assert_string_equal(policy_words_nearest("licence", choice, 4), "license");
    assert_string_equal(policy_words_nearest("suply", choice, 4), "supply");
    assert_string_equal(policy_words_nearest("Service", choice, 4), "service");
    assert_null(policy_words_nearest("franchise", choice, 4));
    assert_null(policy_words_nearest("license", choice, 0));
}

static void endless_word_is_near_to_nothing(void **state)
{
    static const char *const choice[] = {"license"};
    char word[1000];

    (void)state;
    memset(word, 'l', sizeof word);
    word[sizeof word - 1] = '\0';
    assert_null(policy_words_nearest(word, choice, 1));
}

int main(void)
{
    const struct CMUnitTest test[] = {
        cmocka_unit_test(error_struct_may_be_left_out),
        cmocka_unit_test(quote_hides_what_a_terminal_would_obey),
        cmocka_unit_test(quote_is_cut_between_characters),
        cmocka_unit_test(short_text_is_quoted_whole),
        cmocka_unit_test(utf8_is_measured_as_the_standard_has_it),
        cmocka_unit_test(list_is_cut_with_dots),
        cmocka_unit_test(nearest_word_is_found_when_near),
        cmocka_unit_test(endless_word_is_near_to_nothing),
    };

    return cmocka_run_group_tests_name("policies/words", test, NULL, NULL);
}
