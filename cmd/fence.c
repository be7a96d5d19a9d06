/* fence - what this process may still do once everything is open.
 *
 * Files that are opened later (the inputs, the journal of the database, the report) are
 * granted to Landlock by path; system calls are listed in ingest/sandbox.c. Threads
 * of the model are started afterwards and inherit both; they are woken at once, so
 * that the log can tell of each that it is held. */
#include "cmd/run.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int fence_close(const char *command, const struct ingest_grant *grant, size_t count,
                const struct ingest_parser *parser)
{
    struct ingest_error why;
    int landlock;
    if (ingest_confine(grant, count, &landlock, &why) == 0 &&
        ingest_lock(parser, &why) == 0)
        return -1;
    complain(command, "%s", why.text);
    return EXIT_NO_START;
}

/* Links lead out of the folders that are granted; where to is granted with them, if it
 * is a file. */
static bool leads_to_file(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && stat(path, &st) == 0 &&
           S_ISREG(st.st_mode);
}

char *folder_of(const char *path)
{
    char *copy = path ? strdup(path) : NULL;
    char *folder = copy ? strdup(dirname(copy)) : NULL;
    free(copy);
    return folder;
}

/* One number times one: the model's threads are there afterwards. */
static void wake_threads(struct infer_session *session)
{
    const float one = 1;
    float product;
    infer_similarity(session, &one, 1, &one, 1, 1, &product);
}

int job_fence(const struct job *job, int words, char **argv, const char *db,
              bool every_path)
{
    enum { FIXED = 5 };
    size_t count = 0;
    struct ingest_grant *grant = calloc((size_t)words + job->inputs.count + FIXED +
                                            job->policy->model.prior_count,
                                        sizeof(*grant));
    char *real = realpath(db, NULL), *program = lookup_program();
    char *folders[] = {folder_of(db), folder_of(real)};
    const char *const files[] = {"/etc/passwd", "/dev/urandom", program};
    int status = EXIT_NO_START;
    if (!grant || !folders[0] || !folders[1] || !program) {
        complain("run", "no memory, or no folder, for %s", db);
        goto out;
    }
    for (size_t i = 0; i < 2; i++)
        grant[count++] = (struct ingest_grant){.path = folders[i], .write = true};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        grant[count++].path = files[i];
    for (size_t i = 0; job->model.model && i < job->policy->model.prior_count; i++)
        grant[count++].path = job->policy->model.prior[i];
    for (int i = 1; i < words; i++)
        grant[count++].path = argv[i];
    for (size_t i = 0; i < job->inputs.count; i++)
        if (every_path || leads_to_file(job->inputs.path[i]))
            grant[count++].path = job->inputs.path[i];
    status = fence_close("run", grant, count, job->parser);
    if (status < 0) {
        wake_threads(job->encoder.session);
        attest_running(job->attest, job->parser);
    }
out:
    free(folders[0]);
    free(folders[1]);
    free(real);
    free(program);
    free(grant);
    return status;
}
