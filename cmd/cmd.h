/* cmd - the words a user types. The only code that prints and the only code
 * that decides an exit status. One command is one file and one const struct;
 * what they share is declared here and lives in options.c, lookup.c, output.c,
 * engine.c, memory.c and machine.c. */
#ifndef CMD_H
#define CMD_H

#include "infer/infer.h"
#include "ingest/ingest.h"
#include "pipeline/pipeline.h"
#include "policies/policies.h"
#include "store/store.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLOISTER_VERSION "0.1.0"

enum exit_status { /* documented in cloister(1); scripts rest on them */
                   EXIT_DONE = 0,
                   EXIT_SOME = 1,  /* an outcome other than ok or duplicate, or an
                                      undecided task */
                   EXIT_USAGE = 2, /* usage or policy error */
                   EXIT_NO_START = 3,
                   EXIT_BROKEN_OFF = 4, /* resumable */
                   EXIT_TAMPERED = 5,
                   EXIT_UNCHECKED = 6, /* the integrity check could not run */
                   EXIT_TRUNCATED = 7,
                   EXIT_LOCKED = 75 /* EX_TEMPFAIL */
};

struct command {
    const char *name, *synopsis, *summary;
    const struct option *option; /* ends with a NULL name */
    const char *details;         /* further help, whole lines */
    int (*run)(const struct command *self, int argc, char **argv);
};
extern const struct command cmd_run, cmd_extract, cmd_results, cmd_search, cmd_policy,
    cmd_model, cmd_audit, cmd_attest, cmd_help;
extern const struct command *const commands[]; /* ends with NULL */

/* ---- options.c: the command line ------------------------------------------------ */

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_NUMBER, OPTION_REAL };
struct option {
    const char *name;  /* without dashes */
    const char *value; /* its name in the help; NULL for a flag */
    const char *help;
    enum option_kind kind;
    void *to; /* bool, const char *, long or double */
    long min, max;
};
/* Sets what options say and moves the other arguments to the front of argv, which
 * begins with the command's name; *words counts them. EXIT_USAGE after a message
 * on standard error, or -1 to go on. */
int options_parse(const struct command *self, int argc, char **argv, int *words);
void command_help(const struct command *self, FILE *out);

/* ---- lookup.c: what lies beside the program ------------------------------------- */

/* A policy's name or path to a path; a model's likewise. The caller frees it; NULL
 * when there is no such file (after a message saying where it was looked for). */
char *lookup_policy(const char *name);
char *lookup_model(const char *name);

/* The models that are taken where none is named. */
#define USUAL_ENCODER "all-minilm-l6-v2.q8_0.gguf"
#define USUAL_DECODER "smollm2-135m-instruct.q4_1.gguf"
char *lookup_parser(void);             /* cloister-parse */
char *lookup_program(void);            /* our own file */
char *lookup_folder(const char *what); /* "policies" or "models", or NULL */
/* Names (without .xml) of the policies that are shipped, sorted; returns the count. */
size_t lookup_policies(char ***names);

/* ---- engine.c: settings of a model, shared by several commands ------------------ */

struct engine { /* what the command line says; zero is "not said" */
    const char *model, *adapter, *isa, *float_backend, *share_prefix, *kv;
    long threads, activations, batch, piece, context;
};
#define ENGINE_OPTIONS(engine)                                                \
    {"threads",                                                               \
     "N",                                                                     \
     "threads of the model (default: the CPUs this process may use)",         \
     OPTION_NUMBER,                                                           \
     &(engine).threads,                                                       \
     1,                                                                       \
     INFER_THREADS_MAX},                                                      \
        {"activations",                                                       \
         "16|8",                                                              \
         "bits of activations, with quantised weights",                       \
         OPTION_NUMBER,                                                       \
         &(engine).activations,                                               \
         8,                                                                   \
         16},                                                                 \
        {"float",                                                             \
         "exact|blas",                                                        \
         "float products: own tile, or OpenBLAS",                             \
         OPTION_TEXT,                                                         \
         &(engine).float_backend,                                             \
         0,                                                                   \
         0},                                                                  \
    {                                                                         \
        "isa", "NAME", "scalar, avx2, avxvnni or avx512 (default: the best)", \
            OPTION_TEXT, &(engine).isa, 0, 0                                  \
    }
/* Those of language models. */
#define ENGINE_DECODER_OPTIONS(engine)                                        \
    {"adapter",                                                               \
     "FILE",                                                                  \
     "GGUF adapter (LoRA) for the language model",                            \
     OPTION_TEXT,                                                             \
     &(engine).adapter,                                                       \
     0,                                                                       \
     0},                                                                      \
        {"kv",                                                                \
         "f32|f16|q8",                                                        \
         "how keys and values of past tokens are kept (default: f16)",        \
         OPTION_TEXT,                                                         \
         &(engine).kv,                                                        \
         0,                                                                   \
         0},                                                                  \
        {"context",                                                           \
         "N",                                                                 \
         "tokens of the longest sequence (default: 4096, or the model's)",    \
         OPTION_NUMBER,                                                       \
         &(engine).context,                                                   \
         1,                                                                   \
         INT32_MAX},                                                          \
        {"batch",                                                             \
         "N",                                                                 \
         "sequences in flight together (default: 32)",                        \
         OPTION_NUMBER,                                                       \
         &(engine).batch,                                                     \
         1,                                                                   \
         INFER_BATCH_SEQUENCES_MAX},                                          \
        {"piece",                                                             \
         "N",                                                                 \
         "tokens of a prompt fed at a time (default: as many as fit)",        \
         OPTION_NUMBER,                                                       \
         &(engine).piece,                                                     \
         1,                                                                   \
         INFER_BATCH_TOKENS_MAX},                                             \
    {                                                                         \
        "share-prefix", "on|off", "compute what all prompts begin with once", \
            OPTION_TEXT, &(engine).share_prefix, 0, 0                         \
    }

