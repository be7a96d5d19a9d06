/* The file: who may open it, what is refused, what is left behind. */
#include "tests/store/sample.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char *const one_path[] = {"a.pdf"};

static mode_t mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static bool exists(const char *db, const char *suffix)
{
    char path[128];

    snprintf(path, sizeof(path), "%s%s", db, suffix);
    return access(path, F_OK) == 0;
}

static int64_t number(const char *db, const char *sql)
{
    sqlite3 *handle;
    sqlite3_stmt *stmt;
    int64_t out;

    assert_int_equal(sqlite3_open_v2(db, &handle, SQLITE_OPEN_READWRITE, NULL), 0);
    assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    out = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(handle);
    return out;
}

static int open_status(const char *db, enum store_mode mode, struct store_error *err)
{
    struct store *store = NULL;
    int status = store_open(&store, db, mode, err);

    if (status != STORE_OK)
        assert_null(store);
    assert_ok(store_close(store, ERR));
    return status;
}

static void a_new_database_is_private_and_says_whose_it_is(void **state)
{
    struct sample_folder *at = *state;
    mode_t mask = umask(0);
    struct store *store;

    assert_ok(store_open(&store, at->db, STORE_RUN, ERR));
    assert_int_equal(mode_of(at->db), 0600);
    assert_true(exists(at->db, "-wal"));
    for (const char *const *suffix = (const char *const[]){"-wal", "-shm", NULL};
         *suffix; suffix++) {
        char path[128];
        snprintf(path, sizeof(path), "%s%s", at->db, *suffix);
        assert_int_equal(mode_of(path), 0600);
    }
    assert_ok(store_close(store, ERR));
    umask(mask);
    assert_int_equal(number(at->db, "PRAGMA application_id"), 0x636c7374);
    assert_int_equal(number(at->db, "PRAGMA user_version"), 2);
    assert_int_equal(number(at->db, "SELECT count(*) FROM pragma_foreign_key_check"),
                     0);
}

static void one_whole_file_is_left_after_closing(void **state)
{
    struct sample_folder *at = *state;
    char copy[128];

    sample_store(at->db, one_path, 1);
    assert_false(exists(at->db, "-wal"));
    assert_false(exists(at->db, "-shm"));
    assert_false(exists(at->db, "-journal"));
    snprintf(copy, sizeof(copy), "%s.copy", at->db);
    assert_int_equal(rename(at->db, copy), 0);
    assert_int_equal(number(copy, "SELECT count(*) FROM v_documents"), 1);
}

static void every_ordinary_table_is_strict(void **state)
{
    struct sample_folder *at = *state;

    sample_store(at->db, one_path, 1);
    assert_int_equal(number(at->db,
                            "SELECT count(*) FROM pragma_table_list WHERE type = "
                            "'table' AND schema = 'main' AND NOT strict AND "
                            "name NOT GLOB 'sqlite_*'"),
                     0);
    assert_true(number(at->db, "SELECT count(*) FROM pragma_table_list WHERE strict") >=
                13);
}

/* Who has only the file can read in it what each table is and how digests are taken. */
static void the_file_carries_the_comments_of_its_tables(void **state)
{
    struct sample_folder *at = *state;

    sample_store(at->db, one_path, 1);
    assert_int_equal(number(at->db,
                            "SELECT count(*) FROM sqlite_schema WHERE type = 'table' "
                            "AND name NOT GLOB 'chunk_search*' AND sql NOT LIKE "
                            "'%' || char(10) || '    -- %'"),
                     0);
    assert_int_equal(number(at->db,
                            "SELECT sql LIKE '%SHA-256(str(\"cloister event 1\")%' AND "
                            "sql LIKE '%\"cloister rows 1\"%' FROM sqlite_schema "
                            "WHERE name = 'event'"),
                     1);
}

static int open_elsewhere(const char *db, enum store_mode mode)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        struct store *store;
        int got = store_open(&store, db, mode, NULL);
        _exit(got == STORE_OK ? 0 : -got);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return -WEXITSTATUS(status);
}

