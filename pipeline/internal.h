/* What the steps of a run share inside pipeline/: a document on its way, what is
 * found out about it, and the steps in the order run.c takes them. */
#ifndef PIPELINE_INTERNAL_H
#define PIPELINE_INTERNAL_H

#include "infer/infer.h"
#include "ingest/ingest.h"
#include "pipeline/pipeline.h"
#include "policies/policies.h"
#include "store/store.h"

int pipeline_fail(struct pipeline_error *err, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- load.c: what a run and its plan do alike ----------------------------------- */

/* Neither ok nor a reference to another document. */
bool outcome_is_failure(const char *outcome);
/* Is a document of which this was found to be done again? Not what this run did. */
bool found_calls_again(const struct pipeline *run, const struct store_found *found);
enum { WAIT_MS = 200 }; /* how often one that waits looks at the clock */
/* Canceled, or past its deadline; and which of the two. */
bool pipeline_must_stop(const struct pipeline *run);
enum pipeline_end pipeline_why_stopped(const struct pipeline *run);

/* ---- text.c: the visible text and where its sections lie ------------------------ */

/* Fills out->text, span and the byte counts. */
int text_collect(struct pipeline_text *out, const struct ingest_document *document,
                 enum policy_hidden hidden, struct pipeline_error *err);

/* Spaces, tabs and line feeds alone, or nothing. */
bool text_is_blank(const char *text, size_t bytes);

/* The character at *at, which moves past it; negative when it is malformed. */
int32_t text_character(const char *text, size_t bytes, size_t *at);

/* ---- fold.c: text as its reader takes it ----------------------------------------- */

struct fold { /* folded sentences, one after the other; zeroed: none */
    char *text;
    size_t bytes, capacity;
    /* Where it stands, within one sentence: */
    size_t begin;           /* of the sentence */
    size_t word_at;         /* of the word under way */
    size_t word_end;        /* of the word before */
    size_t letters, digits; /* of the word under way */
    size_t gap;             /* characters of the source since the word before */
    size_t line_gap;        /* between the letters of a line, or 0 */
    bool after_alone;       /* the word before was a letter, or a line of them */
};
/* Append a sentence, folded, and a line feed. */
int fold_sentence(struct fold *fold, const char *text, size_t bytes,
                  struct pipeline_error *err);
void fold_free(struct fold *fold);

/* ---- sentence.c: where sentences end -------------------------------------------- */

/* Sets bit i of end when byte i is the last one of a sentence; end holds
 * text_bytes / 8 + 1 bytes, zeroed. */
int sentence_ends(const struct pipeline_text *text,
                  const struct ingest_document *document, unsigned char *end,
                  struct pipeline_error *err);

/* ---- a document on its way ------------------------------------------------------ */

struct quote { /* words of the document: a place in text->text, inside one chunk */
    size_t at, bytes;
    uint32_t chunk;
    double weight;
};

struct plain {  /* an answer without the commanding sentences */
    bool asked; /* there are some, and something is left without them */
    uint32_t label;
    double probability;
    bool undecided;
};

struct answer {                /* to one task */
    uint32_t label, runner_up; /* indices into the task's labels */
    bool undecided;            /* by itself, or because plain says otherwise */
    bool commanded;            /* the latter */
    struct plain plain;
    bool by_model;        /* of language; else by the encoder */
    uint32_t first_label; /* by_model: the encoder's answer */
    double first_probability;
    double *score, *probability; /* one a label */
    struct quote *evidence;
    size_t evidence_count;
};

struct written { /* a sentence of a language model that stands */
    char *text;
    struct quote source; /* the words of the document it rests on */
};

struct dropped { /* one that does not */
    char *text;
    const char *why;
    char what[96];
};

struct finding {
    uint32_t detector; /* index into the policy's detectors */
    struct quote quote;
};

struct work {
    size_t input; /* index into the run's inputs */
    const char *path;
    struct ingest_file file;
    bool has_digest;
    struct store_digest digest;
    bool tried_before;                /* recorded, and done again for new passwords */
    struct ingest_document *document; /* NULL: its bytes could not be had */
    struct store_found same;          /* ELSEWHERE: the document with the same bytes */
    struct pipeline_text *text;       /* NULL when there is none */
    float *chunk_vector;              /* chunk_count rows; NULL until embedded */
    float *sentence_vector;           /* sentence_count rows, after the chunks' */
    size_t seen_bytes;     /* of the chunks that went through the model whole */
    struct answer *answer; /* one a task; NULL when nothing was asked */
    size_t answer_count;
    bool *commanding;      /* one a sentence; NULL: none is */
    struct quote *summary; /* verbatim; what is shown when nothing was written */
    size_t summary_count;
    struct written *written;
    size_t written_count;
    struct dropped *dropped;
    size_t dropped_count;
    char summary_reason[160]; /* why what was written is not shown */
    struct finding *finding;
    size_t finding_count;
    const char *searched_partly; /* a detector that gave up, or NULL */
    const char *decision;
};

/* Has the document the same bytes as one that carries the results? */
bool work_is_duplicate(const struct work *work);
void work_free(struct work *work); /* NULL allowed */
/* Forget what a language model wrote. */
void work_unwrite(struct work *work);
/* Give back what was found out and the vectors, as if the model had seen nothing: the
 * books do not balance then, and it ends as model_limit. */
void work_starve(struct work *work);
/* The words of sentence i without the white space around them; bytes may be 0. */
struct quote work_sentence(const struct work *work, size_t i);
/* Is all that a reader would see white space? */
bool work_is_blank(const struct work *work);
/* How the document ended, of the typed list; record.c is the one translator. */
const char *work_outcome(const struct work *work);

/* ---- command.c: sentences that try to instruct the reader ------------------------ */

/* Find them; the first step of all that follow. */
int work_find_commands(struct work *work, const struct policy *policy,
                       struct pipeline_error *err);
bool work_is_command(const struct work *work, size_t sentence);
/* A chunk's text without them: out has room for the chunk's bytes; returns its bytes,
 * 0 when nothing is left. This is what a model is asked a second time. */
size_t work_plain_chunk(const struct work *work, size_t chunk, char *out);

struct plain_chunks { /* the chunks without commanding sentences, embedded */
    float *vector;    /* count rows of width */
    size_t count;     /* of those of which something is left */
    size_t width;
};
int plain_embed(struct plain_chunks *out, const struct work *work,
                const struct pipeline *run, struct pipeline_error *err);
void plain_free(struct plain_chunks *plain);

/* ---- batch.c: many documents through the model at once -------------------------- */

struct batch {
    struct work **work;
    size_t count, capacity;
    size_t tokens; /* of all chunks and sentences in it */
};
int batch_add(struct batch *batch, struct work *work, struct pipeline_error *err);
/* Embed everything in the batch; *whole works, from the first, have all their
 * vectors, or none (chunk_vector NULL) when these found no memory. Fewer than
 * batch->count only when the run is to stop. */
int batch_embed(struct batch *batch, const struct pipeline *run, size_t *whole,
                struct pipeline_error *err);

/* ---- prose.c: which sentences say something ------------------------------------- */

/* Holds a letter and is no line of a table of contents. */
bool work_speaks(const struct work *work, size_t sentence);
/* A whole sentence of running text, fit to be quoted by itself. */
bool work_is_prose(const struct work *work, size_t sentence);

/* ---- reference.c: what a policy compares documents with ------------------------- */

struct field {  /* things told apart from each other: a task's labels, the detectors */
    float *row; /* rows of width: q_0 ... q_n-1, mu, then the members' own texts t */
    size_t rows;
    size_t count;  /* n; 0: nothing to compare with */
    size_t *own;   /* n + 1: the texts of member l are rows own[l] to own[l + 1] */
    double *shift; /* one a row: dot(mu, row) */
    float *raw;    /* scratch: FIELD_BLOCK x rows */
};
enum { FIELD_BLOCK = 256 };

struct reference { /* embedded once a run */
    size_t width;
    struct field *task; /* one a task, of its labels */
    size_t task_count;
    struct field detector; /* of the detectors by meaning, in their order */
};
int reference_open(struct reference **out, const struct pipeline *run,
                   struct pipeline_error *err);
void reference_free(struct reference *reference); /* NULL allowed */

/* out[i * field->count + l] = c_l of unit vector i of `count` */
void field_score(const struct field *field, struct infer_session *session, size_t width,
                 const float *vector, size_t count, double *out);

/* ---- decoder.c, ask.c, write.c: a language model ----------------------------------
 */

/* "neutral", or the digest of the prior in use. */
const char *pipeline_decoder_prior(const struct pipeline_decoder *decoder);
/* Documents that the encoder has answered, asked together. *whole: false when the run
 * is to stop; then nothing has been found out. */
int works_ask(struct work *const *work, size_t count, const struct pipeline *run,
              bool *whole, struct pipeline_error *err);
/* Their summaries written and checked; kept is what stands, if enough does. */
int works_write(struct work *const *work, size_t count, const struct pipeline *run,
                bool *whole, struct pipeline_error *err);

/* A few passages of a document, for the clock; nothing of it is kept. */
enum { REHEARSED_MAX = 4 };
struct rehearsal {
    size_t passages, tried; /* of them */
};
int work_rehearse_asking(struct work *work, const struct pipeline *run,
                         struct rehearsal *out, struct pipeline_error *err);
int work_rehearse_writing(struct work *work, const struct pipeline *run,
                          struct rehearsal *out, struct pipeline_error *err);

/* ---- classify.c: what answers by other means share --------------------------------
 */

struct weighing { /* from scores to probabilities */
    double temperature, threshold;
};
/* The pool of a task over one column of scores, which is sorted. */
double pool_column(const struct policy_task *task, double *column, size_t count);
/* The label, the runner-up, the probabilities, decided or not: from answer->score. */
void answer_choose(struct answer *answer, const struct policy_task *task,
                   struct weighing by);
/* A person decides when the plain answer is another, or when nothing is left to ask. */
void plain_weigh(struct answer *answer);

/* ---- classify.c, summarize.c, detect.c, decide.c: what a document says ---------- */

int work_classify(struct work *work, const struct pipeline *run,
                  const struct reference *reference, struct pipeline_error *err);
int work_summarize(struct work *work, const struct pipeline *run,
                   struct pipeline_error *err);
int work_detect(struct work *work, const struct pipeline *run,
                const struct reference *reference, struct pipeline_error *err);
void work_decide(struct work *work, const struct policy *policy);

/* ---- record.c: rows and event --------------------------------------------------- */

int work_record(const struct work *work, const struct pipeline *run,
                struct pipeline_error *err);

#endif
