/* paint - what the program of a page does besides writing; letters left unpainted.
 *
 * A page of a PDF file is a program of operators. Poppler's interpreter, Gfx, has one
 * function for each, in a table that the dynamic linker fills in, and libpoppler asks
 * for cairo's functions in the same way; so a function of ours with the same name
 * takes the place of either, notes the call, and passes it on. Nothing of the
 * arguments is looked at.
 *
 *     Tr           Gfx::opSetTextRender     the next letters may leave no ink
 *     gs           Gfx::opSetExtGState      or be transparent, after other letters
 *     f B sh Do    Gfx::opFill ...          an area or a picture, before or after
 * letters Tj TJ ' "    Gfx::opShowText ...      letters
 *
 * This is a hint, for free, where a closer look (ink.c) may be worth its price; a page
 * that does none of this cannot hide much. The names are Poppler's own and hold the
 * types of the arguments: should another version call a function by other types, ours
 * is never called, which paint_watches() tells, and every page is looked at.
 *
 * The same place is good for leaving something out: ink.c compares renderings. */
#include "ingest/paint.h"

#include <cairo.h>
#include <dlfcn.h>
#include <stddef.h>

static struct paint_seen *watched;
static struct paint_seen nobody;
static bool was_called, has_written; /* letters, since paint_only() */
static enum paint_part part_wanted;

typedef void operator(void *gfx, void *arguments, int count);

enum hook {
    SHOW,
    SHOW_SPACED,
    SHOW_NEXT,
    SHOW_NEXT_SPACED,
    MODE,
    STATE,
    FILL,
    FILL_EVEN,
    FILL_STROKE,
    FILL_STROKE_EVEN,
    CLOSE_FILL_STROKE,
    CLOSE_FILL_STROKE_EVEN,
    SHADE,
    OBJECT,
    INLINE_IMAGE,
    END_PATH, /* not watched */
    GLYPHS,
    OUTLINES,
    IMAGE,
    MESH,
    LINEAR,
    RADIAL,
    CLIP_BOX, /* asked, not watched */
    HOOKS
};

static unsigned textures; /* since paint_only() */

static struct paint_seen *seen_now(void)
{
    was_called = true;
    return watched ? watched : &nobody;
}

static void note_write(void)
{
    seen_now()->writes++;
    has_written = true;
}

static void note_fill(void)
{
    struct paint_seen *seen = seen_now();

    if (seen->writes > 0)
        seen->fills_after++;
    else
        seen->fills_before++;
}

static void note_picture(void)
{
    struct paint_seen *seen = seen_now();

    seen->pictures++;
    seen->pictures_after += seen->writes > 0;
}

static void note_mode(void)
{
    seen_now()->modes++;
}

static void note_state(void)
{
    struct paint_seen *seen = seen_now();

    seen->states_after += seen->writes > 0;
}

/* ---- operators ----------------------------------------------------------------------
 */

/* The name that the linker sees is Poppler's, not a name of C. */
#define OPERATORS(X)                                                                 \
    X(SHOW, paint_show, "_ZN3Gfx10opShowTextEP6Objecti", note_write)                 \
    X(SHOW_SPACED, paint_show_spaced, "_ZN3Gfx15opShowSpaceTextEP6Objecti",          \
      note_write)                                                                    \
    X(SHOW_NEXT, paint_show_next, "_ZN3Gfx14opMoveShowTextEP6Objecti", note_write)   \
    X(SHOW_NEXT_SPACED, paint_show_next_spaced,                                      \
      "_ZN3Gfx17opMoveSetShowTextEP6Objecti", note_write)                            \
    X(MODE, paint_mode, "_ZN3Gfx15opSetTextRenderEP6Objecti", note_mode)             \
    X(STATE, paint_state, "_ZN3Gfx14opSetExtGStateEP6Objecti", note_state)           \
    X(FILL, paint_fill, "_ZN3Gfx6opFillEP6Objecti", note_fill)                       \
    X(FILL_EVEN, paint_fill_even, "_ZN3Gfx8opEOFillEP6Objecti", note_fill)           \
    X(FILL_STROKE, paint_fill_stroke, "_ZN3Gfx12opFillStrokeEP6Objecti", note_fill)  \
    X(FILL_STROKE_EVEN, paint_fill_stroke_even, "_ZN3Gfx14opEOFillStrokeEP6Objecti", \
      note_fill)                                                                     \
    X(CLOSE_FILL_STROKE, paint_close_fill_stroke,                                    \
      "_ZN3Gfx17opCloseFillStrokeEP6Objecti", note_fill)                             \
    X(CLOSE_FILL_STROKE_EVEN, paint_close_fill_stroke_even,                          \
      "_ZN3Gfx19opCloseEOFillStrokeEP6Objecti", note_fill)                           \
    X(SHADE, paint_shade, "_ZN3Gfx8opShFillEP6Objecti", note_picture)                \
    X(OBJECT, paint_object, "_ZN3Gfx9opXObjectEP6Objecti", note_picture)             \
    X(INLINE_IMAGE, paint_inline_image, "_ZN3Gfx12opBeginImageEP6Objecti", note_picture)

