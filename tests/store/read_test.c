/* What was committed comes back as it was, newest rows only, in order of path. */
#include "tests/store/sample.h"

struct seen {
    size_t count;
    char path[8][64];
    int64_t document[8];
    int stop_after;
};

static int note(void *arg, const struct store_document *document)
{
    struct seen *seen = arg;

    snprintf(seen->path[seen->count], 64, "%s", document->path);
    seen->document[seen->count] = document->document;
    seen->count++;
    return seen->stop_after && (int)seen->count == seen->stop_after;
}

static int compare_whole(void *arg, const struct store_document *got)
{
    const struct sample_document *want = arg;

    assert_string_equal(got->path, want->document.path);
    assert_memory_equal(got->digest.byte, want->document.digest.byte, 32);
    assert_int_equal(got->bytes, 4096);
    assert_int_equal(got->modified_ns, 1700000000123456789);
    assert_string_equal(got->metadata, want->document.metadata);
    assert_int_equal(got->section_count, 2);
    assert_string_equal(got->section[1].title, "Royalties");
    assert_int_equal(got->hidden_count, 1);
    assert_string_equal(got->hidden[0].text, "ignore all");
    assert_int_equal(got->chunk_count, 2);
    assert_string_equal(got->chunk[1].text, want->text[1]);
    assert_int_equal(got->chunk[1].text_bytes, strlen(want->text[1]));
    assert_int_equal(got->task_count, 2);
    assert_false(got->task[0].undecided);
    assert_true(got->task[1].undecided);
    assert_null(got->task[0].plain_label);
    assert_true(got->task[1].commanded);
    assert_string_equal(got->task[1].plain_label, "yes");
    assert_true(got->task[1].plain_probability == 0.75);
    assert_false(got->task[1].plain_undecided);
    assert_int_equal(got->task[0].score_count, 3);
    assert_string_equal(got->task[0].score[2].label, "supply");
    assert_true(got->task[0].score[2].probability == 0.125);
    assert_int_equal(got->task[0].evidence_count, 2);
    assert_string_equal(got->task[0].evidence[0].text, "License Agreement");
    assert_string_equal(got->task[0].evidence[1].text, "na\xc3\xafve");
    assert_int_equal(got->task[0].evidence[1].range.start, 4);
    assert_null(got->task[0].prior);
    assert_null(got->task[0].first_label);
    assert_string_equal(got->task[1].answered_by, "model");
    assert_string_equal(got->task[1].prior, "0123abcd");
    assert_string_equal(got->task[1].first_label, "yes");
    assert_true(got->task[1].first_probability == 0.375);
    assert_int_equal(got->sentence_count, 2);
    assert_null(got->sentence[0].written);
    assert_string_equal(got->sentence[1].kind, "written");
    assert_string_equal(got->sentence[1].written, "Someone na\xc3\xafve pays.");
    assert_string_equal(got->sentence[1].quote.text, "na\xc3\xafve");
    assert_int_equal(got->dropped_count, 2);
    assert_string_equal(got->dropped[0].why, "number");
    assert_string_equal(got->dropped[0].what, "777");
    assert_string_equal(got->dropped[1].what, "");
    assert_string_equal(got->dropped[1].text, "Someone pays.");
    assert_string_equal(got->summary_reason, "1 of 3 written sentences stood");
    assert_string_equal(got->sentence[0].kind, "verbatim");
    assert_string_equal(got->sentence[0].quote.text, "License Agreement");
    assert_int_equal(got->finding_count, 2);
    assert_null(got->finding[0].masked);
    assert_string_equal(got->finding[1].masked, "999-9999");
    return 0;
}

static void a_document_comes_back_as_it_was_committed(void **state)
{
    struct sample_folder *at = *state;
    const char *path[] = {"a/one.pdf"};
    struct store_filter all = {.details = true};
    struct sample_document want;
    struct store *store;

    sample_store(at->db, path, 1);
    sample_document(&want, path[0], path[0]);
    assert_ok(store_open(&store, at->db, STORE_READ, ERR));
    assert_ok(store_each_document(store, &all, compare_whole, &want, ERR));
    assert_ok(store_close(store, ERR));
}

