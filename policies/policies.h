/* policies - what to ask of each document, read from one XML file.
 *
 *     struct policy *policy;
 *     if (policy_load(&policy, "policies/contracts.xml", &err) != POLICY_OK)
 *         complain(err.line, err.text);
 *     for (size_t i = 0; i < policy->task_count; i++) ...
 *     policy_free(policy);
 *
 * The file is validated by the RELAX NG grammar in policy.rng, then by rules a
 * grammar cannot hold (names that refer to nothing, patterns that do not
 * compile). Every refusal names the line, what was found and what to write
 * instead. A loaded policy is read-only and plain data; the canonical form is
 * what its digest is taken of, so that a comment or an indentation changes
 * nothing. */
#ifndef POLICIES_H
#define POLICIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum policy_status {
    POLICY_OK = 0,
    POLICY_ENOMEM = -1,
    POLICY_EIO = -2,
    POLICY_EINVALID = -3,
    POLICY_ELIMIT = -4 /* policy_detect() only: a search was given up */
};

struct policy_error {
    int status;
    int line;       /* 0 when no line is to blame */
    char text[400]; /* what was found, what was expected, what to do */
};

enum policy_hidden {                              /* what becomes of hidden text */
                     POLICY_HIDDEN_LEAVE_OUT,     /* it stays away from chunks; but what
                                                     was recognised on a scan goes there */
                     POLICY_HIDDEN_READ,          /* it goes to chunks like any other */
                     POLICY_HIDDEN_LEAVE_OUT_ALL, /* what was recognised, too */
};

enum policy_ink { /* which pages are looked at for text that leaves no ink */
                  POLICY_INK_NEVER,
                  POLICY_INK_SUSPICIOUS,
                  POLICY_INK_ALWAYS
};

enum policy_pool { /* how scores of chunks become the score of a document */
                   POLICY_POOL_MEAN,
                   POLICY_POOL_MAX,
                   POLICY_POOL_TOP /* mean of the pool_top best chunks */
};

struct policy_label {
    const char *name;           /* "license" */
    const char *title;          /* "License agreement" */
    const char *answer;         /* how a language model says it; the title by default */
    const char *description;    /* one or two sentences, embedded as they stand */
    const char *const *example; /* example sentences, embedded as they stand */
    size_t example_count;
};

struct policy_task {
    const char *name;     /* "contract_type" */
    const char *question; /* for people and for prompts */
    double threshold;     /* below this probability the answer is "undecided" */
    double temperature;   /* of the softmax over the labels' scores, > 0 */
    double lead_weight;   /* 0..1: share of the document's opening in its score */
    /* The same of a language model; with a lead weight of 1 it reads the opening
     * alone. */
    double model_threshold, model_temperature, model_lead_weight;
    enum policy_pool pool;
    uint32_t pool_top;
    uint32_t evidence_max; /* sentences kept as evidence */
    const struct policy_label *label;
    size_t label_count; /* at least 2 */
};

struct policy_summary {
    bool wanted;
    uint32_t sentences_max;
    uint32_t bytes_max; /* of all its sentences together */
    double redundancy;  /* 0..1: weight of "unlike what was chosen already" */
};

enum policy_ask { /* when a language model answers a task */
                  POLICY_ASK_ALWAYS,
                  POLICY_ASK_UNDECIDED /* where the encoder is undecided */
};

/* How a language model is asked, where there is one; everything has a default. Prompts
 * are used to the byte; {text}, {question} and {labels} in them stand for a passage of
 * the document, the task's question and the list of its labels' answers. */
struct policy_model {
    enum policy_ask ask;
    const char *chat;             /* NULL: by the model's file; else infer's name */
    uint32_t passage_tokens_max;  /* of the document's words in one prompt */
    uint32_t sentence_tokens_max; /* written on one passage */
    const char *system;           /* "": none */
    const char *classify;         /* holds {text} */
    const char *opening;          /* what the answer to classify begins with; "" */
    const char *summarize;        /* holds {text} */
    const char *fold;             /* holds {text}: what was written on passages */
    const char *neutral;          /* a text that says nothing, for want of a prior */
    double temperature;           /* of written sentences; 0: greedy */
    double top_p, min_p;
    uint64_t seed;
    const char *const *prior; /* files of priors, found beside the policy's own */
    size_t prior_count;
};

