/* threads - what the kernel holds each thread of a process to. */
#ifndef INGEST_THREADS_H
#define INGEST_THREADS_H

#include "ingest/ingest.h"

/* The folder in which the kernel tells of our own threads. */
#define THREADS_OWN "/proc/self/task"

/* Keep that folder open, so that Landlock, which knows a folder by its inode, goes on
 * to know it; what a kernel without /proc cannot show is left out. */
void threads_pin(void);

/* How many lists of system calls this process keeps to, those of a container that it
 * runs in included; 0 where /proc cannot be read. */
int threads_lists(void);

/* Add the threads of a process, 0 being our own, to out: how many there are, and how
 * many keep to that number of lists, or more, and cannot gain rights by execve().
 * Nothing is added where /proc cannot be read. */
void threads_count(pid_t pid, int lists, struct ingest_hold *out);

#endif
