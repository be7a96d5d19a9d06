/* A PDF file through Poppler, whichever way it is reached: the same for both. */
#include "tests/ingest/pdf_sample.h"

#include "ingest/book.h"

static struct sample sample;

static struct book *open_sample(void)
{
    struct book *book = NULL;
    int why;

    assert_int_equal(
        book_open(&book, (const uint8_t *)sample.bytes, sample.used, NULL, &why),
        BOOK_OPEN);
    assert_non_null(book);
    return book;
}

static struct leaf *open_page(struct book **book, const char *page_more,
                              const char *content)
{
    struct leaf *leaf;

    sample_page(&sample, "", page_more, content);
    sample_end(&sample, "");
    *book = open_sample();
    leaf = leaf_open(*book, 1);
    assert_non_null(leaf);
    return leaf;
}

static void close_page(struct book *book, struct leaf *leaf)
{
    leaf_close(leaf);
    book_close(book);
}

/* ---- opening --------------------------------------------------------------------- */

static void the_version_of_poppler_is_told(void **state)
{
    (void)state;
    assert_true(strncmp(book_library(), "22.", 3) >= 0);
}

static void what_is_no_pdf_is_damaged(void **state)
{
    static const uint8_t bytes[] = "%PDF-1.4\nnothing else";
    struct book *book = NULL;
    int why = 0;

    (void)state;
    assert_int_equal(book_open(&book, bytes, sizeof bytes - 1, NULL, &why),
                     BOOK_DAMAGED);
    assert_null(book);
    assert_int_equal(why, 4);
}

static size_t read_file(const char *path, uint8_t *bytes, size_t count)
{
    FILE *in = fopen(path, "rb");

    assert_non_null(in);
    count = fread(bytes, 1, count, in);
    fclose(in);
    return count;
}

static void a_password_opens_or_does_not(void **state)
{
    static uint8_t bytes[16384];
    size_t count =
        read_file("tests/data/ingest/user-password.pdf", bytes, sizeof bytes);
    struct book *book = NULL;
    int why;

    (void)state;
    assert_int_equal(book_open(&book, bytes, count, NULL, &why), BOOK_ENCRYPTED);
    assert_int_equal(book_open(&book, bytes, count, "no", &why), BOOK_ENCRYPTED);
    assert_int_equal(book_open(&book, bytes, count, "\xC3\xA9\xE2\x82\xAC", &why),
                     BOOK_ENCRYPTED);
    assert_null(book);
    assert_int_equal(book_open(&book, bytes, count, "secret", &why), BOOK_OPEN);
    assert_int_equal(book_pages(book), 1);
    book_close(book);
}

static void what_the_owner_forbids_is_told(void **state)
{
    static uint8_t bytes[16384];
    size_t count =
        read_file("tests/data/ingest/owner-restricted.pdf", bytes, sizeof bytes);
    struct book *book;
    int why;

    (void)state;
    assert_int_equal(book_open(&book, bytes, count, NULL, &why), BOOK_OPEN);
    assert_false(book_read_rights(book).extract);
    assert_false(book_read_rights(book).all);
    book_close(book);
    sample_page(&sample, "", "", "");
    sample_end(&sample, "");
    book = open_sample();
    assert_true(book_read_rights(book).extract);
    assert_true(book_read_rights(book).all);
    book_close(book);
}

/* ---- about the file -------------------------------------------------------------- */

static struct book *open_with_info(const char *info)
{
    char more[256];

    sample_page(&sample, "", "", "");
    sample_object(&sample, info);
    snprintf(more, sizeof more, "/Info %d 0 R", sample.objects);
    sample_end(&sample, more);
    return open_sample();
}

static void expect_title(const char *written, const char *read)
{
    char info[128];
    struct book *book;
    char *title;

    snprintf(info, sizeof info, "<< /Title %s >>", written);
    book = open_with_info(info);
    title = book_entry(book, BOOK_TITLE);
    if (read)
        assert_string_equal(title, read);
    else
        assert_null(title);
    free(title);
    book_close(book);
}

static void strings_are_read_in_all_their_encodings(void **state)
{
    (void)state;
    expect_title("(plain)", "plain");
    expect_title("<80a0e9>", "\xE2\x80\xA2\xE2\x82\xAC\xC3\xA9");
    expect_title("<feff00e9d83dde00>", "\xC3\xA9\xF0\x9F\x98\x80");
    expect_title("<fffee9003dd800de>", "\xC3\xA9\xF0\x9F\x98\x80");
}

