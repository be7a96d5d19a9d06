/* One page: reading order, gaps, paragraphs, hyphens, and what nobody can see. */
#include "tests/ingest/pdf_sample.h"

static void expect_page(const char *content, const char *text)
{
    struct ingest_document *document = sample_read_page(content);

    assert_int_equal(document->section_count, 1);
    assert_string_equal(document->section[0].text, text);
    ingest_document_free(document);
}

static void lines_follow_in_reading_order(void **state)
{
    (void)state;
    expect_page("BT /F 12 Tf 72 686 Td (second line) Tj ET\n"
                "BT /F 12 Tf 72 700 Td (first line) Tj ET",
                "first line\nsecond line\n");
}

static void pieces_on_a_row_are_parted_by_a_space(void **state)
{
    (void)state;
    expect_page("BT /F 12 Tf 72 700 Td (Agreement, the parties hereto agree:) Tj ET\n"
                "BT /F 12 Tf 72 678 Td (1.0) Tj ET\n"
                "BT /F 12 Tf 108.1 678 Td (The following words mean this) Tj ET\n"
                "BT /F 12 Tf 72 656 Td (1.1) Tj ET\n"
                "BT /F 12 Tf 108.1 656 Td (The following words mean that) Tj ET\n",
                "Agreement, the parties hereto agree:\n"
                "1.0 The following words mean this\n"
                "1.1 The following words mean that\n");
}

static void letters_that_touch_are_one_word(void **state)
{
    (void)state;
    expect_page("BT /F 12 Tf 72 700 Td [(T) 0 (o) 0 (gether)] TJ ET", "Together\n");
}

static void a_wider_distance_parts_paragraphs(void **state)
{
    (void)state;
    expect_page("BT /F 12 Tf 72 700 Td (one) Tj 0 -14 Td (two) Tj 0 -14 Td (three) Tj "
                "0 -30 Td (four) Tj 0 -14 Td (five) Tj ET",
                "one\ntwo\nthree\n\nfour\nfive\n");
}

static void one_hyphen_in_few_lines_is_a_typesetters(void **state)
{
    (void)state;
    expect_page(
        "BT /F 12 Tf 72 700 Td (this is an exam-) Tj 0 -14 Td (ple of it) Tj ET",
        "this is an example of it\n");
}

static void one_hyphen_in_many_lines_is_the_authors(void **state)
{
    char content[4096] = "BT /F 12 Tf 72 780 Td (a third-) Tj 0 -14 Td (party) Tj ";
    struct ingest_document *document;

    (void)state;
    for (int i = 0; i < 30; i++)
        strcat(content, "0 -14 Td (and one more line) Tj ");
    strcat(content, "ET");
    document = sample_read_page(content);
    assert_memory_equal(document->section[0].text, "a third-party\nand one", 20);
    ingest_document_free(document);
}

static void expect_hidden(const char *content, const char *covered, const char *why)
{
    struct ingest_document *document = sample_read_page(content);
    const struct ingest_section *page = document->section;

    assert_int_equal(page->hidden_count, 1);
    assert_int_equal(page->hidden->end - page->hidden->start, strlen(covered));
    assert_memory_equal(page->text + page->hidden->start, covered, strlen(covered));
    assert_string_equal(page->hidden->why, why);
    ingest_document_free(document);
}

static void tiny_text_is_hidden(void **state)
{
    (void)state;
    expect_hidden("BT /F 12 Tf 72 700 Td (seen) Tj ET BT /F 1 Tf 72 600 Td "
                  "(ignore all that) Tj ET BT /F 12 Tf 72 500 Td (seen) Tj ET",
                  "ignore all that", "tiny");
}

static void text_made_tiny_by_its_matrix_is_hidden(void **state)
{
    (void)state;
    expect_hidden("BT /F 12 Tf 72 700 Td (seen) Tj ET BT /F 12 Tf .1 0 0 .1 72 600 Tm "
                  "(ignore) Tj ET",
                  "ignore", "tiny");
}

static void small_size_with_a_large_matrix_is_seen(void **state)
{
    struct ingest_document *document =
        sample_read_page("BT /F 1 Tf 12 0 0 12 72 700 Tm (seen) Tj ET");

    (void)state;
    assert_int_equal(document->section[0].hidden_count, 0);
    ingest_document_free(document);
}

static void white_text_is_hidden(void **state)
{
    (void)state;
    expect_hidden("BT /F 12 Tf 72 700 Td (seen) Tj 1 g 0 -20 Td (not seen) Tj ET",
                  "not seen", "background");
    expect_hidden("BT /F 12 Tf 72 700 Td (seen) Tj .99 .99 1 rg 0 -20 Td (nor) Tj ET",
                  "nor", "background");
}

static void light_grey_text_is_seen(void **state)
{
    struct ingest_document *document =
        sample_read_page("BT /F 12 Tf .9 g 72 700 Td (seen) Tj ET");

    (void)state;
    assert_int_equal(document->section[0].hidden_count, 0);
    ingest_document_free(document);
}

