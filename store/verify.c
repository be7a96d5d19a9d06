/* verify - does the database still say what was written?
 *
 * Forward: every event from the first, its number, its own digest, its link to the
 * event before, and the digest of the rows it vouches for, taken again by the code
 * that took it when they were written. Backward: rows that no event vouches for,
 * tables and views that are not ours, a search index that holds other words than the
 * chunks. Last, SQLite's own check of the file's structure.
 *
 * The verdict tells tampering from inability: content that does not fit its digests
 * is tampered; a file that SQLite cannot read to the end, or whose structure is
 * damaged, could not be checked. What this cannot see, and nobody can from the file
 * alone: that the tail of the log was cut off together with its rows, or that all of
 * it was written anew. That takes an anchor kept elsewhere; without one the verdict
 * says anchored = false. */
#include "store/verify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int verify_chain(struct verifier *verifier);
static int verify_counts(struct verifier *verifier);
static int verify_orphans(struct verifier *verifier);
static int verify_schema(struct verifier *verifier);
static int verify_structure(struct verifier *verifier);

void store_verify(struct store *store, struct store_audit *out)
{
    static int (*const step[])(struct verifier *) = {verify_chain,   verify_counts,
                                                     verify_orphans, verify_schema,
                                                     verify_index,   verify_structure};
    struct verifier verifier = {.store = store, .audit = out};
    int status;

    *out = (struct store_audit){.verdict = STORE_INTACT};
    status = db_exec(store, "BEGIN", &verifier.err);
    for (size_t i = 0; status == STORE_OK && i < sizeof(step) / sizeof(step[0]); i++)
        status = step[i](&verifier);
    db_rollback(store);
    if (status < 0) {
        out->verdict = STORE_COULD_NOT_RUN;
        snprintf(out->why, sizeof(out->why), "%s", verifier.err.text);
    }
}

const char *store_verdict_name(enum store_verdict verdict)
{
    static const char *const name[] = {[STORE_INTACT] = "intact",
                                       [STORE_TAMPERED] = "tampered",
                                       [STORE_TRUNCATED] = "truncated",
                                       [STORE_COULD_NOT_RUN] = "could_not_run"};

    return name[verdict];
}

int verify_tampered(struct verifier *verifier, const char *format, ...)
{
    va_list args;

    verifier->audit->verdict = STORE_TAMPERED;
    va_start(args, format);
    vsnprintf(verifier->audit->why, sizeof(verifier->audit->why), format, args);
    va_end(args);
    return VERIFY_FAILED_CHECK;
}

/* ---- the chain ------------------------------------------------------------------- */

/* Digests cover a body up to its NUL and 0 for a missing id: nothing may hide behind
 * the one or pass for the other. */
static bool event_is_plain(sqlite3_stmt *stmt, const struct store_event *event)
{
    return strlen(event->type) == (size_t)sqlite3_column_bytes(stmt, 2) &&
           strlen(event->body) == (size_t)sqlite3_column_bytes(stmt, 5) &&
           (sqlite3_column_type(stmt, 3) == SQLITE_NULL || event->run > 0) &&
           (sqlite3_column_type(stmt, 4) == SQLITE_NULL || event->document > 0);
}

static int verify_link(struct verifier *verifier, sqlite3_stmt *stmt,
                       const struct store_event *event)
{
    struct store_digest digest;
    int64_t expected = verifier->audit->event + 1;

    verifier->audit->event = event->event;
    if (event->event != expected)
        return verify_tampered(verifier,
                               "event %" PRId64 " stands where %" PRId64
                               " belongs: events were removed or renumbered",
                               event->event, expected);
    if (event_digest(event, &digest) != STORE_OK)
        return db_fail(&verifier->err, STORE_ENOMEM, "out of memory");
    if (!event_is_plain(stmt, event) ||
        memcmp(&digest, &event->digest, sizeof(digest)) != 0)
        return verify_tampered(verifier,
                               "event %" PRId64
                               " was changed: its content does not give its digest",
                               event->event);
    if (memcmp(&event->previous, &verifier->last, sizeof(verifier->last)) != 0)
        return verify_tampered(verifier,
                               "event %" PRId64
                               " does not follow the one before it: an event was "
                               "changed, removed or put in between",
                               event->event);
    verifier->last = digest;
    return STORE_OK;
}

