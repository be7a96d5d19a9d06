/* The log's digests, taken again by hand from the description in schema.sql, and what
 * its bodies say and do not say. */
#include "tests/store/sample.h"

#include <sqlite3.h>

/* ---- the description, followed to the letter ------------------------------------- */

static void le64(struct store_sha256 *sha, int64_t value)
{
    unsigned char byte[8];

    for (int i = 0; i < 8; i++)
        byte[i] = (unsigned char)((uint64_t)value >> (8 * i));
    store_sha256_update(sha, byte, 8);
}

static void str(struct store_sha256 *sha, const char *text)
{
    le64(sha, (int64_t)strlen(text));
    store_sha256_update(sha, text, strlen(text));
}

static void tagged(struct store_sha256 *sha, char tag)
{
    store_sha256_update(sha, &tag, 1);
}

static void digest_by_hand(const struct store_event *event, struct store_digest *out)
{
    struct store_sha256 *sha = store_sha256_new();

    str(sha, "cloister event 1");
    le64(sha, event->event);
    le64(sha, event->time_ms);
    str(sha, event->type);
    le64(sha, event->run);
    le64(sha, event->document);
    str(sha, event->body);
    store_sha256_update(sha, event->rows.byte, 32);
    store_sha256_update(sha, event->previous.byte, 32);
    store_sha256_finish(sha, out);
    store_sha256_free(sha);
}

struct walk {
    int64_t events;
    struct store_digest last;
    char bodies[8][2000];
    char types[8][16];
    struct store_digest rows[8];
};

static int check_event(void *arg, const struct store_event *event)
{
    struct walk *walk = arg;
    struct store_digest digest;

    assert_int_equal(event->event, walk->events + 1);
    assert_memory_equal(&event->previous, &walk->last, sizeof(walk->last));
    digest_by_hand(event, &digest);
    assert_memory_equal(&event->digest, &digest, sizeof(digest));
    assert_true(event->time_ms > 1577836800000);
    assert_true(strlen(event->body) < sizeof(walk->bodies[0]));
    strcpy(walk->bodies[walk->events], event->body);
    strcpy(walk->types[walk->events], event->type);
    walk->rows[walk->events] = event->rows;
    walk->last = digest;
    walk->events++;
    return 0;
}

static struct walk walk_log(const char *db)
{
    struct walk walk = {0};
    struct store *store;

    assert_ok(store_open(&store, db, STORE_READ, ERR));
    assert_ok(store_each_event(store, check_event, &walk, ERR));
    assert_ok(store_close(store, ERR));
    return walk;
}

static void events_are_linked_and_digested_as_described(void **state)
{
    static const char *const path[] = {"a.pdf", "b\xff.pdf"};
    struct sample_folder *at = *state;
    struct walk walk;

    sample_store(at->db, path, 2);
    walk = walk_log(at->db);
    assert_int_equal(walk.events, 4);
    assert_string_equal(walk.types[0], "run_started");
    assert_string_equal(walk.types[1], "document");
    assert_string_equal(walk.types[3], "run_ended");
}

static int64_t ended_ms(const char *db)
{
    sqlite3 *handle;
    sqlite3_stmt *stmt;
    int64_t out;

    assert_int_equal(sqlite3_open(db, &handle), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(handle, "SELECT ended_ms FROM run_end", -1, &stmt, NULL), 0);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    out = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(handle);
    return out;
}

static void the_digest_of_rows_is_as_described(void **state)
{
    static const char *const path[] = {"a.pdf"};
    struct sample_folder *at = *state;
    struct store_sha256 *sha = store_sha256_new();
    struct store_digest digest;
    struct walk walk;

    sample_store(at->db, path, 1);
    walk = walk_log(at->db);
    str(sha, "cloister rows 1");
    tagged(sha, 'T');
    str(sha, "run_end");
    tagged(sha, 'R');
    le64(sha, 6);
    tagged(sha, 'I');
    le64(sha, 1);
    tagged(sha, 'I');
    le64(sha, ended_ms(at->db));
    tagged(sha, 'S');
    str(sha, "complete");
    for (int64_t i = 0; i < 3; i++) {
        tagged(sha, 'I');
        le64(sha, i < 2);
    }
    store_sha256_finish(sha, &digest);
    store_sha256_free(sha);
    assert_memory_equal(&walk.rows[2], &digest, sizeof(digest));
}

/* ---- bodies ---------------------------------------------------------------------- */

static void has(const char *body, const char *part)
{
    if (!strstr(body, part))
        fail_msg("%s\nis not in %s", part, body);
}

