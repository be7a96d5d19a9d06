/* PDF: metadata, labels, passwords, permissions, and the outcomes of bad files. */
#include "tests/ingest/pdf_sample.h"

static struct sample sample;

static void metadata_is_told(void **state)
{
    struct ingest_document *document;

    (void)state;
    sample_page(&sample, "", "", "BT /F 12 Tf 72 700 Td (hello) Tj ET");
    sample_object(&sample,
                  "<< /Title (A \\(short\\)\\ntitle) /Author (Ann) /Producer (P)"
                  " /CreationDate (D:20200131120000+02'00')"
                  " /ModDate (D:20200201000000Z) >>");
    sample_end(&sample, "/Info 6 0 R");
    document = sample_read(&sample);
    assert_int_equal(document->outcome, INGEST_READ);
    assert_string_equal(document->reason, "");
    assert_string_equal(document->dialect, "pdf");
    assert_string_equal(document->metadata.title, "A (short) title");
    assert_string_equal(document->metadata.author, "Ann");
    assert_string_equal(document->metadata.producer, "P");
    assert_string_equal(document->metadata.created, "2020-01-31T10:00:00Z");
    assert_string_equal(document->metadata.modified, "2020-02-01T00:00:00Z");
    assert_int_equal(document->metadata.pages, 1);
    assert_int_equal(document->metadata.may_extract, 1);
    assert_int_equal(document->metadata.encrypted, -1);
    ingest_document_free(document);
}

static void what_is_not_told_is_unknown(void **state)
{
    struct ingest_document *document =
        sample_read_page("BT /F 12 Tf 72 700 Td (hello) Tj ET");

    (void)state;
    assert_null(document->metadata.title);
    assert_null(document->metadata.author);
    assert_null(document->metadata.created);
    assert_int_equal(document->metadata.attachment_count, 0);
    ingest_document_free(document);
}

static void page_labels_are_as_printed(void **state)
{
    struct ingest_document *document;

    (void)state;
    sample_page(&sample, "/PageLabels << /Nums [0 << /S /r /St 4 >>] >>", "",
                "BT /F 12 Tf 72 700 Td (hello) Tj ET");
    sample_end(&sample, "");
    document = sample_read(&sample);
    expect_section(document, 0, "iv", "", "hello\n");
    assert_int_equal(document->section[0].kind, INGEST_PAGE);
    assert_int_equal(document->section[0].number, 1);
    ingest_document_free(document);
}

static void attachments_are_named(void **state)
{
    struct ingest_document *document;

    (void)state;
    sample_page(&sample,
                "/Names << /EmbeddedFiles << /Names [(a) 6 0 R (b) 7 0 R] >> >>", "",
                "BT /F 12 Tf 72 700 Td (hello) Tj ET");
    sample_object(&sample, "<< /Type /Filespec /F (notes.txt) /EF << /F 8 0 R >> >>");
    sample_object(&sample, "<< /Type /Filespec /F (pay.xls) /EF << /F 8 0 R >> >>");
    sample_stream(&sample, "bytes");
    sample_end(&sample, "");
    document = sample_read(&sample);
    assert_int_equal(document->metadata.attachment_count, 2);
    assert_string_equal(document->metadata.attachment[0], "notes.txt");
    assert_string_equal(document->metadata.attachment[1], "pay.xls");
    ingest_document_free(document);
}

static void no_pages_are_an_outcome(void **state)
{
    struct ingest_document *document;

    (void)state;
    sample_begin(&sample);
    sample_object(&sample, "<< /Type /Catalog /Pages 2 0 R >>");
    sample_object(&sample, "<< /Type /Pages /Kids [] /Count 0 >>");
    sample_end(&sample, "");
    document = sample_read(&sample);
    assert_int_equal(document->outcome, INGEST_NO_PAGES);
    ingest_document_free(document);
}

static void pages_that_fail_are_listed(void **state)
{
    struct ingest_document *document;

    (void)state;
    sample_begin(&sample);
    sample_object(&sample, "<< /Type /Catalog /Pages 2 0 R >>");
    sample_object(&sample,
                  "<< /Type /Pages /Kids [3 0 R 9 0 R 9 0 R 3 0 R 9 0 R] /Count 5 >>");
    sample_object(&sample, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] "
                           "/Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>");
    sample_stream(&sample, "BT /F 12 Tf 72 700 Td (hello) Tj ET");
    sample_object(&sample, "<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>");
    sample_end(&sample, "");
    document = sample_read(&sample);
    assert_int_equal(document->outcome, INGEST_PARTIAL);
    assert_string_equal(document->reason, "3 of 5 pages cannot be read: 3-5");
    assert_int_equal(document->section_count, 2);
    assert_int_equal(document->section[1].number, 2);
    ingest_document_free(document);
}