enum policy_detector_kind {
    POLICY_DETECTOR_PATTERN, /* PCRE2 over the text */
    POLICY_DETECTOR_MEANING, /* sentences near description and examples */
    POLICY_DETECTOR_COMMAND  /* PCRE2 over folded text: a sentence that tries to
                                instruct the reader; the last one, where asked for */
};

#define POLICY_COMMAND "commanding_text" /* the name of that detector */
enum { POLICY_FOLDING = 1 };             /* the way of folding it was written for */

struct policy_pattern; /* a compiled pattern */

struct policy_detector {
    const char *name;  /* "governing_law" */
    const char *title; /* "Governing law" */
    enum policy_detector_kind kind;
    bool mask;             /* findings show only the shape of what was found */
    uint32_t findings_max; /* a document; the best for MEANING, the first for PATTERN */
    /* PATTERN, COMMAND: */
    const struct policy_pattern *const *pattern;
    size_t pattern_count;
    const struct policy_pattern *const
        *exclude; /* a match that also matches one is none */
    size_t exclude_count;
    bool luhn; /* digits must pass the Luhn check (ISO/IEC 7812-1) */
    /* MEANING: */
    const char *description;
    const char *const *example;
    size_t example_count;
    double threshold; /* smallest cosine that counts */
};

struct policy_rule {      /* the first that fits decides; NULL matches anything */
    const char *decision; /* "withhold" */
    const char *outcome;  /* document's outcome */
    const char *task;
    const char *label;    /* of task */
    const char *detector; /* has at least one finding */
    bool undecided;       /* task (or any task, when NULL) is undecided */
    bool hidden;          /* the document has hidden text */
};

struct policy { /* every pointer lives as long as it */
    const char *name;
    const char *title;
    const char *description;
    uint32_t revision;
    const char *canonical; /* the bytes the policy's digest is taken of */
    size_t canonical_bytes;
    uint32_t chunk_tokens_max; /* special tokens included */
    enum policy_hidden hidden_text;
    enum policy_ink ink;
    bool honour_owner;
    double tiny_points;
    uint32_t pages_max;
    uint64_t file_bytes_max, text_bytes_max;
    uint64_t memory_bytes_max; /* of the process that reads a document */
    /* The deadline: the first, so much a page, so much a MiB of file, never more than
     * the last. */
    uint32_t cpu_seconds_min, cpu_ms_per_page, cpu_ms_per_mib, cpu_seconds_max;
    const struct policy_task *task;
    size_t task_count;
    struct policy_summary summary;
    struct policy_model model;
    const struct policy_detector *detector;
    size_t detector_count;
    const struct policy_rule *rule;
    size_t rule_count;
    const char *decision_default;
};

int policy_load(struct policy **out, const char *path, struct policy_error *err);
void policy_free(struct policy *policy); /* NULL is allowed */
const char *policy_grammar(void);        /* the RELAX NG schema, as text */

struct policy_match { /* half-open byte range of the text searched */
    size_t start, end;
};

/* The next place at or after from where PATTERN or COMMAND finds something; where
 * several patterns find at the same place, the longest. Returns 1 with *out filled
 * (never empty: go on at out->end), 0 when there is none, POLICY_ELIMIT when a
 * pattern took too many steps (the caller records the document as partly
 * searched), POLICY_EINVALID when text is not UTF-8, or POLICY_ENOMEM. A match
 * sees at least 1024 bytes past its start; one longer than that may be cut.
 * Thread-safe. */
int policy_detect(const struct policy_detector *detector, const char *text,
                  size_t text_bytes, size_t from, struct policy_match *out,
                  struct policy_error *err);

/* Write the shape of text (UTF-8) into out, NUL-terminated: letters x, digits 9,
 * punctuation and white space as they are, every other character x; cut to size
 * (at least 1) with an ellipsis. */
void policy_mask(const char *text, size_t text_bytes, char *out, size_t size);

/* "pcre2 10.42 2022-12-11": the library that finds; the next call may write it anew. */
const char *policy_libraries(void);

#endif
