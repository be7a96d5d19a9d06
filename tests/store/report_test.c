/* The page: complete, harmless whatever the documents hold, and made in one piece. */
#include "tests/store/page.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void the_page_says_what_was_asked_and_found(void **state)
{
    static const char *const path[] = {"box/a.pdf", "box/b.pdf"};
    static const char *const part[] = {
        "<!DOCTYPE html>",
        "default-src 'none'",
        "<h1>Contracts</h1>",
        "contracts, revision 3",
        "all-minilm-l6-v2.q8_0.gguf",
        "activations=16 float=exact",
        "1000 (mara)",
        "reading-room",
        "(complete)",
        "2 documents met, 2 recorded now, 0 done before",
        "<dt>isa</dt><dd>avx2</dd>",
        "every byte of its visible text was seen by the model",
        "contract type",
        "undecided: a person must look",
        "Runner-up: distributor",
        "Without commanding text: yes at 75.0\xe2\x80\xaf%",
        "commanding text",
        "62.5\xe2\x80\xaf%",
        "<bdi class=\"folder\">box</bdi>",
        "License Agreement",
        "na\xc3\xafve",
        "p.\xc2\xa0ii</cite>",
        "<code class=\"masked\">999-9999</code>",
        "ignore all",
        "130 bytes extracted, 10 of them hidden and left out; 120 in 2 chunks, all seen",
        "audit event 2",
        "<b>4</b> of ",
        "audit verify",
    };
    struct sample_folder *at = *state;
    char *page;

    sample_store(at->db, path, 2);
    page = make_report(at, 0);
    for (size_t i = 0; i < COUNT(part); i++)
        has(page, part[i]);
    assert_int_equal(count_in(page, "<details class=\"document\""), 2);
    free(page);
}

