/* engine - from options to an open model and a session for it.
 *
 * Says what is wrong and what to do, and announces nothing: the plan is printed by
 * the commands that take the memory. */
#include "cmd/cmd.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- how many CPUs -------------------------------------------------------------- */

static int cpus_by_affinity(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        return CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}

/* One "cpu.max" of a cgroup (v2): quota and period in microseconds, or "max". */
static int cpus_by_file(const char *folder, int most)
{
    char path[4200];
    long quota = 0, period = 0;
    snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cpu.max", folder);
    FILE *in = fopen(path, "re");
    if (!in)
        return most;
    int read = fscanf(in, "%ld %ld", &quota, &period);
    fclose(in);
    if (read != 2 || quota <= 0 || period <= 0)
        return most;
    long cpus = (quota + period - 1) / period;
    return cpus < most ? (int)cpus : most;
}

/* The quota of our cgroup and of every one above it. */
static int cpus_by_quota(int most)
{
    char line[4096];
    FILE *in = fopen("/proc/self/cgroup", "re");
    if (!in)
        return most;
    while (fgets(line, sizeof(line), in)) {
        if (strncmp(line, "0::/", 4) != 0)
            continue;
        char *folder = line + 3;
        folder[strcspn(folder, "\n")] = '\0';
        for (;;) {
            most = cpus_by_file(strcmp(folder, "/") == 0 ? "" : folder, most);
            char *slash = strrchr(folder, '/');
            if (!slash || slash == folder)
                break;
            *slash = '\0';
        }
    }
    fclose(in);
    return most;
}

int cpus_allowed(void)
{
    int cpus = cpus_by_quota(cpus_by_affinity());
    return cpus < 1 ? 1 : cpus > INFER_THREADS_MAX ? INFER_THREADS_MAX : cpus;
}

/* ---- settings ------------------------------------------------------------------- */

int engine_options(const char *command, const struct engine *engine,
                   struct infer_options *options)
{
    struct infer_error why;
    *options = infer_options_default();
    options->threads = engine->threads ? (int)engine->threads : cpus_allowed();
    options->batch_sequences = (uint32_t)engine->batch;
    if (engine->activations) {
        if (engine->activations != 8 && engine->activations != 16) {
            complain(command, "--activations takes 16 or 8, not %ld",
                     engine->activations);
            return EXIT_USAGE;
        }
        options->activations_bits = (int)engine->activations;
    }
    if (engine->float_backend && strcmp(engine->float_backend, "blas") == 0)
        options->float_backend = INFER_FLOAT_BLAS;
    else if (engine->float_backend && strcmp(engine->float_backend, "exact") != 0) {
        complain(command, "--float takes exact or blas, not \"%s\"",
                 engine->float_backend);
        return EXIT_USAGE;
    }
    if (engine->isa && infer_isa_parse(engine->isa, &options->isa, &why) != 0) {
        complain(command, "--isa: %s", why.text);
        return EXIT_USAGE;
    }
    return -1;
}

void engine_settings(const struct infer_options *options, char out[96])
{
    snprintf(out, 96, "activations=%d float=%s", options->activations_bits,
             options->float_backend == INFER_FLOAT_BLAS ? "blas" : "exact");
}

int engine_open(const char *command, const struct engine *engine,
                const char *model_path, struct infer_model **model,
                struct infer_session **session, struct infer_options *options)
{
    struct infer_error why;
    *model = NULL;
    *session = NULL;
    int status = engine_options(command, engine, options);
    if (status >= 0)
        return status;
    if (infer_model_open(model, model_path, &why) != 0 ||
        infer_session_open(session, *model, options, &why) != 0) {
        complain(command, "%s: %s", model_path, why.text);
        infer_model_close(*model);
        *model = NULL;
        return EXIT_NO_START;
    }
    return -1;
}
