/* ink - do letters leave ink where the text of a page says that they stand? */
#ifndef INGEST_INK_H
#define INGEST_INK_H

#include "ingest/book.h"
#include "ingest/ingest.h"
#include "ingest/text.h"

/* Once, before any page is read; children inherit what it makes. */
void ink_warm(void);

/* Called before the text of a leaf is first asked for: what its program does from
 * there on is noted. */
void ink_watch(void);

/* Is it worth a look? layout is of utf8, the text of the leaf. */
bool ink_wanted(enum ingest_ink when, const struct leaf_layout *layout);

/* Look: for each box of the layout an enum text_why, TEXT_VISIBLE for white space and
 * for what cannot be judged. The caller's to free. NULL: the page cannot be looked at,
 * for want of memory or because it cannot be rendered. */
uint8_t *ink_look(const struct leaf *leaf, const char *utf8,
                  const struct leaf_layout *layout);

#endif
