/* threads - what the kernel holds each thread of a process to. */
#ifndef INGEST_THREADS_H
#define INGEST_THREADS_H

#include "ingest/ingest.h"

/* The folder in which the kernel tells of our own threads. */
#define THREADS_OWN "/proc/self/task"

/* Keep that folder open, so that Landlock, which knows a folder by its inode, goes on
 * to know it; what a kernel without /proc cannot show is left out. */
void threads_pin(void);

/* Add the threads of a process, 0 being our own, to out: how many there are, and how
 * many can neither leave their list of system calls (lists of them, or more) nor gain
 * rights by execve(). Nothing is added where /proc cannot be read. */
void threads_count(pid_t pid, int lists, struct ingest_hold *out);

#endif
