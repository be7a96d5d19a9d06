/* What text.c makes of text: every rule in its essay, and the limits. */
#include "ingest/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct text text;

static const char *plain(const char *utf8, enum text_hyphens hyphens)
{
    static char result[4096];

    text_start(&text, hyphens, sizeof result - 1);
    text_add(&text, utf8, strlen(utf8), TEXT_VISIBLE);
    text_finish(&text);
    memcpy(result, text.bytes ? text.bytes : "", text.used);
    result[text.used] = '\0';
    return result;
}

static void expect(const char *utf8, const char *result)
{
    assert_string_equal(plain(utf8, TEXT_HYPHENS_BREAK), result);
}

static void what_is_not_empty_ends_in_one_line_feed(void **state)
{
    (void)state;
    expect("a", "a\n");
    expect("a\n", "a\n");
    expect("a\n\n\n", "a\n");
    expect("a  \n \n", "a\n");
    expect("", "");
    expect(" \n\t\n", "");
}

static void line_ends_of_every_kind_become_line_feeds(void **state)
{
    (void)state;
    expect("a\r\nb\rc\nd", "a\nb\nc\nd\n");
    expect("a\fb\vc\xC2\x85"
           "d\xE2\x80\xA8"
           "e\xE2\x80\xA9"
           "f",
           "a\nb\nc\nd\ne\nf\n");
    expect("a\r\r\nb", "a\n\nb\n");
}

static void at_most_two_blank_lines_follow_each_other(void **state)
{
    (void)state;
    expect("a\n\nb", "a\n\nb\n");
    expect("a\n\n\nb", "a\n\n\nb\n");
    expect("a\n\n\n\nb", "a\n\n\nb\n");
    expect("a\n \n \n \n \n \nb", "a\n\n\nb\n");
    expect("\n\na", "a\n");
}

static void spaces_of_every_kind_become_one_space(void **state)
{
    (void)state;
    expect("a\tb", "a b\n");
    expect("a\xC2\xA0 \xE3\x80\x80"
           "b",
           "a b\n");
    expect("  a  ", "a\n");
    expect("a  \n  b", "a\nb\n");
}

static void control_characters_go(void **state)
{
    (void)state;
    expect("a\x1B[31mb\x07\x7F", "a[31mb\n");
    expect("a\xC2\x9B"
           "31mb",
           "a31mb\n");
    text_start(&text, TEXT_HYPHENS_BREAK, 100);
    text_add(&text, "a\0b", 3, TEXT_VISIBLE);
    text_finish(&text);
    assert_memory_equal(text.bytes, "ab\n", 3);
    assert_int_equal(text.broken, 1);
}

static void what_only_arranges_goes_and_marks_stay(void **state)
{
    (void)state;
    expect("\xE2\x80\xAE"
           "a\xE2\x80\xAC"
           "b",
           "ab\n"); /* override, pop */
    expect("a\xE2\x81\xA6"
           "b\xEF\xBB\xBF"
           "c",
           "abc\n"); /* isolate, byte order mark */
    expect("a\xF3\xA0\x81\x81"
           "b",
           "ab\n"); /* a tag character */
    expect("a\xE2\x80\x8F"
           "b",
           "a\xE2\x80\x8F"
           "b\n"); /* RLM */
}

static void broken_utf8_becomes_replacement_characters(void **state)
{
    (void)state;
    expect("a\xFF"
           "b",
           "a\xEF\xBF\xBD"
           "b\n");
    expect("\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD\n"); /* overlong */
    expect("\xED\xA0\x80z", "\xEF\xBF\xBDz\n");       /* a surrogate is one */
    expect("\xF4\x90\x80\x80z", "\xEF\xBF\xBDz\n");   /* beyond Unicode */
    expect("\xE2\x82", "\xEF\xBF\xBD\xEF\xBF\xBD\n"); /* cut short */
    expect("\xEF\xBF\xBE", "\xEF\xBF\xBD\n");         /* noncharacter U+FFFE */
    expect("\xEF\xBF\xBD", "\xEF\xBF\xBD\n");         /* its own self is kept */
}

