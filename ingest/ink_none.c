/* ink_none - no look for ink: what the sealed build has in place of ink.c.
 *
 * To look means to render, and rendering needs cairo, pixman and fontconfig, which need
 * glib and half a desktop. Without a look, tiny, off-page and background-coloured text
 * is found by size, place and colour as everywhere; text that is covered or painted
 * invisibly is not. What cloister-parse says of its libraries says so, and a run keeps
 * that with its facts. */
#include "ingest/ink.h"

void ink_warm(void)
{
}

void ink_watch(void)
{
}

bool ink_wanted(enum ingest_ink when, const struct leaf_layout *layout)
{
    (void)when;
    (void)layout;
    return false;
}

uint8_t *ink_look(const struct leaf *leaf, const char *utf8,
                  const struct leaf_layout *layout)
{
    (void)leaf;
    (void)utf8;
    (void)layout;
    return NULL;
}
