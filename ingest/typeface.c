/* typeface - the one typeface of a process that may open no file.
 *
 * Documents need not bring the fonts they use; Poppler asks fontconfig for a file with
 * a likely one and FreeType to open it. A child can open nothing, and has no need to:
 * whether ink is where a letter should be does not depend on the letter's shape. So
 * fontconfig is told of one font only, and FT_New_Face() below takes the place of
 * FreeType's function for all of the program and answers with this:
 *
 *     glyph 0 .. 65532   a box that is narrower and lower than any letter
 *     glyph 65534        nothing, for the two spaces
 *
 *     +------+------+------+------+------+------+------+
 *     | head | hhea | maxp | hmtx | cmap | loca | glyf |     TrueType, big endian
 *     +------+------+------+------+------+------+------+
 *
 * The box stands in glyf twice: each entry of loca is the end of one glyph and the
 * start of the next, and going to and fro between the two copies gives all glyphs the
 * same outline. The font claims to be a Type 1 file because Poppler then leaves the
 * reading of it to FreeType alone. A font that a document does bring but that FreeType
 * cannot read is replaced in the same way: most readers of PDF would show something.
 *
 * Tables: ISO/IEC 14496-22, chapter 5. */
#include "ingest/typeface.h"

#include <assert.h>
#include <fontconfig/fontconfig.h>
#include <ft2build.h>
#include <stdint.h>
#include <string.h>
#include FT_FREETYPE_H

enum {
    GLYPHS = 65535,
    GLYPH_SPACE = GLYPHS - 1,
    GLYPH_BYTES = 36, /* of the box; an even number, since loca counts in halves */
    EM = 1000,
    BOX_LEFT = 40,
    BOX_RIGHT = 200,
    BOX_TOP = 450,
    ADVANCE = 500,
    TABLES = 7,
    TABLES_START = 12 + 16 * TABLES,
    FONT_BYTES_MAX = TABLES_START + 512 + 2 * (GLYPHS + 1)
};

static const uint16_t head[] = {1,         0,       1, 0, 0, 0, /* versions, checksum */
                                0x5F0F,    0x3CF5,              /* the magic number */
                                0,         EM,                  /* flags */
                                0,         0,       0, 0,       /* when it was made */
                                0,         0,       0, 0,       /* and changed */
                                BOX_LEFT,  0,       /* all outlines lie between here */
                                BOX_RIGHT, BOX_TOP, /* and here */
                                0,         8,       2, 0, 0};
static const uint16_t hhea[] = {
    1, 0, 800, (uint16_t)-200, 0, ADVANCE, 0, 0, ADVANCE, 1, 0, 0, 0, 0, 0, 0, 0, 1};
static const uint16_t maxp[] = {1, 0, GLYPHS, 4, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0};
static const uint16_t hmtx[] = {ADVANCE, BOX_LEFT};
static const uint16_t cmap[] = {0,
                                1,
                                3,
                                1,
                                0,
                                12, /* one subtable, of Unicode */
                                4,
                                40,
                                0,
                                6,
                                4,
                                1,
                                2, /* format 4, three segments */
                                0x20,
                                0xA0,
                                0xFFFF, /* their last codes */
                                0,
                                0x20,
                                0xA0,
                                0xFFFF, /* their first codes */
                                (uint16_t)(GLYPH_SPACE - 0x20),
                                (uint16_t)(GLYPH_SPACE - 0xA0),
                                1, /* to be added */
                                0,
                                0,
                                0};
static const uint16_t box[] = {1,
                               BOX_LEFT,
                               0,
                               BOX_RIGHT,
                               BOX_TOP, /* one contour and where it lies */
                               3,
                               0, /* its last point, no instructions */
                               0x0101,
                               0x0101, /* four points, all on the line */
                               BOX_LEFT,
                               0,
                               BOX_RIGHT - BOX_LEFT,
                               0, /* x of each, from the one before */
                               0,
                               BOX_TOP,
                               0,
                               (uint16_t)-BOX_TOP, /* y */
                               0};
static_assert(sizeof box == GLYPH_BYTES, "loca counts on it");

static uint8_t font[FONT_BYTES_MAX];
static size_t font_used;

