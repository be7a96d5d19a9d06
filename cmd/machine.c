/* machine - how many CPUs and how much memory this process may use.
 *
 * What the machine has is one thing, what a container or a service leaves of it
 * another: the cgroup of this process and every one above it may hold it to less.
 *
 *     0::/system.slice/cloister.service      cgroup v2: all controllers in one tree,
 *         /sys/fs/cgroup/system.slice/cloister.service/memory.max, cpu.max
 *     4:memory:/jobs/7                       cgroup v1: a tree for each controller,
 *         /sys/fs/cgroup/memory/jobs/7/memory.limit_in_bytes
 *
 * A file that is not there limits nothing. */
#include "cmd/cmd.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- cgroups -------------------------------------------------------------------- */

struct cgroup {       /* what one folder says, read by a visitor */
    const char *root; /* "/sys/fs/cgroup" or a controller's folder in it */
    const char *path; /* below it, "" for the root itself */
};

static FILE *cgroup_open(const struct cgroup *group, const char *name)
{
    char path[4400];
    snprintf(path, sizeof(path), "%s%s/%s", group->root, group->path, name);
    return fopen(path, "re");
}

typedef void cgroup_visitor(const struct cgroup *group, void *arg);

/* Visit the folder that a line of /proc/self/cgroup names, and every one above it. */
static void cgroups_climb(const char *root, char *path, cgroup_visitor *visit,
                          void *arg)
{
    for (;;) {
        char *slash = strrchr(path, '/');
        bool top = !slash || path[1] == '\0';
        struct cgroup group = {.root = root, .path = top ? "" : path};
        visit(&group, arg);
        if (top)
            return;
        slash[slash == path] = '\0';
    }
}

/* The lines that begin, behind their number, as which says. */
static void cgroups_visit(const char *which, const char *root, cgroup_visitor *visit,
                          void *arg)
{
    char line[4096];
    FILE *in = fopen("/proc/self/cgroup", "re");
    while (in && fgets(line, sizeof(line), in)) {
        char *rest = strchr(line, ':');
        if (!rest || strncmp(rest, which, strlen(which)) != 0)
            continue;
        char *path = rest + strlen(which);
        path[strcspn(path, "\n")] = '\0';
        cgroups_climb(root, path, visit, arg);
    }
    if (in)
        fclose(in);
}

/* ---- CPUs ----------------------------------------------------------------------- */

static int cpus_by_affinity(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        return CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}

/* "cpu.max": quota and period in microseconds, or "max". */
static void cpus_by_quota(const struct cgroup *group, void *arg)
{
    int *most = arg;
    long quota = 0, period = 0;
    FILE *in = cgroup_open(group, "cpu.max");
    if (!in)
        return;
    if (fscanf(in, "%ld %ld", &quota, &period) == 2 && quota > 0 && period > 0) {
        long cpus = (quota + period - 1) / period;
        *most = cpus < *most ? (int)cpus : *most;
    }
    fclose(in);
}

int cpus_allowed(void)
{
    int cpus = cpus_by_affinity();
    cgroups_visit("::", "/sys/fs/cgroup", cpus_by_quota, &cpus);
    return cpus < 1 ? 1 : cpus > INFER_THREADS_MAX ? INFER_THREADS_MAX : cpus;
}

/* ---- memory --------------------------------------------------------------------- */

/* The number behind name in a file of "name number" lines; 0 when it is not there. */
static uint64_t number_named(FILE *in, const char *name)
{
    char line[256];
    size_t bytes = strlen(name);
    uint64_t number = 0;
    while (in && fgets(line, sizeof(line), in))
        if (strncmp(line, name, bytes) == 0 && strchr(": ", line[bytes]))
            number = strtoull(line + bytes + 1, NULL, 10);
    if (in)
        fclose(in);
    return number;
}

/* The one number a file holds; UINT64_MAX when there is none, or it says "max". */
static uint64_t number_alone(FILE *in)
{
    unsigned long long number;
    bool read = in && fscanf(in, "%llu", &number) == 1;
    if (in)
        fclose(in);
    return read ? number : UINT64_MAX;
}

struct memory_names { /* of the files and lines that say the same in both versions */
    const char *limit, *used, *active, *inactive;
};

/* Files that were read count as used; they make room when somebody needs it. */
static void memory_by_limit(const struct cgroup *group, void *arg,
                            const struct memory_names *names)
{
    uint64_t *room = arg;
    uint64_t limit = number_alone(cgroup_open(group, names->limit));
    uint64_t used = number_alone(cgroup_open(group, names->used));
    if (limit == UINT64_MAX || used == UINT64_MAX)
        return;
    uint64_t files = number_named(cgroup_open(group, "memory.stat"), names->active) +
                     number_named(cgroup_open(group, "memory.stat"), names->inactive);
    used -= files < used ? files : used;
    uint64_t left = used < limit ? limit - used : 0;
    *room = left < *room ? left : *room;
}

static void memory_by_v2(const struct cgroup *group, void *arg)
{
    static const struct memory_names names = {"memory.max", "memory.current",
                                              "active_file", "inactive_file"};
    memory_by_limit(group, arg, &names);
}

static void memory_by_v1(const struct cgroup *group, void *arg)
{
    static const struct memory_names names = {
        "memory.limit_in_bytes", "memory.usage_in_bytes", "total_active_file",
        "total_inactive_file"};
    memory_by_limit(group, arg, &names);
}

/* A number of pages from /proc/self/statm, in bytes: 0 is the address space, 1 what of
 * it is in memory. */
static uint64_t process_bytes(int which)
{
    unsigned long long pages[2] = {0, 0};
    FILE *in = fopen("/proc/self/statm", "re");
    bool read = in && fscanf(in, "%llu %llu", &pages[0], &pages[1]) == 2;
    if (in)
        fclose(in);
    return read ? pages[which] * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/* "ulimit -v" counts addresses, whether there is memory behind them or not: those that
 * glibc sets aside for the stacks and heaps of threads, too. */
static uint64_t addresses_free(void)
{
    enum { SET_ASIDE = 256 << 20 };
    struct rlimit limit;
    uint64_t used = process_bytes(0) + SET_ASIDE;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return UINT64_MAX;
    return used < limit.rlim_cur ? limit.rlim_cur - used : 0;
}

uint64_t memory_taken(void)
{
    return process_bytes(1);
}

uint64_t memory_free(void)
{
    uint64_t kib = number_named(fopen("/proc/meminfo", "re"), "MemAvailable");
    uint64_t room = kib > 0 ? kib * 1024 : UINT64_MAX;
    uint64_t addresses = addresses_free();
    cgroups_visit("::", "/sys/fs/cgroup", memory_by_v2, &room);
    cgroups_visit(":memory:", "/sys/fs/cgroup/memory", memory_by_v1, &room);
    return addresses < room ? addresses : room;
}
