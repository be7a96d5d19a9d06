/* The lists themselves: what a child needs goes on, what it must not do ends it. */
#include "ingest/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Run act under the list of a role; returns the wait status. */
static int under(enum sandbox_role role, bool maps, int (*act)(void))
{
    struct sandbox_options options = {.maps = maps};
    struct sandbox_filter *filter;
    int status = 0;

    assert_int_equal(sandbox_filter_make(&filter, role, &options, NULL), 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(sandbox_filter_install(filter) == 0 ? act() : 99);
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    sandbox_filter_free(filter);
    return status;
}

static int use_memory(void)
{
    char *bytes = malloc(1 << 24);

    if (!bytes)
        return 1;
    bytes[1 << 20] = 1;
    free(bytes);
    return 0;
}

static int open_a_file(void)
{
    return open("/etc/passwd", O_RDONLY) < 0 ? errno : 0;
}

static int start_a_process(void)
{
    return fork() < 0 ? errno : 0;
}

static void a_child_has_memory(void **state)
{
    (void)state;
    assert_int_equal(under(SANDBOX_CHILD, false, use_memory), 0);
}

static void a_child_opens_files_only_where_landlock_chooses_them(void **state)
{
    (void)state;
    if (!sandbox_enforced) {
        fputs("this build limits nothing\n", stderr);
        skip();
    }
    assert_int_equal(WEXITSTATUS(under(SANDBOX_CHILD, false, open_a_file)), EACCES);
    assert_int_equal(under(SANDBOX_CHILD, true, open_a_file), 0);
}

static void a_child_that_forks_is_ended(void **state)
{
    (void)state;
    if (!sandbox_enforced) {
        fputs("this build limits nothing\n", stderr);
        skip();
    }
    int status = under(SANDBOX_CHILD, false, start_a_process);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
    assert_int_equal(under(SANDBOX_LANE, false, start_a_process), 0);
    assert_int_equal(WEXITSTATUS(under(SANDBOX_CONDUCTOR, false, start_a_process)),
                     EPERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_has_memory),
        cmocka_unit_test(a_child_opens_files_only_where_landlock_chooses_them),
        cmocka_unit_test(a_child_that_forks_is_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
