/* reader - one document format: bytes in, sections and an outcome out.
 *
 * A reader runs in a child that ends with its document. It may leak what it holds
 * and die; it must not write anywhere but to emit, and needs no file. */
#ifndef INGEST_READER_H
#define INGEST_READER_H

#include "ingest/emit.h"
#include "ingest/request.h"

struct reader_source {
    const uint8_t *bytes;
    size_t count;
    const struct request_job *job;
};

struct reader_end { /* how it went; the sections have been sent */
    enum ingest_outcome outcome;
    char reason[200];
};

struct reader {
    const char *media_type;
    void (*warm)(void); /* what every document needs, once; children inherit it */
    void (*read)(const struct reader_source *source, struct emit *emit,
                 struct reader_end *end);
};

extern const struct reader reader_pdf, reader_xml;

/* By content alone: NULL when the bytes are neither. */
const struct reader *reader_find(const uint8_t *bytes, size_t count);

void reader_warm(void); /* all readers */

void reader_end_set(struct reader_end *end, enum ingest_outcome outcome,
                    const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
