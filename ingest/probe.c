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
 * the errno that the list of the role (sandbox.c) has for it, which is not the one
 * that the kernel has for such arguments: that would prove nothing. The i386 probe may
 * also die of SIGSEGV: a kernel without that entry has no such gate at all. What
 * only Landlock forbids is probed where the kernel has Landlock.
 *
 * Besides, each role is looked at from outside: does the kernel say of all its
 * threads, begun before the list or after it, that they are held? */
#include "ingest/sandbox.h"

#include "ingest/error.h"
#include "ingest/threads.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { C = 1 << SANDBOX_CONDUCTOR, L = 1 << SANDBOX_LANE, P = 1 << SANDBOX_CHILD };
enum { ALL = C | L | P, ANONYMOUS = MAP_PRIVATE | MAP_ANONYMOUS };
enum { X32 = 0x40000000, LATER = 100000, I386 = -1, I386_GETPID = 20 };
enum { NO_ERRNO = 255, NO_START = 254 }; /* exit status; below, an errno */
#define NOWHERE (-1L) /* neither a descriptor nor an address, nor a count that fits */

static const struct probe {
    const char *name;
    int roles;
    long number, argument[6];
    int expected; /* 0: what the role's list says to all that is not on it */
    bool by_landlock;
} probes[] = {
    /* sockets of every family */
    {"socket AF_INET", ALL, SYS_socket, {AF_INET, SOCK_STREAM}, 0, false},
    {"socket AF_INET6", ALL, SYS_socket, {AF_INET6, SOCK_DGRAM}, 0, false},
    {"socket AF_UNIX", ALL, SYS_socket, {AF_UNIX, SOCK_STREAM}, 0, false},
    {"socket AF_NETLINK", ALL, SYS_socket, {AF_NETLINK, SOCK_RAW}, 0, false},
    {"socket AF_PACKET", ALL, SYS_socket, {AF_PACKET, SOCK_RAW}, 0, false},
    {"socket AF_VSOCK", ALL, SYS_socket, {AF_VSOCK, SOCK_STREAM}, 0, false},
    {"socket AF_BLUETOOTH", ALL, SYS_socket, {AF_BLUETOOTH, SOCK_RAW}, 0, false},
    {"socket AF_CAN", ALL, SYS_socket, {AF_CAN, SOCK_RAW}, 0, false},
    {"socket AF_ALG", ALL, SYS_socket, {AF_ALG, SOCK_SEQPACKET}, 0, false},
    {"socket AF_XDP", ALL, SYS_socket, {AF_XDP, SOCK_RAW}, 0, false},
    {"socket AF_KEY", ALL, SYS_socket, {AF_KEY, SOCK_RAW}, 0, false},
    {"socket AF_RDS", ALL, SYS_socket, {AF_RDS, SOCK_SEQPACKET}, 0, false},
    {"socket AF_TIPC", ALL, SYS_socket, {AF_TIPC, SOCK_DGRAM}, 0, false},
    {"socket AF_SMC", ALL, SYS_socket, {AF_SMC, SOCK_STREAM}, 0, false},
    {"socket AF_QIPCRTR", ALL, SYS_socket, {AF_QIPCRTR, SOCK_DGRAM}, 0, false},
    {"socket AF_NFC", ALL, SYS_socket, {AF_NFC, SOCK_RAW}, 0, false},
    {"socket AF_UNSPEC", ALL, SYS_socket, {AF_UNSPEC, SOCK_STREAM}, 0, false},
    /* what one does with a socket */
    {"socketpair", ALL, SYS_socketpair, {AF_UNIX, SOCK_STREAM, 0, NOWHERE}, 0, false},
    {"connect", ALL, SYS_connect, {NOWHERE, NOWHERE, 0}, 0, false},
    {"bind", ALL, SYS_bind, {NOWHERE, NOWHERE, 0}, 0, false},
    {"listen", ALL, SYS_listen, {NOWHERE, 1}, 0, false},
    {"accept", ALL, SYS_accept, {NOWHERE, 0, 0}, 0, false},
    {"accept4", ALL, SYS_accept4, {NOWHERE, 0, 0, 0}, 0, false},
    {"sendto", ALL, SYS_sendto, {NOWHERE, NOWHERE, 0}, 0, false},
    {"sendmsg", ALL, SYS_sendmsg, {NOWHERE, NOWHERE, 0}, 0, false},
    {"recvfrom", ALL, SYS_recvfrom, {NOWHERE, NOWHERE, 0}, 0, false},
    {"recvmsg", ALL, SYS_recvmsg, {NOWHERE, NOWHERE, 0}, 0, false},
    {"sendmmsg", ALL, SYS_sendmmsg, {NOWHERE, NOWHERE, 0, 0}, 0, false},
    {"recvmmsg", ALL, SYS_recvmmsg, {NOWHERE, NOWHERE, 0, 0}, 0, false},
    {"shutdown", ALL, SYS_shutdown, {NOWHERE, 0}, 0, false},
    {"setsockopt", ALL, SYS_setsockopt, {NOWHERE, 0, 0, 0, 0}, 0, false},
    {"getsockopt", ALL, SYS_getsockopt, {NOWHERE, 0, 0, 0, 0}, 0, false},
    {"getpeername", ALL, SYS_getpeername, {NOWHERE, 0, 0}, 0, false},
    {"io_uring_setup", ALL, SYS_io_uring_setup, {1, NOWHERE}, 0, false},
    {"io_uring_enter", ALL, SYS_io_uring_enter, {NOWHERE, 0, 0, 0, 0}, 0, false},
    {"io_uring_register", ALL, SYS_io_uring_register, {NOWHERE, 0, 0, 0}, 0, false},
    /* other processes */
    {"ptrace", ALL, SYS_ptrace, {NOWHERE, 0, 0, 0}, 0, false},
    {"process_vm_readv", ALL, SYS_process_vm_readv, {1, 0, 0, 0, 0, NOWHERE}, 0, false},
    {"process_vm_writev",
     ALL,
     SYS_process_vm_writev,
     {1, 0, 0, 0, 0, NOWHERE},
     0,
     false},
    {"process_madvise", ALL, SYS_process_madvise, {NOWHERE, 0, 0, 0, 0}, 0, false},
    {"pidfd_open", ALL, SYS_pidfd_open, {1, NOWHERE}, 0, false},
    {"pidfd_getfd", ALL, SYS_pidfd_getfd, {NOWHERE, 0, 0}, 0, false},
    {"pidfd_send_signal", ALL, SYS_pidfd_send_signal, {NOWHERE, 0, 0, 0}, 0, false},
    {"kcmp", ALL, SYS_kcmp, {NOWHERE, NOWHERE, 0, 0, 0}, 0, false},
    {"kill", ALL, SYS_kill, {1, 0}, 0, false},
    {"tgkill", ALL, SYS_tgkill, {1, 1, 0}, 0, false},
    {"tkill", ALL, SYS_tkill, {1, 0}, 0, false},
    {"prlimit64 of another",
     ALL,
     SYS_prlimit64,
     {1, RLIMIT_CORE, 0, NOWHERE},
     0,
     false},
    /* programs and processes of its own */
    {"execve", ALL, SYS_execve, {NOWHERE, 0, 0}, 0, false},
    {"execveat", ALL, SYS_execveat, {NOWHERE, NOWHERE, 0, 0, 0}, 0, false},
    {"execveat of a descriptor",
     ALL,
     SYS_execveat,
     {NOWHERE, (long)"", 0, 0, AT_EMPTY_PATH},
     0,
     false},
    {"memfd_create", ALL, SYS_memfd_create, {NOWHERE, 0}, 0, false},
    {"memfd_secret", ALL, SYS_memfd_secret, {NOWHERE}, 0, false},
    {"fork", ALL, SYS_fork, {0}, 0, false},
    {"vfork", ALL, SYS_vfork, {0}, 0, false},
    {"clone as fork does", C | P, SYS_clone, {SIGCHLD, 0, 0, 0, 0}, 0, false},
    {"clone CLONE_NEWUSER", ALL, SYS_clone, {CLONE_NEWUSER | SIGCHLD}, 0, false},
    {"clone CLONE_NEWNET", ALL, SYS_clone, {CLONE_NEWNET | SIGCHLD}, 0, false},
    {"clone CLONE_NEWPID", ALL, SYS_clone, {CLONE_NEWPID | SIGCHLD}, 0, false},
    {"clone CLONE_NEWNS", ALL, SYS_clone, {CLONE_NEWNS | SIGCHLD}, 0, false},
    {"clone3", ALL, SYS_clone3, {NOWHERE, 0}, ENOSYS, false},
    /* memory that runs */
    {"mmap PROT_EXEC",
     ALL,
     SYS_mmap,
     {0, 4096, PROT_READ | PROT_EXEC, ANONYMOUS, NOWHERE, 0},
     0,
     false},
    {"mmap PROT_WRITE PROT_EXEC",
     ALL,
     SYS_mmap,
     {0, 4096, PROT_WRITE | PROT_EXEC, ANONYMOUS, NOWHERE, 0},
     0,
     false},
    {"mprotect PROT_EXEC", ALL, SYS_mprotect, {0, 4096, PROT_EXEC}, 0, false},
    {"pkey_mprotect PROT_EXEC",
     ALL,
     SYS_pkey_mprotect,
     {0, 4096, PROT_EXEC, NOWHERE},
     0,
     false},
    {"shmat SHM_EXEC", ALL, SYS_shmat, {NOWHERE, 0, SHM_EXEC}, 0, false},
    {"personality", ALL, SYS_personality, {NOWHERE}, 0, false},
    {"modify_ldt", ALL, SYS_modify_ldt, {0, NOWHERE, 0}, 0, false},
    /* other namespaces, other roots */
    {"unshare", ALL, SYS_unshare, {CLONE_NEWNET}, 0, false},
    {"setns", ALL, SYS_setns, {NOWHERE, 0}, 0, false},
    {"mount", ALL, SYS_mount, {NOWHERE, NOWHERE, 0, 0, 0}, 0, false},
    {"umount2", ALL, SYS_umount2, {NOWHERE, 0}, 0, false},
    {"fsopen", ALL, SYS_fsopen, {NOWHERE, 0}, 0, false},
    {"open_tree", ALL, SYS_open_tree, {NOWHERE, NOWHERE, 0}, 0, false},
    {"move_mount",
     ALL,
     SYS_move_mount,
     {NOWHERE, NOWHERE, NOWHERE, NOWHERE, 0},
     0,
     false},
    {"chroot", ALL, SYS_chroot, {NOWHERE}, 0, false},
    {"pivot_root", ALL, SYS_pivot_root, {NOWHERE, NOWHERE}, 0, false},
    /* the kernel and the machine */
    {"bpf", ALL, SYS_bpf, {NOWHERE, 0, 0}, 0, false},
    {"perf_event_open",
     ALL,
     SYS_perf_event_open,
     {NOWHERE, 0, 0, NOWHERE, 0},
     0,
     false},
    {"userfaultfd", ALL, SYS_userfaultfd, {NOWHERE}, 0, false},
    {"fanotify_init", ALL, SYS_fanotify_init, {NOWHERE, 0}, 0, false},
    {"kexec_load", ALL, SYS_kexec_load, {0, NOWHERE, 0, 0}, 0, false},
    {"kexec_file_load",
     ALL,
     SYS_kexec_file_load,
     {NOWHERE, NOWHERE, 0, 0, NOWHERE},
     0,
     false},
    {"init_module", ALL, SYS_init_module, {NOWHERE, 0, NOWHERE}, 0, false},
    {"finit_module", ALL, SYS_finit_module, {NOWHERE, NOWHERE, 0}, 0, false},
    {"delete_module", ALL, SYS_delete_module, {NOWHERE, 0}, 0, false},
    {"reboot", ALL, SYS_reboot, {0, 0, 0, 0}, 0, false},
    {"swapon", ALL, SYS_swapon, {NOWHERE, 0}, 0, false},
    {"iopl", ALL, SYS_iopl, {NOWHERE}, 0, false},
    {"ioperm", ALL, SYS_ioperm, {NOWHERE, NOWHERE, 0}, 0, false},
    {"syslog", ALL, SYS_syslog, {NOWHERE, 0, 0}, 0, false},
    {"clock_settime", ALL, SYS_clock_settime, {0, NOWHERE}, 0, false},
    {"sethostname", ALL, SYS_sethostname, {NOWHERE, 1}, 0, false},
    /* rights, and the way out of the list */
    {"add_key", ALL, SYS_add_key, {NOWHERE, NOWHERE, 0, 0, 0}, 0, false},
    {"request_key", ALL, SYS_request_key, {NOWHERE, NOWHERE, 0, 0}, 0, false},
    {"keyctl", ALL, SYS_keyctl, {NOWHERE, 0, 0, 0, 0}, 0, false},
    {"setuid", ALL, SYS_setuid, {0}, 0, false},
    {"setgid", ALL, SYS_setgid, {0}, 0, false},
    {"setresuid", ALL, SYS_setresuid, {NOWHERE, NOWHERE, NOWHERE}, 0, false},
    {"setgroups", ALL, SYS_setgroups, {NOWHERE, NOWHERE}, 0, false},
    {"capset", ALL, SYS_capset, {NOWHERE, NOWHERE}, 0, false},
    {"prctl PR_SET_DUMPABLE", ALL, SYS_prctl, {PR_SET_DUMPABLE, 1}, 0, false},
    {"prctl PR_SET_PTRACER", ALL, SYS_prctl, {PR_SET_PTRACER, 1}, 0, false},
    {"prctl PR_SET_SECCOMP", ALL, SYS_prctl, {PR_SET_SECCOMP, 2, NOWHERE}, 0, false},
    {"seccomp", C | P, SYS_seccomp, {SECCOMP_SET_MODE_FILTER, 0, NOWHERE}, 0, false},
    /* files */
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
    {"open elsewhere to write",
     C,
     SYS_openat,
     {AT_FDCWD, (long)"/dev/null", O_WRONLY},
     EACCES,
     true},
    {"write elsewhere", P, SYS_write, {STDOUT_FILENO, NOWHERE, 0}, EACCES, false},
    {"open_by_handle_at", ALL, SYS_open_by_handle_at, {NOWHERE, NOWHERE, 0}, 0, false},
    {"name_to_handle_at",
     ALL,
     SYS_name_to_handle_at,
     {NOWHERE, NOWHERE, 0, 0, 0},
     0,
     false},
    {"mkdirat", ALL, SYS_mkdirat, {NOWHERE, NOWHERE, 0}, 0, false},
    {"mknodat", ALL, SYS_mknodat, {NOWHERE, NOWHERE, 0, 0}, 0, false},
    {"linkat", ALL, SYS_linkat, {NOWHERE, NOWHERE, NOWHERE, NOWHERE, 0}, 0, false},
    {"symlinkat", ALL, SYS_symlinkat, {NOWHERE, NOWHERE, NOWHERE}, 0, false},
    {"fchmodat", ALL, SYS_fchmodat, {NOWHERE, NOWHERE, 0}, 0, false},
    {"setxattr", ALL, SYS_setxattr, {NOWHERE, NOWHERE, NOWHERE, 0, 0}, 0, false},
    {"unlinkat", L | P, SYS_unlinkat, {NOWHERE, NOWHERE, 0}, 0, false},
    {"renameat2",
     L | P,
     SYS_renameat2,
     {NOWHERE, NOWHERE, NOWHERE, NOWHERE, 0},
     0,
     false},
    {"ftruncate", L | P, SYS_ftruncate, {NOWHERE, 0}, 0, false},
    {"mq_open", ALL, SYS_mq_open, {NOWHERE, 0, 0, 0}, 0, false},
    {"shmget", ALL, SYS_shmget, {0, 0, 0}, 0, false},
    {"ioctl TIOCSTI", C, SYS_ioctl, {0, TIOCSTI, NOWHERE}, 0, false},
    {"ioctl TIOCSTI", L | P, SYS_ioctl, {0, TIOCSTI, NOWHERE}, EACCES, false},
    /* numbers that mean something else */
    {"call of a later kernel", ALL, LATER, {0}, 0, false},
    {"x32 getpid", ALL, X32 + SYS_getpid, {0}, 0, false},
    {"i386 getpid", ALL, I386, {0}, 0, false},
};
enum { PROBES = sizeof probes / sizeof probes[0] };

