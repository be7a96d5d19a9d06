/* report.h - shared by the parts of the report. */
#ifndef STORE_REPORT_H
#define STORE_REPORT_H

#include "store/db.h"

#include <stdio.h>

enum {
    REPORT_DOCUMENTS_MAX = 2000, /* listed in full; the rest is counted */
    REPORT_OPEN_MAX = 40,        /* up to so many stand open */
    REPORT_QUEUE_MAX = 4000,     /* reasons */
    REPORT_QUOTE_MAX = 1200,     /* bytes of one quote shown */
    REPORT_LABELS_MAX = 5,       /* of one task of one document */
    REPORT_HIDDEN_MAX = 12,      /* hidden texts of one document */
    REPORT_DROPPED_MAX = 50,     /* dropped sentences of one document */
    REPORT_WORD_MAX = 96,        /* bytes of a word to blame */
    REPORT_DIGEST_CITED = 16,    /* digits of a digest */
    REPORT_SECTION_CITED = 60    /* bytes of a section's title in a citation */
};

struct report {
    struct store *store;
    FILE *out;
    struct store_error *err;
    int64_t run;
    char *policy; /* name: what the report is about */
    int64_t documents;
    bool model; /* a language model wrote or answered something */
};

/* ---- writing HTML ---------------------------------------------------------------- */

void html_raw(struct report *report, const char *markup); /* our own markup */
void html_text(struct report *report, const char *text);  /* anything, escaped */
/* At most bytes_max, cut before a code point, with an ellipsis. */
void html_text_cut(struct report *report, const char *text, size_t bytes_max);
/* The same, with the first place that holds the word marked; none when it is "". */
void html_text_marked(struct report *report, const char *text, size_t bytes_max,
                      const char *word);
void html_words(struct report *report, const char *name); /* a_name as words */
void html_count(struct report *report, int64_t count);    /* 12 345 */
void html_percent(struct report *report, double share);   /* 0..1 */
void html_size(struct report *report, int64_t bytes);
/* share of the bar in tone, then rest in the tone of what waits for a person. */
void html_bar(struct report *report, double share, const char *tone, double rest);
void html_chip(struct report *report, const char *tone, const char *name);
void html_path(struct report *report, const char *path);
void html_digest(struct report *report, const char *hex);
void html_time_ms(struct report *report, int64_t time_ms);
void html_tile(struct report *report, const char *tone, int64_t count,
               const char *words); /* a figure in ul.tiles; plain when it is 0 */
const char *html_tone(const char *outcome); /* "good", "plain" or "bad" */

/* ---- parts ----------------------------------------------------------------------- */

extern const char report_style[];
/* document, with details, as one block that opens and closes. */
int report_document(struct report *report, const struct store_document *document,
                    bool open);
void report_summary(struct report *report, const struct store_document *document);
void report_answerer(struct report *report, const struct store_task *task);
void report_quote(struct report *report, const struct store_document *document,
                  const struct store_quote *quoted);
void report_cite(struct report *report, const struct store_document *document,
                 const struct store_range *range);
/* What an outcome means in plain words. */
const char *report_meaning(const char *outcome);

/* Why a written sentence was dropped, in plain words; "" for a reason unknown here. */
const char *report_dropped_meaning(const char *why);

/* "warn" for a decision that v_review_queue lists, "plain" for others. */
const char *report_decision_tone(struct report *report, const char *decision);

/* The parts before the documents: what was asked, outcomes, answers, queue. */
int report_asked(struct report *report);
int report_outcomes(struct report *report);
int report_answers(struct report *report);
int report_model(struct report *report);
int report_queue(struct report *report);
/* The figures about a language model; sets report->model. */
int report_model_tiles(struct report *report);
/* row() on each row of sql, whose ?1 is the report's policy. */
int report_rows(struct report *report, const char *sql,
                void (*row)(struct report *report, sqlite3_stmt *stmt));

#endif
