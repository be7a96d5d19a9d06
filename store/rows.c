/* rows - one digest over everything the database holds about one event.
 *
 * The writer takes it after it has inserted the rows, the verifier takes it again
 * years later, and both run this very code: the rows are read back with SQL and
 * streamed through SHA-256 as
 *
 *     str("cloister rows 1")
 *     "T" str(table)                      for each table of the event type, in order
 *         "R" le64(columns) value...      for each row, by primary key
 *
 *     value: "N" | "I" le64 | "F" le64(bits of the double) | "S" str | "B" str
 *     str:   le64(bytes) bytes
 *
 * Every field is typed and every length comes first, so two different sets of rows
 * never give the same bytes. The columns are named one by one: a column added by a
 * later version must not change the digest of what was written before it. */
#include "store/audit.h"

#include <string.h>

static const char rows_domain[] = "cloister rows 1";

#define QUOTE_COLUMNS \
    "section, start, end_section, \"end\", chunk, offset, bytes, weight"
#define ORPHANS(table)            \
    "SELECT count(*) FROM " table \
    " AS t WHERE NOT EXISTS (SELECT 1 FROM document WHERE document = t.document)"
#define RUN_ORPHANS(table)        \
    "SELECT count(*) FROM " table \
    " AS t WHERE NOT EXISTS (SELECT 1 FROM run WHERE run = t.run)"

static const struct rows_table run_tables[] = {
    {"identity",
     "SELECT identity, sha256, policy_name, policy_title, policy_revision, "
     "policy_sha256, encoder_name, encoder_sha256, model_name, model_sha256, "
     "arithmetic_version, settings FROM identity "
     "WHERE identity = (SELECT identity FROM run WHERE run = ?1)",
     "SELECT count(*) FROM identity AS t "
     "WHERE NOT EXISTS (SELECT 1 FROM run WHERE identity = t.identity)"},
    {"run",
     "SELECT run, identity, started_ms, program_version, program_sha256, operator, "
     "host, kernel, facts FROM run WHERE run = ?1",
     NULL},
    {"run_input",
     "SELECT run, ordinal, path, path_text FROM run_input WHERE run = ?1 "
     "ORDER BY ordinal",
     RUN_ORPHANS("run_input")},
};

static const struct rows_table document_tables[] = {
    {"document",
     "SELECT document, run, identity, path, path_text, sha256, bytes, modified_ns, "
     "media_type, dialect, metadata, pages, outcome, reason, duplicate_of, "
     "extracted_bytes, hidden_bytes, chunked_bytes, seen_bytes, decision, "
     "summary_reason, parse_ms "
     "FROM document WHERE document = ?1",
     NULL},
    {"section",
     "SELECT document, section, kind, label, title, text_bytes FROM section "
     "WHERE document = ?1 ORDER BY section",
     ORPHANS("section")},
    {"hidden",
     "SELECT document, ordinal, section, start, \"end\", why, text FROM hidden "
     "WHERE document = ?1 ORDER BY ordinal",
     ORPHANS("hidden")},
    {"chunk",
     "SELECT id, document, chunk, section, start, end_section, \"end\", tokens, text "
     "FROM chunk WHERE document = ?1 ORDER BY id",
     ORPHANS("chunk")},
    {"task",
     "SELECT document, ordinal, task, label, probability, undecided, runner_up, "
     "answered_by, prior, first_label, first_probability, commanded, plain_label, "
     "plain_probability, plain_undecided "
     "FROM task WHERE document = ?1 ORDER BY ordinal",
     ORPHANS("task")},
    {"score",
     "SELECT document, task, ordinal, label, score, probability FROM score "
     "WHERE document = ?1 ORDER BY task, ordinal",
     ORPHANS("score")},
    {"evidence",
     "SELECT document, task, ordinal, " QUOTE_COLUMNS " FROM evidence "
     "WHERE document = ?1 ORDER BY task, ordinal",
     ORPHANS("evidence")},
    {"summary",
     "SELECT document, ordinal, kind, written, " QUOTE_COLUMNS " FROM summary "
     "WHERE document = ?1 ORDER BY ordinal",
     ORPHANS("summary")},
    {"dropped",
     "SELECT document, ordinal, why, what, text FROM dropped "
     "WHERE document = ?1 ORDER BY ordinal",
     ORPHANS("dropped")},
    {"finding",
     "SELECT document, ordinal, detector, score, masked, " QUOTE_COLUMNS
     " FROM finding WHERE document = ?1 ORDER BY ordinal",
     ORPHANS("finding")},
};