struct court { /* what all probes need */
    struct sandbox_filter *filter[SANDBOX_ROLES];
    int landlock, lists; /* of system calls that we keep to already */
};

static const char *const role_names[SANDBOX_ROLES] = {"conductor", "lane", "child"};

static int court_open(struct court *court, struct ingest_error *err);
static void court_close(struct court *court);
static int try_one(const struct court *court, const struct probe *probe, int role,
                   struct ingest_probe *out);
static int try_threads(const struct court *court, int role, struct ingest_probe *out);
static bool try_namespaces(void);
static int count_interfaces(void);

static void give_verdict(const struct ingest_probe *verdict,
                         void (*report)(void *arg, const struct ingest_probe *probe),
                         void *arg, struct ingest_layers *out)
{
    out->probes++;
    out->failed += !verdict->ok;
    if (report)
        report(arg, verdict);
}

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
        give_verdict(&verdict, report, arg, out);
    }
    for (int role = 0; rc == 0 && sandbox_enforced && role < SANDBOX_ROLES; role++)
        if (try_threads(&court, role, &verdict) == 0)
            give_verdict(&verdict, report, arg, out);
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
    court->lists = threads_lists();
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
    long answer = probe->number == I386
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
    int unknown =
        role == SANDBOX_CONDUCTOR ? EPERM : 0; /* a lane, a child are killed */
    int expected = probe->expected ? probe->expected : unknown, status = 0;
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
        out->ok = number == SIGSYS || (number == SIGSEGV && probe->number == I386);
        return 0;
    }
    const char *name = strerrorname_np(WEXITSTATUS(status));
    out->answer = WEXITSTATUS(status) == NO_ERRNO || !name ? "none" : name;
    out->ok = WEXITSTATUS(status) == expected;
    return 0;
}

