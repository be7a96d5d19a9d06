/* What Poppler mentions in passing: the losses among it are kept, by their kind. */
#include "ingest/complaint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static int forget(void **state)
{
    (void)state;
    complaint_forget();
    return 0;
}

static void what_costs_no_text_is_not_kept(void **state)
{
    (void)state;
    complaint_hear("Syntax warning: Illegal annotation destination");
    complaint_hear("Syntax error at position 9: Leftover args in content stream");
    assert_null(complaint_loss());
    assert_null(complaint_loss_of_maps());
}

static void a_missing_map_names_the_package(void **state)
{
    (void)state;
    complaint_hear("Syntax error: Missing language pack for 'Adobe-GB1' mapping");
    assert_non_null(strstr(complaint_loss(), "poppler-data"));
    assert_ptr_equal(complaint_loss(), complaint_loss_of_maps());
}

static void a_map_that_nobody_has_is_missing_too(void **state)
{
    (void)state;
    complaint_hear("Syntax error: Couldn't find 'X-H' CMap file for 'Adobe-GB1' "
                   "collection");
    assert_non_null(complaint_loss_of_maps());
}

static void fonts_and_streams_are_losses_of_their_own(void **state)
{
    (void)state;
    complaint_hear("Syntax error at position 320: Bad block header in flate stream");
    assert_non_null(strstr(complaint_loss(), "damaged"));
    complaint_hear("Syntax error at position 320: No font in show");
    assert_non_null(strstr(complaint_loss(), "font"));
    assert_null(complaint_loss_of_maps());
}

static void a_page_that_breaks_the_syntax_is_a_loss(void **state)
{
    (void)state;
    complaint_hear("Syntax error at position 44: Unterminated string");
    assert_non_null(strstr(complaint_loss(), "well-formed"));
    complaint_hear("Syntax error at position 50: Bad block header in flate stream");
    assert_non_null(strstr(complaint_loss(), "compressed"));
}

/* A missing map leaves a page without its font, which is mentioned as well. */
static void the_map_is_the_cause_that_is_told(void **state)
{
    (void)state;
    complaint_hear("Syntax error: Unknown font tag 'F1'");
    complaint_hear("Syntax error: Missing language pack for 'Adobe-GB1' mapping");
    assert_non_null(strstr(complaint_loss(), "poppler-data"));
}

static void the_words_of_the_document_are_not_told(void **state)
{
    (void)state;
    complaint_hear("Syntax error: Unknown font tag 'my secret'");
    assert_null(strstr(complaint_loss(), "secret"));
}

static void the_next_document_begins_in_silence(void **state)
{
    (void)state;
    complaint_hear("Syntax error: No font in show");
    complaint_forget();
    assert_null(complaint_loss());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_costs_no_text_is_not_kept, forget),
        cmocka_unit_test_setup(a_missing_map_names_the_package, forget),
        cmocka_unit_test_setup(a_map_that_nobody_has_is_missing_too, forget),
        cmocka_unit_test_setup(fonts_and_streams_are_losses_of_their_own, forget),
        cmocka_unit_test_setup(a_page_that_breaks_the_syntax_is_a_loss, forget),
        cmocka_unit_test_setup(the_map_is_the_cause_that_is_told, forget),
        cmocka_unit_test_setup(the_words_of_the_document_are_not_told, forget),
        cmocka_unit_test_setup(the_next_document_begins_in_silence, forget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
