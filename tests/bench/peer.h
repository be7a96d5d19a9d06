/* peer - another program that is measured beside ours, line by line.
 *
 * It is started once, says in a first line what it is, and answers each line it reads
 * with the seconds of CPU time that the work took. */
#ifndef TESTS_BENCH_PEER_H
#define TESTS_BENCH_PEER_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct peer {
    pid_t pid;
    FILE *ask, *answer;
    char name[512]; /* its first line */
};

static inline void peer_close(struct peer *p)
{
    if (p->ask)
        fclose(p->ask);
    if (p->answer)
        fclose(p->answer);
    if (p->pid > 0)
        waitpid(p->pid, NULL, 0);
    *p = (struct peer){0};
}

static inline void peer_become(char *const *argv, const int *ask, const int *answer)
{
    dup2(ask[0], STDIN_FILENO);
    dup2(answer[1], STDOUT_FILENO);
    for (int i = 0; i < 2; i++) {
        close(ask[i]);
        close(answer[i]);
    }
    execvp(argv[0], argv);
    _exit(127);
}

/* False when it does not start or has nothing to say. */
static inline bool peer_open(struct peer *p, char *const *argv)
{
    int ask[2], answer[2];

    *p = (struct peer){0};
    if (pipe(ask) != 0)
        return false;
    if (pipe(answer) != 0) {
        close(ask[0]);
        close(ask[1]);
        return false;
    }
    p->pid = fork();
    if (p->pid == 0)
        peer_become(argv, ask, answer);
    close(ask[0]);
    close(answer[1]);
    p->ask = fdopen(ask[1], "w");
    p->answer = fdopen(answer[0], "r");
    if (p->pid > 0 && p->ask && p->answer &&
        fgets(p->name, sizeof p->name, p->answer)) {
        p->name[strcspn(p->name, "\n")] = '\0';
        return true;
    }
    peer_close(p);
    return false;
}

/* Seconds; 0 when it is gone. */
static inline double peer_seconds(struct peer *p, const char *line)
{
    char text[64];

    if (fprintf(p->ask, "%s\n", line) < 0 || fflush(p->ask) != 0 ||
        !fgets(text, sizeof text, p->answer))
        return 0;
    return strtod(text, NULL);
}

#endif
