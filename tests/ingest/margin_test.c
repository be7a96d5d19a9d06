/* Poppler asks us where text is to be taken from, and lets us count its letters. */
#include "ingest/margin.h"

#include "ingest/book.h"
#include "tests/ingest/pdf_sample.h"

static struct sample sample;

static struct leaf *open_leaf(struct book **book, bool beside, const char *content)
{
    int why;

    sample_page(&sample, "", "", content);
    sample_end(&sample, "");
    assert_int_equal(
        book_open(book, (const uint8_t *)sample.bytes, sample.used, NULL, &why),
        BOOK_OPEN);
    struct leaf *leaf = beside ? leaf_open_beside(*book, 1) : leaf_open(*book, 1);
    assert_non_null(leaf);
    return leaf;
}

static void letters_are_counted_once_wherever_they_stand(void **state)
{
    struct book *book;
    struct leaf *leaf = open_leaf(
        &book, false, "BT /F 12 Tf 72 700 Td (a b\\240c) Tj 0 900 Td (def) Tj ET");

    (void)state;
    for (int i = 0; i < 2; i++) {
        char *text = leaf_select(leaf, LEAF_FROM_LEFT);
        assert_null(strstr(text, "def"));
        assert_int_equal(leaf_drawn(leaf), 6);
        free(text);
    }
    leaf_close(leaf);
    book_close(book);
}

static void a_margin_moves_nothing(void **state)
{
    struct book *book;
    struct leaf *leaf =
        open_leaf(&book, true, "BT /F 12 Tf 72 700 Td (ab) Tj 0 192 Td (c) Tj ET");
    char *text = leaf_select(leaf, LEAF_FROM_LEFT);
    struct leaf_layout layout;
    double width, height;

    (void)state;
    assert_string_equal(text, "c\nab");
    leaf_read_layout(leaf, LEAF_FROM_LEFT, &layout);
    assert_int_equal(layout.boxes, 4);
    assert_true(layout.box[0].x1 == 72 && layout.box[0].y2 < 0);
    assert_true(layout.box[2].x1 == 72 && layout.box[2].y2 > 92 &&
                layout.box[2].y1 < 92);
    leaf_size(leaf, &width, &height);
    assert_true(width == 612 && height == 792);
    free(layout.box);
    free(layout.run);
    free(text);
    leaf_close(leaf);
    book_close(book);
}

static void no_size_of_a_page_is_too_much(void **state)
{
    const double not_a_number = strtod("nan", NULL);

    (void)state;
    assert_int_equal(margin_side(-5), 2 * MARGIN_POINTS + 1);
    assert_int_equal(margin_side(not_a_number), 2 * MARGIN_POINTS + 1);
    assert_int_equal(margin_side(612.5), 2 * MARGIN_POINTS + 613);
    assert_true(margin_side(1e300) > 1 << 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_are_counted_once_wherever_they_stand),
        cmocka_unit_test(a_margin_moves_nothing),
        cmocka_unit_test(no_size_of_a_page_is_too_much),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
