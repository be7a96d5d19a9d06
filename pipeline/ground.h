/* ground - does the document bear out what a model wrote?
 *
 *     ground_open(&ground, text, &err);
 *     ground_check(ground, &claim, &result);
 *     ground_close(ground);
 *
 * A written sentence is laid beside the sentences of the document it was made from. It
 * stands when some few of them, next to each other, hold its numbers, dates and names
 * and support its content words; these are what it cites. */
#ifndef PIPELINE_GROUND_H
#define PIPELINE_GROUND_H

#include "pipeline/pipeline.h"

enum ground_verdict {
    GROUND_STANDS,
    GROUND_NUMBER,     /* a number or an amount that the source does not hold */
    GROUND_DATE,       /* a date that it does not hold */
    GROUND_NAME,       /* a name that it does not hold */
    GROUND_WORDS,      /* too few of the words that carry meaning */
    GROUND_NEGATION,   /* "not" where the source has none, or the other way about */
    GROUND_REPEATS,    /* says what was said before, or the same words over and over */
    GROUND_DIALOGUE,   /* goes on talking like the speakers of the document */
    GROUND_PROMPT,     /* gives the prompt's own words back */
    GROUND_UNFINISHED, /* broken off in mid-sentence */
    GROUND_EMPTY       /* says nothing: a heading, a list mark, a filler */
};

/* "number" ... as the store keeps it. */
const char *ground_verdict_name(enum ground_verdict verdict);

struct ground_claim {
    const char *text; /* one sentence, as written */
    size_t bytes;
    size_t first, end;  /* it may rest on sentences [first, end) of the document */
    const char *prompt; /* that was put around the words of the document; "" */
    bool broken_off;    /* the model was stopped behind it */
};

struct ground_result {
    enum ground_verdict verdict;
    char what[96];     /* the word or number to blame, cut at a character; "" */
    size_t first, end; /* STANDS: the sentences it rests on, all of one chunk */
    double support;    /* share of its content words found there */
};

struct ground; /* what the document's sentences hold, and what was taken so far */

int ground_open(struct ground **out, const struct pipeline_text *text,
                struct pipeline_error *err);
/* A sentence that stands is remembered: the next one may not repeat it. Returns 0 or
 * PIPELINE_ENOMEM. */
int ground_check(struct ground *ground, const struct ground_claim *claim,
                 struct ground_result *out, struct pipeline_error *err);
/* What stood so far may be said again. */
void ground_forget(struct ground *ground);
void ground_close(struct ground *ground); /* NULL allowed */

/* Cut what a model wrote into sentences; list marks, headings' marks and quotation
 * marks around a whole sentence are left out. Fills at most max pieces, returns how
 * many there are. */
struct ground_piece {
    size_t at, bytes; /* of the text */
};
size_t ground_cut(const char *text, size_t bytes, struct ground_piece *out, size_t max);

#endif