static void text_is_composed(void **state)
{
    (void)state;
    expect("Cafe\xCC\x81!", "Caf\xC3\xA9!\n");
    expect("e\xCC\x81", "\xC3\xA9\n");
    expect("\xE2\x84\xAB", "\xC3\x85\n"); /* the Angstrom sign */
    /* Two marks in the wrong order: below (220) goes before above (230). */
    expect("q\xCC\x87\xCC\xA3", "q\xCC\xA3\xCC\x87\n");
    /* Hangul jamo make a syllable. */
    expect("\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB", "\xED\x95\x9C\n");
}

static void a_million_marks_are_broken_up(void **state)
{
    size_t bytes = 1 + 2 * 100000, joiners = 0;
    char *many = malloc(bytes);

    (void)state;
    assert_non_null(many);
    many[0] = 'e';
    for (size_t i = 1; i < bytes; i += 2)
        memcpy(many + i, i % 4 == 1 ? "\xCC\x87" : "\xCC\xA3", 2);
    text_start(&text, TEXT_HYPHENS_BREAK, 1 << 20);
    text_add(&text, many, bytes, TEXT_VISIBLE);
    text_finish(&text);
    for (size_t i = 0; i + 1 < text.used; i++)
        joiners += memcmp(text.bytes + i, "\xCD\x8F", 2) == 0;
    assert_in_range(joiners, 100000 / 30 - 1, 100000 / 28);
    free(many);
}

static void soft_hyphens_go_and_join_lines(void **state)
{
    (void)state;
    expect("exam\xC2\xADple", "example\n");
    expect("exam\xC2\xAD\nple", "example\n");
    expect("exam\xC2\xAD\n\nple", "exam\n\nple\n");
    expect("exam\xC2\xAD\n(a)", "exam\n(a)\n");
}

static void hyphens_at_line_ends_join_as_asked(void **state)
{
    (void)state;
    assert_string_equal(plain("exam-\nple", TEXT_HYPHENS_DROP), "example\n");
    assert_string_equal(plain("exam\xE2\x80\x90\nple", TEXT_HYPHENS_DROP), "example\n");
    assert_string_equal(plain("exam- \n  ple", TEXT_HYPHENS_DROP), "example\n");
    assert_string_equal(plain("third-\nparty", TEXT_HYPHENS_KEEP), "third-party\n");
    assert_string_equal(plain("third-\nparty", TEXT_HYPHENS_BREAK), "third-\nparty\n");
}

static void a_hyphen_that_belongs_to_the_word_stays(void **state)
{
    (void)state;
    assert_string_equal(plain("non-\nexclusive", TEXT_HYPHENS_DROP), "non-exclusive\n");
    assert_string_equal(plain("non-\nUS", TEXT_HYPHENS_DROP), "non-US\n");
    assert_string_equal(plain("Anglo-\nDutch", TEXT_HYPHENS_DROP), "Anglo-Dutch\n");
    assert_string_equal(plain("US-\nbased", TEXT_HYPHENS_DROP), "US-based\n");
    assert_string_equal(plain("canon-\nical", TEXT_HYPHENS_DROP), "canonical\n");
}

static void a_hyphen_that_is_no_words_breaks_no_line(void **state)
{
    (void)state;
    assert_string_equal(plain("1999-\n2000", TEXT_HYPHENS_DROP), "1999-\n2000\n");
    assert_string_equal(plain("and -\nor", TEXT_HYPHENS_DROP), "and -\nor\n");
    assert_string_equal(plain("exam-\n\nple", TEXT_HYPHENS_DROP), "exam-\n\nple\n");
}

static void add(const char *utf8, enum text_why why)
{
    text_add(&text, utf8, strlen(utf8), why);
}

static void expect_hidden(size_t index, const char *covered, enum text_why why)
{
    assert_true(index < text.hidden_count);
    const struct text_hidden *h = &text.hidden[index];
    assert_int_equal(h->end - h->start, strlen(covered));
    assert_memory_equal(text.bytes + h->start, covered, strlen(covered));
    assert_int_equal(h->why, why);
}

static void hidden_ranges_follow_their_words(void **state)
{
    (void)state;
    text_start(&text, TEXT_HYPHENS_DROP, 1000);
    add("seen  ", TEXT_VISIBLE);
    add("not cafe\xCC\x81 ", TEXT_TINY);
    add("white", TEXT_BACKGROUND);
    add("\nseen", TEXT_VISIBLE);
    text_finish(&text);
    assert_int_equal(text.hidden_count, 2);
    expect_hidden(0, "not caf\xC3\xA9", TEXT_TINY);
    expect_hidden(1, "white", TEXT_BACKGROUND);
}