/* ---- the threads of a role ---------------------------------------------------------
 */

enum {
    THREADS_BEFORE = 2,
    THREADS_AFTER = 1
}; /* besides the first; of the conductor */

/* Ends with its process. */
static void *wait_for_ever(void *arg)
{
    char byte;

    while (read(*(const int *)arg, &byte, 1) < 0 && errno == EINTR)
        ;
    return NULL;
}

static int start_threads(int count, int *quiet)
{
    pthread_t thread;
    int rc = 0;

    for (int i = 0; rc == 0 && i < count; i++)
        rc = pthread_create(&thread, NULL, wait_for_ever, quiet);
    return rc;
}

/* Take the role with all its threads, say so, and wait to be looked at. A child may
 * write to one descriptor only. */
static _Noreturn void threads_run(const struct court *court, int role, int ready,
                                  int quiet)
{
    bool many = role == SANDBOX_CONDUCTOR;

    if (ready != SANDBOX_FRAMES_FD && dup2(ready, SANDBOX_FRAMES_FD) < 0)
        _exit(NO_START);
    if (start_threads(many ? THREADS_BEFORE : 0, &quiet) != 0 ||
        become(court, role) != 0 ||
        start_threads(many ? THREADS_AFTER : 0, &quiet) != 0 ||
        write(SANDBOX_FRAMES_FD, "", 1) != 1)
        _exit(NO_START);
    wait_for_ever(&quiet);
    _exit(0);
}

