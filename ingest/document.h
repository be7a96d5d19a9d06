/* document - the frames of one document, checked and made into what callers get. */
#ifndef INGEST_DOCUMENT_H
#define INGEST_DOCUMENT_H

#include "ingest/ingest.h"
#include "ingest/wire.h"

struct builder;

/* NULL when out of memory. */
struct builder *builder_open(const struct ingest_limits *limits);
void builder_free(struct builder *builder);

/* Take one frame of a child. What is wrong with it is remembered, and later frames
 * are ignored. 0, or INGEST_ENOMEM. */
int builder_take(struct builder *builder, uint32_t type, struct wire_cursor payload);
/* Bytes came that are no frame. */
void builder_break(struct builder *builder, const char *why);
/* The lane tells how the child ended: no frames will follow when it was not well. */
void builder_fate(struct builder *builder, enum wire_fate fate, uint32_t detail,
                  uint32_t cpu_ms);
/* Hand the document over; the builder is freed. */
struct ingest_document *builder_finish(struct builder *builder);

#endif
