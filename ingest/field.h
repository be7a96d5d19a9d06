/* field - what is filled into a PDF page: form fields and text laid over it. */
#ifndef INGEST_FIELD_H
#define INGEST_FIELD_H

#include "ingest/book.h"
#include "ingest/text.h"

/* Add the values of the page's fields to text, one below the other. */
void field_read(const struct leaf *leaf, struct text *text);

#endif
