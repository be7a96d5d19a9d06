/* margin - what is written beside a page: told of, and read where it stands.
 *
 * Nobody who looks at a page sees what is written beside it, and Poppler drops it
 * before it can be told of. Text that is there and never shown is worth a finding. So
 * letters are counted as they are drawn; where the text of the page lacks some
 * (page.c), it is taken once more, from a page that is larger:
 *
 *     slice of margins and page
 *     +-----------------------+
 *     |  text beside          |
 *     |        +-----+        |     each box moved back by the margin,
 *     |        | page|        |     text beside has places below 0 or
 *     |        +-----+        |     beyond the page's size
 *     +-----------------------+
 *
 * Not every page is read so: places of letters lose some of their last bits by the
 * margin, and where two pieces of text are as near to a third, that decides an order.
 *
 * The glib binding has no word for either. Poppler's libraries ask for functions of
 * each other by their C++ names, and as in paint.c functions of ours with these names
 * stand in their place: one changes the slice, which the binding leaves unset, the
 * other counts, and both go on to Poppler's. Should another version have other
 * arguments, its names are others, ours are never called, and what is beside a page is
 * dropped as before; a test holds that they are called by this one. */
#include "ingest/margin.h"

#include "ingest/paint.h"

#include <dlfcn.h>

#define CREATE "_ZN4Page9createGfxEP9OutputDevddibbiiiibPFbPvES2_P4XRef"
#define DRAW   "_ZN13TextOutputDev8drawCharEP8GfxStateddddddjiPKji"

static size_t drawn;
static bool is_wanted;
static int slice_width, slice_height;

typedef void *create(void *page, void *device, double across_dpi, double up_dpi,
                     int turn, bool media_box, bool crop, int x, int y, int width,
                     int height, bool printing, bool (*stop)(void *), void *arg,
                     void *xref);
typedef void draw(void *device, void *state, double x, double y, double dx, double dy,
                  double origin_x, double origin_y, unsigned code, int bytes,
                  const uint32_t *unicode, int count);

create margin_create __asm__(CREATE) __attribute__((aligned(16)));
draw margin_draw __asm__(DRAW) __attribute__((aligned(16)));

void *margin_create(void *page, void *device, double across_dpi, double up_dpi,
                    int turn, bool media_box, bool crop, int x, int y, int width,
                    int height, bool printing, bool (*stop)(void *), void *arg,
                    void *xref)
{
    static create *real;

    if (!real)
        real = (create *)dlsym(RTLD_NEXT, CREATE);
    if (is_wanted) {
        x = y = -MARGIN_POINTS;
        width = slice_width;
        height = slice_height;
    }
    return real(page, device, across_dpi, up_dpi, turn, media_box, crop, x, y, width,
                height, printing, stop, arg, xref);
}

void margin_draw(void *device, void *state, double x, double y, double dx, double dy,
                 double origin_x, double origin_y, unsigned code, int bytes,
                 const uint32_t *unicode, int count)
{
    static draw *real;

    if (!real)
        real = (draw *)dlsym(RTLD_NEXT, DRAW);
    drawn += margin_letters(unicode, count);
    paint_letter(state, x, y, dx, dy);
    real(device, state, x, y, dx, dy, origin_x, origin_y, code, bytes, unicode, count);
}

void margin_begin(double width, double height)
{
    drawn = 0;
    is_wanted = width >= 0;
    slice_width = margin_side(width);
    slice_height = margin_side(height);
}

size_t margin_end(void)
{
    is_wanted = false;
    return drawn;
}
