/* verify_index - does the search index hold the words of the chunks, and no others?
 *
 * FTS5 has a check of its own, but it must write to the database, which may be
 * read-only. So the words are taken again: the chunks' text goes, a few megabytes at
 * a time, into an index in memory, and both indexes are listed as (word, chunk,
 * place). The lists come in different orders; what is compared is the sum of a keyed
 * hash over all entries. The key is random for each check, so nobody can prepare an
 * index of other words with the same sum.
 *
 * Left out: the length FTS5 keeps for each chunk; only the order of hits depends on
 * it. */
#include "store/verify.h"

#include <string.h>

enum { INDEX_BATCH_BYTES = 8 << 20 };

static const char words_sql[] = "SELECT term, doc, offset FROM temp.index_words";
static const char drop_sql[] = "DROP TABLE IF EXISTS temp.index_words";
static const char vocabulary_sql[] =
    "CREATE VIRTUAL TABLE temp.index_words USING fts5vocab(main, chunk_search, instance)";

struct index_sum {
    unsigned char key[32];
    struct store_sha256 *sha;
    uint64_t part[4];
};

static void sum_entry(struct index_sum *sum, sqlite3_stmt *stmt)
{
    struct store_digest digest;
    const char *term = db_column_text(stmt, 0);

    store_sha256_update(sum->sha, sum->key, sizeof(sum->key));
    hash_int(sum->sha, sqlite3_column_int64(stmt, 1));
    hash_int(sum->sha, sqlite3_column_int64(stmt, 2));
    hash_string(sum->sha, term, (size_t)sqlite3_column_bytes(stmt, 0));
    store_sha256_finish(sum->sha, &digest);
    for (int i = 0; i < 4; i++) {
        uint64_t word;
        memcpy(&word, digest.byte + 8 * i, sizeof(word));
        sum->part[i] += word;
    }
}

/* Add all entries of the index in db to sum. */
static int sum_words(sqlite3 *db, struct index_sum *sum, struct store_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db, words_sql, -1, &stmt, NULL);

    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(stmt);
        if (code == SQLITE_ROW)
            sum_entry(sum, stmt);
    }
    sqlite3_finalize(stmt);
    return code == SQLITE_DONE ? STORE_OK : db_fail_sqlite(db, err, "search index");
}

static int sum_stored(struct store *store, struct index_sum *sum,
                      struct store_error *err)
{
    int status = db_exec(store, vocabulary_sql, err);

    if (status == STORE_OK)
        status = sum_words(store->db, sum, err);
    if (status == STORE_OK)
        status = db_exec(store, drop_sql, err);
    return status;
}

/* ---- the same index, made again -------------------------------------------------- */

static sqlite3 *fresh_open(sqlite3_stmt **insert)
{
    static const char make_sql[] =
        "CREATE VIRTUAL TABLE chunk_search USING fts5 (text, content = '', "
        "tokenize = 'unicode61')";
    sqlite3 *db = NULL;

    if (sqlite3_open_v2(":memory:", &db, DB_MEMORY_FLAGS, NULL) == SQLITE_OK &&
        sqlite3_exec(db, make_sql, NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_exec(db, vocabulary_sql, NULL, NULL, NULL) == SQLITE_OK)
        sqlite3_prepare_v2(db, "INSERT INTO chunk_search (rowid, text) VALUES (?, ?)",
                           -1, insert, NULL);
    return db;
}

static int fresh_flush(sqlite3 *db, struct index_sum *sum, struct store_error *err)
{
    int status = STORE_OK;

    if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        return db_fail_sqlite(db, err, "search index in memory");
    status = sum_words(db, sum, err);
    if (status == STORE_OK &&
        sqlite3_exec(db,
                     "INSERT INTO chunk_search (chunk_search) VALUES ('delete-all');"
                     "BEGIN",
                     NULL, NULL, NULL) != SQLITE_OK)
        status = db_fail_sqlite(db, err, "search index in memory");
    return status;
}

static int fresh_add(sqlite3 *db, sqlite3_stmt *insert, sqlite3_stmt *chunk,
                     struct store_error *err)
{
    int code;

    sqlite3_bind_value(insert, 1, sqlite3_column_value(chunk, 0));
    sqlite3_bind_value(insert, 2, sqlite3_column_value(chunk, 1));
    code = sqlite3_step(insert);
    sqlite3_reset(insert);
    return code == SQLITE_DONE ? STORE_OK
                               : db_fail_sqlite(db, err, "search index in memory");
}

static int sum_fresh(struct store *store, sqlite3 *db, sqlite3_stmt *insert,
                     struct index_sum *sum, struct store_error *err)
{
    sqlite3_stmt *chunk;
    int status =
        db_bind(store, &chunk, "SELECT id, text FROM chunk ORDER BY id", NULL, 0, err);
    size_t bytes = 0;

    if (status != STORE_OK)
        return status;
    if (sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
        return db_fail_sqlite(db, err, "search index in memory");
    while ((status = db_step(store, chunk, err)) == 1) {
        status = fresh_add(db, insert, chunk, err);
        bytes += (size_t)sqlite3_column_bytes(chunk, 1);
        if (status == STORE_OK && bytes >= INDEX_BATCH_BYTES) {
            status = fresh_flush(db, sum, err);
            bytes = 0;
        }
        if (status != STORE_OK)
            break;
    }
    sqlite3_reset(chunk);
    return status == STORE_OK ? fresh_flush(db, sum, err) : status;
}

/* ---- both ------------------------------------------------------------------------ */

int verify_index(struct verifier *verifier)
{
    struct index_sum stored = {0}, fresh;
    sqlite3_stmt *insert = NULL;
    sqlite3 *db = fresh_open(&insert);
    int status = STORE_OK;

    sqlite3_randomness(sizeof(stored.key), stored.key);
    stored.sha = store_sha256_new();
    fresh = stored;
    if (!insert || !stored.sha)
        status = db_fail(&verifier->err, STORE_ENOMEM, "search index: out of memory");
    if (status == STORE_OK)
        status = sum_stored(verifier->store, &stored, &verifier->err);
    if (status == STORE_OK)
        status = sum_fresh(verifier->store, db, insert, &fresh, &verifier->err);
    if (status == STORE_OK && memcmp(stored.part, fresh.part, sizeof(fresh.part)) != 0)
        status = verify_tampered(
            verifier, "the search index does not hold the words of the text");
    sqlite3_finalize(insert);
    sqlite3_close(db);
    store_sha256_free(stored.sha);
    return status;
}
