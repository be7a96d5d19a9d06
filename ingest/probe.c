/* probe - forbidden calls, tried where they must fail.
 *
 *     fork -> files, list of the role -> the call, by number -> its errno, or SIGSYS
 *
 * This is the one object of the program that names calls of the network, of other
 * processes and of the kernel's inside, so every other can be searched for them. The
 * arguments make a call harmless should it come through: it gets descriptors that
 * are not open and addresses where nothing is, and the process ends behind it.
 *
 * A probe passes when its process is killed by SIGSYS, or when the call fails with
 * the errno that the list of the role (sandbox.c) has for it. The i386 probe may
 * also die of SIGSEGV: a kernel without that entry has no such gate at all. What
 * only Landlock forbids is probed where the kernel has Landlock. */
#include "ingest/sandbox.h"

#include "ingest/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { C = 1 << SANDBOX_CONDUCTOR, L = 1 << SANDBOX_LANE, P = 1 << SANDBOX_CHILD };
enum { X32 = 0x40000000, I386_GETPID = 20, NO_ERRNO = 255, NO_START = 254 };
#define NOWHERE (-1L) /* neither a descriptor nor an address */

static const struct probe {
    const char *name;
    int roles;
    long number, argument[6];
    int expected; /* of the roles that are not killed; 0: EPERM */
    bool by_landlock;
} probes[] = {
    {"socket AF_INET", C | L | P, SYS_socket, {AF_INET, SOCK_STREAM}, 0, false},
    {"socket AF_INET6", C | L | P, SYS_socket, {AF_INET6, SOCK_DGRAM}, 0, false},
    {"socket AF_UNIX", C | L | P, SYS_socket, {AF_UNIX, SOCK_STREAM}, 0, false},
    {"socket AF_NETLINK", C | L | P, SYS_socket, {AF_NETLINK, SOCK_RAW}, 0, false},
    {"socket AF_PACKET", C | L | P, SYS_socket, {AF_PACKET, SOCK_RAW}, 0, false},
    {"socket AF_VSOCK", C | L | P, SYS_socket, {AF_VSOCK, SOCK_STREAM}, 0, false},
    {"socketpair",
     C | L | P,
     SYS_socketpair,
     {AF_UNIX, SOCK_STREAM, 0, NOWHERE},
     0,
     false},
    {"connect", C | L | P, SYS_connect, {NOWHERE, NOWHERE, 0}, 0, false},
    {"bind", C | L | P, SYS_bind, {NOWHERE, NOWHERE, 0}, 0, false},
    {"listen", C | L | P, SYS_listen, {NOWHERE, 1}, 0, false},
    {"accept4", C | L | P, SYS_accept4, {NOWHERE, 0, 0, 0}, 0, false},
    {"sendto", C | L | P, SYS_sendto, {NOWHERE, NOWHERE, 0}, 0, false},
    {"sendmsg", C | L | P, SYS_sendmsg, {NOWHERE, NOWHERE, 0}, 0, false},
    {"recvfrom", C | L | P, SYS_recvfrom, {NOWHERE, NOWHERE, 0}, 0, false},
    {"io_uring_setup", C | L | P, SYS_io_uring_setup, {1, NOWHERE}, 0, false},
    {"ptrace", C | L | P, SYS_ptrace, {NOWHERE, 0, 0, 0}, 0, false},
    {"process_vm_readv",
     C | L | P,
     SYS_process_vm_readv,
     {1, 0, 0, 0, 0, NOWHERE},
     0,
     false},
    {"process_vm_writev",
     C | L | P,
     SYS_process_vm_writev,
     {1, 0, 0, 0, 0, NOWHERE},
     0,
     false},
    {"pidfd_getfd", C | L | P, SYS_pidfd_getfd, {NOWHERE, 0, 0}, 0, false},
    {"pidfd_open", C | L | P, SYS_pidfd_open, {1, NOWHERE}, 0, false},
    {"execve", C | L | P, SYS_execve, {NOWHERE, 0, 0}, 0, false},
    {"execveat", C | L | P, SYS_execveat, {NOWHERE, NOWHERE, 0, 0, 0}, 0, false},
    {"fork", C | P, SYS_clone, {SIGCHLD, 0, 0, 0, 0}, 0, false},
    {"clone CLONE_NEWUSER", C | L | P, SYS_clone, {CLONE_NEWUSER | SIGCHLD}, 0, false},
    {"clone3", C | L | P, SYS_clone3, {NOWHERE, 0}, ENOSYS, false},
    {"kill", C | L | P, SYS_kill, {1, 0}, 0, false},
    {"tgkill", C | L | P, SYS_tgkill, {1, 1, 0}, 0, false},
    {"unshare", C | L | P, SYS_unshare, {CLONE_NEWNET}, 0, false},
    {"setns", C | L | P, SYS_setns, {NOWHERE, 0}, 0, false},
    {"mount", C | L | P, SYS_mount, {NOWHERE, NOWHERE, 0, 0, 0}, 0, false},
    {"chroot", C | L | P, SYS_chroot, {NOWHERE}, 0, false},
    {"pivot_root", C | L | P, SYS_pivot_root, {NOWHERE, NOWHERE}, 0, false},
    {"bpf", C | L | P, SYS_bpf, {NOWHERE, 0, 0}, 0, false},
    {"perf_event_open",
     C | L | P,
     SYS_perf_event_open,
     {NOWHERE, 0, 0, NOWHERE, 0},
     0,
     false},
    {"kexec_load", C | L | P, SYS_kexec_load, {0, NOWHERE, 0, 0}, 0, false},
    {"init_module", C | L | P, SYS_init_module, {NOWHERE, 0, NOWHERE}, 0, false},
    {"keyctl", C | L | P, SYS_keyctl, {NOWHERE, 0, 0, 0, 0}, 0, false},
    {"userfaultfd", C | L | P, SYS_userfaultfd, {NOWHERE}, 0, false},
    {"memfd_create", C | L | P, SYS_memfd_create, {NOWHERE, 0}, 0, false},
    {"setuid", C | L | P, SYS_setuid, {0}, 0, false},
    {"capset", C | L | P, SYS_capset, {NOWHERE, NOWHERE}, 0, false},
    {"prctl PR_SET_DUMPABLE", C | L | P, SYS_prctl, {PR_SET_DUMPABLE, 1}, 0, false},
    {"prctl PR_SET_SECCOMP",
     C | L | P,
     SYS_prctl,
     {PR_SET_SECCOMP, 2, NOWHERE},
     0,
     false},
    {"mmap PROT_EXEC",
     C | L | P,
     SYS_mmap,
     {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, NOWHERE, 0},
     0,
     false},
    {"mprotect PROT_EXEC", C | L | P, SYS_mprotect, {0, 4096, PROT_EXEC}, 0, false},
    {"open /etc/passwd",
     L | P,
     SYS_openat,
     {AT_FDCWD, (long)"/etc/passwd", O_RDONLY},
     EACCES,
     false},
    {"open to write",
     L | P,
     SYS_openat,
     {AT_FDCWD, (long)"/dev/null", O_WRONLY},
     EACCES,
     false},
    {"open elsewhere",
     C,
     SYS_openat,
     {AT_FDCWD, (long)"/etc/passwd", O_RDONLY},
     EACCES,
     true},
    {"write elsewhere",
     C,
     SYS_openat,
     {AT_FDCWD, (long)"/dev/null", O_WRONLY},
     EACCES,
     true},
    {"unlink", L | P, SYS_unlinkat, {NOWHERE, NOWHERE, 0}, 0, false},
    {"ioctl TIOCSTI", C, SYS_ioctl, {0, 0x5412, NOWHERE}, 0, false},
    {"ioctl TIOCSTI", L | P, SYS_ioctl, {0, 0x5412, NOWHERE}, EACCES, false},
    {"x32 getpid", C | L | P, X32 + SYS_getpid, {0}, 0, false},
    {"i386 getpid", C | L | P, NOWHERE, {0}, 0, false},
};
enum { PROBES = sizeof probes / sizeof probes[0] };

