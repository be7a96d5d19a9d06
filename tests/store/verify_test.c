/* Tampering is found wherever it is done; damage is told from tampering; what only an
 * anchor could show is said to be unanchored. */
#include "tests/store/sample.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

static const char *const path[] = {"a.pdf", "b.pdf", "c.pdf"};

/* Run SQL as anyone with a SQLite tool could, constraints and defences off. */
static int edit(const char *db, const char *sql)
{
    sqlite3 *handle;
    int code;

    assert_int_equal(sqlite3_open(db, &handle), SQLITE_OK);
    sqlite3_exec(handle,
                 "PRAGMA ignore_check_constraints = ON; "
                 "PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF",
                 NULL, NULL, NULL);
    code = sqlite3_exec(handle, sql, NULL, NULL, NULL);
    sqlite3_close(handle);
    return code;
}

static struct store_audit verdict_of(const char *db)
{
    struct store_audit audit;
    struct store *store;

    assert_ok(store_open(&store, db, STORE_READ, ERR));
    store_verify(store, &audit);
    assert_ok(store_close(store, ERR));
    return audit;
}

#define assert_verdict(db, expected)                                       \
    do {                                                                   \
        struct store_audit audit_ = verdict_of(db);                        \
        if (audit_.verdict != (expected))                                  \
            fail_msg("verdict %s: %s", store_verdict_name(audit_.verdict), \
                     audit_.why);                                          \
    } while (0)

static void an_untouched_database_is_intact(void **state)
{
    struct sample_folder *at = *state;
    struct store_audit audit;

    sample_store(at->db, path, 3);
    audit = verdict_of(at->db);
    assert_string_equal(audit.why, "");
    assert_int_equal(audit.verdict, STORE_INTACT);
    assert_false(audit.anchored);
    assert_int_equal(audit.event, 5);
    assert_int_equal(audit.events, 5);
    assert_int_equal(audit.documents, 3);
}

static void an_intact_database_stays_intact_when_verified_by_its_writer(void **state)
{
    struct sample_folder *at = *state;
    struct store_audit audit;
    struct store *store;

    sample_store(at->db, path, 3);
    assert_ok(store_open(&store, at->db, STORE_RUN, ERR));
    for (int i = 0; i < 2; i++) {
        store_verify(store, &audit);
        assert_int_equal(audit.verdict, STORE_INTACT);
    }
    assert_ok(store_close(store, ERR));
}

/* ---- every column of every table ------------------------------------------------- */

struct each_column {
    sqlite3 *db; /* pristine, to read the schema from */
    const char *pristine, *copy;
    int columns;
};