static void half_a_character_is_no_string(void **state)
{
    (void)state;
    expect_title("<feff00e900>", NULL);
    expect_title("<feffd83d0041>", NULL);
    expect_title("<feffd83d>", NULL);
    expect_title("<feffde00>", NULL);
    expect_title("<feff00410000>", "A");
    expect_title("<410042>", "A");
}

static void an_absent_entry_is_null(void **state)
{
    struct book *book = open_with_info("<< /Author (Ann) >>");
    char *author = book_entry(book, BOOK_AUTHOR);

    (void)state;
    assert_null(book_entry(book, BOOK_TITLE));
    assert_null(book_entry(book, BOOK_PRODUCER));
    assert_string_equal(author, "Ann");
    free(author);
    book_close(book);
}

static bool read_time(const char *date, int64_t *seconds)
{
    char info[128];
    struct book *book;
    bool told;

    snprintf(info, sizeof info, "<< /ModDate (%s) >>", date);
    book = open_with_info(info);
    assert_false(book_time(book, BOOK_CREATED, seconds));
    told = book_time(book, BOOK_MODIFIED, seconds);
    book_close(book);
    return told;
}

static void expect_time(const char *date, int64_t seconds)
{
    int64_t found;

    assert_true(read_time(date, &found));
    assert_int_equal(found, seconds);
}

static void times_are_moved_to_utc(void **state)
{
    (void)state;
    expect_time("D:20200229123456Z", 1582979696);
    expect_time("D:20200229123456+01'30'", 1582979696 - 5400);
    expect_time("D:20200229123456-08'00'", 1582979696 + 28800);
    expect_time("D:20200229123456+99'00'", 1582979696); /* no zone on Earth */
    expect_time("D:2020", 1577836800);
}

static void a_time_that_never_was_is_none(void **state)
{
    int64_t seconds;

    (void)state;
    assert_false(read_time("D:20210229123456Z", &seconds));
    assert_false(read_time("D:20201329123456Z", &seconds));
    assert_false(read_time("D:20200229243456Z", &seconds));
    assert_false(read_time("yesterday", &seconds));
}

static bool take_name(void *arg, const char *utf8)
{
    char *names = arg;

    strcat(names, utf8);
    strcat(names, ";");
    return strlen(names) < 12;
}

static void attachments_are_named_until_it_is_enough(void **state)
{
    char names[64] = "";
    struct book *book;

    (void)state;
    sample_page(&sample,
                "/Names << /EmbeddedFiles << /Names [(a) 6 0 R (b) 7 0 R (c) 6 0 R] "
                ">> >>",
                "", "");
    sample_object(&sample, "<< /Type /Filespec /F (a.txt) /EF << /F 8 0 R >> >>");
    sample_object(&sample, "<< /Type /Filespec /F (b.txt) /EF << /F 8 0 R >> >>");
    sample_stream(&sample, "inside");
    sample_end(&sample, "");
    book = open_sample();
    book_attachments(book, take_name, names);
    assert_string_equal(names, "a.txt;b.txt;");
    book_close(book);
}

/* ---- pages ----------------------------------------------------------------------- */

static void what_was_never_opened_can_be_closed(void **state)
{
    struct book *book;

    (void)state;
    sample_page(&sample, "", "", "");
    sample_end(&sample, "");
    book = open_sample();
    assert_int_equal(book_pages(book), 1);
    leaf_close(NULL);
    book_close(book);
    book_close(NULL);
}

static void a_turned_page_is_measured_as_shown(void **state)
{
    struct book *book;
    struct leaf *leaf = open_page(&book, "/Rotate 90 /CropBox [10 20 110 320]", "");
    double width, height;

    (void)state;
    leaf_size(leaf, &width, &height);
    assert_true(width == 300 && height == 100);
    close_page(book, leaf);
}

static void labels_are_as_printed(void **state)
{
    struct book *book;
    struct leaf *leaf;
    char *label;

    (void)state;
    sample_page(&sample, "/PageLabels << /Nums [0 << /S /r /St 4 >>] >>", "", "");
    sample_end(&sample, "");
    book = open_sample();
    leaf = leaf_open(book, 1);
    label = leaf_label(leaf);
    assert_string_equal(label, "iv");
    free(label);
    close_page(book, leaf);
}

