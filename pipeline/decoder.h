/* What the files around the language model share inside pipeline/:
 *
 *     decoder.c   open, close; what it is to be told
 *     prompt.c    the policy's prompts in the markup of the model's chat
 *     prior.c     the file of a prior
 *     passage.c   a document in pieces that fit a prompt
 *     ask.c       the tasks, by scoring the labels behind each passage
 *     write.c     the summary, passage by passage, then folded
 *
 * works_ask() and works_write() are in internal.h. */
#ifndef PIPELINE_DECODER_H
#define PIPELINE_DECODER_H

#include "pipeline/internal.h"

/* What infer/ refused, as a status of this folder: no memory, and numbers that overflow
 * on some text, cost one document and are both PIPELINE_ENOMEM. */
int infer_refusal(struct pipeline_error *err, const struct infer_error *why);

/* ---- prompt.c ------------------------------------------------------------------- */

/* A prompt is front, a text of the document, tail: the tail's tokens hang on nothing
 * that stands in the text, so that all passages have the same. */
struct frame {
    char *before, *after;     /* the policy's words around the text, filled in */
    struct infer_tokens tail; /* after, the markup behind it, the answer's opening */
};

struct asked { /* one task within a tree */
    size_t task;
    int32_t stop;  /* the node its labels hang on; -1: the prompt itself */
    int32_t *leaf; /* the last node of each label */
};

struct group { /* tasks whose prompts begin alike: one pass answers them all */
    struct frame frame;
    int32_t *id, *parent; /* the tree of what is different behind the prompt */
    size_t nodes;
    struct asked *asked;
    size_t asked_count;
};

struct pipeline_decoder {
    struct pipeline_decoder_options options;
    struct infer_chat chat;
    struct group *group;
    size_t group_count;
    struct frame summarize, fold;
    size_t labels;    /* of all tasks together */
    size_t *label_at; /* where a task's labels begin among them */
    double *prior;    /* one a label */
    char prior_name[65];
    char settings[128];
};

int prompts_open(struct pipeline_decoder *decoder, struct pipeline_error *err);
void prompts_close(struct pipeline_decoder *decoder);

/* The tokens of a whole prompt. */
int frame_fill(const struct pipeline_decoder *decoder, const struct frame *frame,
               const char *text, size_t bytes, struct infer_tokens *out,
               struct pipeline_error *err);
/* The same as text, markup as it is written; appended. */
int frame_print(const struct pipeline_decoder *decoder, const struct frame *frame,
                const char *text, size_t bytes, struct infer_text *out,
                struct pipeline_error *err);

/* A SHA-256 over all that gives a label's raw score its meaning, but for the model. */
void prompts_digest(const struct pipeline_decoder *decoder, struct store_digest *out);

/* ---- prior.c -------------------------------------------------------------------- */

/* The first of the policy's priors that was measured on this model with these prompts:
 * 1 when there is one, 0 when there is none, or a negative status. */
int prior_find(struct pipeline_decoder *decoder, struct pipeline_error *err);
/* The file's content; the caller frees it. NULL: no memory. */
char *prior_print(const struct pipeline_decoder *decoder, const double *mean,
                  size_t documents);

/* ---- passage.c ------------------------------------------------------------------ */

struct passage { /* whole sentences of the document, or a part of a very long one */
    char *text;
    size_t bytes;
    size_t first, end; /* sentences it is made of */
};

struct passages {
    struct passage *passage;
    size_t count, capacity;
};

enum {
    LEAD_TOKENS = 150,  /* of the opening, which is asked by itself */
    SLICE_PASSAGES = 64 /* asked or written on between two looks at the clock */
};

/* All of the text, in passages of at most the policy's tokens. commanding: NULL, or
 * one flag a sentence: those are left out. join_lines: each sentence on one line, since
 * a model that writes would break its own as the page's width has broken these; where
 * it is asked, the lines tell it what a title is. */
int passages_make(struct passages *out, const struct pipeline_decoder *decoder,
                  const struct pipeline_text *text, const bool *commanding,
                  bool join_lines, struct pipeline_error *err);
/* The document's opening alone; no passage when there are no words. */
int passages_lead(struct passages *out, const struct pipeline_decoder *decoder,
                  const struct pipeline_text *text, const bool *commanding,
                  struct pipeline_error *err);
void passages_free(struct passages *passages);

/* ---- ask.c ---------------------------------------------------------------------- */

struct scoring { /* a passage, and where its scores go */
    const struct passage *passage;
    double *out; /* out[label_at[t] + l]: the logarithm of the probability that the
                    answer to task t begins with label l */
};
/* Do all tasks go by the opening alone? Then no passages are asked. */
bool only_lead(const struct policy *policy);

/* run may be NULL: nothing breaks it off. *whole: false when the run is to stop. */
int passages_score(const struct pipeline_decoder *decoder, const struct pipeline *run,
                   const struct scoring *scoring, size_t count, bool *whole,
                   struct pipeline_error *err);

/* A document's scores of all labels, no prior taken off. *got: it says something. */
int text_score(const struct pipeline_decoder *decoder, const struct pipeline_text *text,
               double *out, bool *got, struct pipeline_error *err);

#endif
