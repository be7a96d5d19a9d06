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
#include "ingest/threads.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

const struct ingest_grant lock_maps = {.path = "/usr/share/poppler"};

int lock_lane(struct sandbox_filter **child, struct ingest_hold *had)
{
    struct sandbox_filter *lane = NULL;
    int rc = -1;

    *child = NULL;
    *had = (struct ingest_hold){.namespaces = namespaces_leave()};
    struct sandbox_options options = {
        .maps = landlock_confine(&lock_maps, 1, true) == 0,
    };
    had->landlock = options.maps ? landlock_abi() : 0;
    /* New credentials may have cleared the signal that worker.c asked for. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0)
        return -1;
    if (sandbox_filter_make(child, SANDBOX_CHILD, &options, NULL) == 0 &&
        sandbox_filter_make(&lane, SANDBOX_LANE, &options, NULL) == 0)
        rc = sandbox_filter_install(lane);
    sandbox_filter_free(lane);
    return rc;
}

/* ---- the conductor ----------------------------------------------------------------
 */

static int confined;          /* by this version of Landlock */
static int lists_before = -1; /* of system calls; a container has one, too */

int ingest_confine(const struct ingest_grant *grant, size_t count, int *abi,
                   struct ingest_error *err)
{
    struct ingest_grant *all;

    *abi = sandbox_enforced ? landlock_abi() : 0;
    if (*abi == 0)
        return 0;
    all = calloc(count + 1, sizeof *all);
    if (!all)
        return error_set(err, INGEST_ENOMEM, "no memory for %zu grants", count);
    if (count > 0)
        memcpy(all, grant, count * sizeof *all);
    all[count].path = THREADS_OWN; /* to see what holds our threads */
    threads_pin();
    int rc = landlock_confine(all, count + 1, false);
    if (rc != 0)
        error_set(err, INGEST_EIO, "Landlock refuses: %s", strerror(errno));
    else
        confined = *abi;
    free(all);
    return rc == 0 ? 0 : INGEST_EIO;
}

void ingest_hold_self(struct ingest_hold *out)
{
    int lists = lists_before < 0 ? threads_lists() : lists_before;

    *out = (struct ingest_hold){.landlock = confined};
    threads_count(0, lists + 1, out);
}

/* The list was installed; is it kept, in every thread? Where there is no /proc to tell
 * of the others, this thread is asked. */
static int check_hold(struct ingest_error *err)
{
    enum { MODE_FILTER = 2 };
    struct ingest_hold hold;

    ingest_hold_self(&hold);
    if (hold.threads == 0) {
        hold.threads = 1;
        hold.held = prctl(PR_GET_SECCOMP) == MODE_FILTER &&
                    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
    }
    if (!sandbox_enforced || hold.held == hold.threads)
        return 0;
    return error_set(err, INGEST_EIO,
                     "%d of %d threads keep to no list of system calls",
                     hold.threads - hold.held, hold.threads);
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
    lists_before = threads_lists();
    if (rc == 0 && sandbox_filter_install(filter) != 0)
        rc = error_set(err, INGEST_EIO, "the kernel does not limit system calls (%s)",
                       strerror(errno));
    sandbox_filter_free(filter);
    return rc == 0 ? check_hold(err) : rc;
}
