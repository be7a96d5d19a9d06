/* Ink: what a reader of the page sees, and what only its text says. */
#include "tests/ingest/parse.h"
#include "tests/ingest/pdf_sample.h"

#include "ingest/paint.h"

#include <fontconfig/fontconfig.h>

static struct sample sample;

static struct ingest_document *look_at(enum ingest_ink ink)
{
    struct request_job job = read_job_default();

    job.ink = ink;
    return read_with(&job, sample.bytes, sample.used);
}

/* "" when nothing of the page is hidden; otherwise each range: why(text) why(text) */
static void describe(const struct ingest_document *document, char *to, size_t room)
{
    const struct ingest_section *page = document->section;
    size_t used = 0;

    assert_int_equal(document->section_count, 1);
    to[0] = '\0';
    for (size_t i = 0; i < page->hidden_count; i++) {
        const struct ingest_hidden *hidden = &page->hidden[i];
        assert_int_equal(hidden->shown, strcmp(hidden->why, "ocr_layer") == 0);
        used += (size_t)snprintf(to + used, room - used, "%s%s(%.*s)", i ? " " : "",
                                 hidden->why, (int)(hidden->end - hidden->start),
                                 page->text + hidden->start);
    }
}

static void expect_sample(enum ingest_ink ink, const char *hidden)
{
    struct ingest_document *document = look_at(ink);
    char found[1024];

    describe(document, found, sizeof found);
    assert_string_equal(found, hidden);
    ingest_document_free(document);
}

static void expect_as(enum ingest_ink ink, const char *page_more, const char *content,
                      const char *hidden)
{
    sample_page(&sample, "", page_more, content);
    sample_end(&sample, "");
    expect_sample(ink, hidden);
}

/* The cheap hints of the default must be enough to find it. */
static void expect(const char *content, const char *hidden)
{
    expect_as(INGEST_INK_SUSPICIOUS, "", content, hidden);
    expect_as(INGEST_INK_ALWAYS, "", content, hidden);
}

/* ---- letters that are not painted -------------------------------------------------
 */

static void invisible_mode_is_flagged(void **state)
{
    (void)state;
    expect("BT /F 12 Tf 72 700 Td (plain words) Tj 0 -20 Td 3 Tr (secret words) Tj ET",
           "invisible(secret words)");
}

static void clipping_mode_is_flagged(void **state)
{
    (void)state;
    expect("BT /F 12 Tf 72 700 Td (plain words) Tj 0 -20 Td 7 Tr (secret words) Tj ET",
           "invisible(secret words)");
}

static void outlined_letters_are_seen(void **state)
{
    (void)state;
    expect("BT /F 24 Tf 72 700 Td 1 Tr (outlined words) Tj ET", "");
    expect("BT /F 24 Tf 72 700 Td 2 Tr (filled, outlined) Tj ET", "");
}

static void a_picture_seen_through_letters_shows_them(void **state)
{
    (void)state;
    expect("q BT /F 24 Tf 72 700 Td 7 Tr (windows) Tj ET 1 0 0 rg 0 0 612 792 re f Q",
           "");
}

static void transparent_letters_are_flagged(void **state)
{
    static const char content[] = "BT /F 12 Tf 72 700 Td (plain words) Tj ET /T gs "
                                  "BT /F 12 Tf 72 680 Td (secret words) Tj ET";
    (void)state;
    for (enum ingest_ink ink = INGEST_INK_SUSPICIOUS; ink <= INGEST_INK_ALWAYS; ink++) {
        sample_page(&sample, "",
                    "/Resources << /Font << /F 5 0 R >> /ExtGState << /T 6 0 R >> >>",
                    content);
        sample_object(&sample, "<< /ca 0 /CA 0 >>");
        sample_end(&sample, "");
        expect_sample(ink, "invisible(secret words)");
    }
}

static void letters_cut_off_are_flagged(void **state)
{
    (void)state;
    expect("BT /F 12 Tf 72 700 Td (plain words) Tj ET q 0 0 10 10 re W n "
           "BT /F 12 Tf 72 680 Td (secret words) Tj ET Q",
           "invisible(secret words)");
    expect(
        "BT /F 12 Tf 72 700 Td (plain words) Tj ET q 2 0 0 2 100 100 cm 0 0 150 200 re "
        "W n BT /F 6 Tf 10 250 Td (secret words) Tj ET Q",
        "invisible(secret words)");
}

