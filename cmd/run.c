/* cloister run - the main job: documents in, results and audit log out.
 *
 *     policy ─ inputs ─ attest ─ parser ─ models ─ database ─ fence ─ run ─ report
 *
 * The probes of attest and cloister-parse are started while this process has one thread
 * and little memory. From the fence on it starts no process and no program. Whatever
 * can be refused is refused before the first document is read; after that only the
 * store may end the run early, a signal or the time window. */
#include "cmd/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct {
    const char *policy, *db, *password_file, *files_from, *until, *format;
    long max_seconds;
    bool retry_failed, dry_run;
    struct run_models models;
} asked;

static const struct option options[] = {
    {"policy", "NAME|FILE", "what to ask (default: contracts)", OPTION_TEXT,
     &asked.policy, 0, 0},
    {"db", "FILE", "database to write (default: cloister.db)", OPTION_TEXT, &asked.db,
     0, 0},
    {"encoder", "FILE", "GGUF encoder (default: " USUAL_ENCODER ")", OPTION_TEXT,
     &asked.models.encoder, 0, 0},
    {"model", "FILE", "GGUF language model that answers and writes (default: none)",
     OPTION_TEXT, &asked.models.engine.model, 0, 0},
    {"files-from", "FILE", "read more paths from FILE, one a line (-: standard input)",
     OPTION_TEXT, &asked.files_from, 0, 0},
    {"password-file", "FILE", "passwords to try on encrypted PDFs, one a line",
     OPTION_TEXT, &asked.password_file, 0, 0},
    {"retry-failed", NULL, "do again what did not end ok", OPTION_FLAG,
     &asked.retry_failed, 0, 0},
    {"dry-run", NULL, "say what would be done and about how long it takes", OPTION_FLAG,
     &asked.dry_run, 0, 0},
    {"until", "HH:MM", "stop at that time of day, resumable", OPTION_TEXT, &asked.until,
     0, 0},
    {"max-seconds", "N", "stop after N seconds, resumable", OPTION_NUMBER,
     &asked.max_seconds, 1, 100L * 365 * 86400},
    ENGINE_OPTIONS(asked.models.engine),
    ENGINE_DECODER_OPTIONS(asked.models.engine),
    {"format", "json", "end with one JSON object instead of words", OPTION_TEXT,
     &asked.format, 0, 0},
    {"quiet", NULL, "no progress and no closing words", OPTION_FLAG,
     &asked.models.quiet, 0, 0},
    {0},
};

static volatile sig_atomic_t canceled;

static void on_signal(int signal_number)
{
    (void)signal_number;
    canceled = 1;
}

/* ---- what can be refused before anything is read -------------------------------- */

static int job_policy(struct job *job)
{
    job->policy = policy_find(asked.policy ? asked.policy : "contracts");
    return job->policy ? -1 : EXIT_USAGE;
}

static int job_parser(struct job *job)
{
    struct ingest_error why;
    char *program = lookup_parser();
    if (!program)
        return EXIT_NO_START;
    int cpus = cpus_allowed();
    job->lanes = cpus < 4 ? 2 : cpus / 2 < 32 ? cpus / 2 : 32;
    struct ingest_parser_options lanes = {.program = program, .lanes = job->lanes};
    int status = ingest_parser_open(&job->parser, &lanes, &why);
    if (status != INGEST_OK)
        complain("run", "%s", why.text);
    free(program);
    return status == INGEST_OK ? -1 : EXIT_NO_START;
}

static int list_refuse(size_t line, const char *what, int status)
{
    if (canceled) {
        complain("run", "--files-from %s: broken off by a signal", asked.files_from);
        return EXIT_BROKEN_OFF;
    }
    complain("run", "--files-from %s, after line %zu: %s", asked.files_from, line,
             what);
    return status;
}

