/* Words are found as words, whatever characters a user types. */
#include "tests/store/sample.h"

struct hits {
    size_t count;
    int64_t document, chunk;
    char path[64], snippet[400];
    int stop_after;
};

static int note(void *arg, const struct store_hit *hit)
{
    struct hits *hits = arg;

    hits->count++;
    hits->document = hit->document;
    hits->chunk = hit->chunk;
    snprintf(hits->path, sizeof(hits->path), "%s", hit->path);
    snprintf(hits->snippet, sizeof(hits->snippet), "%s", hit->snippet);
    return hits->stop_after && (int)hits->count == hits->stop_after;
}

static int setup(void **state)
{
    static const char *const path[] = {"apples.pdf", "pears.pdf"};
    int status = sample_setup(state);

    sample_store(((struct sample_folder *)*state)->db, path, 2);
    return status;
}

static struct hits search(void **state, const char *words)
{
    struct sample_folder *at = *state;
    struct hits hits = {0};
    struct store *store;

    assert_ok(store_open(&store, at->db, STORE_READ, ERR));
    assert_ok(store_search(store, words, note, &hits, ERR));
    assert_ok(store_close(store, ERR));
    return hits;
}

static void every_word_must_occur(void **state)
{
    assert_int_equal(search(state, "license").count, 2);
    assert_int_equal(search(state, "license parties").count, 2);
    assert_int_equal(search(state, "license pears").count, 1);
    assert_int_equal(search(state, "license royalties").count, 0);
    assert_int_equal(search(state, "LICENSE").count, 2);
    assert_int_equal(search(state, "naive").count, 2);
}

static void quoted_words_occur_together(void **state)
{
    assert_int_equal(search(state, "\"between the parties\"").count, 2);
    assert_int_equal(search(state, "\"parties the between\"").count, 0);
    assert_int_equal(search(state, "\"between the\" pears").count, 1);
    assert_int_equal(search(state, "\"between the").count, 2);
    assert_int_equal(search(state, "the\"between the\"").count, 2);
}

static void syntax_of_the_index_is_only_words(void **state)
{
    assert_int_equal(search(state, "license OR royalties").count, 0);
    assert_int_equal(search(state, "NOT license").count, 0);
    assert_int_equal(search(state, "licen*").count, 0);
    assert_int_equal(search(state, "text:license").count, 0);
    assert_int_equal(search(state, "^license").count, 2);
    assert_int_equal(search(state, "NEAR(license parties)").count, 0);
    assert_int_equal(search(state, "(license").count, 2);
    assert_int_equal(search(state, "license - parties").count, 2);
    assert_int_equal(search(state, "license '; DROP TABLE chunk --").count, 0);
    assert_int_equal(search(state, "license \xff\xfe").count, 2);
}

static void a_hit_says_where_and_shows_the_words(void **state)
{
    struct hits hits = search(state, "royalties pears");

    assert_int_equal(hits.count, 1);
    assert_int_equal(hits.document, 2);
    assert_int_equal(hits.chunk, 2);
    assert_string_equal(hits.path, "pears.pdf");
    assert_non_null(strstr(hits.snippet, "[royalties]"));
    assert_null(strchr(hits.snippet, '\n'));
}

static void control_characters_do_not_reach_the_snippet(void **state)
{
    struct sample_folder *at = *state;
    struct sample_document document;
    struct store_run run = sample_run();
    struct store *store;
    struct hits hits;
    int64_t run_id;

    sample_document(&document, "evil.pdf", "evil");
    document.chunk[0].text = "terminal \x1b[31m red\x07 \xc2\x9b"
                             "31m \x7f zebra and so on and on";
    document.chunk[0].text_bytes = strlen(document.chunk[0].text);
    assert_ok(store_open(&store, at->db, STORE_RUN, ERR));
    assert_ok(store_run_begin(store, &run, &run_id, ERR));
    assert_ok(store_commit(store, run_id, &document.document, NULL, ERR));
    assert_ok(store_close(store, ERR));
    hits = search(state, "zebra");
    assert_int_equal(hits.count, 1);
    assert_string_equal(hits.snippet,
                        "terminal  [31m red   31m   [zebra] and so on and on");
}

