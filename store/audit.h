/* audit.h - the chain of events and the digests of the rows they vouch for. */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "store/db.h"
#include "store/buffer.h"

/* ---- canonical bytes ------------------------------------------------------------- */

void hash_int(struct store_sha256 *sha, int64_t value);
void hash_string(struct store_sha256 *sha, const void *data, size_t bytes);

/* ---- rows ------------------------------------------------------------------------ */

/* A table of one event type: sql selects all its columns, in the order of
 * schema.sql, of the rows that belong to ?1, in the order of the primary key. */
struct rows_table {
    const char *name;
    const char *sql;
    const char *orphans; /* counts rows that belong to nothing; NULL: cannot be */
};
struct rows_set {
    const char *type; /* of the event */
    const struct rows_table *table;
    size_t table_count;
};
const struct rows_set *rows_of_type(const char *type); /* NULL: vouches for no rows */
const struct rows_set *rows_sets(size_t *count);
/* set NULL: of no rows. id is a run for run events, a document for document. */
int rows_digest(struct store *store, const struct rows_set *set, int64_t id,
                struct store_digest *out, struct store_error *err);

/* ---- events ---------------------------------------------------------------------- */

/* Digest of every field but digest itself. */
int event_digest(const struct store_event *event, struct store_digest *out);

/* Append to the chain, inside the caller's transaction, after the rows are there.
 * document 0: none. body is freed by the caller. */
int event_append(struct store *store, const char *type, int64_t run, int64_t document,
                 const struct buffer *body, struct store_error *err);

/* Read the row a statement over EVENT_COLUMNS stands on. */
#define EVENT_COLUMNS \
    "event, time_ms, type, run, document, body, rows_sha256, previous, sha256"
void event_read(sqlite3_stmt *stmt, struct store_event *out);

int64_t event_now_ms(void); /* UTC, since 1970 */

#endif