/* ---- the font -----------------------------------------------------------------------
 */

static void put(int bytes, uint32_t value)
{
    assert(font_used + (size_t)bytes <= sizeof font);
    while (bytes-- > 0)
        font[font_used++] = (uint8_t)(value >> (8 * bytes));
}

static void put_all(const uint16_t *value, size_t bytes)
{
    for (size_t i = 0; i < bytes / 2; i++)
        put(2, value[i]);
}

/* To and fro between the boxes; the last two glyphs end where they start. */
static void put_loca(void)
{
    for (int i = 0; i <= GLYPHS; i++)
        put(2, i % 2 != 0 || i >= GLYPH_SPACE ? GLYPH_BYTES / 2 : 0);
}

/* Enter the table written since start into the directory. Checksums are for printers.
 */
static void end_table(int index, const char *tag, size_t start)
{
    size_t end = font_used;

    font_used = 12 + 16 * (size_t)index;
    for (int i = 0; i < 4; i++)
        put(1, (uint8_t)tag[i]);
    put(4, 0);
    put(4, (uint32_t)start);
    put(4, (uint32_t)(end - start));
    font_used = end;
    while (font_used % 4 != 0)
        put(1, 0);
}

static void make_font(void)
{
    static const struct {
        const char *tag;
        const uint16_t *value;
        size_t bytes;
    } table[TABLES] = {
        {"head", head, sizeof head}, {"hhea", hhea, sizeof hhea},
        {"maxp", maxp, sizeof maxp}, {"hmtx", hmtx, sizeof hmtx},
        {"cmap", cmap, sizeof cmap}, {"glyf", box, sizeof box},
        {"loca", NULL, 0},
    };

    font_used = 0;
    put(4, 0x00010000);
    put(2, TABLES);
    put(2, 64), put(2, 2), put(2, 16 * TABLES - 64); /* for a binary search */
    font_used = TABLES_START;
    for (int i = 0; i < TABLES; i++) {
        size_t start = font_used;
        put_all(table[i].value, table[i].bytes);
        if (table[i].value == box)
            put_all(box, sizeof box);
        if (!table[i].value)
            put_loca();
        end_table(i, table[i].tag, start);
    }
}

/* ---- who asks for one ---------------------------------------------------------------
 */

static FT_Error open_box(FT_Library library, FT_Face *face)
{
    const FT_Open_Args args = {
        .flags = FT_OPEN_MEMORY,
        .memory_base = font,
        .memory_size = (FT_Long)font_used,
    };

    return FT_Open_Face(library, &args, 0, face);
}

FT_Error FT_New_Face(FT_Library library, const char *path, FT_Long index, FT_Face *face)
{
    (void)path;
    (void)index;
    return open_box(library, face);
}

FT_Error FT_New_Memory_Face(FT_Library library, const FT_Byte *bytes, FT_Long count,
                            FT_Long index, FT_Face *face)
{
    const FT_Open_Args args = {
        .flags = FT_OPEN_MEMORY,
        .memory_base = bytes,
        .memory_size = count,
    };
    FT_Error error = FT_Open_Face(library, &args, index, face);

    return error ? open_box(library, face) : 0;
}

/* A set of fonts to add to exists once fontconfig has been asked to add a file, even
 * one that is not there. */
static void name_font(void)
{
    FcConfig *config = FcConfigCreate();
    FcPattern *pattern = FcPatternCreate();

    if (!config || !pattern)
        return;
    FcPatternAddString(pattern, FC_FAMILY, (const FcChar8 *)"Box");
    FcPatternAddString(pattern, FC_FILE, (const FcChar8 *)"box.pfb");
    FcPatternAddInteger(pattern, FC_INDEX, 0);
    FcConfigAppFontAddFile(config, (const FcChar8 *)"");
    FcFontSet *set = FcConfigGetFonts(config, FcSetApplication);
    if (!set || !FcFontSetAdd(set, pattern))
        FcPatternDestroy(pattern);
    FcConfigSetCurrent(config);
    FcConfigDestroy(config); /* our hold on it */
}

void typeface_warm(void)
{
    make_font();
    name_font();
}