static void only_newest_rows_are_found(void **state)
{
    struct sample_folder *at = *state;
    struct sample_document document;
    struct store_run run = sample_run();
    struct store *store;
    int64_t run_id;

    assert_int_equal(search(state, "pears license").count, 1);
    assert_ok(store_open(&store, at->db, STORE_RUN, ERR));
    assert_ok(store_run_begin(store, &run, &run_id, ERR));
    sample_document(&document, "pears.pdf", "quinces");
    assert_ok(store_commit(store, run_id, &document.document, NULL, ERR));
    assert_ok(store_close(store, ERR));
    assert_int_equal(search(state, "pears license").count, 0);
    assert_int_equal(search(state, "quinces license").count, 1);
}

static void a_callback_may_stop_the_search(void **state)
{
    struct sample_folder *at = *state;
    struct hits hits = {.stop_after = 1};
    struct store *store;

    assert_ok(store_open(&store, at->db, STORE_READ, ERR));
    assert_ok(store_search(store, "license", note, &hits, ERR));
    assert_int_equal(hits.count, 1);
    assert_ok(store_close(store, ERR));
}

static void what_the_index_cannot_hold_is_refused_not_sought(void **state)
{
    static const char *const symbol[] = {"\xC2\xA7",       "\xE2\x82\xAC",
                                         "\xE2\x80\x94",   "\xF0\x9F\x98\x80",
                                         "\xE2\x9C\x93 -", "\"\xC2\xA7 \xE2\x80\x9C\""};
    struct sample_folder *at = *state;
    struct store_error err;
    struct store *store;
    char words[64];

    for (size_t i = 0; i < sizeof(symbol) / sizeof(symbol[0]); i++) {
        assert_ok(store_open(&store, at->db, STORE_READ, ERR));
        assert_int_equal(store_search(store, symbol[i], note, &(struct hits){0}, &err),
                         STORE_EINVALID);
        assert_non_null(strstr(err.text, "letters and digits"));
        assert_ok(store_close(store, ERR));
        snprintf(words, sizeof(words), "license %s parties", symbol[i]);
        assert_int_equal(search(state, words).count, 2);
    }
    assert_int_equal(search(state, "\xC3\xA9t\xC3\xA9").count, 0);
}

static int search_many(struct store *store, size_t words)
{
    char text[256] = "";

    for (size_t i = 0; i < words; i++)
        strcat(text, "a ");
    return store_search(store, text, note, &(struct hits){0}, NULL);
}

static void too_many_words_or_none_are_refused(void **state)
{
    struct sample_folder *at = *state;
    struct store *store;
    char *huge = calloc(1, 4098);

    assert_non_null(huge);
    assert_ok(store_open(&store, at->db, STORE_READ, ERR));
    assert_int_equal(search_many(store, 0), STORE_EINVALID);
    assert_int_equal(store_search(store, "\" \" - (*)", note, &(struct hits){0}, NULL),
                     STORE_EINVALID);
    assert_int_equal(search_many(store, 63), STORE_OK);
    assert_int_equal(search_many(store, 64), STORE_OK);
    assert_int_equal(search_many(store, 65), STORE_EINVALID);
    memset(huge, 'a', 4096);
    assert_int_equal(store_search(store, huge, note, &(struct hits){0}, NULL),
                     STORE_OK);
    huge[4096] = 'a';
    assert_int_equal(store_search(store, huge, note, &(struct hits){0}, NULL),
                     STORE_EINVALID);
    assert_ok(store_close(store, ERR));
    free(huge);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, sample_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_word_must_occur),
        TEST(quoted_words_occur_together),
        TEST(syntax_of_the_index_is_only_words),
        TEST(a_hit_says_where_and_shows_the_words),
        TEST(control_characters_do_not_reach_the_snippet),
        TEST(only_newest_rows_are_found),
        TEST(a_callback_may_stop_the_search),
        TEST(too_many_words_or_none_are_refused),
        TEST(what_the_index_cannot_hold_is_refused_not_sought),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
