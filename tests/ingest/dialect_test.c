/* The tables of XML dialects: in order, and found by the right roots. */
#include "ingest/dialect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void tables_are_sorted_and_name_an_element_once(void **state)
{
    (void)state;
    for (size_t d = 0; d < dialect_count; d++)
        for (size_t i = 1; i < dialects[d]->element_count; i++)
            assert_true(strcmp(dialects[d]->element[i - 1].name,
                               dialects[d]->element[i].name) < 0);
}

static void roots_and_namespaces_tell_the_dialect(void **state)
{
    static const struct {
        const char *root, *name_space, *dialect;
    } cases[] = {
        {"ClinicalDocument", "urn:hl7-org:v3", "ccda"},
        {"section", "urn:hl7-org:v3", "ccda"},
        {"ClinicalDocument", NULL, "ccda"},
        {"article", NULL, "jats"},
        {"article", "http://docbook.org/ns/docbook", "xml"},
        {"bill", "http://schemas.gpo.gov/xml/uslm", "uslm"},
        {"lawDoc", "http://xml.house.gov/schemas/uslm/1.0", "uslm"},
        {"bill", NULL, "uslm"},
        {"akomaNtoso", "http://docs.oasis-open.org/legaldocml/ns/akn/3.0",
         "akomantoso"},
        {"akomaNtoso", NULL, "akomantoso"},
        {"html", "http://www.w3.org/1999/xhtml", "xml"},
        {"anything", NULL, "xml"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(dialect_find(cases[i].root, cases[i].name_space)->name,
                            cases[i].dialect);
}

static void every_element_of_a_table_is_found(void **state)
{
    (void)state;
    for (size_t d = 0; d < dialect_count; d++)
        for (size_t i = 0; i < dialects[d]->element_count; i++)
            assert_int_equal(
                dialect_role(dialects[d], dialects[d]->element[i].name, NULL),
                dialects[d]->element[i].role);
}

static void what_no_table_names_is_judged_by_its_place(void **state)
{
    (void)state;
    for (size_t d = 0; d < dialect_count; d++)
        assert_int_equal(dialect_role(dialects[d], "no-such-element", NULL), ROLE_AUTO);
}

static void shared_vocabularies_mean_the_same_everywhere(void **state)
{
    (void)state;
    for (size_t d = 0; d < dialect_count; d++) {
        assert_int_equal(
            dialect_role(dialects[d], "mi", "http://www.w3.org/1998/Math/MathML"),
            ROLE_INLINE);
        assert_int_equal(
            dialect_role(dialects[d], "title", "http://purl.org/dc/elements/1.1/"),
            ROLE_HEADLINE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_sorted_and_name_an_element_once),
        cmocka_unit_test(roots_and_namespaces_tell_the_dialect),
        cmocka_unit_test(every_element_of_a_table_is_found),
        cmocka_unit_test(what_no_table_names_is_judged_by_its_place),
        cmocka_unit_test(shared_vocabularies_mean_the_same_everywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