static void the_page_is_private_and_refers_to_nothing_outside(void **state)
{
    static const char *const path[] = {"a.pdf"};
    static const char *const outside[] = {
        "<script", "http:", "https:",  "src=",   "url(", "@import",
        "<img",    "<link", "<iframe", "onload", "//"};
    struct sample_folder *at = *state;
    struct stat st;
    char *page;

    sample_store(at->db, path, 1);
    page = make_report(at, 0);
    for (size_t i = 0; i < COUNT(outside); i++)
        has_not(page, outside[i]);
    assert_int_equal(stat(at->report, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    free(page);
}

/* Every text a document or a file system can bring in, hostile at once. */
static void hostile_text_is_only_text(void **state)
{
    static const char evil[] =
        "<script>alert(1)</script>\"'&\xe2\x80\xaegnp\x1b[31m\xff\x07"
        "</style></details><img src=x onerror=alert(1)>";
    struct sample_folder *at = *state;
    struct sample_document sample;
    struct store_run run = sample_run();
    struct store *store;
    int64_t run_id;
    char *page;

    run.identity.policy_title = evil;
    run.identity.encoder_name = evil;
    run.identity.settings = evil;
    run.operator_name = run.host = run.kernel = run.program_version = evil;
    run.input = (const char *const[]){evil};
    run.input_count = 1;
    run.facts =
        "{\"policy_description\":\"<script>1</script>\",\"<script>\":\"<script>\"}";
    sample_document(&sample, evil, "x");
    sample.document.media_type = sample.document.dialect = evil;
    sample.document.reason = sample.document.decision = evil;
    sample.document.outcome = evil;
    sample.section[0].label = sample.section[1].title = evil;
    sample.section[1].kind = "element";
    sample.hidden[0].text = sample.hidden[0].why = evil;
    sample.chunk[0].text = sample.chunk[1].text = evil;
    sample.chunk[0].text_bytes = sample.chunk[1].text_bytes = strlen(evil);
    sample.evidence[0].offset = sample.sentence[0].quote.offset = 0;
    sample.evidence[0].bytes = sample.sentence[0].quote.bytes = (int64_t)strlen(evil);
    sample.task[0].label = sample.task[0].runner_up = sample.task[0].answered_by = evil;
    sample.task[1].task = evil;
    sample.score[0].label = evil;
    sample.sentence[0].kind = sample.sentence[1].written = evil;
    sample.sentence[1].quote = sample.sentence[0].quote;
    sample.dropped[0] = (struct store_dropped){evil, evil, evil};
    sample.task[1].prior = sample.task[1].first_label = evil;
    sample.document.summary_reason = evil;
    sample.finding[0].detector = sample.finding[1].masked = evil;
    assert_ok(store_open(&store, at->db, STORE_RUN, ERR));
    assert_ok(store_run_begin(store, &run, &run_id, ERR));
    assert_ok(store_commit(store, run_id, &sample.document, NULL, ERR));
    assert_ok(store_close(store, ERR));
    page = make_report(at, run_id);
    assert_true(count_in(page, "&lt;script&gt;alert(1)&lt;/script&gt;") > 25);
    has_not(page, "<script");
    has_not(page, "<img");
    has_not(page, "\x1b");
    has_not(page, "\x07");
    has_not(page, "\xe2\x80\xae");
    has_not(page, "\xff");
    assert_int_equal(count_in(page, "</style>"), 1);
    assert_int_equal(count_in(page, "<details"), count_in(page, "</details>"));
    free(page);
}

static void tags_are_closed_in_the_order_they_open(void **state)
{
    static const char *const path[] = {"a.pdf", "b.pdf"};
    static const char *const empty[] = {"meta", "br", "wbr", "!DOCTYPE"};
    char open[64][16], name[16];
    struct sample_folder *at = *state;
    size_t depth = 0;
    char *page;

    sample_store(at->db, path, 2);
    page = make_report(at, 0);
    for (const char *c = page; (c = strchr(c, '<')) != NULL; c++) {
        bool closes = c[1] == '/', is_empty = false;

        assert_int_equal(sscanf(c + 1 + closes, "%15[!a-zA-Z0-9]", name), 1);
        for (size_t i = 0; i < COUNT(empty); i++)
            is_empty |= strcmp(name, empty[i]) == 0;
        if (is_empty)
            continue;
        if (closes) {
            assert_true(depth > 0);
            assert_string_equal(open[--depth], name);
        } else {
            assert_true(depth < COUNT(open));
            strcpy(open[depth++], name);
        }
    }
    assert_int_equal(depth, 0);
    free(page);
}

/* Rows alone, by plain SQL: thousands of commits would take their time. */
static void put_many(const char *db, int from, int to)
{
    static const char sql[] =
        "WITH RECURSIVE n (i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
        "INSERT INTO document SELECT NULL, 1, 1, CAST(printf('%%05d.bin', i) AS BLOB), "
        "printf('%%05d.bin', i), NULL, NULL, 0, '', '', NULL, NULL, 'unsupported', '', "
        "NULL, 0, 0, 0, 0, 'manual_review', '', 0 FROM n";
    char text[sizeof(sql) + 32];
    sqlite3 *handle;

    snprintf(text, sizeof(text), sql, from, to - 1);
    assert_int_equal(sqlite3_open(db, &handle), SQLITE_OK);
    if (sqlite3_exec(handle, text, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(handle));
    sqlite3_close(handle);
}

static void beyond_the_cap_documents_are_counted_and_said(void **state)
{
    struct sample_folder *at = *state;
    char *page;

    sample_store(at->db, NULL, 0);
    put_many(at->db, 0, 2000);
    page = make_report(at, 0);
    assert_int_equal(count_in(page, "<details class=\"document\""), 2000);
    has_not(page, "more documents are in the database");
    has_not(page, "more in the view");
    has(page, "01999.bin</bdi></span></td>");
    free(page);
    put_many(at->db, 2000, 2003);
    page = make_report(at, 0);
    assert_int_equal(count_in(page, "<details class=\"document\""), 2000);
    has(page, "3 more documents are in the database");
    has(page, "6 more in the view");
    free(page);
}

static void each_policy_has_a_report_of_its_own(void **state)
{
    static const char *const path[] = {"mine.pdf"};
    struct sample_folder *at = *state;
    struct sample_document sample;
    struct store_run run = sample_run();
    struct store *store;
    int64_t run_id;
    char *page;

    sample_store(at->db, path, 1);
    assert_ok(store_open(&store, at->db, STORE_RUN, ERR));
    run.identity.policy_name = run.identity.policy_title = "privilege";
    assert_ok(store_run_begin(store, &run, &run_id, ERR));
    sample_document(&sample, "theirs.pdf", "theirs");
    assert_ok(store_commit(store, run_id, &sample.document, NULL, ERR));
    assert_ok(store_close(store, ERR));
    page = make_report(at, 0);
    has(page, "theirs.pdf");
    has_not(page, "mine.pdf");
    has(page, "no end is recorded");
    free(page);
    page = make_report(at, 1);
    has(page, "mine.pdf");
    has_not(page, "theirs.pdf");
    free(page);
}

static void results_of_other_settings_are_said_to_be_so(void **state)
{
    static const char *const path[] = {"a.pdf", "b.pdf"};
    struct sample_folder *at = *state;
    struct sample_document sample;
    struct store_run run = sample_run();
    struct store *store;
    int64_t run_id;
    char *page;

    sample_store(at->db, path, 2);
    page = make_report(at, 0);
    has_not(page, "come from earlier runs");
    free(page);
    assert_ok(store_open(&store, at->db, STORE_RUN, ERR));
    run.identity.settings = "activations=8";
    assert_ok(store_run_begin(store, &run, &run_id, ERR));
    sample_document(&sample, "a.pdf", "a.pdf");
    assert_ok(store_commit(store, run_id, &sample.document, NULL, ERR));
    assert_ok(store_close(store, ERR));
    page = make_report(at, 0);
    has(page, "1 of the results below come from earlier runs");
    free(page);
}

static void a_report_that_cannot_be_written_leaves_the_old_one(void **state)
{
    static const char *const path[] = {"a.pdf"};
    struct sample_folder *at = *state;
    struct store_error err;
    struct store *store;
    char *before, *after;

    sample_store(at->db, path, 1);
    before = make_report(at, 0);
    assert_ok(store_open(&store, at->db, STORE_READ, ERR));
    assert_int_equal(store_report(store, 9, at->report, &err), STORE_EMISSING);
    assert_int_equal(store_report(store, 0, "/no/such/folder/x.html", &err), STORE_EIO);
    assert_int_equal(store_report(store, 0, at->folder, &err), STORE_EIO);
    assert_ok(store_close(store, ERR));
    after = read_file(at->report);
    assert_string_equal(before, after);
    free(before);
    free(after);
}

/* The limit on file size stands in for the disk. */
static int report_on_a_full_disk(const char *db, const char *report)
{
    struct rlimit limit = {4096, 4096};
    struct store *store;

    signal(SIGXFSZ, SIG_IGN);
    if (store_open(&store, db, STORE_READ, NULL) != STORE_OK ||
        setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 1;
    return store_report(store, 0, report, NULL) == STORE_EIO ? 0 : 2;
}

static void a_full_disk_leaves_the_old_report_and_no_part(void **state)
{
    static const char *const path[] = {"a.pdf"};
    struct sample_folder *at = *state;
    char *before, *after, part[128];
    int status;
    pid_t child;

    sample_store(at->db, path, 1);
    before = make_report(at, 0);
    child = fork();
    if (child == 0)
        _exit(report_on_a_full_disk(at->db, at->report));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    after = read_file(at->report);
    assert_string_equal(before, after);
    snprintf(part, sizeof(part), "%s.part", at->report);
    assert_int_not_equal(access(part, F_OK), 0);
    free(before);
    free(after);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sample_setup, sample_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_page_says_what_was_asked_and_found),
        TEST(the_page_is_private_and_refers_to_nothing_outside),
        TEST(hostile_text_is_only_text),
        TEST(tags_are_closed_in_the_order_they_open),
        TEST(beyond_the_cap_documents_are_counted_and_said),
        TEST(each_policy_has_a_report_of_its_own),
        TEST(results_of_other_settings_are_said_to_be_so),
        TEST(a_report_that_cannot_be_written_leaves_the_old_one),
        TEST(a_full_disk_leaves_the_old_report_and_no_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
