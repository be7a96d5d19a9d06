/* main - find the command a user names and run it.
 *
 * The first thing done is to make sure that waiting threads sleep: libgomp reads
 * its environment when it is loaded, before main(), so the program sets what it
 * needs and executes itself once. Threads that spin would cost other users of the
 * machine, and ourselves, most of a core each. */
#include "cmd/cmd.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct command *const commands[] = {
    &cmd_run,   &cmd_extract, &cmd_results, &cmd_search, &cmd_policy,
    &cmd_model, &cmd_audit,   &cmd_attest,  &cmd_help,   NULL,
};

static const struct {
    const char *name, *value;
} threads_sleep[] = {
    {"OMP_WAIT_POLICY", "PASSIVE"},
    {"GOMP_SPINCOUNT", "0"},
    {"OMP_DYNAMIC", "FALSE"},
    {"OPENBLAS_NUM_THREADS", "1"},
};
enum { SETTINGS = sizeof(threads_sleep) / sizeof(threads_sleep[0]) };

static void start_with_sleeping_threads(char **argv)
{
    bool all = true;
    for (int i = 0; i < SETTINGS; i++) {
        const char *value = getenv(threads_sleep[i].name);
        if (!value || strcmp(value, threads_sleep[i].value) != 0)
            all = false;
    }
    if (all)
        return;
    for (int i = 0; i < SETTINGS; i++)
        setenv(threads_sleep[i].name, threads_sleep[i].value, 1);
    execv("/proc/self/exe", argv);
    /* Without /proc the program still works; its threads spin a little. */
}

static const struct command *command_find(const char *name)
{
    for (size_t i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

/* Options may stand before the command: bring the command's name to the front. */
static void command_to_front(int argc, char **argv)
{
    for (int i = 1; i < argc && argv[1][0] == '-'; i++) {
        if (strcmp(argv[i], "--") == 0)
            return;
        if (!command_find(argv[i]))
            continue;
        char *name = argv[i];
        memmove(argv + 2, argv + 1, (size_t)(i - 1) * sizeof(*argv));
        argv[1] = name;
    }
}

/* Of a pipe: "| head" had enough. errno may be that of a later call. */
static bool reader_left(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

static int output_finish(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    if (errno == EPIPE || reader_left())
        return status;
    complain(NULL, "standard output: %s", strerror(errno));
    return EXIT_BROKEN_OFF;
}

static int unknown_command(const char *name)
{
    complain(NULL, "unknown command \"%s\"; \"cloister help\" lists the commands",
             name);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    start_with_sleeping_threads(argv);
    if (argc < 2) {
        cmd_help.run(&cmd_help, 1, argv);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("cloister %s (arithmetic %d)\n", CLOISTER_VERSION,
               (int)INFER_ARITHMETIC_VERSION);
        return output_finish(EXIT_DONE);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return output_finish(cmd_help.run(&cmd_help, 1, argv + 1));
    command_to_front(argc, argv);
    const struct command *command = command_find(argv[1]);
    if (!command)
        return unknown_command(argv[1]);
    return output_finish(command->run(command, argc - 1, argv + 1));
}
