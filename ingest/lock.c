/* lock - what each role gives up, and in which order.
 *
 *     lane        namespaces, files (Landlock), the list of a lane
 *     child       its limits (child.c), then the list of a child on top of the lane's
 *     conductor   files, before it has threads; the list, in all of them
 *
 * seccomp is what the rest stands on: without it nothing starts. Landlock and
 * namespaces come on top where kernel and owner allow them; what a run had is
 * written into its log by whoever asks probe.c. */
#include "ingest/sandbox.h"

#include "ingest/error.h"
#include "ingest/parser.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

const struct ingest_grant lock_maps = {.path = "/usr/share/poppler"};

int lock_lane(struct sandbox_filter **child)
{
    struct sandbox_filter *lane = NULL;
    int rc = -1;

    *child = NULL;
    namespaces_leave();
    struct sandbox_options options = {
        .maps = landlock_confine(&lock_maps, 1, true) == 0,
    };
    /* New credentials may have cleared the signal that worker.c asked for. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0)
        return -1;
    if (sandbox_filter_make(child, SANDBOX_CHILD, &options, NULL) == 0 &&
        sandbox_filter_make(&lane, SANDBOX_LANE, &options, NULL) == 0)
        rc = sandbox_filter_install(lane);
    sandbox_filter_free(lane);
    return rc;
}

int ingest_confine(const struct ingest_grant *grant, size_t count, int *abi,
                   struct ingest_error *err)
{
    *abi = sandbox_enforced ? landlock_abi() : 0;
    if (*abi == 0 || landlock_confine(grant, count, false) == 0)
        return 0;
    return error_set(err, INGEST_EIO, "Landlock refuses: %s", strerror(errno));
}

int ingest_lock(const struct ingest_parser *parser, struct ingest_error *err)
{
    pid_t lane[INGEST_LANES_MAX];
    struct sandbox_options options = {.lane = lane};
    struct sandbox_filter *filter = NULL;

    options.lane_count = parser ? parser_processes(parser, lane) : 0;
    int rc = sandbox_filter_make(&filter, SANDBOX_CONDUCTOR, &options, err);
    if (rc == 0 && prctl(PR_SET_DUMPABLE, 0) != 0)
        rc = error_set(err, INGEST_EIO, "prctl: %s", strerror(errno));
    if (rc == 0 && sandbox_filter_install(filter) != 0)
        rc = error_set(err, INGEST_EIO, "the kernel does not limit system calls (%s)",
                       strerror(errno));
    sandbox_filter_free(filter);
    return rc;
}