/* Paths may hold any byte but a NUL: such a list was made to be cut at NULs. */
static int list_read(struct job *job, FILE *in)
{
    struct pipeline_error why;
    char *line = NULL;
    size_t capacity = 0, count = 0;
    ssize_t bytes;
    int status = -1;
    while (status < 0 && !canceled && (bytes = getline(&line, &capacity, in)) > 0) {
        bytes -= line[bytes - 1] == '\n';
        if (strnlen(line, (size_t)bytes) < (size_t)bytes)
            status =
                list_refuse(count, "a NUL byte; write one path a line", EXIT_USAGE);
        line[bytes] = '\0';
        if (status < 0 && line[0] &&
            pipeline_inputs_add(&job->inputs, line, &why) != PIPELINE_OK)
            status = list_refuse(count, why.text, EXIT_NO_START);
        count++;
    }
    if (status < 0 && (canceled || ferror(in)))
        status = list_refuse(count, strerror(errno), EXIT_NO_START);
    free(line);
    return status;
}

static int inputs_from_list(struct job *job)
{
    bool standard = strcmp(asked.files_from, "-") == 0;
    FILE *in = standard ? stdin : fopen(asked.files_from, "re");
    if (!in)
        return list_refuse(0, strerror(errno), EXIT_USAGE);
    int status = list_read(job, in);
    if (!standard)
        fclose(in);
    return status;
}

static int job_inputs(struct job *job, int words, char **argv)
{
    struct pipeline_error why;
    job->inputs.cancel = &canceled;
    for (int i = 1; i < words; i++) {
        struct stat st;
        if (lstat(argv[i], &st) != 0) {
            complain("run", "%s: %s", argv[i], strerror(errno));
            return EXIT_USAGE;
        }
        if (pipeline_inputs_add(&job->inputs, argv[i], &why) != 0) {
            complain("run", "%s", why.text);
            return canceled ? EXIT_BROKEN_OFF : EXIT_NO_START;
        }
    }
    return asked.files_from ? inputs_from_list(job) : -1;
}

/* ---- the database --------------------------------------------------------------- */

static const char *db_path(void)
{
    return asked.db ? asked.db : "cloister.db";
}

/* cloister.db -> cloister.html, in the same folder; another ending stays. */
static char *report_path_make(const char *db)
{
    size_t bytes = strlen(db);
    size_t keep = bytes > 3 && strcmp(db + bytes - 3, ".db") == 0 ? bytes - 3 : bytes;
    char *path;
    return asprintf(&path, "%.*s.html", (int)keep, db) < 0 ? NULL : path;
}

/* A report of ours says so in its head. */
static bool is_report(const char *path)
{
    char head[1024];
    FILE *in = fopen(path, "re");
    size_t bytes = in ? fread(head, 1, sizeof(head) - 1, in) : 0;
    if (in)
        fclose(in);
    head[bytes] = '\0';
    return strstr(head, "name=\"generator\" content=\"cloister") != NULL;
}

/* Nobody's file is overwritten by the report. */
static int report_check(const char *path)
{
    struct stat st;
    if (!path)
        return EXIT_NO_START;
    if (lstat(path, &st) != 0 || is_report(path))
        return -1;
    complain("run",
             "%s is in the way of the report and is no report of cloister's; move "
             "it or name another --db",
             path);
    return EXIT_NO_START;
}

static bool same_file(const char *a, const char *b)
{
    struct stat sa, sb;
    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
           sa.st_ino == sb.st_ino;
}

/* Is this path the database, a companion of it, or the report? */
static bool is_ours(void *arg, const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    const struct job *job = arg;
    char companion[4200];
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        snprintf(companion, sizeof(companion), "%s%s", db_path(), suffixes[i]);
        if (same_file(path, companion))
            return true;
    }
    return job->report_path && same_file(path, job->report_path) &&
           is_report(job->report_path);
}

enum { FREE_BYTES_MIN = 64 << 20 };

