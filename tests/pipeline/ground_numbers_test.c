/* Amounts and dates, however they are written. */
#include "tests/pipeline/ground.h"

/* The number at the beginning of words, its readings with "|" between; "": none. */
static void assert_number(const char *words, const char *wanted)
{
    struct pieces pieces = {0};
    struct number number;
    char shown[100] = "";
    assert_true(pieces_read(&pieces, words, strlen(words)));
    if (number_read(&pieces, 0, &number) > 0)
        for (size_t i = 0; i < number.readings; i++)
            snprintf(shown + strlen(shown), sizeof(shown) - strlen(shown), "%s%c%s",
                     i > 0 ? "|" : "", number.kind, number.value[i]);
    if (strcmp(shown, wanted) != 0)
        fail_msg("%s: %s, not %s", words, shown, wanted);
    pieces_free(&pieces);
}

static void separators_are_no_difference(void **state)
{
    (void)state;
    assert_number("1000", "#1000");
    assert_number("007", "#7");
    assert_number("0", "#0");
    assert_number("0.50", "#0.5");
    assert_number("1,000 shares", "#1000");
    assert_number("1,000,000", "#1000000");
    assert_number("1,000.50 tons", "#1000.5");
    assert_number("1.000,50", "#1000.5");
    assert_number("1.000.000", "#1000000");
    assert_number("12,5", "#12.5");
    assert_number("5.00 tons", "#5");
    assert_number("1'000", "#1000");
    assert_number("1'000.25", "#1000.25");
}

static void two_readings_are_told(void **state)
{
    (void)state;
    assert_number("1.500 tons", "#1.5|#1500");
    assert_number("0.500 tons", "#0.5");
}

static void sequences_are_no_values(void **state)
{
    (void)state;
    assert_number("4.2.1", "#4.2.1");
    assert_number("1,2,3", "#1,2,3");
    assert_number("1.10 Assignment", "#1.10");
    assert_number("1.10 dollars", "$1.1");
}

static void words_are_numbers(void **state)
{
    (void)state;
    assert_number("five", "#5");
    assert_number("twenty-five", "#25");
    assert_number("one hundred and five", "#105");
    assert_number("two thousand three hundred", "#2300");
    assert_number("a hundred", "");
    assert_number("hundred", "#100");
    assert_number("nineteen hundred", "#1900");
    assert_number("three million two hundred thousand and one", "#3200001");
    assert_number("five and six", "#5");
    assert_number("five six", "#5");
    assert_number("twenty-first", "#21");
    assert_number("trillion trillion", "#1000000000000"); /* has an end */
}

static void amounts_have_kinds(void **state)
{
    (void)state;
    assert_number("$5 million", "$5000000");
    assert_number("$ 5,000,000", "$5000000");
    assert_number("$5m", "$5000000");
    assert_number("5m", "#5");
    assert_number("1.25 billion euros", "$1250000000");
    assert_number("USD 100", "$100");
    assert_number("100 dollars", "$100");
    assert_number("5%", "%5");
    assert_number("five per cent", "%5");
    assert_number("2.5 percent", "%2.5");
    assert_number("5th", "#5");
    assert_number("1990s", "#1990");
    assert_number("tenth", "#10");
}

static void roman_numerals_are_read_with_care(void **state)
{
    struct pieces pieces = {0};
    struct number number;
    (void)state;
    assert_number("II", "#2");
    assert_number("XIV", "#14");
    assert_number("IX", "#9");
    assert_number("I", "");
    assert_number("V", "");
    assert_number("MIX", "");
    assert_number("ii", "");
    assert_true(pieces_read(&pieces, "Article V", 9));
    assert_int_equal(number_read(&pieces, 1, &number), 1);
    assert_string_equal(number.value[0], "5");
    pieces_free(&pieces);
}

static void long_numbers_are_cut(void **state)
{
    char words[200];
    struct pieces pieces = {0};
    struct number number;
    (void)state;
    memset(words, '7', sizeof(words));
    memcpy(words + sizeof(words) - 30, " billion billion billion trill", 30);
    assert_true(pieces_read(&pieces, words, sizeof(words)));
    assert_true(number_read(&pieces, 0, &number) >= 1);
    assert_true(strlen(number.value[0]) < NUMBER_BYTES);
    pieces_free(&pieces);
}

/* The date in words, "2019-3-5", its readings with "|" between. */
static void assert_date(const char *words, const char *wanted)
{
    struct pieces pieces = {0};
    struct date date;
    char shown[100] = "";
    assert_true(pieces_read(&pieces, words, strlen(words)));
    if (date_read(&pieces, 0, &date) > 0)
        for (size_t i = 0; i < date.readings; i++)
            snprintf(shown + strlen(shown), sizeof(shown) - strlen(shown), "%s%d-%d-%d",
                     i > 0 ? "|" : "", date.year[i], date.month[i], date.day[i]);
    if (strcmp(shown, wanted) != 0)
        fail_msg("%s: %s, not %s", words, shown, wanted);
    pieces_free(&pieces);
}

static void dates_are_read_in_all_forms(void **state)
{
    (void)state;
    assert_date("2019-03-05", "2019-3-5");
    assert_date("2019/03/05", "2019-3-5");
    assert_date("March 5, 2019", "2019-3-5");
    assert_date("March 5th, 2019", "2019-3-5");
    assert_date("Mar. 5, 2019", "2019-3-5");
    assert_date("5 March 2019", "2019-3-5");
    assert_date("5th day of March, 2019", "2019-3-5");
    assert_date("March 2019", "2019-3-0");
    assert_date("April 5", "0-4-5");
    assert_date("April", "0-4-0");
    assert_date("Sept 2020", "2020-9-0");
}

static void days_and_months_may_change_places(void **state)
{
    (void)state;
    assert_date("3/5/2019", "2019-3-5|2019-5-3");
    assert_date("3/5/19", "2019-3-5|2019-5-3");
    assert_date("3/25/50", "1950-3-25");
    assert_date("25.3.2049", "2049-3-25");
    assert_date("4/4/1999", "1999-4-4");
    assert_date("12-31-2024", "2024-12-31");
}

static void what_only_looks_like_a_date_is_none(void **state)
{
    (void)state;
    assert_date("may 5", "");
    assert_date("March", ""); /* begins the sentence: perhaps a verb */
    assert_date("May the parties agree", "");
    assert_date("13/32/2019", "");
    assert_date("1-2-19", "");
    assert_date("4.2.1", "");
    assert_date("2019-13-40", "");
    assert_date("3 / 5 / 2019", "");
    assert_date("40 March", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(separators_are_no_difference),
        cmocka_unit_test(two_readings_are_told),
        cmocka_unit_test(sequences_are_no_values),
        cmocka_unit_test(words_are_numbers),
        cmocka_unit_test(amounts_have_kinds),
        cmocka_unit_test(roman_numerals_are_read_with_care),
        cmocka_unit_test(long_numbers_are_cut),
        cmocka_unit_test(dates_are_read_in_all_forms),
        cmocka_unit_test(days_and_months_may_change_places),
        cmocka_unit_test(what_only_looks_like_a_date_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
