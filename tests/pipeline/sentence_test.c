/* Where sentences end, and where they only seem to. */
#include "tests/pipeline/sample.h"

enum { SHOWN_BYTES_MAX = 4000 };

/* The sentences of a document, "|" after each, line ends as "/". */
static void show(const struct sample *s, char out[SHOWN_BYTES_MAX])
{
    struct pipeline_text *text = calloc(1, sizeof(*text));
    unsigned char end[SHOWN_BYTES_MAX / 8 + 1] = {0};
    size_t at = 0;
    assert_non_null(text);
    assert_ok(text_collect(text, &s->document, false, ERR));
    assert_true(text->text_bytes * 2 < SHOWN_BYTES_MAX);
    assert_ok(sentence_ends(text, &s->document, end, ERR));
    for (size_t i = 0; i < text->text_bytes; i++) {
        out[at++] = text->text[i] == '\n' ? '/' : text->text[i];
        if (end[i / 8] >> (i % 8) & 1)
            out[at++] = '|';
    }
    out[at] = '\0';
    pipeline_text_free(text);
}

static void assert_page(const char *text, const char *wanted)
{
    struct sample s = {0};
    char shown[SHOWN_BYTES_MAX];
    sample_page(&s, text);
    show(&s, shown);
    assert_string_equal(shown, wanted);
    sample_free(&s);
}

static void assert_pages(const char *first, const char *second, const char *wanted)
{
    struct sample s = {0};
    char shown[SHOWN_BYTES_MAX];
    sample_page(&s, first);
    sample_page(&s, second);
    show(&s, shown);
    assert_string_equal(shown, wanted);
    sample_free(&s);
}

static void full_stops_question_and_exclamation_marks_end_sentences(void **state)
{
    (void)state;
    assert_page("He came. She left! Why? No one knows.\n",
                "He came. |She left! |Why? |No one knows./|");
    assert_page("He said \"Go.\" She went. (It rained.) It stopped.\n",
                "He said \"Go.\" |She went. |(It rained.) |It stopped./|");
    assert_page("\xe6\x97\xa5\xe6\x9c\xac\xe3\x80\x82\xe8\xaa\x9e\xe3\x80\x82\n",
                "\xe6\x97\xa5\xe6\x9c\xac\xe3\x80\x82|\xe8\xaa\x9e\xe3\x80\x82/|");
}

static void abbreviations_do_not_end_sentences(void **state)
{
    static const char *const words[] = {
        "Dr. Hale",
        "Smith v. Jones",
        "Acme Corp. Delaware",
        "Sec. 12",
        "No. 7",
        "e.g. Boston",
        "i.e. Mondays",
        "U.S. Steel",
        "J. K. Lindqvale",
        "Ms. Oduya",
        "St. Mary",
        "Art. IV",
        "10 a.m. Monday",
        "Feb. 3",
        "ACME INC. Delaware",
        "AMENDMENT NO. 3",
        "42 U.S.C. Section",
        "(No. 3) and (Sec. 4)",
        "the \xe2\x80\x9cU.S. Subsidiaries\xe2\x80\x9d",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(words); i++) {
        char text[200], wanted[200];
        snprintf(text, sizeof(text), "They know %s well enough. They do.\n", words[i]);
        snprintf(wanted, sizeof(wanted), "They know %s well enough. |They do./|",
                 words[i]);
        assert_page(text, wanted);
    }
}

static void words_that_look_like_abbreviations_end_sentences(void **state)
{
    (void)state;
    assert_page("He filed under the 1933 Act. Each of them did so. We agree on "
                "all. They go. Look up. He is in. They do.\n",
                "He filed under the 1933 Act. |Each of them did so. |We agree on "
                "all. |They go. |Look up. |He is in. |They do./|");
    assert_page("His weight was 160 lb. She slept.\n",
                "His weight was 160 lb. |She slept./|");
}

static void a_capital_abbreviation_ends_a_sentence_before_an_opening_word(void **state)
{
    (void)state;
    assert_page("See Exhibit A. The seller is Acme Inc. If it fails, call.\n",
                "See Exhibit A. |The seller is Acme Inc. |If it fails, call./|");
    assert_page("This was Smith v. The State. It ended.\n",
                "This was Smith v. The State. |It ended./|");
    assert_page("The Office of Dr. Theodore Inch.\n",
                "The Office of Dr. Theodore Inch./|");
}

static void enumerators_stay_with_what_they_count(void **state)
{
    (void)state;
    assert_page("12. Governing Law. It is that of Maine.\n",
                "12. Governing Law. |It is that of Maine./|");
    assert_page("(A) Go. (B) Stay.\n", "(A) Go. |(B) Stay./|");
    assert_page("iv. Payment is due. Section 4. Notices are written.\n",
                "iv. Payment is due. |Section 4. Notices are written./|");
    assert_page("(b)\n\nThe buyer pays.\n\n4.2\n\nThe seller waits.\n",
                "(b)//The buyer pays.//|4.2//The seller waits./|");
    assert_page("He ran. Then he fell.\n", "He ran. |Then he fell./|");
}

static void line_ends_inside_a_paragraph_do_not_end_sentences(void **state)
{
    (void)state;
    assert_page("The Association organizes the races and the relay (together, the\n"
                "\xe2\x80\x9c"
                "Event\xe2\x80\x9d"
                "). The Event shall be called the "
                "\xe2\x80\x9cOatwether\n"
                "Cinderford Lakes Marathon\xe2\x80\x9d and no one else may call it so "
                "but\nthe sponsor.\n",
                "The Association organizes the races and the relay (together, the/"
                "\xe2\x80\x9c"
                "Event\xe2\x80\x9d"
                "). |The Event shall be called the "
                "\xe2\x80\x9cOatwether/"
                "Cinderford Lakes Marathon\xe2\x80\x9d and no one else may call it so "
                "but/the sponsor./|");
}