/* ---- letters like their ground ------------------------------------------------------
 */

static void white_on_white_is_flagged(void **state)
{
    (void)state;
    expect("BT /F 12 Tf 72 700 Td (plain) Tj 0 -20 Td 1 g (secret words) Tj ET",
           "background(secret words)");
    expect("BT /F 12 Tf 72 700 Td .99 .98 .99 rg (nearly white) Tj ET",
           "background(nearly white)");
}

static void white_on_dark_is_seen(void **state)
{
    (void)state;
    expect("0 0 .5 rg 60 690 400 40 re f 1 g BT /F 12 Tf 72 700 Td (a headline) Tj ET",
           "");
}

static void any_colour_on_the_same_is_flagged(void **state)
{
    (void)state;
    expect("0 0 .5 rg 60 690 400 40 re f BT /F 12 Tf 72 700 Td (secret words) Tj ET",
           "background(secret words)");
    expect("60 690 400 40 re f BT /F 12 Tf 72 700 Td (black on black) Tj ET",
           "background(black on black)");
}

static void faint_letters_are_seen(void **state)
{
    (void)state;
    expect("BT /F 12 Tf 72 700 Td .85 g (a watermark) Tj ET", "");
}

/* ---- covered letters ----------------------------------------------------------------
 */

static void a_rectangle_over_letters_is_flagged(void **state)
{
    (void)state;
    expect("BT /F 12 Tf 72 700 Td (plain words) Tj 0 -20 Td (secret words) Tj ET "
           ".8 1 .8 rg 70 676 300 16 re f",
           "covered(secret words)");
}

static void a_redaction_is_flagged(void **state)
{
    (void)state;
    expect("BT /F 12 Tf 72 700 Td (paid to ) Tj (Jane Roe of) Tj ( Ohio) Tj ET "
           "0 g 128 697 80 14 re f",
           "covered(Jane Roe of)");
}

static void a_picture_over_letters_is_flagged(void **state)
{
    (void)state;
    expect("BT /F 12 Tf 72 700 Td (plain words) Tj 0 -20 Td (secret words) Tj ET "
           "q 300 0 0 20 70 675 cm BI /W 4 /H 1 /BPC 8 /CS /G ID \x20\xF0\x40\xA0 EI Q",
           "covered(secret words)");
}

static void a_veil_over_letters_does_not_hide_them(void **state)
{
    (void)state;
    for (enum ingest_ink ink = INGEST_INK_SUSPICIOUS; ink <= INGEST_INK_ALWAYS; ink++) {
        sample_page(&sample, "",
                    "/Resources << /Font << /F 5 0 R >> /ExtGState << /T 6 0 R >> >>",
                    "BT /F 12 Tf 72 700 Td (marked words) Tj ET /T gs 1 1 0 rg "
                    "70 696 200 16 re f");
        sample_object(&sample, "<< /ca .5 >>");
        sample_end(&sample, "");
        expect_sample(ink, "");
    }
}

static void letters_over_a_picture_are_seen(void **state)
{
    (void)state;
    expect("q 300 0 0 20 70 695 cm BI /W 4 /H 1 /BPC 8 /CS /G ID \x90\xF0\xA0\xC0 EI Q "
           "BT /F 12 Tf 72 700 Td (a caption) Tj ET",
           "");
}

/* ---- scans --------------------------------------------------------------------------
 */

/* Bars as high as letters: what a scanner sees of a line. */
#define SCANNED_LINE                                                 \
    "q 86.4 0 0 9 72 698 cm BI /W 24 /H 1 /BPC 8 /CS /G /F /AHx ID " \
    "00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff> EI Q "

static void text_recognised_on_a_scan_is_told_apart(void **state)
{
    (void)state;
    expect(SCANNED_LINE "BT /F 12 Tf 72 700 Td 3 Tr (scanned text) Tj ET",
           "ocr_layer(scanned text)");
    expect("BT /F 12 Tf 72 700 Td (scanned text) Tj ET " SCANNED_LINE,
           "ocr_layer(scanned text)");
}

