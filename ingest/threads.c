/* threads - what the kernel holds each thread of a process to.
 *
 *     /proc/PID/task/TID/status      NoNewPrivs:       1
 *                                    Seccomp:          2    (a list is in force)
 *                                    Seccomp_filters:  1    (how many, one on another)
 *
 * A list that was asked for is not yet one that is kept: what a run says of itself is
 * read back, thread by thread, from the kernel, which answers for every process of
 * the same user. The same could be asked with prctl(), but only by each thread for
 * itself, and a child that reads a document has no prctl(). */
#include "ingest/threads.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STATUS_BYTES = 4096 };
#define LISTS "\nSeccomp_filters:" /* since Linux 5.9 */

static int own_task = -1;

void threads_pin(void)
{
    if (own_task < 0)
        own_task = open(THREADS_OWN, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* The number behind "NAME:", -1 when there is no such line. */
static long status_number(const char *status, const char *name)
{
    const char *line = strstr(status, name);

    return line ? strtol(line + strlen(name), NULL, 10) : -1;
}

/* Read a status file; false when the thread is gone. */
static bool status_read(int folder, const char *path, char status[STATUS_BYTES])
{
    int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    ssize_t bytes = read(fd, status, STATUS_BYTES - 1);
    close(fd);
    status[bytes > 0 ? bytes : 0] = '\0';
    return bytes > 0;
}

int threads_lists(void)
{
    char status[STATUS_BYTES];

    if (!status_read(AT_FDCWD, "/proc/thread-self/status", status))
        return 0;
    long count = status_number(status, LISTS);
    return count > 0 ? (int)count : 0;
}

/* 1 when the thread is held, 0 when not, -1 when it is gone. */
static int thread_is_held(int task, const char *thread, int lists)
{
    enum { MODE_FILTER = 2 };
    char path[300], status[STATUS_BYTES];

    snprintf(path, sizeof path, "%s/status", thread);
    if (!status_read(task, path, status))
        return -1;
    long count = status_number(status, LISTS);
    return status_number(status, "\nSeccomp:") == MODE_FILTER &&
           status_number(status, "\nNoNewPrivs:") == 1 && (count < 0 || count >= lists);
}

static int open_task(pid_t pid)
{
    char path[40];

    if (pid == 0)
        snprintf(path, sizeof path, THREADS_OWN);
    else
        snprintf(path, sizeof path, "/proc/%ld/task", (long)pid);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void threads_count(pid_t pid, int lists, struct ingest_hold *out)
{
    int task = open_task(pid);
    DIR *folder = task >= 0 ? fdopendir(task) : NULL;

    if (!folder) {
        if (task >= 0)
            close(task);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        int held =
            entry->d_name[0] == '.' ? -1 : thread_is_held(task, entry->d_name, lists);
        out->threads += held >= 0;
        out->held += held > 0;
    }
    closedir(folder);
}
