/* book_glib - Poppler's own handle of a page, for who draws it; not in the sealed
 * build, which has neither glib nor cairo. */
#ifndef INGEST_BOOK_GLIB_H
#define INGEST_BOOK_GLIB_H

#include "ingest/book.h"

#include <poppler.h>

PopplerPage *leaf_poppler(const struct leaf *leaf); /* lent until leaf_close() */

#endif
