/* sandbox - which system calls each of our processes may make.
 *
 *     conductor   opens the inputs, the database, the report; threads of the model;
 *                 no process, no program, no socket, no executable memory
 *     lane        pipes, memory, and fork() as glibc calls it, for its children
 *     child       memory, the clock, one pipe to write to; stacked on the lane's list
 *
 * Each list names what is allowed; whatever is not on it, calls that later kernels
 * invent included, ends a lane or a child on the spot, and fails with EPERM in the
 * conductor, where a library that tries its luck should not cost a night's work. A
 * few calls answer an error that the caller expects, because libraries ask first and
 * do without: Poppler for files, stdio for a terminal. Calls of another architecture
 * (i386 through int 0x80, x32) end any of the three: the numbers mean other calls
 * there.
 *
 * One row of the table is one call, one column one role. A cell says how far it goes:
 * the conditions look at the arguments that are numbers, since a filter cannot follow
 * a pointer; that is also why clone3 is absent, as in an older kernel, and glibc falls
 * back to clone. raise() and abort() use tgkill, which could reach any process of
 * the same user: in a child it becomes SIGSYS to itself, which child.c handles.
 *
 * libseccomp compiles a list once; installing it is one call, so that it costs a child
 * next to nothing. That call has no function in glibc. */
#include "ingest/sandbox.h"

#include "ingest/error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef SANDBOX_NOT_ENFORCED /* set by the Makefile for sanitizers and coverage */
const bool sandbox_enforced = false;
#else
const bool sandbox_enforced = true;
#endif

struct sandbox_filter {
    unsigned short count;
    struct sock_filter instruction[];
};

enum cell {
    NO,       /* what the role does with all that it does not know */
    YES,      /* allowed */
    DENIED,   /* EACCES: the library does without */
    ABSENT,   /* ENOSYS */
    TO_SELF,  /* SIGSYS to the caller, who may handle it */
    DATA,     /* memory without PROT_EXEC */
    FRAMES,   /* only to SANDBOX_FRAMES_FD, EACCES otherwise */
    MAPS,     /* open for reading where Landlock says which files, EACCES otherwise */
    EMPTY,    /* of a descriptor, not of a path */
    THREAD,   /* clone: nothing but threads */
    FORK,     /* clone: as fork() calls it */
    CHILDREN, /* kill: SIGKILL only */
    LANES,    /* kill: SIGKILL, and only the lanes */
    OWN,      /* tgkill: this process */
    LIMITS,   /* prlimit64: of this process */
    RIGHTS,   /* prctl: those that take rights away */
    TERMINAL, /* ioctl: is it one, and how wide */
    CELLS
};

