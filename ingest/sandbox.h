/* sandbox - which system calls each of our processes may make. */
#ifndef INGEST_SANDBOX_H
#define INGEST_SANDBOX_H

#include "ingest/ingest.h"

enum sandbox_role {
    SANDBOX_CONDUCTOR, /* cloister: the model, the database, the report */
    SANDBOX_LANE,      /* cloister-parse: forks and watches children */
    SANDBOX_CHILD,     /* the process that reads one document */
    SANDBOX_ROLES
};

enum { SANDBOX_FRAMES_FD = 3 }; /* the only descriptor a child may write to */

struct sandbox_filter; /* one role's list, compiled for the kernel */

struct sandbox_options {
    const pid_t *lane; /* conductor: processes it may kill */
    int lane_count;
    bool maps; /* lane and child: files are opened for reading; Landlock says which */
};

/* False in builds for sanitizers, whose run-time library makes calls of its own:
 * filters compile there, but nothing is installed. */
extern const bool sandbox_enforced;

int sandbox_filter_make(struct sandbox_filter **out, enum sandbox_role role,
                        const struct sandbox_options *options,
                        struct ingest_error *err);
void sandbox_filter_free(struct sandbox_filter *filter); /* NULL is allowed */

/* From here on this process keeps to the list, with all its threads; it can take on
 * further lists, never drop one. Returns 0, or -1 with errno. Allocates nothing. */
int sandbox_filter_install(const struct sandbox_filter *filter);

/* ---- landlock.c: files, and a network of one's own ------------------------------- */

/* The version of Landlock that the kernel offers; 0 without Landlock. */
int landlock_abi(void);

/* This thread and those it starts may open only what is granted, and connect to
 * nothing. signals_too: nor signal a process outside. A granted path that does not
 * exist is left out. Returns 0, or -1 with errno; ENOSYS and EOPNOTSUPP say that the
 * kernel has no Landlock. */
int landlock_confine(const struct ingest_grant *grant, size_t count, bool signals_too);

/* New namespaces for users and the network; false where the kernel or the
 * machine's owner does not allow that. */
bool namespaces_leave(void);

/* ---- lock.c: what each role does, in order -----------------------------------------
 */

/* The folder of poppler-data, with the character maps of Chinese, Japanese, Korean. */
extern const struct ingest_grant lock_maps;

/* Take the rights of a lane from this process, which has one thread, and make the list
 * that its children add; had tells of Landlock and namespaces. 0, or -1 when the
 * kernel has no seccomp. */
int lock_lane(struct sandbox_filter **child, struct ingest_hold *had);

#endif
