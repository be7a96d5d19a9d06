/* margin - what is written beside a page: told of, and read where it stands. */
#ifndef INGEST_MARGIN_H
#define INGEST_MARGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How far around a page text is read, in points: nine times the largest page of ISO
 * 32000-1. A power of two, which costs the places of letters the fewest bits. */
enum { MARGIN_POINTS = 1 << 17 };

/* A side of the page with the margins at both its ends, in whole points. */
static inline int margin_side(double points)
{
    const double points_max = 1 << 30;

    if (!(points > 0))
        points = 0;
    return 2 * MARGIN_POINTS + 1 + (int)(points < points_max ? points : points_max);
}

/* How many of the characters of one drawn code are letters to Poppler: not those that
 * end a word. */
static inline size_t margin_letters(const uint32_t *unicode, int count)
{
    size_t letters = 0;

    for (int i = 0; i < count; i++) {
        uint32_t c = unicode[i];
        letters += c > 0x20 && c != 0x85 && c != 0xA0 && (c < 0x2000 || c > 0x206F) &&
                   c != 0x3000;
    }
    return letters;
}

/* Between these two Poppler's letters are counted, and text is that of a page of this
 * size with its margins; width < 0: that of the page alone. */
void margin_begin(double width, double height);
/* The letters; 0 when none was drawn, or another version of Poppler does not ask us. */
size_t margin_end(void);

#endif