static const struct rows_table run_end_tables[] = {
    {"run_end",
     "SELECT run, ended_ms, why, documents, done, skipped FROM run_end WHERE run = ?1",
     RUN_ORPHANS("run_end")},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
static const struct rows_set sets[] = {
    {"run_started", run_tables, COUNT(run_tables)},
    {"document", document_tables, COUNT(document_tables)},
    {"run_ended", run_end_tables, COUNT(run_end_tables)},
};

const struct rows_set *rows_sets(size_t *count)
{
    *count = COUNT(sets);
    return sets;
}

const struct rows_set *rows_of_type(const char *type)
{
    for (size_t i = 0; i < COUNT(sets); i++)
        if (strcmp(sets[i].type, type) == 0)
            return &sets[i];
    return NULL;
}

/* ---- canonical bytes ------------------------------------------------------------- */

static void hash_bits(struct store_sha256 *sha, uint64_t bits)
{
    unsigned char byte[8];

    for (int i = 0; i < 8; i++)
        byte[i] = (unsigned char)(bits >> (8 * i));
    store_sha256_update(sha, byte, sizeof(byte));
}

void hash_int(struct store_sha256 *sha, int64_t value)
{
    hash_bits(sha, (uint64_t)value);
}

void hash_string(struct store_sha256 *sha, const void *data, size_t bytes)
{
    hash_bits(sha, bytes);
    if (bytes)
        store_sha256_update(sha, data, bytes);
}

static void hash_real(struct store_sha256 *sha, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    hash_bits(sha, bits);
}

static void hash_column(struct store_sha256 *sha, sqlite3_stmt *stmt, int column)
{
    const void *data;

    switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_INTEGER:
        store_sha256_update(sha, "I", 1);
        hash_int(sha, sqlite3_column_int64(stmt, column));
        break;
    case SQLITE_FLOAT:
        store_sha256_update(sha, "F", 1);
        hash_real(sha, sqlite3_column_double(stmt, column));
        break;
    case SQLITE_TEXT:
        store_sha256_update(sha, "S", 1);
        data = sqlite3_column_text(stmt, column);
        hash_string(sha, data, (size_t)sqlite3_column_bytes(stmt, column));
        break;
    case SQLITE_BLOB:
        store_sha256_update(sha, "B", 1);
        data = sqlite3_column_blob(stmt, column);
        hash_string(sha, data, (size_t)sqlite3_column_bytes(stmt, column));
        break;
    default:
        store_sha256_update(sha, "N", 1);
    }
}

static int hash_table(struct store *store, const struct rows_table *table, int64_t id,
                      struct store_sha256 *sha, struct store_error *err)
{
    sqlite3_stmt *stmt;
    int status = db_bind(store, &stmt, table->sql, DB_VALUES(db_int(id)), err);

    if (status != STORE_OK)
        return status;
    store_sha256_update(sha, "T", 1);
    hash_string(sha, table->name, strlen(table->name));
    while ((status = db_step(store, stmt, err)) == 1) {
        int columns = sqlite3_column_count(stmt);
        store_sha256_update(sha, "R", 1);
        hash_int(sha, columns);
        for (int i = 0; i < columns; i++)
            hash_column(sha, stmt, i);
    }
    return status;
}

int rows_digest(struct store *store, const struct rows_set *set, int64_t id,
                struct store_digest *out, struct store_error *err)
{
    struct store_sha256 *sha = store_sha256_new();
    int status = STORE_OK;

    if (!sha)
        return db_fail(err, STORE_ENOMEM, "%s: out of memory", store->path);
    hash_string(sha, rows_domain, strlen(rows_domain));
    for (size_t i = 0; set && status == STORE_OK && i < set->table_count; i++)
        status = hash_table(store, &set->table[i], id, sha, err);
    store_sha256_finish(sha, out);
    store_sha256_free(sha);
    return status;
}