struct court { /* what all probes need */
    struct sandbox_filter *filter[SANDBOX_ROLES];
    int landlock;
};

static const char *const role_names[SANDBOX_ROLES] = {"conductor", "lane", "child"};

static int court_open(struct court *court, struct ingest_error *err);
static void court_close(struct court *court);
static int try_one(const struct court *court, const struct probe *probe, int role,
                   struct ingest_probe *out);
static bool try_namespaces(void);
static int count_interfaces(void);

int ingest_attest(void (*report)(void *arg, const struct ingest_probe *probe),
                  void *arg, struct ingest_layers *out, struct ingest_error *err)
{
    struct court court = {0};
    struct ingest_probe verdict;
    int rc = court_open(&court, err);

    *out = (struct ingest_layers){.interfaces = count_interfaces()};
    for (size_t i = 0; rc == 0 && sandbox_enforced && i < PROBES * SANDBOX_ROLES; i++) {
        const struct probe *probe = &probes[i / SANDBOX_ROLES];
        int role = (int)(i % SANDBOX_ROLES);
        if (!(probe->roles >> role & 1) || (probe->by_landlock && court.landlock == 0))
            continue;
        rc = try_one(&court, probe, role, &verdict);
        if (rc != 0) {
            error_set(err, rc,
                      "a probe cannot run: the kernel lacks seccomp, or there is no "
                      "process to be had");
            break;
        }
        out->probes++;
        out->failed += !verdict.ok;
        if (report)
            report(arg, &verdict);
    }
    out->seccomp = rc == 0 && sandbox_enforced;
    out->landlock = court.landlock;
    out->namespaces = rc == 0 && try_namespaces();
    court_close(&court);
    return rc;
}

