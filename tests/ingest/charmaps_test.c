/* A child can convert what its lane has prepared, and only that. */
#include "ingest/charmaps.h"
#include "ingest/sandbox.h"

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Convert two letters in a process under the list of a child: was it possible? */
static bool child_converts(bool prepared)
{
    static const char utf16[] = {0, 'H', 0, 'i'};
    struct sandbox_options options = {0};
    struct sandbox_filter *filter;
    int status = 0;

    assert_int_equal(sandbox_filter_make(&filter, SANDBOX_CHILD, &options, NULL), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (prepared)
            charmaps_hold();
        if (sandbox_filter_install(filter) != 0)
            _exit(2);
        char *text =
            g_convert(utf16, sizeof utf16, "UTF-8", "UTF-16BE", NULL, NULL, NULL);
        _exit(text && strcmp(text, "Hi") == 0 ? 0 : 1);
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    sandbox_filter_free(filter);
    return status == 0;
}

static void utf_16_is_converted_without_files_once_the_tables_are_held(void **state)
{
    (void)state;
    assert_true(child_converts(true));
    if (!sandbox_enforced) {
        fputs("this build limits nothing\n", stderr);
        skip();
    }
    assert_false(child_converts(false));
}

static void holding_twice_is_as_good_as_once(void **state)
{
    (void)state;
    charmaps_hold();
    charmaps_hold();
    assert_true(child_converts(true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf_16_is_converted_without_files_once_the_tables_are_held),
        cmocka_unit_test(holding_twice_is_as_good_as_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
