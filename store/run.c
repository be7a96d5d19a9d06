/* run - the beginning and the end of one run, and what was done before it.
 *
 * A run works under one identity: everything besides a document's bytes that decides
 * a result. Equal identities share one row, so that a document is known to be done
 * whichever run did it. The beginning and the end are events of the log; between
 * them lie the documents (result.c). */
#include "store/audit.h"
#include "store/result.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char identity_domain[] = "cloister identity 1";

/* ---- identity -------------------------------------------------------------------- */

static void hash_model(struct store_sha256 *sha, const char *name,
                       const struct store_digest *digest)
{
    hash_int(sha, name != NULL);
    if (name)
        store_sha256_update(sha, digest->byte, sizeof(digest->byte));
}

static int identity_digest(const struct store_identity *identity,
                           struct store_digest *out)
{
    struct store_sha256 *sha = store_sha256_new();

    if (!sha)
        return STORE_ENOMEM;
    hash_string(sha, identity_domain, strlen(identity_domain));
    hash_string(sha, identity->policy_name, strlen(identity->policy_name));
    store_sha256_update(sha, identity->policy.byte, sizeof(identity->policy.byte));
    hash_model(sha, identity->encoder_name, &identity->encoder);
    hash_model(sha, identity->model_name, &identity->model);
    hash_int(sha, identity->arithmetic_version);
    hash_string(sha, identity->settings, strlen(identity->settings));
    store_sha256_finish(sha, out);
    store_sha256_free(sha);
    return STORE_OK;
}

static struct db_value model_digest(const char *name, const struct store_digest *digest)
{
    return name ? db_digest(digest) : db_blob(NULL, 0);
}

/* The row of this identity, made when it is new. */
static int identity_row(struct store *store, const struct store_identity *identity,
                        const struct store_digest *digest, int64_t *out,
                        struct store_error *err)
{
    int status =
        db_number(store, out, 0, "SELECT identity FROM identity WHERE sha256 = ?",
                  DB_VALUES(db_digest(digest)), err);

    if (status != STORE_OK || *out != 0)
        return status;
    status = db_run(
        store,
        "INSERT INTO identity (sha256, policy_name, policy_title, policy_revision, "
        "policy_sha256, encoder_name, encoder_sha256, model_name, model_sha256, "
        "arithmetic_version, settings) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        DB_VALUES(db_digest(digest), db_text(identity->policy_name),
                  db_text_or_empty(identity->policy_title),
                  db_int(identity->policy_revision), db_digest(&identity->policy),
                  db_text(identity->encoder_name),
                  model_digest(identity->encoder_name, &identity->encoder),
                  db_text(identity->model_name),
                  model_digest(identity->model_name, &identity->model),
                  db_int(identity->arithmetic_version), db_text(identity->settings)),
        err);
    if (status == STORE_OK)
        *out = sqlite3_last_insert_rowid(store->db);
    return status;
}

/* ---- beginning ------------------------------------------------------------------- */

static int run_insert(struct store *store, const struct store_run *run,
                      int64_t identity, int64_t *out, struct store_error *err)
{
    int status = db_run(
        store,
        "INSERT INTO run (identity, started_ms, program_version, program_sha256, "
        "operator, host, kernel, facts) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        DB_VALUES(db_int(identity), db_int(event_now_ms()),
                  db_text_or_empty(run->program_version), db_digest(&run->program),
                  db_text_or_empty(run->operator_name), db_text_or_empty(run->host),
                  db_text_or_empty(run->kernel),
                  db_text(run->facts ? run->facts : "{}")),
        err);
    if (status == STORE_OK)
        *out = sqlite3_last_insert_rowid(store->db);
    return status;
}

static int run_insert_inputs(struct store *store, const struct store_run *run,
                             int64_t run_id, struct store_error *err)
{
    int status = STORE_OK;

    for (size_t i = 0; status == STORE_OK && i < run->input_count; i++) {
        const char *path = run->input[i];
        struct buffer readable = {0};

        buffer_utf8(&readable, path, strlen(path));
        status = db_run(store,
                        "INSERT INTO run_input (run, ordinal, path, path_text) "
                        "VALUES (?, ?, ?, ?)",
                        DB_VALUES(db_int(run_id), db_int((int64_t)i + 1),
                                  db_blob(path, strlen(path)), db_text(readable.at)),
                        err);
        buffer_free(&readable);
    }
    return status;
}

static void run_body_inputs(struct buffer *body, const struct store_run *run)
{
    struct buffer list = {0};

    buffer_put(&list, "[");
    for (size_t i = 0; i < run->input_count; i++) {
        if (i)
            buffer_put(&list, ",");
        object_quote(&list, run->input[i]);
    }
    buffer_put(&list, "]");
    body->failed |= list.failed;
    if (!list.failed)
        object_raw(body, "inputs", list.at);
    buffer_free(&list);
}