static int job_store(struct job *job)
{
    struct store_error why;
    uint64_t available;
    int clear = report_check(job->report_path);
    if (clear >= 0)
        return clear;
    if (store_free_bytes(db_path(), &available, &why) != 0) {
        complain("run", "%s", why.text);
        return EXIT_NO_START;
    }
    if (available < FREE_BYTES_MIN) {
        complain("run",
                 "%s: %llu MiB free, at least %d MiB are needed; free some or name "
                 "another place with --db",
                 db_path(), (unsigned long long)available >> 20, FREE_BYTES_MIN >> 20);
        return EXIT_NO_START;
    }
    int status = store_open(&job->store, db_path(), STORE_RUN, &why);
    if (status != STORE_OK)
        complain("run", "%s", why.text);
    return status == STORE_OK      ? -1
           : status == STORE_EBUSY ? EXIT_LOCKED
                                   : EXIT_NO_START;
}

/* ---- the run -------------------------------------------------------------------- */

static const char *why_ended(const struct job *job, int status)
{
    if (status == PIPELINE_EPARSER)
        return "parser";
    if (status != PIPELINE_OK)
        return "error";
    return job->end == PIPELINE_COMPLETE   ? "complete"
           : job->end == PIPELINE_CANCELED ? "signal"
                                           : "time";
}

struct pipeline job_pipeline(const struct job *job)
{
    return (struct pipeline){
        .policy = job->policy,
        .model = job->encoder.model,
        .session = job->encoder.session,
        .decoder = job->decoder,
        .parser = job->parser,
        .lanes = job->lanes,
        .password = (const char *const *)job->password,
        .password_count = job->password_count,
        .store = job->store,
        .run_id = job->run_id,
        .inputs = &job->inputs,
        .retry_failed = job->retry_failed,
        .cancel = job->cancel,
        .deadline_ms = job->deadline_ms,
    };
}

static int job_run(struct job *job)
{
    struct pipeline_error why;
    struct store_error store_why;
    struct pipeline run = job_pipeline(job);
    run.report = asked.models.quiet ? NULL : progress_paint;
    run.report_arg = job;
    int status = pipeline_run(&run, &job->end, &job->total, &why);
    if (!asked.models.quiet)
        progress_clear();
    if (status != PIPELINE_OK)
        complain("run", "broken off: %s; the same command goes on where it stopped",
                 why.text);
    struct store_run_end end = {
        .why = why_ended(job, status),
        .documents = job->total.done + job->total.skipped,
        .done = job->total.done,
        .skipped = job->total.skipped,
    };
    if (store_run_end(job->store, job->run_id, &end, &store_why) != 0) {
        complain("run", "%s", store_why.text);
        return EXIT_BROKEN_OFF;
    }
    return status == PIPELINE_OK && job->end == PIPELINE_COMPLETE ? -1
                                                                  : EXIT_BROKEN_OFF;
}

/* ---- the end -------------------------------------------------------------------- */

static int job_finish(struct job *job, int status)
{
    struct store_error why;
    if (store_report(job->store, job->run_id, job->report_path, &why) != 0) {
        complain("run", "%s", why.text);
        return EXIT_BROKEN_OFF;
    }
    if (status >= 0)
        return status;
    return job->total.failed || job->total.undecided ? EXIT_SOME : EXIT_DONE;
}

static void closing_words(const struct job *job, int status)
{
    double seconds = (double)(clock_ms() - job->started_ms) / 1000.0;
    const struct pipeline_progress *t = &job->total;
    if (asked.format) {
        json_line(json_pack(
            "{s:I,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:f,s:i,s:s,s:s}", "run",
            (json_int_t)job->run_id, "end",
            status == EXIT_BROKEN_OFF ? "broken_off" : "complete", "total",
            (json_int_t)t->total, "done", (json_int_t)t->done, "skipped",
            (json_int_t)t->skipped, "not_ok", (json_int_t)t->failed, "undecided",
            (json_int_t)t->undecided, "pages", (json_int_t)t->pages, "tokens",
            (json_int_t)t->tokens, "seconds", seconds, "status", status, "database",
            db_path(), "report", job->report_path));
        return;
    }
    if (asked.models.quiet)
        return;
    fprintf(stderr,
            "%zu documents: %zu done now, %zu done before; %zu not ok, %zu undecided "
            "(%.1f s)\ndatabase: %s\nreport:   %s\n",
            t->total, t->done, t->skipped, t->failed, t->undecided, seconds, db_path(),
            job->report_path);
}

