/* The caller's error struct: filled, cut to its size, or not there. */
#include "ingest/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void the_status_comes_back_and_the_text_is_kept(void **state)
{
    struct ingest_error err;

    (void)state;
    assert_int_equal(error_set(&err, INGEST_EIO, "%d of %s", 3, "pages"), INGEST_EIO);
    assert_int_equal(err.status, INGEST_EIO);
    assert_string_equal(err.text, "3 of pages");
}

static void nobody_may_ask_for_the_text(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, INGEST_EIO, "unheard"), INGEST_EIO);
}

static void a_long_text_is_cut(void **state)
{
    struct ingest_error err;
    char text[400];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    error_set(&err, INGEST_EIO, "%s", text);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_status_comes_back_and_the_text_is_kept),
        cmocka_unit_test(nobody_may_ask_for_the_text),
        cmocka_unit_test(a_long_text_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
