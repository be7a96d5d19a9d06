/* A sentence as words, numbers and marks. */
#include "tests/pipeline/ground.h"

/* The pieces with "|" behind each; marks as they are, "C" before a capital, "U" before
 * what is all capitals. */
static void assert_pieces(const char *words, const char *wanted)
{
    struct pieces pieces = {0};
    char shown[400] = "";
    assert_true(pieces_read(&pieces, words, strlen(words)));
    for (size_t i = 0; i < pieces.count; i++) {
        const struct piece *piece = &pieces.piece[i];
        if (piece->kind == PIECE_MARK)
            strncat(shown, words + piece->at, piece->bytes);
        else
            strcat(strcat(shown, piece->upper     ? "U"
                                 : piece->capital ? "C"
                                                  : ""),
                   piece->folded);
        strcat(shown, "|");
    }
    assert_string_equal(shown, wanted);
    pieces_free(&pieces);
}

static void case_and_accents_are_no_difference(void **state)
{
    (void)state;
    assert_pieces("The NA\xc3\x8fVE caf\xc3\xa9s", "Cthe|Unaive|cafes|");
    assert_pieces("\xce\x9f\xce\xb4\xcf\x8c\xcf\x82", /* a last sigma is a sigma */
                  "C\xce\xbf\xce\xb4\xce\xbf\xcf\x83|");
    assert_pieces("\xef\xbc\xa1\xef\xbc\xa2", "Uab|"); /* full-width */
}

static void vowel_signs_are_no_accents(void **state)
{
    (void)state;
    assert_pieces("\xe0\xa4\x95\xe0\xa4\xbf", "\xe0\xa4\x95\xe0\xa4\xbf|");
}

static void apostrophes_stand_inside_words_only(void **state)
{
    (void)state;
    assert_pieces("don't 'tis the Buyers\xe2\x80\x99 and Jane\xe2\x80\x99s",
                  "don't|'|tis|the|Cbuyers|\xe2\x80\x99|and|Cjane's|");
}

static void a_word_broken_at_the_lines_end_is_one(void **state)
{
    (void)state;
    assert_pieces("the agree-\n  ment ends", "the|agreement|ends|");
    assert_pieces("pre-\nApproved", "pre|-|Capproved|");
    assert_pieces("co-branded", "co|-|branded|");
}

static void numbers_keep_their_separators(void **state)
{
    (void)state;
    assert_pieces("$1,000.50, 4.2.1. and 5mg", "$|1,000.50|,|4.2.1|.|and|5|mg|");
    assert_pieces("\xd9\xa1\xd9\xa2\xd9\xa3", "123|"); /* Arabic digits */
    assert_pieces("1\xc2\xa0"
                  "000",
                  "1'000|"); /* no-break space */
}

static void scripts_without_spaces_go_character_by_character(void **state)
{
    (void)state;
    assert_pieces("\xe6\x97\xa5\xe6\x9c\xac x", "\xe6\x97\xa5|\xe6\x9c\xac|x|");
}

static void what_has_no_width_is_not_there(void **state)
{
    (void)state;
    assert_pieces("pay\xe2\x80\x8b"
                  "ment soft\xc2\xad"
                  "ly",
                  "payment|softly|");
}

static void long_words_are_cut(void **state)
{
    char words[200];
    struct pieces pieces = {0};
    (void)state;
    memset(words, 'x', sizeof(words));
    assert_true(pieces_read(&pieces, words, sizeof(words)));
    assert_int_equal(pieces.count, 1);
    assert_int_equal(pieces.piece[0].bytes, sizeof(words));
    assert_int_equal(pieces.piece[0].folded_bytes, KEY_BYTES_MAX);
    pieces_free(&pieces);
}

static void broken_characters_part_words_like_spaces(void **state)
{
    (void)state;
    assert_pieces("a\xff"
                  "b\xe2\x80",
                  "a|b|");
    assert_pieces("\xff", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_and_accents_are_no_difference),
        cmocka_unit_test(vowel_signs_are_no_accents),
        cmocka_unit_test(apostrophes_stand_inside_words_only),
        cmocka_unit_test(a_word_broken_at_the_lines_end_is_one),
        cmocka_unit_test(numbers_keep_their_separators),
        cmocka_unit_test(scripts_without_spaces_go_character_by_character),
        cmocka_unit_test(what_has_no_width_is_not_there),
        cmocka_unit_test(long_words_are_cut),
        cmocka_unit_test(broken_characters_part_words_like_spaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
