/* page - one page of a PDF file as text in reading order. */
#ifndef INGEST_PAGE_H
#define INGEST_PAGE_H

#include "ingest/book.h"
#include "ingest/ingest.h"
#include "ingest/text.h"

struct page_order {
    double tiny_points;
    size_t bytes_max;
    enum ingest_ink ink;
};

/* Read leaf into text, which is started and finished here. */
void page_read(const struct leaf *leaf, const struct page_order *order,
               struct text *text);

#endif