static int open_pipes(int pipes[4])
{
    if (pipe2(pipes, O_CLOEXEC) != 0)
        return -1;
    if (pipe2(pipes + 2, O_CLOEXEC) == 0)
        return 0;
    close(pipes[0]);
    close(pipes[1]);
    return -1;
}

/* What the kernel tells of the process, once it is ready. */
static int look_at(pid_t pid, int lists, int ready, struct ingest_hold *out)
{
    char byte;
    ssize_t count;

    *out = (struct ingest_hold){0};
    while ((count = read(ready, &byte, 1)) < 0 && errno == EINTR)
        ;
    if (count != 1)
        return -1;
    threads_count(pid, lists, out);
    return 0;
}

/* -1 when this cannot be seen here: no /proc, or no process to be had. */
static int try_threads(const struct court *court, int role, struct ingest_probe *out)
{
    struct ingest_hold hold = {0};
    int lists =
        court->lists + (role == SANDBOX_CHILD ? 2 : 1); /* the lane's, its own */
    int pipes[4]; /* ready: 0, 1; quiet, to which nothing is ever written: 2, 3 */

    if (open_pipes(pipes) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0)
        threads_run(court, role, pipes[1], pipes[2]);
    close(pipes[1]);
    if (pid > 0) {
        look_at(pid, lists, pipes[0], &hold);
        kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close(pipes[0]);
    close(pipes[2]);
    close(pipes[3]);
    int expected = role == SANDBOX_CONDUCTOR ? 1 + THREADS_BEFORE + THREADS_AFTER : 1;
    *out = (struct ingest_probe){.probe = "thread without a list",
                                 .role = role_names[role]};
    out->ok = hold.threads == expected && hold.held == expected;
    out->answer = out->ok ? "all held" : "none";
    return hold.threads > 0 ? 0 : -1;
}
