/* dryrun - cloister run --dry-run: what would be done, and about how long it takes.
 *
 * Nothing is written: the database is opened read-only when there is one. */
#include "cmd/run.h"

#include <stdio.h>
#include <unistd.h>

static int dry_store(struct job *job, const char *db)
{
    struct store_error why;
    struct store_identity identity;
    char settings[SETTINGS_BYTES];
    if (access(db, F_OK) != 0)
        return -1;
    job_identity(job, &identity, settings);
    if (store_open(&job->store, db, STORE_READ, &why) == STORE_OK &&
        store_run_like(job->store, &identity, &job->run_id, &why) == STORE_OK)
        return -1;
    complain("run", "%s", why.text);
    return EXIT_NO_START;
}

static void print_plan(const struct pipeline_plan *plan, bool json)
{
    if (json) {
        json_line(json_pack(
            "{s:I,s:I,s:I,s:I,s:I,s:I,s:f}", "total", (json_int_t)plan->total, "to_do",
            (json_int_t)plan->to_do, "copies", (json_int_t)plan->copies, "done_before",
            (json_int_t)plan->done_before, "unreadable", (json_int_t)plan->unreadable,
            "bytes", (json_int_t)plan->bytes, "seconds", plan->seconds));
        return;
    }
    printf("%zu files: %zu to do (%.1f MiB), %zu copies of others, %zu done before, "
           "%zu that cannot be read\n",
           plan->total, plan->to_do, (double)plan->bytes / 1048576.0, plan->copies,
           plan->done_before, plan->unreadable);
    long seconds = (long)(plan->seconds + 0.5);
    if (plan->sampled)
        printf("about %ld:%02ld:%02ld, judged by %zu of them\n", seconds / 3600,
               seconds / 60 % 60, seconds % 60, plan->sampled);
}

int job_dry_run(struct job *job, const char *db, bool json)
{
    struct pipeline_error why;
    struct pipeline_plan plan;
    int status = job_decoder(job);
    if (status < 0)
        status = dry_store(job, db);
    if (status >= 0)
        return status;
    struct pipeline run = job_pipeline(job);
    if (pipeline_plan(&run, &plan, &why) != 0) {
        complain("run", "%s", why.text);
        return EXIT_BROKEN_OFF;
    }
    if (plan.end != PIPELINE_COMPLETE) {
        complain("run", "broken off: nothing is said of what was not looked at");
        return EXIT_BROKEN_OFF;
    }
    print_plan(&plan, json);
    return EXIT_DONE;
}
