/* A document is there whole, with its event, or not at all: on a full disk, after a
 * refusal, after kill -9 at any instant. */
#include "tests/store/sample.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

static int64_t number(const char *db, const char *sql)
{
    sqlite3 *handle;
    sqlite3_stmt *stmt;
    int64_t out;

    assert_int_equal(sqlite3_open_v2(db, &handle, SQLITE_OPEN_READONLY, NULL), 0);
    if (sqlite3_prepare_v2(handle, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(handle));
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    out = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(handle);
    return out;
}

static void assert_intact(const char *db)
{
    struct store_audit audit;
    struct store *store;

    assert_ok(store_open(&store, db, STORE_READ, ERR));
    store_verify(store, &audit);
    assert_string_equal(audit.why, "");
    assert_int_equal(audit.verdict, STORE_INTACT);
    assert_ok(store_close(store, ERR));
}

static struct store *begin(const char *db, int64_t *run_id)
{
    struct store_run run = sample_run();
    struct store *store;

    assert_ok(store_open(&store, db, STORE_RUN, ERR));
    assert_ok(store_run_begin(store, &run, run_id, ERR));
    return store;
}

/* ---- the shape that others read -------------------------------------------------- */

/* One row that is true when the view has these columns and these values. */
static const char *const views[] = {
    "SELECT document = 1 AND path = 'a' || char(0xfffd) AND path_hex = '61ff' AND "
    "length(sha256) = 64 AND media_type = 'application/pdf' AND pages = 2 AND outcome = "
    "'ok' AND reason = '' AND decision = 'file' AND extracted_bytes = 130 AND modified = "
    "'2023-11-14T22:13:20Z' AND policy = 'contracts' FROM v_documents",
    "SELECT document = 1 AND path = 'a' || char(0xfffd) AND label = 'license' AND "
    "probability = 0.625 AND undecided = 0 AND runner_up = 'distributor' AND answered_by "
    "= 'encoder' FROM v_results WHERE task = 'contract_type'",
    "SELECT document = 1 AND task = 'contract_type' AND section = 2 AND start = 4 AND "
    "end_section = 2 AND \"end\" = 10 AND text = 'na' || char(0xef) || 've' AND weight = "
    "0.5 FROM v_evidence WHERE section = 2",
    "SELECT document = 1 AND ordinal = 1 AND section = 1 AND start = 5 AND end_section = "
    "1 AND \"end\" = 22 AND text = 'License Agreement' AND kind = 'verbatim' FROM "
    "v_summaries WHERE ordinal = 1",
    "SELECT text = 'Someone na' || char(0xef) || 've pays.' AND source_text = 'na' || "
    "char(0xef) || 've' AND kind = 'written' AND section = 2 AND start = 4 AND \"end\" = "
    "10 FROM v_summaries WHERE ordinal = 2",
    "SELECT source_text = text FROM v_summaries WHERE kind = 'verbatim'",
    "SELECT document = 1 AND ordinal = 1 AND what = '777' AND text = 'They owe 777 "
    "dollars.' FROM v_dropped WHERE why = 'number'",
    "SELECT what = '' AND ordinal = 2 FROM v_dropped WHERE why = 'repeats'",
    "SELECT summary_reason = '1 of 3 written sentences stood' FROM v_documents",
    "SELECT answered_by = 'model' AND prior = '0123abcd' AND first_label = 'yes' AND "
    "first_probability = 0.375 FROM v_results WHERE task = 'signed'",
    "SELECT prior IS NULL AND first_label IS NULL AND first_probability IS NULL FROM "
    "v_results WHERE task = 'contract_type'",
    "SELECT document = 1 AND section = 2 AND start = 0 AND end_section = 2 AND \"end\" = "
    "length(CAST(text AS BLOB)) AND tokens = 13 FROM v_chunks WHERE chunk = 2",
    "SELECT event = 2 AND time GLOB '20*T*.???Z' AND document = 1 AND length(digest) = "
    "64 FROM v_events WHERE type = 'document'",
    "SELECT document = 1 AND section = 2 AND masked = '999-9999' AND text IS NULL FROM "
    "v_findings WHERE detector = 'telephone'",
    "SELECT masked IS NULL AND text = 'na' || char(0xef) || 've' FROM v_findings WHERE "
    "detector = 'royalty'",
    "SELECT document = 1 AND path = 'a' || char(0xfffd) AND why = 'undecided' AND task = "
    "'signed' AND label = 'no' AND probability = 0.5 FROM v_review_queue",
    "SELECT count(*) = 1 AND task = 'signed' AND label = 'no' AND probability = 0.5 AND "
    "reason = 'without it yes at 75.0 %' FROM v_review_queue WHERE why = 'commanding "
    "text'",
    "SELECT commanded AND plain_label = 'yes' AND plain_probability = 0.75 AND "
    "plain_undecided = 0 FROM v_results WHERE task = 'signed'",
    "SELECT commanded = 0 AND plain_label IS NULL AND plain_probability IS NULL AND "
    "plain_undecided IS NULL FROM v_results WHERE task = 'contract_type'",
    "SELECT current AND document = 1 FROM v_history",
    "SELECT run = 1 AND policy = 'contracts' AND why = 'complete' AND done = 1 FROM "
    "v_runs",
};

static void the_views_have_the_columns_and_values_that_are_promised(void **state)
{
    static const char *const path[] = {"a\xff"};
    struct sample_folder *at = *state;

    sample_store(at->db, path, 1);
    for (size_t i = 0; i < COUNT(views); i++)
        if (number(at->db, views[i]) != 1)
            fail_msg("not so: %s", views[i]);
}

static void the_queue_names_failures_and_decisions_once_each(void **state)
{
    struct sample_folder *at = *state;
    struct sample_document sample;
    int64_t run_id;
    struct store *store = begin(at->db, &run_id);

    sample_document(&sample, "a", "a");
    sample.document.task_count = 0;
    assert_ok(store_commit(store, run_id, &sample.document, NULL, ERR));
    sample.document.path = "b";
    sample.document.outcome = "no_text";
    sample.document.decision = "manual_review";
    assert_ok(store_commit(store, run_id, &sample.document, NULL, ERR));
    sample.document.path = "d";
    sample.document.outcome = "ok";
    sample.document.decision = "lawyer";
    assert_ok(store_commit(store, run_id, &sample.document, NULL, ERR));
    sample.document.path = "c";
    sample.document.outcome = "duplicate";
    sample.document.decision = "file";
    sample.document.duplicate_of = 1;
    assert_ok(store_commit(store, run_id, &sample.document, NULL, ERR));
    assert_ok(store_close(store, ERR));
    assert_int_equal(number(at->db, "SELECT count(*) FROM v_review_queue"), 3);
    assert_int_equal(number(at->db,
                            "SELECT count(*) FROM v_review_queue WHERE path = 'b' "
                            "AND why IN ('outcome: no_text', 'decision: "
                            "manual_review')"),
                     2);
}

/* Commanding text is a reason by itself, once a document, and with an answer that
 * nothing else is left to check by. */
static void the_queue_names_commanding_text(void **state)
{
    struct sample_folder *at = *state;
    struct sample_document sample;
    int64_t run_id;
    struct store *store = begin(at->db, &run_id);

    sample_document(&sample, "a", "a");
    sample.finding[0].detector = sample.finding[1].detector = "commanding_text";
    sample.task[1].plain_label = NULL;
    assert_ok(store_commit(store, run_id, &sample.document, NULL, ERR));
    assert_ok(store_close(store, ERR));
    assert_int_equal(number(at->db, "SELECT count(*) FROM v_review_queue WHERE why = "
                                    "'commanding text'"),
                     2);
    assert_int_equal(number(at->db, "SELECT count(*) FROM v_review_queue WHERE task IS "
                                    "NULL AND reason = '2 sentences try to instruct "
                                    "the reader'"),
                     1);
    assert_int_equal(number(at->db, "SELECT count(*) FROM v_review_queue WHERE task = "
                                    "'signed' AND reason = 'there is no other text'"),
                     1);
}

/* ---- refusals -------------------------------------------------------------------- */

static void break_chunk(struct sample_document *sample)
{
    sample->evidence[0].chunk = 3;
}
static void break_no_chunk(struct sample_document *sample)
{
    sample->evidence[1].chunk = 0;
}
static void break_end(struct sample_document *sample)
{
    sample->sentence[0].quote.bytes = (int64_t)sample->chunk[0].text_bytes - 4;
}
static void break_offset(struct sample_document *sample)
{
    sample->finding[1].quote.offset = -1;
}
static void break_overflow(struct sample_document *sample)
{
    sample->finding[1].quote.offset = INT64_MAX;
    sample->finding[1].quote.bytes = INT64_MAX;
}
static void break_section(struct sample_document *sample)
{
    sample->section[1].section = 7;
}
static void break_chunk_number(struct sample_document *sample)
{
    sample->chunk[1].chunk = 1;
}
static void break_number(struct sample_document *sample)
{
    sample->task[1].probability = nan("");
}
static void break_label(struct sample_document *sample)
{
    sample->score[2].label = NULL;
}
static void break_task(struct sample_document *sample)
{
    sample->task[1].task = "contract_type";
}
static void break_outcome(struct sample_document *sample)
{
    sample->document.outcome = "";
}
static void break_path(struct sample_document *sample)
{
    sample->document.path = "";
}
static void break_metadata(struct sample_document *sample)
{
    sample->document.metadata = "{title";
}
static void break_words(struct sample_document *sample)
{
    sample->sentence[0].written = "written, but called verbatim";
}
static void break_no_words(struct sample_document *sample)
{
    sample->sentence[1].written = NULL;
}
static void break_source(struct sample_document *sample)
{
    sample->sentence[1].quote.chunk = 3;
}
static void break_why(struct sample_document *sample)
{
    sample->dropped[1].why = "";
}
static void break_first(struct sample_document *sample)
{
    sample->task[1].first_probability = nan("");
}
static void break_duplicate(struct sample_document *sample)
{
    sample->document.duplicate_of = 99;
}

static void what_may_not_be_stored_leaves_nothing(void **state)
{
    static void (*const breaking[])(struct sample_document *) = {
        break_chunk,    break_no_chunk,  break_end,          break_offset,
        break_overflow, break_section,   break_chunk_number, break_number,
        break_label,    break_task,      break_outcome,      break_path,
        break_metadata, break_duplicate, break_words,        break_no_words,
        break_source,   break_why,       break_first};
    struct sample_folder *at = *state;
    int64_t run_id;
    struct store *store = begin(at->db, &run_id);
    struct sample_document sample;

    for (size_t i = 0; i < COUNT(breaking); i++) {
        struct store_error err = {0};
        sample_document(&sample, "a", "a");
        breaking[i](&sample);
        if (store_commit(store, run_id, &sample.document, NULL, &err) != STORE_EINVALID)
            fail_msg("refusal %zu: %d %s", i, err.status, err.text);
        assert_true(err.text[0] != '\0');
    }
    sample_document(&sample, "a", "a");
    assert_ok(store_commit(store, run_id, &sample.document, NULL, ERR));
    assert_ok(store_close(store, ERR));
    assert_int_equal(number(at->db, "SELECT count(*) FROM document"), 1);
    assert_int_equal(number(at->db, "SELECT count(*) FROM chunk"), 2);
    assert_int_equal(number(at->db, "SELECT count(*) FROM event"), 2);
    assert_intact(at->db);
}

/* A quote may end exactly where its chunk ends. */
static void a_quote_may_fill_its_chunk(void **state)
{
    struct sample_folder *at = *state;
    int64_t run_id;
    struct store *store = begin(at->db, &run_id);
    struct sample_document sample;

    sample_document(&sample, "a", "a");
    sample.sentence[0].quote.bytes = (int64_t)sample.chunk[0].text_bytes - 5;
    assert_ok(store_commit(store, run_id, &sample.document, NULL, ERR));
    assert_ok(store_close(store, ERR));
    assert_int_equal(
        number(at->db,
               "SELECT substr(c.text, 6) = s.text FROM v_summaries AS s, v_chunks AS c "
               "WHERE c.chunk = 1"),
        1);
}

/* A model's tokens may end in the middle of a letter. */
static void written_words_that_are_not_utf8_are_kept_readable(void **state)
{
    struct sample_folder *at = *state;
    int64_t run_id;
    struct store *store = begin(at->db, &run_id);
    struct sample_document sample;

    sample_document(&sample, "a", "a");
    sample.sentence[1].written = "na\xc3";
    sample.dropped[0].text = "\xff.";
    sample.dropped[0].what = "\xe2\x80";
    assert_ok(store_commit(store, run_id, &sample.document, NULL, ERR));
    assert_ok(store_close(store, ERR));
    assert_int_equal(number(at->db, "SELECT text = 'na' || char(0xfffd) FROM "
                                    "v_summaries WHERE kind = 'written'"),
                     1);
    assert_int_equal(number(at->db, "SELECT text = char(0xfffd) || '.' AND what GLOB "
                                    "char(0xfffd) || '*' FROM v_dropped WHERE ordinal "
                                    "= 1"),
                     1);
    assert_intact(at->db);
}

/* ---- a full disk ----------------------------------------------------------------- */

/* The limit on file size stands in for the disk; the kernel refuses the write. */
static int fill_disk(const char *db)
{
    struct rlimit limit = {2 << 20, 2 << 20};
    struct sample_document sample;
    struct store_error err = {0};
    struct store_run run = sample_run();
    struct store *store;
    int64_t run_id, id;
    int status = STORE_OK, committed = 0;

    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0 ||
        store_open(&store, db, STORE_RUN, NULL) != STORE_OK ||
        store_run_begin(store, &run, &run_id, NULL) != STORE_OK)
        return 255;
    for (int i = 0; i < 2000 && status == STORE_OK; i++) {
        char path[32];
        snprintf(path, sizeof(path), "%d.pdf", i);
        sample_document(&sample, path, path);
        status = store_commit(store, run_id, &sample.document, &id, &err);
        committed += status == STORE_OK;
    }
    if (status != STORE_EIO || !strstr(err.text, "c.db"))
        return 254;
    _exit(committed > 253 ? 253 : committed);
}