static void a_dropped_hyphen_leaves_its_hidden_range(void **state)
{
    (void)state;
    text_start(&text, TEXT_HYPHENS_DROP, 1000);
    add("exam-\nple", TEXT_TINY);
    add(" seen", TEXT_VISIBLE);
    text_finish(&text);
    assert_int_equal(text.hidden_count, 1);
    expect_hidden(0, "example", TEXT_TINY);
}

static void hidden_lines_are_one_range(void **state)
{
    (void)state;
    text_start(&text, TEXT_HYPHENS_DROP, 1000);
    add("one\n\ntwo three", TEXT_TINY);
    text_finish(&text);
    assert_int_equal(text.hidden_count, 1);
    expect_hidden(0, "one\n\ntwo three", TEXT_TINY);
}

static void letters_and_broken_characters_are_counted(void **state)
{
    (void)state;
    plain("ab1 \xC3\xA9 \xEE\x80\x80\x01\xFF.", TEXT_HYPHENS_BREAK);
    assert_int_equal(text.letters, 3);
    assert_int_equal(text.broken, 3); /* private use, control, not UTF-8 */
    assert_int_equal(text.marks, 8);
}

static void the_limit_is_one_byte_sharp(void **state)
{
    (void)state;
    for (size_t limit = 4; limit <= 6; limit++) {
        text_start(&text, TEXT_HYPHENS_BREAK, limit);
        add("abc\xC3\xA9", TEXT_VISIBLE);
        text_finish(&text);
        assert_int_equal(text.overflow, limit < 6); /* with its line feed it has 6 */
        assert_true(text.used <= limit);
    }
}

static void plain_is_what_may_reach_a_terminal(void **state)
{
    (void)state;
    assert_true(text_is_plain("a\n\xC3\xA9", 4, true));
    assert_false(text_is_plain("a\n", 2, false));
    assert_false(text_is_plain("\x1B[31m", 5, true));
    assert_false(text_is_plain("\xC2\x9B", 2, true));
    assert_false(text_is_plain("\xC3", 1, true));
    assert_false(text_is_plain("\xED\xA0\x80", 3, true));
    assert_true(text_is_plain("\xEF\xBF\xBD", 3, false));
    assert_true(text_is_plain("", 0, false));
}

static void a_line_is_one_line(void **state)
{
    char *line = text_line(" A\r\ntitle \x1B in\tparts ", 100);

    (void)state;
    assert_string_equal(line, "A title in parts");
    free(line);
    line = text_line("", 100);
    assert_string_equal(line, "");
    free(line);
}

static int release(void **state)
{
    (void)state;
    text_free(&text);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_empty_ends_in_one_line_feed),
        cmocka_unit_test(line_ends_of_every_kind_become_line_feeds),
        cmocka_unit_test(at_most_two_blank_lines_follow_each_other),
        cmocka_unit_test(spaces_of_every_kind_become_one_space),
        cmocka_unit_test(control_characters_go),
        cmocka_unit_test(what_only_arranges_goes_and_marks_stay),
        cmocka_unit_test(broken_utf8_becomes_replacement_characters),
        cmocka_unit_test(text_is_composed),
        cmocka_unit_test(a_million_marks_are_broken_up),
        cmocka_unit_test(soft_hyphens_go_and_join_lines),
        cmocka_unit_test(hyphens_at_line_ends_join_as_asked),
        cmocka_unit_test(a_hyphen_that_belongs_to_the_word_stays),
        cmocka_unit_test(a_hyphen_that_is_no_words_breaks_no_line),
        cmocka_unit_test(hidden_ranges_follow_their_words),
        cmocka_unit_test(a_dropped_hyphen_leaves_its_hidden_range),
        cmocka_unit_test(hidden_lines_are_one_range),
        cmocka_unit_test(letters_and_broken_characters_are_counted),
        cmocka_unit_test(the_limit_is_one_byte_sharp),
        cmocka_unit_test(plain_is_what_may_reach_a_terminal),
        cmocka_unit_test(a_line_is_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, release);
}
