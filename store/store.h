/* store - results and the audit log, in one SQLite file.
 *
 *     struct store *store;
 *     store_open(&store, "cloister.db", STORE_RUN, &err);    created when missing
 *     store_run_begin(store, &run, &run_id, &err);
 *     store_find(store, run_id, path, &digest, &found, &err);
 *     store_commit(store, run_id, &document, &document_id, &err);   rows and event
 *     store_run_end(store, run_id, &end, &err);
 *     store_close(store, &err);                               one whole file again
 *
 * The rows of a document and its audit event commit in one transaction: neither
 * can exist without the other. Events form a chain: each holds the SHA-256 of
 * the one before and of the rows it vouches for. Rows are only ever added; a
 * newer row for the same path and policy name stands in front of the older one
 * in the views. One thread. Strings borrowed by a call are copied by it; strings
 * lent to a callback live until it returns. */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum store_status {
    STORE_OK = 0,
    STORE_ENOMEM = -1,
    STORE_EIO = -2,      /* disk full, rights, I/O */
    STORE_EBUSY = -3,    /* another run holds the lock */
    STORE_ECORRUPT = -4, /* not ours, or damaged */
    STORE_EVERSION = -5, /* written by another version of cloister */
    STORE_EMISSING = -6, /* no such file, document or run */
    STORE_EINVALID = -7  /* a value that may not be stored: the caller's mistake */
};

struct store_error {
    int status;
    char text[320];
};

/* ---- digests (SHA-256, FIPS 180-4) ------------------------------------------------
 */

struct store_digest {
    unsigned char byte[32];
};
struct store_sha256;
struct store_sha256 *store_sha256_new(void); /* NULL: out of memory */
void store_sha256_update(struct store_sha256 *sha, const void *data, size_t count);
void store_sha256_finish(struct store_sha256 *sha,
                         struct store_digest *out); /* restarts */
void store_sha256_free(struct store_sha256 *sha);
void store_digest_of(const void *data, size_t count, struct store_digest *out);
int store_digest_file(const char *path, struct store_digest *out,
                      struct store_error *err);
void store_digest_hex(const struct store_digest *digest, char out[65]);

/* ---- the file
 * ------------------------------------------------------------------------ */

struct store;
enum store_mode {
    STORE_READ, /* read-only; the file must exist; works in a read-only folder */
    STORE_RUN   /* create (mode 0600) or go on; holds the run lock until close */
};
int store_open(struct store **out, const char *path, enum store_mode mode,
               struct store_error *err);
/* After a run: checkpoint, journal_mode=DELETE, release the lock. NULL allowed. */
int store_close(struct store *store, struct store_error *err);
int store_free_bytes(const char *path, uint64_t *out, struct store_error *err);
/* "sqlite 3.40.1, nettle 3.8": the libraries in use; the next call may write it anew.
 */
const char *store_libraries(void);

/* ---- runs
 * ------------------------------------------------------------------------------ */

/* All that decides a result besides the document. Two runs of equal identity
 * share their results. */
struct store_identity {
    const char *policy_name, *policy_title;
    int64_t policy_revision;
    struct store_digest policy; /* of the canonical form */
    const char *encoder_name;   /* NULL: no encoder */
    struct store_digest encoder;
    const char *model_name; /* NULL: no decoder */
    struct store_digest model;
    int64_t arithmetic_version;
    const char *settings; /* canonical, "activations=16 float=exact ..." */
};

struct store_run { /* facts about the run; decide nothing */
    struct store_identity identity;
    const char *program_version;
    struct store_digest program; /* of the program's own file */
    const char *operator_name;   /* "1000 (mara)" */
    const char *host, *kernel;
    const char *const *input; /* the paths asked for */
    size_t input_count;
    const char *facts; /* JSON object: threads, isa, libraries, limits */
};

struct store_run_end {
    const char *why; /* "complete", "signal", "time", "parser", "error" */
    uint64_t documents, done, skipped; /* met, recorded now, done before */
};

int store_run_begin(struct store *store, const struct store_run *run, int64_t *run_id,
                    struct store_error *err);
/* The newest run of this identity, 0 when there was none. */
int store_run_like(struct store *store, const struct store_identity *identity,
                   int64_t *run_id, struct store_error *err);
int store_run_end(struct store *store, int64_t run_id, const struct store_run_end *end,
                  struct store_error *err);

/* ---- documents, written and read in the same form
 * -------------------------------------- */

/* A place in a document's text: half-open byte ranges of sections' texts. */
struct store_range {
    int64_t section, start, end_section, end;
};