/* ---- the setting -------------------------------------------------------------------
 */

static int court_open(struct court *court, struct ingest_error *err)
{
    int rc = 0;

    court->landlock = sandbox_enforced ? landlock_abi() : 0;
    struct sandbox_options options = {.maps = court->landlock > 0};
    for (int role = 0; rc == 0 && role < SANDBOX_ROLES; role++)
        rc = sandbox_filter_make(&court->filter[role], (enum sandbox_role)role,
                                 &options, err);
    return rc;
}

static void court_close(struct court *court)
{
    for (int role = 0; role < SANDBOX_ROLES; role++)
        sandbox_filter_free(court->filter[role]);
}

static int count_interfaces(void)
{
    DIR *folder = opendir("/sys/class/net");
    int count = 0;

    if (!folder)
        return -1;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.' && entry->d_type == DT_LNK;
    closedir(folder);
    return count;
}

static bool try_namespaces(void)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(namespaces_leave() ? 0 : 1);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- one probe ---------------------------------------------------------------------
 */

/* getpid() through the gate of i386 programs, where the number 20 means it. */
static long call_i386(void)
{
    long answer = I386_GETPID;

#ifdef __x86_64__
    __asm__ volatile("int $0x80" : "+a"(answer) : : "memory", "cc");
#endif
    return answer;
}

/* As lock.c does it for this role. */
static int become(const struct court *court, int role)
{
    const struct rlimit none = {0};
    bool parser = role != SANDBOX_CONDUCTOR;

    signal(SIGSYS, SIG_DFL); /* who calls us may have a handler */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0 ||
        setrlimit(RLIMIT_CORE, &none) != 0)
        return -1;
    if (court->landlock > 0 &&
        landlock_confine(&lock_maps, parser ? 1 : 0, parser) != 0)
        return -1;
    if (role == SANDBOX_CHILD &&
        sandbox_filter_install(court->filter[SANDBOX_LANE]) != 0)
        return -1;
    return sandbox_filter_install(court->filter[role]);
}

static _Noreturn void probe_run(const struct court *court, const struct probe *probe,
                                int role)
{
    const long *a = probe->argument;

    if (become(court, role) != 0)
        _exit(NO_START);
    errno = 0;
    long answer = probe->number == NOWHERE
                      ? call_i386()
                      : syscall(probe->number, a[0], a[1], a[2], a[3], a[4], a[5]);
    _exit(answer < 0 && errno > 0 && errno < NO_START ? errno : NO_ERRNO);
}

static const char *signal_name(int number)
{
    return number == SIGSYS    ? "SIGSYS"
           : number == SIGSEGV ? "SIGSEGV"
                               : "another signal";
}

static int try_one(const struct court *court, const struct probe *probe, int role,
                   struct ingest_probe *out)
{
    int expected = probe->expected ? probe->expected : EPERM, status = 0;
    pid_t pid = fork();

    if (pid == 0)
        probe_run(court, probe, role);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    *out = (struct ingest_probe){.probe = probe->name, .role = role_names[role]};
    if (pid < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == NO_START))
        return INGEST_EIO;
    if (WIFSIGNALED(status)) {
        int number = WTERMSIG(status);
        out->answer = signal_name(number);
        out->ok = number == SIGSYS || (number == SIGSEGV && probe->number == NOWHERE);
        return 0;
    }
    const char *name = strerrorname_np(WEXITSTATUS(status));
    out->answer = WEXITSTATUS(status) == NO_ERRNO || !name ? "none" : name;
    out->ok = WEXITSTATUS(status) == expected;
    return 0;
}