static int job_close(struct job *job, int status)
{
    struct store_error why;
    job_models_close(job);
    if (job->store && store_close(job->store, &why) != 0) {
        complain("run", "%s", why.text);
        status = EXIT_BROKEN_OFF;
    }
    pipeline_inputs_free(&job->inputs);
    ingest_parser_close(job->parser);
    passwords_free(job->password, job->password_count);
    policy_free(job->policy);
    free(job->report_path);
    json_decref(job->attest);
    return status;
}

static int job_open(struct job *job, int words, char **argv)
{
    int status = job_policy(job);
    if (status < 0)
        status = job_inputs(job, words, argv);
    if (status < 0 && asked.password_file)
        status = passwords_read("run", asked.password_file, &job->password,
                                &job->password_count);
    if (status < 0)
        status = attest_run("run", &job->attest);
    if (status < 0)
        status = job_parser(job);
    if (status < 0)
        status = job_models(job, &asked.models);
    job->report_path = report_path_make(db_path());
    pipeline_inputs_leave_out(&job->inputs, is_ours, job);
    pipeline_inputs_finish(&job->inputs);
    return status;
}

/* The run itself, from the lock to the report. */
static int job_do(struct job *job, int words, char **argv)
{
    int status = job_store(job);
    if (status < 0) {
        pipeline_inputs_leave_out(&job->inputs, is_ours, job); /* it may be new */
        status = job_fence(job, words, argv, db_path(), asked.files_from != NULL);
        if (status < 0)
            status = job_decoder(job);
        if (status < 0)
            status = job_begin(job, words, argv);
    }
    if (status >= 0)
        return status;
    status = job_finish(job, job_run(job));
    closing_words(job, status);
    return status;
}

/* Not one that was to be ignored: nohup, a shell's background job. */
static void catch_signal(int number, const struct sigaction *action)
{
    struct sigaction before;
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(number, action, NULL);
}

static int run_main(const struct command *self, int argc, char **argv)
{
    struct job job = {.started_ms = clock_ms(), .cancel = &canceled};
    struct sigaction action = {.sa_handler = on_signal};
    enum format format = FORMAT_TEXT;
    int words;
    int status = options_parse(self, argc, argv, &words);
    if (status < 0)
        status = format_parse("run", asked.format, "json", &format);
    if (status < 0 && words < 2 && !asked.files_from) {
        complain("run", "no PATH given: name files or folders to read");
        status = EXIT_USAGE;
    }
    if (status < 0)
        status = deadline_find(asked.until, asked.max_seconds, &job.deadline_ms);
    if (status >= 0)
        return status;
    job.retry_failed = asked.retry_failed;
    catch_signal(SIGINT, &action);
    catch_signal(SIGTERM, &action);
    catch_signal(SIGHUP, &action);
    signal(SIGPIPE, SIG_IGN);
    status = job_open(&job, words, argv);
    if (status < 0)
        status = asked.dry_run ? job_dry_run(&job, db_path(), asked.format != NULL)
                               : job_do(&job, words, argv);
    return job_close(&job, status);
}

const struct command cmd_run = {
    .name = "run",
    .synopsis = "run [options] PATH...",
    .summary = "Read documents, classify and summarise them, record everything.",
    .option = options,
    .details =
        "PATH is a file or a folder (walked; names beginning with a dot are left out).\n"
        "A rerun does what is missing: finished documents are known by their digest, the\n"
        "policy, the models and the arithmetic version. The report lies beside the\n"
        "database, with .html for its ending.\n\n"
        "exit status: 0 all ok, 1 some documents need a person, 2 usage or policy error,\n"
        "3 could not start, 4 broken off and resumable, 75 another run holds the lock\n",
    .run = run_main,
};