enum { ENGINE_SETTINGS_BYTES = 192 };

struct loaded { /* a model and what belongs to it; zero it first */
    char *path;
    struct infer_model *model;
    struct infer_model_info info;
    struct infer_options options; /* a session for this model is opened with */
    struct infer_plan plan;
    struct infer_session *session;
    struct store_digest digest;  /* of all files of the model */
    struct store_digest adapted; /* the same, or of model and adapter */
    char settings[ENGINE_SETTINGS_BYTES];
};

/* The steps from a name to a session; each returns -1 to go on, or an exit status
 * after a message. */
int engine_load(const char *command, const struct engine *engine, const char *name,
                struct loaded *out);
/* The digests, and in settings what results depend on, as the identity records it. */
int engine_identify(const char *command, const struct engine *engine,
                    struct loaded *loaded);
int engine_options(const char *command, const struct engine *engine,
                   const struct infer_model_info *info, struct infer_options *options);
int engine_plan(const char *command, struct loaded *loaded);
int engine_session(const char *command, struct loaded *loaded);
void engine_close(struct loaded *loaded);

/* ---- decoder.c: a language model for a policy ------------------------------------ */

/* engine_load() to engine_plan() of engine->model, with room for the policy's prompts;
 * and, when the process is locked, what asks it. -1 to go on. */
int decoder_load(const char *command, const struct engine *engine,
                 const struct policy *policy, struct loaded *out);
int decoder_open(const char *command, const struct policy *policy,
                 const struct loaded *model, struct pipeline_decoder **out);

/* ---- reader.c: documents read one at a time -------------------------------------- */

struct reader {
    const char *command;
    struct policy *policy;
    struct ingest_parser *parser;
    char **password;
    size_t password_count;
};
/* How reading one file ended, in the names of the database. */
struct ending {
    const char *outcome, *reason;
};
int reader_open(struct reader *reader, const char *command, const char *policy,
                const char *password_file);
/* -1 and *document, NULL when its bytes could not be had; or an exit status. */
int reader_read(struct reader *reader, const char *path, struct ingest_file *file,
                struct store_digest *digest, struct ingest_document **document);
struct ending reader_ending(const struct reader *reader, const struct ingest_file *file,
                            const struct ingest_document *document);
void reader_close(struct reader *reader);
/* By name or path; NULL after a message. */
struct policy *policy_find(const char *name);

/* ---- memory.c: what is taken is said, and refused when there is not so much -------
 */

/* The plan of a session, and other memory of that kind taken beside it. */
struct memory_part {
    const char *what; /* "language model" */
    uint64_t bytes;
};
/* What the process has already, and all parts. */
uint64_t memory_needed(const struct memory_part *part, size_t count);
/* Says what is needed and what is free when loud, or when it is 1 GiB; -1 to go on.
 * EXIT_NO_START when it does not fit, with the numbers and what to change. */
int memory_announce(const char *command, const struct memory_part *part, size_t count,
                    bool loud);
/* "1.9 GiB", "22.1 MiB" */
void memory_words(uint64_t bytes, char out[32]);

/* ---- machine.c: what this process may use of the machine ------------------------- */

int cpus_allowed(void);      /* affinity and cgroup quota */
uint64_t memory_free(void);  /* of the machine and of the cgroups above us */
uint64_t memory_taken(void); /* resident in this process, files it maps included */

/* ---- passwords.c ----------------------------------------------------------------- */

/* One password a line; EXIT_USAGE after a message, or -1. */
int passwords_read(const char *command, const char *path, char ***out, size_t *count);
void passwords_free(char **password, size_t count);

/* ---- attest.c, fence.c: proof of the limits, and the limits of this process -------
 */

/* All probes; *facts is a summary, owned by the caller. EXIT_NO_START after a message
 * when something forbidden is possible, or -1. Call it before threads are started. */
int attest_run(const char *command, json_t **facts);
/* Add to them what binds the processes that run, read back behind the lock. */
void attest_running(json_t *facts, const struct ingest_parser *parser);

/* Lock this process down, with what is still to be opened; -1, or EXIT_NO_START. */
int fence_close(const char *command, const struct ingest_grant *grant, size_t count,
                const struct ingest_parser *parser);

/* The folder of a file, as a string of its own. */
char *folder_of(const char *path);

/* ---- results.c ------------------------------------------------------------------ */

/* For tables: the part below the working folder, or the path itself. */
const char *path_from_here(const char *path);

/* ---- output.c: words and JSON --------------------------------------------------- */

enum format { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV, FORMAT_TEXT, FORMAT_F32 };
/* EXIT_USAGE after a message, or -1; word NULL leaves *out. */
int format_parse(const char *command, const char *word, const char *allowed,
                 enum format *out);
void complain(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Print one JSON line and drop the reference. */
void json_line(json_t *object);
/* A string that may not be UTF-8: invalid bytes become U+FFFD. */
json_t *json_text(const char *text, size_t bytes);
json_t *json_or_null(const char *text);
/* The bytes of a path that is not UTF-8, to be freed; NULL when it is. */
char *path_hex(const char *path);
/* Adds "path", and "path_hex" when the path is not UTF-8. */
void json_set_path(json_t *object, const char *path);
/* Print text so that no control character reaches a terminal; at most width columns
 * when width > 0. Returns the columns used. */
int print_safe(FILE *out, const char *text, int width);
void print_csv(FILE *out, const char *field, bool last);

#endif
