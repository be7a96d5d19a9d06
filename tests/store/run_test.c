/* Runs, their identity, and what counts as done. */
#include "tests/store/sample.h"

struct bench {
    struct store *store;
    int64_t run;
};

static struct bench start(const char *db, const struct store_run *run)
{
    struct bench bench;

    assert_ok(store_open(&bench.store, db, STORE_RUN, ERR));
    assert_ok(store_run_begin(bench.store, run, &bench.run, ERR));
    return bench;
}

static int64_t commit(struct bench *bench, const char *path, const char *word,
                      const char *outcome)
{
    struct sample_document sample;
    int64_t id = 0;

    sample_document(&sample, path, word);
    sample.document.outcome = outcome;
    assert_ok(store_commit(bench->store, bench->run, &sample.document, &id, ERR));
    return id;
}

static struct store_found find(struct bench *bench, const char *path, const char *word)
{
    struct store_digest digest;
    struct store_found found;

    store_digest_of(word, strlen(word), &digest);
    assert_ok(store_find(bench->store, bench->run, path, &digest, &found, ERR));
    return found;
}

static void what_is_done_is_found_again_by_the_next_run(void **state)
{
    struct sample_folder *at = *state;
    struct store_run run = sample_run();
    struct bench bench = start(at->db, &run);
    struct store_found found;
    int64_t id;

    assert_int_equal(find(&bench, "a", "x").kind, STORE_FOUND_NOTHING);
    id = commit(&bench, "a", "x", "ok");
    assert_ok(store_close(bench.store, ERR));
    bench = start(at->db, &run);
    found = find(&bench, "a", "x");
    assert_int_equal(found.kind, STORE_FOUND_HERE);
    assert_int_equal(found.document, id);
    assert_string_equal(found.outcome, "ok");
    assert_string_equal(found.decision, "file");
    assert_true(found.undecided);
    assert_int_equal(find(&bench, "a", "y").kind, STORE_FOUND_NOTHING);
    assert_ok(store_close(bench.store, ERR));
}

static void names_titles_and_facts_decide_nothing(void **state)
{
    struct sample_folder *at = *state;
    struct store_run run = sample_run();
    struct bench bench = start(at->db, &run);

    commit(&bench, "a", "x", "ok");
    run.identity.policy_title = "Another title";
    run.identity.encoder_name = "renamed.gguf";
    run.program_version = "9.9";
    run.facts = NULL;
    run.host = "elsewhere";
    assert_ok(store_run_begin(bench.store, &run, &bench.run, ERR));
    assert_int_equal(find(&bench, "a", "x").kind, STORE_FOUND_HERE);
    assert_ok(store_close(bench.store, ERR));
}

static void change_policy(struct store_identity *identity)
{
    identity->policy.byte[31] ^= 1;
}
static void change_name(struct store_identity *identity)
{
    identity->policy_name = "contracts2";
}
static void change_encoder(struct store_identity *identity)
{
    identity->encoder.byte[0] ^= 1;
}
static void drop_encoder(struct store_identity *identity)
{
    identity->encoder_name = NULL;
}
static void add_model(struct store_identity *identity)
{
    identity->model_name = "m.gguf";
}
static void change_arithmetic(struct store_identity *identity)
{
    identity->arithmetic_version++;
}
static void change_settings(struct store_identity *identity)
{
    identity->settings = "activations=8 float=exact";
}

static void each_part_of_the_identity_decides(void **state)
{
    static void (*const change[])(struct store_identity *) = {
        change_policy, change_name,       change_encoder, drop_encoder,
        add_model,     change_arithmetic, change_settings};
    struct sample_folder *at = *state;
    struct store_run run = sample_run();
    struct bench bench = start(at->db, &run);

    commit(&bench, "a", "x", "ok");
    for (size_t i = 0; i < COUNT(change); i++) {
        struct store_run other = sample_run();

        change[i](&other.identity);
        assert_ok(store_run_begin(bench.store, &other, &bench.run, ERR));
        assert_int_equal(find(&bench, "a", "x").kind, STORE_FOUND_NOTHING);
        assert_int_equal(find(&bench, "b", "x").kind, STORE_FOUND_NOTHING);
    }
    assert_ok(store_close(bench.store, ERR));
}

