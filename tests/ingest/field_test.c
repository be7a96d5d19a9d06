/* Forms: what is filled in is read behind the page's own text. */
#include "tests/ingest/pdf_sample.h"

static struct ingest_document *read_form(const char *field)
{
    static struct sample sample;

    sample_page(&sample, "/AcroForm << /Fields [6 0 R] /DA (/F 12 Tf) >>",
                "/Annots [6 0 R]", "BT /F 12 Tf 72 700 Td (Name:) Tj ET");
    sample_object(&sample, field);
    sample_end(&sample, "");
    return sample_read(&sample);
}

static void expect_form(const char *field, const char *text)
{
    struct ingest_document *document = read_form(field);

    assert_int_equal(document->outcome, INGEST_READ);
    assert_string_equal(document->section[0].text, text);
    ingest_document_free(document);
}

static void a_text_field_is_read(void **state)
{
    (void)state;
    expect_form("<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /V (Ann Lee) "
                "/Rect [100 690 300 710] >>",
                "Name:\n\nAnn Lee\n");
}

static void a_chosen_item_is_read(void **state)
{
    (void)state;
    expect_form("<< /Type /Annot /Subtype /Widget /FT /Ch /T (c) /V (Two) "
                "/Opt [(One) (Two)] /Rect [100 690 300 710] >>",
                "Name:\n\nTwo\n");
}

static void free_text_on_the_page_is_read(void **state)
{
    (void)state;
    expect_form("<< /Type /Annot /Subtype /FreeText /Contents (Not for release) "
                "/DA (/F 12 Tf) /Rect [100 690 300 710] >>",
                "Name:\n\nNot for release\n");
}

static void an_empty_field_adds_nothing(void **state)
{
    (void)state;
    expect_form("<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) "
                "/Rect [100 690 300 710] >>",
                "Name:\n");
    expect_form("<< /Type /Annot /Subtype /Widget /FT /Btn /T (b) /V /Off "
                "/Rect [100 690 300 710] >>",
                "Name:\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_field_is_read),
        cmocka_unit_test(a_chosen_item_is_read),
        cmocka_unit_test(free_text_on_the_page_is_read),
        cmocka_unit_test(an_empty_field_adds_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
