/* A failure sets status and text together; hostile names cannot steer a terminal. */
#include "infer/model.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

static void status_and_text_are_set_together(void **state)
{
    struct infer_error err;

    (void)state;
    assert_int_equal(infer_fail(&err, INFER_ELIMIT, "%d of %s", 7, "x"), INFER_ELIMIT);
    assert_int_equal(err.status, INFER_ELIMIT);
    assert_string_equal(err.text, "7 of x");
}

static void nobody_need_listen(void **state)
{
    (void)state;
    assert_int_equal(infer_fail(NULL, INFER_EIO, "x"), INFER_EIO);
}

static void control_characters_are_replaced(void **state)
{
    struct infer_error err;

    (void)state;
    infer_fail(&err, INFER_EFORMAT, "\x1b[2J\x7f\n\xc3\xa9");
    assert_string_equal(err.text, "?[2J??\xc3\xa9");
}

static void a_long_text_is_cut(void **state)
{
    struct infer_error err;
    char name[1000];

    (void)state;
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    infer_fail(&err, INFER_EFORMAT, "%s", name);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_and_text_are_set_together),
        cmocka_unit_test(nobody_need_listen),
        cmocka_unit_test(control_characters_are_replaced),
        cmocka_unit_test(a_long_text_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
