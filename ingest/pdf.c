/* pdf - PDF files through Poppler's glib binding, from memory.
 *
 * A page is a section. Metadata, page labels, permissions and the names of
 * attachments come with it. What the binding cannot tell is left unknown rather
 * than guessed: whether a file is encrypted that opens without a password (unless
 * its permissions are cut, which only encryption does), and all that page.c names.
 */
#include "ingest/reader.h"

#include "ingest/page.h"

#include <poppler.h>
#include <stdio.h>
#include <string.h>

enum { REASON_PAGES_MAX = 20 }; /* ranges of pages a reason lists */

struct pdf {
    const struct reader_source *source;
    struct emit *emit;
    struct reader_end *end;
    PopplerDocument *document;
    bool password_needed;
    int pages, pages_failed;
    int ranges, range_start; /* of failed pages, for the reason */
    char failed[160];
    struct text text;
};

/* ---- opening --------------------------------------------------------------------- */

static void open_plainly(struct pdf *pdf, GError **error)
{
    GBytes *bytes = g_bytes_new_static(pdf->source->bytes, pdf->source->count);

    pdf->document = poppler_document_new_from_bytes(bytes, NULL, error);
    g_bytes_unref(bytes);
}

/* With a password that does not fit, the function above opens a stream once more that
 * it has closed, and crashes (Poppler 22.12). The one for streams does not; it is
 * slower, and good for the few files that need a password. */
static void open_with(struct pdf *pdf, const char *password, GError **error)
{
    GInputStream *stream = g_memory_input_stream_new_from_data(
        pdf->source->bytes, (gssize)pdf->source->count, NULL);

    g_clear_error(error);
    pdf->document = poppler_document_new_from_stream(
        stream, (goffset)pdf->source->count, password, NULL, error);
    g_object_unref(stream);
}

static bool pdf_open(struct pdf *pdf)
{
    const struct request_job *job = pdf->source->job;
    GError *error = NULL;

    open_plainly(pdf, &error);
    pdf->password_needed =
        g_error_matches(error, POPPLER_ERROR, POPPLER_ERROR_ENCRYPTED);
    for (size_t i = 0;
         pdf->password_needed && !pdf->document && i < job->password_count; i++)
        open_with(pdf, job->password[i], &error);
    if (!pdf->document && pdf->password_needed)
        reader_end_set(pdf->end, INGEST_ENCRYPTED,
                       job->password_count ? "none of %zu candidate passwords opens it"
                                           : "it needs a password",
                       job->password_count);
    else if (!pdf->document)
        reader_end_set(pdf->end, INGEST_DAMAGED,
                       "it begins like a PDF, but Poppler finds no way to repair and "
                       "open it (error %d)",
                       error ? error->code : -1);
    g_clear_error(&error);
    return pdf->document != NULL;
}

/* ---- metadata -------------------------------------------------------------------- */

static void emit_taken(struct emit *emit, enum wire_string key, char *value)
{
    emit_string(emit, key, value);
    g_free(value);
}

static void emit_time(struct emit *emit, enum wire_string key, GDateTime *time)
{
    GDateTime *utc = time ? g_date_time_to_utc(time) : NULL;

    if (utc)
        emit_taken(emit, key, g_date_time_format(utc, "%Y-%m-%dT%H:%M:%SZ"));
    g_clear_pointer(&utc, g_date_time_unref);
    g_clear_pointer(&time, g_date_time_unref);
}

static void emit_attachments(struct pdf *pdf)
{
    GList *list = NULL;

    if (poppler_document_has_attachments(pdf->document))
        list = poppler_document_get_attachments(pdf->document);
    for (const GList *item = list; item && !pdf->emit->too_large[0]; item = item->next)
        emit_string(pdf->emit, WIRE_ATTACHMENT, POPPLER_ATTACHMENT(item->data)->name);
    g_list_free_full(list, g_object_unref);
}

/* Returns false when the owner forbids extraction and the request honours it. */
static bool emit_metadata(struct pdf *pdf)
{
    PopplerPermissions allowed = poppler_document_get_permissions(pdf->document);
    bool may_extract = (allowed & POPPLER_PERMISSIONS_OK_TO_COPY) != 0;
    bool restricted = (allowed & POPPLER_PERMISSIONS_FULL) != POPPLER_PERMISSIONS_FULL;
    PopplerDocument *document = pdf->document;
    struct emit *emit = pdf->emit;

    emit_facts(emit, pdf->password_needed || restricted ? 1 : -1, may_extract,
               pdf->pages);
    emit_taken(emit, WIRE_TITLE, poppler_document_get_title(document));
    emit_taken(emit, WIRE_AUTHOR, poppler_document_get_author(document));
    emit_taken(emit, WIRE_PRODUCER, poppler_document_get_producer(document));
    emit_time(emit, WIRE_CREATED, poppler_document_get_creation_date_time(document));
    emit_time(emit, WIRE_MODIFIED,
              poppler_document_get_modification_date_time(document));
    if (!may_extract && pdf->source->job->honour_owner) {
        reader_end_set(pdf->end, INGEST_OWNER_RESTRICTED,
                       "its owner forbids extraction and the policy honours that");
        return false;
    }
    emit_attachments(pdf);
    return true;
}