#define SYMBOL(hook, name, symbol, note) [hook] = symbol,
static const char *const symbol_of[HOOKS] = {
    OPERATORS(SYMBOL)[END_PATH] = "_ZN3Gfx9opEndPathEP6Objecti",
    [GLYPHS] = "cairo_show_glyphs",
    [OUTLINES] = "cairo_glyph_path",
    [IMAGE] = "cairo_pattern_create_for_surface",
    [MESH] = "cairo_pattern_create_mesh",
    [LINEAR] = "cairo_pattern_create_linear",
    [RADIAL] = "cairo_pattern_create_radial",
    [CLIP_BOX] = "_ZNK8GfxState15getUserClipBBoxEPdS0_S0_S0_",
};

/* The function of that name behind ours, found when it is first called. */
static void *real(enum hook hook)
{
    static void *found[HOOKS];

    if (!found[hook])
        found[hook] = dlsym(RTLD_NEXT, symbol_of[hook]);
    return found[hook];
}

/* The operator that is left out takes its path away, as n does. */
static void pass(enum hook hook, void *gfx, void *arguments, int count)
{
    bool covers = part_wanted == PAINT_NO_COVERS && has_written;

    if (covers && hook == SHADE)
        return;
    if (covers && hook >= FILL && hook <= CLOSE_FILL_STROKE_EVEN)
        hook = END_PATH;
    ((operator*)real(hook))(gfx, arguments, count);
}

/* In a table of methods an odd address would mean a virtual one (Itanium C++ ABI, 2.3).
 */
#define DEFINE(hook, name, symbol, note)                             \
    void name(void *gfx, void *arguments, int count) __asm__(symbol) \
        __attribute__((aligned(16)));                                \
    void name(void *gfx, void *arguments, int count)                 \
    {                                                                \
        note();                                                      \
        pass(hook, gfx, arguments, count);                           \
    }
OPERATORS(DEFINE)

/* ---- letters one by one -------------------------------------------------------------
 */

static bool are_apart(double a, double b, double least, double most)
{
    return (a < least && b < least) || (a > most && b > most);
}

/* By the box around the clipping path, in the units of the text: cut off for sure. */
void paint_letter(const void *state, double x, double y, double dx, double dy)
{
    double x1, y1, x2, y2;

    if (!watched || !real(CLIP_BOX))
        return;
    ((void (*)(const void *, double *, double *, double *, double *))real(CLIP_BOX))(
        state, &x1, &y1, &x2, &y2);
    watched->clipped += are_apart(x, x + dx, x1, x2) || are_apart(y, y + dy, y1, y2);
}

/* ---- cairo's functions --------------------------------------------------------------
 */

void cairo_show_glyphs(cairo_t *cairo, const cairo_glyph_t *glyphs, int count)
{
    if (part_wanted != PAINT_NO_LETTERS)
        ((void (*)(cairo_t *, const cairo_glyph_t *, int))real(GLYPHS))(cairo, glyphs,
                                                                        count);
}

void cairo_glyph_path(cairo_t *cairo, const cairo_glyph_t *glyphs, int count)
{
    if (part_wanted != PAINT_NO_LETTERS)
        ((void (*)(cairo_t *, const cairo_glyph_t *, int))real(OUTLINES))(cairo, glyphs,
                                                                          count);
}

cairo_pattern_t *cairo_pattern_create_for_surface(cairo_surface_t *surface)
{
    textures++;
    if (part_wanted == PAINT_NO_COVERS && has_written)
        return cairo_pattern_create_rgba(0, 0, 0, 0);
    return ((cairo_pattern_t * (*)(cairo_surface_t *)) real(IMAGE))(surface);
}

cairo_pattern_t *cairo_pattern_create_mesh(void)
{
    textures++;
    return ((cairo_pattern_t * (*)(void)) real(MESH))();
}

cairo_pattern_t *cairo_pattern_create_linear(double x0, double y0, double x1, double y1)
{
    textures++;
    return ((cairo_pattern_t * (*)(double, double, double, double))
                real(LINEAR))(x0, y0, x1, y1);
}

cairo_pattern_t *cairo_pattern_create_radial(double x0, double y0, double r0, double x1,
                                             double y1, double r1)
{
    textures++;
    return ((cairo_pattern_t * (*)(double, double, double, double, double, double))
                real(RADIAL))(x0, y0, r0, x1, y1, r1);
}

/* ---- watching -----------------------------------------------------------------------
 */

bool paint_watches(void)
{
    return was_called;
}

void paint_watch(struct paint_seen *seen)
{
    watched = seen;
    if (seen)
        *seen = (struct paint_seen){0};
}

void paint_only(enum paint_part part)
{
    part_wanted = part;
    has_written = false;
    textures = 0;
}

unsigned paint_textures(void)
{
    return textures;
}
