/* What a conductor and a lane have given up once they are locked. */
#include "ingest/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* The wait status of act in a process of its own. */
static int in_process(int (*act)(void))
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(act());
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    return status;
}

static int need_lists(void)
{
    if (sandbox_enforced)
        return 1;
    fputs("this build limits nothing\n", stderr);
    return 0;
}

static int abi; /* of Landlock; a locked process may not ask */

/* As `cloister run` does it, with one folder to read. */
static int become_conductor(void)
{
    static const struct ingest_grant grant = {.path = "/usr"};
    int confined;

    return ingest_confine(&grant, 1, &confined, NULL) == 0 ? ingest_lock(NULL, NULL)
                                                           : -1;
}

static int act_as_conductor(void)
{
    if (become_conductor() != 0)
        return 1;
    if (syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EPERM)
        return 2;
    if (fork() >= 0 || errno != EPERM)
        return 3;
    if (prctl(PR_GET_DUMPABLE) != 0)
        return 4;
    if (abi > 0 && open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0)
        return 5;
    return open("/usr", O_RDONLY | O_CLOEXEC) < 0 ? 6 : 0;
}

static void a_conductor_keeps_only_what_it_was_granted(void **state)
{
    (void)state;
    if (!need_lists())
        skip();
    assert_int_equal(in_process(act_as_conductor), 0);
}

static void *try_socket(void *arg)
{
    int *start = arg;
    char byte;

    if (read(start[0], &byte, 1) != 1)
        return NULL;
    return syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0) < 0 ? arg : NULL;
}

static int act_with_threads(void)
{
    struct ingest_hold hold;
    pthread_t before, after;
    void *refused[2] = {NULL, NULL};
    int start[2];

    if (pipe(start) != 0 || pthread_create(&before, NULL, try_socket, start) != 0 ||
        become_conductor() != 0 || pthread_create(&after, NULL, try_socket, start) != 0)
        return 1;
    ingest_hold_self(&hold);
    if (hold.threads != 3 || hold.held != 3)
        return 2;
    if (hold.landlock != abi)
        return 3;
    if (write(start[1], "xx", 2) != 2)
        return 4;
    pthread_join(before, &refused[0]);
    pthread_join(after, &refused[1]);
    return refused[0] && refused[1] ? 0 : 5;
}

static void every_thread_is_held_and_seen_to_be(void **state)
{
    (void)state;
    if (!need_lists())
        skip();
    assert_int_equal(in_process(act_with_threads), 0);
}

static int act_as_lane(void)
{
    struct sandbox_filter *child;
    struct ingest_hold had;

    if (lock_lane(&child, &had) != 0 || !child)
        return 1;
    if (had.landlock != abi)
        return 2;
    pid_t pid = fork(); /* what a lane is for */
    if (pid == 0)
        _exit(sandbox_filter_install(child) == 0 ? 0 : 1);
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        return 3;
    sandbox_filter_free(child);
    return syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0) < 0 ? 4 : 5; /* dies */
}

static void a_lane_has_children_and_dies_of_a_socket(void **state)
{
    (void)state;
    if (!need_lists())
        skip();
    int status = in_process(act_as_lane);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

static int see_nothing(void)
{
    struct ingest_hold hold;

    ingest_hold_self(&hold);
    return hold.threads == 1 && hold.held == 0 && hold.landlock == 0 ? 0 : 1;
}

static void a_process_without_lists_is_seen_to_have_none(void **state)
{
    (void)state;
    assert_int_equal(in_process(see_nothing), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conductor_keeps_only_what_it_was_granted),
        cmocka_unit_test(every_thread_is_held_and_seen_to_be),
        cmocka_unit_test(a_lane_has_children_and_dies_of_a_socket),
        cmocka_unit_test(a_process_without_lists_is_seen_to_have_none),
    };

    abi = sandbox_enforced ? landlock_abi() : 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
