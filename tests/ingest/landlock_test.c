/* Files and networks that a confined process has left. */
#include "ingest/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = P_tmpdir "/cloister-landlock-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[2][100];
    static int turn;

    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder) || mkdir(in_folder("read"), 0700) != 0 ||
        mkdir(in_folder("write"), 0700) != 0)
        return -1;
    int fd = open(in_folder("read/file"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    return fd < 0 ? -1 : close(fd);
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"read/file", "write/new"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(in_folder(names[i]));
    return rmdir(in_folder("read")) || rmdir(in_folder("write")) || rmdir(folder);
}

/* The exit status of act in a process of its own. */
static int in_process(int (*act)(void))
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(act());
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int need_landlock(void)
{
    if (sandbox_enforced && landlock_abi() > 0)
        return 1;
    fputs("no Landlock in this kernel or this build\n", stderr);
    return 0;
}

/* 0, or the errno of opening. */
static int opening(const char *name, int flags)
{
    int fd = open(in_folder(name), flags | O_CLOEXEC, 0600);

    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static int confine_folders(void)
{
    const struct ingest_grant grant[] = {
        {.path = in_folder("read")},
        {.path = in_folder("write"), .write = true},
        {.path = "/there/is/no/such/place"},
    };

    return landlock_confine(grant, 3, false);
}

static int use_folders(void)
{
    if (confine_folders() != 0)
        return 1;
    if (opening("read/file", O_RDONLY) != 0 || opening("read", O_RDONLY) != 0)
        return 2;
    if (opening("read/file", O_WRONLY) != EACCES ||
        opening("read/new", O_CREAT | O_WRONLY) != EACCES ||
        unlink(in_folder("read/file")) == 0)
        return 3;
    if (opening("write/new", O_CREAT | O_RDWR) != 0 ||
        unlink(in_folder("write/new")) != 0)
        return 4;
    return mkdir(in_folder("write/folder"), 0700) == 0 ? 5 : 0;
}

static void a_folder_is_read_or_written_as_it_was_granted(void **state)
{
    (void)state;
    if (!need_landlock())
        skip();
    assert_int_equal(in_process(use_folders), 0);
}

static int leave_folders(void)
{
    if (confine_folders() != 0)
        return 1;
    if (open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0 || errno != EACCES)
        return 2;
    if (opening("read/../../cloister-not-there", O_RDONLY) == 0)
        return 3;
    return opening("", O_RDONLY) == EACCES ? 0 : 4;
}

static void what_was_not_granted_is_out_of_reach(void **state)
{
    (void)state;
    if (!need_landlock())
        skip();
    assert_int_equal(in_process(leave_folders), 0);
}

static int use_a_file(void)
{
    const struct ingest_grant grant = {.path = in_folder("read/file")};

    if (landlock_confine(&grant, 1, false) != 0)
        return 1;
    if (opening("read/file", O_RDONLY) != 0)
        return 2;
    return opening("read", O_RDONLY) == EACCES ? 0 : 3;
}

static void a_file_is_granted_without_its_folder(void **state)
{
    (void)state;
    if (!need_landlock())
        skip();
    assert_int_equal(in_process(use_a_file), 0);
}

static int widen(void)
{
    const struct ingest_grant everything = {.path = "/", .write = true};

    if (landlock_confine(NULL, 0, true) != 0 ||
        landlock_confine(&everything, 1, true) != 0)
        return 1;
    return opening("read/file", O_RDONLY) == EACCES ? 0 : 2;
}

static void what_was_given_up_cannot_be_taken_back(void **state)
{
    (void)state;
    if (!need_landlock())
        skip();
    assert_int_equal(in_process(widen), 0);
}

/* How many interfaces this process sees; the file has two lines of heading. */
static int count_interfaces(void)
{
    char line[400];
    int lines = 0;
    FILE *in = fopen("/proc/thread-self/net/dev", "re");

    while (in && fgets(line, sizeof line, in))
        lines++;
    if (in)
        fclose(in);
    return lines - 2;
}

static int leave_network(void)
{
    if (!namespaces_leave())
        return 77;
    return count_interfaces() == 1 ? 0 : 1;
}

static void a_network_of_its_own_has_no_interface_but_lo(void **state)
{
    (void)state;
    int status = in_process(leave_network);
    if (status == 77) {
        fputs("no namespaces for this user or in this build\n", stderr);
        skip();
    }
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_is_read_or_written_as_it_was_granted),
        cmocka_unit_test(what_was_not_granted_is_out_of_reach),
        cmocka_unit_test(a_file_is_granted_without_its_folder),
        cmocka_unit_test(what_was_given_up_cannot_be_taken_back),
        cmocka_unit_test(a_network_of_its_own_has_no_interface_but_lo),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