static void what_no_scan_shows_is_hidden_in_it(void **state)
{
    (void)state;
    expect(SCANNED_LINE "BT /F 12 Tf 72 700 Td 3 Tr (scanned text) Tj "
                        "0 -300 Td (no) Tj ET",
           "ocr_layer(scanned text) invisible(no)");
}

static void a_scan_beside_printed_words_excuses_nothing(void **state)
{
    (void)state;
    expect("BT /F 12 Tf 72 600 Td (printed words that are as many) Tj ET " SCANNED_LINE
           "BT /F 12 Tf 72 700 Td 3 Tr (scanned text) Tj ET",
           "invisible(scanned text)");
}

/* ---- pages of other shapes ----------------------------------------------------------
 */

static void turned_pages_are_looked_at_as_shown(void **state)
{
    static const char *const turns[] = {"/Rotate 90", "/Rotate 180", "/Rotate 270"};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        expect_as(INGEST_INK_SUSPICIOUS, turns[i],
                  "BT /F 12 Tf 72 700 Td (plain words) Tj ET "
                  "BT /F 12 Tf 72 600 Td 3 Tr (secret words) Tj ET",
                  "invisible(secret words)");
}

static void turned_letters_are_looked_at_where_they_are(void **state)
{
    (void)state;
    expect("BT 0 12 -12 0 300 100 Tm /F 1 Tf (plain words) Tj ET "
           "BT 0 12 -12 0 400 100 Tm /F 1 Tf 3 Tr (secret words) Tj ET",
           "invisible(secret words)");
}

static void a_crop_box_moves_the_corner(void **state)
{
    (void)state;
    expect_as(INGEST_INK_SUSPICIOUS, "/CropBox [50 500 500 750]",
              "BT /F 12 Tf 72 700 Td (plain words) Tj 0 -40 Td 3 Tr (secret words) Tj "
              "ET",
              "invisible(secret words)");
}

static void units_of_the_user_do_not_matter(void **state)
{
    (void)state;
    expect_as(INGEST_INK_SUSPICIOUS, "/UserUnit 10",
              "BT /F 12 Tf 72 700 Td (plain words) Tj 0 -40 Td 3 Tr (secret words) Tj "
              "ET",
              "invisible(secret words)");
}

static void a_large_page_is_looked_at_from_afar(void **state)
{
    (void)state;
    expect_as(INGEST_INK_SUSPICIOUS, "/MediaBox [0 0 14400 14400]",
              "BT /F 400 Tf 72 9000 Td (plain words) Tj 0 -900 Td 3 Tr (secret words) "
              "Tj ET",
              "invisible(secret words)");
}

static void what_is_too_small_to_judge_is_left_alone(void **state)
{
    (void)state;
    expect_as(INGEST_INK_SUSPICIOUS, "/MediaBox [0 0 14400 14400]",
              "BT /F 12 Tf 72 9000 Td 3 Tr (secret words) Tj ET", "");
}

/* ---- and what has a name already
 * ------------------------------------------------------ */

static void tiny_letters_are_flagged_as_such(void **state)
{
    (void)state;
    expect("BT /F 1 Tf 72 700 Td 3 Tr (secret words) Tj ET", "tiny(secret words)");
}

static void letters_over_the_edge_are_flagged(void **state)
{
    (void)state;
    expect("BT /F 12 Tf 72 700 Td (plain words) Tj 0 90 Td (secret words) Tj ET",
           "off_page(secret words)");
}

/* What cannot be found without a look is not found where nothing gives rise to one. */
static void plain_pages_are_not_looked_at(void **state)
{
    static const char content[] =
        "q 0 0 10 10 re 600 780 10 10 re W n BT /F 12 Tf 72 680 Td "
        "(secret words) Tj ET Q";

    (void)state;
    assert_true(paint_watches());
    expect_as(INGEST_INK_SUSPICIOUS, "", content, "");
    expect_as(INGEST_INK_ALWAYS, "", content, "invisible(secret words)");
}

static void nobody_looks_when_told_not_to(void **state)
{
    (void)state;
    expect_as(INGEST_INK_NEVER, "", "BT /F 12 Tf 72 700 Td 3 Tr (secret words) Tj ET",
              "");
    expect_as(INGEST_INK_NEVER, "", "BT /F 12 Tf 72 700 Td 1 g (white words) Tj ET",
              "background(white words)");
}

