/* What the steps of a run share inside pipeline/: errors, a document on its way,
 * and the order of the steps. The story that uses them is run.c. */
#ifndef PIPELINE_INTERNAL_H
#define PIPELINE_INTERNAL_H

#include "infer/infer.h"
#include "ingest/ingest.h"
#include "pipeline/pipeline.h"
#include "policies/policies.h"
#include "store/store.h"

int pipeline_fail(struct pipeline_error *err, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- text.c: the visible text and where its sections lie ---- */

/* out->text, span, byte counts. */
int text_collect(struct pipeline_text *out, const struct ingest_document *document,
                 bool hidden_too, struct pipeline_error *err);

/* ---- sentence.c: where sentences end ---- */

/* Sets the bit of `end` for each byte that is the last one of a sentence; end holds
 * (text_bytes + 7) / 8 bytes, zeroed. */
int sentence_ends(const struct pipeline_text *text,
                  const struct ingest_document *document, unsigned char *end,
                  struct pipeline_error *err);

#endif