/* ---- pages -------------------------------------------------------------------------
 */

/* Note in words the failed pages from range_start to last. */
static void name_failed(struct pdf *pdf, int last)
{
    size_t used = strlen(pdf->failed);
    char *to = pdf->failed + used;
    size_t room = sizeof pdf->failed - used;

    if (pdf->ranges == REASON_PAGES_MAX)
        snprintf(to, room, ", ...");
    if (pdf->ranges++ >= REASON_PAGES_MAX)
        return;
    if (last > pdf->range_start)
        snprintf(to, room, "%s%d-%d", used ? ", " : "", pdf->range_start, last);
    else
        snprintf(to, room, "%s%d", used ? ", " : "", last);
}

static bool read_page(struct pdf *pdf, int number)
{
    PopplerPage *page = poppler_document_get_page(pdf->document, number - 1);
    char *label;
    bool sent;

    if (!page) {
        pdf->pages_failed++;
        if (pdf->range_start == 0)
            pdf->range_start = number;
        return true;
    }
    if (pdf->range_start != 0)
        name_failed(pdf, number - 1);
    pdf->range_start = 0;
    label = poppler_page_get_label(page);
    page_read(page, pdf->source->job->tiny_points, emit_text_room(pdf->emit),
              &pdf->text);
    sent = emit_section(pdf->emit, INGEST_PAGE, (uint32_t)number, label ? label : "",
                        "", &pdf->text);
    g_free(label);
    g_object_unref(page);
    return sent;
}

static void read_pages(struct pdf *pdf)
{
    for (int number = 1; number <= pdf->pages; number++)
        if (!read_page(pdf, number))
            return;
    if (pdf->range_start != 0)
        name_failed(pdf, pdf->pages);
}

static void judge(struct pdf *pdf)
{
    if (pdf->pages_failed == pdf->pages)
        reader_end_set(pdf->end, INGEST_DAMAGED, "none of its %d pages can be read",
                       pdf->pages);
    else if (pdf->pages_failed > 0)
        reader_end_set(pdf->end, INGEST_PARTIAL, "%d of %d pages cannot be read: %s",
                       pdf->pages_failed, pdf->pages, pdf->failed);
}

static void pdf_read(const struct reader_source *source, struct emit *emit,
                     struct reader_end *end)
{
    struct pdf pdf = {.source = source, .emit = emit, .end = end};

    if (!pdf_open(&pdf))
        return;
    pdf.pages = poppler_document_get_n_pages(pdf.document);
    emit_pages(emit, pdf.pages > 0 ? (uint64_t)pdf.pages : 0);
    emit_string(emit, WIRE_DIALECT, "pdf");
    if (pdf.pages <= 0) {
        reader_end_set(end, INGEST_NO_PAGES, "it has no pages");
    } else if ((uint32_t)pdf.pages > source->job->limits.pages_max) {
        reader_end_set(end, INGEST_TOO_LARGE, "it has %d pages, at most %u are read",
                       pdf.pages, source->job->limits.pages_max);
    } else if (emit_metadata(&pdf)) {
        read_pages(&pdf);
        judge(&pdf);
    }
    text_free(&pdf.text);
    g_object_unref(pdf.document);
}

/* A page with one word: reading it fills Poppler's tables and registers glib's types.
 * It has no cross-reference table; Poppler finds the objects without. */
static const char warm_file[] =
    "%PDF-1.4\n"
    "1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj\n"
    "2 0 obj <</Type /Pages /Kids [3 0 R] /Count 1>> endobj\n"
    "3 0 obj <</Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 4 0 R\n"
    " /Resources <</Font <</F 5 0 R>>>>>> endobj\n"
    "4 0 obj <</Length 33>> stream\n"
    "BT /F 12 Tf 9 9 Td (warm) Tj ET   \nendstream endobj\n"
    "5 0 obj <</Type /Font /Subtype /TrueType /BaseFont /Helvetica\n"
    " /Encoding /WinAnsiEncoding>> endobj\n"
    "trailer <</Root 1 0 R>>\n";

static void pdf_warm(void)
{
    GBytes *bytes = g_bytes_new_static(warm_file, sizeof warm_file - 1);
    PopplerDocument *document = poppler_document_new_from_bytes(bytes, NULL, NULL);
    PopplerPage *page = document ? poppler_document_get_page(document, 0) : NULL;
    struct text text = {0};

    if (page)
        page_read(page, 1, 100, &text);
    text_free(&text);
    g_clear_object(&page);
    g_clear_object(&document);
    g_bytes_unref(bytes);
}

const struct reader reader_pdf = {
    .media_type = "application/pdf",
    .warm = pdf_warm,
    .read = pdf_read,
};