static void a_second_run_is_refused_while_the_first_holds_the_file(void **state)
{
    struct sample_folder *at = *state;
    struct store_error err;
    struct store *store;

    assert_ok(store_open(&store, at->db, STORE_RUN, ERR));
    assert_int_equal(open_elsewhere(at->db, STORE_RUN), STORE_EBUSY);
    assert_int_equal(open_status(at->db, STORE_RUN, &err), STORE_EBUSY);
    assert_non_null(strstr(err.text, "another run"));
    assert_ok(store_close(store, ERR));
    assert_int_equal(open_elsewhere(at->db, STORE_RUN), STORE_OK);
}

static void a_reader_works_while_a_run_holds_the_file(void **state)
{
    struct sample_folder *at = *state;
    struct store_run run = sample_run();
    struct store *store;
    int64_t run_id;

    assert_ok(store_open(&store, at->db, STORE_RUN, ERR));
    assert_ok(store_run_begin(store, &run, &run_id, ERR));
    assert_int_equal(open_elsewhere(at->db, STORE_READ), STORE_OK);
    assert_ok(store_close(store, ERR));
}

/* Root may write anywhere, so the check drops its rights where it has them. */
static void a_closed_database_opens_in_a_folder_without_write_permission(void **state)
{
    struct sample_folder *at = *state;
    int status;
    pid_t child;

    sample_store(at->db, one_path, 1);
    assert_int_equal(chmod(at->db, 0444), 0);
    assert_int_equal(chmod(at->folder, 0555), 0);
    child = fork();
    if (child == 0) {
        struct store_audit audit;
        struct store *store;

        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(9);
        if (store_open(&store, at->db, STORE_READ, NULL) != STORE_OK)
            _exit(1);
        store_verify(store, &audit);
        store_close(store, NULL);
        _exit(audit.verdict == STORE_INTACT && access(at->folder, W_OK) != 0 ? 0 : 2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    chmod(at->folder, 0700);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_missing_file_is_missing_to_a_reader(void **state)
{
    struct sample_folder *at = *state;
    struct store_error err;

    assert_int_equal(open_status(at->db, STORE_READ, &err), STORE_EMISSING);
    assert_false(exists(at->db, ""));
}

static void put_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");

    assert_non_null(out);
    fputs(text, out);
    assert_int_equal(fclose(out), 0);
}

static void a_file_that_is_no_database_is_refused_and_kept(void **state)
{
    static const char letter[] =
        "Dear counsel, this is not a database. It is a letter, and it is long enough to "
        "be mistaken for the header of one by a careless program.";
    struct sample_folder *at = *state;
    struct store_error err;
    struct stat st;

    put_file(at->db, letter);
    assert_int_equal(open_status(at->db, STORE_READ, &err), STORE_ECORRUPT);
    assert_int_equal(open_status(at->db, STORE_RUN, &err), STORE_ECORRUPT);
    assert_int_equal(stat(at->db, &st), 0);
    assert_int_equal(st.st_size, strlen(letter));
}

static void anothers_database_is_refused_untouched(void **state)
{
    struct sample_folder *at = *state;
    struct store_error err;
    sqlite3 *handle;

    assert_int_equal(sqlite3_open(at->db, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, "CREATE TABLE theirs (a)", 0, 0, 0),
                     SQLITE_OK);
    sqlite3_close(handle);
    assert_int_equal(open_status(at->db, STORE_RUN, &err), STORE_ECORRUPT);
    assert_non_null(strstr(err.text, "application_id"));
    assert_int_equal(open_status(at->db, STORE_READ, &err), STORE_ECORRUPT);
    assert_int_equal(number(at->db, "SELECT count(*) FROM sqlite_schema"), 1);
    assert_int_equal(number(at->db, "SELECT journal_mode = 'delete' FROM "
                                    "pragma_journal_mode"),
                     1);
}

static void set_version(const char *db, int version)
{
    char sql[64];
    sqlite3 *handle;

    snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", version);
    assert_int_equal(sqlite3_open(db, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, sql, 0, 0, 0), SQLITE_OK);
    sqlite3_close(handle);
}

static void a_newer_version_is_refused_with_both_numbers(void **state)
{
    struct sample_folder *at = *state;
    struct store_error err;

    sample_store(at->db, one_path, 1);
    set_version(at->db, 3);
    assert_int_equal(open_status(at->db, STORE_READ, &err), STORE_EVERSION);
    assert_int_equal(open_status(at->db, STORE_RUN, &err), STORE_EVERSION);
    assert_non_null(strstr(err.text, "version 3"));
    assert_non_null(strstr(err.text, "up to 2"));
}

/* Its log vouches for other columns: neither read as if it were ours nor changed. */
static void an_older_version_is_refused_with_both_numbers_and_a_way_on(void **state)
{
    struct sample_folder *at = *state;
    struct store_error err;

    sample_store(at->db, one_path, 1);
    set_version(at->db, 1);
    for (int mode = STORE_READ; mode <= STORE_RUN; mode++) {
        assert_int_equal(open_status(at->db, (enum store_mode)mode, &err),
                         STORE_EVERSION);
        assert_non_null(strstr(err.text, "version 1 was written by an older"));
        assert_non_null(strstr(err.text, "version 2"));
        assert_non_null(strstr(err.text, "another file for new runs"));
    }
    assert_int_equal(number(at->db, "PRAGMA user_version"), 1);
}

static void a_version_that_was_never_written_is_refused(void **state)
{
    struct sample_folder *at = *state;
    struct store_error err;

    sample_store(at->db, one_path, 1);
    for (int version = -1; version <= 0; version++) {
        set_version(at->db, version);
        assert_int_equal(open_status(at->db, STORE_RUN, &err), STORE_ECORRUPT);
        assert_int_equal(open_status(at->db, STORE_READ, &err), STORE_ECORRUPT);
    }
}

/* What a process killed between making the file and making its tables leaves. */
static void an_empty_file_becomes_a_database(void **state)
{
    struct sample_folder *at = *state;
    struct store_error err;

    put_file(at->db, "");
    assert_int_equal(open_status(at->db, STORE_READ, &err), STORE_ECORRUPT);
    assert_int_equal(open_status(at->db, STORE_RUN, &err), STORE_OK);
    assert_int_equal(open_status(at->db, STORE_READ, &err), STORE_OK);
}

static void a_folder_is_not_a_database(void **state)
{
    struct sample_folder *at = *state;
    struct store_error err;

    assert_int_equal(open_status(at->folder, STORE_RUN, &err), STORE_EIO);
    assert_int_not_equal(open_status(at->folder, STORE_READ, &err), STORE_OK);
}

static void names_that_mean_something_to_sqlite_are_plain_files(void **state)
{
    static const char *const name[] = {":memory:", "file:x.db?mode=memory"};
    struct sample_folder *at = *state;
    struct store_error err;
    char before[4096];

    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(at->folder), 0);
    for (size_t i = 0; i < COUNT(name); i++) {
        assert_int_equal(open_status(name[i], STORE_RUN, &err), STORE_OK);
        assert_int_equal(access(name[i], F_OK), 0);
        assert_int_equal(unlink(name[i]), 0);
    }
    assert_int_equal(chdir(before), 0);
}

/* A trigger in a database from elsewhere must not do anything to our rows. */
static void a_planted_trigger_does_not_run(void **state)
{
    struct sample_folder *at = *state;
    struct sample_document document;
    struct store_run run = sample_run();
    struct store *store;
    sqlite3 *handle;
    int64_t run_id;

    sample_store(at->db, one_path, 1);
    assert_int_equal(sqlite3_open(at->db, &handle), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(handle,
                     "CREATE TRIGGER planted AFTER INSERT ON document BEGIN "
                     "DELETE FROM finding; END",
                     0, 0, 0),
        SQLITE_OK);
    sqlite3_close(handle);
    assert_ok(store_open(&store, at->db, STORE_RUN, ERR));
    assert_ok(store_run_begin(store, &run, &run_id, ERR));
    sample_document(&document, "b", "b");
    assert_ok(store_commit(store, run_id, &document.document, NULL, ERR));
    assert_ok(store_close(store, ERR));
    assert_int_equal(number(at->db, "SELECT count(*) FROM finding"), 4);
}

static void free_space_is_told_for_a_file_that_is_not_there_yet(void **state)
{
    struct sample_folder *at = *state;
    uint64_t bytes = 0;

    assert_ok(store_free_bytes(at->db, &bytes, ERR));
    assert_true(bytes > 0);
    assert_ok(store_free_bytes("just-a-name.db", &bytes, ERR));
    assert_ok(store_free_bytes("/at-the-root.db", &bytes, ERR));
    assert_int_equal(store_free_bytes("/no/such/folder/x.db", &bytes, NULL), STORE_EIO);
}

static void a_cut_off_file_is_refused_or_could_not_run(void **state)
{
    struct sample_folder *at = *state;
    struct store_audit audit;
    struct store *store;
    struct stat st;

    sample_store(at->db, one_path, 1);
    assert_int_equal(stat(at->db, &st), 0);
    for (off_t size = 4096; size < st.st_size; size += 4096 * 3) {
        char copy[128];
        int status;

        snprintf(copy, sizeof(copy), "%s.copy", at->db);
        sample_copy(at->db, copy);
        assert_int_equal(truncate(copy, size), 0);
        status = store_open(&store, copy, STORE_READ, NULL);
        if (status == STORE_OK) {
            store_verify(store, &audit);
            assert_int_equal(audit.verdict, STORE_COULD_NOT_RUN);
            store_close(store, NULL);
        } else {
            assert_int_equal(status, STORE_ECORRUPT);
        }
    }
}

/* A journal that must be rolled back lies beside the file, as after kill -9. */
static void a_reader_rolls_back_what_a_killed_writer_left(void **state)
{
    struct sample_folder *at = *state;
    char copy[128], journal[128], copied[160];
    sqlite3 *handle;

    sample_store(at->db, one_path, 1);
    snprintf(copy, sizeof(copy), "%s.copy", at->db);
    snprintf(journal, sizeof(journal), "%s-journal", at->db);
    snprintf(copied, sizeof(copied), "%s-journal", copy);
    assert_int_equal(sqlite3_open(at->db, &handle), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(handle,
                     "PRAGMA cache_size = 1; BEGIN; UPDATE chunk SET text = "
                     "hex(zeroblob(60000)); DELETE FROM event",
                     0, 0, 0),
        SQLITE_OK);
    sample_copy(at->db, copy);
    sample_copy(journal, copied);
    sqlite3_close(handle);
    for (int round = 0; round < 2; round++) {
        struct store_audit audit;
        struct store *store;

        assert_ok(store_open(&store, copy, STORE_READ, ERR));
        store_verify(store, &audit);
        assert_string_equal(audit.why, "");
        assert_int_equal(audit.events, 3);
        assert_ok(store_close(store, ERR));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sample_setup, sample_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_database_is_private_and_says_whose_it_is),
        TEST(one_whole_file_is_left_after_closing),
        TEST(every_ordinary_table_is_strict),
        TEST(the_file_carries_the_comments_of_its_tables),
        TEST(a_second_run_is_refused_while_the_first_holds_the_file),
        TEST(a_reader_works_while_a_run_holds_the_file),
        TEST(a_closed_database_opens_in_a_folder_without_write_permission),
        TEST(a_missing_file_is_missing_to_a_reader),
        TEST(a_file_that_is_no_database_is_refused_and_kept),
        TEST(anothers_database_is_refused_untouched),
        TEST(a_newer_version_is_refused_with_both_numbers),
        TEST(an_older_version_is_refused_with_both_numbers_and_a_way_on),
        TEST(a_version_that_was_never_written_is_refused),
        TEST(an_empty_file_becomes_a_database),
        TEST(a_folder_is_not_a_database),
        TEST(names_that_mean_something_to_sqlite_are_plain_files),
        TEST(a_planted_trigger_does_not_run),
        TEST(free_space_is_told_for_a_file_that_is_not_there_yet),
        TEST(a_reader_rolls_back_what_a_killed_writer_left),
        TEST(a_cut_off_file_is_refused_or_could_not_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
