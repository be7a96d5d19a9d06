/* open - which reader a document needs, told by its bytes and never by its name.
 *
 * A PDF header may stand anywhere in the first 1024 bytes (ISO 32000-1, annex H,
 * implementation note 13), and Poppler looks for it there too, unless the file
 * begins with an XML declaration. XML has no magic number: what begins with markup
 * after a byte order mark and white space counts, in UTF-8 and its kin and in UTF-16
 * and UTF-32 of both byte orders; see prologue.c. Everything else is `unsupported`. */
#include "ingest/prologue.h"
#include "ingest/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PDF_HEADER_WITHIN = 1024 };

const struct reader *reader_find(const uint8_t *bytes, size_t count)
{
    size_t head = count < PDF_HEADER_WITHIN ? count : PDF_HEADER_WITHIN;

    if (prologue_declares_xml(bytes, count))
        return &reader_xml;
    if (memmem(bytes, head, "%PDF-", 5))
        return &reader_pdf;
    return prologue_begins_markup(bytes, count) ? &reader_xml : NULL;
}

void reader_warm(void)
{
    reader_pdf.warm();
    reader_xml.warm();
}

void reader_end_set(struct reader_end *end, enum ingest_outcome outcome,
                    const char *format, ...)
{
    va_list args;

    end->outcome = outcome;
    va_start(args, format);
    vsnprintf(end->reason, sizeof end->reason, format, args);
    va_end(args);
}