/* Ids rise with the events, so no two events vouch for the same rows. */
static bool event_counts(struct verifier *verifier, const struct store_event *event)
{
    int64_t *last = NULL;
    int64_t id = event->run;

    if (strcmp(event->type, "run_started") == 0) {
        verifier->runs_started++;
        last = &verifier->last_run;
    } else if (strcmp(event->type, "document") == 0) {
        verifier->documents++;
        last = &verifier->last_document;
        id = event->document;
    } else if (strcmp(event->type, "run_ended") == 0) {
        verifier->runs_ended++;
    }
    if (!last)
        return true;
    if (id <= *last)
        return false;
    *last = id;
    return true;
}

static int verify_rows(struct verifier *verifier, const struct store_event *event)
{
    const struct rows_set *set = rows_of_type(event->type);
    struct store_digest digest;
    int status = rows_digest(verifier->store, set,
                             event->document ? event->document : event->run, &digest,
                             &verifier->err);

    if (status != STORE_OK)
        return status;
    if (!event_counts(verifier, event))
        return verify_tampered(verifier,
                               "event %" PRId64 " vouches for rows that an earlier "
                               "event vouches for",
                               event->event);
    if (memcmp(&digest, &event->rows, sizeof(digest)) == 0)
        return STORE_OK;
    if (event->document)
        return verify_tampered(verifier,
                               "document %" PRId64 " was changed: its rows do not give "
                               "the digest in event %" PRId64,
                               event->document, event->event);
    return verify_tampered(verifier,
                           "run %" PRId64 " was changed: its rows do not give the "
                           "digest in event %" PRId64 " (%s)",
                           event->run, event->event, event->type);
}

static int verify_chain(struct verifier *verifier)
{
    struct store *store = verifier->store;
    struct store_event event;
    sqlite3_stmt *stmt;
    int status = STORE_OK, code = SQLITE_ROW;

    if (sqlite3_prepare_v2(store->db,
                           "SELECT " EVENT_COLUMNS " FROM event ORDER BY event", -1,
                           &stmt, NULL) != SQLITE_OK)
        return db_fail_sqlite(store->db, &verifier->err, store->path);
    while (status == STORE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        event_read(stmt, &event);
        status = verify_link(verifier, stmt, &event);
        if (status == STORE_OK)
            status = verify_rows(verifier, &event);
        verifier->audit->events += status == STORE_OK;
    }
    verifier->audit->documents = (uint64_t)verifier->documents;
    if (status == STORE_OK && code != SQLITE_DONE)
        status = db_fail_sqlite(store->db, &verifier->err, store->path);
    sqlite3_finalize(stmt);
    return status;
}

/* ---- rows without an event ------------------------------------------------------- */

static int verify_count(struct verifier *verifier, const char *sql, const char *what,
                        int64_t vouched)
{
    int64_t count = 0;
    int status = db_number(verifier->store, &count, 0, sql, NULL, 0, &verifier->err);

    if (status == STORE_OK && count != vouched)
        return verify_tampered(verifier,
                               "%" PRId64 " %s in the database, but the log vouches "
                               "for %" PRId64,
                               count, what, vouched);
    return status;
}

static int verify_counts(struct verifier *verifier)
{
    int status = verify_count(verifier, "SELECT count(*) FROM document", "documents",
                              verifier->documents);

    if (status == STORE_OK)
        status = verify_count(verifier, "SELECT count(*) FROM run", "runs",
                              verifier->runs_started);
    if (status == STORE_OK)
        status = verify_count(verifier, "SELECT count(*) FROM run_end", "ends of runs",
                              verifier->runs_ended);
    return status;
}

