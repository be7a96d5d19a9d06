/* audit - the log: a chain of events, each holding the digest of the one before.
 *
 *     event 1 run_started    previous 00..00   rows: identity, run, run_input
 *     event 2 document       previous = 1      rows: document 1 and all that is its
 *     event 3 document       previous = 2      ...
 *     event 4 run_ended      previous = 3      rows: run_end
 *
 * The digest covers every field of the event, length first, so that no byte can move
 * from one field to the next. The body is JSON for people and for other programs; it
 * holds digests, counts and paths, never text of a document. This file appends and
 * reads; verify.c judges. */
#include "store/audit.h"

#include <string.h>
#include <time.h>

static const char event_domain[] = "cloister event 1";

int64_t event_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int event_digest(const struct store_event *event, struct store_digest *out)
{
    struct store_sha256 *sha = store_sha256_new();

    if (!sha)
        return STORE_ENOMEM;
    hash_string(sha, event_domain, strlen(event_domain));
    hash_int(sha, event->event);
    hash_int(sha, event->time_ms);
    hash_string(sha, event->type, strlen(event->type));
    hash_int(sha, event->run);
    hash_int(sha, event->document);
    hash_string(sha, event->body, strlen(event->body));
    store_sha256_update(sha, event->rows.byte, sizeof(event->rows.byte));
    store_sha256_update(sha, event->previous.byte, sizeof(event->previous.byte));
    store_sha256_finish(sha, out);
    store_sha256_free(sha);
    return STORE_OK;
}

/* Number and link the event after the last one there is. */
static int event_link(struct store *store, struct store_event *event,
                      struct store_error *err)
{
    sqlite3_stmt *stmt;
    int status = db_bind(store, &stmt,
                         "SELECT event, sha256 FROM event ORDER BY event DESC LIMIT 1",
                         NULL, 0, err);

    if (status != STORE_OK)
        return status;
    event->event = 1;
    memset(&event->previous, 0, sizeof(event->previous));
    status = db_step(store, stmt, err);
    if (status != 1)
        return status;
    event->event = sqlite3_column_int64(stmt, 0) + 1;
    db_column_digest(stmt, 1, &event->previous);
    sqlite3_reset(stmt);
    return STORE_OK;
}

static int event_insert(struct store *store, const struct store_event *event,
                        struct store_error *err)
{
    return db_run(store,
                  "INSERT INTO event (" EVENT_COLUMNS ") "
                  "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  DB_VALUES(db_int(event->event), db_int(event->time_ms),
                            db_text(event->type), db_int_or_null(event->run, 0),
                            db_int_or_null(event->document, 0), db_text(event->body),
                            db_digest(&event->rows), db_digest(&event->previous),
                            db_digest(&event->digest)),
                  err);
}

int event_append(struct store *store, const char *type, int64_t run, int64_t document,
                 const struct buffer *body, struct store_error *err)
{
    struct store_event event = {.time_ms = event_now_ms(),
                                .type = type,
                                .run = run,
                                .document = document,
                                .body = body->at};
    int status;

    if (body->failed)
        return db_fail(err, STORE_ENOMEM, "%s: out of memory", store->path);
    status = event_link(store, &event, err);
    if (status == STORE_OK)
        status = rows_digest(store, rows_of_type(type), document ? document : run,
                             &event.rows, err);
    if (status == STORE_OK && event_digest(&event, &event.digest) != STORE_OK)
        status = db_fail(err, STORE_ENOMEM, "%s: out of memory", store->path);
    if (status == STORE_OK)
        status = event_insert(store, &event, err);
    return status;
}

void event_read(sqlite3_stmt *stmt, struct store_event *out)
{
    out->event = sqlite3_column_int64(stmt, 0);
    out->time_ms = sqlite3_column_int64(stmt, 1);
    out->type = db_column_text(stmt, 2);
    out->run = sqlite3_column_int64(stmt, 3);
    out->document = sqlite3_column_int64(stmt, 4);
    out->body = db_column_text(stmt, 5);
    db_column_digest(stmt, 6, &out->rows);
    db_column_digest(stmt, 7, &out->previous);
    db_column_digest(stmt, 8, &out->digest);
}

int store_each_event(struct store *store,
                     int (*each)(void *arg, const struct store_event *event), void *arg,
                     struct store_error *err)
{
    struct store_event event;
    sqlite3_stmt *stmt;
    int status = STORE_OK, code;

    if (sqlite3_prepare_v2(store->db,
                           "SELECT " EVENT_COLUMNS " FROM event ORDER BY event", -1,
                           &stmt, NULL) != SQLITE_OK)
        return db_fail_sqlite(store->db, err, store->path);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        event_read(stmt, &event);
        if (each(arg, &event) != 0)
            break;
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        status = db_fail_sqlite(store->db, err, store->path);
    sqlite3_finalize(stmt);
    return status;
}