static void each_character_has_a_box_and_a_run(void **state)
{
    struct book *book;
    struct leaf *leaf = open_page(
        &book, "", "BT /F 12 Tf 72 700 Td (ab cd) Tj 1 0 0 rg 0 -20 Td (e) Tj ET");
    struct leaf_layout layout;
    char *text = leaf_select(leaf, LEAF_FROM_LEFT);

    (void)state;
    assert_string_equal(text, "ab cd\ne");
    leaf_read_layout(leaf, LEAF_FROM_LEFT, &layout);
    assert_int_equal(layout.boxes, 7);
    assert_true(layout.box[0].x1 == 72 && layout.box[1].x1 == layout.box[0].x2);
    assert_true(layout.box[2].x1 == layout.box[1].x2); /* the space between */
    assert_true(layout.box[5].x1 == layout.box[5].x2); /* the line feed */
    assert_int_equal(layout.runs, 2);
    assert_int_equal(layout.run[0].first, 0);
    assert_int_equal(layout.run[0].last, 5);
    assert_int_equal(layout.run[1].first, 6);
    assert_int_equal(layout.run[1].last, 6);
    assert_true(layout.run[0].points == 12);
    assert_int_equal(layout.run[1].red, 65535);
    assert_int_equal(layout.run[1].green, 0);
    free(layout.box);
    free(layout.run);
    free(text);
    close_page(book, leaf);
}

static void an_empty_page_has_neither(void **state)
{
    struct book *book;
    struct leaf *leaf = open_page(&book, "", "");
    struct leaf_layout layout;
    char *text = leaf_select(leaf, LEAF_FROM_LEFT);

    (void)state;
    leaf_read_layout(leaf, LEAF_FROM_LEFT, &layout);
    assert_string_equal(text, "");
    assert_int_equal(layout.boxes, 0);
    assert_int_equal(layout.runs, 0);
    free(layout.box);
    free(layout.run);
    free(text);
    close_page(book, leaf);
}

/* ---- what is filled in ----------------------------------------------------------- */

static void note(void *arg, const struct leaf_filled *filled)
{
    static const char *const kind[] = {"text", "choice", "free"};
    char *notes = arg;

    sprintf(notes + strlen(notes), "%s%s %s", kind[filled->kind],
            filled->hidden ? " hidden" : "", filled->value ? filled->value : "-");
    for (size_t i = 0; i < filled->chosen_count; i++)
        sprintf(notes + strlen(notes), " [%s]", filled->chosen[i]);
    strcat(notes, "\n");
}

static void fields_come_before_annotations(void **state)
{
    char notes[256] = "";
    struct book *book;
    struct leaf *leaf;

    (void)state;
    sample_page(&sample, "/AcroForm << /Fields [6 0 R 7 0 R] /DA (/F 12 Tf) >>",
                "/Annots [8 0 R 9 0 R 6 0 R 7 0 R]", "");
    sample_object(&sample, "<< /Type /Annot /Subtype /Widget /FT /Tx /T (a) /V (Ann) "
                           "/Rect [0 0 9 9] >>");
    sample_object(&sample,
                  "<< /Type /Annot /Subtype /Widget /FT /Ch /T (c) /Ff 2097152 "
                  "/Opt [(One) (Two) (Six)] /V [(One) (Six)] /I [0 2] "
                  "/Rect [0 0 9 9] >>");
    sample_object(&sample, "<< /Type /Annot /Subtype /FreeText /Contents (seen) "
                           "/DA (/F 12 Tf) /Rect [0 0 9 9] >>");
    sample_object(&sample, "<< /Type /Annot /Subtype /FreeText /Contents (unseen) /F 2 "
                           "/DA (/F 12 Tf) /Rect [0 0 9 9] >>");
    sample_end(&sample, "");
    book = open_sample();
    leaf = leaf_open(book, 1);
    leaf_each_filled(leaf, note, notes);
    assert_string_equal(notes, "choice - [One] [Six]\ntext Ann\nfree seen\n"
                               "free hidden unseen\n");
    close_page(book, leaf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_version_of_poppler_is_told),
        cmocka_unit_test(what_is_no_pdf_is_damaged),
        cmocka_unit_test(a_password_opens_or_does_not),
        cmocka_unit_test(what_the_owner_forbids_is_told),
        cmocka_unit_test(strings_are_read_in_all_their_encodings),
        cmocka_unit_test(half_a_character_is_no_string),
        cmocka_unit_test(an_absent_entry_is_null),
        cmocka_unit_test(times_are_moved_to_utc),
        cmocka_unit_test(a_time_that_never_was_is_none),
        cmocka_unit_test(attachments_are_named_until_it_is_enough),
        cmocka_unit_test(what_was_never_opened_can_be_closed),
        cmocka_unit_test(a_turned_page_is_measured_as_shown),
        cmocka_unit_test(labels_are_as_printed),
        cmocka_unit_test(each_character_has_a_box_and_a_run),
        cmocka_unit_test(an_empty_page_has_neither),
        cmocka_unit_test(fields_come_before_annotations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