/* A page of 612 by 792 points, turned and cropped as its entries say. */
static void expect_beside(const char *entries, int x, int y)
{
    static struct sample sample;
    char content[200];

    snprintf(content, sizeof content,
             "BT /F 12 Tf 100 300 Td (seen) Tj ET BT /F 12 Tf %d %d Td (beside) Tj ET",
             x, y);
    sample_page(&sample, "", entries, content);
    sample_end(&sample, "");
    struct ingest_document *document = sample_read(&sample);
    const struct ingest_section *page = document->section;
    assert_int_equal(document->outcome, INGEST_READ);
    assert_non_null(strstr(page->text, "seen"));
    assert_int_equal(page->hidden_count, 1);
    assert_int_equal(page->hidden->end - page->hidden->start, strlen("beside"));
    assert_memory_equal(page->text + page->hidden->start, "beside", strlen("beside"));
    assert_string_equal(page->hidden->why, "off_page");
    ingest_document_free(document);
}

static void text_beside_a_page_is_hidden_and_kept(void **state)
{
    static const int place[][2] = {{-200, 300},    {700, 300},     {100, -50},
                                   {100, 900},     {-5000, -5000}, {90000, 90000},
                                   {-90000, 90000}};

    (void)state;
    for (size_t i = 0; i < sizeof place / sizeof place[0]; i++) {
        expect_beside("", place[i][0], place[i][1]);
        expect_beside("/Rotate 90", place[i][0], place[i][1]);
        expect_beside("/Rotate 180", place[i][0], place[i][1]);
        expect_beside("/Rotate 270", place[i][0], place[i][1]);
        expect_beside("/CropBox [50 200 400 500]", place[i][0], place[i][1]);
    }
    expect_beside("/CropBox [50 200 400 500]", 100, 600);
    expect_beside("/CropBox [50 200 400 500] /Rotate 90", 450, 300);
}

static void letters_drawn_twice_are_read_once(void **state)
{
    (void)state;
    expect_page("BT /F 12 Tf 72 700 Td (bold) Tj 0.2 0 Td (bold) Tj ET", "bold\n");
}

/* Lines that climb from beyond the left edge: Poppler would begin with the one that is
 * nearest to the corner of the page, and drop those before it. */
static void lines_before_the_one_nearest_to_a_corner_are_kept(void **state)
{
    char content[4096] = "BT /F 12 Tf -30 0 Td ", line[80];
    struct ingest_document *document;

    (void)state;
    for (int i = 0; i < 40; i++) {
        snprintf(line, sizeof line, "(some words and %02d) Tj 14 14 Td ", i);
        strcat(content, line);
    }
    strcat(content, "ET");
    document = sample_read_page(content);
    for (int i = 0; i < 40; i++) {
        snprintf(line, sizeof line, "and %02d", i);
        if (!strstr(document->section[0].text, line))
            fail_msg("%s is not in %s", line, document->section[0].text);
    }
    ingest_document_free(document);
}

/* Hebrew, by a map to Unicode: poppler's selection would lose its first line. */
static void a_page_from_right_to_left_is_whole(void **state)
{
    static struct sample sample;
    struct ingest_document *document;

    (void)state;
    sample_begin(&sample);
    sample_object(&sample, "<< /Type /Catalog /Pages 2 0 R >>");
    sample_object(&sample, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>");
    sample_object(&sample, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] "
                           "/Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>");
    sample_stream(&sample, "BT /F 12 Tf 300 700 Td (abc) Tj 0 -20 Td (bca) Tj ET");
    sample_object(&sample, "<< /Type /Font /Subtype /Type1 /BaseFont /Courier "
                           "/ToUnicode 6 0 R >>");
    sample_stream(
        &sample, "/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange "
                 "<00> <ff> endcodespacerange 3 beginbfchar <61> <05d0> <62> <05d1> "
                 "<63> <05d2> endbfchar endcmap end");
    sample_end(&sample, "");
    document = sample_read(&sample);
    assert_int_equal(document->outcome, INGEST_READ);
    assert_string_equal(document->section[0].text,
                        "\xD7\x92\xD7\x91\xD7\x90\n\xD7\x90\xD7\x92\xD7\x91\n");
    ingest_document_free(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_follow_in_reading_order),
        cmocka_unit_test(pieces_on_a_row_are_parted_by_a_space),
        cmocka_unit_test(letters_that_touch_are_one_word),
        cmocka_unit_test(a_wider_distance_parts_paragraphs),
        cmocka_unit_test(one_hyphen_in_few_lines_is_a_typesetters),
        cmocka_unit_test(one_hyphen_in_many_lines_is_the_authors),
        cmocka_unit_test(tiny_text_is_hidden),
        cmocka_unit_test(text_made_tiny_by_its_matrix_is_hidden),
        cmocka_unit_test(small_size_with_a_large_matrix_is_seen),
        cmocka_unit_test(white_text_is_hidden),
        cmocka_unit_test(light_grey_text_is_seen),
        cmocka_unit_test(text_beside_a_page_is_hidden_and_kept),
        cmocka_unit_test(letters_drawn_twice_are_read_once),
        cmocka_unit_test(lines_before_the_one_nearest_to_a_corner_are_kept),
        cmocka_unit_test(a_page_from_right_to_left_is_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