static void a_full_disk_is_told_and_keeps_what_was_acknowledged(void **state)
{
    struct sample_folder *at = *state;
    struct store *store;
    int64_t documents;
    int status;
    pid_t child = fork();

    if (child == 0)
        _exit(fill_disk(at->db));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_in_range(WEXITSTATUS(status), 5, 252);
    assert_ok(store_open(&store, at->db, STORE_RUN, ERR));
    assert_ok(store_close(store, ERR));
    documents = number(at->db, "SELECT count(*) FROM document");
    assert_int_equal(documents, WEXITSTATUS(status));
    assert_int_equal(number(at->db, "SELECT count(*) FROM event"), documents + 1);
    assert_intact(at->db);
}

/* ---- kill -9 --------------------------------------------------------------------- */

/* Commit without end; say each acknowledged document on the pipe. */
static void commit_until_killed(const char *db, int pipe_fd, int round)
{
    struct store_run run = sample_run();
    struct store *store;
    int64_t run_id, id;

    if (store_open(&store, db, STORE_RUN, NULL) != STORE_OK)
        _exit(1);
    if (store_run_begin(store, &run, &run_id, NULL) != STORE_OK)
        _exit(2);
    for (int i = 0;; i++) {
        struct sample_document sample;
        char path[48];
        snprintf(path, sizeof(path), "%d-%d.pdf", round, i);
        sample_document(&sample, path, path);
        if (store_commit(store, run_id, &sample.document, &id, NULL) != STORE_OK)
            _exit(3);
        if (write(pipe_fd, &id, sizeof(id)) != sizeof(id))
            _exit(4);
    }
}

