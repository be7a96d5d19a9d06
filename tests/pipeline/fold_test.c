/* Folded text is what a reader takes it for. */
#include "tests/pipeline/sample.h"

static const char *folded(const char *text)
{
    static char out[4096];
    struct fold fold = {0};
    assert_ok(fold_sentence(&fold, text, strlen(text), ERR));
    assert_true(fold.bytes > 0 && fold.bytes < sizeof(out));
    memcpy(out, fold.text, fold.bytes);
    out[fold.bytes - 1] = '\0';
    assert_int_equal(fold.text[fold.bytes - 1], '\n');
    fold_free(&fold);
    return out;
}

struct pair {
    const char *text, *folded;
};

static void assert_pairs(const struct pair *pair, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_string_equal(folded(pair[i].text), pair[i].folded);
}

static void case_accents_and_forms_go(void **state)
{
    static const struct pair pairs[] = {
        {"Ignore ALL", "ignore all"},
        {"\u00cdgn\u00f3r\u00e9", "ignore"},
        {"i\u0301gnore", "ignore"},
        {"pr\u00e9c\u00e9dentes", "precedentes"},
        {"\uff29\uff27\uff2e\uff2f\uff32\uff25", "ignore"},
        {"\U0001d408\U0001d420\U0001d427", "ign"},
        {"\u24d8\u24d6\u24dd", "ign"},
        {"\U0001f158\U0001f156\U0001f1f3", "ign"},
        {"\ufb01le", "file"},
        {"\u026a\u0262\u0274\u1d0f\u0280\u1d07", "ignore"},
        {"\u201cno\u201d \u2018to\u2019 alpha\u2014beta", "\"no\" 'to' alpha-beta"},
    };
    (void)state;
    assert_pairs(pairs, COUNT(pairs));
}

static void look_alikes_are_the_letters_they_look_like(void **state)
{
    static const struct pair pairs[] = {
        {"\u0406gn\u043er\u0435", "ignore"},         /* Cyrillic */
        {"\u0421\u041e\u041d\u0422\u0420", "cohtp"}, /* capitals */
        {"\u039d\u039f\u03a4\u0395", "note"},        /* Greek capitals */
        {"\u03b9\u03b7\u03bf", "ino"},               /* small ones */
        {"\u0578\u0585", "no"},                      /* Armenian */
        {"\u0444\u03c0", "\u0444\u03c0"},            /* like nothing Latin */
        {"\u65e5\u672c", "\u65e5\u672c"},
    };
    (void)state;
    assert_pairs(pairs, COUNT(pairs));
}

static void what_has_no_width_goes(void **state)
{
    static const struct pair pairs[] = {
        {"ig\u200bno\u200dre", "ignore"},
        {"ig\u00adnore", "ignore"},
        {"ig\u2060nore\ufeff", "ignore"},
        {"\u202eignore\u202c", "ignore"},
        {"ig\x01nore", "ignore"},
        {"ig\ufe0fnore", "ignore"},
        {"ignore\u2003\u00a0all", "ignore all"},
    };
    (void)state;
    assert_pairs(pairs, COUNT(pairs));
}

/* An invisible alphabet; between letters it is noise, by itself it is text. */
static void tag_characters_are_spelt_out_behind_the_sentence(void **state)
{
    (void)state;
    assert_string_equal(folded("Hello\U000e0073\U000e0061\U000e0079 you."),
                        "hello you. say");
}

static void white_space_is_one_space(void **state)
{
    static const struct pair pairs[] = {
        {"  all \t\n previous  ", "all previous"},
        {"instruc-\ntions", "instructions"},
        {"two -\nthree", "two - three"},
        {"", ""},
        {" \n ", ""},
    };
    (void)state;
    assert_pairs(pairs, COUNT(pairs));
}

static void letters_in_a_line_are_a_word(void **state)
{
    static const struct pair pairs[] = {
        {"i g n o r e   a l l", "ignore all"},
        {"i g n o r e a l l", "ignoreall"},
        {"i.g.n.o.r.e", "ignore"},
        {"i-g-n-o-r-e it", "ignore it"},
        {"i  g  n  o  r  e", "ignore"},
        {"plan b or c", "plan b or c"},
        {"give me a 5", "give me a 5"},
    };
    (void)state;
    assert_pairs(pairs, COUNT(pairs));
}

static void digits_among_letters_are_letters(void **state)
{
    static const struct pair pairs[] = {
        {"1gn0re 4ll", "ignore 4ll"},
        {"pr3v10us", "previous"},
        {"5 of 12", "5 of 12"},
        {"b2b", "b2b"},
    };
    (void)state;
    assert_pairs(pairs, COUNT(pairs));
}

static void malformed_bytes_are_passed_over(void **state)
{
    (void)state;
    assert_string_equal(folded("ig\xffnore \xe2\x82"), "ignore");
}

/* Sentences lie one after the other; no line of letters runs over their border. */
static void sentences_do_not_touch(void **state)
{
    struct fold fold = {0};
    (void)state;
    assert_ok(fold_sentence(&fold, "plan a ", 7, ERR));
    assert_ok(fold_sentence(&fold, "b c", 3, ERR));
    assert_int_equal(fold.bytes, 10);
    assert_memory_equal(fold.text, "plan a\nbc\n", 10);
    fold_free(&fold);
}

/* The longest decomposition there is, many times. */
static void room_is_made_for_what_grows(void **state)
{
    enum { TIMES = 3000 };
    char *text = malloc(TIMES * 3 + 1);
    struct fold fold = {0};
    (void)state;
    assert_non_null(text);
    for (int i = 0; i < TIMES; i++)
        memcpy(text + i * 3, "\xef\xb7\xba", 3); /* U+FDFA, 18 characters */
    assert_ok(fold_sentence(&fold, text, TIMES * 3, ERR));
    assert_true(fold.bytes > TIMES * 18 && fold.bytes <= fold.capacity);
    fold_free(&fold);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_accents_and_forms_go),
        cmocka_unit_test(look_alikes_are_the_letters_they_look_like),
        cmocka_unit_test(what_has_no_width_goes),
        cmocka_unit_test(tag_characters_are_spelt_out_behind_the_sentence),
        cmocka_unit_test(white_space_is_one_space),
        cmocka_unit_test(letters_in_a_line_are_a_word),
        cmocka_unit_test(digits_among_letters_are_letters),
        cmocka_unit_test(malformed_bytes_are_passed_over),
        cmocka_unit_test(sentences_do_not_touch),
        cmocka_unit_test(room_is_made_for_what_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
