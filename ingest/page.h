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
    void (*before_look)(void *arg); /* may be NULL */
    /* The leaf by leaf_open_beside(), which is closed here; may be NULL. */
    struct leaf *(*open_beside)(void *arg);
    void *arg;
};

/* Read leaf into text, which is started and finished here. False when it was to be
 * looked at for ink and could not be. */
bool page_read(const struct leaf *leaf, const struct page_order *order,
               struct text *text);

#endif