struct store_section {
    int64_t section; /* from 1 */
    const char *kind, *label, *title;
    int64_t text_bytes; /* hidden ranges included */
};
struct store_hidden {
    int64_t section, start, end;
    const char *why;
    const char *text; /* NUL-terminated UTF-8 */
};
struct store_chunk {
    int64_t chunk; /* from 1 */
    struct store_range range;
    int64_t tokens;
    const char *text;
    size_t text_bytes;
};
struct store_quote { /* verbatim words of one chunk */
    struct store_range range;
    int64_t chunk;         /* where they stand: */
    int64_t offset, bytes; /* byte range of that chunk's text */
    double weight;
    const char *text; /* filled when read; ignored when written */
};
struct store_score {
    const char *label;
    double score; /* before the softmax */
    double probability;
};
struct store_task {
    const char *task, *label, *runner_up;
    const char *answered_by; /* "encoder" or "model" */
    const char *prior; /* of a model's scores: its digest, or "neutral"; else NULL */
    const char
        *first_label; /* the encoder's answer where a model gave this one; NULL */
    double first_probability;
    double probability;
    bool undecided;
    bool commanded; /* undecided because it hangs on commanding text */
    /* The answer without commanding text; NULL: there is none, or nothing else. */
    const char *plain_label;
    double plain_probability;
    bool plain_undecided;
    const struct store_score *score;
    size_t score_count;
    const struct store_quote *evidence;
    size_t evidence_count;
};
struct store_sentence {       /* of the summary */
    const char *kind;         /* "verbatim" or "written" */
    const char *written;      /* its words; NULL: those of the quote, verbatim */
    struct store_quote quote; /* the words of the document it rests on */
};
struct store_dropped { /* a written sentence that was not taken */
    const char *why;   /* "number", "name", "words", "repeats", ... */
    const char *what;  /* the word or number the document does not bear out; or "" */
    const char *text;
};
struct store_finding {
    const char *detector;
    double score;       /* cosine for MEANING, 1 for PATTERN */
    const char *masked; /* NULL: show the words themselves */
    struct store_quote quote;
};
struct store_document {
    int64_t document; /* filled when read */
    int64_t run;      /* filled when read */
    const char *path; /* bytes as the file system has them, NUL-terminated */
    bool has_digest;  /* false: the bytes could not be read */
    struct store_digest digest;
    int64_t bytes; /* -1: unknown */
    int64_t modified_ns;
    const char *media_type, *dialect;
    const char *metadata; /* JSON object, or NULL */
    int64_t pages;        /* -1: unknown */
    const char *outcome, *reason;
    int64_t duplicate_of; /* 0, or the document with the same bytes */
    int64_t extracted_bytes, hidden_bytes, chunked_bytes, seen_bytes;
    const char *decision;
    int64_t parse_ms;
    const struct store_section *section;
    size_t section_count;
    const struct store_hidden *hidden;
    size_t hidden_count;
    const struct store_chunk *chunk;
    size_t chunk_count;
    const struct store_task *task;
    size_t task_count;
    const struct store_sentence *sentence;
    size_t sentence_count;
    const struct store_dropped *dropped;
    size_t dropped_count;
    const char *summary_reason; /* why a written summary was not used; NULL: "" */
    const struct store_finding *finding;
    size_t finding_count;
};

enum store_found_kind {
    STORE_FOUND_NOTHING,
    STORE_FOUND_HERE,     /* this path, these bytes, this identity: done */
    STORE_FOUND_ELSEWHERE /* another path holds the same bytes under this identity */
};
struct store_found {
    enum store_found_kind kind;
    int64_t document;
    char outcome[32];
    char decision[64];
    bool undecided;  /* one of its tasks is */
    char path[4096]; /* where it was found, cut to fit */
    /* Of the document that carries the results: itself, or the one it is a copy of. */
    char carried[32]; /* outcome */
    int64_t run;      /* that recorded it */
};
/* digest NULL: the bytes could not be read; then HERE when the newest row of this
 * path and policy name has no digest either. ELSEWHERE never names a duplicate. A copy
 * of what is no longer the newest row of its own path is not HERE: the views do not
 * show what it refers to. */
/* run_id 0: nothing is found. */
int store_find(struct store *store, int64_t run_id, const char *path,
               const struct store_digest *digest, struct store_found *out,
               struct store_error *err);

int store_commit(struct store *store, int64_t run_id,
                 const struct store_document *document, int64_t *document_id,
                 struct store_error *err);

/* ---- reading
 * ------------------------------------------------------------------------------- */

struct store_filter { /* NULL or 0: any */
    const char *outcome, *task, *label;
    int64_t document;
    const char *path;
    bool details; /* fill sections, chunks, scores, evidence, summary, dropped, findings
                   */
};
/* The newest row of each path and policy name, ordered by path; each() returns
 * non-zero to stop. */
int store_each_document(struct store *store, const struct store_filter *filter,
                        int (*each)(void *arg, const struct store_document *document),
                        void *arg, struct store_error *err);

struct store_hit {
    int64_t document, chunk;
    const char *path;
    struct store_range range; /* of the chunk */
    const char *snippet;      /* words found stand between [ and ] */
};
/* words: each must occur; "quoted words" occur together. Never FTS5 syntax. */
int store_search(struct store *store, const char *words,
                 int (*each)(void *arg, const struct store_hit *hit), void *arg,
                 struct store_error *err);

/* ---- the audit log
 * ---------------------------------------------------------------------------- */

struct store_event {
    int64_t event;
    int64_t time_ms;       /* UTC, since 1970 */
    const char *type;      /* "run_started", "document", "run_ended", ... */
    int64_t run, document; /* 0: none */
    const char *body;      /* canonical JSON, no document text */
    struct store_digest rows, previous, digest;
};
int store_each_event(struct store *store,
                     int (*each)(void *arg, const struct store_event *event), void *arg,
                     struct store_error *err);

enum store_verdict {
    STORE_INTACT,
    STORE_TAMPERED,
    STORE_TRUNCATED,
    STORE_COULD_NOT_RUN
};
struct store_audit {
    enum store_verdict verdict;
    bool anchored;
    int64_t event; /* the first that does not fit, or the last one checked */
    uint64_t events, documents; /* checked */
    char why[320];
};
/* Walk the chain and recompute the digest of every document's rows, the reverse
 * as well: rows without an event, and a search index that does not match. */
void store_verify(struct store *store, struct store_audit *out);
const char *store_verdict_name(enum store_verdict verdict); /* "intact" ... */

/* ---- the report
 * --------------------------------------------------------------------------------- */

/* One self-contained HTML file about what the database holds for the policy of
 * run_id (0: the newest run); written beside and renamed when whole, mode 0600. */
int store_report(struct store *store, int64_t run_id, const char *out_path,
                 struct store_error *err);

#endif