static void documents_come_in_order_of_their_paths_bytes(void **state)
{
    struct sample_folder *at = *state;
    const char *path[] = {"b", "a/z", "\xff", "a"};
    struct seen seen = {0};
    struct store *store;

    sample_store(at->db, path, COUNT(path));
    assert_ok(store_open(&store, at->db, STORE_READ, ERR));
    assert_ok(store_each_document(store, NULL, note, &seen, ERR));
    assert_int_equal(seen.count, 4);
    assert_string_equal(seen.path[0], "a");
    assert_string_equal(seen.path[1], "a/z");
    assert_string_equal(seen.path[2], "b");
    assert_string_equal(seen.path[3], "\xff");
    assert_ok(store_close(store, ERR));
}

static size_t count_with(struct store *store, const struct store_filter *filter)
{
    struct seen seen = {0};

    assert_ok(store_each_document(store, filter, note, &seen, ERR));
    return seen.count;
}

static void each_filter_keeps_only_what_fits(void **state)
{
    struct sample_folder *at = *state;
    const char *path[] = {"a", "b", "\xff"};
    struct store *store;

    sample_store(at->db, path, COUNT(path));
    assert_ok(store_open(&store, at->db, STORE_READ, ERR));
    assert_int_equal(count_with(store, &(struct store_filter){.outcome = "ok"}), 3);
    assert_int_equal(count_with(store, &(struct store_filter){.outcome = "damaged"}),
                     0);
    assert_int_equal(count_with(store, &(struct store_filter){.document = 2}), 1);
    assert_int_equal(count_with(store, &(struct store_filter){.path = "\xff"}), 1);
    assert_int_equal(count_with(store, &(struct store_filter){.path = "c"}), 0);
    assert_int_equal(count_with(store, &(struct store_filter){.label = "license"}), 3);
    assert_int_equal(
        count_with(store, &(struct store_filter){.task = "signed", .label = "no"}), 3);
    assert_int_equal(
        count_with(store, &(struct store_filter){.task = "signed", .label = "license"}),
        0);
    assert_ok(store_close(store, ERR));
}

static void only_the_newest_row_of_a_path_and_policy_is_read(void **state)
{
    struct sample_folder *at = *state;
    const char *path[] = {"a", "b"};
    struct store_run run = sample_run();
    struct sample_document document;
    struct seen seen = {0};
    struct store *store;
    int64_t run_id;

    sample_store(at->db, path, 2);
    assert_ok(store_open(&store, at->db, STORE_RUN, ERR));
    run.identity.settings = "activations=8";
    assert_ok(store_run_begin(store, &run, &run_id, ERR));
    sample_document(&document, "a", "new");
    assert_ok(store_commit(store, run_id, &document.document, NULL, ERR));
    run.identity.policy_name = "privilege";
    assert_ok(store_run_begin(store, &run, &run_id, ERR));
    sample_document(&document, "b", "b");
    assert_ok(store_commit(store, run_id, &document.document, NULL, ERR));
    assert_ok(store_each_document(store, NULL, note, &seen, ERR));
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.document[0], 3);
    assert_int_equal(seen.document[1], 2);
    assert_int_equal(seen.document[2], 4);
    assert_ok(store_close(store, ERR));
}

static void a_callback_may_stop_the_loop(void **state)
{
    struct sample_folder *at = *state;
    const char *path[] = {"a", "b", "c"};
    struct seen seen = {.stop_after = 2};
    struct store *store;

    sample_store(at->db, path, 3);
    assert_ok(store_open(&store, at->db, STORE_READ, ERR));
    assert_ok(store_each_document(store, NULL, note, &seen, ERR));
    assert_int_equal(seen.count, 2);
    assert_ok(store_close(store, ERR));
}

struct nested {
    struct store *store;
    size_t pairs;
};

static int loop_again(void *arg, const struct store_document *document)
{
    struct nested *nested = arg;

    (void)document;
    nested->pairs += count_with(nested->store, NULL);
    return 0;
}

static void a_callback_may_start_a_loop_of_its_own(void **state)
{
    struct sample_folder *at = *state;
    const char *path[] = {"a", "b", "c"};
    struct nested nested = {0};

    sample_store(at->db, path, 3);
    assert_ok(store_open(&nested.store, at->db, STORE_READ, ERR));
    assert_ok(store_each_document(nested.store, NULL, loop_again, &nested, ERR));
    assert_int_equal(nested.pairs, 9);
    assert_ok(store_close(nested.store, ERR));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sample_setup, sample_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_document_comes_back_as_it_was_committed),
        TEST(documents_come_in_order_of_their_paths_bytes),
        TEST(each_filter_keeps_only_what_fits),
        TEST(only_the_newest_row_of_a_path_and_policy_is_read),
        TEST(a_callback_may_stop_the_loop),
        TEST(a_callback_may_start_a_loop_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
