/* pdf - PDF files through Poppler, from memory.
 *
 * A page is a section. Metadata, page labels, permissions and the names of
 * attachments come with it. What Poppler cannot tell is left unknown rather
 * than guessed: whether a file is encrypted that opens without a password (unless
 * its permissions are cut, which only encryption does), and all that page.c names.
 */
#include "ingest/reader.h"

#include "ingest/book.h"
#include "ingest/ink.h"
#include "ingest/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    REASON_PAGES_MAX = 20, /* ranges of pages a reason lists */
    YEAR_FIRST = 1,        /* dates outside are nonsense */
    YEAR_LAST = 9999
};

struct pdf {
    const struct reader_source *source;
    struct emit *emit;
    struct reader_end *end;
    struct book *book;
    bool password_needed;
    int pages, pages_failed;
    int page;                /* that is being read, from 1 */
    int pages_unseen;        /* that could not be looked at for ink */
    int ranges, range_start; /* of failed pages, for the reason */
    char failed[160];
    struct text text;
};

/* ---- opening --------------------------------------------------------------------- */

static bool pdf_open(struct pdf *pdf)
{
    const struct reader_source *source = pdf->source;
    const struct request_job *job = source->job;
    int why;
    enum book_opening opening =
        book_open(&pdf->book, source->bytes, source->count, NULL, &why);

    pdf->password_needed = opening == BOOK_ENCRYPTED;
    for (size_t i = 0; pdf->password_needed && !pdf->book && i < job->password_count;
         i++)
        opening =
            book_open(&pdf->book, source->bytes, source->count, job->password[i], &why);
    if (!pdf->book && pdf->password_needed)
        reader_end_set(pdf->end, INGEST_ENCRYPTED,
                       job->password_count ? "none of %zu candidate passwords opens it"
                                           : "it needs a password",
                       job->password_count);
    else if (!pdf->book)
        reader_end_set(pdf->end, INGEST_DAMAGED,
                       "it begins like a PDF, but Poppler finds no way to repair and "
                       "open it (error %d)",
                       why);
    return pdf->book != NULL;
}

/* ---- metadata -------------------------------------------------------------------- */

static void emit_entry(struct pdf *pdf, enum wire_string key, enum book_entry entry)
{
    char *value = book_entry(pdf->book, entry);

    emit_string(pdf->emit, key, value);
    free(value);
}

static void emit_time(struct pdf *pdf, enum wire_string key, enum book_time which)
{
    int64_t seconds;
    struct tm utc;
    char text[40];

    if (!book_time(pdf->book, which, &seconds) || !gmtime_r(&(time_t){seconds}, &utc) ||
        utc.tm_year < YEAR_FIRST - 1900 || utc.tm_year > YEAR_LAST - 1900)
        return;
    if (strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc) > 0)
        emit_string(pdf->emit, key, text);
}

static bool emit_attachment(void *arg, const char *name)
{
    struct emit *emit = arg;

    if (!emit->too_large[0])
        emit_string(emit, WIRE_ATTACHMENT, name);
    return !emit->too_large[0];
}

/* Returns false when the owner forbids extraction and the request honours it. */
static bool emit_metadata(struct pdf *pdf)
{
    struct book_rights rights = book_read_rights(pdf->book);

    emit_facts(pdf->emit, pdf->password_needed || !rights.all ? 1 : -1, rights.extract,
               pdf->pages);
    emit_entry(pdf, WIRE_TITLE, BOOK_TITLE);
    emit_entry(pdf, WIRE_AUTHOR, BOOK_AUTHOR);
    emit_entry(pdf, WIRE_PRODUCER, BOOK_PRODUCER);
    emit_time(pdf, WIRE_CREATED, BOOK_CREATED);
    emit_time(pdf, WIRE_MODIFIED, BOOK_MODIFIED);
    if (!rights.extract && pdf->source->job->honour_owner) {
        reader_end_set(pdf->end, INGEST_OWNER_RESTRICTED,
                       "its owner forbids extraction and the policy honours that");
        return false;
    }
    book_attachments(pdf->book, emit_attachment, pdf->emit);
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

static void announce_look(void *arg)
{
    emit_look(((struct pdf *)arg)->emit);
}

static struct leaf *open_beside(void *arg)
{
    const struct pdf *pdf = arg;

    return leaf_open_beside(pdf->book, pdf->page);
}

static bool read_page(struct pdf *pdf, int number)
{
    const struct request_job *job = pdf->source->job;
    struct leaf *leaf = leaf_open(pdf->book, number);
    char *label;
    bool sent;

    if (!leaf) {
        pdf->pages_failed++;
        if (pdf->range_start == 0)
            pdf->range_start = number;
        return true;
    }
    if (pdf->range_start != 0)
        name_failed(pdf, number - 1);
    pdf->range_start = 0;
    pdf->page = number;
    label = leaf_label(leaf);
    const struct page_order order = {
        .tiny_points = job->tiny_points,
        .bytes_max = emit_text_room(pdf->emit),
        .ink = job->ink,
        .before_look = announce_look,
        .open_beside = open_beside,
        .arg = pdf,
    };
    pdf->pages_unseen += !page_read(leaf, &order, &pdf->text);
    sent = emit_section(pdf->emit, INGEST_PAGE, (uint32_t)number, label ? label : "",
                        "", &pdf->text);
    free(label);
    leaf_close(leaf);
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
    else if (pdf->source->job->look_failed)
        reader_end_set(pdf->end, INGEST_PARTIAL,
                       "hidden text was not looked for: rendering its pages needs more "
                       "than the limits, or ended the parser");
    else if (pdf->pages_unseen > 0)
        reader_end_set(pdf->end, INGEST_PARTIAL,
                       "hidden text was not looked for on %d of %d pages, which cannot "
                       "be rendered",
                       pdf->pages_unseen, pdf->pages);
}

static void pdf_read(const struct reader_source *source, struct emit *emit,
                     struct reader_end *end)
{
    struct pdf pdf = {.source = source, .emit = emit, .end = end};

    if (!pdf_open(&pdf))
        return;
    pdf.pages = book_pages(pdf.book);
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
    book_close(pdf.book);
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
    static const struct page_order order = {.bytes_max = 100, .ink = INGEST_INK_ALWAYS};
    struct book *book = NULL;
    struct leaf *leaf = NULL;
    struct text text = {0};
    int why;

    ink_warm();
    if (book_open(&book, (const uint8_t *)warm_file, sizeof warm_file - 1, NULL,
                  &why) == BOOK_OPEN)
        leaf = leaf_open(book, 1);
    if (leaf)
        page_read(leaf, &order, &text);
    text_free(&text);
    leaf_close(leaf);
    book_close(book);
}

const struct reader reader_pdf = {
    .media_type = "application/pdf",
    .warm = pdf_warm,
    .read = pdf_read,
};