static char *first_text(sqlite3 *db, const char *format, const char *name)
{
    char *sql = sqlite3_mprintf(format, name), *out;
    sqlite3_stmt *stmt;

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    out = sqlite3_mprintf("%s", sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    sqlite3_free(sql);
    return out;
}

/* Another value of the same type for one column of the table's last row. */
static char *column_edit(sqlite3 *db, const char *table, const char *column,
                         const char *type)
{
    char *keys = first_text(db,
                            "SELECT group_concat(quote(name), ', ') FROM "
                            "pragma_table_info(%Q) WHERE pk > 0",
                            table);
    char *sql, *c;

    for (c = keys; *c; c++)
        if (*c == '\'')
            *c = '"';
    sql = sqlite3_mprintf(
        "UPDATE \"%w\" SET \"%w\" = CASE typeof(\"%w\") "
        "WHEN 'integer' THEN \"%w\" + 100 WHEN 'real' THEN \"%w\" + 0.0000001 "
        "WHEN 'text' THEN \"%w\" || 'x' WHEN 'blob' THEN CAST(substr(\"%w\", 1, "
        "length(\"%w\") - 1) || CASE substr(\"%w\", -1) WHEN x'00' THEN x'01' ELSE "
        "x'00' END AS BLOB) ELSE %s END WHERE (%s) = (SELECT %s FROM \"%w\" ORDER BY %s "
        "DESC LIMIT 1)",
        table, column, column, column, column, column, column, column, column,
        strcmp(type, "INTEGER") == 0 ? "7"
        : strcmp(type, "TEXT") == 0  ? "'x'"
                                     : "x'07'",
        keys, keys, table, keys);
    sqlite3_free(keys);
    return sql;
}

static void edit_one_column(struct each_column *each, const char *table,
                            const char *column, const char *type)
{
    char *sql = column_edit(each->db, table, column, type);
    struct store_audit audit;

    sample_copy(each->pristine, each->copy);
    if (edit(each->copy, sql) != SQLITE_OK)
        fail_msg("the edit itself failed: %s", sql);
    audit = verdict_of(each->copy);
    if (audit.verdict != STORE_TAMPERED)
        fail_msg("%s.%s: %s %s", table, column, store_verdict_name(audit.verdict),
                 audit.why);
    each->columns++;
    sqlite3_free(sql);
}

static void changing_any_column_of_any_table_is_tampering(void **state)
{
    struct sample_folder *at = *state;
    struct each_column each = {.pristine = at->db};
    char copy[128];
    sqlite3_stmt *stmt;

    sample_store(at->db, path, 3);
    snprintf(copy, sizeof(copy), "%s.copy", at->db);
    each.copy = copy;
    assert_int_equal(sqlite3_open(at->db, &each.db), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(each.db,
                           "SELECT t.name, c.name, c.type FROM sqlite_schema AS t, "
                           "pragma_table_info(t.name) AS c WHERE t.type = 'table' "
                           "AND t.name NOT GLOB 'chunk_search*'",
                           -1, &stmt, NULL),
        SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW)
        edit_one_column(&each, (const char *)sqlite3_column_text(stmt, 0),
                        (const char *)sqlite3_column_text(stmt, 1),
                        (const char *)sqlite3_column_text(stmt, 2));
    sqlite3_finalize(stmt);
    sqlite3_close(each.db);
    assert_true(each.columns >= 130);
}

/* ---- other edits ----------------------------------------------------------------- */

struct tampering {
    const char *sql;
    const char *why; /* must occur in the verdict's text */
};

static const struct tampering tamperings[] = {
    {"DELETE FROM event WHERE event = 3", "removed or renumbered"},
    {"DELETE FROM event WHERE event = 3; UPDATE event SET event = event - 1 "
     "WHERE event > 3",
     "event 3 was changed"},
    {"DELETE FROM event WHERE event = 1", "event 2 stands where 1 belongs"},
    {"DELETE FROM event WHERE event >= 4", "documents in the database"},
    {"DELETE FROM event", "documents in the database"},
    {"DELETE FROM event WHERE event = 5", "ends of runs"},
    {"UPDATE event SET event = 99 WHERE event = 3; UPDATE event SET event = 3 WHERE "
     "event = 4; UPDATE event SET event = 4 WHERE event = 99",
     "event 3 was changed"},
    {"INSERT INTO event SELECT event + 1, time_ms, type, run, document, body, "
     "rows_sha256, sha256, sha256 FROM event WHERE event = 5",
     "event 6 was changed"},
    {"UPDATE event SET body = body || char(0) || 'x' WHERE event = 2",
     "event 2 was changed"},
    {"UPDATE event SET document = 0 WHERE event = 1", "event 1 was changed"},
    {"DELETE FROM evidence WHERE document = 2 AND ordinal = 2", "document 2"},
    {"DELETE FROM score WHERE document = 2", "document 2"},
    {"DELETE FROM hidden", "document 1"},
    {"DELETE FROM document WHERE document = 3", "document 3"},
    {"INSERT INTO score VALUES (3, 1, 4, 'x', 1.0, 0.0)", "document 3"},
    {"INSERT INTO finding SELECT 3, 3, detector, score, masked, section, start, "
     "end_section, \"end\", chunk, offset, bytes, weight FROM finding LIMIT 1",
     "document 3"},
    {"INSERT INTO section VALUES (99, 1, 'page', '', '', 0)", "rows of section"},
    {"INSERT INTO score VALUES (99, 1, 1, 'x', 1.0, 0.0)", "rows of score"},
    {"INSERT INTO hidden VALUES (99, 1, 1, 0, 0, '', '')", "rows of hidden"},
    {"INSERT INTO chunk VALUES (99, 99, 1, 1, 0, 1, 0, 0, '')", "rows of chunk"},
    {"INSERT INTO task VALUES (99, 1, 't', 'l', 1.0, 0, '', '', NULL, NULL, NULL, 0, "
     "NULL, NULL, NULL)",
     "rows of task"},
    {"INSERT INTO evidence SELECT 99, task, ordinal, section, start, end_section, "
     "\"end\", chunk, offset, bytes, weight FROM evidence LIMIT 1",
     "rows of evidence"},
    {"INSERT INTO summary SELECT 99, ordinal, kind, written, section, start, "
     "end_section, \"end\", chunk, offset, bytes, weight FROM summary LIMIT 1",
     "rows of summary"},
    {"INSERT INTO dropped VALUES (99, 1, 'number', '', '')", "rows of dropped"},
    {"DELETE FROM dropped WHERE document = 2 AND ordinal = 2", "document 2"},
    {"UPDATE summary SET kind = 'verbatim', written = NULL WHERE document = 2 AND "
     "ordinal = 2",
     "document 2"},
    {"UPDATE task SET prior = NULL WHERE document = 1 AND ordinal = 2", "document 1"},
    {"UPDATE document SET summary_reason = '' WHERE document = 3", "document 3"},
    {"INSERT INTO run_input VALUES (99, 1, x'61', 'a')", "rows of run_input"},
    {"INSERT INTO run_end VALUES (2, 0, 'complete', 0, 0, 0)", "ends of runs"},
    {"INSERT INTO run SELECT 2, identity, started_ms, program_version, program_sha256, "
     "operator, host, kernel, facts FROM run",
     "runs in the database"},
    {"INSERT INTO identity SELECT 2, zeroblob(32), policy_name, policy_title, "
     "policy_revision, policy_sha256, NULL, NULL, NULL, NULL, 1, '' FROM identity",
     "rows of identity"},
    {"INSERT INTO document SELECT 4, run, identity, path, path_text, sha256, bytes, "
     "modified_ns, media_type, dialect, metadata, pages, outcome, reason, NULL, 0, 0, "
     "0, 0, decision, '', 0 FROM document WHERE document = 1",
     "4 documents in the database"},
    {"DROP VIEW v_results; CREATE VIEW v_results AS SELECT 1 AS document",
     "schema is not ours"},
    {"CREATE TRIGGER quiet AFTER INSERT ON document BEGIN DELETE FROM event; END",
     "schema is not ours"},
    {"DROP INDEX document_by_path", "schema is not ours"},
    {"CREATE TABLE more (a)", "schema is not ours"},
    {"INSERT INTO chunk_search (chunk_search, rowid, text) SELECT 'delete', id, text "
     "FROM chunk WHERE id = 2",
     "search index"},
    {"INSERT INTO chunk_search (rowid, text) VALUES (2, 'planted')", "search index"},
    {"INSERT INTO chunk_search (rowid, text) VALUES (77, 'planted')", "search index"},
};

static void other_edits_are_tampering_and_named(void **state)
{
    struct sample_folder *at = *state;
    char copy[128];

    sample_store(at->db, path, 3);
    snprintf(copy, sizeof(copy), "%s.copy", at->db);
    for (size_t i = 0; i < COUNT(tamperings); i++) {
        struct store_audit audit;

        sample_copy(at->db, copy);
        if (edit(copy, tamperings[i].sql) != SQLITE_OK)
            fail_msg("the edit itself failed: %s", tamperings[i].sql);
        audit = verdict_of(copy);
        if (audit.verdict != STORE_TAMPERED || !strstr(audit.why, tamperings[i].why))
            fail_msg("%s\n%s: %s", tamperings[i].sql, store_verdict_name(audit.verdict),
                     audit.why);
    }
}

/* Known and said: the file alone cannot show that its end is missing. */
static void a_tail_cut_off_with_its_rows_looks_intact_but_unanchored(void **state)
{
    struct sample_folder *at = *state;
    struct store_audit audit;

    sample_store(at->db, path, 3);
    assert_int_equal(
        edit(
            at->db,
            "INSERT INTO chunk_search (chunk_search, rowid, text) SELECT 'delete', id, "
            "text FROM chunk WHERE document = 3;"
            "DELETE FROM event WHERE event >= 4; DELETE FROM run_end;"
            "DELETE FROM score WHERE document = 3; DELETE FROM evidence WHERE document "
            "= 3; DELETE FROM summary WHERE document = 3; DELETE FROM dropped WHERE "
            "document = 3; DELETE FROM finding WHERE "
            "document = 3; DELETE FROM task WHERE document = 3; DELETE FROM chunk WHERE "
            "document = 3; DELETE FROM section WHERE document = 3; DELETE FROM hidden "
            "WHERE document = 3; DELETE FROM document WHERE document = 3;"),
        SQLITE_OK);
    audit = verdict_of(at->db);
    assert_string_equal(audit.why, "");
    assert_int_equal(audit.verdict, STORE_INTACT);
    assert_false(audit.anchored);
    assert_int_equal(audit.event, 3);
}

/* ---- damage ---------------------------------------------------------------------- */

static void overwrite(const char *file, off_t from, size_t bytes)
{
    char rubbish[4096];
    int fd = open(file, O_RDWR);

    memset(rubbish, 0xa5, sizeof(rubbish));
    assert_true(fd >= 0 && bytes <= sizeof(rubbish));
    assert_int_equal(pwrite(fd, rubbish, bytes, from), bytes);
    close(fd);
}

static off_t root_page(const char *db, const char *name)
{
    sqlite3 *handle;
    char *page;
    off_t out;

    assert_int_equal(sqlite3_open(db, &handle), SQLITE_OK);
    page =
        first_text(handle, "SELECT rootpage FROM sqlite_schema WHERE name = %Q", name);
    out = atoi(page);
    sqlite3_free(page);
    sqlite3_close(handle);
    return out;
}

static void a_table_that_cannot_be_read_could_not_run(void **state)
{
    struct sample_folder *at = *state;

    sample_store(at->db, path, 3);
    overwrite(at->db, (root_page(at->db, "score") - 1) * 4096, 4096);
    assert_verdict(at->db, STORE_COULD_NOT_RUN);
}

static void a_damaged_index_could_not_run(void **state)
{
    struct sample_folder *at = *state;

    sample_store(at->db, path, 3);
    overwrite(at->db, (root_page(at->db, "document_by_path") - 1) * 4096 + 3000, 1096);
    assert_verdict(at->db, STORE_COULD_NOT_RUN);
}

static int look(void *arg, const struct store_document *document)
{
    *(size_t *)arg += document->chunk_count + strlen(document->path);
    return 0;
}

static int look_hit(void *arg, const struct store_hit *hit)
{
    *(size_t *)arg += strlen(hit->snippet);
    return 0;
}

/* Whatever the answer, reading a damaged file must end, and end well. */
static void read_everything(const char *db, const char *report)
{
    static const struct store_filter all = {.details = true};
    struct store_audit audit;
    struct store *store;
    size_t seen = 0;

    if (store_open(&store, db, STORE_READ, NULL) != STORE_OK)
        return;
    store_verify(store, &audit);
    store_each_document(store, &all, look, &seen, NULL);
    store_search(store, "license", look_hit, &seen, NULL);
    store_report(store, 0, report, NULL);
    store_close(store, NULL);
}

static void flip(const char *file, off_t at, unsigned char mask)
{
    unsigned char byte;
    int fd = open(file, O_RDWR);

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= mask;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void a_file_damaged_anywhere_is_read_to_an_end(void **state)
{
    struct sample_folder *at = *state;
    unsigned random = 7;
    char copy[128];
    struct stat st;

    sample_store(at->db, path, 3);
    snprintf(copy, sizeof(copy), "%s.copy", at->db);
    assert_int_equal(stat(at->db, &st), 0);
    for (int round = 0; round < 150; round++) {
        sample_copy(at->db, copy);
        for (int i = 0; i <= round % 4; i++) {
            random = random * 1103515245u + 12345u;
            flip(copy, (off_t)(random % (unsigned)st.st_size),
                 (unsigned char)(1u << (random >> 29)));
        }
        read_everything(copy, at->report);
    }
}

static void a_database_without_any_event_is_intact(void **state)
{
    struct sample_folder *at = *state;
    struct store *store;

    assert_ok(store_open(&store, at->db, STORE_RUN, ERR));
    assert_ok(store_close(store, ERR));
    assert_verdict(at->db, STORE_INTACT);
}

/* ---- the index, in more than one batch ------------------------------------------- */

static void an_index_larger_than_one_batch_is_compared_whole(void **state)
{
    struct sample_folder *at = *state;
    struct sample_document sample;
    struct store_run run = sample_run();
    size_t bytes = 9 << 20, filled = 0;
    char *text = malloc(bytes + 16);
    struct store *store;
    int64_t run_id;

    assert_non_null(text);
    for (unsigned word = 1; filled < bytes; word = word * 1103515245 + 12345)
        filled += (size_t)sprintf(text + filled, "w%u ", word >> 20);
    sample_document(&sample, "big.pdf", "big");
    sample.chunk[0].text = text;
    sample.chunk[0].text_bytes = filled;
    assert_ok(store_open(&store, at->db, STORE_RUN, ERR));
    assert_ok(store_run_begin(store, &run, &run_id, ERR));
    assert_ok(store_commit(store, run_id, &sample.document, NULL, ERR));
    sample_document(&sample, "small.pdf", "small");
    assert_ok(store_commit(store, run_id, &sample.document, NULL, ERR));
    assert_ok(store_close(store, ERR));
    free(text);
    assert_verdict(at->db, STORE_INTACT);
    assert_int_equal(edit(at->db, "INSERT INTO chunk_search (rowid, text) "
                                  "VALUES (3, 'planted')"),
                     SQLITE_OK);
    assert_verdict(at->db, STORE_TAMPERED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sample_setup, sample_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_untouched_database_is_intact),
        TEST(an_intact_database_stays_intact_when_verified_by_its_writer),
        TEST(changing_any_column_of_any_table_is_tampering),
        TEST(other_edits_are_tampering_and_named),
        TEST(a_tail_cut_off_with_its_rows_looks_intact_but_unanchored),
        TEST(a_table_that_cannot_be_read_could_not_run),
        TEST(a_damaged_index_could_not_run),
        TEST(a_file_damaged_anywhere_is_read_to_an_end),
        TEST(a_database_without_any_event_is_intact),
        TEST(an_index_larger_than_one_batch_is_compared_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
