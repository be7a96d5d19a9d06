/* What a model wrote, sentence by sentence. */
#include "tests/pipeline/ground.h"

enum { PIECES_MAX = 16 };

/* The sentences with "|" behind each. */
static void assert_cut(const char *text, const char *wanted)
{
    struct ground_piece piece[PIECES_MAX];
    char shown[600] = "";
    size_t count = ground_cut(text, strlen(text), piece, PIECES_MAX);
    for (size_t i = 0; i < count; i++) {
        assert_true(piece[i].bytes > 0 && piece[i].at + piece[i].bytes <= strlen(text));
        strncat(shown, text + piece[i].at, piece[i].bytes);
        strcat(shown, "|");
    }
    assert_string_equal(shown, wanted);
}

static void sentences_end_as_in_documents(void **state)
{
    (void)state;
    assert_cut("Mr. Hale owns Acme Inc. of Boston. It pays 5.5 million.  Why?",
               "Mr. Hale owns Acme Inc. of Boston.|It pays 5.5 million.|Why?|");
    assert_cut("One line\nand another\n\n\nand a third.",
               "One line|and another|and a third.|");
    assert_cut("The last is broken off in", "The last is broken off in|");
}

static void marks_of_lists_and_headings_are_left_out(void **state)
{
    (void)state;
    assert_cut(
        "## Summary\n1. The term is five years.\n2) It ends.\n(3) All is said.\n",
        "Summary|The term is five years.|It ends.|All is said.|");
    assert_cut(
        "- one thing.\n* two things.\n\xe2\x80\xa2 three things.\na) four things.\n",
        "one thing.|two things.|three things.|four things.|");
    assert_cut("- **Term:** five years.\n**All of it.**\n",
               "Term:** five years.|All of it.|");
}

static void what_only_looks_like_a_mark_stays(void **state)
{
    (void)state;
    assert_cut(
        "2019 was dry.\n5.5 tons were sold.\n-5 degrees it was.\nA plan failed.\n",
        "2019 was dry.|5.5 tons were sold.|-5 degrees it was.|A plan failed.|");
    assert_cut("1234. Street is long.\n", "1234. Street is long.|");
}

static void quotation_marks_around_a_whole_sentence_are_left_out(void **state)
{
    (void)state;
    assert_cut("\"The term is five years.\"\n", "The term is five years.|");
    assert_cut("\xe2\x80\x9cThe term is five years.\xe2\x80\x9d\n",
               "The term is five years.|");
    assert_cut("\"Buyer\" means Acme, \"Seller\" means Harbor.\n",
               "\"Buyer\" means Acme, \"Seller\" means Harbor.|");
    assert_cut("He said \"no\".\n", "He said \"no\".|");
}

static void marks_alone_are_no_sentence(void **state)
{
    (void)state;
    assert_cut("", "");
    assert_cut("---\n***\n \n1.\n12\n\"\"\n#\n", "");
    assert_cut("**", "");
    assert_cut("\xff\xfe", "");
}

static void no_more_are_cut_than_there_is_room_for(void **state)
{
    struct ground_piece piece[2] = {{0, 0}, {77, 77}};
    (void)state;
    assert_int_equal(ground_cut("It is red. It is blue. It is so.", 32, piece, 1), 1);
    assert_int_equal(piece[0].bytes, 10);
    assert_int_equal(piece[1].at, 77);
    assert_int_equal(ground_cut("It is red. It is blue. It is so.", 32, piece, 0), 0);
    assert_int_equal(ground_cut("It is red. It is blue. It is so.", 32, piece, 2), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentences_end_as_in_documents),
        cmocka_unit_test(marks_of_lists_and_headings_are_left_out),
        cmocka_unit_test(what_only_looks_like_a_mark_stays),
        cmocka_unit_test(quotation_marks_around_a_whole_sentence_are_left_out),
        cmocka_unit_test(marks_alone_are_no_sentence),
        cmocka_unit_test(no_more_are_cut_than_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
