/* paint - what the program of a page does besides writing; letters left unpainted. */
#ifndef INGEST_PAINT_H
#define INGEST_PAINT_H

#include <stdbool.h>

struct paint_seen {        /* how often, since paint_watch() */
    unsigned writes;       /* operators that show text */
    unsigned modes;        /* set how letters are painted: filled, not at all, ... */
    unsigned states_after; /* set transparency and the like, after the first letter */
    unsigned fills_before; /* areas, before the first letter */
    unsigned fills_after;
    unsigned pictures; /* images, shadings, and what is drawn by a form */
    unsigned pictures_after;
    unsigned clipped; /* letters outside of all that a clipping path leaves */
};

/* Was an operator ever noted? If none was, nothing can be said of any page. */
bool paint_watches(void);

/* Count into *seen, set to zero, until called with NULL. */
void paint_watch(struct paint_seen *seen);

/* A letter of a text, from (x, y) on its line to (x + dx, y + dy), was drawn in a state
 * of Poppler's interpreter (margin.c). */
void paint_letter(const void *state, double x, double y, double dx, double dy);

/* What is left out when a page is rendered, from here on. */
enum paint_part { PAINT_ALL, PAINT_NO_LETTERS, PAINT_NO_COVERS, PAINT_PARTS };
/* PAINT_NO_COVERS: areas and pictures that come after the first letter. */
void paint_only(enum paint_part part);

/* Pictures, tilings and shadings that were made ready for painting since then. */
unsigned paint_textures(void);

#endif
