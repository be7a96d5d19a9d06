/* pipeline - documents in, results and audit events out.
 *
 *     path -> document -> sections -> chunks -> batch -> scores -> decision -> rows +
 * event ingest      ingest      chunk     infer    classify  decide      store
 *
 *     struct pipeline run = { .policy = policy, .model = model, .session = session,
 *                             .parser = parser, .store = store, ... };
 *     pipeline_run(&run, &total, &err);
 *
 * run.c tells the whole story; the other files are its steps. The main thread
 * owns everything here; the parsers work beside it in processes of their own,
 * the model on all cores inside infer. SIGPIPE must be ignored by the caller: a parser
 * that dies is an error code then, and the end of the whole process otherwise. */
#ifndef PIPELINE_H
#define PIPELINE_H

#include "policies/policies.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct policy;
struct infer_model;
struct infer_session;
struct ingest_parser;
struct ingest_document;
struct ingest_file;
struct ingest_request;
struct store;
struct store_digest;

/* Raised only when the results of the same text can change by pipeline's doing; part of
 * a run's identity. */
enum { PIPELINE_VERSION = 1 };

/* Limits that no policy sets, part of the identity too. */
enum { PIPELINE_SENTENCES_MAX = 200000 }; /* a document's: 300 MB of vectors */

enum pipeline_status {
    PIPELINE_OK = 0,
    PIPELINE_ENOMEM = -1,
    PIPELINE_EPARSER = -2, /* cloister-parse died: broken off, resumable */
    PIPELINE_ESTORE = -3,  /* work that cannot be recorded must not be done */
    PIPELINE_EINFER = -4,
    PIPELINE_EINPUT = -5,
    PIPELINE_ECANCELED = -6
};

struct pipeline_error {
    int status;
    char text[400];
};

/* ---- paths ---------------------------------------------------------------------- */

/* A path as it is recorded: absolute, without "." and doubled slashes; links stay, but
 * before "..", which the file system resolves. The caller frees it; NULL: no memory. */
char *pipeline_path(const char *typed);

/* ---- inputs: the files to read, folders walked ---------------------------------- */

struct pipeline_inputs {
    char **path; /* as pipeline_path() has them, sorted, each once */
    size_t count, capacity;
    const volatile sig_atomic_t *cancel; /* NULL, or it breaks a walk off */
};
/* A folder gives everything below it that is not a folder, names beginning with a
 * dot left out; links to folders are not followed. A folder that cannot be
 * entered, or not read to its end, stays in the list itself: an outcome not ok.
 * PIPELINE_ECANCELED: *cancel was set, and the list is not whole. */
int pipeline_inputs_add(struct pipeline_inputs *inputs, const char *typed,
                        struct pipeline_error *err);
void pipeline_inputs_finish(struct pipeline_inputs *inputs); /* sort, drop doubles */
/* Drop the paths for which ours() is true: the database beside the documents. */
void pipeline_inputs_leave_out(struct pipeline_inputs *inputs,
                               bool (*ours)(void *arg, const char *path), void *arg);
void pipeline_inputs_free(struct pipeline_inputs *inputs);

/* ---- chunks --------------------------------------------------------------------- */

struct pipeline_range { /* half-open, in bytes of sections' texts; sections from 1 */
    uint32_t section, end_section;
    size_t start, end;
};

struct pipeline_sentence { /* a piece of one chunk; white space after it included */
    uint32_t chunk;        /* index into chunk[] */
    size_t at, bytes;      /* place in text */
    uint32_t tokens;       /* special tokens not counted */
};

struct pipeline_chunk {
    struct pipeline_range range;
    size_t at, bytes; /* place in text */
    uint32_t first_sentence, sentence_count;
    uint32_t tokens; /* special tokens included */
};

struct pipeline_span { /* a stretch of one section's text that is visible */
    uint32_t section;
    size_t start, at, bytes; /* from byte start of the section, at byte at of text */
    bool gap;                /* hidden text was left out just before it */
};

struct pipeline_text { /* what the model may see of a document, cut to its size */
    char *text;        /* visible text of all sections, one after the other */
    size_t text_bytes;
    size_t extracted_bytes, hidden_bytes; /* extracted = hidden left out + text_bytes */
    struct pipeline_span *span;
    size_t span_count;
    struct pipeline_sentence *sentence; /* they cover text without gap or overlap */
    size_t sentence_count;
    struct pipeline_chunk *chunk; /* so do they */
    size_t chunk_count;
    size_t chunked_bytes; /* sum over chunk[]; equals text_bytes */
};

/* Cut a document into sentences and these into chunks of at most
 * chunk_tokens_max tokens of the model, special tokens included. A sentence is
 * cut only when it alone is longer. Sentence boundaries: Unicode UAX 29 as ICU
 * has it, line ends and abbreviations handled as sentence.c says. */
int pipeline_chunk(struct pipeline_text **out, const struct ingest_document *document,
                   const struct infer_model *model, uint32_t chunk_tokens_max,
                   enum policy_hidden hidden, struct pipeline_error *err);
void pipeline_text_free(struct pipeline_text *text); /* NULL allowed */