static const struct {
    int call;
    unsigned char cell[SANDBOX_ROLES]; /* enum cell; conductor, lane, child */
} calls[] = {
    /* descriptors */
    {SCMP_SYS(read), {YES, YES, YES}},
    {SCMP_SYS(write), {YES, YES, FRAMES}},
    {SCMP_SYS(close), {YES, YES, YES}},
    {SCMP_SYS(lseek), {YES, YES, YES}},
    {SCMP_SYS(poll), {YES, YES, NO}},
    {SCMP_SYS(ppoll), {YES, YES, NO}},
    {SCMP_SYS(pipe2), {NO, YES, NO}},
    {SCMP_SYS(dup2), {NO, YES, NO}},
    {SCMP_SYS(dup3), {NO, YES, NO}},
    {SCMP_SYS(close_range), {NO, YES, NO}},
    {SCMP_SYS(fcntl), {YES, DENIED, DENIED}},
    {SCMP_SYS(ioctl), {TERMINAL, DENIED, DENIED}},
    {SCMP_SYS(pread64), {YES, NO, NO}},
    {SCMP_SYS(pwrite64), {YES, NO, NO}},
    {SCMP_SYS(readv), {YES, NO, NO}},
    {SCMP_SYS(writev), {YES, NO, NO}},
    {SCMP_SYS(ftruncate), {YES, NO, NO}},
    {SCMP_SYS(fallocate), {YES, NO, NO}},
    {SCMP_SYS(fadvise64), {YES, NO, NO}},
    {SCMP_SYS(fsync), {YES, NO, NO}},
    {SCMP_SYS(fdatasync), {YES, NO, NO}},
    {SCMP_SYS(flock), {YES, NO, NO}},
    {SCMP_SYS(fchmod), {YES, NO, NO}},
    {SCMP_SYS(fchown), {YES, NO, NO}},
    {SCMP_SYS(fstatfs), {YES, NO, NO}},
    /* paths */
    {SCMP_SYS(open), {YES, DENIED, DENIED}},
    {SCMP_SYS(openat), {YES, MAPS, MAPS}},
    {SCMP_SYS(stat), {YES, DENIED, DENIED}},
    {SCMP_SYS(lstat), {YES, DENIED, DENIED}},
    {SCMP_SYS(fstat), {YES, YES, DENIED}},
    {SCMP_SYS(newfstatat), {YES, EMPTY, DENIED}},
    {SCMP_SYS(statx), {YES, DENIED, DENIED}},
    {SCMP_SYS(statfs), {YES, DENIED, DENIED}},
    {SCMP_SYS(access), {YES, DENIED, DENIED}},
    {SCMP_SYS(faccessat), {YES, DENIED, DENIED}},
    {SCMP_SYS(faccessat2), {YES, DENIED, DENIED}},
    {SCMP_SYS(readlink), {YES, DENIED, DENIED}},
    {SCMP_SYS(readlinkat), {YES, DENIED, DENIED}},
    {SCMP_SYS(getcwd), {YES, DENIED, DENIED}},
    {SCMP_SYS(getdents64), {YES, NO, NO}},
    {SCMP_SYS(unlink), {YES, NO, NO}},
    {SCMP_SYS(unlinkat), {YES, NO, NO}},
    {SCMP_SYS(rename), {YES, NO, NO}},
    {SCMP_SYS(renameat), {YES, NO, NO}},
    {SCMP_SYS(renameat2), {YES, NO, NO}},
    {SCMP_SYS(umask), {YES, NO, NO}},
    /* memory */
    {SCMP_SYS(brk), {YES, YES, YES}},
    {SCMP_SYS(mmap), {DATA, DATA, DATA}},
    {SCMP_SYS(mprotect), {DATA, DATA, DATA}},
    {SCMP_SYS(munmap), {YES, YES, YES}},
    {SCMP_SYS(mremap), {YES, YES, YES}},
    {SCMP_SYS(madvise), {YES, YES, YES}},
    {SCMP_SYS(mincore), {YES, NO, NO}},
    /* time, chance, the machine */
    {SCMP_SYS(clock_gettime), {YES, YES, YES}},
    {SCMP_SYS(clock_getres), {YES, YES, NO}},
    {SCMP_SYS(clock_nanosleep), {YES, NO, NO}},
    {SCMP_SYS(nanosleep), {YES, NO, NO}},
    {SCMP_SYS(gettimeofday), {YES, YES, YES}},
    {SCMP_SYS(time), {YES, YES, YES}},
    {SCMP_SYS(getrandom), {YES, DENIED, DENIED}},
    {SCMP_SYS(sysinfo), {YES, DENIED, DENIED}},
    {SCMP_SYS(uname), {YES, DENIED, DENIED}},
    {SCMP_SYS(getrusage), {YES, YES, YES}},
    /* threads and processes */
    {SCMP_SYS(futex), {YES, YES, YES}},
    {SCMP_SYS(sched_yield), {YES, YES, YES}},
    {SCMP_SYS(sched_getaffinity), {YES, DENIED, DENIED}},
    {SCMP_SYS(set_robust_list), {YES, YES, NO}},
    {SCMP_SYS(rseq), {YES, YES, NO}},
    {SCMP_SYS(getpid), {YES, YES, YES}},
    {SCMP_SYS(gettid), {YES, YES, YES}},
    {SCMP_SYS(getppid), {YES, YES, YES}},
    {SCMP_SYS(getuid), {YES, DENIED, DENIED}},
    {SCMP_SYS(geteuid), {YES, DENIED, DENIED}},
    {SCMP_SYS(getgid), {YES, DENIED, DENIED}},
    {SCMP_SYS(getegid), {YES, DENIED, DENIED}},
    {SCMP_SYS(clone), {THREAD, FORK, NO}},
    {SCMP_SYS(clone3), {ABSENT, ABSENT, ABSENT}},
    {SCMP_SYS(wait4), {YES, YES, NO}},
    {SCMP_SYS(kill), {LANES, CHILDREN, NO}},
    {SCMP_SYS(tgkill), {OWN, TO_SELF, TO_SELF}},
    {SCMP_SYS(prlimit64), {LIMITS, LIMITS, NO}},
    {SCMP_SYS(prctl), {RIGHTS, RIGHTS, NO}},
    {SCMP_SYS(seccomp), {NO, YES, NO}},
    {SCMP_SYS(exit), {YES, YES, YES}},
    {SCMP_SYS(exit_group), {YES, YES, YES}},
    /* signals */
    {SCMP_SYS(rt_sigaction), {YES, YES, YES}},
    {SCMP_SYS(rt_sigprocmask), {YES, YES, YES}},
    {SCMP_SYS(rt_sigreturn), {YES, YES, YES}},
    {SCMP_SYS(sigaltstack), {YES, YES, YES}},
    {SCMP_SYS(restart_syscall), {YES, YES, YES}},
};