static void run_body(struct buffer *body, const struct store *store,
                     const struct store_run *run, const struct store_digest *digest,
                     int64_t run_id)
{
    const struct store_identity *identity = &run->identity;

    object_open(body);
    object_int(body, "arithmetic_version", identity->arithmetic_version);
    object_string(body, "clock", "CLOCK_REALTIME");
    if (identity->encoder_name) {
        object_string(body, "encoder", identity->encoder_name);
        object_digest(body, "encoder_sha256", &identity->encoder);
    }
    object_raw(body, "facts", run->facts ? run->facts : "{}");
    object_string(body, "host", run->host ? run->host : "");
    object_digest(body, "identity_sha256", digest);
    run_body_inputs(body, run);
    object_string(body, "kernel", run->kernel ? run->kernel : "");
    if (identity->model_name) {
        object_string(body, "model", identity->model_name);
        object_digest(body, "model_sha256", &identity->model);
    }
    object_string(body, "operator", run->operator_name ? run->operator_name : "");
    object_string(body, "policy", identity->policy_name);
    object_int(body, "policy_revision", identity->policy_revision);
    object_digest(body, "policy_sha256", &identity->policy);
    object_digest(body, "program_sha256", &run->program);
    object_string(body, "program_version",
                  run->program_version ? run->program_version : "");
    object_int(body, "run", run_id);
    object_string(body, "settings", identity->settings);
    object_int(body, "utc_offset_s", store->utc_offset_s);
    object_close(body);
}

static int run_write(struct store *store, const struct store_run *run, int64_t *run_id,
                     struct store_error *err)
{
    struct store_digest digest;
    struct buffer body = {0};
    int64_t identity = 0;
    int status;

    if (identity_digest(&run->identity, &digest) != STORE_OK)
        return db_fail(err, STORE_ENOMEM, "%s: out of memory", store->path);
    status = db_check_json(store, run->facts, "facts of the run", err);
    if (status == STORE_OK)
        status = identity_row(store, &run->identity, &digest, &identity, err);
    if (status == STORE_OK)
        status = run_insert(store, run, identity, run_id, err);
    if (status == STORE_OK)
        status = run_insert_inputs(store, run, *run_id, err);
    if (status == STORE_OK) {
        run_body(&body, store, run, &digest, *run_id);
        status = event_append(store, "run_started", *run_id, 0, &body, err);
    }
    buffer_free(&body);
    return status;
}

int store_run_begin(struct store *store, const struct store_run *run, int64_t *run_id,
                    struct store_error *err)
{
    int status = db_exec(store, "BEGIN IMMEDIATE", err);

    if (status == STORE_OK)
        status = run_write(store, run, run_id, err);
    if (status == STORE_OK)
        status = db_exec(store, "COMMIT", err);
    if (status != STORE_OK)
        db_rollback(store);
    return status;
}

int run_identity(struct store *store, int64_t run_id, int64_t *out,
                 struct store_error *err)
{
    int status = db_number(store, out, 0, "SELECT identity FROM run WHERE run = ?",
                           DB_VALUES(db_int(run_id)), err);

    if (status == STORE_OK && *out == 0)
        return db_fail(err, STORE_EMISSING, "%s: there is no run %" PRId64, store->path,
                       run_id);
    return status;
}

/* ---- end ------------------------------------------------------------------------- */

static int run_end_write(struct store *store, int64_t run_id,
                         const struct store_run_end *end, struct store_error *err)
{
    struct buffer body = {0};
    int status =
        db_run(store,
               "INSERT INTO run_end (run, ended_ms, why, documents, done, skipped) "
               "VALUES (?, ?, ?, ?, ?, ?)",
               DB_VALUES(db_int(run_id), db_int(event_now_ms()),
                         db_text_or_empty(end->why), db_int((int64_t)end->documents),
                         db_int((int64_t)end->done), db_int((int64_t)end->skipped)),
               err);

    if (status != STORE_OK)
        return status;
    object_open(&body);
    object_int(&body, "documents", (int64_t)end->documents);
    object_int(&body, "done", (int64_t)end->done);
    object_int(&body, "run", run_id);
    object_int(&body, "skipped", (int64_t)end->skipped);
    object_string(&body, "why", end->why ? end->why : "");
    object_close(&body);
    status = event_append(store, "run_ended", run_id, 0, &body, err);
    buffer_free(&body);
    return status;
}

int store_run_end(struct store *store, int64_t run_id, const struct store_run_end *end,
                  struct store_error *err)
{
    int64_t identity;
    int status = run_identity(store, run_id, &identity, err);

    if (status != STORE_OK)
        return status;
    status = db_exec(store, "BEGIN IMMEDIATE", err);
    if (status == STORE_OK)
        status = run_end_write(store, run_id, end, err);
    if (status == STORE_OK)
        status = db_exec(store, "COMMIT", err);
    if (status != STORE_OK)
        db_rollback(store);
    return status;
}