/* Where bytes [at, at + bytes) of text stand in the sections; bytes > 0 and the
 * stretch does not run over a gap left by hidden text. */
struct pipeline_range pipeline_range_of(const struct pipeline_text *text, size_t at,
                                        size_t bytes);

/* The sentence that says so when a document was read and all of its text is hidden
 * from a reader: it ends as suspect_text, and the model is not asked. NULL otherwise.
 * hidden: what of it the policy leaves out. */
const char *pipeline_all_hidden(const struct ingest_document *document,
                                enum policy_hidden hidden);

/* ---- a language model ------------------------------------------------------------ */

/* All that is needed to ask a language model: its chat, the policy's prompts as tokens,
 * the priors of its labels. */
struct pipeline_decoder;

struct pipeline_decoder_options { /* borrowed as long as the decoder lives */
    const struct policy *policy;
    const struct infer_model *model;
    struct infer_session *session;
    const struct store_digest *digest; /* of the model's files */
};

/* How many tokens the longest sequence of a session must hold for these prompts. */
int pipeline_decoder_tokens(const struct policy *policy,
                            const struct infer_model *model, uint32_t *out,
                            struct pipeline_error *err);

/* Reads the prior that belongs to this model, or scores the policy's neutral text.
 * PIPELINE_EINPUT: a prior is damaged or a prompt does not fit the model. */
int pipeline_decoder_open(struct pipeline_decoder **out,
                          const struct pipeline_decoder_options *options,
                          struct pipeline_error *err);
void pipeline_decoder_close(struct pipeline_decoder *decoder); /* NULL allowed */

/* "chat=chatml prior=<digest>|neutral": part of a run's identity; lives as long. */
const char *pipeline_decoder_settings(const struct pipeline_decoder *decoder);

/* What the model sees of a document, to the byte: every prompt, headed by what it is
 * for; the caller frees *out. */
int pipeline_decoder_prompts(const struct pipeline_decoder *decoder,
                             struct pipeline_text *text, char **out,
                             struct pipeline_error *err);

/* Measure a prior on documents that nobody has labelled: the mean of the labels' raw
 * scores. The caller frees *out, the content of the file. */
int pipeline_decoder_calibrate(const struct pipeline_decoder *decoder,
                               struct pipeline_text *const *text, size_t count,
                               char **out, struct pipeline_error *err);

/* ---- a run ---------------------------------------------------------------------- */

struct pipeline_progress {
    size_t total, done, skipped; /* documents; skipped: done before */
    size_t failed;               /* of both: outcome neither ok nor duplicate */
    size_t undecided;            /* of both: an undecided task */
    uint64_t pages, tokens;
    const char *path; /* the last one finished */
};

enum pipeline_end {
    PIPELINE_COMPLETE,
    PIPELINE_CANCELED, /* by *cancel */
    PIPELINE_OUT_OF_TIME
};

struct pipeline { /* everything a run needs; the caller owns it all */
    const struct policy *policy;
    const struct infer_model *model;  /* the encoder */
    struct infer_session *session;    /* its */
    struct pipeline_decoder *decoder; /* NULL: the encoder answers everything */
    struct ingest_parser *parser;
    int lanes;
    const char *const *password;
    size_t password_count;
    struct store *store;
    int64_t run_id;
    const struct pipeline_inputs *inputs;
    bool retry_failed;
    const volatile sig_atomic_t *cancel;
    int64_t deadline_ms; /* CLOCK_MONOTONIC; 0: none */
    void (*report)(void *arg, const struct pipeline_progress *now);
    void *report_arg;
};

/* Returns 0 and *end, or a negative status; total is filled either way. Unless *end is
 * PIPELINE_COMPLETE lanes may still be at work, on documents that nobody waits for:
 * collect these, or close the parser, which kills them, before another run. The same
 * holds for pipeline_plan. */
int pipeline_run(const struct pipeline *run, enum pipeline_end *end,
                 struct pipeline_progress *total, struct pipeline_error *err);

/* What a run would do, and about how long it would take: every file is hashed and
 * looked up, a few of those to do are read and embedded for the clock. Nothing is
 * written; run->store may be NULL (nothing is done yet), run->run_id 0. It is broken
 * off as a run is, by *cancel and the deadline; the counts then cover what was looked
 * at. */
struct pipeline_plan {
    size_t total, to_do, copies, done_before, unreadable; /* copies: of others */
    uint64_t bytes;                                       /* of the files to do */
    size_t sampled;                                       /* documents timed */
    double seconds; /* about; 0 when nothing could be timed */
    enum pipeline_end end;
};
int pipeline_plan(const struct pipeline *run, struct pipeline_plan *out,
                  struct pipeline_error *err);

/* Copy the bytes of path into a lane and hash them; what the file system says is in
 * file->outcome, and the digest means something when that is INGEST_READ. */
int pipeline_load(struct ingest_parser *parser, int lane, const char *path,
                  uint64_t file_bytes_max, struct ingest_file *file,
                  struct store_digest *digest, struct pipeline_error *err);

/* What the policy asks of the reader; lives as long as policy and password. */
void pipeline_request(const struct policy *policy, const char *const *password,
                      size_t password_count, struct ingest_request *out);

#endif