static int filter_compile(scmp_filter_ctx list, struct sandbox_filter **out);
static int filter_describe(scmp_filter_ctx list, enum sandbox_role role,
                           const struct sandbox_options *options);

int sandbox_filter_make(struct sandbox_filter **out, enum sandbox_role role,
                        const struct sandbox_options *options, struct ingest_error *err)
{
    uint32_t unknown =
        role == SANDBOX_CONDUCTOR ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_KILL_PROCESS;
    scmp_filter_ctx list = seccomp_init(unknown);
    int rc = list ? 0 : -ENOMEM;

    *out = NULL;
    if (rc == 0)
        rc = seccomp_attr_set(list, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (rc == 0)
        rc = seccomp_attr_set(list, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree */
    if (rc == 0)
        rc = filter_describe(list, role, options);
    if (rc == 0)
        rc = filter_compile(list, out);
    seccomp_release(list);
    if (rc == 0)
        return 0;
    return error_set(err, INGEST_EIO, "cannot make a list of system calls: %s",
                     strerror(-rc));
}

void sandbox_filter_free(struct sandbox_filter *filter)
{
    free(filter);
}

int sandbox_filter_install(const struct sandbox_filter *filter)
{
    struct sock_fprog program = {
        .len = filter->count,
        .filter = (struct sock_filter *)filter->instruction,
    };

    if (!sandbox_enforced)
        return 0;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -1;
    long rc = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC,
                      &program);
    if (rc > 0) /* the thread that cannot follow */
        errno = EBUSY;
    return rc == 0 ? 0 : -1;
}

/* ---- from a cell to rules ---------------------------------------------------------
 */

static struct scmp_arg_cmp arg_is(unsigned arg, scmp_datum_t value)
{
    return (struct scmp_arg_cmp){
        .arg = arg, .op = SCMP_CMP_EQ, .datum_a = value, .datum_b = 0};
}

static struct scmp_arg_cmp arg_lacks(unsigned arg, scmp_datum_t bits)
{
    return (struct scmp_arg_cmp){
        .arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = bits, .datum_b = 0};
}

static int allow_if(scmp_filter_ctx list, int call, struct scmp_arg_cmp condition)
{
    return seccomp_rule_add_array(list, SCMP_ACT_ALLOW, call, 1, &condition);
}

static int rule_of_kills(scmp_filter_ctx list, int call,
                         const struct sandbox_options *options)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < options->lane_count; i++) {
        const struct scmp_arg_cmp both[] = {arg_is(0, (scmp_datum_t)options->lane[i]),
                                            arg_is(1, SIGKILL)};
        rc = seccomp_rule_add_array(list, SCMP_ACT_ALLOW, call, 2, both);
    }
    return rc;
}

static int rule_of_clone(scmp_filter_ctx list, int call, enum cell cell)
{
    /* What pthread_create() and fork() of glibc ask for, and nothing besides. */
    const scmp_datum_t thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
                                CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
                                CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
    const scmp_datum_t process = CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD;

    return allow_if(list, call, arg_is(0, cell == THREAD ? thread : process));
}

static int rule_of_open(scmp_filter_ctx list, int call,
                        const struct sandbox_options *options)
{
    const scmp_datum_t temporary = O_TMPFILE & ~O_DIRECTORY;
    const scmp_datum_t more = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | temporary;

    if (!options->maps)
        return seccomp_rule_add(list, SCMP_ACT_ERRNO(EACCES), call, 0);
    return allow_if(list, call, arg_lacks(2, more));
}

