/* The one typeface: a box for every letter of every font, nothing for a space. */
#include "ingest/typeface.h"

#include <fontconfig/fontconfig.h>
#include <ft2build.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include FT_FREETYPE_H

#include <cmocka.h>

static FT_Library library;

static int warm(void **state)
{
    (void)state;
    typeface_warm();
    return FT_Init_FreeType(&library);
}

static int cool(void **state)
{
    (void)state;
    FcFini();
    return FT_Done_FreeType(library);
}

static FT_Face open_any(void)
{
    FT_Face face;

    assert_int_equal(FT_New_Face(library, "no such file", 0, &face), 0);
    return face;
}

static void expect_box(FT_Face face, FT_UInt glyph)
{
    assert_int_equal(FT_Load_Glyph(face, glyph, FT_LOAD_NO_SCALE), 0);
    assert_int_equal(face->glyph->outline.n_points, 4);
    assert_int_equal(face->glyph->metrics.height, 450);
}

static void every_glyph_is_a_box(void **state)
{
    FT_Face face = open_any();

    (void)state;
    expect_box(face, 0);
    expect_box(face, 1);
    expect_box(face, 4711);
    expect_box(face, 65532);
    FT_Done_Face(face);
}

static void a_space_is_empty(void **state)
{
    static const FT_ULong space[] = {0x20, 0xA0};
    FT_Face face = open_any();

    (void)state;
    for (int i = 0; i < 2; i++) {
        FT_UInt glyph = FT_Get_Char_Index(face, space[i]);
        assert_true(glyph > 0);
        assert_int_equal(FT_Load_Glyph(face, glyph, FT_LOAD_NO_SCALE), 0);
        assert_int_equal(face->glyph->outline.n_points, 0);
    }
    assert_int_equal(FT_Get_Char_Index(face, 'a'), 0);
    FT_Done_Face(face);
}

static void a_broken_font_becomes_the_box(void **state)
{
    static const FT_Byte broken[] = "%!PS-AdobeFont-1.0: broken";
    FT_Face face;

    (void)state;
    assert_int_equal(FT_New_Memory_Face(library, broken, sizeof broken, 0, &face), 0);
    expect_box(face, 300);
    FT_Done_Face(face);
}

static void fontconfig_knows_no_other(void **state)
{
    FcPattern *wish = FcNameParse((const FcChar8 *)"Helvetica:bold");
    FcResult result;
    FcChar8 *file;

    (void)state;
    FcConfigSubstitute(NULL, wish, FcMatchPattern);
    FcDefaultSubstitute(wish);
    FcFontSet *set = FcFontSort(NULL, wish, FcFalse, NULL, &result);
    assert_non_null(set);
    assert_int_equal(set->nfont, 1);
    assert_int_equal(FcPatternGetString(set->fonts[0], FC_FILE, 0, &file),
                     FcResultMatch);
    assert_string_equal((const char *)file, "box.pfb");
    FcFontSetDestroy(set);
    FcPatternDestroy(wish);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_glyph_is_a_box),
        cmocka_unit_test(a_space_is_empty),
        cmocka_unit_test(a_broken_font_becomes_the_box),
        cmocka_unit_test(fontconfig_knows_no_other),
    };

    return cmocka_run_group_tests_name("typeface", tests, warm, cool);
}
