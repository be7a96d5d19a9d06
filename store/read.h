/* read.h - one document with all that hangs on it, read back from its rows. */
#ifndef STORE_READ_H
#define STORE_READ_H

#include "store/db.h"

/* Memory that is given back all at once: what one document needs. Start with {0}. */
struct arena_block;
struct arena {
    struct arena_block *block;
};
void *arena_alloc(struct arena *arena, size_t bytes); /* NULL: out of memory */
void arena_free(struct arena *arena);

/* A clause for "no newer row of the same path and policy name"; needs the aliases d
 * (document) and i (its identity). */
#define IS_CURRENT                                               \
    "NOT EXISTS (SELECT 1 FROM document AS newer "               \
    "JOIN identity AS ni ON ni.identity = newer.identity "       \
    "WHERE newer.path = d.path AND newer.document > d.document " \
    "AND ni.policy_name = i.policy_name)"

/* The columns document_read() expects first, in this order, of the alias d. */
#define DOCUMENT_COLUMNS                                                             \
    "d.document, d.run, d.path, d.sha256, d.bytes, d.modified_ns, d.media_type, "    \
    "d.dialect, d.metadata, d.pages, d.outcome, d.reason, d.duplicate_of, "          \
    "d.extracted_bytes, d.hidden_bytes, d.chunked_bytes, d.seen_bytes, d.decision, " \
    "d.parse_ms, d.summary_reason"

/* Fill out from the row stmt stands on; its strings live until the next step. */
void document_read(sqlite3_stmt *stmt, struct store_document *out);
/* Add tasks (and everything else when details) from arena. */
int document_read_rest(struct store *store, struct arena *arena, bool details,
                       struct store_document *out, struct store_error *err);

#endif