static void more_pages_than_the_limit_are_too_large(void **state)
{
    struct request_job job = read_job_default();
    struct ingest_document *document;

    (void)state;
    sample_begin(&sample);
    sample_object(&sample, "<< /Type /Catalog /Pages 2 0 R >>");
    sample_object(&sample, "<< /Type /Pages /Kids [3 0 R 3 0 R 3 0 R] /Count 3 >>");
    sample_object(&sample, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>");
    sample_end(&sample, "");
    for (job.limits.pages_max = 2; job.limits.pages_max <= 4; job.limits.pages_max++) {
        document = read_with(&job, sample.bytes, sample.used);
        assert_int_equal(document->outcome,
                         job.limits.pages_max < 3 ? INGEST_TOO_LARGE : INGEST_READ);
        ingest_document_free(document);
    }
}

static void what_poppler_cannot_open_is_damaged(void **state)
{
    struct ingest_document *document = read_string("%PDF-1.7\nnothing else\n");

    (void)state;
    assert_int_equal(document->outcome, INGEST_DAMAGED);
    ingest_document_free(document);
}

/* ---- passwords: files made by tests/data/ingest/make_encrypted.py -------------------
 */

static struct ingest_document *read_data(const char *name,
                                         const struct request_job *job)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "tests/data/ingest/%s", name);
    file = fopen(path, "rb");
    assert_non_null(file);
    sample.used = fread(sample.bytes, 1, sizeof sample.bytes, file);
    fclose(file);
    return read_with(job, sample.bytes, sample.used);
}

static void candidate_passwords_are_tried_in_turn(void **state)
{
    struct request_job job = read_job_default();
    struct ingest_document *document;

    (void)state;
    job.password_count = 2;
    strcpy(job.password[0], "wrong");
    strcpy(job.password[1], "secret");
    document = read_data("user-password.pdf", &job);
    assert_int_equal(document->outcome, INGEST_READ);
    assert_int_equal(document->metadata.encrypted, 1);
    expect_section(document, 0, "1", "", "privileged words\n");
    ingest_document_free(document);
}

static void without_the_password_it_is_encrypted(void **state)
{
    struct request_job job = read_job_default();
    struct ingest_document *document = read_data("user-password.pdf", &job);

    (void)state;
    assert_int_equal(document->outcome, INGEST_ENCRYPTED);
    assert_string_equal(document->reason, "it needs a password");
    ingest_document_free(document);
    job.password_count = 1;
    strcpy(job.password[0], "wrong");
    document = read_data("user-password.pdf", &job);
    assert_int_equal(document->outcome, INGEST_ENCRYPTED);
    assert_string_equal(document->reason, "none of 1 candidate passwords opens it");
    ingest_document_free(document);
}

static void the_owners_wish_is_honoured_when_asked(void **state)
{
    struct request_job job = read_job_default();
    struct ingest_document *document = read_data("owner-restricted.pdf", &job);

    (void)state;
    assert_int_equal(document->outcome, INGEST_READ);
    assert_int_equal(document->metadata.may_extract, 0);
    assert_int_equal(document->metadata.encrypted, 1);
    ingest_document_free(document);
    job.honour_owner = true;
    document = read_data("owner-restricted.pdf", &job);
    assert_int_equal(document->outcome, INGEST_OWNER_RESTRICTED);
    assert_int_equal(document->section_count, 0);
    ingest_document_free(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metadata_is_told),
        cmocka_unit_test(what_is_not_told_is_unknown),
        cmocka_unit_test(page_labels_are_as_printed),
        cmocka_unit_test(attachments_are_named),
        cmocka_unit_test(no_pages_are_an_outcome),
        cmocka_unit_test(pages_that_fail_are_listed),
        cmocka_unit_test(more_pages_than_the_limit_are_too_large),
        cmocka_unit_test(what_poppler_cannot_open_is_damaged),
        cmocka_unit_test(candidate_passwords_are_tried_in_turn),
        cmocka_unit_test(without_the_password_it_is_encrypted),
        cmocka_unit_test(the_owners_wish_is_honoured_when_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