/* The last document acknowledged before the kill, or before when there was none. In
 * every other round the time runs from the first one, whatever the machine's speed. */
static int64_t kill_after(const char *db, long microseconds, int round, int64_t before)
{
    struct timespec nap = {0, microseconds * 1000};
    int64_t id, last = before;
    int ends[2], status;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        close(ends[0]);
        commit_until_killed(db, ends[1], round);
    }
    close(ends[1]);
    if (round % 2 == 0)
        assert_int_equal(read(ends[0], &last, sizeof(last)), sizeof(last));
    nanosleep(&nap, NULL);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status))
        fail_msg("round %d: the child ended by itself with %d", round,
                 WEXITSTATUS(status));
    while (read(ends[0], &id, sizeof(id)) == sizeof(id))
        last = id;
    close(ends[0]);
    return last;
}

static void kill_at_any_instant_loses_nothing_acknowledged(void **state)
{
    struct sample_folder *at = *state;
    int64_t last = 0;
    unsigned random = 20240611;
    struct store *store;

    for (int round = 0; round < 20; round++) {
        int64_t documents;

        random = random * 1103515245u + 12345u;
        last = kill_after(at->db, 1000 + (long)(random >> 8) % 60000, round, last);
        if (last > 0)
            assert_intact(at->db); /* a reader copes with what the kill left */
        assert_ok(store_open(&store, at->db, STORE_RUN, ERR));
        assert_ok(store_close(store, ERR));
        documents = number(at->db, "SELECT count(*) FROM document");
        assert_in_range(documents, last, last + 1);
        assert_intact(at->db);
        last = documents;
    }
    assert_true(last >= 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sample_setup, sample_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_views_have_the_columns_and_values_that_are_promised),
        TEST(the_queue_names_failures_and_decisions_once_each),
        TEST(the_queue_names_commanding_text),
        TEST(what_may_not_be_stored_leaves_nothing),
        TEST(a_quote_may_fill_its_chunk),
        TEST(written_words_that_are_not_utf8_are_kept_readable),
        TEST(a_full_disk_is_told_and_keeps_what_was_acknowledged),
        TEST(kill_at_any_instant_loses_nothing_acknowledged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
