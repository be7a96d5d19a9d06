/* progress - a bar on a terminal, a line now and then elsewhere; and the time window.
 *
 * Progress goes to standard error and names no document: paths may be confidential
 * where a log is read. */
#include "cmd/run.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

int64_t clock_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

enum { REPAINT_MS = 200, LINE_MS = 60000, BAR = 24 };

static void progress_line(const struct job *job, const struct pipeline_progress *now)
{
    double seconds = (double)(clock_ms() - job->started_ms) / 1000.0;
    size_t met = now->done + now->skipped;
    fprintf(stderr, "%zu of %zu documents", met, now->total);
    if (now->failed)
        fprintf(stderr, ", %zu not ok", now->failed);
    if (seconds > 1 && now->done > 0) {
        double left = seconds / (double)now->done * (double)(now->total - met);
        fprintf(stderr, ", %.1f pages/s, %ld:%02ld:%02ld left",
                (double)now->pages / seconds, (long)left / 3600, (long)left / 60 % 60,
                (long)left % 60);
    }
}

void progress_paint(void *arg, const struct pipeline_progress *now)
{
    static int64_t painted;
    static int terminal = -1;
    if (terminal < 0)
        terminal = isatty(STDERR_FILENO);
    int64_t ms = clock_ms();
    if (painted == 0)
        painted = ms;
    if (ms - painted < (terminal ? REPAINT_MS : LINE_MS))
        return;
    painted = ms;
    if (terminal) {
        size_t full = now->total ? (now->done + now->skipped) * BAR / now->total : BAR;
        fputs("\r\033[K[", stderr);
        for (size_t i = 0; i < BAR; i++)
            fputc(i < full ? '#' : '.', stderr);
        fputs("] ", stderr);
    } else {
        fputs("cloister run: ", stderr);
    }
    progress_line(arg, now);
    fputs(terminal ? "" : "\n", stderr);
}

void progress_clear(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

/* ---- the time window ------------------------------------------------------------ */

static int deadline_until(const char *word, int64_t *ms)
{
    int hour, minute;
    char rest;
    if (sscanf(word, "%2d:%2d%c", &hour, &minute, &rest) != 2 || hour < 0 ||
        hour > 23 || minute < 0 || minute > 59) {
        complain("run", "--until takes a time of day such as 06:00, not \"%s\"", word);
        return EXIT_USAGE;
    }
    time_t now = time(NULL);
    struct tm then;
    localtime_r(&now, &then);
    then.tm_hour = hour;
    then.tm_min = minute;
    then.tm_sec = 0;
    then.tm_isdst = -1;
    time_t stop = mktime(&then);
    if (stop <= now) {
        then.tm_mday++;
        then.tm_isdst = -1;
        stop = mktime(&then);
    }
    *ms = clock_ms() + (int64_t)(stop - now) * 1000;
    return -1;
}

int deadline_find(const char *until, long max_seconds, int64_t *ms)
{
    *ms = 0;
    int status = until ? deadline_until(until, ms) : -1;
    int64_t limit = clock_ms() + max_seconds * 1000;
    if (max_seconds && (*ms == 0 || limit < *ms))
        *ms = limit;
    return status;
}