static int verify_orphans_of(struct verifier *verifier, const struct rows_table *table)
{
    int64_t count = 0;
    int status = STORE_OK;

    if (table->orphans)
        status = db_number(verifier->store, &count, 0, table->orphans, NULL, 0,
                           &verifier->err);
    if (status == STORE_OK && count > 0)
        return verify_tampered(verifier,
                               "%" PRId64 " rows of %s belong to nothing that the log "
                               "vouches for",
                               count, table->name);
    return status;
}

static int verify_orphans(struct verifier *verifier)
{
    size_t count;
    const struct rows_set *set = rows_sets(&count);
    int status = STORE_OK;

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; status == STORE_OK && k < set[i].table_count; k++)
            status = verify_orphans_of(verifier, &set[i].table[k]);
    return status;
}

/* ---- tables and views ------------------------------------------------------------ */

/* SQLite's and FTS5's own tables are left out: their text differs between releases. */
static const char schema_sql[] =
    "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema "
    "WHERE NOT (type = 'table' AND name GLOB 'chunk_search_*') "
    "AND name NOT GLOB 'sqlite_*' ORDER BY type, name";

/* Both lists side by side, to the first line that is not the same. */
static int schema_compare(struct verifier *verifier, sqlite3_stmt *ours,
                          sqlite3_stmt *theirs)
{
    for (;;) {
        int want = sqlite3_step(ours), got = sqlite3_step(theirs);

        if (want == SQLITE_DONE && got == SQLITE_DONE)
            return STORE_OK;
        if ((want != SQLITE_ROW && want != SQLITE_DONE) ||
            (got != SQLITE_ROW && got != SQLITE_DONE))
            return db_fail(&verifier->err, STORE_EIO, "the schema cannot be read");
        if (want != got ||
            strcmp(db_column_text(ours, 0), db_column_text(theirs, 0)) != 0)
            return verify_tampered(verifier, "the schema is not ours at: %.60s",
                                   got == SQLITE_ROW ? db_column_text(theirs, 0)
                                                     : db_column_text(ours, 0));
    }
}

static int verify_schema(struct verifier *verifier)
{
    sqlite3 *fresh = NULL;
    sqlite3_stmt *ours = NULL, *theirs = NULL;
    int status = STORE_OK;

    if (sqlite3_open_v2(":memory:", &fresh, DB_MEMORY_FLAGS, NULL) != SQLITE_OK ||
        sqlite3_exec(fresh, db_schema(), NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(fresh, schema_sql, -1, &ours, NULL) != SQLITE_OK)
        status = db_fail_sqlite(fresh, &verifier->err, "schema");
    else if (sqlite3_prepare_v2(verifier->store->db, schema_sql, -1, &theirs, NULL) !=
             SQLITE_OK)
        status = db_fail_sqlite(verifier->store->db, &verifier->err, "schema");
    if (status == STORE_OK)
        status = schema_compare(verifier, ours, theirs);
    sqlite3_finalize(theirs);
    sqlite3_finalize(ours);
    sqlite3_close(fresh);
    return status;
}

/* ---- the file -------------------------------------------------------------------- */

static int verify_structure(struct verifier *verifier)
{
    struct store *store = verifier->store;
    sqlite3_stmt *stmt;
    int status =
        db_bind(store, &stmt, "PRAGMA integrity_check(1)", NULL, 0, &verifier->err);

    if (status != STORE_OK)
        return status;
    status = db_step(store, stmt, &verifier->err);
    if (status == 1 && strcmp(db_column_text(stmt, 0), "ok") != 0)
        status = db_fail(&verifier->err, STORE_ECORRUPT, "%s: the file is damaged: %s",
                         store->path, db_column_text(stmt, 0));
    sqlite3_reset(stmt);
    return status < 0 ? status : STORE_OK;
}