static void a_short_line_before_a_capital_ends_a_paragraph(void **state)
{
    (void)state;
    assert_page("Background\n"
                "The parties have known each other for a long time and wish to\n"
                "deal with one another in the future too.\n"
                "Signed\n"
                "Mara Hale\n",
                "Background/|"
                "The parties have known each other for a long time and wish to/"
                "deal with one another in the future too./|"
                "Signed/|"
                "Mara Hale/|");
    assert_page("To be delivered to the warehouse at the end of the long road,\n"
                "and there\nonly.\n",
                "To be delivered to the warehouse at the end of the long road,/"
                "and there/only./|");
}

static void an_empty_line_ends_a_paragraph(void **state)
{
    (void)state;
    assert_page("A heading of no particular shape at all\n\nand then text\n",
                "A heading of no particular shape at all//|and then text/|");
}

static void white_space_belongs_to_the_sentence_before(void **state)
{
    (void)state;
    assert_page("One.  \n\n   Two.\n\n\n", "One.  //   |Two.///|");
    assert_page("\n\n  One.\n", "//  One./|");
    assert_page("\n \n", "/ /|");
}

static void a_sentence_runs_over_the_end_of_a_page(void **state)
{
    (void)state;
    assert_pages("The buyer shall pay each invoice\n", "within thirty days. It may.\n",
                 "The buyer shall pay each invoice/within thirty days. |It may./|");
    assert_pages(
        "First line of the page that is long.\nAnd the goods of such Preliminary\n",
        "Prospectus are those that it\nnames.\n",
        "First line of the page that is long./|And the goods of such Preliminary/"
        "Prospectus are those that it/names./|");
}

static void a_page_number_does_not_break_a_sentence_in_two(void **state)
{
    (void)state;
    assert_pages("The buyer shall pay each invoice\n\n7\n", "within thirty days.\n",
                 "The buyer shall pay each invoice//7/within thirty days./|");
    assert_pages("The buyer shall pay each invoice\n", "\nE - 8\nwithin thirty days.\n",
                 "The buyer shall pay each invoice//E - 8/within thirty days./|");
    assert_pages("The buyer shall pay.\n\n7\n", "the seller shall deliver.\n",
                 "The buyer shall pay.//|7/|the seller shall deliver./|");
}

static void the_end_of_a_page_ends_what_is_whole(void **state)
{
    (void)state;
    assert_pages("The buyer shall pay.\n", "The seller shall deliver.\n",
                 "The buyer shall pay./|The seller shall deliver./|");
    assert_pages("1. Payment\n\nPage 1 of 2 of the Agreement\n",
                 "The buyer shall pay each invoice.\n",
                 "1. Payment//|Page 1 of 2 of the Agreement/|The buyer shall pay each "
                 "invoice./|");
    assert_pages("What the buyer owes:\n", "money and time.\n",
                 "What the buyer owes:/|money and time./|");
}

static void an_xml_element_ends_a_sentence(void **state)
{
    struct sample s = {0};
    char shown[SHOWN_BYTES_MAX];
    (void)state;
    sample_element(&s, "Chief complaint\n");
    sample_element(&s, "cough and fever\nsince Monday. Dr. Hale saw him\n");
    sample_element(&s, "and left\n");
    show(&s, shown);
    assert_string_equal(shown, "Chief complaint/|cough and fever/|since Monday. |"
                               "Dr. Hale saw him/|and left/|");
    sample_free(&s);
}

static void a_page_and_an_element_do_not_share_a_sentence(void **state)
{
    struct sample s = {0};
    char shown[SHOWN_BYTES_MAX];
    (void)state;
    sample_page(&s, "The buyer shall\n");
    sample_element(&s, "pay\n");
    show(&s, shown);
    assert_string_equal(shown, "The buyer shall/|pay/|");
    sample_free(&s);
}

static void a_gap_left_by_hidden_text_ends_a_sentence(void **state)
{
    struct sample s = {0};
    char shown[SHOWN_BYTES_MAX];
    (void)state;
    sample_page(&s, "please <white>call me\n");
    sample_hide(&s, "<white>");
    sample_page(&s, "<white>at noon\n");
    sample_hide(&s, "<white>");
    show(&s, shown);
    assert_string_equal(shown, "please |call me/|at noon/|");
    sample_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_stops_question_and_exclamation_marks_end_sentences),
        cmocka_unit_test(abbreviations_do_not_end_sentences),
        cmocka_unit_test(words_that_look_like_abbreviations_end_sentences),
        cmocka_unit_test(a_capital_abbreviation_ends_a_sentence_before_an_opening_word),
        cmocka_unit_test(enumerators_stay_with_what_they_count),
        cmocka_unit_test(line_ends_inside_a_paragraph_do_not_end_sentences),
        cmocka_unit_test(a_short_line_before_a_capital_ends_a_paragraph),
        cmocka_unit_test(an_empty_line_ends_a_paragraph),
        cmocka_unit_test(white_space_belongs_to_the_sentence_before),
        cmocka_unit_test(a_sentence_runs_over_the_end_of_a_page),
        cmocka_unit_test(a_page_number_does_not_break_a_sentence_in_two),
        cmocka_unit_test(the_end_of_a_page_ends_what_is_whole),
        cmocka_unit_test(an_xml_element_ends_a_sentence),
        cmocka_unit_test(a_page_and_an_element_do_not_share_a_sentence),
        cmocka_unit_test(a_gap_left_by_hidden_text_ends_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