static void the_body_of_a_run_names_all_that_decides(void **state)
{
    static const char *const path[] = {"a.pdf"};
    static const char *const part[] = {
        "\"arithmetic_version\":1",
        "\"clock\":\"CLOCK_REALTIME\"",
        "\"encoder\":\"all-minilm-l6-v2.q8_0.gguf\"",
        "\"encoder_sha256\":\"",
        "\"facts\":{\"isa\": \"avx2\", \"threads\": 2}",
        "\"host\":\"reading-room\"",
        "\"identity_sha256\":\"",
        "\"inputs\":[\"contracts\",\"more\xef\xbf\xbd\"]",
        "\"kernel\":\"Linux 6.1\"",
        "\"operator\":\"1000 (mara)\"",
        "\"policy\":\"contracts\"",
        "\"policy_revision\":3",
        "\"policy_sha256\":\"",
        "\"program_sha256\":\"",
        "\"program_version\":\"0.1.0\"",
        "\"settings\":\"activations=16 float=exact\"",
        "\"utc_offset_s\":",
    };
    struct sample_folder *at = *state;
    struct walk walk;

    sample_store(at->db, path, 1);
    walk = walk_log(at->db);
    for (size_t i = 0; i < COUNT(part); i++)
        has(walk.bodies[0], part[i]);
    assert_null(strstr(walk.bodies[0], "model_sha256"));
    has(walk.bodies[2], "{\"documents\":1,\"done\":1,\"run\":1,\"skipped\":0,\"why\":"
                        "\"complete\"}");
}

static void the_body_of_a_document_holds_digests_and_no_text(void **state)
{
    static const char *const path[] = {"b\xff.pdf"};
    struct sample_folder *at = *state;
    struct sample_document sample;
    struct store_digest text;
    char whole[500], hex[65], part[100];
    struct walk walk;

    sample_store(at->db, path, 1);
    walk = walk_log(at->db);
    sample_document(&sample, path[0], path[0]);
    snprintf(whole, sizeof(whole), "%s%s", sample.text[0], sample.text[1]);
    store_digest_of(whole, strlen(whole), &text);
    store_digest_hex(&text, hex);
    snprintf(part, sizeof(part), "\"text_sha256\":\"%s\"", hex);
    has(walk.bodies[1], part);
    store_digest_hex(&sample.document.digest, hex);
    snprintf(part, sizeof(part), "\"sha256\":\"%s\"", hex);
    has(walk.bodies[1], part);
    has(walk.bodies[1], "\"path\":\"b\xef\xbf\xbd.pdf\",\"path_hex\":\"62ff2e706466\"");
    has(walk.bodies[1], "\"outcome\":\"ok\"");
    has(walk.bodies[1], "\"decision\":\"file\"");
    assert_null(strstr(walk.bodies[1], "License"));
    assert_null(strstr(walk.bodies[1], "ignore"));
    assert_null(strstr(walk.bodies[1], "Agreement"));
}

/* Keys of each object rise, so that equal bodies are equal bytes. */
static void bodies_are_json_with_rising_keys(void **state)
{
    static const char *const path[] = {"a.pdf"};
    struct sample_folder *at = *state;
    sqlite3_stmt *stmt;
    sqlite3 *handle;

    sample_store(at->db, path, 1);
    assert_int_equal(sqlite3_open(at->db, &handle), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(
            handle,
            "SELECT count(*), sum(json_valid(body)), sum((SELECT group_concat(key) FROM "
            "json_each(body)) = (SELECT group_concat(key) FROM (SELECT key FROM "
            "json_each(body) ORDER BY key))) FROM event",
            -1, &stmt, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(stmt, 0), 3);
    assert_int_equal(sqlite3_column_int(stmt, 1), 3);
    assert_int_equal(sqlite3_column_int(stmt, 2), 3);
    sqlite3_finalize(stmt);
    sqlite3_close(handle);
}

static int stop_at_once(void *arg, const struct store_event *event)
{
    (void)event;
    return ++*(int *)arg;
}

static void a_callback_may_stop_the_log(void **state)
{
    static const char *const path[] = {"a.pdf"};
    struct sample_folder *at = *state;
    struct store *store;
    int calls = 0;

    sample_store(at->db, path, 1);
    assert_ok(store_open(&store, at->db, STORE_READ, ERR));
    assert_ok(store_each_event(store, stop_at_once, &calls, ERR));
    assert_int_equal(calls, 1);
    assert_ok(store_close(store, ERR));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sample_setup, sample_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_are_linked_and_digested_as_described),
        TEST(the_digest_of_rows_is_as_described),
        TEST(the_body_of_a_run_names_all_that_decides),
        TEST(the_body_of_a_document_holds_digests_and_no_text),
        TEST(bodies_are_json_with_rising_keys),
        TEST(a_callback_may_stop_the_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
