/* without - run a command as if the kernel lacked something.
 *
 *     without landlock|namespaces|seccomp|prctl COMMAND...
 *
 * A list of system calls of its own, handed down to the command, answers as such a
 * kernel does: ENOSYS for Landlock, EPERM for namespaces (where the owner of the
 * machine forbids them), ENOSYS or EINVAL for seccomp. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct lack {
    const char *name;
    unsigned call[2]; /* the second may be the first */
    unsigned answer;
} lacks[] = {
    {"landlock", {SYS_landlock_create_ruleset, SYS_landlock_restrict_self}, ENOSYS},
    {"namespaces", {SYS_unshare, SYS_setns}, EPERM},
    {"seccomp", {SYS_seccomp, SYS_seccomp}, ENOSYS},
    {"prctl", {SYS_seccomp, SYS_prctl}, EINVAL},
};

static int hide(const struct lack *lack)
{
    struct sock_filter instruction[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, lack->call[0], 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, lack->call[1], 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | lack->answer),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof instruction / sizeof instruction[0],
                                 instruction};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 2 && i < sizeof lacks / sizeof lacks[0]; i++)
        if (strcmp(argv[1], lacks[i].name) == 0) {
            if (hide(&lacks[i]) == 0)
                execv(argv[2], argv + 2);
            perror("without");
            return 126;
        }
    fputs("usage: without landlock|namespaces|seccomp|prctl COMMAND...\n", stderr);
    return 125;
}
