/* What the files of `cloister run` share: the job, from its opening to its end. */
#ifndef CMD_RUN_H
#define CMD_RUN_H

#include "cmd/cmd.h"

#include <signal.h>

struct job { /* all that a run holds; released in reverse order at the end */
    struct policy *policy;
    char **password;
    size_t password_count;
    struct ingest_parser *parser;
    json_t *attest; /* what the probes said */
    int lanes;
    struct pipeline_inputs inputs;
    struct store *store;
    int64_t run_id;
    char *report_path;
    struct loaded encoder, model;     /* model: all zero where none is asked for */
    struct pipeline_decoder *decoder; /* NULL: no language model */
    struct pipeline_progress total;
    enum pipeline_end end;
    int64_t started_ms, deadline_ms; /* as clock_ms(); 0: no deadline */
    bool retry_failed;
    const volatile sig_atomic_t *cancel;
};

/* What the job asks of the pipeline, but for a report of its progress. */
struct pipeline job_pipeline(const struct job *job);

int64_t clock_ms(void); /* monotonic */

/* ---- run_model.c: the encoder and the language model ----------------------------- */

struct run_models {      /* what the command line says of them */
    const char *encoder; /* NULL: not said */
    struct engine engine;
    bool quiet; /* the plan is not announced */
};

/* Both models and their sessions; -1 to go on, or an exit status after a message. */
int job_models(struct job *job, const struct run_models *asked);
/* Make the language model ready to be asked, where there is one; it computes, so it is
 * called when this process is locked. */
int job_decoder(struct job *job);
void job_models_close(struct job *job);

/* ---- identity.c: who runs what, where, with which settings ---------------------- */

/* Write the run's identity and facts into the database; -1 to go on. */
int job_begin(struct job *job, int words, char **argv);

/* What results of this job depend on; settings is what out->settings points to.
 * Passwords are no part of it: they decide which documents open, not what is found in
 * them, and what stayed locked is tried again whenever some are given. */
enum { SETTINGS_BYTES = 640 };
void job_identity(const struct job *job, struct store_identity *out,
                  char settings[SETTINGS_BYTES]);

/* ---- dryrun.c: what a run would do ---- */

/* Print it; the job is open but for its store, which is read if db exists. */
int job_dry_run(struct job *job, const char *db, bool json);

/* ---- fence.c: the limits of this process from the first document on ----------------
 */

/* The job is open, its store included. every_path: paths came from a list, and each is
 * granted by itself. -1 to go on, or EXIT_NO_START after a message. */
int job_fence(const struct job *job, int words, char **argv, const char *db,
              bool every_path);

/* ---- progress.c: how far it is, and when to stop -------------------------------- */

/* A pipeline report function; arg is the job. */
void progress_paint(void *arg, const struct pipeline_progress *now);
void progress_clear(void); /* take the bar off the terminal */
/* The earlier of "HH:MM" and max_seconds from now, as clock_ms(); 0: never. -1 to go
 * on, or EXIT_USAGE after a message. */
int deadline_find(const char *until, long max_seconds, int64_t *ms);

#endif
