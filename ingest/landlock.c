/* landlock - files that a process may open, and namespaces it leaves.
 *
 * seccomp sees numbers; a path is a pointer to it. Which files may be opened is for
 * Landlock to say: a set of rights that are taken away everywhere, and of places where
 * they are given back. The set of the kernel's version is used whole, so that what
 * is not granted here is refused: files, devices, TCP, abstract sockets, and signals
 * to processes outside. Landlock grows; a kernel that does not know a right ignores
 * nothing, it refuses the set, so the set is cut to what its version knows.
 *
 * The calls have no function in glibc, and the header of an older kernel does not
 * know the newer rights: both are written out here. */
#include "ingest/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct ruleset { /* struct landlock_ruleset_attr of version 6 */
    uint64_t files, network, scopes;
};

enum {
    FILES_1 = (1 << 13) - 1, /* EXECUTE .. MAKE_SYM */
    FILE_REFER = 1 << 13,    /* version 2 */
    FILE_TRUNCATE = 1 << 14, /* version 3 */
    FILE_IOCTL = 1 << 15,    /* version 5 */
    TCP_BOTH = 3,            /* version 4: bind, connect */
    SCOPE_SOCKETS = 1,       /* version 6: abstract Unix sockets */
    SCOPE_SIGNALS = 2,       /* version 6 */
    FILES_READ = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
    FILES_WRITE = FILES_READ | LANDLOCK_ACCESS_FS_WRITE_FILE |
                  LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                  FILE_TRUNCATE,
    OF_A_FILE =
        LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FILE_TRUNCATE,
};

int landlock_abi(void)
{
    long abi =
        syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    return abi > 0 ? (int)abi : 0;
}

static struct ruleset rights_of(int abi, bool signals_too)
{
    struct ruleset rights = {.files = FILES_1};

    rights.files |= abi >= 2 ? FILE_REFER : 0;
    rights.files |= abi >= 3 ? FILE_TRUNCATE : 0;
    rights.files |= abi >= 5 ? FILE_IOCTL : 0;
    rights.network = abi >= 4 ? TCP_BOTH : 0;
    if (abi >= 6)
        rights.scopes = SCOPE_SOCKETS | (signals_too ? SCOPE_SIGNALS : 0);
    return rights;
}

/* Give back what is granted below one path. */
static int ruleset_grant(int ruleset, const struct ingest_grant *grant, uint64_t known)
{
    struct landlock_path_beneath_attr below = {0};
    struct stat st;
    int rc = 0;

    below.parent_fd = open(grant->path, O_PATH | O_CLOEXEC);
    if (below.parent_fd < 0)
        return 0; /* what is not there needs no right */
    below.allowed_access = (grant->write ? FILES_WRITE : FILES_READ) & known;
    if (fstat(below.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
        below.allowed_access &= OF_A_FILE;
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &below,
                0) != 0)
        rc = -1;
    close(below.parent_fd);
    return rc;
}

int landlock_confine(const struct ingest_grant *grant, size_t count, bool signals_too)
{
    struct ruleset rights = rights_of(landlock_abi(), signals_too);
    int rc = 0;

    if (!sandbox_enforced) {
        errno = ENOSYS;
        return -1;
    }
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rights, sizeof rights, 0);
    if (ruleset < 0)
        return -1;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = ruleset_grant(ruleset, &grant[i], rights.files);
    if (rc == 0)
        rc = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (rc == 0)
        rc = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
    close(ruleset);
    return rc;
}

bool namespaces_leave(void)
{
    return sandbox_enforced && unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
}