static void only_the_newest_row_of_a_path_counts_as_done(void **state)
{
    struct sample_folder *at = *state;
    struct store_run run = sample_run();
    struct bench bench = start(at->db, &run);

    commit(&bench, "a", "old", "ok");
    commit(&bench, "a", "new", "ok");
    assert_int_equal(find(&bench, "a", "new").kind, STORE_FOUND_HERE);
    assert_int_equal(find(&bench, "a", "old").kind, STORE_FOUND_NOTHING);
    assert_ok(store_close(bench.store, ERR));
}

static void another_policy_on_the_same_path_does_not_hide_what_is_done(void **state)
{
    struct sample_folder *at = *state;
    struct store_run run = sample_run(), other = sample_run();
    struct bench bench = start(at->db, &run), second = bench;

    commit(&bench, "a", "x", "ok");
    other.identity.policy_name = "privilege";
    assert_ok(store_run_begin(bench.store, &other, &second.run, ERR));
    commit(&second, "a", "x", "ok");
    assert_int_equal(find(&bench, "a", "x").document, 1);
    assert_int_equal(find(&second, "a", "x").document, 2);
    assert_ok(store_close(bench.store, ERR));
}

static void the_same_bytes_elsewhere_are_found_but_never_a_duplicate(void **state)
{
    struct sample_folder *at = *state;
    struct store_run run = sample_run();
    struct bench bench = start(at->db, &run);
    struct store_found found;
    int64_t first = commit(&bench, "first.pdf", "x", "ok");

    commit(&bench, "second.pdf", "x", "duplicate");
    found = find(&bench, "third.pdf", "x");
    assert_int_equal(found.kind, STORE_FOUND_ELSEWHERE);
    assert_int_equal(found.document, first);
    assert_string_equal(found.path, "first.pdf");
    assert_int_equal(find(&bench, "second.pdf", "x").kind, STORE_FOUND_HERE);
    assert_ok(store_close(bench.store, ERR));
}

static void a_copy_is_done_as_long_as_its_original_is_the_newest(void **state)
{
    struct sample_folder *at = *state;
    struct store_run run = sample_run();
    struct bench bench = start(at->db, &run);
    struct sample_document copy;
    struct store_found found;
    int64_t again;

    sample_document(&copy, "b", "x");
    copy.document.outcome = "duplicate";
    copy.document.duplicate_of = commit(&bench, "a", "x", "timeout");
    assert_ok(store_commit(bench.store, bench.run, &copy.document, NULL, ERR));
    found = find(&bench, "b", "x");
    assert_int_equal(found.kind, STORE_FOUND_HERE);
    assert_string_equal(found.outcome, "duplicate");
    assert_string_equal(found.carried, "timeout");
    assert_int_equal(found.run, bench.run);
    commit(&bench, "a", "y", "ok"); /* other bytes at the original's path */
    assert_int_equal(find(&bench, "b", "x").kind, STORE_FOUND_NOTHING);
    again = commit(&bench, "a", "x", "ok");
    found = find(&bench, "b", "x");
    assert_int_equal(found.kind, STORE_FOUND_ELSEWHERE);
    assert_int_equal(found.document, again);
    assert_ok(store_close(bench.store, ERR));
}

