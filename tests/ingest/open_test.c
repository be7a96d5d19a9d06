/* Which reader a document gets, by its bytes alone. */
#include "ingest/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIND(literal) reader_find((const uint8_t *)(literal), sizeof(literal) - 1)

static void a_pdf_header_may_stand_within_the_first_kilobyte(void **state)
{
    uint8_t bytes[2000];

    (void)state;
    assert_ptr_equal(FIND("%PDF-1.7\n"), &reader_pdf);
    for (size_t at = 1018; at <= 1020; at++) {
        memset(bytes, '\n', sizeof bytes);
        memcpy(bytes + at, "%PDF-", 5);
        assert_ptr_equal(reader_find(bytes, sizeof bytes),
                         at <= 1019 ? &reader_pdf : NULL);
    }
}

static void xml_is_known_by_its_first_markup(void **state)
{
    (void)state;
    assert_ptr_equal(FIND("<?xml version='1.0'?><a/>"), &reader_xml);
    assert_ptr_equal(FIND("\xEF\xBB\xBF<a/>"), &reader_xml);
    assert_ptr_equal(FIND(" \r\n\t<a>x</a>"), &reader_xml);
    assert_ptr_equal(FIND("<!-- x --><a/>"), &reader_xml);
    assert_ptr_equal(FIND("<\xC3\xA9l\xC3\xA9ment/>"), &reader_xml);
}

static void xml_is_known_in_wide_encodings(void **state)
{
    (void)state;
    assert_ptr_equal(FIND("\xFF\xFE<\0a\0/\0>\0"), &reader_xml);
    assert_ptr_equal(FIND("\xFE\xFF\0<\0a\0/\0>"), &reader_xml);
    assert_ptr_equal(FIND("<\0?\0x\0m\0l\0"), &reader_xml);
    assert_ptr_equal(FIND("\0<\0?\0x\0m\0l"), &reader_xml);
    assert_ptr_equal(FIND("\0\0\xFE\xFF\0\0\0<\0\0\0a"), &reader_xml);
    assert_ptr_equal(FIND("\xFF\xFE\0\0<\0\0\0a\0\0\0"), &reader_xml);
}

static void anything_else_is_nothing(void **state)
{
    (void)state;
    assert_null(FIND(""));
    assert_null(FIND("plain text"));
    assert_null(FIND("< 5 and > 3"));
    assert_null(FIND("PK\3\4"));
    assert_null(FIND("\xD0\xCF\x11\xE0"));
    assert_null(FIND("\xFF\xFE"));
}

static void an_xml_declaration_wins_over_a_pdf_header(void **state)
{
    (void)state;
    assert_ptr_equal(FIND("<?xml version='1.0'?><a>%PDF-1.4</a>"), &reader_xml);
    assert_ptr_equal(FIND("<html>error</html>%PDF-1.4"), &reader_pdf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pdf_header_may_stand_within_the_first_kilobyte),
        cmocka_unit_test(xml_is_known_by_its_first_markup),
        cmocka_unit_test(xml_is_known_in_wide_encodings),
        cmocka_unit_test(anything_else_is_nothing),
        cmocka_unit_test(an_xml_declaration_wins_over_a_pdf_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