/* ---- what was done before -------------------------------------------------------- */

/* ?2 is an identity of the policy in question. */
#define IS_NEWEST(row)                                                                \
    row ".document = (SELECT max(n.document) FROM document AS n JOIN identity AS i "  \
        "ON i.identity = n.identity WHERE n.path = " row ".path AND i.policy_name = " \
        "(SELECT policy_name FROM identity WHERE identity = ?2)) "

#define FOUND_COLUMNS                                                               \
    "d.document, d.outcome, d.path, d.decision, EXISTS (SELECT 1 FROM task AS t "   \
    "WHERE t.document = d.document AND t.undecided), carrier.outcome, carrier.run " \
    "FROM document AS d JOIN document AS carrier "                                  \
    "ON carrier.document = coalesce(d.duplicate_of, d.document) "

static void found_take(sqlite3_stmt *stmt, struct store_found *out,
                       enum store_found_kind kind)
{
    out->kind = kind;
    out->document = sqlite3_column_int64(stmt, 0);
    snprintf(out->outcome, sizeof(out->outcome), "%s", db_column_text(stmt, 1));
    snprintf(out->path, sizeof(out->path), "%.*s", sqlite3_column_bytes(stmt, 2),
             db_column_text(stmt, 2));
    snprintf(out->decision, sizeof(out->decision), "%s", db_column_text(stmt, 3));
    out->undecided = sqlite3_column_int(stmt, 4) != 0;
    snprintf(out->carried, sizeof(out->carried), "%s", db_column_text(stmt, 5));
    out->run = sqlite3_column_int64(stmt, 6);
    sqlite3_reset(stmt);
}

/* Done means done now: the newest row of this path and policy name must be of these
 * bytes and this identity, or the views would show something else. */
static int find_here(struct store *store, int64_t identity, const char *path,
                     const struct store_digest *digest, struct store_found *out,
                     struct store_error *err)
{
    sqlite3_stmt *stmt;
    int status =
        db_bind(store, &stmt,
                "SELECT " FOUND_COLUMNS "WHERE d.path = ?1 AND d.identity = ?2 "
                "AND d.sha256 IS ?3 AND " IS_NEWEST("d") "AND " IS_NEWEST("carrier"),
                DB_VALUES(db_blob(path, strlen(path)), db_int(identity),
                          digest ? db_digest(digest) : db_blob(NULL, 0)),
                err);

    if (status == STORE_OK && (status = db_step(store, stmt, err)) == 1)
        found_take(stmt, out, STORE_FOUND_HERE);
    return status < 0 ? status : STORE_OK;
}

static int find_elsewhere(struct store *store, int64_t identity, const char *path,
                          const struct store_digest *digest, struct store_found *out,
                          struct store_error *err)
{
    sqlite3_stmt *stmt;
    int status = db_bind(
        store, &stmt,
        "SELECT " FOUND_COLUMNS "WHERE d.sha256 = ?1 AND d.identity = ?2 "
        "AND d.path <> ?3 AND " IS_NEWEST("d") "AND d.outcome <> 'duplicate' "
                                               "ORDER BY d.document DESC LIMIT 1",
        DB_VALUES(db_digest(digest), db_int(identity), db_blob(path, strlen(path))),
        err);

    if (status == STORE_OK && (status = db_step(store, stmt, err)) == 1)
        found_take(stmt, out, STORE_FOUND_ELSEWHERE);
    return status < 0 ? status : STORE_OK;
}

int store_run_like(struct store *store, const struct store_identity *identity,
                   int64_t *run_id, struct store_error *err)
{
    struct store_digest digest;

    *run_id = 0;
    if (identity_digest(identity, &digest) != STORE_OK)
        return db_fail(err, STORE_ENOMEM, "%s: out of memory", store->path);
    return db_number(store, run_id, 0,
                     "SELECT max(r.run) FROM run AS r JOIN identity AS i "
                     "ON i.identity = r.identity WHERE i.sha256 = ?",
                     DB_VALUES(db_digest(&digest)), err);
}

int store_find(struct store *store, int64_t run_id, const char *path,
               const struct store_digest *digest, struct store_found *out,
               struct store_error *err)
{
    int64_t identity = 0;
    int status;

    *out = (struct store_found){.kind = STORE_FOUND_NOTHING};
    if (run_id == 0)
        return STORE_OK;
    status = run_identity(store, run_id, &identity, err);
    if (status == STORE_OK)
        status = find_here(store, identity, path, digest, out, err);
    if (status == STORE_OK && out->kind == STORE_FOUND_NOTHING && digest)
        status = find_elsewhere(store, identity, path, digest, out, err);
    return status;
}