static int rule_of_rights(scmp_filter_ctx list, int call)
{
    static const int options[] = {PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS,
                                  PR_GET_DUMPABLE,  PR_GET_NO_NEW_PRIVS,
                                  PR_GET_SECCOMP,   PR_SET_NAME};
    const struct scmp_arg_cmp dumpable_off[] = {arg_is(0, PR_SET_DUMPABLE),
                                                arg_is(1, 0)};
    int rc = seccomp_rule_add_array(list, SCMP_ACT_ALLOW, call, 2, dumpable_off);

    for (size_t i = 0; rc == 0 && i < sizeof options / sizeof options[0]; i++)
        rc = allow_if(list, call, arg_is(0, (scmp_datum_t)options[i]));
    return rc;
}

static int rule_of_terminal(scmp_filter_ctx list, int call)
{
    int rc = allow_if(list, call, arg_is(1, TCGETS));

    return rc ? rc : allow_if(list, call, arg_is(1, TIOCGWINSZ));
}

static int rule_of_frames(scmp_filter_ctx list, int call)
{
    struct scmp_arg_cmp other = arg_is(0, SANDBOX_FRAMES_FD);
    int rc = allow_if(list, call, other);

    other.op = SCMP_CMP_NE;
    return rc ? rc
              : seccomp_rule_add_array(list, SCMP_ACT_ERRNO(EACCES), call, 1, &other);
}

/* The cells that are one rule without an argument. */
static uint32_t plain_action(enum cell cell)
{
    static const uint32_t action[CELLS] = {
        [YES] = SCMP_ACT_ALLOW,
        [DENIED] = SCMP_ACT_ERRNO(EACCES),
        [ABSENT] = SCMP_ACT_ERRNO(ENOSYS),
        [TO_SELF] = SCMP_ACT_TRAP,
    };

    return action[cell];
}

static int rule_add(scmp_filter_ctx list, int call, enum cell cell,
                    const struct sandbox_options *options)
{
    if (plain_action(cell))
        return seccomp_rule_add(list, plain_action(cell), call, 0);
    switch (cell) {
    case DATA:
        return allow_if(list, call, arg_lacks(2, PROT_EXEC));
    case FRAMES:
        return rule_of_frames(list, call);
    case MAPS:
        return rule_of_open(list, call, options);
    case EMPTY:
        return allow_if(list, call, arg_is(3, AT_EMPTY_PATH));
    case THREAD:
    case FORK:
        return rule_of_clone(list, call, cell);
    case CHILDREN:
        return allow_if(list, call, arg_is(1, SIGKILL));
    case LANES:
        return rule_of_kills(list, call, options);
    case OWN:
        return allow_if(list, call, arg_is(0, (scmp_datum_t)getpid()));
    case LIMITS:
        return allow_if(list, call, arg_is(0, 0));
    case RIGHTS:
        return rule_of_rights(list, call);
    case TERMINAL:
        return rule_of_terminal(list, call);
    default:
        return 0; /* NO: nothing to say */
    }
}

static int filter_describe(scmp_filter_ctx list, enum sandbox_role role,
                           const struct sandbox_options *options)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof calls / sizeof calls[0]; i++)
        rc = rule_add(list, calls[i].call, calls[i].cell[role], options);
    return rc;
}

/* libseccomp hands its program to a descriptor only. */
static int filter_compile(scmp_filter_ctx list, struct sandbox_filter **out)
{
    struct sandbox_filter *filter = NULL;
    struct stat st;
    int rc = -EIO;

    int fd = memfd_create("filter", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (seccomp_export_bpf(list, fd) != 0 || fstat(fd, &st) != 0)
        goto out;
    size_t bytes = (size_t)st.st_size, one = sizeof filter->instruction[0];
    if (bytes == 0 || bytes / one > BPF_MAXINSNS)
        goto out;
    filter = malloc(sizeof *filter + bytes);
    rc = filter ? -EIO : -ENOMEM;
    if (!filter || pread(fd, filter->instruction, bytes, 0) != (ssize_t)bytes)
        goto out;
    filter->count = (unsigned short)(bytes / one);
    *out = filter;
    filter = NULL;
    rc = 0;
out:
    free(filter);
    close(fd);
    return rc;
}