static void a_long_path_elsewhere_is_cut_to_fit(void **state)
{
    struct sample_folder *at = *state;
    struct store_run run = sample_run();
    struct bench bench = start(at->db, &run);
    char path[sizeof(((struct store_found *)NULL)->path) + 100];

    memset(path, 'p', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    commit(&bench, path, "x", "ok");
    assert_int_equal(strlen(find(&bench, "b", "x").path), sizeof(path) - 101);
    assert_ok(store_close(bench.store, ERR));
}

static void an_unreadable_file_is_done_when_it_was_unreadable_before(void **state)
{
    struct sample_folder *at = *state;
    struct store_run run = sample_run();
    struct bench bench = start(at->db, &run);
    struct sample_document sample;
    struct store_found found;

    assert_ok(store_find(bench.store, bench.run, "a", NULL, &found, ERR));
    assert_int_equal(found.kind, STORE_FOUND_NOTHING);
    sample_document(&sample, "a", "x");
    sample.document = (struct store_document){.path = "a",
                                              .bytes = -1,
                                              .pages = -1,
                                              .outcome = "unreadable",
                                              .reason = "Permission denied"};
    assert_ok(store_commit(bench.store, bench.run, &sample.document, NULL, ERR));
    assert_ok(store_find(bench.store, bench.run, "a", NULL, &found, ERR));
    assert_int_equal(found.kind, STORE_FOUND_HERE);
    assert_string_equal(found.outcome, "unreadable");
    assert_int_equal(find(&bench, "a", "x").kind, STORE_FOUND_NOTHING);
    assert_ok(store_find(bench.store, bench.run, "b", NULL, &found, ERR));
    assert_int_equal(found.kind, STORE_FOUND_NOTHING);
    assert_ok(store_close(bench.store, ERR));
}

static void a_run_that_is_not_there_is_missing(void **state)
{
    struct sample_folder *at = *state;
    struct store_run run = sample_run();
    struct bench bench = start(at->db, &run);
    struct store_run_end end = {.why = "complete"};
    struct sample_document sample;
    struct store_found found;

    sample_document(&sample, "a", "x");
    assert_int_equal(store_find(bench.store, 7, "a", NULL, &found, NULL),
                     STORE_EMISSING);
    assert_int_equal(store_run_end(bench.store, 7, &end, NULL), STORE_EMISSING);
    assert_int_equal(store_commit(bench.store, 7, &sample.document, NULL, NULL),
                     STORE_EMISSING);
    assert_ok(store_close(bench.store, ERR));
}

static void the_newest_run_of_an_identity_is_told(void **state)
{
    struct sample_folder *at = *state;
    struct store_run run = sample_run();
    struct bench bench = start(at->db, &run);
    struct store_found found;
    int64_t like = 7;

    assert_ok(store_run_begin(bench.store, &run, &bench.run, ERR));
    assert_ok(store_run_like(bench.store, &run.identity, &like, ERR));
    assert_int_equal(like, 2);
    run.identity.arithmetic_version++;
    assert_ok(store_run_like(bench.store, &run.identity, &like, ERR));
    assert_int_equal(like, 0);
    commit(&bench, "a", "x", "ok");
    assert_ok(store_find(bench.store, 0, "a", NULL, &found, ERR));
    assert_int_equal(found.kind, STORE_FOUND_NOTHING);
    assert_ok(store_close(bench.store, ERR));
}

static void a_run_ends_once(void **state)
{
    struct sample_folder *at = *state;
    struct store_run run = sample_run();
    struct bench bench = start(at->db, &run);
    struct store_run_end end = {.why = "complete"};

    assert_ok(store_run_end(bench.store, bench.run, &end, ERR));
    assert_int_equal(store_run_end(bench.store, bench.run, &end, NULL), STORE_EINVALID);
    assert_ok(store_close(bench.store, ERR));
}

static void facts_that_are_no_json_object_are_refused(void **state)
{
    static const char *const facts[] = {"", "{", "[1]", "7", "{\"a\":}"};
    struct sample_folder *at = *state;
    struct store_run run = sample_run();
    struct store *store;
    int64_t run_id;

    assert_ok(store_open(&store, at->db, STORE_RUN, ERR));
    for (size_t i = 0; i < COUNT(facts); i++) {
        run.facts = facts[i];
        assert_int_equal(store_run_begin(store, &run, &run_id, NULL), STORE_EINVALID);
    }
    assert_ok(store_close(store, ERR));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sample_setup, sample_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_done_is_found_again_by_the_next_run),
        TEST(names_titles_and_facts_decide_nothing),
        TEST(each_part_of_the_identity_decides),
        TEST(only_the_newest_row_of_a_path_counts_as_done),
        TEST(another_policy_on_the_same_path_does_not_hide_what_is_done),
        TEST(the_same_bytes_elsewhere_are_found_but_never_a_duplicate),
        TEST(a_copy_is_done_as_long_as_its_original_is_the_newest),
        TEST(a_long_path_elsewhere_is_cut_to_fit),
        TEST(an_unreadable_file_is_done_when_it_was_unreadable_before),
        TEST(a_run_that_is_not_there_is_missing),
        TEST(the_newest_run_of_an_identity_is_told),
        TEST(a_run_ends_once),
        TEST(facts_that_are_no_json_object_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