/* ---- pages that cannot be rendered
 * ---------------------------------------------------- */

/* A file with a page of one line of text that takes for ever to paint. */
static void write_slow_page(char path[64])
{
    static char content[4096] = "BT /F 12 Tf 72 700 Td (plain words) Tj ET ";

    for (int i = 0; i < 200; i++)
        strcat(content, "/S sh ");
    sample_page(&sample, "",
                "/Resources << /Font << /F 5 0 R >> /Shading << /S << /ShadingType 1 "
                "/ColorSpace /DeviceRGB /Domain [0 612 0 792] /Function 6 0 R >> >> >>",
                content);
    sample_object(&sample, "<< /FunctionType 4 /Domain [0 612 0 792] "
                           "/Range [0 1 0 1 0 1] /Length 26 >>\nstream\n"
                           "{ sin exch cos 2 copy mul }\nendstream");
    sample_end(&sample, "");
    strcpy(path, "/tmp/cloister-ink-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, sample.bytes, sample.used), sample.used);
    close(fd);
}

static void a_look_that_takes_too_long_does_not_cost_the_text(void **state)
{
    struct ingest_request request = ingest_request_default();
    struct ingest_parser *parser = parse_open(1);
    struct ingest_document *document;
    struct ingest_file file;
    size_t tag;
    char path[64];

    (void)state;
    request.limits.cpu_seconds_min = request.limits.cpu_seconds_max = 3;
    write_slow_page(path);
    assert_true(parse_start(parser, path, &request, 0, &file));
    document = parse_next(parser, &tag);
    assert_int_equal(document->outcome, INGEST_PARTIAL);
    assert_non_null(strstr(document->reason, "hidden text was not looked for"));
    expect_section(document, 0, "1", "", "plain words\n");
    ingest_document_free(document);
    ingest_parser_close(parser);
    unlink(path);
}

static int warm(void **state)
{
    (void)state;
    reader_warm();
    return 0;
}

/* Leaks are looked for by their addresses, which fontconfig keeps as distances. */
static int cool(void **state)
{
    (void)state;
    FcFini();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(invisible_mode_is_flagged),
        cmocka_unit_test(clipping_mode_is_flagged),
        cmocka_unit_test(outlined_letters_are_seen),
        cmocka_unit_test(a_picture_seen_through_letters_shows_them),
        cmocka_unit_test(transparent_letters_are_flagged),
        cmocka_unit_test(letters_cut_off_are_flagged),
        cmocka_unit_test(white_on_white_is_flagged),
        cmocka_unit_test(white_on_dark_is_seen),
        cmocka_unit_test(any_colour_on_the_same_is_flagged),
        cmocka_unit_test(faint_letters_are_seen),
        cmocka_unit_test(a_rectangle_over_letters_is_flagged),
        cmocka_unit_test(a_redaction_is_flagged),
        cmocka_unit_test(a_picture_over_letters_is_flagged),
        cmocka_unit_test(a_veil_over_letters_does_not_hide_them),
        cmocka_unit_test(letters_over_a_picture_are_seen),
        cmocka_unit_test(text_recognised_on_a_scan_is_told_apart),
        cmocka_unit_test(what_no_scan_shows_is_hidden_in_it),
        cmocka_unit_test(a_scan_beside_printed_words_excuses_nothing),
        cmocka_unit_test(turned_pages_are_looked_at_as_shown),
        cmocka_unit_test(turned_letters_are_looked_at_where_they_are),
        cmocka_unit_test(a_crop_box_moves_the_corner),
        cmocka_unit_test(units_of_the_user_do_not_matter),
        cmocka_unit_test(a_large_page_is_looked_at_from_afar),
        cmocka_unit_test(what_is_too_small_to_judge_is_left_alone),
        cmocka_unit_test(tiny_letters_are_flagged_as_such),
        cmocka_unit_test(letters_over_the_edge_are_flagged),
        cmocka_unit_test(plain_pages_are_not_looked_at),
        cmocka_unit_test(nobody_looks_when_told_not_to),
        cmocka_unit_test(a_look_that_takes_too_long_does_not_cost_the_text),
    };

    return cmocka_run_group_tests_name("ink", tests, warm, cool);
}
