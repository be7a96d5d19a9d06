/* What a page's program is seen to do while its text is read. */
#include "ingest/paint.h"

#include "ingest/book.h"
#include "tests/ingest/pdf_sample.h"

static struct sample sample;

/* Read the text of a page with this content, watched. */
static struct paint_seen watch(const char *content)
{
    struct paint_seen seen;
    struct book *book;
    int why;

    sample_page(&sample, "", "", content);
    sample_end(&sample, "");
    assert_int_equal(
        book_open(&book, (const uint8_t *)sample.bytes, sample.used, NULL, &why),
        BOOK_OPEN);
    struct leaf *leaf = leaf_open(book, 1);
    assert_non_null(leaf);
    paint_watch(&seen);
    free(leaf_select(leaf, LEAF_FROM_LEFT));
    paint_watch(NULL);
    leaf_close(leaf);
    book_close(book);
    assert_true(paint_watches());
    return seen;
}

static void plain_text_is_only_written(void **state)
{
    struct paint_seen seen = watch("q 0 0 9 9 re W n BT /F 12 Tf 72 700 Td (a) Tj [(b) "
                                   "9 (c)] TJ (d) ' 1 2 (e) \" ET 0 0 m 9 9 l S Q");

    (void)state;
    assert_int_equal(seen.writes, 4);
    assert_int_equal(seen.modes + seen.states_after + seen.fills_before +
                         seen.fills_after + seen.pictures,
                     0);
}

static void letters_outside_of_a_clipping_path_are_noted(void **state)
{
    (void)state;
    assert_int_equal(watch("q 0 0 600 690 re W n BT /F 12 Tf 72 700 Td (abc d) Tj ET Q "
                           "BT /F 12 Tf 72 700 Td (efg) Tj ET")
                         .clipped,
                     5);
    assert_int_equal(watch("q 0 690 600 100 re W n BT /F 12 Tf 72 700 Td (abc) Tj ET Q "
                           "2 0 0 2 0 0 cm 0 0 300 380 re W n "
                           "BT /F 6 Tf 36 350 Td (efg) Tj ET")
                         .clipped,
                     0);
}

static void fills_count_by_what_came_first(void **state)
{
    struct paint_seen seen =
        watch("0 0 9 9 re f 0 0 9 9 re f* BT /F 12 Tf 72 700 Td (a) Tj ET "
              "0 0 9 9 re B 0 0 9 9 re B* 0 0 m 9 9 l 9 0 l b 0 0 m 9 9 l 9 0 l b*");

    (void)state;
    assert_int_equal(seen.fills_before, 2);
    assert_int_equal(seen.fills_after, 4);
}

static void modes_states_and_pictures_are_noted(void **state)
{
    struct paint_seen seen =
        watch("/A gs BT /F 12 Tf 72 700 Td 3 Tr (a) Tj ET /A gs /X Do "
              "BI /W 1 /H 1 /BPC 8 /CS /G ID x EI /S sh");

    (void)state;
    assert_int_equal(seen.modes, 1);
    assert_int_equal(seen.states_after, 1);
    assert_int_equal(seen.pictures, 3);
    assert_int_equal(seen.pictures_after, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_is_only_written),
        cmocka_unit_test(letters_outside_of_a_clipping_path_are_noted),
        cmocka_unit_test(fills_count_by_what_came_first),
        cmocka_unit_test(modes_states_and_pictures_are_noted),
    };

    return cmocka_run_group_tests_name("paint", tests, NULL, NULL);
}
