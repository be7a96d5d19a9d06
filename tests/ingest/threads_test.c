/* What the kernel says of threads, here and in another process. */
#include "ingest/sandbox.h"
#include "ingest/threads.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Look at a process that keeps to one list: is it held by so many? */
static int held_by(int lists)
{
    struct sandbox_options options = {0};
    struct sandbox_filter *filter;
    struct ingest_hold hold = {0};
    int ready[2], quiet[2];
    char byte;

    assert_int_equal(sandbox_filter_make(&filter, SANDBOX_CONDUCTOR, &options, NULL),
                     0);
    assert_true(pipe(ready) == 0 && pipe(quiet) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (sandbox_filter_install(filter) != 0 || write(ready[1], "", 1) != 1)
            _exit(1);
        _exit(read(quiet[0], &byte, 1) == 1 ? 0 : 1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    threads_count(pid, lists, &hold);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    for (int i = 0; i < 2; i++) {
        close(ready[i]);
        close(quiet[i]);
    }
    sandbox_filter_free(filter);
    assert_int_equal(hold.threads, 1);
    return hold.held;
}

static void a_thread_is_held_by_as_many_lists_as_it_has(void **state)
{
    (void)state;
    if (!sandbox_enforced) {
        fputs("this build limits nothing\n", stderr);
        skip();
    }
    int lists = threads_lists(); /* of a container that the tests run in */
    assert_int_equal(held_by(lists + 1), 1);
    assert_int_equal(held_by(lists + 2), 0);
}

static void threads_of_no_process_are_none(void **state)
{
    struct ingest_hold hold = {.threads = 3, .held = 2};
    pid_t pid = fork();

    (void)state;
    if (pid == 0)
        _exit(0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    threads_count(pid, 1, &hold);
    assert_int_equal(hold.threads, 3); /* it adds */
    assert_int_equal(hold.held, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_is_held_by_as_many_lists_as_it_has),
        cmocka_unit_test(threads_of_no_process_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
