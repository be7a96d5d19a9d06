/* What XML says before its root: DOCTYPE, encoding, and what contradicts itself. */
#include "ingest/prologue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define FAULT(literal)  prologue_fault((const uint8_t *)(literal), sizeof(literal) - 1)
#define SUBSET(literal) (FAULT(literal) == prologue_subset)

static void an_internal_subset_is_found(void **state)
{
    (void)state;
    assert_true(SUBSET("<!DOCTYPE a [<!ENTITY x 'y'>]><a/>"));
    assert_true(SUBSET("<?xml version='1.0'?><!-- c --><!DOCTYPE a []><a/>"));
    assert_true(SUBSET("<!DOCTYPE a SYSTEM 'x.dtd' [<!ELEMENT a ANY>]><a/>"));
    assert_true(SUBSET("\xFF\xFE<\0!\0D\0O\0C\0T\0Y\0P\0E\0 \0a\0[\0]\0>\0"));
}

static void what_looks_like_a_subset_and_is_none_passes(void **state)
{
    (void)state;
    assert_null(FAULT("<!DOCTYPE a SYSTEM 'x[1].dtd'><a/>"));
    assert_null(FAULT("<!DOCTYPE a PUBLIC \"-//[\" \"x'[\"><a>[]</a>"));
    assert_null(FAULT("<!-- <!DOCTYPE a [ --><a/>"));
    assert_null(FAULT("<?pi <!DOCTYPE a [ ?><a/>"));
    assert_null(FAULT("<a><!DOCTYPE b [</a>"));
    assert_null(FAULT("<!-- no end"));
    assert_null(FAULT(""));
}

/* libxml2 2.9 reads the brackets behind the end as a subset, and asks for no space. */
static void a_doctype_with_a_wrong_frame_is_refused(void **state)
{
    (void)state;
    assert_non_null(FAULT("<!DOCTYPE a>[]><a/>"));
    assert_non_null(FAULT("<!DOCTYPE a>[<!ENTITY x 'y'>]><a>&x;</a>"));
    assert_non_null(FAULT("<!DOCTYPEa><a/>"));
    assert_non_null(FAULT("<!DOCTYPE"));
    assert_null(FAULT("<!DOCTYPE a>\n<!-- c --><?p?><a/>"));
}

static void half_a_character_at_the_end_is_refused(void **state)
{
    (void)state;
    assert_null(FAULT("\xFF\xFE<\0a\0/\0>\0"));
    assert_non_null(FAULT("\xFF\xFE<\0a\0/\0>\0\n"));
    assert_non_null(FAULT("\xFF\xFE\0\0<\0\0\0a\0\0\0/\0\0\0>\0"));
}

static void a_mark_and_a_declaration_say_the_same(void **state)
{
    (void)state;
    assert_null(FAULT("\xEF\xBB\xBF<?xml version='1.0' encoding='utf-8'?><a/>"));
    assert_null(FAULT("\xEF\xBB\xBF<?xml version='1.0'?><a encoding='x'/>"));
    assert_non_null(
        FAULT("\xEF\xBB\xBF<?xml version='1.0' encoding = \"latin1\"?><a/>"));
    assert_null(FAULT("<?xml version='1.0' encoding='latin1'?><a/>"));
    assert_non_null(
        FAULT("\xFF\xFE<\0?\0x\0m\0l\0 \0e\0n\0c\0o\0d\0i\0n\0g\0=\0'\0x\0'\0"));
    assert_null(FAULT("\xEF\xBB\xBF<?xml encoding"));
}

#define ENCODING(literal) \
    prologue_encoding((const uint8_t *)(literal), sizeof(literal) - 1)

static void an_encoding_is_told_where_libxml2_cannot_know(void **state)
{
    (void)state;
    assert_null(ENCODING("\xFF\xFE<\0"));
    assert_null(ENCODING("<a/>"));
    assert_string_equal(ENCODING("\0<\0a"), "UTF-16BE");
    assert_string_equal(ENCODING("<\0a\0"), "UTF-16LE");
    assert_ptr_equal(ENCODING("\xFF\xFE\0\0<\0\0\0"), prologue_utf32);
    assert_ptr_equal(ENCODING("\0\0\0<"), prologue_utf32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_internal_subset_is_found),
        cmocka_unit_test(what_looks_like_a_subset_and_is_none_passes),
        cmocka_unit_test(a_doctype_with_a_wrong_frame_is_refused),
        cmocka_unit_test(half_a_character_at_the_end_is_refused),
        cmocka_unit_test(a_mark_and_a_declaration_say_the_same),
        cmocka_unit_test(an_encoding_is_told_where_libxml2_cannot_know),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
